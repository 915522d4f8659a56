package relay

import (
	"cmp"
	"encoding/json"
	"go/ast"
	"go/doc"
	"go/importer"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gointr/gointr/kernel/cell"
)

// Types knows what cells name by the compiled form of the packages, of which the kernel's plan for building cells has a
// list. It answers from the first key on, where a language server has to read all of their source before.
type Types struct {
	Plan   string // the file of the plan (kernel/quickgo)
	GoRoot string // where Go's source lies

	one      sync.Mutex
	fset     *token.FileSet
	files    map[string]string // by import path
	importer types.Importer
}

// wanted stands for the name that is being written.
const wanted = "gointr_wanted_"

// place is what is known of the spot where a name is being written.
type place struct {
	of    types.Type     // what stands before the dot
	in    *types.Package // or the package
	scope *types.Scope   // else all names around
	at    token.Pos
	pkg   *types.Package
}

// complete gives the names that the last one of code may be, and where it begins; nil where that is not known, empty
// where there are none. declared is the program of the last cell.
func (t *Types) complete(code, declared string) (found []string, from int) {
	from = nameFrom(code)
	p := t.place(code[:from], declared)
	if p == nil {
		return nil, from
	}
	found = []string{}
	begun := code[from:]
	add := func(name string) {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(begun)) && name != "_" &&
			!strings.HasPrefix(name, wanted) {
			found = append(found, name)
		}
	}
	switch {
	case p.in != nil:
		for _, name := range p.in.Scope().Names() {
			if token.IsExported(name) {
				add(name)
			}
		}
	case p.of != nil:
		for name := range p.members() {
			add(name)
		}
	case begun != "":
		for s := p.scope; s != nil; s = s.Parent() {
			for _, name := range s.Names() {
				if s == types.Universe || s.Lookup(name).Pos() < p.at || s.Parent() == p.pkg.Scope().Parent() {
					add(name)
				}
			}
		}
		for k := token.BREAK; k <= token.VAR; k++ {
			add(k.String())
		}
		for file := range t.files {
			if rank(file) < 2 && nameable(file) && token.IsIdentifier(path.Base(file)) {
				add(path.Base(file))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), from
}

// explain tells what the name at a place in code is: its declaration, and what its source says of it; "" where that is
// not known.
func (t *Types) explain(code string, at int, declared string) string {
	end := at
	for end < len(code) && isLetter(code[end]) {
		end++
	}
	from := nameFrom(code[:end])
	name := code[from:end]
	if name == "" {
		return ""
	}
	p := t.place(code[:from], declared)
	if p == nil {
		return ""
	}
	var what types.Object
	switch {
	case p.in != nil:
		what = p.in.Scope().Lookup(name)
	case p.of != nil:
		what, _, _ = types.LookupFieldOrMethod(p.of, true, p.pkg, name)
	default:
		_, what = p.scope.LookupParent(name, p.at)
	}
	if what == nil && p.scope != nil && t.named(name) != "" {
		if of, err := t.importer.Import(t.named(name)); err == nil {
			what = types.NewPkgName(token.NoPos, p.pkg, name, of)
		}
	}
	if what == nil {
		return ""
	}
	said := types.ObjectString(what, func(of *types.Package) string {
		if of == p.pkg {
			return ""
		}
		return of.Name()
	})
	if p, ok := what.(*types.PkgName); ok {
		said = "package " + p.Imported().Name() + " (" + p.Imported().Path() + ")"
	}
	return strings.TrimSpace(said + "\n\n" + t.words(what))
}

var lastName = regexp.MustCompile(`[\pL_][\pL\pN_]*$`)

func nameFrom(code string) int {
	if at := lastName.FindStringIndex(code); at != nil {
		return at[0]
	}
	return len(code)
}

func isLetter(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// place reads a cell up to a name that is being written.
func (t *Types) place(before, declared string) *place {
	if t == nil {
		return nil
	}
	t.one.Lock()
	defer t.one.Unlock()
	if !t.ready() {
		return nil
	}
	text := before + wanted
	c := cell.Inside(text + closed(text))
	file, marked := t.program(c.Go, declared)
	if marked == nil {
		return nil
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Scopes: map[ast.Node]*types.Scope{}}
	config := types.Config{Importer: t.importer, Error: func(error) {}, FakeImportC: true}
	pkg, _ := config.Check("main", t.fset, []*ast.File{file}, info)
	if pkg == nil {
		return nil
	}
	p := &place{at: marked.Pos(), pkg: pkg}
	if !strings.HasSuffix(strings.TrimRight(before, " \t\n"), ".") {
		p.scope = pkg.Scope().Innermost(marked.Pos())
		if p.scope == nil {
			p.scope = pkg.Scope()
		}
		return p
	}
	var x ast.Expr
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel == marked {
			x = s.X
		}
		return x == nil
	})
	if id, ok := x.(*ast.Ident); ok {
		if named, ok := info.Uses[id].(*types.PkgName); ok {
			p.in = named.Imported()
			return p
		}
	}
	if x == nil {
		return nil
	}
	if p.of = info.TypeOf(x); p.of == nil || p.of == types.Typ[types.Invalid] {
		return nil
	}
	return p
}

