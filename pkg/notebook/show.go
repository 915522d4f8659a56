package notebook

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gointr/gointr/internal/wholefile"
)

// Check ends the cell with err as one red sentence, and with it "Run all".
// It does nothing when err is nil.
func Check(err error) {
	if err != nil {
		fail("%w", err)
	}
}

// must is v, or the end of the cell.
func must[T any](v T, err error) T {
	Check(err)
	return v
}

// fail ends the cell with one red sentence.
func fail(format string, args ...any) {
	sentence := strings.Join(strings.Fields(fmt.Errorf(format, args...).Error()), " ")
	if gonbui.IsNotebook {
		sentence = "\x1b[31m" + sentence + "\x1b[0m"
	}
	fmt.Fprintln(os.Stderr, sentence)
	os.Exit(1)
}

// with is what options make of the defaults.
func with[T any](o T, options []func(*T)) T {
	for _, option := range options {
		option(&o)
	}
	return o
}

// forms are those of one output: PNG, HTML.
type forms = map[protocol.MIMEType]any

// output is what a cell shows and saves.
type output struct {
	text  string           // where nothing else can be shown
	forms func() forms     // nil where there is only the text
	width int              // of a PNG on the page, in CSS pixels; 0 is its own
	save  map[string]saver // by the ending of the path; nil where there is only the text
}

// String is what is printed where nothing can be shown.
func (o output) String() string { return o.text }

type saver = func(path string) error

// show shows the output in the notebook in every form it has; elsewhere it prints
// the text. It returns when the kernel has it, as the cell's process may end right
// after.
func (o output) show() {
	if o.forms == nil || !gonbui.IsNotebook {
		fmt.Println(o.text)
		return
	}
	send("", o.forms(), o.text, o.width)
	gonbui.Sync()
}

// saidMissing are sentences about letters that no font has: a figure that is shown and saved says it once.
var saidMissing = map[string]bool{}

// said tells below the cell which letters of its figures are boxes.
func said(missing string) {
	if missing != "" && !saidMissing[missing] {
		saidMissing[missing] = true
		fmt.Fprintln(os.Stderr, missing)
	}
}

func (o output) write(path string) {
	if o.save == nil {
		fmt.Println(o.text)
		return
	}
	saveAs(path, o.save)
}

// saveAs writes a file in the form that its ending names; "" is any other.
func saveAs(path string, by map[string]saver) {
	write := by[strings.ToLower(filepath.Ext(path))]
	if write == nil {
		write = by[""]
	}
	if write == nil {
		fail("%s cannot be written: end the name with %s", path, strings.Join(slices.Sorted(maps.Keys(by)), " or "))
	}
	Check(write(path))
}

// asBytes writes bytes, asJSON a report for people to read.
func asBytes(data []byte) saver {
	return func(path string) error { return wholefile.Bytes(path, data) }
}
func asJSON(report any) saver { return func(path string) error { return wholefile.JSON(path, report) } }

var (
	connect = sync.OnceValue(gonbui.Open)
	ordered = os.Getenv("GOINTR_ORDER") != "" // the kernel asks for it
	sending sync.Mutex
	shows   int // so far
)

// send shows an output in the notebook, or replaces the one with the same id, which
// may be "".
func send(id string, shown forms, text string, width int) {
	if err := connect(); err != nil {
		fail("the notebook's kernel cannot be reached to show this: %w", err)
	}
	shown[protocol.MIMETextPlain] = text
	data := &protocol.DisplayData{Data: shown, DisplayID: id}
	if width > 0 {
		data.Metadata = map[string]any{string(protocol.MIMEImagePNG): map[string]int{"width": width}}
	}
	sending.Lock()
	defer sending.Unlock()
	if ordered {
		shows++
		// text and pictures take two ways to the kernel, which puts them in order by this
		fmt.Printf("\x1e%d\x1e", shows)
		if data.Metadata == nil {
			data.Metadata = map[string]any{}
		}
		data.Metadata["gointr.order"] = shows
	}
	gonbui.SendData(data)
	Check(gonbui.Error())
}
