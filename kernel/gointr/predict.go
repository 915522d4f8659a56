package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/picture"
)

func predictCommand(c *common) *cobra.Command {
	var f modelFlags
	var top int
	var logits bool
	cmd := &cobra.Command{
		Use:   "predict IMAGE... --checkpoint C",
		Short: "rank the classes of pictures",
		Long:  "Ranks the classes of every picture; a folder stands for all pictures in it.",
		Args:  atLeast(1, "a picture"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return wrong("--top must be at least 1, not %d", top)
			}
			paths, err := picture.List(args...)
			if err != nil {
				return err
			}
			m, close, err := f.open(cmd, c)
			if err != nil {
				return err
			}
			defer close()
			told := cmd.ErrOrStderr()
			if len(paths) == 1 || c.json {
				told = io.Discard
			}
			bar := progress(told, len(paths), "answering")
			failed := 0
			for e, err := range m.Each(cmd.Context(), paths) {
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				_ = bar.Clear()
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "gointr: "+oneSentence(err))
					failed++
				} else {
					r := e.Ranking(top, logits)
					if err := c.tell(cmd, r, func(w io.Writer) error { return printRanking(w, r) }); err != nil {
						return err
					}
				}
				_ = bar.Add(1)
			}
			if failed > 0 {
				if len(paths) > 1 {
					fmt.Fprintf(cmd.ErrOrStderr(), "gointr: %d of %d pictures could not be read\n", failed, len(paths))
				}
				return errTold
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&top, "top", 5, "how many classes to show")
	cmd.Flags().BoolVar(&logits, "logits", false, "all logits too")
	return cmd
}

func printRanking(w io.Writer, r attention.Ranking) error {
	fmt.Fprintln(w, r.Image)
	table := columns.New(w)
	for i, class := range r.Top {
		fmt.Fprintf(table, "  %d.\t%s\t%5.1f %%\tlogit %.3f\n", i+1, attention.Plain(class.Name), 100*class.Probability,
			class.Logit)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if warning := r.Likeness.Warning(); warning != "" {
		fmt.Fprintln(w, "  "+warning)
	}
	if r.Logits != nil {
		fmt.Fprintln(w, "  logits "+strings.Trim(fmt.Sprint(r.Logits), "[]"))
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// phases are bars for people, one after the other, and how the last is ended.
func phases(w io.Writer) (at func(doing string, done, of int), end func()) {
	bar, now := progress(io.Discard, 0, ""), ""
	at = func(doing string, done, of int) {
		if doing != now {
			_ = bar.Clear()
			bar, now = progress(w, of, doing), doing
		}
		if of != bar.GetMax() {
			bar.ChangeMax(of)
		}
		_ = bar.Set(done)
	}
	return at, func() { _ = bar.Clear() }
}

// progress is a bar for people, with the time left; nothing where w is no terminal.
func progress(w io.Writer, of int, doing string) *progressbar.ProgressBar {
	return progressbar.NewOptions(of, progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionSetDescription(doing), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish())
}
