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
	Crossrefs: {
		[]string{"partner", "kind", "theirs"},
		[]string{"ours", "carrier", "level", "account", "terms"},
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

	apart apart // things whose rows do not stand behind each other

	ahead []*cells // rows that were read and belong to the next thing
	end   error
	// lacks is who lacks a row that was passed before he came, and the line of that row.
	lacks     [2]string
	lacksLine int
}

// cells are a row's own copy of its fields.
type cells struct {
	at     at
	after  int64    // offset behind it
	fields []string // nil where err says why the row cannot be read
	err    error
	says   []string // whose the row is, as far as can be told of one that cannot be read
	sure   bool     // no field of it is missing or too many
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

// read is the next row that is not blank, or io.EOF at the end.
func (t *table) read() (*cells, error) {
	if len(t.ahead) > 0 {
		c := t.ahead[0]
		t.ahead = t.ahead[1:]
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
		c := &cells{at: at{row: t.row, line: r.Line}}
		switch {
		case bad != nil:
			t.whose(c, t.pieces())
			c.err = bad
		default:
			if bad = t.misfit(r); bad == nil {
				c.fields = r.fields()
				break
			}
			c.err = bad
			if t.csv.src.within() {
				t.whose(c, t.pieces())
			} else {
				t.whose(c, r.fields())
			}
			if err := t.csv.src.back(r.Line); err != nil {
				t.end = err
				return nil, err
			}
		}
		c.after = t.csv.src.at
		return c, nil
	}
}

// misfit is why a row of right CSV is none of this table, or nil.
func (t *table) misfit(r row) *rowError {
	if r.len() != t.width {
		return &rowError{r.Offset, fmt.Sprintf("the row has %d fields, the header %d", r.len(), t.width)}
	}
	if !t.csv.src.within() {
		return nil
	}
	for name, i := range t.column {
		if strings.Contains(r.field(i), "\n") && !slices.Contains(texts, name) {
			return &rowError{r.Offset, fmt.Sprintf("a line end within column %q: is a quote on line %d not closed?", name, r.Line)}
		}
	}
	return nil
}

// texts are the columns in which a line may end.
var texts = []string{"name", "company", "street", "street2", "street3", "city", "note", "description", "title"}

// pieces are the first line of a row that is no right CSV, as far as it is kept, cut at the commas.
func (t *table) pieces() []string {
	line, _, whole := strings.Cut(string(t.csv.src.begun), "\n")
	out := strings.Split(strings.TrimSuffix(line, "\r"), string(t.csv.comma))
	if !whole && len(line) == mostBegun {
		out = out[:len(out)-1]
	}
	return out
}

// whose tells what a row that cannot be read is about, by the column that says so: from the left and,
// where there are too many fields or too few, from the right. The first that says something is what the
// report calls it.
func (t *table) whose(c *cells, fields []string) {
	i, ok := t.column[names[t.cfg.Kind]]
	if !ok {
		return
	}
	c.sure = len(fields) == t.width
	for _, i := range []int{i, len(fields) - t.width + i} {
		if i < 0 || i >= len(fields) {
			continue
		}
		v := clip(strings.Trim(strings.ToValidUTF8(fields[i], "\ufffd"), "\"\x00 "))
		if v != "" && !slices.Contains(c.says, v) {
			c.says = append(c.says, v)
		}
	}
}

// naming is the column, or the field, of each kind that says what a row is about.
type naming map[string]string

var names = naming{
	Orders: "number", Owners: "owner", Crossrefs: "theirs", Items: "sku", Locations: "location", Facilities: "facility", Workers: "worker", Stock: "item", Opening: "item",
}

func (t *table) get(c *cells, name string) string {
	if i, ok := t.column[name]; ok {
		return c.fields[i]
	}
	return ""
}

func (t *table) next() (*thing, error) {
	switch t.cfg.Kind {
	case Orders:
		return t.gather(t.orderOf, t.order)
	case Facilities:
		return t.gather(t.building, t.facility)
	}
	c, err := t.read()
	if err != nil {
		return nil, err
	}
	x := &thing{table: true, rows: []at{c.at}, bytes: c.after}
	if c.fields == nil {
		x.pass(c)
		return x, nil
	}
	h := sha256.New()
	add(h, c)
	switch t.cfg.Kind {
	case Owners:
		x.err = t.owner(x, c)
	case Crossrefs:
		t.crossref(x, c)
	case Items:
		x.err = t.item(x, c)
	case Locations:
		x.err = t.location(x, c)
	case Workers:
		t.worker(x, c)
	default:
		x.err = t.receipt(x, c)
	}
	h.Sum(x.hash[:0])
	return x, nil
}

// pass makes the last row of x one that is reported by itself.
func (t *thing) pass(c *cells) {
	last := &t.rows[len(t.rows)-1]
	if last.err = c.err; len(c.says) > 0 {
		last.id = c.says[0]
	}
}

// gathering makes one thing of rows. It takes each with its index among the thing's, readable or not.
type gathering interface {
	row(i int, c *cells)
	end(x *thing) error
}

// gather makes a thing of the rows that stand behind each other and are of the same. What cannot be
// read is the row of whom it says it is; where it says nothing that is sure, it is that of the rows around
// it, if those are one thing's. Otherwise it is nobody's, and stops nobody.
func (t *table) gather(of func(*cells) [2]string, begin func(*cells) gathering) (*thing, error) {
	bad, first, err := t.run()
	if err != nil {
		return nil, err
	}
	x := &thing{table: true}
	n := 0
	take := func(c *cells) { x.rows, x.bytes = append(x.rows, c.at), c.after }
	if first == nil {
		for _, c := range bad {
			take(c)
			x.pass(c)
		}
		return x, nil
	}
	key := of(first)
	begins := first.at.line
	g := begin(first)
	own := func(c *cells) {
		take(c)
		g.row(n, c)
		n++
	}
	for _, c := range bad {
		if c.is(key) {
			own(c)
			continue
		}
		take(c)
		x.pass(c)
	}
	h := sha256.New()
	add(h, first)
	own(first)
	if t.lacksLine > 0 && t.lacks == key {
		g.row(n-1, &cells{err: fmt.Errorf("line %d, which is of it too, cannot be read", t.lacksLine)})
	}
	t.lacks, t.lacksLine = [2]string{}, 0
	for {
		bad, next, err := t.run()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		same := next != nil && t.joins(key, next, of)
		upto := 0
		for i, c := range bad {
			if same || c.is(key) {
				upto = i + 1
			}
		}
		for _, c := range bad[:upto] {
			if c.is(key) || same && (!c.sure || len(c.says) == 0) {
				own(c)
				continue
			}
			take(c)
			x.pass(c)
			if next != nil && c.is(of(next)) {
				t.lacks, t.lacksLine = of(next), c.at.line
			}
		}
		if !same {
			t.ahead = append(t.ahead, bad[upto:]...)
			if next != nil {
				t.ahead = append(t.ahead, next)
			}
			break
		}
		add(h, next)
		own(next)
	}
	x.err = g.end(x)
	if err := t.scattered(key, begins); err != nil {
		x.err = err
	}
	h.Sum(x.hash[:0])
	return x, nil
}

// joins reports whether a row is of the thing that the rows before it are of. An order's owner may
// be left out in its later rows like all else of its head.
func (t *table) joins(key [2]string, c *cells, of func(*cells) [2]string) bool {
	return of(c) == key || t.cfg.Kind == Orders && t.get(c, "number") == key[0] && t.get(c, "owner") == ""
}

// run is the next row that can be read, which is nil at the end, and what cannot be read in front
// of it. Of that there is no more than mostUnread; io.EOF says that there is nothing.
func (t *table) run() (bad []*cells, c *cells, err error) {
	for len(bad) < mostUnread {
		c, err := t.read()
		switch {
		case errors.Is(err, io.EOF) && len(bad) > 0:
			return bad, nil, nil
		case err != nil:
			return nil, nil, err
		case c.err == nil:
			return bad, c, nil
		}
		bad = append(bad, c)
	}
	return bad, nil, nil
}

// mostUnread bounds the rows that are looked past to find out whose they are.
const mostUnread = 1000

// is reports whether an unreadable row says that it is of key.
func (c *cells) is(key [2]string) bool { return slices.Contains(c.says, clip(key[0])) }

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

// needed is [field.integer] of a cell that must say something.
func (f *field) needed(name string) int64 {
	if strings.TrimSpace(f.t.get(f.c, name)) == "" {
		f.bad(name, "is missing")
		return 0
	}
	return f.integer(name)
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

func (t *table) orderOf(c *cells) [2]string {
	return [2]string{t.get(c, "number"), cmp.Or(t.get(c, "owner"), t.cfg.Scope.Owner)}
}

// orderRows gathers the rows of one order.
type orderRows struct {
	t     *table
	doc   custom.Order
	head  *cells             // the first row, which says where the order goes and how
	wrong order.InvalidError // the first of each row, at its row among the order's
}

// heads are the columns that say something of the order and not of its line.
var heads = []string{
	"facility", "policy", "type", "priority", "name", "company", "street", "street2", "street3", "city", "region", "postal_code",
	"country", "phone", "email", "location_code", "carrier", "service_level", "route", "not_before", "ship_by", "deliver_by", "cancel_after", "po", "note",
}

// agrees refuses a row that says something else of the order than its first row. What it leaves
// out is as there.
func (g *orderRows) agrees(f *field, c *cells) {
	for _, name := range heads {
		says, said := g.t.get(c, name), g.t.get(g.head, name)
		if says == "" || says == said {
			continue
		}
		if said == "" {
			f.bad(name, "%q, and line %d, where this order begins, leaves it out: rows of one order agree, or leave it to the first", clip(says), g.head.at.line)
		} else {
			f.bad(name, "%q, and line %d, where this order begins, has %q: rows of one order agree, or leave it to the first", clip(says), g.head.at.line, clip(said))
		}
	}
}

// order begins an order with the head of its first row.
func (t *table) order(c *cells) gathering {
	g := &orderRows{t: t, head: c}
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	g.doc = custom.Order{
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
			g.doc.ShipTo.Lines = append(g.doc.ShipTo.Lines, v)
		}
	}
	if v := get("po"); v != "" {
		g.doc.Refs = []custom.Ref{{Kind: "po", Value: v}}
	}
	if v := get("note"); v != "" {
		g.doc.Notes = []string{v}
	}
	return g
}

// row implements [gathering]. An order that lacks a line is never placed.
func (g *orderRows) row(i int, c *cells) {
	const most = 20
	err := c.err
	if err == nil {
		f := &field{t: g.t, c: c}
		if c == g.head { // what is wrong with the head is wrong with its row
			f.integer("priority")
			for _, name := range []string{"not_before", "ship_by", "deliver_by", "cancel_after"} {
				f.day(name)
			}
		} else {
			g.agrees(f, c)
		}
		get := func(name string) string { return g.t.get(c, name) }
		l := custom.Line{
			No: int(f.integer("line")), Ref: get("line_ref"), Item: get("item"), Qty: f.needed("qty"),
			UOM: get("uom"), Lot: get("lot"), MinExpiry: get("min_expiry"),
		}
		if len(g.doc.Lines) <= order.MaxLines { // one more is enough to be refused for
			g.doc.Lines = append(g.doc.Lines, l)
		}
		err = f.err
	}
	switch {
	case err == nil:
	case len(g.wrong.Problems) == most:
		g.wrong.More++
	default:
		g.wrong.Problems = append(g.wrong.Problems, order.Problem{Place: fmt.Sprintf("lines[%d].%s", i, fault.PlaceOf(err)), Text: sentence(err)})
	}
}

func (g *orderRows) end(x *thing) error {
	x.ask.ID = g.doc.Number
	if len(g.wrong.Problems) > 0 {
		return fault.At("bulk.order", fault.Invalid, g.wrong.Problems[0].Place, &g.wrong)
	}
	return x.place(g.doc.Place(g.t.cfg.Scope, g.t.cfg.source(g.t.file)))
}

func (t *table) receipt(x *thing, c *cells) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	doc := custom.Receipt{
		Owner: get("owner"), Facility: get("facility"), Item: get("item"), Location: get("location"), Lot: get("lot"), LPN: get("lpn"),
		Stage: get("stage"), Qty: f.needed("qty"), Expiry: get("expiry"), From: get("from"), Reference: get("reference"),
	}
	if v := get("serials"); v != "" {
		doc.Serials = strings.Split(v, listed)
	}
	return cmp.Or(x.receipt(doc, t.cfg), f.err)
}
