// Package jupyter installs the Jupyter kernel "Go (GoINTR)": GoNB, which runs Go
// in notebook cells, with this module wired in.
//
// A kernel is a folder, share/jupyter/kernels/gointr below a prefix or in the
// user's Jupyter folder (jupyter-client's documentation, "Kernel specs"):
//
//	kernel.json     what Jupyter reads; it names start
//	start           a script that sets the environment and starts GoNB
//	bin/goimports   what GoNB calls before it compiles a cell
//	bin/gopls       what GoNB asks for completions and help
//	tools/          gonb, goimports and gointr, built from the versions in go.mod,
//	                and gopls, from those in files/gopls.mod
//	logo-svg.svg
//
// Cells are a Go module of their own in a workspace with GoINTR's module, so they
// see a clone's changes at once. They import every package of GoINTR, and every
// package it is built with, without a network.
package jupyter
