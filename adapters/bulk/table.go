package bulk

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/transforms/custom"
)

// columns of each kind, those that are needed first.
var columns = map[string]struct{ needed, optional []string }{
	Orders: {
		[]string{"number", "item", "qty"},
		[]string{
			"owner", "facility", "policy", "priority", "line", "line_ref", "uom", "lot", "min_expiry", "name", "company",
			"street", "street2", "street3", "city", "region", "postal_code", "country", "phone", "email", "location_code",
			"carrier", "service_level", "not_before", "ship_by", "deliver_by", "cancel_after", "po", "note",
			"type", "route",
		},
	},
	Owners: {
		[]string{"owner"},
		[]string{"title", "blocked", "rotation", "receive_days", "ship_days"},
	},
	Items: {
		[]string{"sku", "uom"},
		[]string{
			"owner", "facility", "description", "case_uom", "case_factor", "length_um", "width_um", "height_um", "weight_mg", "gtin", "lot_tracked",
			"serial_tracked", "expiry_tracked", "storage_type", "status", "class", "rotation", "receive_days", "ship_days",
			"upright", "fragile", "bears_mg", "segregation", "inspect",
			"inner_uom", "inner_factor", "inner_length_um", "inner_width_um", "inner_height_um", "inner_weight_mg",
			"case_length_um", "case_width_um", "case_height_um", "case_weight_mg",
			"pallet_uom", "pallet_factor", "pallet_length_um", "pallet_width_um", "pallet_height_um", "pallet_weight_mg",
		},
	},
	Locations: {
		[]string{"location", "purpose"},
		[]string{
			"facility", "zone", "aisle", "bay", "level", "cell", "sequence", "storage_type", "capacity_units", "capacity_volume_mm3", "capacity_weight_mg",
			"capacity_lpns", "slot_owner", "slot_item", "slot_min", "slot_max", "mix", "blocked",
		},
	},
	Facilities: {
		[]string{"record", "code"},
		[]string{
			"facility", "title", "time_zone", "zone", "storage_type", "capacity_units", "capacity_volume_mm3", "capacity_weight_mg", "capacity_lpns",
			"owner", "class", "zones", "purposes",
			"aisles", "cells", "blocks", "aisle_to_aisle_um", "cell_to_cell_um", "front_to_cell_um", "back_to_cell_um", "middle_to_cell_um",
			"aisle", "end", "distance_um",
		},
	},
	Workers: {
		[]string{"worker"},
		[]string{"facility", "skills", "equipment", "zones", "home", "kinds"},
	},
	Stock: {
		[]string{"item", "location", "qty"},
		[]string{"owner", "facility", "lot", "lpn", "stage", "expiry", "from", "reference", "serials"},
	},
	Opening: {
		[]string{"item", "location", "qty"},
		[]string{"owner", "facility", "lot", "lpn", "stage", "expiry", "reference", "serials"},
	},
	Snapshot: {
		[]string{"item", "qty"},
		[]string{"owner", "facility", "location", "lot", "lpn"},
	},
}

// table reads a CSV file with a header. The rows of one order stand behind each other.
type table struct {
	csv    csvReader
	cfg    Config
	file   string
	column map[string]int
	width  int
	row    int

	// ahead is a row that was read and belongs to the next thing.
	ahead *cells
	end   error
	// unread is the line of a row before that could not be read, 0 when there is none.
	unread int
}

// cells are a row's own copy of its fields.
type cells struct {
	at     at
	after  int64 // offset behind it
	fields []string
	err    error
}

