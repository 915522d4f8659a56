// Package cell reads the cells that people write and gives those that GoNB takes: statements
// need no %% above them, and the value of a last expression is shown, as in notebooks of other
// languages. What the compiler then says of a cell it puts into words ([Notebook.Explain]).
// A cell with %%, or of declarations alone, is left as it is.
package cell

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/gointr/gointr/internal/near"
)

// Cell is one cell: as written, and as GoNB takes it.
type Cell struct {
	Number int    // by which Jupyter counts it, once known
	Code   string // as written
	Go     string // as GoNB takes it
	// Quiet is the same cell without showing the value of its last expression, nil where none is shown: it is to be
	// run where that expression turns out to be a call without a value.
	Quiet *Cell

	lines  []int    // of each line of Go, the line of Code, both from 0
	values []string // names made by statements: gone after the cell
	decls  []string // names declared: they stay
}

// valuePackage shows a value of any type, by a name that nobody writes.
const valuePackage = `import gointrvalue "github.com/gointr/gointr/pkg/notebook/value"`

// Read reads a cell. An error is a *[Mistake], which says what was meant: such a cell is not run.
func Read(code string) (*Cell, error) {
	lines := strings.Split(code, "\n")
	c := &Cell{Code: code, Go: code, lines: make([]int, len(lines))}
	for i := range lines {
		c.lines[i] = i
	}
	if isMagic(lines[0]) {
		return c, nil
	}
	special := specialLines(lines)
	if at := slices.IndexFunc(lines, isMain); at >= 0 {
		c.note(split(masked(lines[:at], special[:at])))
		body := split(masked(lines[at+1:], special[at+1:]))
		for i := range body {
			body[i].declares = false
		}
		c.note(body)
		return c, nil
	}
	for i, line := range lines {
		if !special[i] {
			continue
		}
		if m := command(i, line); m != nil {
			return nil, m
		}
		lines[i] = environment(line)
	}
	c.Go = strings.Join(lines, "\n")
	chunks := split(masked(lines, special))
	c.note(chunks)
	for i, k := range chunks { // a variable made of values is one itself
		if k.declares && k.madeOf(c.values) {
			chunks[i].declares = false
			c.values, c.decls = nil, nil
			c.note(chunks)
		}
	}
	if m := misread(code, chunks); m != nil {
		return nil, m
	}
	if slices.ContainsFunc(chunks, func(k chunk) bool { return !k.declares }) && !slices.ContainsFunc(chunks,
		isMainFunc) {
		c.compose(lines, special, chunks)
	}
	return c, nil
}

// Inside is the cell for completion: what is being written need not be Go yet, and nothing is shown.
func Inside(code string) *Cell {
	c, err := Read(code)
	if err != nil {
		lines := strings.Split(code, "\n")
		special := specialLines(lines)
		c = &Cell{Code: code}
		c.compose(lines, special, split(masked(lines, special)))
	}
	if c.Quiet != nil {
		c = c.Quiet
	}
	return c
}

// Line is the line of the cell as written that a line of Go stands for, both from 1.
func (c *Cell) Line(inGo int) int {
	if inGo < 1 || inGo > len(c.lines) {
		return max(1, min(inGo, strings.Count(c.Code, "\n")+1))
	}
	return c.lines[inGo-1] + 1
}

// Find is the line of Go, from 1, that reads like a line that gofmt may have laid out; 0 where it is none or several.
func (c *Cell) Find(line string) int {
	bare := strings.NewReplacer(" ", "", "\t", "", ",", "")
	found := 0
	for i, text := range strings.Split(c.Go, "\n") {
		if text = bare.Replace(text); text != "" && text == bare.Replace(line) {
			if found > 0 {
				return 0
			}
			found = i + 1
		}
	}
	return found
}

// compose writes special lines and declarations first, then main with the statements.
func (c *Cell) compose(lines []string, special []bool, chunks []chunk) {
	var head, imports, declared, body text
	for i, line := range lines {
		if special[i] {
			head.add(i, line)
		}
	}
	var last chunk
	for _, k := range chunks {
		last = k
		to := &body
		if k.declares {
			to = &declared
		}
		if strings.HasPrefix(k.text, "import") {
			to = &imports
		}
		to.add(k.line, strings.Repeat(" ", k.col)+k.text)
	}
	main := text{[]string{"%%"}, []int{last.line}}
	if len(body.at) > 0 {
		main.at[0] = body.at[0]
	}
	quiet := *c
	quiet.Go, quiet.lines = join(head, imports, declared, main, body)
	if last.declares || !isShown(last) {
		*c = quiet
		return
	}
	n := len(body.at) - strings.Count(last.text, "\n") - 1
	shown := text{[]string{"gointrvalue.Show("}, []int{last.line}}
	shown.add(last.line, strings.Repeat(" ", last.col)+last.text+",")
	shown.add(shown.at[len(shown.at)-1], ")")
	imports.add(last.line, valuePackage)
	c.Go, c.lines = join(head, imports, declared, main, text{body.lines[:n], body.at[:n]}, shown)
	c.Quiet = &quiet
}

