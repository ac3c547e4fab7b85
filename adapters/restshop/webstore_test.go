package restshop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/restshop"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/core/shop/shoptest"
	connector "github.com/paklog/hub/transforms/restshop"
)

// webstore is a shop of somebody's own: amounts are texts, states numbers, times without a zone, pages by
// number, and no key tells a shipment from its repetition.
type webstore struct {
	*simhttp.Wire
	now  func() time.Time
	auth string // how it knows us: header, basic or oauth2
	mux  *http.ServeMux

	mu     sync.Mutex
	orders []*webOrder
	sent   []webSent
	stock  map[string]int64
}

type webOrder struct {
	no, status int
	changed    time.Time
	rows       []*webRow
}

type webRow struct {
	row           int
	article       string
	ordered, sent int64
}

type webSent struct {
	no, order int
	parcels   []string
}

const webKey = "k-1234"

// webTokens is how long its tokens live.
const webTokens = time.Hour

// knows reports whether a request is ours.
func (s *webstore) knows(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	switch s.auth {
	case "oauth2":
		return s.Authorized(r, s.now())
	case "basic":
		return user == "hub" && password == webKey
	}
	return r.Header.Get("X-Api-Key") == webKey
}

func berlin(at time.Time) string { return at.In(time.FixedZone("", 3600)).Format("20060102150405") } // in winter

func newWebstore(now func() time.Time, auth string) *webstore {
	s := &webstore{now: now, auth: auth, mux: http.NewServeMux(), stock: map[string]int64{"MUG": 7}}
	refuse := func(status int, nr, msg string) simhttp.Answer {
		return simhttp.Answer{Status: status, Body: map[string]any{"err": map[string]any{"nr": nr, "msg": msg}}}
	}
	s.Wire = simhttp.New(simhttp.Options{
		SlowFor: time.Minute, Refuse: func(status int) simhttp.Answer {
			return refuse(status, "E"+strconv.Itoa(status), http.StatusText(status))
		},
		Results: func(member string) bool { return member == "order" || member == "list" || member == "sent" },
	})
	find := func(r *http.Request) *webOrder {
		no, _ := strconv.Atoi(r.PathValue("id")) // 0 is nobody's
		i := slices.IndexFunc(s.orders, func(o *webOrder) bool { return o.no == no })
		if i < 0 {
			return nil
		}
		return s.orders[i]
	}
	for path, do := range map[string]func(*http.Request, []byte) simhttp.Answer{
		"GET /api/order/{id}": func(r *http.Request, _ []byte) simhttp.Answer {
			if o := find(r); o != nil {
				return simhttp.OK(map[string]any{"order": s.show(o)})
			}
			return refuse(http.StatusNotFound, "E01", "unknown order")
		},
		"GET /api/orders": func(r *http.Request, _ []byte) simhttp.Answer {
			page, err := strconv.Atoi(r.URL.Query().Get("page"))
			if err != nil || len(r.URL.Query().Get("changed_from")) != 14 {
				return refuse(http.StatusBadRequest, "E02", "page, changed_from")
			}
			list := []any{}
			for _, o := range s.orders { // in the order in which they changed
				if berlin(o.changed) >= r.URL.Query().Get("changed_from") {
					list = append(list, s.show(o))
				}
			}
			pages := (len(list) + 9) / 10
			return simhttp.OK(map[string]any{"pages": pages, "list": list[min(len(list), 10*(page-1)):min(len(list), 10*page)]})
		},
		"POST /api/order/{id}/sent": func(r *http.Request, body []byte) simhttp.Answer {
			var in struct {
				Rows []struct {
					Row  int    `json:"row"`
					Sent string `json:"sent"`
				} `json:"rows"`
				Parcels []string `json:"parcels"`
				Mail    bool     `json:"mail"`
			}
			o := find(r)
			if err := simhttp.Strict(body, &in); err != nil || o == nil {
				return refuse(http.StatusBadRequest, "E03", fmt.Sprint(err))
			}
			for _, x := range in.Rows {
				n, err := strconv.ParseInt(x.Sent, 10, 64)
				if row := o.rows[x.Row-1]; err != nil || row.sent+n > row.ordered {
					return refuse(http.StatusUnprocessableEntity, "E17", "more than was ordered")
				}
			}
			for _, x := range in.Rows {
				n, _ := strconv.ParseInt(x.Sent, 10, 64) // it was read above
				o.rows[x.Row-1].sent += n
			}
			if !slices.ContainsFunc(o.rows, func(r *webRow) bool { return r.sent < r.ordered }) {
				o.status = 3
			}
			s.sent = append(s.sent, webSent{len(s.sent) + 1, o.no, in.Parcels})
			return simhttp.OK(map[string]any{"sent": len(s.sent)})
		},
		"GET /api/order/{id}/sent": func(r *http.Request, _ []byte) simhttp.Answer {
			o := find(r)
			list := []any{}
			for _, x := range s.sent {
				if x.order == o.no {
					list = append(list, map[string]any{"no": x.no, "parcels": x.parcels})
				}
			}
			return simhttp.OK(map[string]any{"sent": list, "rows": s.show(o)["rows"]})
		},
		"GET /api/stock/main": func(r *http.Request, _ []byte) simhttp.Answer {
			list := []any{}
			for _, sku := range r.URL.Query()["article"] {
				if n, there := s.stock[sku]; there {
					list = append(list, map[string]any{"article": sku, "free": fmt.Sprintf("%d.000", n)})
				}
			}
			return simhttp.OK(map[string]any{"stock": list})
		},
		"PATCH /api/stock/main": func(_ *http.Request, body []byte) simhttp.Answer {
			var in []struct{ Article, From, To string }
			if err := json.Unmarshal(body, &in); err != nil {
				return refuse(http.StatusBadRequest, "E03", err.Error())
			}
			for _, x := range in {
				if strconv.FormatInt(s.stock[x.Article], 10) != x.From {
					return refuse(http.StatusConflict, "E40", "it is another number meanwhile")
				}
				s.stock[x.Article], _ = strconv.ParseInt(x.To, 10, 64) // what a test sends
			}
			return simhttp.OK(map[string]any{})
		},
	} {
		s.mux.HandleFunc(path, s.Handle(simhttp.Op(path), func(r *http.Request, body []byte) simhttp.Answer {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.knows(r) {
				return refuse(http.StatusUnauthorized, "E00", "who are you")
			}
			return do(r, body)
		}))
	}
	s.mux.HandleFunc("POST /oauth/token", s.Handle(simhttp.OpToken, func(r *http.Request, body []byte) simhttp.Answer {
		form, err := url.ParseQuery(string(body))
		user, password, _ := r.BasicAuth()
		if err != nil || form.Get("grant_type") != "client_credentials" || user != "hub" || password != webKey {
			return simhttp.Answer{Status: http.StatusUnauthorized, Body: map[string]any{"error": "invalid_client"}}
		}
		return simhttp.OK(map[string]any{"access_token": s.Grant(s.now().Add(webTokens)), "token_type": "Bearer", "expires_in": int(webTokens / time.Second)})
	}))
	return s
}

