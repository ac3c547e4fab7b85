package bulk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/transforms/custom"
)

// jsonLines reads one document of transforms/custom a line.
type jsonLines struct {
	src  *source
	cfg  Config
	file string
	row  int
	buf  []byte
}

func (j *jsonLines) next() (*thing, error) {
	for {
		line, offset := j.src.line, j.src.at
		size, err := j.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if size == 0 && errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if size <= j.cfg.MaxRow && len(bytes.TrimSpace(j.buf)) == 0 {
			continue
		}
		j.row++
		t := &thing{rows: []at{{row: j.row, line: line}}, bytes: j.src.at}
		if size > j.cfg.MaxRow {
			t.err = &rowError{offset, fmt.Sprintf("the line has %d bytes, at most %d are allowed", size, j.cfg.MaxRow)}
			return t, nil
		}
		j.buf = bytes.TrimRight(j.buf, "\r\n")
		t.hash = sha256.Sum256(j.buf)
		if t.err = j.fill(t); t.err != nil && t.ask.ID == "" {
			t.ask.ID = names.in(j.buf, j.cfg.Kind)
		}
		return t, nil
	}
}

// in is what a document that cannot be read calls itself, as far as it can be read.
func (n naming) in(doc []byte, kind string) string {
	d := json.NewDecoder(bytes.NewReader(doc))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return ""
	}
	depth, key := 1, true // key: what comes next is a key of the document
	for {
		tok, err := d.Token()
		if err != nil {
			return ""
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
			key = depth == 1
		case json.Delim('}'), json.Delim(']'):
			depth--
			key = depth == 1
		default:
			if depth == 1 && key && tok == n[kind] {
				v, _ := d.Token() // nothing is said where it cannot be read
				s, _ := v.(string)
				return clip(s)
			}
			key = depth == 1 && !key
		}
	}
}

// line reads up to the next line end into buf, of an overlong line only the beginning,
// and returns how long it was.
func (j *jsonLines) line() (int, error) {
	j.buf = j.buf[:0]
	size := 0
	for {
		part, err := j.src.r.ReadSlice('\n')
		j.src.at += int64(len(part))
		size += len(part)
		if room := j.cfg.MaxRow + 1 - len(j.buf); room > 0 {
			j.buf = append(j.buf, part[:min(room, len(part))]...)
		}
		if err == nil {
			j.src.line++
		}
		if len(part) > 0 && errors.Is(err, io.EOF) || err == nil {
			return size, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return size, err
		}
	}
}

func (j *jsonLines) fill(t *thing) error {
	s := j.cfg.Scope
	switch j.cfg.Kind {
	case Orders:
		var doc custom.Order
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		return t.place(doc.Place(s, j.cfg.source(j.file)))
	case Items:
		var doc custom.Item
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.item(doc, j.cfg)
	case Locations:
		var doc custom.Location
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.location(doc, j.cfg)
	case Facilities:
		var doc custom.Facility
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.facility(doc, j.cfg)
	case Owners:
		var doc custom.Owner
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.owner(doc, j.cfg)
	case Crossrefs:
		var doc custom.Crossref
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.crossref(doc, j.cfg)
	case Workers:
		var doc custom.Worker
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		t.worker(doc, j.cfg)
	default:
		var doc custom.Receipt
		if err := strictjson.Decode(j.buf, &doc); err != nil {
			return err
		}
		return t.receipt(doc, j.cfg)
	}
	return nil
}

func (t *thing) item(doc custom.Item, c Config) {
	cmd := doc.Register(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.SKU, Cmd: cmd}
}

func (t *thing) location(doc custom.Location, c Config) {
	cmd := doc.Register(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Code, Cmd: cmd}
}

func (t *thing) owner(doc custom.Owner, c Config) {
	cmd := doc.Register(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Owner, Cmd: cmd}
}

func (t *thing) crossref(doc custom.Crossref, c Config) {
	cmd := doc.Set(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: crossref.ID(cmd.Kind, cmd.Theirs), Cmd: cmd}
}

func (t *thing) worker(doc custom.Worker, c Config) {
	cmd := doc.Register(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Worker, Cmd: cmd}
}

func (t *thing) facility(doc custom.Facility, c Config) {
	cmd := doc.Register(c.Scope)
	cmd.Update = c.Update
	t.door, t.ask = door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Facility, Cmd: cmd}
}

func (t *thing) receipt(doc custom.Receipt, c Config) error {
	if c.Kind == Opening {
		if doc.From != "" && doc.From != inventory.Opening {
			return fault.At("bulk.receipt", fault.Invalid, "from", fmt.Errorf("%.64q is no opening stock: import it as %s", doc.From, Stock))
		}
		doc.From = inventory.Opening
	}
	cmd := doc.Receive(c.Scope)
	t.door, t.ask = door.Stock, door.Ask{Scope: cmd.Scope, ID: cmd.Item, Cmd: cmd}
	return nil
}

// place makes the thing an order.
func (t *thing) place(cmd order.Place) error {
	t.door, t.ask = door.Orders, door.Ask{Scope: cmd.Scope, ID: cmd.Number, Cmd: cmd}
	return cmd.Validate()
}

func (c Config) source(file string) order.Source {
	return order.Source{Door: "import", Partner: c.Name, DocID: file[:16]}
}
