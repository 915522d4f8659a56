package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/finetune/train"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/intr"
)

func finetuneCommand(c *common) *cobra.Command {
	f := trainingFlags{options: train.DefaultOptions(), architecture: train.Slim()}
	cmd := &cobra.Command{
		Use:   "finetune --from C --dataset D [--out RUN]",
		Short: "train on pictures of your own",
		Long: `Trains an INTR on a folder of pictures, train/CLASS/*.jpg and val/CLASS/*.jpg, from a
DETR (detr-r50), from an INTR of other classes, or from nothing. RUN becomes a folder
with checkpoint.pth, best.pth, log.txt (JSON lines), curves.png, the configuration
and where everything came from. Ctrl-C stops at a batch and saves;

  gointr finetune --resume RUN

goes on with the very same batches. The flags of the published main.py work too, and
its settings are the defaults; --from nothing has others: 128 pixels, mirrored and not
cropped, 16 epochs of batches of 32, one cycle up to a rate of 1e-3, everything trained.`,
		Args: exactly(0, "no argument but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.script.eval {
				return evaluateInstead(cmd, c)
			}
			return f.run(cmd, c)
		},
	}
	f.register(cmd.Flags())
	f.script.register(cmd)
	return cmd
}

// trainingFlags are a training as flags.
type trainingFlags struct {
	options      train.Options
	architecture intr.Config // with --from nothing
	out, resume  string
	script       scriptFlags
	backbone     string
	published    bool // --resume is the run's checkpoint, as published
}

