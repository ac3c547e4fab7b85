package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// Document is an instance as a JSON file tells it. Distances of the file may be
// halves; those of the instance are in halves.
type Document struct {
	Instance
	ids       []json.RawMessage // of the orders, as they were written
	zeroAtEnd bool              // cell 0 of the file is the nearest to the back
}

// Read reads a document and checks its instance. A key that is unknown, missing or
// given twice is refused by its path, a number that is not exactly what is asked is
// never rounded. Errors are Rejected.
func Read(b []byte) (*Document, error) {
	const op = "batch.Read"
	if !utf8.Valid(b) {
		return nil, fault.E(op, fault.Rejected, errors.New("the file is not UTF-8: write it as UTF-8"))
	}
	r := reader{json.NewDecoder(bytes.NewReader(b))}
	r.UseNumber()
	d := &Document{}
	if err := d.read(r); err != nil {
		return nil, fault.E(op, fault.Rejected, fmt.Errorf("byte %d: %w", r.InputOffset(), err))
	}
	if _, err := r.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.E(op, fault.Rejected, fmt.Errorf("byte %d: more follows the instance: give one a file", r.InputOffset()))
	}
	if d.zeroAtEnd {
		for _, o := range d.Orders {
			for i := range o.Lines {
				o.Lines[i] = d.mirror(o.Lines[i])
			}
		}
	}
	return d, d.Check()
}

// mirror counts cells from the other end.
func (d *Document) mirror(p route.Position) route.Position {
	if d.zeroAtEnd {
		p.Cell = d.Warehouse.Cells - 1 - p.Cell
	}
	return p
}

func (d *Document) read(r reader) error {
	w := &d.Warehouse
	w.Blocks = 1
	return r.object("", map[string]func(path string) error{
		"aisles":         r.whole(&w.Aisles),
		"cells":          r.whole(&w.Cells),
		"aisle_to_aisle": r.halves(&w.AisleToAisle),
		"cell_to_cell":   r.halves(&w.CellToCell),
		"front_to_cell":  r.halves(&w.FrontToCell),
		"back_to_cell":   r.halves(&w.BackToCell),
		"cell_zero":      r.end(func(back bool) { d.zeroAtEnd = back }),
		"capacity_lines": r.whole(&d.Capacity),
		"depot": func(path string) error {
			return r.object(path, map[string]func(path string) error{
				"aisle":    r.whole(&w.Depot.Aisle),
				"distance": r.halves(&w.Depot.Distance),
				"end": r.end(func(back bool) {
					if back {
						w.Depot.End = route.Back
					}
				}),
			})
		},
		"orders": func(path string) error {
			return r.list(path, func(path string) error {
				var o Order
				err := r.object(path, map[string]func(path string) error{
					"id": func(path string) (err error) {
						o.ID, err = d.id(r, path)
						return err
					},
					"lines": func(path string) error {
						return r.list(path, func(path string) error {
							var p route.Position
							err := r.object(path, map[string]func(path string) error{"aisle": r.whole(&p.Aisle), "cell": r.whole(&p.Cell)})
							o.Lines = append(o.Lines, p)
							return err
						})
					},
				})
				d.Orders = append(d.Orders, o)
				return err
			})
		},
	})
}

// id is a string or a whole number, and is printed as it came.
func (d *Document) id(r reader, path string) (string, error) {
	t, err := r.value(path)
	if err != nil {
		return "", err
	}
	switch t := t.(type) {
	case string:
		raw, err := json.Marshal(t)
		d.ids = append(d.ids, raw)
		return t, err
	case json.Number:
		if _, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			d.ids = append(d.ids, json.RawMessage(t))
			return t.String(), nil
		}
	}
	return "", fmt.Errorf("%s is %v: give a string or a whole number", path, t)
}

// Encode writes an answer to the document's instance as JSON.
func (d *Document) Encode(a Answer) ([]byte, error) {
	type stop struct {
		Aisle int `json:"aisle"`
		Cell  int `json:"cell"`
	}
	type batch struct {
		Orders []json.RawMessage `json:"orders"`
		Stops  []stop            `json:"stops"`
		Length halves            `json:"length"`
	}
	out := struct {
		Batches []batch `json:"batches"`
		Total   halves  `json:"total"`
		Bound   halves  `json:"bound"`
	}{[]batch{}, halves(a.Length), halves(a.Bound)}
	for _, b := range a.Batches {
		to := batch{Length: halves(b.Length)}
		for _, o := range b.Orders {
			to.Orders = append(to.Orders, d.ids[o])
		}
		for _, p := range b.Stops {
			p = d.mirror(p)
			to.Stops = append(to.Stops, stop{p.Aisle, p.Cell})
		}
		out.Batches = append(out.Batches, to)
	}
	return json.Marshal(out)
}

