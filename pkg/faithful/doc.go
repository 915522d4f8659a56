// Package faithful measures whether attention maps tell the truth: whether the places that a map marks are those by
// which the model decided, and whether they are those that a person would call the telling part.
//
//   - insertion and deletion (RISE: Petsiuk et al., BMVC 2018),
//   - the pointing game (Zhang et al., IJCV 2018) and the energy inside a box (Score-CAM: Wang et al., CVPRW 2020),
//   - FunnyBirds' protocol on drawn birds, whose parts can really be taken away (Hesse et al., ICCV 2023),
//   - sanity checks by random weights (Adebayo et al., NeurIPS 2018).
//
// Each is measured beside baselines: a random map, a map of the centre, Grad-CAM and attention rollout.
// docs/faithful.md says exactly what is done.
//
// Run measures a whole dataset; measures of one map (Order, Insertion, Deletion, Point, Energy, Spearman) can be used
// by themselves. A map is laid over the whole picture: of r rows and c columns each cell is 1/r by 1/c of it.
package faithful
