// Package picture reads any picture the way Pillow does, resizes it the way
// Pillow does, and turns it into the numbers that INTR was trained on.
package picture

// Picture is 8-bit RGB, three bytes a pixel, rows from the top.
type Picture struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3]
}
