// Package restshop is how shops are spoken to whose REST API is described by a file: addresses with
// {names} in them, and CEL expressions (package mapping) that turn the shop's JSON into work and what we
// say into its JSON. Our own contract for custom platforms is such a file, too: platform.yaml.
//
//	connector: odd-shop
//	auth: {kind: header, header: X-Api-Key}
//	error: {code: answer.error.kind, message: answer.error.text}
//	id: string(order.no)                       # of an order, as the paths below want it
//	updated: order.changed                     # RFC 3339
//	work:                                      # what the order asks for; order is in the form of the REST door
//	  state: "order.status == 'paid' ? 'open' : 'held'"
//	  order: {number: order.no, ...}
//	read: {path: "/orders/{id}", order: answer}
//	changed: {path: /orders, query: {since: since, page: after}, orders: answer.list, next: answer.next}
//	ship: {path: "/orders/{id}/parcels", body: {...}, id: answer.id}
//	shipped: {path: "/orders/{id}/parcels", id: "..."}
//
// What an expression may name stands in [Parts].
package restshop

import (
	_ "embed" // the contract of custom platforms
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/custom"
	"github.com/paklog/hub/transforms/mapping"
)

//go:embed platform.yaml
var platform []byte

// Platform is the contract of custom platforms.
func Platform() *Connector {
	c, err := Open("platform.yaml", platform, nil)
	if err != nil {
		panic(err) // a mistake of ours
	}
	return c
}

// How a connector proves who we are.
const (
	AuthNone   = "none"
	AuthBearer = "bearer" // the access token
	AuthHeader = "header" // the access token, in a header of its own
	AuthBasic  = "basic"  // the client's name and secret
	AuthOAuth2 = "oauth2" // a token that is granted for the client's name and secret (RFC 6749 4.4)
)

// SignStandard signs as Standard Webhooks says, over id.timestamp.body.
const SignStandard = "standard-webhooks"

// document is what the work of an order is made of.
type document struct {
	State    string       `json:"state"`
	Location string       `json:"location"`
	Hold     string       `json:"hold"`
	Order    custom.Order `json:"order"`
	Done     []lineQty    `json:"done"`
}

type lineQty struct {
	Ref string `json:"ref"`
	Qty int64  `json:"qty"`
}

// Level is a level as a shop says it. Version is what it wants to see again when it is set.
type Level struct {
	Item    string `json:"item"`
	OnHand  int64  `json:"on_hand"`
	Version string `json:"version"`
}

var (
	text   = reflect.TypeFor[string]()
	plains = func(keys ...string) (out []mapping.Part) {
		for _, k := range keys {
			out = append(out, mapping.Part{Key: k})
		}
		return out
	}
)

// shipVars are what is known of a shipment: id and key, lines and left and after (ref, qty), parcels
// (carrier, tracking), notify.
var shipVars = []string{"id", "key", "lines", "left", "after", "parcels", "notify"}

// Parts are the keys of a connector and what their expressions may name.
var Parts = slices.Concat(
	plains("auth.kind", "auth.header", "auth.token", "auth.sign", "read.path", "changed.path", "ship.path", "ship.method", "shipped.path",
		"answer.path", "answer.method", "levels.path", "levels.most", "set.path", "set.method", "check.path", "hook.signature"),
	[]mapping.Part{
		{Key: "connector", Must: true},
		{Key: "error.code", Vars: []string{"answer"}, Makes: text},
		{Key: "error.message", Vars: []string{"answer"}, Makes: text},
		{Key: "id", Vars: []string{"order"}, Makes: text, Must: true},
		{Key: "updated", Vars: []string{"order"}, Makes: reflect.TypeFor[time.Time](), Must: true},
		{Key: "work", Vars: []string{"order"}, Makes: reflect.TypeFor[document](), Must: true},
		{Key: "read.order", Vars: []string{"answer"}, Must: true},
		{Key: "changed.query", Vars: []string{"since", "after"}},
		{Key: "changed.orders", Vars: []string{"answer"}, Must: true},
		{Key: "changed.next", Vars: []string{"answer", "since", "after"}, Makes: text, Must: true},
		{Key: "changed.total", Vars: []string{"answer"}, Makes: reflect.TypeFor[int]()},
		{Key: "ship.headers", Vars: shipVars},
		{Key: "ship.body", Vars: shipVars, Must: true},
		{Key: "ship.id", Vars: append([]string{"answer"}, shipVars...), Makes: text, Must: true},
		{Key: "shipped.query", Vars: shipVars},
		{Key: "shipped.id", Vars: append([]string{"answer"}, shipVars...), Makes: text, Must: true},
		{Key: "answer.body", Vars: []string{"id", "key", "do", "reason"}},
		{Key: "levels.query", Vars: []string{"location", "items"}},
		{Key: "levels.list", Vars: []string{"answer", "location"}, Makes: reflect.TypeFor[[]Level]()},
		{Key: "set.headers", Vars: []string{"location", "key"}},
		{Key: "set.body", Vars: []string{"location", "key", "levels"}},
		{Key: "check.locations", Vars: []string{"answer"}, Makes: reflect.TypeFor[[]string]()},
		{Key: "hook.id", Vars: []string{"body"}, Makes: text},
	},
)

