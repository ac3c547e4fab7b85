package rest_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/rest"
)

func TestOrderIsChangedSplitAndMerged(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	h.must(201, "POST", "/v1/orders", placed)
	change := `{"reason":"customer called","lines":[{"line":1,"qty":5}],"add":[{"no":2,"item":"A-1","qty":2}],
		"ship_to":{"name":"Ada Lovelace","city":"Leeds","country":"GB"},"service":{"carrier":"UPSN"},"dates":{"ship_by":"2026-11-24T16:00:00Z"},"priority":7}`
	_, body := h.must(200, "POST", "/v1/orders/ACME/SO-1/change", change)
	for _, want := range []string{`"ordered":5`, `"no":2`, `"carrier":"UPSN"`, `"priority":7`, `"ship_by":"2026-11-24T16:00:00Z"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if strings.Contains(body, "Lovelace") || strings.Contains(body, "Leeds") {
		t.Errorf("the answer tells who is shipped to: %s", body)
	}
	if _, again := h.must(200, "POST", "/v1/orders/ACME/SO-1/change", change); again != body {
		t.Errorf("the same change again: %s", again)
	}
	h.must(200, "POST", "/v1/orders", placed) // still the same order

	_, body = h.must(200, "POST", "/v1/orders/ACME/SO-1/split", `{"to":"SO-1-B","lines":[{"line":1,"qty":2}]}`)
	if !strings.Contains(body, `"ordered":3`) {
		t.Errorf("split: %s", body)
	}
	if n := len(h.door.Orders()); n != 2 {
		t.Errorf("%d orders", n)
	}
	_, body = h.must(200, "POST", "/v1/orders/ACME/SO-1/merge", `{"from":["SO-1-B"]}`)
	if !strings.Contains(body, `"from":"SO-1-B"`) {
		t.Errorf("merged: %s", body)
	}

	h.must(200, "POST", "/v1/orders/ACME/SO-1/hold", `{"reason":"credit"}`)
	h.must(200, "POST", "/v1/orders/ACME/SO-1/hold", `{"reason":"fraud"}`)
	_, body = h.must(200, "POST", "/v1/orders/ACME/SO-1/release", `{"reason":"credit"}`)
	if !strings.Contains(body, `"holds":["fraud"]`) {
		t.Errorf("one of two released: %s", body)
	}
	h.must(200, "POST", "/v1/orders/ACME/SO-1/release", "")
}

func TestBadChangesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	h.must(201, "POST", "/v1/orders", placed)
	h.must(201, "POST", "/v1/orders", strings.Replace(strings.Replace(placed, "SO-1", "SO-2", 1), "London", "Leeds", 1))
	h.must(200, "POST", "/v1/orders/ACME/SO-2/hold", `{"reason":"credit"}`)
	const one, two = "/v1/orders/ACME/SO-1", "/v1/orders/ACME/SO-2"
	for name, c := range map[string]struct {
		path, body  string
		status      int
		place, says string
	}{
		"not JSON":               {one + "/change", `{"lines":`, 400, "lines", "ends"},
		"an unknown field":       {one + "/change", `{"quantity":1}`, 400, "", `"quantity" is not known`},
		"a fraction":             {one + "/change", `{"lines":[{"line":1,"qty":1.5}]}`, 400, "lines[0].qty", "whole number"},
		"no such line":           {one + "/change", `{"lines":[{"line":4,"qty":1}]}`, 422, "lines[0].line", "no line 4"},
		"a new line, no number":  {one + "/change", `{"add":[{"item":"A-1","qty":1}]}`, 422, "add[0].no", "missing"},
		"a negative quantity":    {one + "/change", `{"lines":[{"line":1,"qty":-1}]}`, 422, "lines[0].qty", "not between"},
		"nobody to ship to":      {one + "/change", `{"ship_to":{"city":"Leeds"}}`, 422, "ship_to", "needs a name"},
		"a unit that is none":    {one + "/change", `{"lines":[{"line":1,"qty":1,"uom":"crate"}]}`, 409, "lines[0].uom", "crate"},
		"taking all out":         {one + "/change", `{"remove":[1]}`, 409, "remove", "cancel it"},
		"a change of nobody's":   {"/v1/orders/ACME/SO-9/change", `{"priority":1}`, 409, "order", "no such order"},
		"a split of everything":  {one + "/split", `{"to":"SO-1-B","lines":[{"line":1,"qty":3}]}`, 409, "lines", "left behind"},
		"a split without lines":  {one + "/split", `{"to":"SO-1-B","lines":[]}`, 422, "lines", "no line"},
		"a split to one there":   {one + "/split", `{"to":"SO-2","lines":[{"line":1,"qty":1}]}`, 409, "to", "another order SO-2"},
		"a split to nowhere":     {one + "/split", `{"to":"","lines":[{"line":1,"qty":1}]}`, 422, "to", "missing"},
		"a merge of nothing":     {one + "/merge", `{"from":[]}`, 422, "from", "no order"},
		"a merge with itself":    {one + "/merge", `{"from":["SO-1"]}`, 409, "from", "itself"},
		"a merge of one on hold": {one + "/merge", `{"from":["SO-2"]}`, 409, "order SO-2", "on hold"},
		"a release of no reason": {two + "/release", `{"reason":"fraud"}`, 409, "reason", "credit"},
		"a release of both":      {two + "/release", `{"reason":"credit","line":1}`, 422, "reason", "one of them"},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.refused(c.status, "POST", c.path, c.body)
			if len(p.Errors) != 1 || p.Errors[0].Place != c.place || !strings.Contains(p.Errors[0].Message, c.says) {
				t.Errorf("got %+v\nwant place %q and ...%s...", p.Errors, c.place, c.says)
			}
		})
	}
	for key, o := range h.door.Orders() {
		if o.First != nil || len(o.Lines) != 1 || o.Lines[0].Ordered != 3 {
			t.Errorf("a refused change changed %s: %+v", key, o)
		}
	}
	h.must(200, "POST", one+"/change", `{"priority":1}`, "Idempotency-Key", "k1")
	h.refused(422, "POST", one+"/change", `{"priority":2}`, "Idempotency-Key", "k1")
}
