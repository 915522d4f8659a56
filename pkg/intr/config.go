package intr

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/pkg/torchfile"
)

// Config is the architecture of one INTR: a ResNet, a transformer of DETR's
// shape, one query a class (Paul et al., ICLR 2024, section 3; the names in
// brackets are those of the published scripts).
type Config struct {
	Backbone string `json:"backbone"` // "resnet50" [backbone], or "resnet" where the sizes are nobody's
	// residual blocks in layer1 … layer4: 3, 4, 6, 3 in a ResNet-50; zeros at the end leave layers out
	Blocks        [4]int `json:"blocks"`
	Bottleneck    bool   `json:"bottleneck"`         // three convolutions a block (ResNet-50 and deeper) instead of two
	Width         int    `json:"width"`              // channels after the stem: 64 in every published ResNet
	Dilation      bool   `json:"dilation"`           // DC5: layer4 keeps layer3's resolution, stride 16 [dilation]
	Positions     string `json:"position_embedding"` // "sine" or "learned" [position_embedding]
	HiddenDim     int    `json:"hidden_dim"`         // width of the transformer [hidden_dim]
	Heads         int    `json:"nheads"`             // attention heads [nheads]
	EncoderLayers int    `json:"enc_layers"`         // [enc_layers]
	DecoderLayers int    `json:"dec_layers"`         // [dec_layers]
	FeedForward   int    `json:"dim_feedforward"`    // inner width of the feed-forward blocks [dim_feedforward]
	PreNorm       bool   `json:"pre_norm"`           // LayerNorm before each block instead of after [pre_norm]
	Classes       int    `json:"num_queries"`        // one query a class [num_queries]
	// EvalSize is the short side, in pixels, that pictures are resized to for the
	// network: 800 in every published INTR, and 0 means that. No published script
	// has it; a checkpoint trained here on smaller pictures has it as eval_size
	// among its args.
	EvalSize int `json:"eval_size"`
	// Upright turns the pictures of files as they say (picture.OpenUpright), which the published code does not. A model
	// that was trained so has it among its options.
	Upright bool `json:"upright,omitempty"`
}

const publishedEvalSize = 800

// The short sides that pictures can be resized to. The session is sent no
// pictures larger than the published shape has at the greatest.
const (
	leastEvalSize    = 16
	greatestEvalSize = 1536
)

var backbones = []struct {
	name       string
	blocks     [4]int
	bottleneck bool
}{
	{"resnet18", [4]int{2, 2, 2, 2}, false},
	{"resnet34", [4]int{3, 4, 6, 3}, false},
	{"resnet50", [4]int{3, 4, 6, 3}, true},
	{"resnet101", [4]int{3, 4, 23, 3}, true},
}

// SetBackbone takes the sizes of a ResNet by torchvision's name [backbone]. The error names those that there are.
func (c *Config) SetBackbone(name string) error {
	var names []string
	for _, b := range backbones {
		if b.name == name {
			c.Backbone, c.Blocks, c.Bottleneck, c.Width = name, b.blocks, b.bottleneck, 64
			return nil
		}
		names = append(names, b.name)
	}
	return fmt.Errorf("there is no backbone %q: choose among %s", name, strings.Join(names, ", "))
}

// Stride is how many pixels of the network's input lie under one cell of the
// feature map, in each direction: 32, or 16 with dilation, or 16 where the
// backbone ends with layer3 (8 with layer2, 4 with layer1).
func (c Config) Stride() int {
	if c.Dilation {
		return 16
	}
	return 2 << c.stages()
}

// stages is how many of layer1 … layer4 the backbone has.
func (c Config) stages() int {
	n := len(c.Blocks)
	for n > 1 && c.Blocks[n-1] == 0 {
		n--
	}
	return n
}

// What no INTR comes near to: numbers beyond are a slip, or a file that lies.
const (
	mostLayers  = 1000
	widestLayer = 1 << 20
	mostParams  = 1 << 33 // 32 GB of float32
)