func (f *trainingFlags) register(flags *pflag.FlagSet) {
	o := &f.options
	flags.StringVar(&o.From, "from", o.From,
		"checkpoint to start from; nothing is random weights (published: --finetune)")
	registerWeights(flags, &o.Weights)
	flags.StringVar(&o.Dataset, "dataset", "", "folder with train/CLASS/* and val/CLASS/*")
	flags.StringVar(&f.out, "out", "", "folder of the run, new (output/ and the name of the dataset)")
	flags.StringVar(&f.resume, "resume", "",
		"a run to go on with, or a checkpoint.pth of the published scripts, with --dataset and --out")
	flags.IntVar(&o.Epochs, "epochs", o.Epochs, "how often all pictures are seen")
	flags.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "pictures a step")
	flags.IntVar(&o.Accumulate, "accumulate", 1, "batches a step, for little memory")
	flags.Float64Var(&o.LR, "lr", o.LR, "learning rate of all but the backbone")
	flags.Float64Var(&o.LRBackbone, "lr-backbone", o.LRBackbone, "learning rate of the backbone")
	flags.Float64Var(&o.Settings.Schedule.EtaMin, "min-lr", 1e-6, "least learning rate of CosineAnnealingLR")
	flags.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "of AdamW")
	flags.StringVar(&o.Settings.Schedule.Kind, "lr-scheduler", o.Settings.Schedule.Kind,
		"StepLR, CosineAnnealingLR, OneCycleLR or ConstantLR")
	flags.IntVar(&o.Settings.Schedule.StepSize, "lr-drop", o.Settings.Schedule.StepSize,
		"epochs after which StepLR makes the rates a tenth")
	flags.IntVar(&o.WarmUp, "warm-up", 0, "steps over which the learning rates rise from 0")
	flags.Float64Var(&o.ClipMaxNorm, "clip-max-norm", o.ClipMaxNorm,
		"gradients are scaled down to this norm; 0 leaves them")
	flags.Float64Var(&o.Dropout, "dropout", o.Dropout, "in the transformer")
	flags.Float64Var(&o.LabelSmoothing, "label-smoothing", 0, "of the loss")
	flags.Float64Var(&o.NoiseFrac, "noise-frac", o.NoiseFrac, "noise of queries that are copies of others")
	flags.StringSliceVar(&o.Frozen, "freeze", o.Frozen,
		"parts that keep their weights, of backbone, "+strings.Join(finetune.Parts, ", ")+"; none is nothing")
	flags.BoolVar(&o.TrainBatchNorm, "train-batchnorm", false,
		"train BatchNorm with the batches' statistics, as from nothing")
	flags.BoolVar(&o.BFloat16, "bfloat16", false, "multiply matrices in bfloat16, for GPUs that have units for it")
	flags.BoolVar(&o.Recompute, "recompute", false, "less memory, more time")
	flags.IntVar(&o.Size, "eval-size", 0,
		"pixels of the short side in evaluation, training's in proportion (what the checkpoint says, or 800)")
	flags.StringVar(&o.Augment, "augment", finetune.Published,
		"what training does to pictures: published (mirror, resize, crop) or flip (mirror)")
	flags.IntVar(&o.Devices, "devices", 1, "devices that share every batch")
	flags.IntVar(&o.Workers, "num-workers", 0, "pictures decoded at a time (one a core)")
	flags.Int64Var(&o.Seed, "seed", o.Seed, "of order, transforms, dropout and new weights")
	flags.BoolVar(&o.SkipBad, "skip-bad", false, "leave out pictures that cannot be read")
	uprightFlag(flags, &o.Upright)
	flags.IntVar(&o.Queries, "num-queries", 0, "must be the number of classes, and need not be given")
	flags.BoolVar(&o.TensorBoard, "tensorboard", false, "write event files for TensorBoard, too")

	a := &f.architecture
	flags.IntVar(&a.Heads, "nheads", a.Heads,
		"attention heads, with --from nothing or where a checkpoint does not say (it has 8 then)")
	flags.BoolVar(&a.Dilation, "dilation", false, "a DC5, where a checkpoint does not say")
	flags.IntVar(&a.HiddenDim, "hidden-dim", a.HiddenDim, "with --from nothing: width of the transformer")
	flags.IntVar(&a.EncoderLayers, "enc-layers", a.EncoderLayers, "with --from nothing")
	flags.IntVar(&a.DecoderLayers, "dec-layers", a.DecoderLayers, "with --from nothing")
	flags.IntVar(&a.FeedForward, "dim-feedforward", a.FeedForward,
		"with --from nothing: inner width of the feed-forward blocks")
	flags.IntVar(&a.Width, "width", a.Width, "with --from nothing: channels after the stem of the ResNet")
	flags.Var((*blocksFlag)(&a.Blocks), "blocks",
		"with --from nothing: residual blocks in layer1 … layer4; 0 ends the ResNet")

	// Spellings of the published scripts.
	flags.StringVar(&o.From, "finetune", o.From, "as --from")
	flags.StringVar(&f.backbone, "backbone", "", "a ResNet by name")
	flags.StringVar(&a.Positions, "position-embedding", a.Positions, "sine or learned")
	flags.BoolVar(&a.PreNorm, "pre-norm", false, "LayerNorm before each block")
	flags.IntVar(&o.StartEpoch, "start-epoch", 0, "number of the first epoch")
	for _, name := range []string{"finetune", "num-queries", "backbone", "position-embedding", "pre-norm",
		"start-epoch"} {
		flags.Lookup(name).Hidden = true
	}
}

// blocksFlag reads "1,1,1,0".
type blocksFlag [4]int

func (b *blocksFlag) String() string { return fmt.Sprintf("%d,%d,%d,%d", b[0], b[1], b[2], b[3]) }
func (b *blocksFlag) Type() string   { return "N,N,N,N" }
func (b *blocksFlag) Set(text string) error {
	var n blocksFlag
	if _, err := fmt.Sscanf(text, "%d,%d,%d,%d", &n[0], &n[1], &n[2], &n[3]); err != nil {
		return fmt.Errorf("four numbers are needed, 1,1,1,0 for example")
	}
	*b = n
	return nil
}

