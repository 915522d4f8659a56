//go:build goexperiment.simd

package backend

// simd says whether GoMLX's engine in Go was compiled with the vector instructions
// that make it three times faster (GOEXPERIMENT=simd).
const simd = true
