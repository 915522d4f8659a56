package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/pkg/backend"
	"github.com/gointr/gointr/pkg/origin"
)

// machine is what everything runs on.
type machine struct {
	Version string `json:"gointr"`
	Go      string `json:"go"`
	System  string `json:"system"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory,omitempty"`
	GPU     string `json:"gpu,omitempty"`
}

// diagnosis is what doctor --json prints.
type diagnosis struct {
	Machine machine          `json:"machine"`
	Engines []backend.Report `json:"engines"`
}

func doctorCommand(c *common) *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what is here, whether it works, and what to do if not",
		Long: `Shows versions, memory, plugins and devices, and multiplies two matrices on every engine.
It fails only where no engine works. gointr kernel doctor looks at the Jupyter kernel.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if only != "" {
				return printJSON(cmd, backend.Probe(only))
			}
			d := diagnosis{Machine: thisMachine(cmd.Context())}
			kinds := backend.Kinds
			if c.backend != backend.Auto {
				kinds = []string{c.backend}
			}
			works := false
			for _, kind := range kinds {
				r := probe(cmd.Context(), kind)
				works = works || r.Works
				d.Engines = append(d.Engines, r)
			}
			if c.json {
				if err := printJSON(cmd, d); err != nil {
					return err
				}
			} else if err := d.print(cmd); err != nil {
				return err
			}
			if !works {
				return errors.New("no engine works: " + d.Engines[len(d.Engines)-1].Problem)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&only, "engine", "", "try one engine in this process")
	cmd.Flags().MarkHidden("engine")
	return cmd
}

// probe tries an engine in a process of its own, which a broken plugin may end.
func probe(ctx context.Context, kind string) backend.Report {
	failed := func(problem string) backend.Report { return backend.Report{Engine: kind, Problem: problem} }
	program, err := os.Executable()
	if err != nil {
		return failed(err.Error())
	}
	child := exec.CommandContext(ctx, program, "doctor", "--engine", kind)
	var stdout, stderr bytes.Buffer
	child.Stdout, child.Stderr = &stdout, &stderr
	err = child.Run()
	var r backend.Report
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), &r)
	}
	if err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		plugin, _ := backend.Plugin(kind)
		return failed(fmt.Sprintf("its plugin %s ends the program (%v: %s): remove it and run gointr setup",
			plugin, err, said))
	}
	return r
}

func thisMachine(ctx context.Context) machine {
	m := machine{Version: origin.Version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU()}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		m.Memory = memory(string(text))
	}
	smi := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version",
		"--format=csv,noheader")
	if out, err := smi.Output(); err == nil {
		m.GPU = strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "; ")
	}
	return m
}

// memory reads Linux's /proc/meminfo.
func memory(meminfo string) string {
	gib := func(field string) float64 {
		_, rest, _ := strings.Cut(meminfo, field+":")
		var kib float64
		fmt.Sscan(rest, &kib)
		return kib / (1 << 20)
	}
	return fmt.Sprintf("%.1f GiB, %.1f free", gib("MemTotal"), gib("MemAvailable"))
}

func (d diagnosis) print(cmd *cobra.Command) error {
	m := d.Machine
	table := columns.New(cmd.OutOrStdout())
	for _, line := range [][2]string{
		{"gointr", m.Version + ", built with " + m.Go},
		{"machine", fmt.Sprintf("%s, %d cores", m.System, m.Cores)},
		{"memory", m.Memory}, {"GPU", m.GPU},
	} {
		if line[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
		}
	}
	works := map[string]bool{}
	for _, r := range d.Engines {
		if !r.Works {
			fmt.Fprintf(table, "%s\tNO: %s\n", r.Engine, r.Problem)
			continue
		}
		works[r.Engine] = true
		fmt.Fprintf(table, "%s\tworks: %s, %.0f billion operations a second in a matrix product\n", r.Engine,
			backend.Title(r.Engine), r.GFlops)
		fmt.Fprintf(table, "\t%s\n", r.About)
		if len(r.Devices) > 0 && r.Engine != backend.Go {
			fmt.Fprintf(table, "\t%d devices: %s\n", len(r.Devices), strings.Join(r.Devices, ", "))
		}
	}
	answers, graphs := backend.Chosen(func(kind string) bool { return works[kind] })
	if answers != "" {
		fmt.Fprintf(table, "\n--backend auto takes %s for answers and trainings, and %s for graphs.\n", answers, graphs)
	}
	return table.Flush()
}