// complete turns the flags into options, and says which way the training begins.
func (f *trainingFlags) complete(cmd *cobra.Command, c *common) error {
	o, flags := &f.options, cmd.Flags()
	if err := f.script.complete(cmd, c, &o.Dataset); err != nil {
		return err
	}
	o.Validation = f.script.test
	if published := f.script.folder(cmd, o.Dataset); published != "" {
		if flags.Changed("out") && (flags.Changed("output-dir") || flags.Changed("output-sub-dir")) {
			return wrong("--out and --output-dir both name the folder of the run: give one of them")
		}
		f.out = cmp.Or(f.out, published)
		o.KeepEvery = o.Settings.Schedule.StepSize // lr_drop
	} else if flags.Changed("output-dir") {
		return wrong("--output-dir is empty, and a training keeps its checkpoints: name a folder")
	}
	o.Engine = c.backend
	if o.Engine == "auto" {
		o.Engine = ""
	}
	if len(o.Frozen) == 1 && o.Frozen[0] == "none" {
		o.Frozen = nil
	}
	if o.From == finetune.Nothing && f.resume == "" {
		o.Architecture = &f.architecture
		f.fromNothing(flags)
		if f.backbone != "" {
			if err := f.architecture.SetBackbone(f.backbone); err != nil {
				return wrongCall{err}
			}
		}
	} else if err := f.ofCheckpoint(flags); err != nil {
		return err
	}
	if o.LRBackbone == 0 && !slices.Contains(o.Frozen, "backbone") { // as published, which then counts none of it
		o.Frozen = append(slices.Clone(o.Frozen), "backbone")
	}
	for flag, kind := range map[string]string{"lr-drop": finetune.StepLR, "min-lr": finetune.CosineAnnealingLR} {
		now := o.Settings.Schedule.Kind
		switch {
		case !flags.Changed(flag) || now == kind || flag == "lr-drop" && o.KeepEvery > 0:
		case now == finetune.StepLR || now == finetune.CosineAnnealingLR: // the published parser takes it with both
			fmt.Fprintf(cmd.ErrOrStderr(), "gointr: --%s: no say with %s, as published\n", flag, now)
		default:
			return wrong("--%s belongs to %s, and the schedule is %s: leave it out", flag, kind, now)
		}
	}
	if o.Settings.Schedule.Kind != finetune.StepLR {
		o.Settings.Schedule.StepSize, o.Settings.Schedule.Gamma = 0, 0
	}
	if o.Settings.Schedule.Kind != finetune.CosineAnnealingLR {
		o.Settings.Schedule.EtaMin = 0
	}
	return nil
}

// ofCheckpoint takes what was said of a checkpoint's architecture, which must then
// have it.
func (f *trainingFlags) ofCheckpoint(flags *pflag.FlagSet) error {
	var asked intr.Config
	a := f.architecture
	for flag, take := range map[string]func(){
		"backbone":           func() { asked.Backbone = f.backbone },
		"position-embedding": func() { asked.Positions = a.Positions },
		"pre-norm":           func() { asked.PreNorm = a.PreNorm },
		"nheads":             func() { asked.Heads = a.Heads },
		"dilation":           func() { asked.Dilation = a.Dilation },
		"hidden-dim":         func() { asked.HiddenDim = a.HiddenDim },
		"enc-layers":         func() { asked.EncoderLayers = a.EncoderLayers },
		"dec-layers":         func() { asked.DecoderLayers = a.DecoderLayers },
		"dim-feedforward":    func() { asked.FeedForward = a.FeedForward },
		"width":              func() { asked.Width = a.Width },
		"blocks":             func() { asked.Blocks = a.Blocks },
	} {
		if !flags.Changed(flag) {
			continue
		}
		before := asked
		if take(); asked == before {
			return wrong("--%s %s cannot be asked of a checkpoint: leave it out", flag, flags.Lookup(flag).Value)
		}
		f.options.Architecture = &asked
	}
	return nil
}

// fromNothing takes what suits random weights where a flag says nothing else.
func (f *trainingFlags) fromNothing(flags *pflag.FlagSet) {
	o, usual := &f.options, finetune.FromNothing()
	for flag, take := range map[string]func(){
		"eval-size":       func() { o.Size = usual.Size },
		"augment":         func() { o.Augment = usual.Augment },
		"epochs":          func() { o.Epochs = usual.Epochs },
		"batch-size":      func() { o.BatchSize = usual.BatchSize },
		"freeze":          func() { o.Frozen = usual.Frozen },
		"train-batchnorm": func() { o.TrainBatchNorm = usual.TrainBatchNorm },
		"lr":              func() { o.LR = usual.LR },
		"lr-backbone":     func() { o.LRBackbone = usual.LRBackbone },
		"lr-scheduler":    func() { o.Settings.Schedule.Kind = usual.Schedule.Kind },
	} {
		if !flags.Changed(flag) {
			take()
		}
	}
}

