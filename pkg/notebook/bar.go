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
	of    int
	start time.Time
	drawn time.Time
}

// redraw is how long a drawing of the bar stands at least: every one is a
// message to the page.
const redraw = 100 * time.Millisecond

func newBar(of int) *bar {
	b := &bar{of: of, start: time.Now()}
	if gonbui.IsNotebook {
		b.id = "gointr_progress_" + gonbui.UniqueID()
		b.set(0)
	}
	return b
}

// next begins the bar anew, for something else.
func (b *bar) next(doing string) {
	b.doing, b.start, b.drawn = doing, time.Now(), time.Time{}
	b.set(0)
}

// set draws the bar for a number of things done.
func (b *bar) set(done int) {
	if b.id == "" || time.Since(b.drawn) < redraw {
		return
	}
	text := b.doing + fmt.Sprintf("%d of %d", done, b.of)
	if done > 0 {
		each := time.Since(b.start) / time.Duration(done)
		text += fmt.Sprintf(", %.2f s each, %v to go", each.Seconds(), (each * time.Duration(b.of-done)).Round(time.Second))
	}
	b.draw(fmt.Sprintf(`<progress max="%d" value="%d" aria-label="pictures done" style="width:20em;vertical-align:middle"></progress> `, b.of, done), text)
}

// end replaces the bar by a line on what came of it.
func (b *bar) end(text string) {
	text += fmt.Sprintf(" in %.1f s", time.Since(b.start).Seconds())
	if b.id == "" {
		fmt.Println(text)
		return
	}
	b.draw("", text)
}

func (b *bar) draw(html, text string) {
	b.drawn = time.Now()
	update(b.id, map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  html + "<span>" + text + "</span>",
		protocol.MIMETextPlain: text,
	})
}