// halves is a length that is written in units: 3 is 1.5.
type halves int64

// MarshalJSON writes a number of units.
func (h halves) MarshalJSON() ([]byte, error) {
	b := strconv.AppendInt(nil, int64(h)/2, 10)
	if h%2 != 0 {
		b = append(b, ".5"...)
	}
	return b, nil
}

// reader reads JSON token by token: encoding/json into structs would take keys in
// any case and the last of two.
type reader struct{ *json.Decoder }

// value is the next token. Where the file ends early it says so with the path.
func (r reader) value(path string) (json.Token, error) {
	t, err := r.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the file ends within %s: it was cut, get it whole", named(path))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named(path), err)
	}
	return t, nil
}

func named(path string) string {
	if path == "" {
		return "the instance"
	}
	return path
}

// object reads an object that has exactly the keys of fields.
func (r reader) object(path string, fields map[string]func(path string) error) error {
	t, err := r.value(path)
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%s is no object: give one with %s", named(path), keys(fields, nil))
	}
	seen := map[string]bool{}
	for r.More() {
		t, err := r.value(path)
		if err != nil {
			return err
		}
		key, _ := t.(string)
		below := strings.TrimPrefix(path+"."+key, ".")
		read, known := fields[key]
		switch {
		case !known:
			return fmt.Errorf("%s is unknown: the keys are %s", below, keys(fields, nil))
		case seen[key]:
			return fmt.Errorf("%s is given twice: give it once", below)
		}
		seen[key] = true
		if err := read(below); err != nil {
			return err
		}
	}
	if _, err := r.value(path); err != nil {
		return err
	}
	if len(seen) < len(fields) {
		return fmt.Errorf("%s lacks %s", named(path), keys(fields, seen))
	}
	return nil
}

// list reads a list, each entry by one call.
func (r reader) list(path string, entry func(path string) error) error {
	t, err := r.value(path)
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("%s is no list: give one in brackets", path)
	}
	for i := 0; r.More(); i++ {
		if err := entry(fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	_, err = r.value(path)
	return err
}

func (r reader) whole(into *int) func(path string) error {
	return func(path string) error {
		t, err := r.value(path)
		if err != nil {
			return err
		}
		n, number := t.(json.Number)
		v, err := strconv.ParseInt(n.String(), 10, 32)
		if !number || err != nil {
			return fmt.Errorf("%s is %v: give a whole number", path, t)
		}
		*into = int(v)
		return nil
	}
}

func (r reader) halves(into *int64) func(path string) error {
	return func(path string) error {
		t, err := r.value(path)
		if err != nil {
			return err
		}
		n, number := t.(json.Number)
		whole, frac, _ := strings.Cut(n.String(), ".")
		v, err := strconv.ParseInt(whole, 10, 32)
		frac = strings.TrimRight(frac, "0")
		if !number || err != nil || v < 0 || whole == "-0" || frac != "" && frac != "5" {
			return fmt.Errorf("%s is %v: give a length in plain digits, 0 or more, whole or with .5; scale all distances of the file where they are finer", path, t)
		}
		*into = 2 * v
		if frac == "5" {
			*into++
		}
		return nil
	}
}

func (r reader) end(set func(back bool)) func(path string) error {
	return func(path string) error {
		t, err := r.value(path)
		if err != nil {
			return err
		}
		switch t {
		case route.Front.String(), "bottom": // as the SPRP text format draws it
			set(false)
		case route.Back.String(), "top":
			set(true)
		default:
			return fmt.Errorf("%s is %v: give \"front\" or \"back\"", path, t)
		}
		return nil
	}
}

// keys lists those of fields that are not in seen, in order.
func keys(fields map[string]func(path string) error, seen map[string]bool) string {
	var names []string
	for k := range fields {
		if !seen[k] {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
