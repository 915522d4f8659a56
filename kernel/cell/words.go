package cell

import (
	"cmp"
	"fmt"
	"go/scanner"
	"regexp"
	"slices"
	"strings"

	"github.com/gointr/gointr/internal/near"
)

// Fault is one line that the compiler, or Go's reader, said of a cell.
type Fault struct {
	Cell    int    // by its number; 0 is the one that was run
	Line    int    // of that cell as GoNB took it, from 1; 0 is unknown
	Near    string // the line that the compiler saw, which gofmt may have laid out
	Col     int    // in Near, from 1; 0 is unknown
	Message string // such as "undefined: bird"
}

// Mistake is a fault in words.
type Mistake struct {
	Means string // one sentence: what is wrong, what to do
	Cell  int    // the number of the cell it is in; 0 is the one that was run
	Line  int    // from 1; 0 is unknown
	Text  string // that line, as written
	Col   int    // in Text, from 1; 0 is unknown
	Said  string // by the compiler
}

// Error is the sentence alone.
func (m *Mistake) Error() string { return m.Means }

// String is the sentence, with the line that it is about and the compiler's words below.
func (m *Mistake) String() string {
	place := ""
	if m.Line > 0 {
		place = fmt.Sprintf("line %d: ", m.Line)
		if m.Cell > 0 {
			place = fmt.Sprintf("cell %d, line %d: ", m.Cell, m.Line)
		}
	}
	s := place + m.Means
	if m.Text != "" {
		s += "\n    " + strings.TrimLeft(m.Text, " \t")
	}
	if m.Said != "" && m.Said != m.Means {
		mark := "  "
		if m.Col > 0 && m.Text != "" {
			at := max(0, m.Col-1-(len(m.Text)-len(strings.TrimLeft(m.Text, " \t"))))
			mark = strings.Repeat(" ", at) + "^ "
		}
		s += "\n    " + mark + m.Said
	}
	return s
}

// Notebook is what the cells of a kernel have declared and made so far.
type Notebook struct {
	cells []*Cell
	// Exported gives the exported names of a package by its path's last part, and the methods of its types under
	// "package.Type"; nil knows none.
	Exported func(name string) []string
}

// Ran keeps a cell that was compiled, under its number.
func (n *Notebook) Ran(c *Cell) { n.cells = append(n.cells, c) }

// Forget is for %reset: nothing is declared any more.
func (n *Notebook) Forget() { n.cells = nil }

// cellOf is the last cell that ran under a number.
func (n *Notebook) cellOf(number int) *Cell {
	for _, c := range slices.Backward(n.cells) {
		if c.Number == number {
			return c
		}
	}
	return nil
}

// Explain puts what was said of a cell into words: one mistake for each cause, in the order of the lines.
func (n *Notebook) Explain(c *Cell, faults []Fault) []*Mistake {
	var out []*Mistake
	seen := map[string]bool{}
	for _, f := range faults {
		if strings.HasPrefix(f.Message, "too many errors") || seen[f.Message] {
			continue
		}
		seen[f.Message] = true
		in := c
		m := &Mistake{Said: f.Message}
		if f.Cell != 0 && f.Cell != c.Number {
			if in = n.cellOf(f.Cell); in != nil {
				m.Cell = f.Cell
			}
		}
		if in != nil && f.Line > 0 {
			m.Line = in.Line(f.Line)
			m.Text = strings.Split(in.Code, "\n")[m.Line-1]
			m.Col = column(f, m.Text)
		}
		m.Means = cmp.Or(n.meaning(c, m), plainly(f.Message))
		out = append(out, m)
	}
	// One line, one mistake: that a name is not used follows from what is wrong beside it or above.
	undefined := slices.ContainsFunc(out, func(m *Mistake) bool { return strings.HasPrefix(m.Said, "undefined") })
	kept := out[:0]
	for _, m := range out {
		follows := strings.HasPrefix(m.Said, "declared and not used") && (undefined || slices.ContainsFunc(out,
			func(other *Mistake) bool {
				return other != m && other.Line == m.Line && other.Cell == m.Cell && !strings.HasPrefix(other.Said,
					"declared and not used")
			}))
		twice := slices.ContainsFunc(kept, func(k *Mistake) bool {
			return k.Line == m.Line && k.Cell == m.Cell &&
				k.Means == m.Means
		})
		if !follows && !twice {
			kept = append(kept, m)
		}
	}
	out = kept
	slices.SortStableFunc(out, func(a, b *Mistake) int {
		return cmp.Or(cmp.Compare(a.Cell, b.Cell),
			cmp.Compare(a.Line, b.Line))
	})
	return out
}