func (s *webstore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.mux.ServeHTTP(w, r)
}

func (s *webstore) show(o *webOrder) map[string]any {
	var rows []any
	for _, r := range o.rows {
		rows = append(rows, map[string]any{"row": r.row, "article": r.article, "unit": "STK", "ordered": fmt.Sprintf("%d.000", r.ordered), "sent": fmt.Sprintf("%d.000", r.sent)})
	}
	shown := map[string]any{
		"no": o.no, "status": o.status, "changed": berlin(o.changed), "rows": rows, "ship_by": "DHL", "price": 19.5,
		"to": map[string]any{"first": "Ada", "last": "Martin", "street": []any{"Elmstr. 12", "Hof"}, "town": "Berlin", "zip": 10115, "land": "DE"},
	}
	if o.no == 1 { // the others name none
		shown["to"].(map[string]any)["county"] = "BE"
	}
	return shown
}

func (s *webstore) buy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := len(s.orders) + 1
	s.orders = append(s.orders, &webOrder{no, 2, s.now(), []*webRow{{1, "MUG", 2, 0}, {2, "TRAY", 1, 0}}})
	return connector.WorkID(strconv.Itoa(no))
}

var webOps = map[shoptest.Op]simhttp.Op{shoptest.Read: "GET /api/order/{id}", shoptest.Changed: "GET /api/orders", shoptest.Ship: "POST /api/order/{id}/sent"}

// auths are the ways of proving who we are that the example is changed to.
var auths = map[string]string{"header": "{kind: header, header: X-Api-Key}", "basic": "{kind: basic}", "oauth2": "{kind: oauth2, token: /oauth/token}"}

// example is the connector that is given as an example, with another auth.
func example(t *testing.T, auth string) *connector.Connector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "configs", "connectors", "webstore.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), auths["header"], auths[auth], 1)
	how, err := connector.Open("webstore.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return how
}

