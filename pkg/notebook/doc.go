// Package notebook is INTR in the cells of a Jupyter notebook with Go:
//
//	import "github.com/gointr/gointr/pkg/notebook"
//
//	var model = notebook.Open("cub", notebook.ClassFile("classes.txt"))
//	%%
//	bird := model.Explain("bunting.jpg")
//	fmt.Println(bird.Sentence())
//	bird.Top(5)
//	bird.Show()
//
// Every cell is a process of its own; the model stays in the session (package
// session), so that Open costs a millisecond in all cells but the first.
//
// Nothing returns an error: a mistake shows one red sentence and ends the cell,
// and with it "Run all". Tables and figures are shown as HTML and PNG, which
// exported notebooks keep. The same code in a program started by hand prints the
// tables as text and says of a figure how to keep it.
//
// Programs that want to handle errors use packages intr, attention and figure,
// which this one only brings to the page.
package notebook
