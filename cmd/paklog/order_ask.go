package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// errNotPlaced ends an entry that its typist gave up.
var errNotPlaced = errors.New("nothing was placed")

// entry asks for an order and checks each answer as it is typed.
type entry struct {
	c   *caller
	in  *bufio.Reader
	out io.Writer
	doc custom.Order
}

// mostTyped bounds an answer.
const mostTyped = 4096

func askOrder(ctx context.Context, c *caller, in io.Reader, out io.Writer) (*custom.Order, error) {
	e := &entry{c: c, in: bufio.NewReaderSize(in, mostTyped), out: out}
	for _, step := range []func(context.Context) error{e.head, e.lines, e.shipTo, e.confirm} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &e.doc, nil
}

func (e *entry) say(format string, a ...any) { fmt.Fprintf(e.out, format+"\n", a...) }

// ask returns what was typed, or otherwise where nothing was.
func (e *entry) ask(what, otherwise string) (string, error) {
	if otherwise != "" {
		what += " [" + clean(otherwise) + "]"
	}
	fmt.Fprintf(e.out, "%s: ", what)
	line, err := e.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("an answer is longer than %d bytes: %w", mostTyped, errNotPlaced)
	case err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)):
		e.say("")
		return "", errNotPlaced
	}
	if s := strings.TrimSpace(string(line)); s != "" {
		return s, nil
	}
	return otherwise, nil
}

// must asks until check is content.
func (e *entry) must(what, otherwise string, check func(string) error) (string, error) {
	for {
		s, err := e.ask(what, otherwise)
		if err != nil {
			return "", err
		}
		if err := check(s); err != nil {
			e.say("  %s", cleanLines(err.Error()))
			continue
		}
		return s, nil
	}
}

func needed(s string) error {
	if s == "" {
		return errors.New("is needed")
	}
	return nil
}

func (e *entry) head(ctx context.Context) (err error) {
	if e.doc.Owner, err = e.must("owner", e.c.cfg.Owner, needed); err != nil {
		return err
	}
	e.doc.Number, err = e.must("order number", "", func(s string) error {
		if s == "" {
			return errors.New("is needed: with the owner it names the order")
		}
		var d view.Doc
		found, err := e.get(ctx, "/v1/orders/"+url.PathEscape(e.doc.Owner)+"/"+url.PathEscape(s), &d)
		if err == nil && found && d.Status != "rejected" {
			return fmt.Errorf("%s has an order %s, it is %s: use another number", e.doc.Owner, s, d.Status)
		}
		return err
	})
	return err
}

// get reads a document; false where there is none.
func (e *entry) get(ctx context.Context, path string, out any) (bool, error) {
	err := e.c.do(ctx, http.MethodGet, path, nil, out)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

func (e *entry) lines(ctx context.Context) error {
	for {
		what := fmt.Sprintf("line %d, item", len(e.doc.Lines)+1)
		if len(e.doc.Lines) > 0 {
			what += " (empty: no more)"
		}
		var it item.Item
		sku, err := e.must(what, "", func(s string) error {
			if s == "" && len(e.doc.Lines) > 0 {
				return nil
			}
			var err error
			it, err = e.item(ctx, s)
			return err
		})
		if err != nil || sku == "" {
			return err
		}
		l, err := e.line(ctx, sku, it)
		if err != nil {
			return err
		}
		e.doc.Lines = append(e.doc.Lines, l)
	}
}

func (e *entry) item(ctx context.Context, sku string) (item.Item, error) {
	if err := needed(sku); err != nil {
		return item.Item{}, err
	}
	var d view.Doc
	var it item.Item
	found, err := e.get(ctx, "/v1/items/"+url.PathEscape(e.doc.Owner)+"/"+url.PathEscape(sku), &d)
	switch {
	case err != nil:
		return it, err
	case !found:
		return it, fmt.Errorf("%s has no item %s: paklog items list shows those there are", e.doc.Owner, sku)
	}
	return it, json.Unmarshal(d.State, &it)
}

// line asks for unit and quantity of an item, beside what can be had of it.
func (e *entry) line(ctx context.Context, sku string, it item.Item) (l custom.Line, err error) {
	var d view.Doc
	var stock inventory.Stock
	found, err := e.get(ctx, "/v1/stock/"+url.PathEscape(e.doc.Owner)+"/"+url.PathEscape(sku), &d)
	if err == nil && found {
		err = json.Unmarshal(d.State, &stock)
	}
	if err != nil {
		return l, err
	}
	smallest, units := "", make([]string, len(it.Spec.Units))
	factors := map[string]int64{}
	for i, u := range it.Spec.Units {
		units[i], factors[u.UOM] = u.UOM, u.Factor
		if u.Factor == 1 {
			smallest = u.UOM
		}
	}
	have := max(0, stock.AvailableToPromise())
	e.say("  %s: %d %s available", clean(it.Spec.Description), have, clean(smallest))
	uom, err := e.must("  unit ("+clean(strings.Join(units, ", "))+")", smallest, func(s string) error {
		if factors[s] == 0 {
			return fmt.Errorf("%s is counted in %s", sku, strings.Join(units, ", "))
		}
		return nil
	})
	if err != nil {
		return l, err
	}
	qty := int64(0)
	if _, err = e.must("  quantity", "", func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a quantity of 1 or more", s)
		}
		qty = n
		return nil
	}); err != nil {
		return l, err
	}
	if f := factors[uom]; qty > have/f {
		e.say("  note: %d %s can be had now, the rest waits for stock", have/f, clean(uom))
	}
	return custom.Line{Item: sku, Qty: qty, UOM: uom}, nil
}

func (e *entry) shipTo(context.Context) error {
	a := &e.doc.ShipTo
	street := ""
	for _, x := range []struct {
		what  string
		into  *string
		check func(string) error
	}{
		{"ship to, name", &a.Name, needed},
		{"street", &street, needed},
		{"city", &a.City, needed},
		{"region (state or province code)", &a.Region, func(string) error { return nil }},
		{"postal code", &a.PostalCode, func(string) error { return nil }},
		{"country (two letters)", &a.Country, country},
	} {
		s, err := e.must(x.what, "", x.check)
		if err != nil {
			return err
		}
		*x.into = s
	}
	a.Lines = []string{street}
	return nil
}

func country(s string) error {
	if len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' {
		return nil
	}
	return fmt.Errorf("%q is not a country's two capital letters, like US", s)
}

func (e *entry) confirm(context.Context) error {
	e.say("\norder %s of %s, to %s in %s:", clean(e.doc.Number), clean(e.doc.Owner), clean(e.doc.ShipTo.Name), clean(e.doc.ShipTo.City))
	for _, l := range e.doc.Lines {
		e.say("  %d %s %s", l.Qty, clean(l.UOM), clean(l.Item))
	}
	s, err := e.ask("place it? (y/n)", "")
	if err != nil {
		return err
	}
	if s = strings.ToLower(s); s != "y" && s != "yes" {
		return errNotPlaced
	}
	return nil
}
