package birds_test

import (
	"fmt"

	"github.com/gointr/gointr/datasets/birds"
)

// Two look-alikes in one scene differ in one part, and it is known where that lies.
func Example() {
	a, b := birds.At(0), birds.At(1)
	fmt.Println(a.Name, "and", b.Name, "differ in", a.Differs(b))
	fmt.Println(a.Look(birds.Beak), "or", b.Look(birds.Beak))

	scene := birds.NewScene(0, "train", 0, 0)
	one, parts := birds.Draw(a, scene, 160)
	other, _ := birds.Draw(b, scene, 160)
	beak := parts[birds.Beak]
	differ := 0
	for y := range one.Height {
		for x := range one.Width {
			if one.RGBAAt(x, y) != other.RGBAAt(x, y) {
				differ++
			}
		}
	}
	fmt.Println("the", beak.Name, "is seen:", beak.Visible, "and pixels differ:", differ > 0)
	// Output:
	// Dagger-billed Bunting and Hook-billed Bunting differ in [beak]
	// long red dagger or hooked yellow
	// the beak is seen: true and pixels differ: true
}