func openTable(s *source, cfg Config, file string) (*table, error) {
	t := &table{csv: csvReader{src: s, comma: sniff(s), max: cfg.MaxRow}, cfg: cfg, file: file, column: map[string]int{}}
	head, err := t.csv.read()
	for err == nil && head.blank() {
		head, err = t.csv.read()
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: the first line must name the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("line %d, which must name the columns: %w", head.Line, err)
	}
	known := slices.Concat(columns[cfg.Kind].needed, columns[cfg.Kind].optional)
	var problems []string
	for i := range head.len() {
		name := strings.ToLower(strings.TrimSpace(head.field(i)))
		if _, twice := t.column[name]; twice {
			problems = append(problems, fmt.Sprintf("column %q comes twice", clip(name)))
		} else if !slices.Contains(known, name) {
			problems = append(problems, fmt.Sprintf("column %d, %q, is not known", i+1, clip(name)))
		}
		t.column[name] = i
		if len(problems) > 10 {
			break
		}
	}
	for _, name := range columns[cfg.Kind].needed {
		if _, ok := t.column[name]; !ok {
			problems = append(problems, fmt.Sprintf("column %q is missing", name))
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("line %d names the columns: %s; there are %s", head.Line, strings.Join(problems, ", "), strings.Join(known, ", "))
	}
	t.width = head.len()
	return t, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}

// read is the next row that is not blank, or nil at the end.
func (t *table) read() (*cells, error) {
	if c := t.ahead; c != nil {
		t.ahead = nil
		return c, nil
	}
	if t.end != nil {
		return nil, t.end
	}
	for {
		r, err := t.csv.read()
		var bad *rowError
		if err != nil && !errors.As(err, &bad) {
			t.end = err
			return nil, err
		}
		if bad == nil && r.blank() {
			continue
		}
		t.row++
		c := &cells{at: at{t.row, r.Line}, after: t.csv.src.at}
		switch {
		case bad != nil:
			c.err = bad
		case r.len() != t.width:
			c.err = &rowError{r.Offset, fmt.Sprintf("the row has %d fields, the header %d", r.len(), t.width)}
		default:
			c.fields = make([]string, r.len())
			for i := range c.fields {
				c.fields[i] = r.field(i)
			}
		}
		return c, nil
	}
}

func (t *table) get(c *cells, name string) string {
	if i, ok := t.column[name]; ok {
		return c.fields[i]
	}
	return ""
}

func (t *table) next() (*thing, error) {
	c, err := t.read()
	if err != nil {
		return nil, err
	}
	x := &thing{rows: []at{c.at}, bytes: c.after, err: c.err}
	if c.fields == nil {
		t.unread = c.at.line
		return x, nil
	}
	h := sha256.New()
	add(h, c)
	switch t.cfg.Kind {
	case Orders:
		err = t.order(x, c, h)
	case Owners:
		err = t.owner(x, c)
	case Items:
		err = t.item(x, c)
	case Locations:
		err = t.location(x, c)
	case Facilities:
		err = t.facility(x, c, h)
	case Workers:
		t.worker(x, c)
	default:
		err = t.receipt(x, c)
	}
	h.Sum(x.hash[:0])
	var own *fault.Error
	var invalid *order.InvalidError
	switch {
	case err == nil:
	case errors.As(err, &own), errors.As(err, &invalid):
		x.err = err
	default:
		return nil, err
	}
	return x, nil
}

func add(h hash.Hash, c *cells) {
	for _, f := range c.fields {
		h.Write([]byte(f))
		h.Write([]byte{0})
	}
	h.Write([]byte{1})
}

// field reads the cells of a row that are not texts, and keeps the first that is wrong.
type field struct {
	t   *table
	c   *cells
	err error
}

func (f *field) bad(name, format string, a ...any) {
	if f.err == nil {
		f.err = fault.At("bulk.field", fault.Invalid, name, fmt.Errorf(format, a...))
	}
}

func (f *field) integer(name string) int64 {
	v := strings.TrimSpace(f.t.get(f.c, name))
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		f.bad(name, "%q is not a whole number", clip(v))
	}
	return n
}

func (f *field) flag(name string) bool {
	switch v := strings.ToLower(strings.TrimSpace(f.t.get(f.c, name))); v {
	case "", "0", "no", "n", "false":
		return false
	case "1", "yes", "y", "true":
		return true
	default:
		f.bad(name, "%q is neither yes nor no", clip(v))
		return false
	}
}