// Check says in one sentence what no INTR can have, or nil.
func (c Config) Check() error {
	n := c.stages()
	switch {
	case max(c.EncoderLayers, c.DecoderLayers, slices.Max(c.Blocks[:])) > mostLayers,
		max(c.Width, c.HiddenDim, c.FeedForward, c.Classes) > widestLayer:
		return fmt.Errorf("no such network can be made: %d and %d layers, blocks %v and widths %d, %d and %d for %d "+
			"classes; %d layers and a width of %d are the most", c.EncoderLayers, c.DecoderLayers, c.Blocks, c.Width,
			c.HiddenDim, c.FeedForward, c.Classes, mostLayers, widestLayer)
	case slices.Min(c.Blocks[:n]) < 1 || c.Width < 1:
		return fmt.Errorf("a ResNet with blocks %v and width %d cannot be built: every layer up to the last needs a "+
			"block", c.Blocks, c.Width)
	case c.DecoderLayers < 1 || c.EncoderLayers < 0:
		return fmt.Errorf("a transformer of %d encoder and %d decoder layers cannot answer: one decoder layer is the "+
			"least", c.EncoderLayers, c.DecoderLayers)
	case c.Classes < 1 || c.FeedForward < 1:
		return fmt.Errorf("%d classes and feed-forward blocks of width %d make no model: both must be 1 at least",
			c.Classes, c.FeedForward)
	case c.Positions != "sine" && c.Positions != "learned":
		return fmt.Errorf("positions %q are unknown: they are sine or learned", c.Positions)
	case c.Heads < 1 || c.HiddenDim < 1 || c.HiddenDim%c.Heads != 0:
		return fmt.Errorf("width %d cannot be shared by %d attention heads", c.HiddenDim, c.Heads)
	case c.Positions == "sine" && c.HiddenDim%4 != 0:
		return fmt.Errorf("sine positions need a width that is a multiple of 4, and the width is %d", c.HiddenDim)
	case c.Positions == "learned" && c.HiddenDim%2 != 0:
		return fmt.Errorf("learned positions need an even width, and the width is %d", c.HiddenDim)
	case c.Dilation && (!c.Bottleneck || n != len(c.Blocks)):
		return fmt.Errorf("dilation (DC5) needs a ResNet-50 or deeper with its layer4, and this backbone is a %s",
			c.Backbone)
	case c.EvalSize != 0 && (c.EvalSize < leastEvalSize || c.EvalSize > greatestEvalSize):
		return fmt.Errorf("pictures cannot be resized to a short side of %d pixels (eval_size): %d to %d are possible",
			c.EvalSize, leastEvalSize, greatestEvalSize)
	}
	params := 0.0
	for _, p := range Params(c) {
		n := 1.0
		for _, size := range p.Shape {
			n *= float64(size)
		}
		params += n
	}
	if params > mostParams {
		return fmt.Errorf(
			"a network of %.3g parameters is too large: %.3g are the most (width %d, feed-forward %d, %d "+
				"classes)", params, float64(mostParams), c.HiddenDim, c.FeedForward, c.Classes)
	}
	return nil
}

// String says the architecture in one line.
func (c Config) String() string {
	s := c.Backbone
	if c.Dilation {
		s += "-DC5"
	}
	norm := ""
	if c.PreNorm {
		norm = ", pre-norm"
	}
	size := ""
	if c.EvalSize != 0 && c.EvalSize != publishedEvalSize {
		size = fmt.Sprintf(", pictures of %d pixels", c.EvalSize)
	}
	return fmt.Sprintf("INTR %s, %d encoder and %d decoder layers, %d heads, width %d, %s positions%s, %d classes%s",
		s, c.EncoderLayers, c.DecoderLayers, c.Heads, c.HiddenDim, c.Positions, norm, c.Classes, size)
}

// channels are those that layer stage (0 to 3) puts out.
func (c Config) channels(stage int) int {
	if c.Bottleneck {
		return c.planes(stage) * 4
	}
	return c.planes(stage)
}

// planes is torchvision's word for the inner width of a block.
func (c Config) planes(stage int) int { return c.Width << stage }

// ErrDETR is what Inspect says of the checkpoint that training starts from: it
// gives its tensors and its architecture, too, with as many classes as queries.
var ErrDETR = errors.New(
	"this is a DETR, which finds boxes and has no class queries: it is what fine-tuning starts from, not a model " +
		"to predict with",
)

