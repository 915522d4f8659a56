package train

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gointr/gointr/pkg/intr"
)

// A training step is two graphs. The first, one for every size of canvas,
// computes loss and gradients and leaves the weights alone; the second, compiled
// once, is AdamW. Between the two the loss and the gradients' norm are looked at,
// so that nothing that is not finite reaches the weights.

// inputs of the first graph: b pictures.
type inputs struct {
	pixels  *Node   // [b, height, width, 3]
	cells   *Node   // [b, rows, cols], true where a picture is
	classes *Node   // [b] int32
	shares  *Node   // [b] of each picture in the loss: 1/b, and 0 where the batch was filled up
	canvas  *Node   // [b, 2] int32, the batch's own; nil where it is the graph's
	key     *Node   // of dropout [2] uint32; nil without
	sums    []*Node // gradients to add to, of each trained tensor; nil where there are none yet
}

// take gives the inputs their names, in the order of Trainer.arguments.
func (k graphKind) take(nodes []*Node) inputs {
	in := inputs{pixels: nodes[0], cells: nodes[1], classes: nodes[2], shares: nodes[3]}
	nodes = nodes[4:]
	if k.padded {
		in.canvas, nodes = nodes[0], nodes[1:]
	}
	if k.dropout {
		in.key, nodes = nodes[0], nodes[1:]
	}
	in.sums = nodes
	return in
}

// graphKind tells the first graphs apart.
type graphKind struct{ training, padded, dropout, adds bool }

// crossEntropy of logits [b, classes]: the mean over the pictures (a scalar), and
// how many of them have their class first and among the first five [2].
func crossEntropy(logits *Node, in inputs, smoothing float64) (loss, correct *Node) {
	b, classes := logits.Shape().Dim(0), logits.Shape().Dim(1)
	logits = Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, -1)))
	logProbabilities := Sub(logits, Log(ReduceAndKeep(Exp(logits), ReduceSum, -1)))
	truth := OneHot(in.classes, classes, logits.DType()) // [b, classes]
	target := truth
	if smoothing > 0 {
		target = AddScalar(MulScalar(truth, 1-smoothing), smoothing/float64(classes))
	}
	loss = Neg(ReduceAllSum(Mul(Mul(target, logProbabilities), Reshape(in.shares, b, 1))))
	// The class's place, from 0: of equal logits the first counts, as torch.topk has it.
	own := ReduceAndKeep(Mul(truth, logits), ReduceSum, -1)
	earlier := LessThan(Iota(logits.Graph(), shapes.Make(dtypes.Int32, b, classes), 1), Reshape(in.classes, b, 1))
	before := LogicalOr(GreaterThan(logits, own), LogicalAnd(Equal(logits, own), earlier))
	place := ReduceSum(ConvertDType(before, dtypes.Int32), -1) // [b]
	real := GreaterThan(in.shares, ScalarZero(in.shares.Graph(), in.shares.DType()))
	within := func(n float64) *Node {
		right := LogicalAnd(LessThan(place, Scalar(place.Graph(), dtypes.Int32, n)), real)
		return ReduceAllSum(ConvertDType(right, dtypes.Float32))
	}
	return loss, Stack([]*Node{within(1), within(5)}, 0)
}

// gradients is the first graph: the loss, the number of right answers and the
// squared norm of each trained tensor's gradient [parameters], then the gradients
// and, where they are asked for, the statistics of the BatchNorms.
func (t *Trainer) gradients(in inputs) []*Node {
	g := in.pixels.Graph()
	training := intr.Training{
		Dropout:   t.settings.Dropout,
		Key:       in.key,
		Recompute: t.settings.Recompute,
		BFloat16:  t.settings.BFloat16,
		Stem:      !slices.Contains(t.settings.Frozen, "stem") && !slices.Contains(t.settings.Frozen, "backbone"),
	}
	statistics := map[string]*Node{}
	if t.settings.TrainBatchNorm {
		training.Statistics = func(bn string, mean, variance *Node) {
			statistics[bn+".running_mean"], statistics[bn+".running_var"] = mean, variance
		}
	}
	logits := t.model.ForwardTraining(in.pixels, in.cells, in.canvas, &training)
	loss, correct := crossEntropy(logits, in, t.settings.LabelSmoothing)
	if t.settings.Accumulate > 1 {
		loss = DivScalar(loss, float64(t.settings.Accumulate))
	}
	weights := make([]*Node, len(t.params))
	for i, p := range t.params {
		weights[i] = t.model.Weight(g, p.Key)
	}
	gradients := Gradient(loss, weights...)
	squares := make([]*Node, len(t.params))
	for i := range gradients {
		if len(in.sums) > 0 {
			gradients[i] = Add(gradients[i], in.sums[i])
		}
		squares[i] = sumOfSquares(gradients[i])
	}
	results := append([]*Node{loss, correct, Stack(squares, 0)}, gradients...)
	for _, p := range t.running {
		results = append(results, statistics[p.Key])
	}
	return results
}

// sumOfSquares adds along one axis at a time, which rounds less than adding
// everything to one number.
func sumOfSquares(x *Node) *Node {
	x = Square(x)
	for x.Rank() > 0 {
		x = ReduceSum(x, -1)
	}
	return x
}

// PyTorch's defaults for AdamW.
const (
	beta1 = 0.9
	beta2 = 0.999
	eps   = 1e-8
)

// adamW is one of the second graphs (Loshchilov and Hutter, ICLR 2019, algorithm
// 2, in the order of torch.optim.AdamW's operations), for the trained tensors from
// first on. numbers [2+2*groups] are what the gradients are multiplied with,
// sqrt(1 - beta2^t), and of each group lr/(1 - beta1^t) and 1 - lr*weight_decay.
// It gives the new weight and moments of each tensor.
func (t *Trainer) adamW(numbers *Node, first int, gradients []*Node) (results []*Node) {
	g := numbers.Graph()
	number := func(i int) *Node { return Reshape(Slice(numbers, AxisElem(i))) }
	clip, root := number(0), number(1)
	for i, gradient := range gradients {
		p := t.params[first+i]
		mean, square := t.moments(p)
		gradient = Mul(gradient, clip)
		m := mean.NodeValue(g)
		m = Add(m, MulScalar(Sub(gradient, m), 1-beta1))
		s := Add(MulScalar(square.NodeValue(g), beta2), MulScalar(Square(gradient), 1-beta2))
		w := Mul(t.variable(p.Key).NodeValue(g), number(3+2*p.group))
		w = Sub(w, Mul(number(2+2*p.group), Div(m, AddScalar(Div(Sqrt(s), root), eps))))
		results = append(results, w, m, s)
	}
	return results
}

// follow moves the running statistics of BatchNorm towards those of the batch.
func (t *Trainer) follow(statistics []*Node) (results []*Node) {
	for i, now := range statistics {
		running := t.variable(t.running[i].Key).NodeValue(now.Graph())
		results = append(results, Add(MulScalar(running, 1-momentum), MulScalar(now, momentum)))
	}
	return results
}

// momentum of the running statistics, PyTorch's default.
const momentum = 0.1

func (t *Trainer) variable(key string) *model.Variable {
	return t.model.Store().GetVariable(intr.Path(key))
}
