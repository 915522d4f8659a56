package picture_test

import (
	"fmt"
	"image"
	"image/color"
	"log"

	"github.com/gointr/gointr/pkg/picture"
)

// What a network gets of a picture: the short side 800 pixels long, each colour
// normalised as ImageNet's.
func Example() {
	p := picture.New(500, 389) // black; picture.Open reads one from a file
	input := p.Eval(800)
	values := input.Normalized(nil)
	fmt.Println(input.Width, "by", input.Height, "pixels,", len(values), "numbers")
	fmt.Printf("black is %.2f %.2f %.2f\n", values[0], values[1], values[2])
	// Output:
	// 1028 by 800 pixels, 2467200 numbers
	// black is -2.12 -2.04 -1.80
}

// An edit is a copy: the picture stays as it was.
func ExamplePicture_Paint() {
	p := picture.New(4, 4)
	painted, err := p.Paint(image.Rect(1, 1, 3, 3), color.White)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.RGBAAt(1, 1).R, painted.RGBAAt(1, 1).R)
	_, err = p.Paint(image.Rect(3, 3, 5, 5), color.White)
	fmt.Println(err)
	// Output:
	// 0 255
	// the rectangle from (3, 3) to (5, 5) is not in the picture, which has 4 × 4 pixels
}
