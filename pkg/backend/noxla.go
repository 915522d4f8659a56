//go:build !cgo

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

const built = false

func openPlugin(string, string) (compute.Backend, error) { return nil, errors.New("built without cgo") }
