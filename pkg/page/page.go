// Package page makes pages of HTML: each is one file that needs nothing else, no network and no server, on its own
// as well as in a notebook's frame. All of them have one theme, light and dark, one script that draws maps over
// pictures, and say below where they come from. What a page shows is its room's: NAME.html, a template of
// html/template for what stands above the footer, and beside it NAME.css and, where it draws, NAME.js.
//
//	//go:embed guide.html guide.css guide.js
//	var files embed.FS
//	var guide = page.Parse(files, "guide")
//
//	err := guide.Write(w, page.Content{Title: "Guide", Body: what, Model: from})
package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/gointr/gointr/pkg/origin"
)

//go:embed page.html page.css page.js
var files embed.FS

// Template is what the pages of one kind have in common.
type Template struct {
	html *template.Template
	css  template.CSS
	js   template.JS
}

// Parse is the template of NAME.html, NAME.css and NAME.js, if there is one; it panics where they are broken. The body
// has Content.Body as its dot and may have {{template "look" "shown"}}, the controls of how maps are drawn, "one scale
// for all maps shown" among them.
func Parse(own fs.FS, name string) *Template {
	read := func(from fs.FS, file string) string {
		text, err := fs.ReadFile(from, file)
		if err != nil {
			panic("page: " + err.Error())
		}
		return string(text)
	}
	script := read(files, "page.js")
	if _, err := fs.Stat(own, name+".js"); err == nil {
		script += read(own, name+".js")
	}
	t := template.Must(template.New("page").Parse(read(files, "page.html")))
	template.Must(t.New("body").Parse(read(own, name+".html")))
	return &Template{
		html: t,
		css:  template.CSS(read(files, "page.css") + read(own, name+".css")),
		js:   template.JS(script),
	}
}

// Content is what one page shows.
type Content struct {
	Title string
	Body  any          // for the template of the body
	Data  any          // for the script: JSON, its global data; nil for none
	Model origin.Model // whose numbers these are
	Facts []Fact       // what else they come from: the data with their digest
}

// Fact is a line of the footer: a term, and what there is to say.
type Fact [2]string

// Write writes a page. What is in its content stays words, in the script's data, too. Its error is that of w, or that
// the data cannot be JSON.
func (t *Template) Write(w io.Writer, c Content) error {
	var data json.RawMessage
	if c.Data != nil {
		var err error
		if data, err = json.Marshal(c.Data); err != nil {
			return fmt.Errorf("the page %q cannot be written: %w", c.Title, err)
		}
	}
	return t.html.ExecuteTemplate(w, "page", struct {
		Content
		CSS  template.CSS
		JS   template.JS
		JSON any
		From []Fact
	}{c, t.css, t.js, data, c.from()})
}

// from is the lines of the footer.
func (c Content) from() []Fact {
	facts := c.Facts
	var model []string
	if c.Model.Checkpoint != "" {
		model = append(model, filepath.Base(c.Model.Checkpoint)) // pages are given away, one's folders are not
	}
	if c.Model.SHA256 != "" {
		model = append(model, "SHA-256 "+c.Model.SHA256)
	}
	for _, part := range []string{c.Model.Model, c.Model.Engine} {
		if part != "" {
			model = append(model, part)
		}
	}
	if c.Model.Upright {
		model = append(model, "pictures turned upright as their files say")
	}
	if model != nil {
		facts = append([]Fact{{"Model", strings.Join(model, "; ")}}, facts...)
	}
	return append(facts, Fact{"Made with", "GoINTR " + origin.Version()})
}