func newWebClient(t *testing.T, at, auth string, now func() time.Time, change ...func(*restshop.Config)) *restshop.Client {
	t.Helper()
	return newClient(t, at, now, slices.Concat([]func(*restshop.Config){func(c *restshop.Config) {
		c.Connector, c.AccessToken, c.ClientSecret = example(t, auth), secret(webKey), nil
		if auth != "header" {
			c.AccessToken, c.ClientID, c.ClientSecret = nil, "hub", secret(webKey)
		}
	}}, change)...)
}

func TestAShopThatAFileDescribesIsAShop(t *testing.T) {
	t.Parallel()
	for auth := range auths {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			shoptest.Run(t, shoptest.Features{Tokens: auth == "oauth2"}, func(t *testing.T) shoptest.Rig { return webRig(t, auth) })
		})
	}
}

func webRig(t *testing.T, auth string) shoptest.Rig {
	t.Helper()
	clk := simtest.NewClock()
	sim := newWebstore(clk.Now, auth)
	at := simtest.Serve(t, sim)
	return shoptest.Rig{
		Shop:        newWebClient(t, at, auth, clk.Now),
		Unreachable: newWebClient(t, simtest.Nobody(t), auth, clk.Now),
		Impatient:   newWebClient(t, at, auth, clk.Now, func(c *restshop.Config) { c.Timeout = time.Second }),
		BadSecret: newWebClient(t, at, auth, clk.Now, func(c *restshop.Config) {
			if auth == "header" {
				c.AccessToken = secret("wrong")
			} else {
				c.ClientSecret = secret("wrong")
			}
		}),
		Buy:     func() (string, string) { id := sim.buy(); return id, id },
		Missing: "orders/999999", Now: clk.Now, Advance: clk.Advance, TokenLife: webTokens,
		Trouble: func(op shoptest.Op, x shoptest.Trouble) { sim.Inject(webOps[op], simtest.ShopFaults[x]) },
		Told: func(work string) (n int) {
			sim.mu.Lock()
			defer sim.mu.Unlock()
			for _, x := range sim.sent {
				if connector.WorkID(strconv.Itoa(x.order)) == work {
					n++
				}
			}
			return n
		},
		Arrived: func(op shoptest.Op) int { return sim.Calls(webOps[op]) },
		Grants:  func() int { return sim.Calls(simhttp.OpToken) },
	}
}

// What such a shop says is read exactly, and what it has changed meanwhile is not overwritten.
func TestAFileSaysWhatAShopMeans(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newWebstore(clk.Now, "header")
	c := newWebClient(t, simtest.Serve(t, sim), "header", clk.Now)
	status := func(n int) {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		sim.orders[0].status = n
	}
	stock := func() map[string]int64 {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		return maps.Clone(sim.stock)
	}
	id := sim.buy()
	list, err := c.Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w := list[0]
	if w.Order.Number != "W-1" || w.Order.ShipTo.Name != "Ada Martin" || w.Order.ShipTo.PostalCode != "10115" || w.Order.ShipTo.Region != "BE" || !w.Updated.Equal(clk.Now()) ||
		w.Order.Service.Method != "DHL" || w.Location != "main" || w.Order.Lines[0].UOM != "each" || w.Order.Lines[0].Ref != "1/1" {
		t.Errorf("%+v", w)
	}
	status(1)
	if list, _ = c.Read(t.Context(), id); list[0].State != shop.Held || list[0].Hold != "not paid" {
		t.Errorf("%+v", list[0])
	}
	status(5) // the table has no such row
	if _, err := c.Read(t.Context(), id); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Error(err)
	}
	if p, err := c.Changed(t.Context(), clk.Now(), ""); err != nil || len(p.Unread) != 1 || p.Unread[0].ID != id {
		t.Errorf("%+v, %v", p, err)
	}
	skipped, err := c.SetLevels(t.Context(), "k", []shop.Level{{Item: "MUG", Location: "main", OnHand: 5}, {Item: "ROPE", Location: "main", OnHand: 1}})
	if err != nil || !slices.Equal(skipped, []string{"ROPE"}) || stock()["MUG"] != 5 {
		t.Errorf("%v, %v, %v", skipped, err, stock())
	}
	sim.Inject("GET /api/stock/main", simhttp.None)
	sim.Inject("PATCH /api/stock/main", simhttp.AnswerLost)
	if _, err := c.SetLevels(t.Context(), "k", []shop.Level{{Item: "MUG", Location: "main", OnHand: 4}}); fault.KindOf(err) != fault.Transient || stock()["MUG"] != 4 {
		t.Errorf("%v, %v", err, stock())
	}
	if found := c.Check(t.Context(), shop.Wanted{Locations: []string{"main"}, Stock: true, Poll: time.Minute}); len(found) != 3 {
		t.Errorf("%+v", found)
	}
}
