// Package figure shows attention maps over their picture: the published overlay of INTR (Paul et al., ICLR 2024;
// SuperImposeHeatmap in the authors' tools/visualization.py and demo.ipynb), the demo's row of heads, classes, layers
// and pictures in grids, and the difference of two classes, at print quality as PNG, SVG, PDF or EPS, with a caption
// for LaTeX and the numbers behind them.
//
// The overlay repeats OpenCV's arithmetic on 8-bit pictures; what the published figure does to a map before it is seen
// (smoothing, the stretch from minimum to maximum) is an option here. The zero Options are the published figure.
package figure
