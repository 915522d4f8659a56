package relay

import (
	"cmp"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gointr/gointr/kernel/cell"
)

// Names is what cells can name.
type Names struct {
	Module      string   // folder of GoINTR's source
	GoRoot      string   // of Go's
	Checkpoints []string // that have a name
	// Classes gives the class names of a checkpoint that the session has open or opens at once; none where it does not.
	Classes func(checkpoint string) []string

	one      sync.Mutex
	packages map[string][]string
}

// exported gives the exported names of a package by its last part, methods under "package.Type".
func (n *Names) exported(name string) []string {
	if n == nil {
		return nil
	}
	n.one.Lock()
	defer n.one.Unlock()
	pkg, _, _ := strings.Cut(name, ".")
	if n.packages == nil {
		n.packages = map[string][]string{}
	}
	if _, known := n.packages[pkg]; !known {
		n.packages[pkg] = nil
		if folder := n.folder(pkg); folder != "" {
			n.read(pkg, folder)
		}
	}
	return n.packages[name]
}

// folder is where a package lies, "" where it is not found.
func (n *Names) folder(pkg string) string {
	places := []string{filepath.Join(n.Module, "pkg", pkg), filepath.Join(n.Module, pkg)}
	for _, below := range []string{"", "math", "net", "os", "encoding", "image", "path", "text", "html", "container",
		"go", "crypto", "compress", "unicode", "runtime", "sync", "io", "archive"} {
		places = append(places, filepath.Join(n.GoRoot, "src", below, pkg))
	}
	if at := slices.IndexFunc(places, isFolder); at >= 0 {
		return places[at]
	}
	return ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (n *Names) read(pkg, folder string) {
	paths, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	add := func(key string, id *ast.Ident) {
		if id.IsExported() && !slices.Contains(n.packages[key], id.Name) {
			n.packages[key] = append(n.packages[key], id.Name)
		}
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(pkg, d.Name)
				} else if len(d.Recv.List) > 0 {
					add(pkg+"."+receiver(d.Recv.List[0].Type), d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(pkg, s.Name)
						if t, ok := s.Type.(*ast.StructType); ok {
							for _, field := range t.Fields.List {
								for _, id := range field.Names {
									add(pkg+"."+s.Name.Name, id)
								}
							}
						}
					case *ast.ValueSpec:
						for _, id := range s.Names {
							add(pkg, id)
						}
					}
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// completion answers Tab: inside quotes with what the call takes there, else GoNB does, of the cell as it takes it.
func (r *relay) completion(ctx context.Context, q *request) {
	asked := q.fields()
	code, at := cursorOf(asked)
	if found, from := r.names.within(code[:at], r.checkpoint); found != nil {
		end := utf8.RuneCountInString(code[:at])
		r.reply(q.answer("complete_reply", map[string]any{"status": "ok", "matches": found,
			"metadata":     map[string]any{},
			"cursor_start": end - utf8.RuneCountInString(code[from:at]), "cursor_end": end}))
		return
	}
	if found, from := r.types.complete(code[:at], r.program()); found != nil {
		end := utf8.RuneCountInString(code[:at])
		r.reply(q.answer("complete_reply", map[string]any{"status": "ok", "matches": found,
			"metadata":     map[string]any{},
			"cursor_start": utf8.RuneCountInString(code[:from]), "cursor_end": end}))
		return
	}
	c := cell.Inside(code)
	moved, ok := c.Cursor(at)
	if !ok {
		r.reply(q.answer("complete_reply", nothing(code[:at])))
		return
	}
	asked["code"], asked["cursor_pos"] = c.Go, utf8.RuneCountInString(c.Go[:moved])
	if !r.ask(ctx, q, q.with(asked)) {
		return
	}
	answer := q.reply.fields()
	shift := utf8.RuneCountInString(code[:at]) - utf8.RuneCountInString(c.Go[:moved])
	for _, key := range []string{"cursor_start", "cursor_end"} {
		if n, ok := answer[key].(interface{ Int64() (int64, error) }); ok {
			v, _ := n.Int64()
			answer[key] = max(0, int(v)+shift)
		}
	}
	r.reply(q.answer("complete_reply", answer))
}

func nothing(before string) map[string]any {
	at := utf8.RuneCountInString(before)
	return map[string]any{"status": "ok", "matches": []string{}, "metadata": map[string]any{}, "cursor_start": at,
		"cursor_end": at}
}

// inspection answers Shift-Tab.
func (r *relay) inspection(ctx context.Context, q *request) {
	asked := q.fields()
	code, at := cursorOf(asked)
	if said := r.types.explain(code, at, r.program()); said != "" {
		r.reply(q.answer("inspect_reply", map[string]any{"status": "ok", "found": true, "metadata": map[string]any{},
			"data": map[string]any{"text/plain": said}}))
		return
	}
	c := cell.Inside(code)
	if moved, ok := c.Cursor(at); ok {
		asked["code"], asked["cursor_pos"] = c.Go, utf8.RuneCountInString(c.Go[:moved])
	}
	if r.ask(ctx, q, q.with(asked)) {
		r.reply(q.answer("inspect_reply", q.reply.fields()))
	}
}

// program is that of the last cell, which has all that is declared; "" before there is one.
func (r *relay) program() string {
	paths, _ := filepath.Glob(filepath.Join(r.folder, "gonb_*", "main.go"))
	if len(paths) != 1 {
		return ""
	}
	data, _ := os.ReadFile(paths[0])
	return string(data)
}

// cursorOf is a request's code, and where the cursor is in it in bytes.
func cursorOf(asked map[string]any) (string, int) {
	code, _ := asked["code"].(string)
	at := len(code)
	if n, ok := asked["cursor_pos"].(interface{ Int64() (int64, error) }); ok {
		v, _ := n.Int64()
		at = 0
		for ; v > 0 && at < len(code); v-- {
			_, size := utf8.DecodeRuneInString(code[at:])
			at += size
		}
	}
	return code, at
}

var (
	openQuote = regexp.MustCompile(`(\w+)\(([^()\n]*?)"([^"\n]*)$`)
	opened    = regexp.MustCompile(`\bOpen\("([^"\n]+)"`)
)

// checkpoint is the one that a notebook opened last: whose classes are meant.
func (r *relay) checkpoint(code string) string {
	if part := opened.FindStringSubmatch(code); part != nil {
		return part[1]
	}
	for _, c := range slices.Backward(r.book.Cells()) {
		if part := opened.FindStringSubmatch(c.Code); part != nil {
			return part[1]
		}
	}
	return "sample"
}

// within gives what may stand in the quotes that are open at the end of code, and where what is written of it begins;
// nil where no quotes are open or what they are for is not known.
func (n *Names) within(code string, checkpoint func(string) string) ([]string, int) {
	part := openQuote.FindStringSubmatchIndex(code)
	if n == nil || part == nil || strings.Count(code[strings.LastIndexByte(code, '\n')+1:], `"`)%2 == 0 {
		return nil, 0
	}
	call, before, written := code[part[2]:part[3]], code[part[4]:part[5]], code[part[6]:]
	first := !strings.Contains(before, ",")
	var found []string
	switch {
	case call == "Open" && first:
		for _, c := range n.Checkpoints {
			if strings.HasPrefix(c, written) {
				found = append(found, c)
			}
		}
		found = append(found, files(written, ".pth", ".pt", ".safetensors")...)
	case slices.Contains([]string{"Explain", "Picture"}, call):
		found = files(written, ".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".avif",
			".jp2")
	case call == "ClassFile":
		found = files(written, ".txt", ".json", ".csv")
	case slices.Contains([]string{"ExplainAll", "Evaluate", "Faithful", "FieldGuide", "OpenRun"}, call),
		call == "Interpret" && first:
		found = files(written, "/")
	case slices.Contains([]string{"FineTune", "Confused"}, call):
		found = files(written, "/", ".pth")
	case slices.Contains([]string{"Heads", "Compare", "Difference", "Versus", "Row", "Class", "Interpret", "Layer"},
		call) && n.Classes != nil:
		for _, name := range n.Classes(checkpoint(code)) {
			if strings.HasPrefix(strings.ToLower(name), strings.ToLower(written)) {
				found = append(found, name)
			}
		}
	default:
		return nil, 0
	}
	if found == nil {
		found = []string{}
	}
	return found, part[6]
}

// files are the folders and the files with one of the endings that a path may go on to.
func files(written string, endings ...string) []string {
	folder, begun := path.Split(written)
	entries, _ := os.ReadDir(filepath.FromSlash(cmp.Or(folder, ".")))
	var found []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, begun) || strings.HasPrefix(name, ".") && begun == "" {
			continue
		}
		if e.IsDir() {
			found = append(found, folder+name+"/")
		} else if slices.Contains(endings, strings.ToLower(path.Ext(name))) {
			found = append(found, folder+name)
		}
	}
	return found
}
