package intr

import (
	"math"
	"math/rand/v2"
	"slices"
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
	filled := func(next func() float64) []float32 {
		values := make([]float32, p.Len())
		for i := range values {
			values[i] = float32(next())
		}
		return values
	}
	uniform := func(bound float64) []float32 {
		return filled(func() float64 { return (2*random.Float64() - 1) * bound })
	}
	normal := func(deviation float64) []float32 {
		return filled(func() float64 { return random.NormFloat64() * deviation })
	}
	bias, norm := strings.HasSuffix(p.Key, "bias"), p.BatchNorm() || strings.Contains(p.Key, "norm")
	switch part := p.Part(); {
	case strings.HasSuffix(p.Key, ".running_mean"), bias && (norm || strings.Contains(p.Key, "_attn.")):
		return make([]float32, p.Len())
	case norm:
		return slices.Repeat([]float32{1}, p.Len())
	case strings.HasPrefix(p.Key, "backbone.0."): // kaiming_normal_ by what a convolution puts out
		return normal(math.Sqrt(2 / float64(p.Shape[0]*p.Shape[2]*p.Shape[3])))
	case part == "queries":
		return normal(1)
	case part == "positions":
		values := uniform(0.5)
		for i := range values {
			values[i] += 0.5
		}
		return values
	case bias, part == "input_proj", part == "presence": // as torch.nn.Linear and Conv2d
		return uniform(1 / math.Sqrt(float64(fanIn)))
	}
	return uniform(math.Sqrt(6 / float64(p.Shape[0]+p.Shape[1]))) // Xavier's
}
