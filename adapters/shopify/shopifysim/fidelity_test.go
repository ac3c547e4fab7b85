package shopifysim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/paklog/hub/adapters/shopify/shopifysim"
)

// least is how many percent of the recorded answers of an operation ours must be like. They may only
// rise.
var least = map[string]int{
	"bulkOperationRunQuery":                    95,
	"fulfillmentCancel":                        100,
	"fulfillmentCreate":                        100,
	"fulfillmentOrder":                         91,
	"fulfillmentOrderMerge":                    100,
	"fulfillmentOrderHold":                     100,
	"fulfillmentOrderRejectFulfillmentRequest": 100,
	"fulfillmentOrderReleaseHold":              100,
	"fulfillmentOrderSplit":                    100,
	"fulfillmentOrderSubmitFulfillmentRequest": 100,
	"fulfillmentTrackingInfoUpdate":            100,
	"inventorySetQuantities":                   100,
	"order":                                    93,
	"orderCancel":                              95,
}

// Recordings of Shopify (by the author of another simulator, Apache-2.0) are played to ours: each
// scenario in its order, with our ids in place of the recorded ones. Answers are compared by their
// shape, by what is null, by codes, states and words, numbers in them masked. Left out are what that
// author made himself or read at other times ("upstreamCalls"), returns, refunds and edits, and what
// names things that no call of the scenario made; -v prints all pairs.
func TestFidelityToRecordedAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../../shared/data/contracts/shopify/conformance/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the recordings are not here: ../shared/data/contracts/shopify/conformance")
	}
	total, alike := map[string]int{}, map[string]int{}
	for _, file := range files {
		if strings.Contains(file, "local-runtime__") || notSimulated.MatchString(file) {
			continue
		}
		p := newPlayer(t, file)
		if !p.concerns() {
			continue
		}
		p.play(p.doc)
		for _, s := range p.steps {
			total[s.op]++
			if s.differs == "" {
				alike[s.op]++
			}
			if testing.Verbose() {
				t.Logf("%s %s %s: %s", filepath.Base(file)[strings.Index(filepath.Base(file), "__")+11:], s.at, s.op, s.differs)
			}
		}
	}
	all, good := 0, 0
	for _, op := range slices.Sorted(maps.Keys(total)) {
		want, judged := least[op]
		percent := 100 * alike[op] / total[op]
		t.Logf("%3d %% of %3d %s%s", percent, total[op], op, map[bool]string{false: " (not judged)"}[judged])
		if !judged {
			continue
		}
		all, good = all+total[op], good+alike[op]
		if percent < want {
			t.Errorf("%s: %d %% of the recorded answers, want %d", op, percent, want)
		}
	}
	for op := range least {
		if total[op] == 0 {
			t.Errorf("%s was played nowhere", op)
		}
	}
	if all > 0 && 100*good/all < 90 {
		t.Errorf("%d %% of %d pairs in all, want 90", 100*good/all, all)
	}
	t.Logf("%d of %d pairs of what is judged", good, all)
}

// notSimulated are scenarios of what the simulator does not know: returns, refunds, editing orders.
var notSimulated = regexp.MustCompile(`__(return|refund|order-edit|order-return|orderCancel-restock)`)

// member is a member of an object in the order of the file.
type member struct {
	name  string
	value any // []member, []any, string, json.Number, bool, nil
}

func ordered(d *json.Decoder) any {
	tok, err := d.Token()
	if err != nil {
		return nil
	}
	switch tok {
	case json.Delim('{'):
		out := []member{}
		for d.More() {
			name, _ := d.Token()
			out = append(out, member{name.(string), ordered(d)})
		}
		_, _ = d.Token()
		return out
	case json.Delim('['):
		out := []any{}
		for d.More() {
			out = append(out, ordered(d))
		}
		_, _ = d.Token()
		return out
	}
	return tok
}