// day reads a day or a time.
func (f *field) day(name string) time.Time {
	v := strings.TrimSpace(f.t.get(f.c, name))
	if v == "" {
		return time.Time{}
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return at
	}
	at, err := time.Parse(time.DateOnly, v)
	if err != nil {
		f.bad(name, "%q is neither a day like 2026-11-23 nor a time like 2026-11-23T08:00:00Z", clip(v))
	}
	return at
}

// order gathers the rows of one order. Its head is that of the first row.
func (t *table) order(x *thing, c *cells, h hash.Hash) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	doc := custom.Order{
		Owner: get("owner"), Facility: get("facility"), Number: get("number"), Policy: get("policy"), Type: get("type"), Priority: int(f.integer("priority")),
		ShipTo: custom.Address{
			Name: get("name"), Company: get("company"), City: get("city"), Region: get("region"), PostalCode: get("postal_code"),
			Country: get("country"), Phone: get("phone"), Email: get("email"), Code: get("location_code"),
		},
		Service: &custom.Service{Carrier: get("carrier"), Level: get("service_level"), Route: get("route")},
		Dates:   &custom.Dates{NotBefore: f.day("not_before"), ShipBy: f.day("ship_by"), DeliverBy: f.day("deliver_by"), CancelAfter: f.day("cancel_after")},
	}
	for _, name := range []string{"street", "street2", "street3"} {
		if v := get(name); v != "" {
			doc.ShipTo.Lines = append(doc.ShipTo.Lines, v)
		}
	}
	if v := get("po"); v != "" {
		doc.Refs = []custom.Ref{{Kind: "po", Value: v}}
	}
	if v := get("note"); v != "" {
		doc.Notes = []string{v}
	}
	line := func(c *cells) {
		f.c = c
		if len(doc.Lines) <= order.MaxLines { // one more is enough to be refused for
			doc.Lines = append(doc.Lines, custom.Line{
				No: int(f.integer("line")), Ref: t.get(c, "line_ref"), Item: t.get(c, "item"), Qty: f.integer("qty"),
				UOM: t.get(c, "uom"), Lot: t.get(c, "lot"), MinExpiry: t.get(c, "min_expiry"),
			})
		}
	}
	// wrong is what is wrong, the first of each row at its row among the order's.
	const most = 20
	wrong := &order.InvalidError{}
	note := func(err error) {
		f.err = nil
		switch {
		case err == nil:
		case len(wrong.Problems) == most:
			wrong.More++
		default:
			wrong.Problems = append(wrong.Problems, order.Problem{
				Place: fmt.Sprintf("lines[%d].%s", len(x.rows)-1, fault.PlaceOf(err)), Text: sentence(err),
			})
		}
	}
	if t.unread != 0 {
		note(fmt.Errorf("line %d before it cannot be read and may belong to this order", t.unread))
		t.unread = 0
	}
	line(c)
	note(f.err)
	for {
		more, err := t.read()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if more == nil || more.err == nil && (t.get(more, "number") != doc.Number || t.get(more, "owner") != doc.Owner) {
			t.ahead = more
			break
		}
		x.rows, x.bytes = append(x.rows, more.at), more.after
		if more.err != nil {
			// Nobody knows whose row it is: an order that lacks a line is never placed.
			note(more.err)
			t.unread = more.at.line
			continue
		}
		t.unread = 0
		add(h, more)
		line(more)
		note(f.err)
	}
	x.ask.ID = doc.Number
	if len(wrong.Problems) > 0 {
		return fault.At("bulk.order", fault.Invalid, wrong.Problems[0].Place, wrong)
	}
	return x.place(doc.Place(t.cfg.Scope, t.cfg.source(t.file)))
}

func (t *table) receipt(x *thing, c *cells) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	doc := custom.Receipt{
		Owner: get("owner"), Facility: get("facility"), Item: get("item"), Location: get("location"), Lot: get("lot"), LPN: get("lpn"),
		Stage: get("stage"), Qty: f.integer("qty"), Expiry: get("expiry"), From: get("from"), Reference: get("reference"),
	}
	if v := get("serials"); v != "" {
		doc.Serials = strings.Split(v, listed)
	}
	return cmp.Or(x.receipt(doc, t.cfg), f.err)
}