var word = regexp.MustCompile(`^\w+|^\W`)

// column is where a fault is in the line as written: at the same word.
func column(f Fault, line string) int {
	if f.Col <= 0 || f.Col > len(f.Near) {
		return 0
	}
	found := word.FindString(f.Near[f.Col-1:])
	nth := strings.Count(f.Near[:f.Col-1], found)
	at := 0
	for ; found != ""; nth-- {
		next := strings.Index(line[at:], found)
		if next < 0 {
			return 0
		}
		at += next
		if nth == 0 {
			return at + 1
		}
		at += len(found)
	}
	return 0
}

// plainly is the compiler's message without its shorthand.
func plainly(said string) string {
	return strings.TrimPrefix(said, "syntax error: ")
}

// rule is a kind of message and what it means; $1 … are the message's parts.
type rule struct {
	said  *regexp.Regexp
	means func(n *Notebook, c *Cell, m *Mistake, part []string) string
}

func says(format string) func(*Notebook, *Cell, *Mistake, []string) string {
	return func(_ *Notebook, _ *Cell, _ *Mistake, part []string) string {
		args := make([]any, len(part)-1)
		for i, p := range part[1:] {
			args[i] = p
		}
		return fmt.Sprintf(format, args...)
	}
}

var rules = []rule{
	{regexp.MustCompile(`^undefined: (\w+)\.(\w+)$`), (*Notebook).notInPackage},
	{regexp.MustCompile(`^undefined: (\w+)\.(\w+) \(but have (\w+)\)$`),
		func(_ *Notebook, _ *Cell, _ *Mistake, p []string) string {
			return fmt.Sprintf("a package's names begin with a capital letter: %s.%s", p[1], p[3])
		}},
	{regexp.MustCompile(`^undefined: (\w+)$`), (*Notebook).undefined},
	{regexp.MustCompile(`^name (\w+) not exported by package (\w+)$`), func(n *Notebook, c *Cell, m *Mistake,
		p []string) string {
		return n.notInPackage(c, m, []string{"", p[2], p[1]})
	}},
	{regexp.MustCompile(
		`^(.+)\.(\w+) undefined \(type (.+) has no field or method (\w+)` +
			`(?:, but does have (?:method|field) (\w+))?.*\)$`),
		(*Notebook).noMethod},
	{regexp.MustCompile(`^declared and not used: (\w+)$`), (*Notebook).unused},
	{regexp.MustCompile(`^"(.+)" imported and not used`),
		says("the import of %s is not used: take it out, or use it")},
	{regexp.MustCompile(`^(.+) \((?:variable|value|constant|untyped|type|no value).*\) is not used$`),
		says("%s is a value alone: give it a name, return it, or fmt.Println it (only that of a last line is shown)")},
	{regexp.MustCompile(`^no new variables on left side of :=$`), func(_ *Notebook, _ *Cell, m *Mistake,
		_ []string) string {
		name := strings.TrimSpace(strings.Split(m.Text, ":=")[0])
		return fmt.Sprintf("%s is there already: = gives it another value, := makes a new one", name)
	}},
	{regexp.MustCompile(`^assignment mismatch: (\d+) variables? but (.+) returns? (\d+) values?$`), func(_ *Notebook,
		_ *Cell, _ *Mistake, p []string) string {
		if p[3] == "2" {
			return fmt.Sprintf("%s gives 2 values, the second mostly an error: value, err := %s", p[2], p[2])
		}
		return fmt.Sprintf("%s gives %s values, and there are names for %s", p[2], p[3], p[1])
	}},
	{regexp.MustCompile(
		`^invalid operation: (.+) \(mismatched types (?:untyped )?(?:string and .+|.+ and (?:untyped )?string)\)$`),
		says("%s puts text and something else together: fmt.Sprint(a, b) does that")},
	{regexp.MustCompile(`^cannot convert (.+) \(untyped (?:int|float) constant.*\) to type string`),
		says("text and the number %s are not put together by +: fmt.Sprint(a, b) does that")},
	{regexp.MustCompile(`^invalid argument: (.+) \(.+\) for built-in (\w+)$`),
		says("%[2]s asks a list, a map or text, and %[1]s is none")},
	{regexp.MustCompile(`^invalid operation: (.+) \(mismatched types (.+) and (.+)\)$`),
		says(
			"%s has numbers or values of two types, %s and %s: Go takes them together only after a conversion, " +
				"float64(x) say")},
	{regexp.MustCompile(
		`^cannot use (.+) \((?:.*)(?:value|constant.*|variable) of (?:\w+ )?type (.+)\) as (.+) value in (.+)$`),
		func(_ *Notebook, _ *Cell, _ *Mistake, p []string) string {
			in := regexp.MustCompile(`^argument to (.+)$`).ReplaceAllString(p[4], "$1")
			return fmt.Sprintf("%s is %s, and %s takes %s", p[1], typeWord(p[2]), in, typeWord(p[3]))
		}},
	{regexp.MustCompile(`^cannot use (.+) \(untyped (\w+) constant.*\) as (.+) value in (.+)$`),
		func(_ *Notebook, _ *Cell, _ *Mistake, p []string) string {
			in := regexp.MustCompile(`^argument to (.+)$`).ReplaceAllString(p[4], "$1")
			return fmt.Sprintf("%s is %s, and %s takes %s", p[1], typeWord(p[2]), in, typeWord(p[3]))
		}},
	{regexp.MustCompile(`^not enough arguments in call to (.+?)(?:\s+have.*)?$`),
		says("%s takes more arguments than it is given here")},
	{regexp.MustCompile(`^too many arguments in call to (.+?)(?:\s+have.*)?$`),
		says("%s takes fewer arguments than it is given here")},
	{regexp.MustCompile(`^(.+) \(no value\) used as value$`), says("%s gives no value: it stands alone on its line")},
	{regexp.MustCompile(`^missing return$`), says(
		"this function ends without a return: every way through it must give its result")},
	{regexp.MustCompile(`^invalid argument: index (.+) \(constant of type int\) must not be negative$`),
		says("%s counts from the end in Python; in Go the last is x[len(x)-1]")},
	{regexp.MustCompile(`^invalid operation: operator ! not defined on (.+) \(.*type (.+)\)$`),
		says("! turns a bool round, and %s is of type %s: compare it, x == 0 say")},
	{regexp.MustCompile(`^non-boolean condition in (\w+) statement$`), says(
		"%s asks a bool: compare, x != 0 or len(x) > 0 say")},
	{regexp.MustCompile(`^(?:.+: )?no required module provides package ([^ ;:]+)`),
		says(
			"the package %s is not among what notebooks have: !*go get %[1]s@VERSION fetches it, " +
				"where there is a network")},
	{regexp.MustCompile(`^(?:.*: )?package (\S+) is not in std`),
		says("Go has no package %s: what GoINTR offers is in github.com/gointr/gointr/pkg/notebook")},
	{regexp.MustCompile(`^(\w+) redeclared in this block`), says(
		"%s is declared twice: give one of them another name")},
	{regexp.MustCompile(
		`(?:more than one character in|illegal|empty) rune literal|rune literal not terminated|` +
			`invalid character literal`),
		func(_ *Notebook, _ *Cell, m *Mistake, _ []string) string {
			if q := quoted.FindString(m.Text); q != "" {
				return fmt.Sprintf("text stands in double quotes in Go: %q, not %s", strings.Trim(q, "'"), q)
			}
			return `text stands in double quotes in Go: "text", not 'text'`
		}},
	{regexp.MustCompile(`string (?:literal )?not terminated|newline in string`),
		says(`the text is not closed: it ends with the quote it began with, on its line`)},
	{regexp.MustCompile(
		`^(?:syntax error: )?(?:unexpected newline in|missing ',' before newline in) ` +
			`(?:argument list|composite literal).*`),
		says("a bracket is not closed here, or a list goes on below without a comma at the end of its line")},
	{regexp.MustCompile(`non-declaration statement outside function body|expected declaration, found`),
		says("statements stand below a line %%%%, or in a cell without one")},
	{regexp.MustCompile(`^invalid character U\+0023 '#'|^illegal character U\+0023 '#'`),
		says("comments begin with // in Go")},
	{regexp.MustCompile(`^(?:.*: )?missing ',' in (?:argument|parameter) list`),
		says("a comma is missing between two arguments")},
	{regexp.MustCompile(`^(?:invalid|illegal) character U\+201[89CD]|^curly quotation mark`),
		says(`this is a typographer's quote: Go's is the straight one, "`)},
	{regexp.MustCompile(`^(?:cannot use nil|use of untyped nil) .*|^use of untyped nil`),
		says("nil needs a type: var x *T")},
	{regexp.MustCompile(`^(.+) \((?:.*)\) does not have index|^invalid operation: cannot index (.+) \(.*\)$`),
		says("%s is no list and no map: it has no [ ]")},
	{regexp.MustCompile(`^cannot range over (.+) \(.*type (.+)\)`), says(
		"%s, of type %s, is nothing to go through with for … range")},
	{regexp.MustCompile(`^cannot assign to (.+) \(`), says("%s cannot be given another value")},
	{regexp.MustCompile(`^unreachable code`), says("nothing after this line is reached")},
	{regexp.MustCompile(`^(\w+) is not a type$`), says("%s is a value, and here a type stands")},
}