// text is lines, and which line of the cell each stands for.
type text struct {
	lines []string
	at    []int
}

func (t *text) add(at int, s string) {
	for i, line := range strings.Split(s, "\n") {
		t.lines, t.at = append(t.lines, line), append(t.at, at+i)
	}
}

func join(parts ...text) (string, []int) {
	var all text
	for _, p := range parts {
		all.lines, all.at = append(all.lines, p.lines...), append(all.at, p.at...)
	}
	return strings.Join(all.lines, "\n"), all.at
}

// chunk is one declaration or statement at the top of a cell.
type chunk struct {
	line     int // its first, from 0
	col      int // where it begins in that line, from 0
	text     string
	declares bool
}

// madeOf says whether the variables that a chunk declares are made of one of these.
func (k chunk) madeOf(values []string) bool {
	file, err := k.parse()
	if err != nil || !strings.HasPrefix(k.text, "var") {
		return false
	}
	found := false
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				ast.Inspect(v, func(n ast.Node) bool {
					sel, within := n.(*ast.SelectorExpr)
					if within { // of x.Name only x can be one
						n = sel.X
					}
					id, ok := n.(*ast.Ident)
					found = found || ok && slices.Contains(values, id.Name)
					return !within || !ok
				})
			}
		}
	}
	return found
}

// split cuts Go at the semicolons between its declarations and statements, those of line ends included. What follows
// on the line of a statement belongs to it.
func split(text string) []chunk {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(token.Position, string) {}, 0)
	var chunks []chunk
	depth, from, end, tokens, declares := 0, -1, 0, 0, false
	first := token.ILLEGAL
	add := func() {
		begin := strings.LastIndexByte(text[:from], '\n') + 1
		chunks = append(chunks, chunk{strings.Count(text[:from], "\n"), from - begin, text[from:end], declares})
		from = -1
	}
	for {
		pos, tok, lit := s.Scan()
		at := file.Offset(pos)
		if tok == token.EOF {
			break
		}
		if from < 0 && tok == token.SEMICOLON {
			continue
		}
		if from < 0 {
			from, first, tokens = at, tok, 0
			declares = slices.Contains([]token.Token{token.IMPORT, token.TYPE, token.CONST, token.VAR, token.FUNC,
				token.PACKAGE}, tok)
		}
		if tokens++; tokens == 2 && first == token.FUNC && tok == token.LPAREN {
			declares = isMethod(text[at:])
		}
		switch {
		case isOpening(tok):
			depth++
		case tok == token.RPAREN || tok == token.RBRACK || tok == token.RBRACE:
			depth = max(0, depth-1)
		case tok == token.SEMICOLON && depth == 0 && (lit == "\n" || declares || startsDeclaration(text[at+1:])):
			add()
			continue
		}
		if tok != token.SEMICOLON {
			end = min(at+len(cmp.Or(lit, tok.String())), len(text))
		}
	}
	if from >= 0 {
		add()
	}
	return chunks
}

func isOpening(tok token.Token) bool {
	return tok == token.LPAREN || tok == token.LBRACK || tok == token.LBRACE
}

var (
	method      = regexp.MustCompile(`^\([^()]*\)\s*\w+\s*[\[(]`)
	declaration = regexp.MustCompile(`^\s*(import|type|const|var|func\s+\w)\b`)
	magic       = regexp.MustCompile(`^(//gonb:)?%%(writefile|script|bash|sh|gx)\b`)
	mainLine    = regexp.MustCompile(`^(//gonb:)?%(%|main\b|test\b|exec\b|wasm\b)`)
	mainFunc    = regexp.MustCompile(`^func\s+main\s*\(`)
	equals      = regexp.MustCompile(`^((?://gonb:)?%env\s+)(\w+)\s*=\s*(.*)$`)
)

func isMethod(s string) bool          { return method.MatchString(s) }
func startsDeclaration(s string) bool { return declaration.MatchString(s) }
func isMagic(line string) bool        { return magic.MatchString(line) }
func isMain(line string) bool         { return mainLine.MatchString(line) }
func environment(line string) string  { return equals.ReplaceAllString(line, `$1$2 $3`) }

func isMainFunc(k chunk) bool {
	return k.declares && mainFunc.MatchString(k.text)
}

