package relay

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// order puts what a cell shows back into the order in which the cell showed it: text and pictures come from it by two
// ways, of which either may be the faster. Before every picture the cell writes a mark with its number among its text.
type order struct {
	line    []item           // what waits for a picture in front of it
	early   map[int]*message // pictures before their mark
	begun   string           // of a mark of which the end has not come
	held    []*message       // what may be the cell's last words
	since   time.Time        // the first of them came
	panicks bool             // from here on all of standard error is held
}

// item is a message, or the place of a picture.
type item struct {
	message *message
	mark    int
}

var (
	mark     = regexp.MustCompile("\x1e([0-9]+)\x1e")
	redLines = regexp.MustCompile("(?s)^(.*?)((?:\x1b\\[31m[^\n]*\x1b\\[0m\n)+)$")
	exited   = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: .+)\n$`)
	panicked = regexp.MustCompile(`(?m)^(panic: |fatal error: )`)
)

// take gives show the messages whose turn it is, m among them or later.
func (o *order) take(m *message, show func(*message)) {
	switch m.header.Type {
	case "stream":
		var content struct{ Name, Text string }
		json.Unmarshal(m.content, &content)
		if content.Name == "stderr" {
			o.complaint(m, content.Text, show)
			return
		}
		text := o.begun + content.Text
		o.begun = ""
		if at := strings.LastIndexByte(text, 0x1e); at >= 0 && strings.Count(text, "\x1e")%2 == 1 {
			text, o.begun = text[:at], text[at:]
		}
		for text != "" {
			at := mark.FindStringSubmatchIndex(text)
			if at == nil {
				o.line = append(o.line, item{message: m.text("stdout", text)})
				break
			}
			if at[0] > 0 {
				o.line = append(o.line, item{message: m.text("stdout", text[:at[0]])})
			}
			n, _ := strconv.Atoi(text[at[2]:at[3]])
			o.line = append(o.line, item{mark: n})
			text = text[at[1]:]
		}
	case "display_data", "update_display_data", "execute_result":
		n, plain := m.unmarked()
		if n == 0 {
			o.line = append(o.line, item{message: m})
			break
		}
		if o.early == nil {
			o.early = map[int]*message{}
		}
		o.early[n] = plain
	default:
		o.line = append(o.line, item{message: m})
	}
	o.show(show)
}

// show shows the head of the line.
func (o *order) show(show func(*message)) {
	for len(o.line) > 0 {
		m := o.line[0].message
		if m == nil {
			if m = o.early[o.line[0].mark]; m == nil {
				return
			}
			delete(o.early, o.line[0].mark)
		}
		o.line = o.line[1:]
		if time.Since(o.since) > settled {
			o.release(show)
		}
		show(m)
	}
}

// settled is after what time words were not the last: text and pictures from before them may come later than they do,
// by their other ways.
var settled = 2 * time.Second

// hold keeps what may be the last words.
func (o *order) hold(m *message) {
	if o.held == nil {
		o.since = time.Now()
	}
	o.held = append(o.held, m)
}

// release shows what was held and was not the last.
func (o *order) release(show func(*message)) {
	if o.panicks {
		return
	}
	for _, m := range o.held {
		show(m)
	}
	o.held = nil
}

// complaint takes standard error. A red sentence, a panic, and the status a cell ended with may be its end: then they
// are the error's, else they are shown.
func (o *order) complaint(m *message, text string, show func(*message)) {
	switch {
	case o.panicks:
		o.hold(m)
	case exited.MatchString(text):
		o.hold(m)
	case panicked.MatchString(text):
		at := panicked.FindStringIndex(text)[0]
		o.release(show)
		if at > 0 {
			o.line = append(o.line, item{message: m.text("stderr", text[:at])})
			o.show(show)
		}
		o.panicks = true
		o.hold(m.text("stderr", text[at:]))
	default:
		o.release(show) // more of the same way is after it
		if part := redLines.FindStringSubmatch(text); part != nil {
			if part[1] != "" {
				o.line = append(o.line, item{message: m.text("stderr", part[1])})
				o.show(show)
			}
			o.hold(m.text("stderr", part[2]))
			return
		}
		o.line = append(o.line, item{message: m})
		o.show(show)
	}
}

// end shows all that is left, of what was held only with all.
func (o *order) end(show func(*message), all bool) {
	if o.begun != "" && len(o.line) == 0 {
		o.begun = "" // half a mark of a cell that was ended
	}
	for _, i := range o.line {
		if i.message != nil {
			show(i.message)
		} else if m := o.early[i.mark]; m != nil {
			show(m)
			delete(o.early, i.mark)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(o.early)) {
		show(o.early[n])
	}
	o.line, o.early = nil, nil
	if all {
		o.panicks = false
		o.release(show)
	}
}

// words are what was held, without colours.
func (o *order) words() string {
	var all strings.Builder
	for _, m := range o.held {
		var content struct{ Text string }
		json.Unmarshal(m.content, &content)
		if !exited.MatchString(content.Text) {
			all.WriteString(plain(content.Text))
		}
	}
	return all.String()
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

func plain(s string) string { return colours.ReplaceAllString(s, "") }

// text is a stream message with another text.
func (m *message) text(name, text string) *message {
	return m.with(map[string]string{"name": name, "text": text})
}

// unmarked is the number of a picture among what its cell shows, 0 for none, and the message without it.
func (m *message) unmarked() (int, *message) {
	content := m.fields()
	metadata, _ := content["metadata"].(map[string]any)
	n, ok := metadata["gointr.order"].(json.Number)
	if !ok {
		return 0, m
	}
	delete(metadata, "gointr.order")
	number, _ := n.Int64()
	return int(number), m.with(content)
}
