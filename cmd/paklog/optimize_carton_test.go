package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/carton"
)

const twoContainers = `2
7 2502505
100 60 50
2
1 50 0 30 1 25 1 20
2 40 1 20 1 20 1 5
9
10 10 10
1
1 11 1 11 1 11 1 3
`

func TestOptimizeCartonPrintsLoadingsThatHold(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	problems, err := carton.Parse([]byte(twoContainers))
	if err != nil {
		t.Fatal(err)
	}
	out, errs, code := s.pipe(twoContainers, "optimize", "carton", "--seconds", "0.1", "--seed", "3", "-")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	d := json.NewDecoder(strings.NewReader(out))
	for _, p := range problems {
		var l loaded
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		var placed []carton.Placement
		var volume int64
		for _, b := range l.Placements {
			size := carton.Size{b.Length, b.Width, b.Height}
			typ := p.Types[b.Type-1]
			for i, side := range b.Orientation {
				if typ.Size[side-1] != size[i] {
					t.Errorf("%+v: side %d of type %d is not %d", b, side, typ.ID, size[i])
				}
			}
			placed = append(placed, carton.Placement{Type: b.Type - 1, At: carton.Size{b.X, b.Y, b.Z}, Size: size})
			volume += size.Volume()
		}
		if err := carton.Check(p, placed); err != nil || l.Instance != p.ID || l.Boxes != len(placed) || l.Volume != volume || l.Bound < volume {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("more than two lines: %s", out)
	}
}

func TestOptimizeCartonDraws(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	svg := filepath.Join(filepath.Dir(s.config), "loading.svg")
	out, errs, code := s.pipe(twoContainers, "optimize", "carton", "--seconds", "0.05", "--instance", "7", "--layers", "--svg", svg, "-")
	if code != 0 || !strings.Contains(out, "height 0\n  |--") || strings.Contains(out, "{") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	b, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	d, boxes := xml.NewDecoder(strings.NewReader(string(b))), 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	if boxes < 10 {
		t.Errorf("%d rectangles in\n%s", boxes, b)
	}
}

func TestOptimizeCartonRefuses(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	file := filepath.Join(filepath.Dir(s.config), "two.txt")
	bad := filepath.Join(filepath.Dir(s.config), "bad.txt")
	for name, text := range map[string]string{file: twoContainers, bad: strings.Replace(twoContainers, "100 60 50", "100 60", 1)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.refused(1, "no such file", "optimize", "carton", file+".not")
	s.refused(1, "is a directory", "optimize", "carton", filepath.Dir(file))
	s.refused(1, bad+": carton.Parse: line 3: has 2 numbers, 3 expected", "optimize", "carton", bad)
	s.refused(2, "--seconds 0: give more than 0", "optimize", "carton", "--seconds", "0", file)
	s.refused(2, "--seconds NaN", "optimize", "carton", "--seconds", "NaN", file)
	s.refused(2, "--instance 8", "optimize", "carton", "--instance", "8", file)
	s.refused(2, "choose one by --instance", "optimize", "carton", "--svg", "x.svg", file)
	s.refused(2, "accepts 1 arg", "optimize", "carton")
	s.refused(2, "needs a verb", "optimize")
	s.refused(1, "no such file", "optimize", "carton", "--seconds", "0.01", "--instance", "9", "--svg", filepath.Join(file+".not", "x.svg"), file)
}