// argsOf gives what a checkpoint says of its architecture: what the script that wrote it had for options, and, where
// they do not tell, what the modules of a model have that was saved whole. nil where there is nothing.
func argsOf(f *torchfile.File) *torchfile.Dict {
	args := optionsOf(f)
	told := &torchfile.Dict{}
	if args != nil {
		for name, value := range args.All() {
			told.Set(name, value)
		}
	}
	seen, n := map[*torchfile.Dict]bool{}, told.Len()
	var visit func(v any)
	visit = func(v any) {
		d, ok := v.(*torchfile.Dict)
		if o, isObject := v.(*torchfile.Object); isObject {
			d, ok = o.Fields, true
			heads, dilation := arg(d, "num_heads", int64(0)), arg(d, "dilation", torchfile.Tuple{})
			if _, known := told.Get("nheads"); heads > 0 && !known {
				told.Set("nheads", heads)
			}
			if _, known := told.Get("dilation"); !known && slices.Contains(dilation, any(int64(2))) {
				told.Set("dilation", true)
			}
		}
		if !ok || seen[d] {
			return
		}
		seen[d] = true
		for _, value := range d.All() {
			visit(value)
		}
	}
	visit(f.Value())
	if told.Len() == n {
		return args
	}
	return told
}

// optionsOf gives the options of the script that wrote a checkpoint, which the published ones save as "args" and others
// under "hyper_parameters", "config" and more: the dict or object nearest to the root that has one of those that no
// shape tells. nil where there is none.
func optionsOf(f *torchfile.File) *torchfile.Dict {
	if text, ok := f.Metadata["args"]; ok {
		return argsFromJSON(text)
	}
	const most = 10_000 // values that are looked at
	next := []any{f.Value()}
	var found *torchfile.Dict
	for i := 0; i < len(next) && i < most; i++ {
		d, ok := next[i].(*torchfile.Dict)
		if o, isObject := next[i].(*torchfile.Object); isObject {
			d, ok = o.Fields, true
		}
		if !ok {
			continue
		}
		if _, heads := d.Get("nheads"); heads {
			return d
		}
		for _, name := range []string{"dilation", "eval_size", "upright", "hidden_dim", ClassNamesArg} {
			if _, has := d.Get(name); has && found == nil {
				found = d
			}
		}
		for key, value := range d.All() {
			if len(next) >= most {
				break
			}
			if i == 0 && key == "args" { // looked at first, and what there is where none has any of these
				next = slices.Insert(next, 1, value)
				continue
			}
			next = append(next, value)
		}
	}
	if found == nil && len(next) > 1 {
		if root, ok := next[0].(*torchfile.Dict); ok {
			switch args, _ := root.Get("args"); args := args.(type) {
			case *torchfile.Dict:
				return args
			case *torchfile.Object:
				return args.Fields
			}
		}
	}
	return found
}

// The first weight of every block of the ResNet and of every layer of the transformer.
var blockKey = regexp.MustCompile(`^(.+)\.(\d+)\.(conv1|linear1)\.weight$`)

