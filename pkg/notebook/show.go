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
	data := &protocol.DisplayData{Data: forms}
	if width > 0 {
		data.Metadata = map[string]any{string(protocol.MIMEImagePNG): map[string]int{"width": width}}
	}
	send(data)
	gonbui.Sync()
}

// update shows an output in the notebook, or replaces the one with the same id.
func update(id string, forms map[protocol.MIMEType]any) {
	send(&protocol.DisplayData{Data: forms, DisplayID: id})
}

func send(data *protocol.DisplayData) {
	if err := connect(); err != nil {
		Check(fmt.Errorf("the notebook's kernel cannot be reached to show this: %w", err))
	}
	gonbui.SendData(data)
	Check(gonbui.Error())
}
