//go:build !(linux && amd64)

package backend

import "errors"

func installCUDA(string) error { return errors.New("CUDA is there for Linux on x86-64 only") }
