package eip_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/paklog/hub/routes/eip"
)

// TestRoutesNamePatternsOfTheCatalog reads every Patterns of package routes.
func TestRoutesNamePatternsOfTheCatalog(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if id, ok := kv.Key.(*ast.Ident); !ok || id.Name != "Patterns" {
				return true
			}
			l, ok := kv.Value.(*ast.CompositeLit)
			if !ok {
				return true
			}
			for _, e := range l.Elts {
				if s, ok := e.(*ast.BasicLit); ok {
					name, err := strconv.Unquote(s.Value)
					if err != nil {
						t.Fatal(err)
					}
					named[file] = append(named[file], name)
				}
			}
			return true
		})
	}
	if len(named) == 0 {
		t.Fatal("no route names a pattern: this test reads nothing")
	}
	if _, unknown := eip.Uses(named); len(unknown) > 0 {
		t.Errorf("patterns that the catalog does not hold: %q", unknown)
	}
}

func TestCatalogIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range eip.Catalog() {
		if seen[p.Name] || p.Name == "" || p.About == "" || p.Code == "" || p.Planned == "" {
			t.Errorf("pattern %+v is named twice or says too little", p)
		}
		seen[p.Name] = true
	}
}

func TestUsesKeepsWhatItDoesNotKnow(t *testing.T) {
	uses, unknown := eip.Uses(map[string][]string{
		"b": {eip.NameSplitter, "teleporter"}, "a": {eip.NameSplitter, eip.NameSplitter},
	})
	if !slices.Equal(unknown, []string{"teleporter"}) {
		t.Errorf("unknown = %q", unknown)
	}
	for _, u := range uses {
		if want := []string{"a", "b"}; u.Name == eip.NameSplitter && !slices.Equal(u.Routes, want) {
			t.Errorf("splitter is used by %q, want %q", u.Routes, want)
		}
		if u.Name == eip.NameDelay && u.Routes != nil {
			t.Errorf("delay is used by %q", u.Routes)
		}
	}
}