// program is the cell with what is declared around it as one file, and the name that is wanted in it.
func (t *Types) program(code, declared string) (*ast.File, *ast.Ident) {
	head, body, _ := strings.Cut("\n"+code, "\n%%")
	_, body, _ = strings.Cut(body, "\n") // the rest of %%
	var lines []string
	for line := range strings.Lines(head) {
		if bare := strings.TrimSpace(line); !strings.HasPrefix(bare, "%") && !strings.HasPrefix(bare, "!") {
			lines = append(lines, line)
		}
	}
	own := strings.Join(lines, "")
	parse := func(text string) *ast.File {
		file, _ := parser.ParseFile(t.fset, "", text, parser.AllErrors|parser.SkipObjectResolution)
		return file
	}
	file := parse("package main\n" + own + "\nfunc main() {\n" + body + "\n}\n")
	if file == nil {
		return nil, nil
	}
	var marked *ast.Ident
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == wanted {
			marked = id
		}
		return marked == nil
	})
	if before := parse(declared); before != nil {
		names := map[string]bool{"main": true}
		for _, d := range file.Decls {
			for _, name := range declares(d) {
				names[name] = true
			}
		}
		for _, d := range before.Decls {
			if !slices.ContainsFunc(declares(d), func(name string) bool { return names[name] }) {
				file.Decls = append(file.Decls, d)
			}
		}
	}
	t.imports(file)
	return file, marked
}

// declares are the names that a declaration makes; methods make none.
func declares(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

// imports puts the file's imports first, once each, and adds those of packages that are named without one.
func (t *Types) imports(file *ast.File) {
	known, made := map[string]bool{}, map[string]bool{}
	var imports, rest []ast.Decl
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.IMPORT {
			rest = append(rest, d)
			for _, name := range declares(d) {
				made[name] = true
			}
			continue
		}
		g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
			spec := s.(*ast.ImportSpec)
			name := path.Base(strings.Trim(spec.Path.Value, `"`))
			if spec.Name != nil {
				name = spec.Name.Name
			}
			twice := known[name] && name != "_" && name != "."
			known[name] = true
			return twice
		})
		imports = append(imports, g)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, left := range a.Lhs {
				if id, ok := left.(*ast.Ident); ok {
					made[id.Name] = true
				}
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := s.X.(*ast.Ident); ok && !known[id.Name] && !made[id.Name] {
			if named := t.named(id.Name); named != "" {
				known[id.Name] = true
				spec := &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: `"` + named + `"`}}
				imports = append(imports, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}})
			}
		}
		return true
	})
	file.Decls = append(imports, rest...)
	file.Imports = nil
	for _, d := range imports {
		for _, s := range d.(*ast.GenDecl).Specs {
			file.Imports = append(file.Imports, s.(*ast.ImportSpec))
		}
	}
}

// named is the package that a cell means by a name without importing it: Go's own before others, short paths before
// long ones.
func (t *Types) named(name string) string {
	best := ""
	for file := range t.files {
		if path.Base(file) == name && nameable(file) && (best == "" || cmp.Or(cmp.Compare(rank(file), rank(best)),
			cmp.Compare(len(file), len(best)), cmp.Compare(file, best)) < 0) {
			best = file
		}
	}
	return best
}

// rank is 0 for packages of this module, 1 for those of Go.
func rank(file string) int {
	switch {
	case strings.HasPrefix(file, "github.com/gointr/gointr/"):
		return 0
	case !strings.Contains(file, "."):
		return 1
	}
	return 2
}

func nameable(file string) bool {
	return !strings.Contains("/"+file+"/", "/internal/") && !strings.HasPrefix(file, "vendor/")
}

