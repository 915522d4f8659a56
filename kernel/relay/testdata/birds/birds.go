// Package birds is for tests of completion.
package birds

// Bird has a name.
type Bird struct {
	Name string
	Age  int // in years
	nest string
}

// Egg is of a colour.
type Egg struct{ Colour string }

// Options are choices for Sing.
type Options struct {
	// Loud is heard afar.
	Loud bool
}

// Open finds a bird.
func Open(name string) *Bird { return &Bird{Name: name, nest: "tree"} }

// Sing is what it sings.
func (b *Bird) Sing(options ...func(*Options)) string { return b.Name + b.nest }

// Eggs are in the nest.
func (b *Bird) Eggs() []Egg { return nil }
