package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
	"github.com/gointr/gointr/pkg/torchfile"
)

// What a flag of the published scripts does in a command.
const (
	unknown   = ""             // the script behind the command does not have it
	does      = "as published" // by itself, or as another spelling of one of ours
	agrees    = "must agree with the weights"
	engine    = "chooses the engine"
	launching = "a note: `--devices`"
	idle      = "a note: no say here"
)

// publishedFlag is a flag of main.py, behind finetune and eval, or of tools/visualization.py, behind interpret
// (github.com/Imageomics/INTR, commit 69b8a69).
type publishedFlag struct {
	name                      string
	takes                     string // as Python's argparse has it; bool takes nothing
	finetune, eval, interpret string
}

// published are all of them.
var published = []publishedFlag{
	{"lr", "float", does, idle, unknown},
	{"lr_backbone", "float", does, idle, idle},
	{"min_lr", "float", does, idle, unknown},
	{"weight_decay", "float", does, idle, unknown},
	{"batch_size", "int", does, does, does},
	{"epochs", "int", does, idle, unknown},
	{"lr_drop", "int", does, idle, unknown},
	{"lr_scheduler", "str", does, idle, unknown},
	{"clip_max_norm", "float", does, idle, unknown},
	{"backbone", "str", agrees, agrees, agrees},
	{"dilation", "bool", agrees, agrees, agrees},
	{"position_embedding", "str", agrees, agrees, agrees},
	{"enc_layers", "int", agrees, agrees, agrees},
	{"dec_layers", "int", agrees, agrees, agrees},
	{"dim_feedforward", "int", agrees, agrees, agrees},
	{"hidden_dim", "int", agrees, agrees, agrees},
	{"dropout", "float", does, idle, idle},
	{"nheads", "int", agrees, agrees, agrees},
	{"num_queries", "int", does, agrees, agrees},
	{"pre_norm", "bool", agrees, agrees, agrees},
	{"dataset_name", "str", does, does, does},
	{"dataset_path", "str", does, does, does},
	{"output_dir", "str", does, does, does},
	{"output_sub_dir", "str", does, does, unknown},
	{"noise_frac", "float", does, idle, unknown},
	{"test", "str", does, does, does},
	{"resume", "str", does, does, does},
	{"finetune", "str", does, idle, unknown},
	{"device", "str", engine, engine, engine},
	{"seed", "int", does, idle, unknown},
	{"start_epoch", "int", does, idle, unknown},
	{"eval", "bool", does, does, does},
	{"num_workers", "int", does, idle, idle},
	{"world_size", "int", launching, launching, launching},
	{"dist_url", "str", launching, launching, launching},
	{"class_index", "int", unknown, unknown, does},
	{"dec_layer_index", "int", unknown, unknown, does},
	{"top_q", "int", unknown, unknown, does},
	{"gt_query_heads", "int", unknown, unknown, does},
	{"sim_query_heads", "int", unknown, unknown, does},
}

// in is what the flag does in a command.
func (f publishedFlag) in(command string) string {
	return map[string]string{"finetune": f.finetune, "eval": f.eval, "interpret": f.interpret}[command]
}

// ours is how the program itself spells the flag.
func (f publishedFlag) ours() string { return strings.ReplaceAll(f.name, "_", "-") }

// scriptFlags are what finetune, eval and interpret take of the published scripts' flags beside their own.
type scriptFlags struct {
	resume, path, name, outputDir, subDir, test string
	eval                                        bool
}

// register adds the flags of the published scripts that a command does not have by itself.
func (f *scriptFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	text := map[string]*string{"resume": &f.resume, "dataset-path": &f.path, "dataset-name": &f.name,
		"output-dir": &f.outputDir, "output-sub-dir": &f.subDir, "test": &f.test}
	for _, p := range published {
		name := p.ours()
		if p.in(cmd.Name()) == unknown || flags.Lookup(name) != nil {
			continue
		}
		switch {
		case name == "eval":
			flags.BoolVar(&f.eval, name, false, "")
		case text[name] != nil:
			flags.StringVar(text[name], name, "", "")
		case p.takes == "bool":
			flags.Bool(name, false, "")
		case p.takes == "int":
			flags.Int(name, 0, "")
		case p.takes == "float":
			flags.Float64(name, 0, "")
		default:
			flags.String(name, "", "")
		}
		flags.Lookup(name).Hidden = true
	}
}

