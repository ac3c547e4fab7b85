package routes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/dlq"
)

// placeFields are what of an order people may correct: not whose it is, which it is, nor how many lines it has.
var placeFields = []string{
	"Policy", "Type", "Priority", "Lines[].Item", "Lines[].Codes[].*", "Lines[].Qty", "Lines[].UOM", "Lines[].Lot", "Lines[].MinExpiry",
	"ShipTo.*", "BillTo.*", "Notes[]", "Service.*", "Dates.*",
}

// editPlace is the [EditFunc] of the commands that place an order. Their text is the whole command, with the addresses
// that stand in its sealed group.
func editPlace(_ context.Context, rec *journal.Record, text *string) (dlq.Edited, error) {
	if rec.Type != cmdPlace && rec.Type != cmdAgain {
		return dlq.Edited{}, fmt.Errorf("%s: %w", rec.Type, dlq.ErrNoEdit)
	}
	var c order.Place
	var people order.Parties
	err := json.Unmarshal(rec.Data, &c)
	if err == nil && len(rec.Personal) > 0 {
		err = json.Unmarshal(rec.Personal, &people)
	}
	if err != nil {
		return dlq.Edited{}, fmt.Errorf("reading %s: %w: %w", rec.Type, err, dlq.ErrNoEdit)
	}
	c.ShipTo, c.BillTo, c.Notes, c.Named = people.ShipTo, people.BillTo, people.Notes, people.Named
	before, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return dlq.Edited{}, fmt.Errorf("writing %s: %w", rec.Type, err)
	}
	out := dlq.Edited{Format: "json", Text: string(before), Allowed: placeFields, Record: *rec}
	if text == nil {
		return out, nil
	}
	out.Text = *text
	var n order.Place
	d := json.NewDecoder(strings.NewReader(*text))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		out.Problems = append(out.Problems, jsonProblem(*text, err))
		return out, nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		out.Problems = append(out.Problems, dlq.Problem{Message: "something stands behind the order"})
		return out, nil
	}
	after, err := json.Marshal(n)
	if err != nil {
		return out, fmt.Errorf("writing %s: %w", rec.Type, err)
	}
	out.Changes = jsonChanges(before, after)
	for _, c := range out.Changes {
		if !matches(placeFields, ordinals.ReplaceAllString(c.Field, "[]")) {
			out.Problems = append(out.Problems, dlq.Problem{Place: c.Field, Message: "this field is not changed here"})
		}
	}
	if err := n.Validate(); err != nil {
		var bad *order.InvalidError
		if errors.As(err, &bad) {
			for _, p := range bad.Problems {
				out.Problems = append(out.Problems, dlq.Problem{Place: p.Place, Message: p.Text})
			}
		} else {
			out.Problems = append(out.Problems, dlq.Problem{Place: fault.PlaceOf(err), Message: fault.Reason(err)})
		}
	}
	r, err := placing(rec.Type, n)
	if err != nil {
		return out, err
	}
	out.Record.Data, out.Record.Personal = r.Data, r.Personal
	return out, nil
}

// jsonProblem is why a text is no order, with its line.
func jsonProblem(text string, err error) dlq.Problem {
	p := dlq.Problem{Message: strings.TrimPrefix(err.Error(), "json: ")}
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		p.Place = fmt.Sprintf("line %d", 1+strings.Count(text[:min(int(syntax.Offset), len(text))], "\n"))
	case errors.As(err, &typ):
		p.Place, p.Message = typ.Field, fmt.Sprintf("%s is no %s", typ.Value, typ.Type.Kind())
	}
	return p
}

var ordinals = regexp.MustCompile(`\[[0-9]+\]`)

// matches reports whether a field is among patterns, whose last part may be * for whatever stands beneath.
func matches(patterns []string, field string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		under, all := strings.CutSuffix(p, "*")
		return p == field || all && strings.HasPrefix(field, under)
	})
}

// jsonChanges are the fields in which two documents differ.
func jsonChanges(before, after []byte) []dlq.FieldChange {
	old, now := map[string]string{}, map[string]string{}
	var fields []string
	for _, x := range []struct {
		doc []byte
		in  map[string]string
	}{{before, old}, {after, now}} {
		d := json.NewDecoder(bytes.NewReader(x.doc))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return nil // both were marshalled here
		}
		flatten("", v, x.in)
		for f := range x.in {
			fields = append(fields, f)
		}
	}
	slices.Sort(fields)
	var out []dlq.FieldChange
	for _, f := range slices.Compact(fields) {
		if old[f] != now[f] {
			out = append(out, dlq.FieldChange{Field: f, Old: old[f], New: now[f]})
		}
	}
	return out
}

// flatten notes each value of a document by its path.
func flatten(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(strings.TrimPrefix(path+"."+k, "."), x, into)
		}
	case []any:
		for i, x := range v {
			flatten(path+"["+strconv.Itoa(i)+"]", x, into)
		}
	case nil:
	default:
		into[path] = fmt.Sprint(v)
	}
}