// panics are those of the language.
var panics = []struct {
	said  *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`index out of range \[(-?\d+)\] with length (\d+)`),
		"index $1 is asked of a list of $2: the first is 0, the last len(x)-1"},
	{regexp.MustCompile(`index out of range \[(-?\d+)\]`), "index $1 is outside of the list"},
	{regexp.MustCompile(`slice bounds out of range \[([^\]]*)\](?: with (?:length|capacity) (\d+))?.*`),
		"the part [$1] is outside of the list or text ($2)"},
	{regexp.MustCompile(`invalid memory address or nil pointer dereference`),
		"a value is used that is nil, which is nothing yet"},
	{regexp.MustCompile(`integer divide by zero`), "a whole number is divided by 0"},
	{regexp.MustCompile(`assignment to entry in nil map`),
		"a map is written to that was not made: x := map[string]int{}"},
	{regexp.MustCompile(`interface conversion: (.+)`), "a value is of another type than asked: $1"},
	{regexp.MustCompile(`all goroutines are asleep - deadlock!`), "the cell waits for something that never comes"},
	{regexp.MustCompile(`concurrent map (?:writes|read and map write|iteration and map write)`),
		"two goroutines use one map at a time: guard it with a sync.Mutex"},
	{regexp.MustCompile(`stack overflow|goroutine stack exceeds`), "a function calls itself without end"},
	{regexp.MustCompile(`out of memory|cannot allocate memory`), "the memory does not suffice for this"},
}

