package notebook

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Check ends the cell with err as one red sentence, and with it "Run all".
// It does nothing when err is nil.
func Check(err error) {
	if err == nil {
		return
	}
	sentence := strings.Join(strings.Fields(err.Error()), " ")
	if gonbui.IsNotebook {
		sentence = "\x1b[31m" + sentence + "\x1b[0m"
	}
	fmt.Fprintln(os.Stderr, sentence)
	os.Exit(1)
}

var connect = sync.OnceValue(gonbui.Open)

// display shows one output in the notebook in every form it has; elsewhere it
// prints the text. It returns when the kernel has it, as the cell's process may
// end right after. width is that of a PNG on the page, in CSS pixels.
func display(forms map[protocol.MIMEType]any, width int) {
	if !gonbui.IsNotebook {
		fmt.Println(forms[protocol.MIMETextPlain])
		return
	}
	send(&protocol.DisplayData{Data: forms, Metadata: sized(width)})
	gonbui.Sync()
}

// update shows an output in the notebook, or replaces the one with the same id.
func update(id string, forms map[protocol.MIMEType]any) { updateSized(id, forms, 0) }

// updateSized is update with the width of a PNG on the page.
func updateSized(id string, forms map[protocol.MIMEType]any, width int) {
	send(&protocol.DisplayData{Data: forms, DisplayID: id, Metadata: sized(width)})
}

func sized(width int) map[string]any {
	if width == 0 {
		return nil
	}
	return map[string]any{string(protocol.MIMEImagePNG): map[string]int{"width": width}}
}

func send(data *protocol.DisplayData) {
	if err := connect(); err != nil {
		Check(fmt.Errorf("the notebook's kernel cannot be reached to show this: %w", err))
	}
	gonbui.SendData(data)
	Check(gonbui.Error())
}
