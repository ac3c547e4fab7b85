package main_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// An archRule finds every breach of one rule in a package.
type archRule struct {
	name  string
	check func(pkg) []string
}

var archRules = []archRule{
	{"folders import by the table", importsByTable},
	{"an adapter imports no other adapter", adaptersApart},
	{"a simulator shares no code with what it judges", simulatorsApart},
	{"core has no third-party import", coreStandsAlone},
	{"core does no I/O", coreDoesNoIO},
	{"core has no clock", coreHasNoClock},
	{"core has no float", coreHasNoFloat},
	{"core sees context in its ports alone", coreContext},
	{"no dot import", noDotImport},
	{"one package comment", onePackageComment},
	{"no package without a subject", noEmptyNames},
	{"no init", noInit},
	{"no file above 800 lines", noLongFile},
	{"no sleep in a test", noSleepInTests},
}

func importsByTable(p pkg) (found []string) {
	allowed, known := mayImport[p.top()]
	if !known {
		return []string{p.top() + "/ is not in the folder table"}
	}
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			below, ours := local(importPath)
			top, _, _ := strings.Cut(below, "/")
			if ours && top != p.top() && !slices.Contains(allowed, top) {
				found = append(found, fmt.Sprintf("%s: %s/ may not import %s", f.place(spec), p.top(), below))
			}
		})
	}
	return found
}

func adaptersApart(p pkg) (found []string) {
	if p.top() != "adapters" {
		return nil
	}
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			below, _ := local(importPath)
			if within(below, "adapters") && !within(below, "adapters/internal") && adapterOf(below) != adapterOf(p.path) {
				found = append(found, fmt.Sprintf("%s: imports another adapter, %s", f.place(spec), below))
			}
		})
	}
	return found
}

// adapterOf is the folder that an adapter owns: "adapters/ups" for its simulator too.
func adapterOf(below string) string {
	parts := strings.Split(below, "/")
	return path.Join(parts[:min(2, len(parts))]...)
}

func simulatorsApart(p pkg) (found []string) {
	system, simulator := strings.CutSuffix(path.Base(p.path), "sim")
	if p.top() != "adapters" || !simulator {
		return nil
	}
	judged := []string{"adapters/" + system, "transforms/" + system, path.Dir(p.path)}
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			below, _ := local(importPath)
			in := func(folder string) bool { return within(below, folder) }
			if slices.ContainsFunc(judged, in) && !within(below, p.path) {
				found = append(found, fmt.Sprintf("%s: a simulator is written from the contract, not from %s", f.place(spec), below))
			}
		})
	}
	return found
}

func coreStandsAlone(p pkg) (found []string) {
	if p.top() != "core" || p.suite() {
		return nil
	}
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			if !f.test && thirdParty(importPath) {
				found = append(found, fmt.Sprintf("%s: core imports %s", f.place(spec), importPath))
			}
		})
	}
	return found
}

// impure are the standard packages that reach outside the process or are not
// the same twice. Tests may read golden files.
var impure = []string{
	"bufio", "crypto/rand", "database", "io/ioutil", "log", "math/rand", "net",
	"net/http", "os", "plugin", "runtime", "syscall", "testing",
}

func coreDoesNoIO(p pkg) (found []string) {
	if p.top() != "core" {
		return nil
	}
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			in := func(folder string) bool { return within(importPath, folder) }
			pure := importPath == "net/netip" || importPath == "net/url" || importPath == "net/mail" ||
				p.suite() && within(importPath, "testing")
			if !f.test && !pure && slices.ContainsFunc(impure, in) {
				found = append(found, fmt.Sprintf("%s: core imports %s", f.place(spec), importPath))
			}
		})
	}
	return found
}

// clock are the functions of package time that ask it or wait for it.
var clock = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

func coreHasNoClock(p pkg) (found []string) {
	if p.top() != "core" {
		return nil
	}
	for _, f := range p.files {
		if f.test {
			continue
		}
		f.uses("time", func(sel *ast.SelectorExpr) {
			if slices.Contains(clock, sel.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: time.%s: the time is passed in", f.place(sel), sel.Sel.Name))
			}
		})
	}
	return found
}

