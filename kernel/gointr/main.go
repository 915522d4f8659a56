// Command gointr looks at pictures with INTR: which species, and where in the
// picture each one found itself. See docs/coming-from-python.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gointr/gointr/internal/letters"
	"github.com/gointr/gointr/pkg/finetune"
	"github.com/gointr/gointr/pkg/picture"
	"github.com/gointr/gointr/pkg/session"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: 0 when done, 1 with a sentence when not, 2 for a
// wrong call. The end of ctx stops it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	session.Program, _ = os.Executable()
	root := command()
	args, note, err := asPublished(args)
	if note != "" {
		fmt.Fprintln(stderr, "gointr: "+note)
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	var called *cobra.Command
	if err == nil {
		called, err = root.ExecuteContextC(ctx)
	}
	if said := letters.Missing(); said != "" {
		fmt.Fprintln(stderr, "gointr: "+said)
	}
	if n := picture.Lying(); n > 0 && err == nil && called.Flags().Lookup("upright") != nil {
		fmt.Fprintf(stderr, "gointr: pictures that are marked as turned, and were taken as they lie as in the "+
			"published code: %d; --upright turns them\n", n)
	}
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && !errors.Is(err, finetune.ErrStopped) {
		err = errors.New("stopped")
	}
	if !errors.Is(err, errTold) {
		fmt.Fprintln(stderr, "gointr: "+oneSentence(err))
	}
	var wrong wrongCall
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// errTold ends the program with 1 when everything has been said already.
var errTold = errors.New("told")

// A wrongCall is a mistake in the command line itself.
type wrongCall struct{ error }

func (w wrongCall) Unwrap() error { return w.error }

func wrong(format string, args ...any) error { return wrongCall{fmt.Errorf(format, args...)} }

// oneSentence keeps an error on one line, whatever library it came from.
func oneSentence(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// flags that every command has.
type common struct {
	backend string
	json    bool
}

func command() *cobra.Command {
	var c common
	root := &cobra.Command{
		Use:   "gointr",
		Short: "INTR in Go: which species is in a picture, and where it found itself",
		Long: `INTR (Paul et al., ICLR 2024) classifies look-alike species; its attention shows
where in the picture each class found itself.

A checkpoint is a path to a .pth or .safetensors file, the name of a published
one (cub, bird, butterfly; detr-r50 to start training from) or hf:OWNER/REPO/FILE.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	group(root)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&c.backend, "backend", "auto", "engine: auto, xla, cuda or go")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "one JSON object a line on standard output")
	// The published scripts spell flags with underscores.
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrong("%w: %s --help lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(predictCommand(&c), explainCommand(&c), evalCommand(&c), interpretCommand(&c),
		fieldguideCommand(&c), faithfulCommand(&c), finetuneCommand(&c), inspectCommand(&c), convertCommand(&c),
		importCommand(&c), birdsCommand(&c), setupCommand(&c), doctorCommand(&c), sessionCommand(&c), kernelCommand(&c),
		benchCommand(&c), benchLoaderCommand())
	return root
}

// exactly and atLeast count arguments in the words of the command.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return wrong("%s needs %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		}
		return nil
	}
}

func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return wrong("%s needs %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		}
		return nil
	}
}

// group makes a command of commands: by itself it shows its help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			path := cmd.CommandPath()
			return wrong("there is no command %q: %s --help lists them", strings.TrimPrefix(path+" "+args[0],
				"gointr "), path)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// tell prints what came of a command: as a line of JSON, or for people.
func (c *common) tell(cmd *cobra.Command, result any, print func(io.Writer) error) error {
	if c.json {
		return printJSON(cmd, result)
	}
	return print(cmd.OutOrStdout())
}

// line is a line for people.
func line(format string, args ...any) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	}
}

// printJSON writes one object on one line.
func printJSON(cmd *cobra.Command, v any) error {
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