// specialLines marks GoNB's own: %env, !ls, and what a backslash at their end takes along.
func specialLines(lines []string) []bool {
	special := make([]bool, len(lines))
	for i, line := range lines {
		line = strings.TrimPrefix(line, "//gonb:")
		goes := i > 0 && special[i-1] && strings.HasSuffix(lines[i-1], `\`)
		special[i] = goes || len(line) > 1 && (line[0] == '%' || line[0] == '!')
	}
	return special
}

// masked is the text with empty lines in place of the special ones.
func masked(lines []string, special []bool) string {
	out := slices.Clone(lines)
	for i := range out {
		if special[i] {
			out[i] = ""
		}
	}
	return strings.Join(out, "\n")
}

// isShown says whether a statement is an expression whose value, if it has one, is worth showing: not where it has
// shown itself.
func isShown(k chunk) bool {
	if strings.Contains(k.text, "//") || strings.Contains(k.text, "/*") {
		k.text = withoutComments(k.text)
	}
	e, err := parser.ParseExpr(k.text)
	if err != nil {
		return false
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return true
	}
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return !slices.Contains([]string{"panic", "print", "println", "delete", "close", "clear", "copy"}, f.Name)
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && (x.Name == "fmt" || x.Name == "log") {
			return strings.HasPrefix(f.Sel.Name, "Sprint") || f.Sel.Name == "Errorf"
		}
		return !slices.Contains([]string{"Show", "Save", "Check", "FineTune"}, f.Sel.Name)
	case *ast.FuncLit:
		return f.Type.Results != nil
	}
	return true
}

func withoutComments(text string) string {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	out := []byte(text)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return strings.TrimSpace(string(out))
		}
		if tok == token.COMMENT {
			at := file.Offset(pos)
			for i := at; i < at+len(lit) && i < len(out); i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
		}
	}
}

// note keeps the names that chunks declare, or make where they are statements.
func (c *Cell) note(chunks []chunk) {
	for _, k := range chunks {
		file, err := k.parse()
		if err != nil {
			continue
		}
		for _, d := range file.Decls {
			if k.declares {
				c.decls = append(c.decls, declared(d)...)
			} else if f, ok := d.(*ast.FuncDecl); ok {
				for _, s := range f.Body.List {
					c.values = append(c.values, made(s)...)
				}
			}
		}
	}
}

// before is what makes a file of a chunk.
func (k chunk) before() string {
	if k.declares {
		return "package main;"
	}
	return "package main;func main() {"
}

func (k chunk) parse() (*ast.File, error) {
	text := k.before() + k.text
	if !k.declares {
		text += "\n}"
	}
	return parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
}

func made(s ast.Stmt) (names []string) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			for _, e := range s.Lhs {
				if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
					names = append(names, id.Name)
				}
			}
		}
	case *ast.DeclStmt:
		names = declared(s.Decl)
	}
	return names
}

func declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					names = append(names, id.Name)
				}
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}

// Cursor is where in Go a place of Code is, both in bytes. It is false where Go does not have that line.
func (c *Cell) Cursor(at int) (int, bool) {
	line := strings.Count(c.Code[:at], "\n")
	col := at - (strings.LastIndexByte(c.Code[:at], '\n') + 1)
	offset := 0
	for i, text := range strings.Split(c.Go, "\n") {
		if i < len(c.lines) && c.lines[i] == line && len(text) >= col && strings.TrimSpace(text) != "" && text != "%%" {
			return offset + col, true
		}
		offset += len(text) + 1
	}
	return 0, false
}

// commands are GoNB's: %help lists them.
var commands = []string{"env", "cd", "main", "args", "test", "exec", "wasm", "widgets", "widgets_hb", "goflags",
	"autoget",
	"noautoget", "help", "version", "reset", "ls", "list", "rm", "remove", "with_inputs", "with_password", "track",
	"untrack",
	"goworkfix", "capture"}

// command is what is wrong with a special line, nil where nothing is.
func command(i int, line string) *Mistake {
	part := regexp.MustCompile(`^(?://gonb:)?%(\w+)`).FindStringSubmatch(line)
	if part == nil || slices.Contains(commands, part[1]) {
		return nil
	}
	m := &Mistake{Line: i + 1, Text: line, Means: "there is no %" + part[1] + ": %help lists what there is"}
	switch other := near.Name(part[1], commands); {
	case slices.Contains([]string{"matplotlib", "load_ext", "autoreload", "config", "pylab"}, part[1]):
		m.Means = "%" + part[1] + " is Python's, and not needed: figures show themselves"
	case part[1] == "time" || part[1] == "timeit":
		m.Means = "%" + part[1] + " is Python's: start := time.Now() and fmt.Println(time.Since(start)) take the time"
	case part[1] == "pip" || part[1] == "conda":
		m.Means = "a shell's command begins with !: !" + strings.TrimPrefix(line, "%")
	case other != "":
		m.Means = "there is no %" + part[1] + ": did you mean %" + other + "?"
	}
	return m
}