// Panic is what a program's last words, "panic: …", mean.
func Panic(said string) string {
	for _, p := range panics {
		if at := p.said.FindStringSubmatchIndex(said); at != nil {
			return strings.TrimSuffix(string(p.said.ExpandString(nil, p.means, said, at)), " ()")
		}
	}
	said = strings.TrimPrefix(strings.TrimPrefix(said, "panic: "), "fatal error: ")
	return strings.Join(strings.Fields(strings.SplitN(said, "\n", 2)[0]), " ")
}

var quoted = regexp.MustCompile(`'[^']{2,}'`)

// typeWord is a type as people say it.
func typeWord(t string) string {
	switch t = strings.TrimPrefix(t, "untyped "); t {
	case "string":
		return "text (string)"
	case "int", "float64", "float32", "float":
		return "a number (" + t + ")"
	case "rune":
		return "a letter (rune)"
	case "bool":
		return "true or false (bool)"
	}
	return t
}

// meaning is the sentence for a message, "" where none is known.
func (n *Notebook) meaning(c *Cell, m *Mistake) string {
	if s := habit(m.Text); s != "" {
		return s
	}
	for _, r := range rules {
		if part := r.said.FindStringSubmatch(m.Said); part != nil {
			return r.means(n, c, m, part)
		}
	}
	return ""
}

