// Package birds draws birds of invented species that differ in one or two parts only, in the spirit of FunnyBirds
// (Hesse, Schaub-Meyer and Roth, ICCV 2023): where a model's attention should lie is known, and a picture can be drawn
// again without a part or with another species' part, everything else being the same to the pixel.
//
// A [Species] says how the seven parts look, a [Scene] everything else about one picture, [Draw] makes the picture of
// the two, and [Write] draws a whole dataset. The same arguments give the same bytes.
package birds
