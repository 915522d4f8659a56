package relay

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

func stream(name, text string) *message {
	return (&message{header: header{Type: "stream"}}).with(map[string]string{"name": name, "text": text})
}

func picture(n int, what string) *message {
	metadata := map[string]any{}
	if n > 0 {
		metadata["gointr.order"] = n
	}
	return (&message{header: header{Type: "display_data"}}).with(map[string]any{"data": map[string]string{
		"text/plain": what},
		"metadata": metadata})
}

// seen is what a reader of the cell sees.
func seen(messages []*message) string {
	var all strings.Builder
	for _, m := range messages {
		var content struct {
			Text string
			Data map[string]string
		}
		json.Unmarshal(m.content, &content)
		all.WriteString(content.Text)
		if what := content.Data["text/plain"]; what != "" {
			fmt.Fprintf(&all, "<%s>", what)
		}
	}
	return all.String()
}

// A cell writes text and pictures in turn; they come by two ways, each in its own order, the text in pieces of any
// size.
func TestOrderIsTheCells(t *testing.T) {
	const n = 12
	var text, want string
	var pictures []*message
	for i := 1; i <= n; i++ {
		line := fmt.Sprintf("bird %d\n", i)
		text += line + fmt.Sprintf("\x1e%d\x1e", i)
		want += line + fmt.Sprintf("<p%d>", i)
		pictures = append(pictures, picture(i, fmt.Sprintf("p%d", i)))
	}
	text += "the end\n"
	want += "the end\n"
	wrong := 0
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var arrived []*message
		left, waiting := text, pictures
		for left != "" || len(waiting) > 0 {
			if left == "" || len(waiting) > 0 && rnd.IntN(3) == 0 {
				arrived, waiting = append(arrived, waiting[0]), waiting[1:]
				continue
			}
			cut := 1 + rnd.IntN(min(len(left), 20))
			arrived, left = append(arrived, stream("stdout", left[:cut])), left[cut:]
		}
		if strings.NewReplacer("\x1e", "").Replace(seen(arrived)) != want && mark.ReplaceAllString(seen(arrived),
			"") != want {
			wrong++
		}
		var o order
		var out []*message
		show := func(m *message) { out = append(out, m) }
		for _, m := range arrived {
			o.take(m, show)
		}
		o.end(show, true)
		if got := seen(out); got != want {
			t.Fatalf("seed %d:\n%q, want\n%q", seed, got, want)
		}
		for _, m := range out {
			if strings.Contains(string(m.content), "gointr.order") {
				t.Fatal("the mark is left in a picture")
			}
		}
	}
	if wrong < 400 {
		t.Errorf("only %d of 500 would have been out of order without marks: the test shows little", wrong)
	}
}

func TestNothingIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		in   []*message
		all  bool
		want string
	}{
		"a picture whose mark never comes": {[]*message{stream("stdout", "a"), picture(1, "p")}, true, "a<p>"},
		"a mark whose picture never comes": {[]*message{stream("stdout", "a\x1e1\x1eb")}, true, "ab"},
		"half a mark":                      {[]*message{stream("stdout", "a\x1e1")}, true, "a"},
		"pictures of another library": {[]*message{stream("stdout", "a"), picture(0, "p"), stream("stdout",
			"b")}, true, "a<p>b"},
		"warnings": {[]*message{stream("stderr", "careful\n"), stream("stdout", "b")}, true,
			"careful\nb"},
		"a red sentence before other words": {[]*message{stream("stderr", "\x1b[31mno\x1b[0m\n"), stream("stdout",
			"b"), stream("stderr", "c")}, true, "b\x1b[31mno\x1b[0m\nc"},
		"a picture from before the last words": {[]*message{stream("stdout", "a\x1e1\x1e"), stream("stderr",
			"\x1b[31mno\x1b[0m\n"), picture(1, "p"), stream("stdout", "b"), stream("stderr", "exit status 1\n")}, false,
			"a<p>b"},
		"a red sentence at the end": {[]*message{stream("stderr", "\x1b[31mno\x1b[0m\n"), stream("stderr",
			"exit status 1\n")}, false, ""},
		"red after others": {[]*message{stream("stderr", "well\n\x1b[31mno\x1b[0m\n"), stream("stderr",
			"exit status 1\n")}, false,
			"well\n"},
		"a panic": {[]*message{stream("stderr", "hm\npanic: no\n\ngoroutine 1"), stream("stderr", "exit status 2\n")},
			false, "hm\n"},
		"the word panic": {[]*message{stream("stderr", "panic: is what I say\n"), stream("stdout", "and go on")}, true,
			"and go onpanic: is what I say\n"},
	} {
		var o order
		var out []*message
		show := func(m *message) { out = append(out, m) }
		for _, m := range c.in {
			o.take(m, show)
		}
		o.end(show, c.all)
		if got := seen(out); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A red sentence that is followed by more, after a while, is shown where it stands.
func TestWordsThatWereNotTheLast(t *testing.T) {
	defer func(was time.Duration) { settled = was }(settled)
	settled = 0
	var o order
	var out []*message
	for _, m := range []*message{stream("stderr", "\x1b[31mno\x1b[0m\n"), stream("stdout", "b")} {
		o.take(m, func(m *message) { out = append(out, m) })
		time.Sleep(time.Millisecond)
	}
	if got := seen(out); got != "\x1b[31mno\x1b[0m\nb" {
		t.Errorf("%q", got)
	}
}

func TestMessages(t *testing.T) {
	key := signer("secret")
	m := (&message{to: [][]byte{[]byte("client")}, header: header{ID: "1", Type: "execute_request", Session: "s"}}).
		with(map[string]any{"code": "1+1"})
	m.buffers = [][]byte{{1, 2, 3}}
	back, err := key.read(key.frames(m))
	if err != nil || string(back.to[0]) != "client" || back.header != m.header ||
		string(back.content) != string(m.content) ||
		len(back.buffers) != 1 {
		t.Fatalf("%+v, %v", back, err)
	}
	forged := key.frames(m)
	forged[6] = []byte(`{"code":"rm"}`)
	if _, err := key.read(forged); err == nil {
		t.Error("a forged message is read")
	}
	if _, err := signer("another").read(key.frames(m)); err == nil {
		t.Error("a message signed with another key is read")
	}
	for n := range 7 {
		if _, err := key.read(key.frames(m)[:n]); err == nil {
			t.Errorf("a message of %d frames is read", n)
		}
	}
	if _, err := signer("").read(signer("").frames(m)); err != nil {
		t.Errorf("without a key: %v", err)
	}
}

func TestInsideQuotes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"bird.png", "bird.pth", "notes.txt"} {
		write(t, name)
	}
	n := &Names{Checkpoints: []string{"sample", "cub"}, Classes: func(string) []string {
		return []string{
			"Plumed Bunting", "Robin"}
	}}
	checkpoint := func(string) string { return "sample" }
	for code, want := range map[string]string{
		`m := notebook.Open("`:           "[sample cub bird.pth]",
		`m := notebook.Open("s`:          "[sample]",
		`model.Explain("b`:               "[bird.png]",
		`notebook.ClassFile("`:           "[notes.txt]",
		`bird.Heads("plu`:                "[Plumed Bunting]",
		`bird.Compare("Robin", "Pl`:      "[Plumed Bunting]",
		`fmt.Println("b`:                 "[]",
		`bird.Heads("Robin").Sh`:         "[]",
		"x := 1\nmodel.Explain(\"no":     "[]",
		`model.Explain("bird.png") // "`: "[]",
	} {
		if got, _ := n.within(code, checkpoint); fmt.Sprint(got) != want {
			t.Errorf("%s completes with %v, want %s", code, got, want)
		}
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// JupyterLab, whose username is "", passes over messages without one.
func TestEveryFieldOfAHeaderIsThere(t *testing.T) {
	frames := signer("k").frames((&message{header: header{ID: "1", Type: "status"},
		parent: header{ID: "2"}}).with(struct{}{}))
	for _, i := range []int{2, 3} {
		var fields map[string]any
		if err := json.Unmarshal(frames[i], &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"msg_id", "session", "username", "date", "msg_type", "version"} {
			if _, ok := fields[name].(string); !ok {
				t.Errorf("frame %d has no %s: %s", i, name, frames[i])
			}
		}
	}
	if frames := signer("k").frames((&message{}).with(struct{}{})); string(frames[3]) != "{}" {
		t.Errorf("no parent is %s", frames[3])
	}
}

// The last state of a progress bar, which goes another way, may come after the sentence that ends a cell.
func TestLastWordsBeforeABar(t *testing.T) {
	bar := picture(1, "3 of 3")
	bar.header.Type = "update_display_data"
	var o order
	var out []*message
	show := func(m *message) { out = append(out, m) }
	for _, m := range []*message{stream("stderr", "\x1b[31mno\x1b[0m\n"), stream("stdout", "\x1e1\x1e"), bar} {
		o.take(m, show)
	}
	if got := seen(out); got != "<3 of 3>" || o.words() != "no\n" {
		t.Errorf("shown is %q, the last words are %q", got, o.words())
	}
}