func (n *Notebook) undefined(c *Cell, m *Mistake, part []string) string {
	name := part[1]
	if file := regexp.MustCompile(`[^"\w](` + name + `\.(?:jpe?g|png|pth|txt|csv|webp|tiff?))\b`).FindStringSubmatch(
		m.Text); file != nil {
		return fmt.Sprintf("the name of a file stands in quotes: %q", file[1])
	}
	switch name {
	case "True", "False":
		return fmt.Sprintf("%s is written %s in Go", name, strings.ToLower(name))
	case "None":
		return "None is written nil in Go"
	case "str":
		return "str is fmt.Sprint in Go"
	case "np", "plt", "pd", "torch":
		return fmt.Sprintf("%s is Python: what Go offers instead is in the page Coming from Python", name)
	}
	if slices.Contains(c.values, name) {
		return fmt.Sprintf(
			"%s is made by a statement of this cell, which functions do not see: var %s = … declares it for all",
			name, name)
	}
	for _, old := range slices.Backward(n.cells) {
		if old != c && slices.Contains(old.values, name) {
			where, how := "", fmt.Sprintf("var %s = … keeps it", name)
			if old.Number > 0 {
				where = fmt.Sprintf(" in cell %d", old.Number)
			}
			if slices.ContainsFunc(strings.Split(old.Code, "\n"), isMain) {
				where, how = " below %%"+where, "declare it above %%"
			}
			return fmt.Sprintf(
				"%s was made%s and is gone: every cell is a program of its own; %s, or make it again here",
				name, where, how)
		}
	}
	if assigns := regexp.MustCompile(`^\s*` + name + `\s*=[^=]`); assigns.MatchString(m.Text) {
		return fmt.Sprintf("%s is not there yet: %s := … makes it", name, name)
	}
	if part := regexp.MustCompile(`\b` + name + `\.([a-z]\w*)`).FindStringSubmatch(m.Text); part != nil &&
		n.Exported != nil &&
		slices.Contains(n.Exported(name), capital(part[1])) {
		return n.notInPackage(c, m, []string{"", name, part[1]})
	}
	known := slices.Clone(c.values)
	known = append(known, c.decls...)
	for _, old := range n.cells {
		known = append(known, old.decls...)
	}
	if other := near.Name(name, known); other != "" {
		return fmt.Sprintf("%s is not known: did you mean %s?", name, other)
	}
	if n.Exported != nil {
		if up := capital(name); slices.Contains(n.Exported("notebook"), up) {
			return fmt.Sprintf("%s is not known: notebook.%s is", name, up)
		}
	}
	return fmt.Sprintf("%s is not known here: declare it, or import the package it is from", name)
}

func (n *Notebook) notInPackage(_ *Cell, _ *Mistake, part []string) string {
	pkg, name := part[1], part[2]
	var names []string
	if n.Exported != nil {
		names = n.Exported(pkg)
	}
	if up := capital(name); up != name && (slices.Contains(names, up) || len(names) == 0) {
		return fmt.Sprintf("a package's names begin with a capital letter: %s.%s", pkg, up)
	}
	if other := near.Name(name, names); other != "" {
		return fmt.Sprintf("%s has no %s: did you mean %s.%s?", pkg, name, pkg, other)
	}
	return fmt.Sprintf("%s has no %s: Tab after %s. lists what it has", pkg, name, pkg)
}

func (n *Notebook) noMethod(_ *Cell, _ *Mistake, part []string) string {
	of, name, kind, has := part[1], part[4], strings.TrimLeft(part[3], "*"), part[5]
	if has == "" && n.Exported != nil {
		has = near.Name(name, n.Exported(kind))
	}
	if has != "" && strings.EqualFold(has, name) {
		return fmt.Sprintf("names of a package's types begin with a capital letter: %s.%s", of, has)
	}
	if has != "" {
		return fmt.Sprintf("%s has no %s: did you mean %s.%s?", of, name, of, has)
	}
	return fmt.Sprintf("%s, of type %s, has no %s: Tab after the dot lists what it has", of, kind, name)
}

func (n *Notebook) unused(c *Cell, _ *Mistake, part []string) string {
	name := part[1]
	if slices.Contains(c.values, name) {
		return fmt.Sprintf(
			"%s is made and not used, and gone after this cell: a last line %s shows it, var %s = … keeps it for the "+
				"cells below", name, name, name)
	}
	return fmt.Sprintf("%s is made and not used: use it, or call it _", name)
}