// Connector is a file that was read. It is safe for concurrent use.
type Connector struct {
	Name  string
	sheet *mapping.Sheet
}

// hole is a name in a path.
var hole = regexp.MustCompile(`\{[a-z]*\}`)

// Open reads a connector. What is wrong with it is said at once; the error is of type [mapping.Problems].
func Open(name string, raw []byte, read func(string) ([]byte, error)) (*Connector, error) {
	sheet, err := mapping.CompileSheet(name, raw, read, Parts)
	if err != nil {
		return nil, err
	}
	c := &Connector{Name: sheet.Plain("connector"), sheet: sheet}
	var bad mapping.Problems
	problem := func(place, format string, args ...any) {
		bad = append(bad, mapping.Problem{File: name, Place: place, Text: fmt.Sprintf(format, args...)})
	}
	for key, names := range map[string]string{
		"read.path": "{id}", "changed.path": "", "ship.path": "{id}{key}", "shipped.path": "{id}{key}", "answer.path": "{id}{key}",
		"levels.path": "{location}", "set.path": "{location}{key}", "check.path": "",
	} {
		path := sheet.Plain(key)
		needed := key != "answer.path" && key != "levels.path" && key != "set.path" && key != "check.path"
		switch {
		case path == "" && needed:
			problem(key, "is missing")
		case path != "" && (!strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# ")):
			problem(key, "%q: a path begins with / and bears no query", path)
		}
		for _, h := range hole.FindAllString(path, -1) {
			if !strings.Contains(names, h) {
				problem(key, "%s stands for nothing here", h)
			}
		}
	}
	if kind := c.Auth(); !slices.Contains([]string{AuthNone, AuthBearer, AuthHeader, AuthBasic, AuthOAuth2}, kind) {
		problem("auth.kind", "%q is none of none, bearer, header, basic, oauth2", kind)
	} else if (kind == AuthHeader) != (sheet.Plain("auth.header") != "") || (kind == AuthOAuth2) != (sheet.Plain("auth.token") != "") {
		problem("auth", "header is needed with kind header, token (a path or an address) with kind oauth2, and neither with others")
	}
	for _, key := range []string{"auth.sign", "hook.signature"} {
		if how := sheet.Plain(key); how != "" && how != SignStandard {
			problem(key, "%q: there is %s", how, SignStandard)
		}
	}
	for _, m := range []string{"ship.method", "set.method", "answer.method"} {
		if how := sheet.Plain(m); how != "" && how != "POST" && how != "PUT" && how != "PATCH" {
			problem(m, "%q is none of POST, PUT, PATCH", how)
		}
	}
	for _, pair := range [][]string{{"error.code", "error.message"}, {"levels.path", "levels.list"}, {"levels.path", "set.path"}, {"set.path", "set.body"}, {"hook.signature", "hook.id"}} {
		if sheet.Has(pair[0]) != sheet.Has(pair[1]) {
			problem(pair[0], "%s and %s stand together or not at all", pair[0], pair[1])
		}
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b mapping.Problem) int { return strings.Compare(a.Place, b.Place) })
		return nil, bad
	}
	return c, nil
}

// Auth is how we prove who we are.
func (c *Connector) Auth() string {
	if k := c.sheet.Plain("auth.kind"); k != "" {
		return k
	}
	return AuthBearer
}