func get(o []member, name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// step is a pair that was played.
type step struct{ at, op, differs string }

type player struct {
	t      *testing.T
	sim    *shopifysim.Sim
	url    string
	token  string
	client *http.Client
	doc    any
	ids    map[string]string
	steps  []step
	path   []string
}

func newPlayer(t *testing.T, file string) *player {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	sim := shopifysim.New(shopifysim.Options{Bucket: 1_000_000_000})
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	p := &player{t: t, sim: sim, url: srv.URL, client: srv.Client(), doc: ordered(d), ids: map[string]string{}}
	res, err := p.client.PostForm(p.url+"/admin/oauth/access_token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {shopifysim.ClientID}, "client_secret": {shopifysim.ClientSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var g struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil {
		t.Fatal(err)
	}
	p.token = g.Token
	return p
}

// operation is the call's first field.
func operation(query string) string {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil || len(doc.Operations) == 0 {
		return "syntax"
	}
	for _, sel := range doc.Operations[0].SelectionSet {
		if f, ok := sel.(*ast.Field); ok {
			return f.Name
		}
	}
	return "none"
}

// concerns reports whether anything in a scenario is judged.
func (p *player) concerns() bool {
	found := false
	each(p.doc, func(o []member) {
		if q, ok := get(o, "query").(string); ok {
			_, judged := least[operation(q)]
			found = found || judged
		}
	})
	return found
}

func each(v any, f func([]member)) {
	switch v := v.(type) {
	case []member:
		f(v)
		for _, m := range v {
			if m.name != "upstreamCalls" {
				each(m.value, f)
			}
		}
	case []any:
		for _, one := range v {
			each(one, f)
		}
	}
}

// play plays what stands in v, in its order: set-up before what it is for.
func (p *player) play(v any) {
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			p.path = append(p.path, fmt.Sprint(i))
			p.play(one)
			p.path = p.path[:len(p.path)-1]
		}
	case []member:
		played := false
		for _, m := range v {
			switch m.name {
			case "upstreamCalls", "query", "variables", "request":
				continue
			case "response", "result", "status":
				if !played {
					played = p.step(v)
				}
				if played {
					continue
				}
			}
			p.path = append(p.path, m.name)
			p.play(m.value)
			p.path = p.path[:len(p.path)-1]
		}
	}
}

// step plays one pair, and reports whether o is one.
func (p *player) step(o []member) bool {
	ask := o
	if r, ok := get(o, "request").([]member); ok {
		ask = r
	}
	query, ok := get(ask, "query").(string)
	judged := ok
	want, isAnswer := get(o, "response").([]member)
	if !isAnswer {
		want, isAnswer = get(o, "result").([]member)
	}
	if inner, wrapped := get(want, "payload").([]member); wrapped {
		want = inner
	}
	if !ok { // a shipment whose text was not recorded: it is made, for what follows, and not judged
		data, _ := get(want, "data").([]member)
		_, ok = get(data, "fulfillmentCreate").([]member)
		query = untold
	}
	if !ok || !isAnswer || get(want, "data") == nil && get(want, "errors") == nil {
		return false
	}
	if operation(query) == "inventorySetQuantities" {
		p.seed(get(ask, "variables"))
	}
	known := maps.Clone(p.ids)
	vars := plain(get(ask, "variables"), p.ours)
	body, err := json.Marshal(map[string]any{"query": p.ours(query), "variables": vars})
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/admin/api/2026-04/graphql.json", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Shopify-Access-Token", p.token)
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	d := json.NewDecoder(res.Body)
	d.UseNumber()
	got, _ := ordered(d).([]member)
	s := step{strings.Join(p.path, "/"), operation(query), ""}
	switch {
	case get(want, "errors") != nil && get(got, "errors") == nil:
		s.differs = "errors: none, want some"
	case get(want, "errors") == nil && get(got, "errors") != nil:
		b, _ := json.Marshal(plain(get(got, "errors"), func(s string) string { return s }))
		s.differs = "errors: " + string(b)
	default:
		for _, part := range []string{"errors", "data"} {
			if x := p.compare(part, get(want, part), get(got, part)); s.differs == "" {
				s.differs = x
			}
		}
	}
	if !p.settled(want, ask, known) {
		s.op = "without set-up"
	}
	if judged {
		p.steps = append(p.steps, s)
	}
	return true
}

const untold = `mutation($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) { fulfillment { id status } userErrors { field message } }
}`

// settled reports whether the scenario made all that a call names and its answer speaks of: what was in
// the shop before, nobody recorded.
func (p *player) settled(answer, ask []member, known map[string]string) bool {
	spoken := map[string]bool{}
	plain(answer, func(s string) string { spoken[s] = true; return s })
	made := true
	plain(get(ask, "variables"), func(s string) string {
		if gid.FindString(s) == s && s != "" && spoken[s] && known[s] == "" {
			made = false
		}
		return s
	})
	return made
}

