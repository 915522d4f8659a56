// Package notebook is INTR in the cells of a Jupyter notebook with Go:
//
//	import "github.com/gointr/gointr/pkg/notebook"
//
//	var model = notebook.Open("cub", notebook.ClassFile("classes.txt"))
//
//	bird := model.Explain("bunting.jpg").Show()
//	bird.Top(5).Show()
//	bird.Compare("Painted Bunting", "Indigo Bunting").Show().Save("why.pdf")
//
// Its grammar: what makes a figure, a table, a page or a report gives it and shows nothing.
// Show shows it and Save writes it, as the path's ending says; both give it back. The value of a
// cell's last expression shows itself (package notebook/value).
// Options come last, as functions: func(o *notebook.FigureOptions) { o.Colormap = "viridis" }.
//
// Every cell is a process of its own; the model stays in the session (package
// session), so that Open costs a millisecond in all cells but the first. Nothing
// asks for a context: a cell is interrupted by the end of its process. While long
// work goes on, a progress bar stands below the cell.
//
// Nothing returns an error: a mistake shows one red sentence and ends the cell,
// and with it "Run all". Classes are given by name ("Indigo Bunting" finds
// "014.Indigo_Bunting") or number; layers and heads count from 0, and layer
// attention.Last (-1) is the last. Tables and figures are shown as HTML and PNG,
// which exported notebooks keep. The same code in a program started by hand prints
// the tables as text and says of a figure how to keep it.
//
// Programs that want to handle errors use packages intr, attention and figure,
// which this one only brings to the page.
package notebook