func (f *trainingFlags) run(cmd *cobra.Command, c *common) error {
	if err := f.complete(cmd, c); err != nil {
		return err
	}
	teller := teller{cmd: cmd, json: c.json, out: cmd.ErrOrStderr()}
	said := make(chan struct{})
	deaf := context.AfterFunc(cmd.Context(), func() {
		defer close(said)
		teller.stopping()
	})
	summary, err := f.train(cmd, teller.tell)
	if !deaf() {
		<-said
	}
	teller.close()
	if errors.Is(err, finetune.ErrStopped) {
		return fmt.Errorf("%w: gointr finetune --resume %s goes on with it", err, cmp.Or(f.out, f.resume))
	}
	if err != nil {
		return err
	}
	if c.json {
		return nil // every epoch was a line
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d epochs are done. The best was epoch %d: acc1 %.1f %%, acc5 %.1f %%, "+
		"loss %.4f\n\n  gointr predict IMAGE --checkpoint %s\n",
		summary.Epochs, summary.Best.Epoch+1, summary.Best.TestAcc1, summary.Best.TestAcc5, summary.Best.TestLoss,
		summary.BestModel)
	return err
}

func (f *trainingFlags) train(cmd *cobra.Command, tell func(finetune.Event)) (*finetune.Summary, error) {
	ctx, o := cmd.Context(), f.options
	if f.resume != "" {
		if strings.HasPrefix(f.resume, "https://") {
			path, err := hub.Find(ctx, f.resume, cmd.ErrOrStderr())
			if err != nil {
				return nil, err
			}
			f.resume = path
		}
		info, err := os.Stat(f.resume)
		if err != nil {
			return nil, fmt.Errorf("there is no run %s: check the path", f.resume)
		}
		if info.IsDir() {
			return f.goOn(cmd, tell)
		}
		// The published way to go on: the run's own checkpoint, and the same folder.
		if run := filepath.Dir(f.resume); filepath.Base(f.resume) == finetune.CheckpointFile && f.out != "" &&
			filepath.Clean(f.out) == run {
			if _, err := train.ReadOptions(run); err == nil {
				f.resume, f.published = run, true
				return f.goOn(cmd, tell)
			}
		}
		for _, flag := range begins {
			if cmd.Flags().Changed(flag) {
				return nil, wrong("--%s begins a training, and --resume goes on with one: give one of them", flag)
			}
		}
		whole, err := train.HasOptimizer(f.resume)
		if err != nil {
			return nil, err
		}
		if whole {
			f.restored(cmd)
		}
		o.Resume, o.From = f.resume, ""
	}
	if f.out == "" {
		f.out = filepath.Join("output", filepath.Base(o.Dataset)) // as the published scripts
	}
	return train.Train(ctx, f.out, o, tell)
}

// begins are the flags that begin a training; ofOptimizer are those whose values PyTorch's optimizer and schedule have,
// and take from a checkpoint whatever was said.
var (
	begins      = []string{"from", "finetune", "weights", "noise-frac"}
	ofOptimizer = []string{"lr", "lr-backbone", "weight-decay", "lr-scheduler", "lr-drop", "min-lr"}
)

// restored says which flags have no say in a training that goes on.
func (f *trainingFlags) restored(cmd *cobra.Command) {
	var given []string
	for _, flag := range ofOptimizer {
		if cmd.Flags().Changed(flag) {
			given = append(given, "--"+flag)
		}
	}
	if given != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %s: no say in a training that goes on, which keeps what %s has, as "+
			"published\n", strings.Join(given, ", "), f.resume)
	}
}

