package restshop

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

const sample = `{"id":"o/1","number":"P-1","state":"open","updated":"2026-11-23T09:00:00.5Z","ship_to":{"name":"Ada","lines":"12 Elm St","country":"US"},
	"lines":[{"id":"1","sku":"MUG","qty":2.0,"shipped":1,"uom":"each"}]}`

func TestPlatformsOrder(t *testing.T) {
	t.Parallel()
	w, err := Platform().Work([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	l := w.Order.Lines[0]
	if w.ID != "orders/o%2F1" || w.State != shop.Open || l.Ref != "o%2F1/1" || l.Qty != 2 || w.DoneOf(l.Ref) != 1 || w.Order.ShipTo.Lines[0] != "12 Elm St" ||
		!w.Updated.Equal(time.Date(2026, 11, 23, 9, 0, 0, 5e8, time.UTC)) {
		t.Errorf("%+v", w)
	}
	id, err := OrderID(w.ID)
	if err != nil || id != "o/1" {
		t.Errorf("%q, %v", id, err)
	}
	v := Values(shop.Shipment{Work: w.ID, Key: "k", Lines: []shop.LineQty{{Ref: l.Ref, Qty: 1}}}, id)
	body, err := Platform().Body("ship.body", v)
	if err != nil || string(body) != `{"key":"k","lines":[{"qty":1,"ref":"1"}],"notify":false}` {
		t.Errorf("%s, %v", body, err)
	}
	if p := Platform().Path("ship.path", v); p != "/v1/orders/o%2F1/shipments" {
		t.Error(p)
	}
}

// What an order lacks is said with its place, and no order is made of half a one.
func TestOrdersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		old, new, want string
		kind           fault.Kind
	}{
		"no id":                    {`"id":"o/1"`, `"id":""`, "has no id", fault.Invalid},
		"an id that is a number":   {`"id":"o/1"`, `"id":17`, "17 stands where text is due", fault.Invalid},
		"a state of its own":       {`"open"`, `"shipped"`, "is none of open, asked", fault.Invalid},
		"no time":                  {`"updated"`, `"changed"`, "no such key", fault.Invalid},
		"a day for a time":         {`2026-11-23T09:00:00.5Z`, `2026-11-23`, "is not a moment", fault.Invalid},
		"half a unit":              {`2.0`, `2.5`, "whole", fault.Invalid},
		"less than nothing":        {`2.0`, `-2`, "a line needs", fault.Invalid},
		"a line without an item":   {`"MUG"`, `""`, "a line needs", fault.Invalid},
		"no lines":                 {`"lines":[{`, `"lines":[],"old":[{`, "asks for nothing", fault.Invalid},
		"a number with a space":    {`"P-1"`, `" P-1"`, "its number is", fault.Invalid},
		"a number that never ends": {`2.0`, "1" + strings.Repeat("0", 70), "characters is not read", fault.Invalid},
		"no JSON":                  {sample, `{"id":`, "reading JSON", fault.Invalid},
		"nothing":                  {sample, `null`, "no order in it", fault.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Platform().Work([]byte(strings.Replace(sample, x.old, x.new, 1)))
			if err == nil || fault.KindOf(err) != x.kind || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v, want %s", err, x.want)
			}
		})
	}
}

func TestAPageThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ body, after string }{
		"the same again":         {`{"orders":[` + sample + `],"next":"c1"}`, "c1"},
		"on behind an empty one": {`{"orders":[],"next":"c2"}`, "c1"},
	} {
		if _, err := Platform().Page([]byte(x.body), "2026-11-23T00:00:00Z", x.after); err == nil || fault.KindOf(err) != fault.Transient {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := strings.Replace(sample, `"open"`, `"odd"`, 1)
	p, err := Platform().Page([]byte(`{"orders":[`+bad+`,`+sample+`]}`), "", "")
	if err != nil || len(p.Work) != 1 || len(p.Unread) != 1 || p.Unread[0].ID != "orders/o%2F1" {
		t.Errorf("%+v, %v", p, err)
	}
	for name, x := range map[string]struct{ old, new, id string }{
		"no id":       {`"id":"o/1"`, `"id":null`, ""},
		"a number":    {`"id":"o/1"`, `"id":5`, ""},
		"a long id":   {`"id":"o/1"`, `"id":"` + strings.Repeat("x", 256) + `"`, ""},
		"no time":     {`"updated"`, `"changed"`, "orders/o%2F1"},
		"a wrong day": {`2026-11-23T09:00:00.5Z`, `yesterday`, "orders/o%2F1"},
	} {
		bad := strings.Replace(sample, x.old, x.new, 1)
		p, err := Platform().Page([]byte(`{"orders":[`+bad+`,`+sample+`]}`), "", "")
		if err != nil || len(p.Work) != 1 || len(p.Unread) != 1 || p.Unread[0].ID != x.id || (x.id == "") != strings.HasPrefix(p.Unread[0].Why, "order 1 of a page: ") {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if id, err := Platform().About([]byte(`{"type":"order.changed","data":{"id":"` + strings.Repeat("x", 256) + `"}}`)); err == nil || !strings.Contains(err.Error(), "at most 255") {
		t.Errorf("hinted at %s, %v", id, err)
	}
}

func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "orders/", "order/1", "orders/%zz", "orders/a/b", "orders/%61"} {
		if _, err := OrderID(id); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What is wrong with a connector is said at once, with its line.
func TestConnectorsThatCannotWork(t *testing.T) {
	t.Parallel()
	good := string(platform)
	for name, x := range map[string]struct{ old, new, want string }{
		"a key nobody reads":         {"connector: platform", "connecter: platform", `unknown key "connecter": did you mean "connector"?`},
		"a name nobody gives":        {"read: {path: \"/v1/orders/{id}\", order: answer}", "read: {path: \"/v1/orders/{id}\", order: reply}", "undeclared reference to 'reply'"},
		"a hole nobody fills":        {"/v1/orders/{id}/answers", "/v1/orders/{no}/answers", "{no} stands for nothing here"},
		"a path with a query":        {"path: /v1/orders\n", "path: /v1/orders?x=1\n", "bears no query"},
		"an auth of its own":         {"kind: bearer", "kind: ntlm", "is none of none, bearer"},
		"a header for a bearer":      {"kind: bearer", "kind: bearer, header: X-Key", "header is needed with kind header"},
		"a method that takes away":   {"method: PUT", "method: DELETE", "is none of POST, PUT, PATCH"},
		"a signature of its own":     {"sign: standard-webhooks", "sign: md5", "there is standard-webhooks"},
		"a floating-point number":    {"qty: line.qty", "qty: line.qty * 1.5", "no floating-point numbers"},
		"half an error":              {", message: answer.message", "", "stand together or not at all"},
		"levels that are never set":  {"set:\n  path: /v1/stock", "set:\n  path: \"\"", "stand together or not at all"},
		"an order of another form":   {"number: order.number", "nummer: order.number", `unknown key "nummer"`},
		"a shipment without an id":   {"  id: answer.id\n", "", "ship.id: is missing"},
		"a part that stands as text": {"work:\n", "work: x\nother:\n", "unknown key"},
	} {
		text := strings.Replace(good, x.old, x.new, 1)
		if text == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := Open("c.yaml", []byte(text), nil); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "[]", "a: b\n---\nc: d", "\t"} {
		if _, err := Open("c.yaml", []byte(text), nil); err == nil {
			t.Errorf("%q is a connector", text)
		}
	}
}

// What a connector makes cannot run away.
func TestAConnectorsWorkIsBounded(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(platform), "number: order.number", "number: \"many(order.lines).map(a, many(order.lines).map(b, many(order.lines).map(c, string(order.lines)))).size() > 0 ? order.number : ''\"", 1)
	c, err := Open("c.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	line := `{"id":"1","sku":"MUG","qty":2,"shipped":1}`
	long := strings.Replace(sample, `"lines":[`, `"lines":[`+strings.Repeat(line+",", 400), 1)
	if _, err := c.Work([]byte(long)); err == nil || fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}
