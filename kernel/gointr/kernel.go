package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gointr/gointr/internal/columns"
	"github.com/gointr/gointr/kernel/jupyter"
	"github.com/gointr/gointr/kernel/relay"
	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/hub"
	"github.com/gointr/gointr/pkg/session"
)

func kernelCommand(c *common) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "kernel",
		Short: "install the Jupyter kernel " + jupyter.DisplayName,
		Long: `Installs, removes or examines the Jupyter kernel "Go (GoINTR)", with which the cells
of a notebook are Go and import GoINTR's packages.`,
	})
	cmd.AddCommand(kernelInstallCommand(c), kernelUninstallCommand(c), kernelDoctorCommand(c), kernelServeCommand())
	return cmd
}

// place is where a kernel goes: --user or --prefix.
type place struct {
	user   bool
	prefix string
}

func (p *place) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.user, "user", false, "in the user's Jupyter folder (the default)")
	cmd.Flags().StringVar(&p.prefix, "prefix", "", "in DIR/share/jupyter/kernels, say a virtual environment's DIR")
	cmd.Args = exactly(0, "no argument")
}

func (p *place) check() error {
	if p.user && p.prefix != "" {
		return wrong("--user and --prefix cannot both be given: choose one")
	}
	return nil
}

func kernelInstallCommand(c *common) *cobra.Command {
	var p place
	var module string
	var bare bool
	cmd := &cobra.Command{
		Use:   "install [--user | --prefix DIR]",
		Short: "install the kernel",
		Long: `Builds GoNB and writes a Jupyter kernel that starts it with GoINTR wired in: the
first cell of a new notebook imports github.com/gointr/gointr/pkg/notebook and works,
without a network. Cells are compiled with the source of GoINTR, so keep the clone
(or Go's module cache, when gointr came by go install) where it is.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			done, err := jupyter.Install(cmd.Context(), jupyter.Options{Prefix: p.prefix, Module: module,
				Progress: cmd.ErrOrStderr(), NoCompletion: bare})
			if err != nil {
				return err
			}
			return c.tell(cmd, done, line("kernel %q installed in %s, with the source in %s",
				jupyter.DisplayName, done.Folder, done.Module))
		},
	}
	p.register(cmd)
	cmd.Flags().BoolVar(&bare, "no-completion", false, "leave gopls out, which takes half of the time")
	cmd.Flags().StringVar(&module, "module", "", "folder of GoINTR's source (default: where this program was built)")
	return cmd
}

func kernelUninstallCommand(c *common) *cobra.Command {
	var p place
	cmd := &cobra.Command{
		Use:   "uninstall [--user | --prefix DIR]",
		Short: "remove the kernel",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			folder, err := jupyter.Uninstall(p.prefix)
			if err != nil {
				return err
			}
			return c.tell(cmd, map[string]string{"removed": folder}, line("%s removed", folder))
		},
	}
	p.register(cmd)
	return cmd
}

func kernelDoctorCommand(c *common) *cobra.Command {
	var p place
	cmd := &cobra.Command{
		Use:   "doctor [--user | --prefix DIR]",
		Short: "say whether the kernel works, and what to do if not",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			checks := jupyter.Doctor(cmd.Context(), p.prefix)
			fine := true
			table := columns.New(cmd.OutOrStdout())
			for _, check := range checks {
				fine = fine && check.Fine
				switch {
				case c.json:
					if err := printJSON(cmd, check); err != nil {
						return err
					}
				case check.Fine:
					fmt.Fprintf(table, "ok\t%s\t%s\n", check.What, check.Found)
				default:
					fmt.Fprintf(table, "NO\t%s\t%s\n\t\t-> %s\n", check.What, check.Found, check.Do)
				}
			}
			if err := table.Flush(); err != nil {
				return err
			}
			if !fine {
				return errTold
			}
			return nil
		},
	}
	p.register(cmd)
	return cmd
}

// kernelServeCommand is what the kernel's start script runs; people do not.
func kernelServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "serve CONNECTION_FILE FOLDER GONB [ARGUMENT…]",
		Hidden:             true,
		DisableFlagParsing: true,
		Args:               cobra.MinimumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			go session.Start(ctx, io.Discard) // the first cell finds it running; where it cannot be, that cell says why
			names := relay.Names{Module: os.Getenv("GOINTR_MODULE"), GoRoot: goRoot(), Checkpoints: hub.Names(),
				Classes: func(checkpoint string) []string {
					ctx, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					m, err := session.Open(ctx, checkpoint, session.Options{})
					if err != nil {
						return nil
					}
					var names []string
					for _, name := range m.About().Names {
						names = append(names, attention.Plain(name))
					}
					return names
				}}
			types := relay.Types{GoRoot: names.GoRoot}
			if self, err := os.Executable(); err == nil {
				types.Plan = filepath.Join(filepath.Dir(self), "..", "bin", "cells.json")
			}
			return relay.Serve(ctx, relay.Options{Connection: args[0], Folder: args[1], GoNB: args[2:], Names: &names,
				Types: &types})
		},
	}
}

// goRoot is where Go's own source lies, by the go that cells are compiled with.
func goRoot() string {
	out, _ := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out))
}