func coreHasNoFloat(p pkg) (found []string) {
	if p.top() != "core" {
		return nil
	}
	for _, f := range p.files {
		if f.test {
			continue
		}
		say := func(n ast.Node, what string) {
			found = append(found, fmt.Sprintf("%s: %s: quantities, weights and money are integers", f.place(n), what))
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if slices.Contains([]string{"float32", "float64", "complex64", "complex128"}, n.Name) {
					say(n, n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					say(n, n.Value)
				}
			}
			return true
		})
		// Package math deals in float64, its integer limits aside.
		f.uses("math", func(sel *ast.SelectorExpr) {
			isLimit := func(prefix string) bool { return strings.HasPrefix(sel.Sel.Name, prefix) }
			if !slices.ContainsFunc([]string{"MaxInt", "MinInt", "MaxUint"}, isLimit) {
				say(sel, "math."+sel.Sel.Name)
			}
		})
	}
	return found
}

// coreContext lets core name the two errors of package context, which it
// classifies, and a Context where a port is declared or judged.
func coreContext(p pkg) (found []string) {
	if p.top() != "core" || p.suite() {
		return nil
	}
	for _, f := range p.files {
		if f.test || p.port(f) {
			continue
		}
		f.uses("context", func(sel *ast.SelectorExpr) {
			if sel.Sel.Name != "Canceled" && sel.Sel.Name != "DeadlineExceeded" {
				found = append(found, fmt.Sprintf("%s: context.%s outside a port", f.place(sel), sel.Sel.Name))
			}
		})
	}
	return found
}

func noDotImport(p pkg) (found []string) {
	for _, f := range p.files {
		f.imports(func(spec *ast.ImportSpec, importPath string) {
			if spec.Name != nil && spec.Name.Name == "." {
				found = append(found, fmt.Sprintf("%s: dot import of %s", f.place(spec), importPath))
			}
		})
	}
	return found
}

func onePackageComment(p pkg) (found []string) {
	var with []string
	shipped := false
	for _, f := range p.files {
		external := strings.HasSuffix(f.ast.Name.Name, "_test")
		shipped = shipped || !f.test
		if f.ast.Doc == nil || external || strings.TrimSpace(f.ast.Doc.Text()) == "" {
			continue
		}
		with = append(with, f.name)
		if name := f.ast.Name.Name; name != "main" && !strings.HasPrefix(f.ast.Doc.Text(), "Package "+name+" ") {
			found = append(found, fmt.Sprintf("%s: the package comment must begin with %q", f.name, "Package "+name))
		}
	}
	if shipped && len(with) != 1 {
		found = append(found, fmt.Sprintf("%d files have a package comment, want one: %s", len(with), strings.Join(with, ", ")))
	}
	return found
}

// emptyNames say nothing about what is in a package.
var emptyNames = []string{"util", "common", "helper", "model", "manager", "impl"}

func noEmptyNames(p pkg) (found []string) {
	names := strings.Split(p.path, "/")
	for _, f := range p.files {
		names = append(names, strings.TrimSuffix(f.ast.Name.Name, "_test"))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if slices.Contains(emptyNames, strings.TrimSuffix(name, "s")) {
			found = append(found, fmt.Sprintf("%q does not say what is inside", name))
		}
	}
	return found
}

func noInit(p pkg) (found []string) {
	for _, f := range p.files {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, f.place(fn)+": func init: register it in the table of cmd/paklog")
			}
		}
	}
	return found
}

const longestFile = 800

func noLongFile(p pkg) (found []string) {
	for _, f := range p.files {
		lines := f.at.File(f.ast.Pos()).LineCount()
		if lines > longestFile && !ast.IsGenerated(f.ast) {
			found = append(found, fmt.Sprintf("%s: %d lines, at most %d: a file is for one thing", f.name, lines, longestFile))
		}
	}
	return found
}

func noSleepInTests(p pkg) (found []string) {
	for _, f := range p.files {
		if !f.test && !p.suite() {
			continue
		}
		f.uses("time", func(sel *ast.SelectorExpr) {
			if sel.Sel.Name == "Sleep" {
				found = append(found, f.place(sel)+": time.Sleep in a test: wait for what you wait for")
			}
		})
	}
	return found
}