// configOf reads the architecture from the shapes of the tensors, which cannot
// disagree with them, and from args what no shape tells: heads and dilation. What is
// asked for is as InspectAs has it.
func configOf(state map[string]*torchfile.Tensor, args *torchfile.Dict, asked Config) (Config, error) {
	shape := func(key string, rank int) ([]int, error) {
		t, ok := state[key]
		if !ok {
			return nil, fmt.Errorf("tensor %s is missing", key)
		}
		if err := t.Check(); err != nil {
			return nil, err
		}
		if len(t.Shape) != rank || slices.Contains(t.Shape, 0) {
			return nil, fmt.Errorf("tensor %s has shape %v, which no INTR has", key, t.Shape)
		}
		return t.Shape, nil
	}
	c := Config{Backbone: "resnet", Positions: "sine"}
	embedding, err := shape(queries, 2)
	if err != nil {
		return c, err
	}
	c.Classes, c.HiddenDim = embedding[0], embedding[1]
	stem, err := shape("backbone.0.body.conv1.weight", 4)
	if err != nil {
		return c, err
	}
	c.Width = stem[0]
	_, c.Bottleneck = state["backbone.0.body.layer1.0.conv3.weight"]
	counts := map[string]*int{
		"transformer.encoder.layers": &c.EncoderLayers, "transformer.decoder.layers": &c.DecoderLayers,
	}
	for i := range c.Blocks {
		counts[fmt.Sprintf("backbone.0.body.layer%d", i+1)] = &c.Blocks[i]
	}
	for key := range state {
		if m := blockKey.FindStringSubmatch(key); m != nil && counts[m[1]] != nil {
			number, _ := strconv.Atoi(m[2])
			*counts[m[1]] = max(*counts[m[1]], number+1)
		}
	}
	if most := max(slices.Max(c.Blocks[:]), c.EncoderLayers, c.DecoderLayers); most > 200 {
		return c, fmt.Errorf("the names of its tensors ask for %d layers in a row, which no INTR has", most)
	}
	for _, b := range backbones {
		if b.blocks == c.Blocks && b.bottleneck == c.Bottleneck && c.Width == 64 {
			c.Backbone = b.name
		}
	}
	if c.DecoderLayers == 0 {
		return c, fmt.Errorf("tensor transformer.decoder.layers.0.linear1.weight is missing")
	}
	inner, err := shape("transformer.decoder.layers.0.linear1.weight", 2)
	if err != nil {
		return c, err
	}
	c.FeedForward = inner[0]
	_, c.PreNorm = state["transformer.encoder.norm.weight"]
	if c.EncoderLayers == 0 {
		c.PreNorm = arg(args, "pre_norm", c.PreNorm)
	}
	if _, ok := state["backbone.1.row_embed.weight"]; ok {
		c.Positions = "learned"
	}
	c.Heads = int(arg(args, "nheads", int64(cmp.Or(asked.Heads, 8))))
	c.Dilation = arg(args, "dilation", asked.Dilation)
	c.EvalSize = cmp.Or(asked.EvalSize, int(arg(args, "eval_size", int64(publishedEvalSize))))
	c.Upright = asked.Upright || arg(args, "upright", false)
	return c, cmp.Or(c.contradicts(asked), c.Check())
}

// option is a published option of an architecture.
type option struct {
	name  string
	value any
}

// options are those that tell the shapes of the transformer.
func (c Config) options() []option {
	return []option{
		{"dilation", c.Dilation}, {"position_embedding", c.Positions}, {"hidden_dim", int64(c.HiddenDim)},
		{"nheads", int64(c.Heads)}, {"enc_layers", int64(c.EncoderLayers)}, {"dec_layers", int64(c.DecoderLayers)},
		{"dim_feedforward", int64(c.FeedForward)}, {"pre_norm", c.PreNorm},
	}
}

// contradicts names what an architecture has other than it was asked for.
func (c Config) contradicts(asked Config) error {
	whole := func(c Config) []option {
		return append([]option{{"blocks", c.Blocks}, {"width", c.Width}, {"backbone", c.Backbone},
			{"num_queries", c.Classes}}, c.options()...)
	}
	has := whole(c)
	for i, a := range whole(asked) {
		if !reflect.ValueOf(a.value).IsZero() && a.value != has[i].value {
			return fmt.Errorf("%s %v was asked for, and the model that it holds has %v: leave it out, or train from "+
				"nothing", a.name, a.value, has[i].value)
		}
	}
	return nil
}

// arg is an option of a checkpoint, or what it is where the checkpoint does not say.
func arg[T any](args *torchfile.Dict, name string, or T) T {
	if args != nil {
		if value, ok := args.Get(name); ok {
			if v, ok := value.(T); ok {
				return v
			}
		}
	}
	return or
}

// ClassNamesArg is where a checkpoint of ours names its classes, in "args".
const ClassNamesArg = "class_names"

// classNames are the names that a checkpoint has of its own classes, by index;
// nil where it has none.
func classNames(args *torchfile.Dict, classes int) []string {
	var names []string
	for _, name := range arg(args, ClassNamesArg, torchfile.List{}) {
		if name, ok := name.(string); ok {
			names = append(names, name)
		}
	}
	if len(names) != classes {
		return nil
	}
	return names
}