// complete brings the published spellings and ours together, chooses the engine, and says what has no say.
func (f *scriptFlags) complete(cmd *cobra.Command, c *common, dataset *string) error {
	flags := cmd.Flags()
	for _, same := range []struct{ published, ours, at string }{{"resume", "checkpoint", f.resume},
		{"test", "split", f.test}} {
		if flags.Lookup(same.ours) == nil || !flags.Changed(same.published) {
			continue
		}
		if flags.Changed(same.ours) {
			return wrong("--%s and --%s are the same: give one of them", same.published, same.ours)
		}
		if err := flags.Set(same.ours, same.at); err != nil {
			return wrongCall{err}
		}
	}
	if f.test != "" && f.test != "val" && f.test != "test" {
		return wrong("--test is val or test, as published, not %s: --dataset takes any folder that has them", f.test)
	}
	if f.name != "" || f.path != "" {
		if *dataset != "" {
			return wrong("--dataset and --dataset-path with --dataset-name name the same folder: give one of them")
		}
		*dataset = filepath.Join(f.path, f.name)
		if f.name == "" { // as published, unless the path is the dataset's own
			if _, err := os.Stat(filepath.Join(f.path, "cub")); err == nil {
				*dataset = filepath.Join(f.path, "cub")
			}
		}
	}
	if err := f.engine(cmd, c); err != nil {
		return err
	}
	f.note(cmd)
	return nil
}

// engine is what --device chooses.
func (f *scriptFlags) engine(cmd *cobra.Command, c *common) error {
	if !cmd.Flags().Changed("device") {
		return nil
	}
	device, kind := cmd.Flags().Lookup("device").Value.String(), ""
	switch kind, number, _ := strings.Cut(device, ":"); {
	case kind == "cuda" && number != "" && number != "0":
		return wrong("--device %s: CUDA_VISIBLE_DEVICES=%s before the call chooses that one, with --device cuda",
			device, number)
	case kind != "cuda" && device != "cpu":
		return wrong("--device is cpu or cuda, not %q", device)
	}
	switch _, err := backend.Plugin(backend.CUDA); {
	case device != "cpu":
		kind = backend.CUDA
	case err != nil:
		kind = backend.Auto // which takes no other than processors
	default:
		kind = backend.Go
	}
	if asked := c.backend; asked != backend.Auto && asked != "" && (asked == backend.CUDA) != (device != "cpu") {
		return wrong("--device %s and --backend %s choose different engines: give one of them", device, asked)
	} else if asked == backend.Auto || asked == "" {
		c.backend = kind
	}
	return nil
}

// note says which of the flags that were given have no say.
func (f *scriptFlags) note(cmd *cobra.Command) {
	given := map[string][]string{}
	for _, p := range published {
		if cmd.Flags().Changed(p.ours()) {
			given[p.in(cmd.Name())] = append(given[p.in(cmd.Name())], "--"+p.name)
		}
	}
	if names := given[launching]; names != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %s started processes in Python and has no say here: one process uses "+
			"several devices, --devices N\n", strings.Join(names, ", "))
	}
	if names := given[idle]; names != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %s: no say in %s, which trains nothing and reads pictures on all "+
			"cores\n",
			strings.Join(names, ", "), cmd.Name())
	}
}

// folder is where the published main.py writes: OUTPUT_DIR/NAME/SUB; "" where none of its flags was given, or an
// empty --output_dir, which saves nothing.
func (f *scriptFlags) folder(cmd *cobra.Command, dataset string) string {
	flags := cmd.Flags()
	if !slices.ContainsFunc([]string{"dataset-path", "dataset-name", "output-dir", "output-sub-dir", "eval"},
		flags.Changed) || flags.Changed("output-dir") && f.outputDir == "" {
		return ""
	}
	or := func(text, usual string) string {
		if text == "" {
			return usual
		}
		return text
	}
	return filepath.Join(or(f.outputDir, "output"), filepath.Base(dataset), or(f.subDir, "output_sub"))
}

// asked is the architecture that the flags name.
func asked(cmd *cobra.Command) (intr.Config, error) {
	var c intr.Config
	flags := cmd.Flags()
	for _, p := range published {
		flag := flags.Lookup(p.ours())
		if p.in(cmd.Name()) != agrees || flag == nil || !flag.Changed {
			continue
		}
		number, _ := strconv.Atoi(flag.Value.String())
		if p.takes == "int" && number < 1 {
			return c, wrong("--%s %s is in no checkpoint: leave it out", flag.Name, flag.Value)
		}
		yes := flag.Value.String() == "true"
		switch p.name {
		case "backbone":
			c.Backbone = flag.Value.String()
		case "dilation":
			c.Dilation = yes
		case "position_embedding":
			if c.Positions = flag.Value.String(); c.Positions != "sine" && c.Positions != "learned" {
				return c, wrong("--position_embedding is sine or learned, not %q", c.Positions)
			}
		case "enc_layers":
			c.EncoderLayers = number
		case "dec_layers":
			c.DecoderLayers = number
		case "dim_feedforward":
			c.FeedForward = number
		case "hidden_dim":
			c.HiddenDim = number
		case "nheads":
			c.Heads = number
		case "num_queries":
			c.Classes = number
		case "pre_norm":
			c.PreNorm = yes
		}
	}
	return c, nil
}

