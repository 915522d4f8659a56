package intr

import (
	"math"
	"math/rand/v2"
	"strings"
)

// Part names the part of the network that a tensor belongs to: "stem", "layer1" …
// "layer4", "positions", "input_proj", "encoder", "decoder", "queries" or "presence".
func (p Param) Part() string {
	const body = "backbone.0.body."
	switch rest, inBody := strings.CutPrefix(p.Key, body); {
	case inBody && strings.HasPrefix(rest, "layer"):
		return rest[:len("layer1")]
	case inBody:
		return "stem"
	case strings.HasPrefix(p.Key, "backbone.1."):
		return "positions"
	case strings.HasPrefix(p.Key, "transformer.encoder."):
		return "encoder"
	case strings.HasPrefix(p.Key, "transformer.decoder."):
		return "decoder"
	case strings.HasPrefix(p.Key, "query_embed."):
		return "queries"
	case strings.HasPrefix(p.Key, "presence_vector."):
		return "presence"
	}
	return "input_proj"
}

// BatchNorm says whether it is one of a BatchNorm's four vectors, which are buffers
// in PyTorch.
func (p Param) BatchNorm() bool {
	return strings.Contains(p.Key, ".bn") || strings.Contains(p.Key, ".downsample.1.")
}

// Initial are PyTorch's initial weights, by key and in PyTorch's layout, the same for
// the same seed: Kaiming's normal distribution for the ResNet's convolutions, Xavier's
// uniform one for the matrices of the transformer as in DETR, torch.nn's defaults for
// the rest. The BatchNorms are the identity.
func Initial(c Config, seed int64) map[string][]float32 {
	values := map[string][]float32{}
	random := rand.New(rand.NewPCG(uint64(seed), 'n'))
	fanIn := 0 // of the weight that a bias comes after
	for _, p := range Params(c) {
		if strings.HasSuffix(p.Key, "weight") {
			fanIn = p.Len() / p.Shape[0]
		}
		values[p.Key] = p.initial(fanIn, random)
	}
	return values
}

func (p Param) initial(fanIn int, random *rand.Rand) []float32 {
	bias := strings.HasSuffix(p.Key, "bias")
	switch part := p.Part(); {
	case p.BatchNorm():
		return constant(p.Len(), strings.HasSuffix(p.Key, ".weight") || strings.HasSuffix(p.Key, ".running_var"))
	case strings.Contains(p.Key, "norm"): // LayerNorm
		return constant(p.Len(), !bias)
	case strings.Contains(p.Key, "_attn.") && bias:
		return constant(p.Len(), false)
	case strings.HasPrefix(p.Key, "backbone.0."): // kaiming_normal_ by what a convolution puts out
		return normal(random, p.Len(), math.Sqrt(2/float64(p.Shape[0]*p.Shape[2]*p.Shape[3])))
	case part == "queries":
		return normal(random, p.Len(), 1)
	case part == "positions":
		values := uniform(random, p.Len(), 0.5)
		for i := range values {
			values[i] += 0.5
		}
		return values
	case bias, part == "input_proj", part == "presence": // as torch.nn.Linear and Conv2d
		return uniform(random, p.Len(), 1/math.Sqrt(float64(fanIn)))
	}
	return uniform(random, p.Len(), xavier(p.Shape[0], p.Shape[1]))
}

// xavier is the bound of the uniform distribution for a matrix [out, in].
func xavier(out, in int) float64 { return math.Sqrt(6 / float64(out+in)) }

func constant(n int, one bool) []float32 {
	values := make([]float32, n)
	if one {
		for i := range values {
			values[i] = 1
		}
	}
	return values
}

func uniform(random *rand.Rand, n int, bound float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32((2*random.Float64() - 1) * bound)
	}
	return values
}

func normal(random *rand.Rand, n int, deviation float64) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(random.NormFloat64() * deviation)
	}
	return values
}
