module github.com/gointr/gointr

go 1.26.5

require (
	github.com/gen2brain/jpegn v0.3.0
	github.com/gomlx/compute v0.1.4
	github.com/gomlx/go-huggingface v0.4.1
	github.com/gomlx/go-xla v0.4.2
	github.com/gomlx/gomlx v0.28.3
	github.com/janpfeifer/gonb v0.11.4
	github.com/schollz/progressbar/v3 v3.19.0
	github.com/spf13/cobra v1.10.1
	gonum.org/v1/plot v0.17.0
)
