// Package structure holds the rules of the code's layout: who may import whom,
// how large files and functions may grow, and what no code may do.
package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module           = "kraftstack"
	maxFileLines     = 300
	maxFunctionLines = 60
)

// source is one parsed Go file of the module.
type source struct {
	path  string // relative to the root, with slashes
	pkg   string // the package's folder relative to the root, "" for the root
	test  bool
	file  *ast.File
	lines int
}

// root is the module's root, seen from this package.
const root = "../.."

var fset = token.NewFileSet()

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "bin" || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg := filepath.ToSlash(filepath.Dir(rel))
		if pkg == "." {
			pkg = ""
		}
		all = append(all, source{
			path: rel, pkg: pkg, file: file,
			test:  strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(text), "\n"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d Go files found from %s: the walk is broken", len(all), root)
	}
	return all
}

// within reports whether a package lies in one of the trees. The tree "" is
// the root package alone.
func within(pkg string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return pkg == tree || tree != "" && strings.HasPrefix(pkg, tree+"/")
	})
}

// importRule says what the packages of some trees may import of this module.
type importRule struct {
	of  []string
	may []string
}

// importRules hold for code that is no test. A package in no rule may import
// everything but what labUsers forbids.
var importRules = []importRule{
	{of: []string{"config", "render"}, may: []string{"config", "render"}},
	{of: []string{"scripts"}, may: nil},
	{of: []string{"sessionmanager"}, may: []string{"sessionmanager"}},
	{of: []string{"components"}, may: []string{"components", "config", "render", "scripts", "sessionmanager"}},
	{of: []string{"program"}, may: []string{"program", "components", "config"}},
	{of: []string{""}, may: []string{"program"}},
	{of: []string{"internal"}, may: []string{"internal", "program", "config", "render", "scripts", "sessionmanager"}},
	{of: []string{"policy"}, may: []string{"policy", "internal", "config"}},
	{of: []string{"lab"}, may: []string{"lab", "config", "scripts", "sessionmanager/datachannel"}},
}

// labUsers are the only trees that may know that a lab exists.
var labUsers = []string{"lab", "tests", "bench", "cmd/kraftstack"}

// ownImports lists the packages of this module that a file imports, relative
// to the root.
func (s source) ownImports() []string {
	var names []string
	for _, spec := range s.file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if path == module {
			names = append(names, "")
		} else if rest, ok := strings.CutPrefix(path, module+"/"); ok {
			names = append(names, rest)
		}
	}
	return names
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, name := range s.ownImports() {
			if within(name, "lab") && !within(s.pkg, labUsers...) {
				t.Errorf("%s imports %s: only %v may know the lab", s.path, name, labUsers)
			}
			if s.test {
				continue
			}
			for _, rule := range importRules {
				if within(s.pkg, rule.of...) && !within(name, rule.may...) {
					t.Errorf("%s imports %s: %v may import %v of this module", s.path, name, rule.of, rule.may)
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines >= maxFileLines {
			t.Errorf("%s has %d lines: split it below %d", s.path, s.lines, maxFileLines)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil || s.test { // a test's table of cases may be long
				continue
			}
			first, last := fset.Position(f.Pos()).Line, fset.Position(f.End()).Line
			if n := last - first + 1; n >= maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines: split it below %d", s.path, first, f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// forbidden calls, and where they are allowed all the same.
var forbidden = []struct {
	pkg, name string
	why       string
	in        []string
}{
	{"time", "Sleep", "wait for a named condition with a deadline", nil},
	{"os", "Exit", "return an error", []string{"", "cmd", "lab/tools", "bench", "tests/counting"}},
	{"log", "Fatal", "return an error", nil},
	{"log", "Fatalf", "return an error", nil},
}

func TestForbiddenCalls(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			position := fset.Position(call.Pos())
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				t.Errorf("%s:%d: panic: return an error", s.path, position.Line)
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			for _, f := range forbidden {
				if ok && pkg.Name == f.pkg && selector.Sel.Name == f.name && !within(s.pkg, f.in...) {
					t.Errorf("%s:%d: %s.%s: %s", s.path, position.Line, f.pkg, f.name, f.why)
				}
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		// A folder of tests alone may say it in a test file.
		said[s.pkg] = said[s.pkg] || s.file.Doc != nil && (!s.test || within(s.pkg, "tests"))
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %q has no comment that says what it is for", pkg)
		}
	}
}