// seed makes the items known that a call sets: their making was recorded without the calls.
func (p *player) seed(vars any) {
	each(vars, func(o []member) {
		id, ok := get(o, "inventoryItemId").(string)
		place, _ := get(o, "locationId").(string)
		if !ok || p.ids[id] != "" {
			return
		}
		from, _ := get(o, "changeFromQuantity").(json.Number)
		n, _ := from.Int64()
		p.ids[id], p.ids[place] = p.sim.Stock("seed "+id, int(n)), p.sim.Location()
	})
}

// ours has the recorded ids in a text replaced by ours.
func (p *player) ours(s string) string {
	if !strings.Contains(s, "gid://") {
		return s
	}
	return gid.ReplaceAllStringFunc(s, func(id string) string {
		if o, ok := p.ids[id]; ok {
			return o
		}
		return id
	})
}

var (
	gid    = regexp.MustCompile(`gid://shopify/\w+/[\w-]+(?:\?[\w=&]+)?`)
	digits = regexp.MustCompile(`\d+`)
)

func plain(v any, f func(string) string) any {
	switch v := v.(type) {
	case []member:
		out := map[string]any{}
		for _, m := range v {
			out[m.name] = plain(m.value, f)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = plain(one, f)
		}
		return out
	case string:
		return f(v)
	}
	return v
}

// ofTheShop are lists of all that was in that shop, which is nobody's set-up.
var ofTheShop = regexp.MustCompile(`^data\.(fulfillmentOrders|manualHoldsFulfillmentOrders|assignedFulfillmentOrders|orders)\.(nodes|pageInfo)$`)

// exact are members whose text is compared, with its numbers masked.
var exact = []string{"code", "status", "requestStatus", "message", "field", "action", "displayStatus", "reason", "name", "displayReason", "cancelReason", "handle", "__typename"}

// compare learns ids and says in what two answers differ, "" for nothing.
func (p *player) compare(at string, want, got any) string {
	if ofTheShop.MatchString(at) {
		return ""
	}
	switch w := want.(type) {
	case []member:
		g, ok := got.([]member)
		if !ok {
			return at + ": no object"
		}
		first := ""
		for _, m := range w {
			if m.name == "locations" || m.name == "extensions" && strings.HasPrefix(at, "errors") && get(g, "extensions") == nil {
				continue
			}
			if !slices.ContainsFunc(g, func(x member) bool { return x.name == m.name }) {
				return at + "." + m.name + ": missing"
			}
			if x := p.compare(at+"."+m.name, m.value, get(g, m.name)); first == "" {
				first = x
			}
		}
		return first
	case []any:
		g, ok := got.([]any)
		if !ok {
			return at + ": no list"
		}
		first := ""
		if len(w) != len(g) && at != "errors" {
			first = fmt.Sprintf("%s: %d, want %d", at, len(g), len(w))
		}
		for i := range min(len(w), len(g)) {
			if x := p.compare(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); first == "" {
				first = x
			}
		}
		return first
	case string:
		g, ok := got.(string)
		if !ok {
			return at + ": no text"
		}
		if gid.FindString(w) == w {
			p.ids[w] = g
			return ""
		}
		member := regexp.MustCompile(`(\w+)(?:\[\d+\])?$`).FindStringSubmatch(at)
		if member != nil && slices.Contains(exact, member[1]) && !strings.Contains(at, "ocation.name") && digits.ReplaceAllString(w, "0") != digits.ReplaceAllString(g, "0") {
			return fmt.Sprintf("%s: %.90q, want %.90q", at, g, w)
		}
		return ""
	case json.Number:
		g, ok := got.(json.Number)
		if !ok {
			return at + ": no number"
		}
		if strings.HasSuffix(at, "uantity") && w != g {
			return fmt.Sprintf("%s: %s, want %s", at, g, w)
		}
		return ""
	case bool:
		if g, ok := got.(bool); !ok || g != w {
			return fmt.Sprintf("%s: %v, want %t", at, got, w)
		}
		return ""
	}
	if got != nil {
		return fmt.Sprintf("%s: want null", at)
	}
	return ""
}