func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// habits are lines as Python has them.
var habits = []struct {
	line  *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`^\s*for\s+.+\s+in\s+.+:\s*$`), "in Go: for _, x := range list { … }"},
	{regexp.MustCompile(`^\s*(if|while|elif|else|try|with|for)\b.*:\s*$`),
		"blocks stand in braces in Go: if x { … }, for x { … }"},
	{regexp.MustCompile(`^\s*def\s+\w+\s*\(.*\)\s*(->.*)?:`), "functions are written func name(x int) int { … } in Go"},
	{regexp.MustCompile(`^\s*class\s+\w+.*:\s*$`), "Go has types in place of classes: type T struct { … }"},
	{regexp.MustCompile(`^\s*from\s+\S+\s+import\b`),
		`imports name a package in quotes: import "github.com/gointr/gointr/pkg/notebook"`},
	{regexp.MustCompile(`^\s*import\s+\w[\w.]*(\s+as\s+\w+)?\s*$`),
		`imports name a package in quotes: import "fmt"; Python's packages are not to be had`},
	{regexp.MustCompile(`^\s*print\s+["'\w]`), "printing is a call: fmt.Println(x)"},
	{regexp.MustCompile(`^\s*print\s*\(.*'`), `printing is fmt.Println("text"), with double quotes`},
	{regexp.MustCompile(`^\s*#`), "comments begin with // in Go"},
	{regexp.MustCompile(`^\s*pip\s+install\b`), "a shell's command begins with !: !pip install …"},
	{regexp.MustCompile(`^\s*(ls|cd|pwd|mkdir|rm|cp|mv)(\s+[\w./~-]+)*\s*$`),
		"a shell's command begins with !: !ls; %cd changes the folder"},
	{regexp.MustCompile(`[=(,]\s*[fr]["']`), `text with values in it: fmt.Sprintf("%d birds", n)`},
	{regexp.MustCompile(`["']{3}`), "text of several lines stands between two ` in Go"},
	{regexp.MustCompile(`\blambda\b`), "a function without a name: func(x int) int { return x + 1 }"},
	{regexp.MustCompile(`[\w)\]]\s*\*\*\s*[\w(]`), "powers are math.Pow(x, 2) in Go"},
	{regexp.MustCompile(`\s(and|or)\s`), "and is && in Go, or is ||"},
	{regexp.MustCompile(`(^|\s|\()not\s`), "not is ! in Go"},
	{regexp.MustCompile(`\[[^\[\]]*\bfor\b.*\bin\b.*\]`),
		"Go has no comprehensions: for _, x := range list { out = append(out, f(x)) }"},
	{regexp.MustCompile(`^\s*\.\w+`),
		"a line that goes on below ends with its dot: the dot stands at the end of the line above"},
	{regexp.MustCompile(`\w\(.*[(,]\s*[A-Za-z]\w*\s*=\s*[^=].*\)`),
		"Go has no arguments by name: options are functions, func(o *notebook.FigureOptions) { o.Layer = 2 }"},
	{regexp.MustCompile(`^\s*%env\s*$`), "%env NAME value sets one variable"},
	{regexp.MustCompile(`^\s*\w+\s*:?=\s*\[[^\[\]]*,.*\]\s*$`), `a list names its type: x := []string{"a", "b"}`},
	{regexp.MustCompile(`^\s*\w+\s*:?=\s*\{.*:.*\}\s*$`), `a map names its types: x := map[string]int{"a": 1}`},
	{regexp.MustCompile(`\w\s*\?\s*.+:`), "Go has no x ? y : z: use if"},
	{regexp.MustCompile(`\w(\+\+|--)\s*[,)\]]`), "x++ is a statement in Go, on a line of its own"},
}

// habit is what a line of Python is in Go, "" where it is none.
func habit(line string) string {
	bare := withoutText(line)
	for _, h := range habits {
		at := line
		if !strings.ContainsAny(h.line.String(), `"'`) {
			at = bare
		}
		if h.line.MatchString(at) {
			return h.means
		}
	}
	return ""
}

// withoutText is a line with what stands in double quotes blanked, and without its comment.
func withoutText(line string) string {
	line = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllStringFunc(line, func(s string) string {
		return `"` + strings.Repeat("_", len(s)-2) + `"`
	})
	if at := strings.Index(line, "//"); at >= 0 {
		line = line[:at]
	}
	return line
}

// misread is the first thing in a cell that Go's reader cannot read, nil where there is none.
func misread(code string, chunks []chunk) *Mistake {
	lines := strings.Split(code, "\n")
	for _, k := range chunks {
		_, err := k.parse()
		list, ok := err.(scanner.ErrorList)
		if !ok || len(list) == 0 {
			continue
		}
		first := list[0]
		line := min(k.line+first.Pos.Line, len(lines)) // the chunk's first line is the text's first
		m := &Mistake{Line: line, Text: lines[line-1], Said: first.Msg, Col: first.Pos.Column}
		if first.Pos.Line == 1 {
			m.Col += k.col - len(k.before())
		}
		n := &Notebook{}
		m.Means = n.meaning(&Cell{}, m)
		if m.Means == "" && strings.HasSuffix(first.Msg, "found 'EOF'") || strings.Contains(first.Msg, "expected '}'") {
			m.Means = "a bracket that was opened is not closed"
		}
		m.Means = cmp.Or(m.Means, "this is not Go: "+first.Msg)
		return m
	}
	return nil
}

// Cells are those that ran, in their order.
func (n *Notebook) Cells() []*Cell { return n.cells }
