package notebook

import (
	"fmt"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// bar is a progress bar below a cell, redrawn in place. A program started by
// hand gets its last line only.
type bar struct {
	id    string
	doing string // before the numbers, may be empty
	start time.Time
	drawn time.Time
}

// redraw is how long a drawing of the bar stands at least: every one is a
// message to the page.
const redraw = 100 * time.Millisecond

// at draws the bar for a number of things done; doing something else begins it anew.
func (b *bar) at(doing string, done, of int) {
	if b.start.IsZero() || doing != b.doing {
		b.doing, b.start, b.drawn = doing, time.Now(), time.Time{}
	}
	if !gonbui.IsNotebook || time.Since(b.drawn) < redraw {
		return
	}
	text := b.doing + fmt.Sprintf("%d of %d", done, of)
	if done > 0 {
		each := time.Since(b.start) / time.Duration(done)
		left := (each * time.Duration(of-done)).Round(time.Second)
		text += fmt.Sprintf(", %.2f s each, %v to go", each.Seconds(), left)
	}
	b.draw(progress("pictures done", float64(done), float64(of)), text)
}

// counts begins the bar and gives what draws it for a number of things done.
func (b *bar) counts(doing string, of int) func(done int) {
	b.at(doing, 0, of)
	return func(done int) { b.at(doing, done, of) }
}

// end replaces the bar by a line on what came of it.
func (b *bar) end(format string, args ...any) {
	lying()
	text := fmt.Sprintf(format, args...) + fmt.Sprintf(" in %.1f s", time.Since(b.start).Seconds())
	if !gonbui.IsNotebook {
		fmt.Println(text)
		return
	}
	b.draw("", text)
}

func (b *bar) draw(bar, text string) {
	if b.id == "" {
		b.id = "gointr_progress_" + gonbui.UniqueId()
	}
	b.drawn = time.Now()
	send(b.id, forms{protocol.MIMETextHTML: bar + "<span>" + text + "</span>"}, text, 0)
}

// progress is a bar as HTML.
func progress(label string, value, of float64) string {
	const style = "width:20em;vertical-align:middle"
	const bar = `<progress max="%.5g" value="%.5g" aria-label="%s" style="%s"></progress> `
	return fmt.Sprintf(bar, of, value, label, style)
}