// Plain is a key that stands for itself.
func (c *Connector) Plain(key string) string { return c.sheet.Plain(key) }

// Has reports whether the connector has a key.
func (c *Connector) Has(key string) bool { return c.sheet.Has(key) }

// prefix stands before ids of works, which are of the shop's orders.
const prefix = "orders/"

// WorkID is our name of a shop's order.
func WorkID(id string) string { return prefix + url.PathEscape(id) }

// OrderID is the shop's id of a work.
func OrderID(work string) (string, error) {
	escaped, ok := strings.CutPrefix(work, prefix)
	id, err := url.PathUnescape(escaped)
	if !ok || err != nil || id == "" || url.PathEscape(id) != escaped {
		return "", fault.At("restshop.OrderID", fault.Invalid, "id", fmt.Errorf("%.64q is no order of this shop: want orders/ID", work))
	}
	return id, nil
}

// Path is a path with its holes filled in.
func (c *Connector) Path(key string, values map[string]any) string {
	return hole.ReplaceAllStringFunc(c.sheet.Plain(key), func(h string) string {
		v, _ := values[strings.Trim(h, "{}")].(string)
		return url.PathEscape(v)
	})
}

// Query is what stands behind a path's question mark.
func (c *Connector) Query(key string, values map[string]any) (url.Values, error) {
	raw, err := c.sheet.Make(key, values)
	if raw == nil || err != nil {
		return nil, err
	}
	var of map[string]any
	if err := json.Unmarshal(raw, &of); err != nil {
		return nil, fault.At("restshop.Query", fault.Invalid, key, errors.New("it is no object"))
	}
	out := url.Values{}
	for name, v := range of {
		list, many := v.([]any)
		if !many {
			list = []any{v}
		}
		for _, one := range list {
			out.Add(name, fmt.Sprint(one))
		}
	}
	return out, nil
}

// Body is the JSON of a body; nil is none.
func (c *Connector) Body(key string, values map[string]any) (json.RawMessage, error) {
	return c.sheet.Make(key, values)
}

// Text is a part that is text.
func (c *Connector) Text(key string, values map[string]any) (string, error) {
	raw, err := c.sheet.Make(key, values)
	if raw == nil || err != nil {
		return "", err
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fault.At("restshop.Text", fault.Invalid, key, err)
	}
	return s, nil
}

// AnswerText is a text that is made of an answer and values.
func (c *Connector) AnswerText(key string, answer []byte, values map[string]any) (string, error) {
	v, err := mapping.Value(answer)
	if err != nil {
		return "", err
	}
	all := map[string]any{"answer": v}
	for name, x := range values {
		all[name] = x
	}
	return c.Text(key, all)
}

// Texts is a part that is a list of text, made of an answer.
func (c *Connector) Texts(key string, answer []byte) (out []string, err error) {
	v, err := mapping.Value(answer)
	if err != nil {
		return nil, err
	}
	raw, err := c.sheet.Make(key, map[string]any{"answer": v})
	if raw == nil || err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out)
}

// ReadError finds the shop's own words in a refusal.
func (c *Connector) ReadError(body []byte) (code, message string) {
	code, err := c.AnswerText("error.code", body, nil)
	if err != nil {
		return "", ""
	}
	message, err = c.AnswerText("error.message", body, nil)
	if err != nil {
		return "", ""
	}
	return code, message
}

// Values are what is known of a shipment, under the names that expressions have for it.
func Values(s shop.Shipment, id string) map[string]any {
	lines := func(of []shop.LineQty) []any {
		out := make([]any, len(of))
		for i, l := range of {
			_, ref, _ := strings.Cut(l.Ref, "/")
			if plain, err := url.PathUnescape(ref); err == nil {
				ref = plain
			}
			out[i] = map[string]any{"ref": ref, "qty": l.Qty}
		}
		return out
	}
	parcels := []any{}
	for _, p := range s.Parcels {
		if p.Tracking != "" {
			parcels = append(parcels, map[string]any{"carrier": p.Carrier, "tracking": p.Tracking})
		}
	}
	return map[string]any{"id": id, "key": s.Key, "lines": lines(s.Lines), "left": lines(s.Left), "after": lines(s.After), "parcels": parcels, "notify": s.Notify}
}