// agree compares what the flags say of a checkpoint's architecture with what it has.
func (m *modelFlags) agree(cmd *cobra.Command) error {
	var err error
	if m.asked, err = asked(cmd); err != nil || m.asked == (intr.Config{}) {
		return err
	}
	path, err := hub.Find(cmd.Context(), m.checkpoint, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	file, err := torchfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, err = intr.InspectAs(file, m.asked, m.weights); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// evaluateInstead is finetune --eval: main.py evaluates and trains nothing.
func evaluateInstead(cmd *cobra.Command, c *common) error {
	instead := evalCommand(c)
	instead.SetContext(cmd.Context())
	instead.SetOut(cmd.OutOrStdout())
	instead.SetErr(cmd.ErrOrStderr())
	var failed error
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed || failed != nil {
			return
		}
		if instead.Flags().Lookup(flag.Name) == nil {
			failed = wrong("--%s is of training, and --eval trains nothing: leave one of them out", flag.Name)
			return
		}
		failed = instead.Flags().Set(flag.Name, flag.Value.String())
	})
	if failed != nil {
		return failed
	}
	return instead.RunE(instead, nil)
}

// asPublished turns a call of the published scripts, word for word behind gointr, into one of ours: variables of the
// environment, python, a launcher and its flags, the script, its flags. Anything else it leaves as it is.
func asPublished(args []string) (ours []string, note string, err error) {
	at := 0
	for at < len(args) && isVariable(args[at]) {
		at++
	}
	script := slices.IndexFunc(args, func(word string) bool {
		return filepath.Base(word) == "main.py" || filepath.Base(word) == "visualization.py" ||
			word == "tools.visualization"
	})
	if at == len(args) || script < at || !isPython(args[at]) && script != at {
		return args, "", nil
	}
	for _, variable := range args[:at] {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, "", wrongCall{err}
		}
	}
	processes, err := processesOf(args[at:script])
	if err != nil {
		return nil, "", err
	}
	flags := args[script+1:]
	has := func(names ...string) bool {
		return slices.ContainsFunc(flags, func(word string) bool {
			name, _, _ := strings.Cut(strings.ReplaceAll(word, "-", "_"), "=")
			return slices.Contains(names, strings.TrimLeft(name, "_"))
		})
	}
	if filepath.Base(args[script]) != "main.py" {
		if !has("eval") {
			return nil, "", wrong("tools.visualization shows nothing without --eval: add it")
		}
		return append([]string{"interpret"}, flags...), "", nil
	}
	switch {
	case has("eval") && !has("resume"):
		return nil, "", wrong("main.py --eval without --resume evaluates random weights: name a checkpoint")
	case has("eval"):
		ours = append([]string{"eval"}, flags...)
	case !has("finetune", "resume"):
		return nil, "", wrong("main.py without --finetune begins from torchvision's ResNet-50, which is not here: " +
			"give --finetune detr-r50")
	default:
		ours = append([]string{"finetune"}, flags...)
	}
	if processes == 1 {
		return ours, "", nil
	}
	note = fmt.Sprintf("%d processes were asked for: one does their work here, and answers batches in order; "+
		"--devices N shares it among N GPUs", processes)
	if ours[0] == "finetune" { // a step of all processes is one over as many batches
		ours = append(ours, "--accumulate", strconv.Itoa(processes))
		note = fmt.Sprintf("%d processes were asked for: one makes their steps here, of %[1]d batches each "+
			"(--accumulate %[1]d); --devices N shares every batch among N GPUs", processes)
	}
	return ours, note, nil
}

func isVariable(word string) bool {
	name, _, found := strings.Cut(word, "=")
	return found && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}

func isPython(word string) bool {
	word = filepath.Base(word)
	return word == "torchrun" || strings.HasPrefix(word, "python")
}

// processesOf is how many processes a launcher was to start.
func processesOf(words []string) (int, error) {
	n := 1
	for i, word := range words {
		name, value, given := strings.Cut(strings.ReplaceAll(word, "-", "_"), "=")
		if !given && i+1 < len(words) {
			value = words[i+1]
		}
		switch name {
		case "__nproc_per_node":
			var err error
			if n, err = strconv.Atoi(value); err != nil || n < 1 {
				return 0, wrong("--nproc_per_node needs a number from 1, not %q", value)
			}
		case "__nnodes":
			if value != "1" {
				return 0, wrong("--nnodes %s: one machine trains here, with as many devices as it has", value)
			}
		}
	}
	return n, nil
}
