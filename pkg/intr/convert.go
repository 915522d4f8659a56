package intr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gointr/gointr/pkg/torchfile"
)

// Converted says what Convert wrote.
type Converted struct {
	In      string  `json:"in"`
	Out     string  `json:"out"`
	Tensors int     `json:"tensors"`
	Config  *Config `json:"config"` // nil where the checkpoint is a DETR to start training from
	// Likeness says whether out can tell pictures that are unlike those that the model was trained on.
	Likeness bool `json:"likeness"`
	// LeftOut is what in has beside the weights and out has not: "optimizer", "lr_scheduler", "epoch".
	LeftOut []string `json:"left_out,omitempty"`
}

// Convert writes the weights of a checkpoint to a .pth or .safetensors file, as
// out's name says, every number as it is. What the training script saved of its
// options ("args") goes with them, because heads and dilation are told by no
// shape; an optimizer and a schedule do not. Its likeness goes with them, or that of
// Like instead.
//
// The .pth holds {"model": OrderedDict, "args": dict}, which
// torch.load(weights_only=True) opens; the .safetensors has args as JSON in its
// metadata; the likeness is text under "gointr_likeness", beside the model or in
// the metadata. The file appears whole or not at all; not when ctx has ended.
// Of opts only Like and Weights have a say.
func Convert(ctx context.Context, in, out string, opts ...Option) (Converted, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	likeness := o.likeness
	result := Converted{In: in, Out: out}
	file, err := torchfile.Open(in)
	if err != nil {
		return result, err
	}
	defer file.Close()
	args := argsOf(file)
	state, config, err := InspectAs(file, Config{}, o.weights)
	if err == nil {
		result.Config = &config
		switch {
		case likeness != nil && len(likeness.Mean) != config.HiddenDim:
			return result, fmt.Errorf("the likeness is of a model of width %d, and %s has %d: it belongs to another "+
				"checkpoint", len(likeness.Mean), in, config.HiddenDim)
		case likeness == nil && (o.weights == "" || o.weights == Plain): // it is of these
			likeness, _ = LikenessOf(file, config) // one that is no good is left behind
		}
		if args == nil {
			args = config.Args()
		}
	} else if likeness != nil || !errors.Is(err, ErrDETR) {
		return result, fmt.Errorf("%s cannot be converted: %w", in, err)
	}
	keys := map[*torchfile.Tensor]string{}
	for key, t := range state {
		if t.Check() == nil {
			keys[t] = key
		}
	}
	for _, p := range Params(config) {
		if t := state[p.Key]; t != nil && t.Check() != nil {
			return result, fmt.Errorf("%s cannot be converted: %w", in, t.Check())
		}
	}
	var tensors []*torchfile.Tensor
	model := &torchfile.Dict{Ordered: true}
	for _, t := range file.Tensors() {
		if key, ok := keys[t]; ok {
			renamed := *t
			renamed.Name = key
			tensors = append(tensors, &renamed)
			model.Set(key, &renamed)
		}
	}
	result.Tensors, result.Likeness = len(tensors), likeness != nil
	result.LeftOut = leftOut(file, keys)
	if err := ctx.Err(); err != nil {
		return result, err
	}
	switch ext := strings.ToLower(filepath.Ext(out)); ext {
	case ".pth", ".pt":
		root := &torchfile.Dict{}
		root.Set("model", model)
		if args != nil {
			plain := &torchfile.Dict{}
			for name, value := range args.All() {
				if plainValue(value) {
					plain.Set(name, value)
				}
			}
			root.Set("args", plain)
		}
		if likeness != nil {
			root.Set(likenessKey, likeness.text())
		}
		return result, torchfile.WritePTH(out, root)
	case ".safetensors":
		metadata := map[string]string{"format": "pt"}
		if args != nil {
			metadata["args"] = argsJSON(args)
		}
		if likeness != nil {
			metadata[likenessKey] = likeness.text()
		}
		return result, torchfile.WriteSafetensors(out, tensors, metadata)
	default:
		return result, fmt.Errorf("%s cannot be written: its name must end in .pth or .safetensors", out)
	}
}

