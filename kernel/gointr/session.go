package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/session"
	"github.com/gointr/gointr/pkg/session/server"
)

func sessionCommand(c *common) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "session",
		Short: "the process that keeps models between cells and calls",
		Long: `The session is one process a user that keeps models and their compiled graphs. The
first cell that opens a model starts it; predict and explain use it where one is
running. It ends by itself when nobody has called for a while.`,
	})
	cmd.AddCommand(sessionStart(c), sessionStatus(c), sessionStop(c), sessionServe())
	return cmd
}

// sessionFlags are how a session behaves.
type sessionFlags struct {
	idle   time.Duration
	memory string
}

func (f *sessionFlags) register(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.idle, "idle", 30*time.Minute, "end after so long without a call")
	cmd.Flags().StringVar(&f.memory, "memory", "",
		`close unused models above this, "8GB", say (half of the machine's when not given)`)
}

func (f *sessionFlags) options() (server.Options, error) {
	if f.idle < time.Second {
		return server.Options{}, wrong("--idle must be at least 1s, not %v", f.idle)
	}
	memory, err := parseBytes(f.memory)
	return server.Options{Idle: f.idle, Memory: memory}, err
}

// parseBytes reads "8GB", "500 MB" or "8e9"; nothing is 0.
func parseBytes(text string) (uint64, error) {
	number, unit := strings.ToUpper(strings.TrimSpace(text)), 1.0
	if number == "" {
		return 0, nil
	}
	for suffix, size := range map[string]float64{"GB": 1e9, "MB": 1e6, "GIB": 1 << 30, "MIB": 1 << 20} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), size
			break
		}
	}
	bytes, err := strconv.ParseFloat(number, 64)
	if err != nil || !(bytes*unit >= 1) || bytes*unit > 1<<60 {
		return 0, wrong("--memory is a size like 8GB or 500MB, not %q", text)
	}
	return uint64(bytes * unit), nil
}

func sessionStart(c *common) *cobra.Command {
	var f sessionFlags
	cmd := &cobra.Command{
		Use:   "start",
		Short: "start the session, for a time or a memory of your own",
		Args:  exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			err = session.Start(cmd.Context(), cmd.ErrOrStderr(), "--idle", o.Idle.String(), "--memory", f.memory)
			if err != nil {
				return err
			}
			return tellStatus(cmd, c)
		},
	}
	f.register(cmd)
	return cmd
}

func sessionStatus(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "what the session keeps and does",
		Args:  exactly(0, "nothing"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return tellStatus(cmd, c) },
	}
}

func sessionStop(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "end the session, and what it is doing",
		Args:  exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := session.Stop(cmd.Context())
			if err != nil && !errors.Is(err, session.ErrNone) {
				return err
			}
			text := "The session was stopped."
			if err != nil {
				text = "No session is running."
			}
			return c.tell(cmd, map[string]bool{"stopped": err == nil}, line("%s", text))
		},
	}
}

// sessionServe is the session itself, which session.Start runs.
func sessionServe() *cobra.Command {
	var f sessionFlags
	cmd := &cobra.Command{
		Use:    "serve",
		Short:  "be the session",
		Hidden: true,
		Args:   exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options()
			if err == nil {
				err = server.Serve(cmd.Context(), o, func(killed string) { session.Announce(killed, nil) })
			}
			if err != nil {
				session.Announce("", err)
			}
			return err
		},
	}
	f.register(cmd)
	return cmd
}

func tellStatus(cmd *cobra.Command, c *common) error {
	s, err := session.Now(cmd.Context())
	none := errors.Is(err, session.ErrNone)
	if err != nil && !none {
		return err
	}
	if c.json {
		return printJSON(cmd, struct {
			Running bool `json:"running"`
			*session.Status
		}{!none, map[bool]*session.Status{false: &s}[none]})
	}
	w := cmd.OutOrStdout()
	if none {
		_, err := fmt.Fprintln(w, "No session is running: the first cell that opens a model starts one, or gointr "+
			"session start.")
		return err
	}
	fmt.Fprintf(w, "Running since %s, as process %d of %s\n", s.Started.Format(time.DateTime), s.PID, s.Program)
	fmt.Fprintf(w, "Memory  %s, models are closed above %s\n", server.Bytes(s.Memory), server.Bytes(s.Budget))
	fmt.Fprintf(w, "Ends    after %v without a call\n", time.Duration(s.Idle*float64(time.Second)).Round(time.Second))
	fmt.Fprintf(w, "Log     %s\n", s.Log)
	fmt.Fprintf(w, "\n%s, %s answered\n", count(len(s.Models), "model"), count(s.Answered, "picture"))
	table := columns.New(w)
	for _, m := range s.Models {
		state := fmt.Sprintf("unused for %v", time.Duration(m.Unused*float64(time.Second)).Round(time.Second))
		if !m.Loaded {
			state = "being loaded"
		} else if m.InUse > 0 {
			state = "in use"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%d answered\t%s\n", filepath.Base(m.Path), m.Digest[:12],
			backend.Title(m.Backend), m.Answered, state)
	}
	table.Flush()
	for _, t := range s.Trainings {
		fmt.Fprintf(w, "\nTraining in %s: epoch %d of %d, %s, %d of %d\n", t.Run, t.Epoch+1, t.Epochs,
			t.Phase, t.Done, t.Of)
	}
	if len(s.Jobs) > 0 {
		fmt.Fprintf(w, "\n%s in the queue\n", count(len(s.Jobs), "picture"))
	}
	for _, j := range s.Jobs {
		state := "waiting"
		if j.Running {
			state = "running"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\tprocess %d\t%.1f s\n", state, filepath.Base(j.Image), j.Checkpoint,
			j.Caller, j.Seconds)
	}
	return table.Flush()
}

// count is a number of things in words: "1 model", "2 models".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
