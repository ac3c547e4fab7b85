package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/paklog/hub/"

// mayImport is the folder table of the README: what each folder may import of
// ours, besides itself. A folder that is not in it may not hold Go at all.
var mayImport = map[string][]string{
	"core":       {},
	"edi":        {},
	"configs":    {},
	"dlq":        {"core"},
	"transforms": {"core", "edi"},
	"adapters":   {"core", "edi", "transforms", "dlq"},
	"routes":     {"core", "edi", "transforms", "dlq"},
	"cmd":        {"core", "edi", "configs", "dlq", "transforms", "adapters", "routes"},
}

// TestArchitecture holds the whole module against every rule of archRules.
// What each rule catches is shown in TestArchitectureRules.
func TestArchitecture(t *testing.T) {
	packages := listPackages(t, filepath.Join("..", ".."))
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	for _, p := range packages {
		for _, rule := range archRules {
			for _, finding := range rule.check(p) {
				t.Errorf("%s: %s", p.path, finding)
			}
		}
	}
}

// A pkg is one folder of Go source, its tests and the files that a build tag
// leaves out included.
type pkg struct {
	path  string // below the module: "core/journal"
	files []file
}

type file struct {
	name string
	test bool
	ast  *ast.File
	at   *token.FileSet
}

func listPackages(t *testing.T, root string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=Dir,ImportPath,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var listed struct {
			Dir, ImportPath                                              string
			GoFiles, CgoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&listed); err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		p := pkg{path: strings.TrimPrefix(listed.ImportPath, module)}
		for _, name := range slices.Concat(listed.GoFiles, listed.CgoFiles, listed.IgnoredGoFiles, listed.TestGoFiles, listed.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(listed.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			p.files = append(p.files, parseFile(t, name, text))
		}
		packages = append(packages, p)
	}
	return packages
}

func parseFile(t *testing.T, name string, text []byte) file {
	t.Helper()
	at := token.NewFileSet()
	tree, err := parser.ParseFile(at, name, text, parser.ParseComments)
	if err != nil {
		t.Fatalf("parsing %s: %v", name, err)
	}
	return file{name: name, test: strings.HasSuffix(name, "_test.go"), ast: tree, at: at}
}

// place is "carrier.go:12", for findings.
func (f file) place(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.at.Position(n.Pos()).Line)
}

// imports calls yield for each import with its path as written.
func (f file) imports(yield func(spec *ast.ImportSpec, importPath string)) {
	for _, spec := range f.ast.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			yield(spec, importPath)
		}
	}
}

// uses calls yield for each selector on the package importPath, as in time.Now.
// A dot import hides selectors: dotImports forbids it.
func (f file) uses(importPath string, yield func(sel *ast.SelectorExpr)) {
	name := ""
	f.imports(func(spec *ast.ImportSpec, p string) {
		if p == importPath {
			name = path.Base(p)
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	})
	if name == "" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				yield(sel)
			}
		}
		return true
	})
}

func (p pkg) top() string { return strings.Split(p.path, "/")[0] }

// suite reports whether p is a conformance suite such as core/journal/journaltest.
func (p pkg) suite() bool {
	dir, base := path.Split(p.path)
	return base == path.Base(dir)+"test" || base == "carriertest"
}

// port reports whether f is one of the files that hold a port: the journal's
// contract, with its driver in memory, the carrier's, the shop's, the ERP's, and how adapters call the doors.
func (p pkg) port(f file) bool {
	return within(p.path, "core/journal") || p.path == "core/ship" && f.name == "carrier.go" ||
		p.path == "core/door" && f.name == "caller.go" || p.path == "core/notify" && f.name == "channel.go" ||
		(p.path == "core/shop" || p.path == "core/erp") && f.name == "port.go"
}

func local(importPath string) (below string, ours bool) {
	return strings.CutPrefix(importPath, module)
}

// within reports whether below is folder or lies under it.
func within(below, folder string) bool {
	return below == folder || strings.HasPrefix(below, folder+"/")
}

func thirdParty(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	_, ours := local(importPath)
	return !ours && strings.Contains(first, ".")
}