// plainValue says whether a value holds nothing that is not loaded, so that it can be written.
func plainValue(value any) bool {
	all := func(items []any) bool {
		return !slices.ContainsFunc(items, func(v any) bool { return !plainValue(v) })
	}
	switch v := value.(type) {
	case *torchfile.Object:
		return v.Class == torchfile.Namespace && plainValue(v.Fields)
	case *torchfile.Dict:
		for key, item := range v.All() {
			if !plainValue(key) || !plainValue(item) {
				return false
			}
		}
	case torchfile.List:
		return all(v)
	case torchfile.Tuple:
		return all(v)
	case torchfile.Set:
		return all(v)
	}
	return true
}

// Args are the options of the published scripts that make this architecture. Ours
// are those of a backbone that no published name stands for (blocks, width and
// bottleneck), eval_size where it is not the published one, and upright where it is set.
func (c Config) Args() *torchfile.Dict {
	d := &torchfile.Dict{}
	d.Set("backbone", c.Backbone)
	for _, o := range c.options() {
		d.Set(o.name, o.value)
	}
	d.Set("num_queries", int64(c.Classes))
	if c.Backbone == "resnet" {
		blocks := make(torchfile.List, len(c.Blocks))
		for i, n := range c.Blocks {
			blocks[i] = int64(n)
		}
		d.Set("blocks", blocks)
		d.Set("width", int64(c.Width))
		d.Set("bottleneck", c.Bottleneck)
	}
	if c.EvalSize != 0 && c.EvalSize != publishedEvalSize {
		d.Set("eval_size", int64(c.EvalSize))
	}
	if c.Upright {
		d.Set("upright", true)
	}
	return d
}

// argsJSON writes the options that are plain values; a float keeps its point,
// so that it comes back as one.
func argsJSON(args *torchfile.Dict) string {
	fields := map[string]json.RawMessage{}
	for name, value := range args.All() {
		key, ok := name.(string)
		if !ok {
			continue
		}
		if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1e15 {
			fields[key] = json.RawMessage(strconv.FormatFloat(f, 'f', 1, 64))
			continue
		}
		if list, ok := value.(torchfile.List); ok { // names of classes, blocks of a backbone
			value = []any(list)
		}
		switch value.(type) {
		case nil, bool, int64, float64, string, []any:
			if text, err := json.Marshal(value); err == nil { // NaN and infinity have no JSON
				fields[key] = text
			}
		}
	}
	text, _ := json.Marshal(fields) // of RawMessages that were just made
	return string(text)
}

// argsFromJSON reads what argsJSON wrote; nil where it is something else.
func argsFromJSON(text string) *torchfile.Dict {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	fields := map[string]any{}
	if decoder.Decode(&fields) != nil {
		return nil
	}
	d := &torchfile.Dict{}
	for name, value := range fields {
		switch v := value.(type) {
		case nil, bool, string:
			d.Set(name, v)
		case []any:
			list := torchfile.List{}
			for _, item := range v {
				if number, ok := item.(json.Number); ok {
					if i, err := number.Int64(); err == nil {
						item = i
					}
				}
				list = append(list, item)
			}
			d.Set(name, list)
		case json.Number:
			if i, err := v.Int64(); err == nil {
				d.Set(name, i)
			} else if f, err := v.Float64(); err == nil {
				d.Set(name, f)
			}
		}
	}
	return d
}

// leftOut are the names of what a checkpoint has beside the weights that are converted and the options.
func leftOut(f *torchfile.File, converted map[*torchfile.Tensor]string) (names []string) {
	root, ok := f.Value().(*torchfile.Dict)
	if !ok {
		return nil
	}
	var has func(v any) bool
	has = func(v any) bool {
		switch v := v.(type) {
		case *torchfile.Tensor:
			return true // of weights, or beside them
		case *torchfile.Dict:
			for _, inner := range v.All() {
				if t, ok := inner.(*torchfile.Tensor); ok && converted[t] != "" || !ok && has(inner) {
					return true
				}
			}
		case *torchfile.Object:
			return has(v.Fields)
		}
		return false
	}
	for name, v := range root.All() {
		key, ok := name.(string)
		if !ok || key == "args" || key == "hyper_parameters" || strings.HasPrefix(key, "gointr_") || v == nil ||
			has(v) {
			continue
		}
		names = append(names, key)
	}
	return names
}