// goOn goes on with a run, of which little may be another. Flags that say what the run has are as good as left out;
// those of the optimizer have no say where the call is the published one, of a checkpoint.
func (f *trainingFlags) goOn(cmd *cobra.Command, tell func(finetune.Event)) (*finetune.Summary, error) {
	there, err := train.ReadOptions(f.resume)
	if err != nil {
		return nil, err
	}
	var refused string
	differs := false
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed || slices.Contains([]string{"resume", "epochs", "devices", "num-workers", "dataset-path",
			"dataset-name", "output-dir", "output-sub-dir", "device", "world-size", "dist-url"}, flag.Name) ||
			says(there, flag) {
			return
		}
		if f.published && slices.Contains(ofOptimizer, flag.Name) {
			differs = true
			return
		}
		refused = cmp.Or(refused, flag.Name)
	})
	if refused != "" {
		return nil, wrong("--%s cannot be another when a run goes on: leave it out, or begin a new run from the "+
			"checkpoint in %s", refused, f.resume)
	}
	if differs {
		f.restored(cmd)
	}
	checkpoint := modelFlags{checkpoint: filepath.Join(f.resume, finetune.CheckpointFile)}
	if err := checkpoint.agree(cmd); err != nil {
		return nil, err
	}
	change := train.Change{Engine: f.options.Engine, Workers: f.options.Workers}
	if cmd.Flags().Changed("epochs") {
		change.Epochs = f.options.Epochs
	}
	if cmd.Flags().Changed("devices") {
		change.Devices = f.options.Devices
	}
	return train.Continue(cmd.Context(), f.resume, change, tell)
}

// says is whether a flag only says what a run was begun with, or is of an architecture, which is compared elsewhere.
func says(there train.Options, flag *pflag.Flag) bool {
	if i := slices.IndexFunc(published, func(p publishedFlag) bool { return p.ours() == flag.Name }); i >= 0 &&
		published[i].finetune == agrees {
		return true
	}
	if slices.Contains(append([]string{"tensorboard", "recompute", "width", "blocks"}, begins...), flag.Name) {
		return false
	}
	again, flags := trainingFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	again.register(flags)
	again.options = there
	if flags.Lookup(flag.Name) == nil || flags.Set(flag.Name, strings.Trim(flag.Value.String(), "[]")) != nil {
		return false
	}
	if slices.Equal(again.options.Frozen, []string{"none"}) {
		again.options.Frozen = nil
	}
	return len(there.Differences(again.options)) == 0
}

// teller shows how a training goes: a bar that is redrawn on a terminal, a line an
// epoch elsewhere, a JSON object an epoch with --json.
type teller struct {
	cmd   *cobra.Command
	json  bool
	out   io.Writer
	bar   *progressbar.ProgressBar
	phase string
	mu    sync.Mutex // the user may stop it at any moment
}

// stopping answers Ctrl-C before the batch is done.
func (t *teller) stopping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close()
	fmt.Fprintln(t.out, "gointr: stopping after this batch, saving …; Ctrl-C again ends at once and keeps the last "+
		"checkpoint")
}

func (t *teller) tell(e finetune.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Line != nil {
		t.close()
		if t.json {
			_ = printJSON(t.cmd, e.Line)
		}
		fmt.Fprintf(t.out, "epoch %d of %d: loss %.4f, acc1 %.1f %%; validation: loss %.4f, acc1 %.1f %%; %v\n",
			e.Epoch+1, e.Epochs, e.Line.TrainLoss, e.Line.TrainAcc1, e.Line.TestLoss, e.Line.TestAcc1,
			time.Duration(e.Line.Seconds*float64(time.Second)).Round(time.Second/10))
	}
	if e.Note != "" {
		t.close()
		fmt.Fprintln(t.out, "gointr: "+e.Note)
	}
	if !isTerminal(t.out) || e.Line != nil || e.Of == 0 {
		return
	}
	phase := fmt.Sprint(e.Phase, e.Epoch)
	if t.bar == nil || t.phase != phase {
		t.close()
		t.phase = phase
		t.bar = progressbar.NewOptions(e.Of, progressbar.OptionSetWriter(t.out), progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	switch e.Phase {
	case finetune.Training:
		text := fmt.Sprintf("epoch %d of %d, loss %.3f, acc1 %.1f %%", e.Epoch+1, e.Epochs, e.Loss, e.Acc1)
		if e.Left > 0 {
			text += fmt.Sprintf(", %v to go", time.Duration(e.Left*float64(time.Second)).Round(time.Second))
		}
		t.bar.Describe(text)
	case finetune.Evaluating:
		t.bar.Describe(fmt.Sprintf("epoch %d of %d, validation", e.Epoch+1, e.Epochs))
	case finetune.Measuring:
		t.bar.Describe("learning what its pictures are like")
	default:
		t.bar.Describe("reading every picture once")
	}
	_ = t.bar.Set(e.Done)
}

func (t *teller) close() {
	if t.bar != nil {
		_ = t.bar.Clear()
		t.bar = nil
	}
}
