package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

// Pairs lie beside a map: for acme-940.yaml, acme-940.NAME.in.edi is a file as the partner sends it and
// acme-940.NAME.out.json what the map makes of each document in it, one after the other. What it
// refuses is {"refused": [...]}. Of a map of changes the file is as PakLog writes it, and the counterpart is
// the list of its segments after them, without header and trailer.
const (
	pairIn  = ".in.edi"
	pairOut = ".out.json"
)

// Pair is one example of a map.
type Pair struct {
	Name    string // "rush"
	In, Out string // file names
}

// IsMap reports whether a file is a map by its name.
func IsMap(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

// Pairs finds the examples that lie beside a map in its folder. One without its counterpart is an error.
func Pairs(folder fs.FS, name string) ([]Pair, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	stem := strings.TrimSuffix(name, path.Ext(name)) + "."
	var out []Pair
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), stem)
		if label, in := strings.CutSuffix(rest, pairIn); ours && in {
			out = append(out, Pair{label, e.Name(), stem + label + pairOut})
		}
		if label, made := strings.CutSuffix(rest, pairOut); ours && made {
			if _, err := fs.Stat(folder, stem+label+pairIn); err != nil {
				return nil, fmt.Errorf("%s has no %s beside it", e.Name(), stem+label+pairIn)
			}
		}
	}
	return out, nil
}

// Each reads the transaction sets or messages of a file. A document is valid until each returns.
func Each(raw []byte, each func(Document) error) error {
	switch f := sniff.Of(raw); f {
	case sniff.X12:
		for r := x12.NewReader(bytes.NewReader(raw), x12.Limits{}); ; {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil && p.Kind == x12.TransactionSet {
				err = each(OfX12(p))
			}
			if err != nil {
				return err
			}
		}
	case sniff.EDIFACT:
		for r := edifact.NewReader(bytes.NewReader(raw), edifact.Limits{}); ; {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil && p.Kind == edifact.Message {
				err = each(OfEDIFACT(p))
			}
			if err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("the file is neither X12 nor EDIFACT but %s", f)
	}
}

// refused is what a map says of a document that it refuses. The lines of the map are left out: they move.
type refused struct {
	Element string `json:"element,omitempty"`
	Segment int    `json:"segment,omitempty"`
	Found   string `json:"found,omitempty"`
	Message string `json:"message"`
}

// Try is what the map makes of each document of a file that it reads, as a pair's counterpart has it.
func (m *Map) Try(raw []byte) ([]Made, error) {
	var out []Made
	err := Each(raw, func(d Document) error {
		if !slices.Contains(m.Reads, d.paper.Set) {
			return nil
		}
		made, err := m.checked(d)
		var bad *x12wms.Error
		if !errors.As(err, &bad) {
			if made.JSON != nil {
				out = append(out, made)
			}
			return err
		}
		var all struct {
			Refused []refused `json:"refused"`
		}
		for _, f := range bad.Findings {
			all.Refused = append(all.Refused, refused{f.Element, f.Segment, f.Found, f.Message})
		}
		text, err := json.Marshal(all)
		out = append(out, Made{JSON: text, Refused: true})
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("no document in it is one that the map is for: %s", joined(m.Reads))
	}
	return out, err
}

// checked runs the map, and the core's rules on what it made, for nobody's account.
func (m *Map) checked(d Document) (Made, error) {
	made, err := m.Run(d)
	if err != nil || made.JSON == nil {
		return made, err
	}
	anybody := x12wms.Profile{Tenant: "main", Owner: "OWNER", Facility: "DC1"}
	switch m.Makes {
	case MakesOrder:
		_, _, err = m.Order(anybody, d)
	case MakesReceipt:
		_, _, err = m.Expected(anybody, d)
	}
	return made, err
}

// Difference is where what a map made is not what its pair says.
type Difference struct {
	Document int    `json:"document"` // from 1
	Path     string `json:"path"`     // "lines[2].qty"
	Want     string `json:"want"`     // JSON; "" where nothing is
	Got      string `json:"got"`
	From     string `json:"from,omitempty"` // of the document: "W01-01 (segment 12, byte 400)"
	Line     int    `json:"line,omitempty"` // of the map
}

// mostDifferences are told of a pair.
const mostDifferences = 100

// Compare holds what was made of a file against its counterpart.
func Compare(made []Made, want []byte) ([]Difference, error) {
	var out []Difference
	d := json.NewDecoder(bytes.NewReader(want))
	d.UseNumber()
	for n := 1; ; n++ {
		var w, g any
		err := d.Decode(&w)
		if end := errors.Is(err, io.EOF); end && n > len(made) {
			return out, nil
		} else if err != nil && !end {
			return nil, fmt.Errorf("document %d of it: %w", n, err)
		}
		var origins map[string]origin
		if n <= len(made) {
			own := json.NewDecoder(bytes.NewReader(made[n-1].JSON))
			own.UseNumber()
			if err := own.Decode(&g); err != nil {
				return nil, err
			}
			origins = made[n-1].places
		}
		differ(w, g, "", func(path, w, g string) {
			if len(out) >= mostDifferences {
				return
			}
			x := Difference{Document: n, Path: path, Want: w, Got: g}
			if o, ok := origins[path]; ok {
				if x.Line = o.line; o.at.Segment > 0 {
					x.From = o.at.String()
				}
			}
			out = append(out, x)
		})
	}
}

// differ calls say for each leaf in which b is not a.
func differ(a, b any, path string, say func(path, a, b string)) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			keys := sortedKeys(x)
			for k := range y {
				if _, both := x[k]; !both {
					keys = append(keys, k)
				}
			}
			slices.Sort(keys)
			for _, k := range keys {
				differ(x[k], y[k], join(path, k), say)
			}
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			for i := range max(len(x), len(y)) {
				var one, other any
				if i < len(x) {
					one = x[i]
				}
				if i < len(y) {
					other = y[i]
				}
				differ(one, other, fmt.Sprintf("%s[%d]", path, i), say)
			}
			return
		}
	}
	if w, g := shown(a), shown(b); w != g {
		say(path, w, g)
	}
}

func shown(v any) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