// members are the fields and methods by name, those inside of embedded ones too.
func (p *place) members() map[string]bool {
	all := map[string]bool{}
	add := func(o types.Object) {
		if o.Exported() || o.Pkg() == p.pkg {
			all[o.Name()] = true
		}
	}
	of := p.of
	if _, pointer := of.Underlying().(*types.Pointer); !pointer && !types.IsInterface(of) {
		of = types.NewPointer(of)
	}
	for m := range types.NewMethodSet(of).Methods() {
		add(m.Obj())
	}
	seen := map[types.Type]bool{}
	var fields func(types.Type)
	fields = func(of types.Type) {
		if pointer, ok := of.Underlying().(*types.Pointer); ok {
			of = pointer.Elem()
		}
		s, ok := of.Underlying().(*types.Struct)
		if !ok || seen[of] {
			return
		}
		seen[of] = true
		for f := range s.Fields() {
			add(f)
			if f.Embedded() {
				fields(f.Type())
			}
		}
	}
	fields(p.of)
	return all
}

// ready reads the plan, once; the files that it names may have gone.
func (t *Types) ready() bool {
	if t.importer != nil {
		return len(t.files) > 0
	}
	t.fset, t.files = token.NewFileSet(), map[string]string{}
	t.importer = importer.ForCompiler(t.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(t.files[path])
	})
	var plan struct{ Packages string }
	data, err := os.ReadFile(t.Plan)
	if err != nil || json.Unmarshal(data, &plan) != nil {
		return false
	}
	for line := range strings.Lines(plan.Packages) {
		if part, ok := strings.CutPrefix(strings.TrimSpace(line), "packagefile "); ok {
			name, file, _ := strings.Cut(part, "=")
			t.files[name] = file
		}
	}
	return len(t.files) > 0
}

// words are what the source says of an object.
func (t *Types) words(what types.Object) string {
	if named, ok := what.(*types.PkgName); ok {
		return t.synopsis(named.Imported())
	}
	position := t.fset.Position(what.Pos())
	if !filepath.IsAbs(position.Filename) && !strings.HasPrefix(position.Filename, "$GOROOT") {
		return ""
	}
	file, err := parser.ParseFile(token.NewFileSet(), t.source(position.Filename), nil,
		parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return ""
	}
	said := ""
	ast.Inspect(file, func(n ast.Node) bool {
		names := func(ids []*ast.Ident) bool {
			return slices.ContainsFunc(ids, func(id *ast.Ident) bool { return id.Name == what.Name() })
		}
		here := func(group *ast.CommentGroup) {
			if said == "" {
				said = group.Text()
			}
		}
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == what.Name() && t.receives(n, what) {
				here(n.Doc)
			}
			return false
		case *ast.GenDecl:
			for _, s := range n.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.Name == what.Name() {
						here(s.Doc)
						here(n.Doc)
					}
				case *ast.ValueSpec:
					if names(s.Names) {
						here(s.Doc)
						here(s.Comment)
						here(n.Doc)
					}
				}
			}
		case *ast.Field:
			if v, ok := what.(*types.Var); ok && v.IsField() && names(n.Names) {
				here(n.Doc)
				here(n.Comment)
			}
		}
		return true
	})
	return said
}

// receives is whether a declaration's receiver is the object's.
func (t *Types) receives(d *ast.FuncDecl, what types.Object) bool {
	of, ok := what.(*types.Func)
	if !ok {
		return false
	}
	recv := of.Signature().Recv()
	if recv == nil || d.Recv == nil || len(d.Recv.List) == 0 {
		return recv == nil && d.Recv == nil
	}
	return strings.HasSuffix(strings.TrimLeft(recv.Type().String(), "*"), "."+receiver(d.Recv.List[0].Type)) ||
		types.IsInterface(recv.Type())
}

// synopsis is what a package says of itself in its source.
func (t *Types) synopsis(of *types.Package) string {
	names := of.Scope().Names()
	if len(names) == 0 {
		return ""
	}
	folder := filepath.Dir(t.source(t.fset.Position(of.Scope().Lookup(names[0]).Pos()).Filename))
	paths, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	for _, path := range paths {
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err == nil && parsed.Doc != nil && parsed.Name.Name == of.Name() {
			return new(doc.Package).Synopsis(parsed.Doc.Text())
		}
	}
	return ""
}

// source is where a file lies.
func (t *Types) source(file string) string {
	if rest, ok := strings.CutPrefix(file, "$GOROOT"); ok {
		return t.GoRoot + rest
	}
	return file
}

// closed are the brackets that close what code leaves open.
func closed(code string) string {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(code)), []byte(code), func(token.Position, string) {}, 0)
	pairs := map[token.Token]string{token.LPAREN: ")", token.LBRACK: "]", token.LBRACE: "\n}"}
	var open []string
	for {
		_, tok, _ := s.Scan()
		switch tok {
		case token.EOF:
			slices.Reverse(open)
			return strings.Join(open, "")
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		default:
			if end, ok := pairs[tok]; ok {
				open = append(open, end)
			}
		}
	}
}
