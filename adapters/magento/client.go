// Package magento speaks with a Magento 2.4 (Adobe Commerce) shop over REST V1: orders are found by
// polling, for Magento Open Source sends no webhooks; shipments are told by order/{id}/ship; stock is
// set as source items.
package magento

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/magento"
)

// Secrets are what an integration is given (System > Integrations). With all four each request is signed;
// with the access token alone it is sent as a bearer, which shops do not take unless
// oauth/consumer/enable_integration_as_bearer is set.
type Secrets struct {
	ConsumerKey string
	AccessToken string
	// The secrets are asked for at each request, so that they may rotate.
	ConsumerSecret, TokenSecret func() (string, error)
}

func (s Secrets) signs() bool { return s.ConsumerKey != "" }

// Config of a connection.
type Config struct {
	// Connection names it in errors and captures. Required.
	Connection string
	// BaseURL is where the shop's REST API is, with the store's code: https://shop.example/rest/default.
	// "all" for the code sees every store. Required.
	BaseURL string
	Secrets Secrets
	// Source is the inventory source that our building is; "" is default.
	Source string
	// Ships are the states of orders that are to be shipped; none is processing.
	Ships []string
	// Bulk is how many source items one call sets at most; more go through the shop's queue. 0 is 20,
	// to which a shop may limit its calls.
	Bulk int
	// PerSecond bounds our calls; 0 is 20. A shop itself has no limit but its host's.
	PerSecond int
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// Transport carries the calls; nil is Go's default.
	Transport *http.Transport
	// Now is the process's clock. Required.
	Now func() time.Time
	// Capture is given each attempt, redacted; nil keeps none.
	Capture func(partnerhttp.Attempt)
}

// personal are the members of requests and answers that captures hide.
var personal = []string{
	"firstname", "lastname", "company", "street", "city", "postcode", "telephone", "email", "customer_email", "customer_note",
	"customer_firstname", "customer_lastname", "remote_ip",
}

// Client is a connection. It is safe for concurrent use.
type Client struct {
	cfg    Config
	http   *partnerhttp.Client
	reader magento.Reader
	skew   atomic.Int64 // how far the shop's clock was ahead

	mu      sync.Mutex
	bundles map[int64]bool    // products that ship in one piece, or not
	bulks   map[string]string // what the shop was asked to do later, by our key
}

// New makes a connection, and opens none. What cannot work is said whole.
func New(cfg Config) (*Client, error) {
	var errs []error
	if cfg.Connection == "" {
		errs = append(errs, errors.New("connection: is empty"))
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Path, "/rest/") {
		errs = append(errs, fmt.Errorf("url: is %q, want for instance https://shop.example/rest/default", cfg.BaseURL))
	}
	if s := cfg.Secrets; s.AccessToken == "" || s.signs() && (s.ConsumerSecret == nil || s.TokenSecret == nil) {
		errs = append(errs, errors.New("access_token: is needed, and beside a consumer_key both secrets; Magento shows them with the integration"))
	}
	if cfg.Now == nil {
		errs = append(errs, errors.New("now: no clock was given"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.E("magento.New", fault.Invalid, err)
	}
	cfg.Source, cfg.Bulk, cfg.PerSecond = cmp.Or(cfg.Source, "default"), cmp.Or(cfg.Bulk, 20), cmp.Or(cfg.PerSecond, 20)
	sign := func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+cfg.Secrets.AccessToken)
		return nil
	}
	if cfg.Secrets.signs() {
		sign = partnerhttp.OAuth1{
			ConsumerKey: cfg.Secrets.ConsumerKey, Token: cfg.Secrets.AccessToken, Now: cfg.Now,
			ConsumerSecret: cfg.Secrets.ConsumerSecret, TokenSecret: cfg.Secrets.TokenSecret,
		}.Sign
	}
	return &Client{
		cfg: cfg, reader: magento.Reader{Source: cfg.Source, Ships: cfg.Ships}, bundles: map[int64]bool{}, bulks: map[string]string{},
		http: partnerhttp.New(partnerhttp.Config{
			Connection: cfg.Connection, BaseURL: strings.TrimSuffix(cfg.BaseURL, "/"), Sign: sign, Transport: cfg.Transport, Timeout: cfg.Timeout,
			Budget: partnerhttp.Budget{Calls: cfg.PerSecond, Per: time.Second},
			Now:    cfg.Now, ReadError: magento.ReadError, Capture: cfg.Capture, RedactKeys: personal,
		}),
	}, nil
}

// Close drops the kept connections. No call may be under way or follow.
func (c *Client) Close() { c.http.Close() }

// get reads; none is true where the shop says that there is no such thing.
func (c *Client) get(ctx context.Context, op, path string, q url.Values) (data []byte, none bool, err error) {
	ans, err := c.http.Do(ctx, partnerhttp.Call{Op: op, Method: http.MethodGet, Path: path, Query: q})
	if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && r.Status == http.StatusNotFound && r.Code != "" {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if at, err := http.ParseTime(ans.Header.Get("Date")); err == nil {
		c.skew.Store(int64(at.Sub(c.cfg.Now())))
	}
	if len(ans.Body) == 0 {
		return nil, false, fault.E(op, fault.Transient, errors.New("the answer is empty"))
	}
	return ans.Body, false, nil
}

func (c *Client) order(ctx context.Context, op string, entity int64) (o magento.Order, none bool, err error) {
	data, none, err := c.get(ctx, op, "/V1/orders/"+strconv.FormatInt(entity, 10), nil)
	if none || err != nil {
		return o, none, err
	}
	if o, err = magento.ToOrder(data); err != nil {
		return o, false, fault.Wrap(op, err)
	}
	list := []magento.Order{o}
	err = c.whole(ctx, op, list)
	return list[0], false, err
}

// whole asks how the bundles of orders ship, where that is not known yet.
func (c *Client) whole(ctx context.Context, op string, list []magento.Order) error {
	var ask []string
	c.mu.Lock()
	seen := map[int64]bool{}
	for _, o := range list {
		for _, id := range o.Bundles() {
			if _, known := c.bundles[id]; !known && !seen[id] {
				ask, seen[id] = append(ask, strconv.FormatInt(id, 10)), true
			}
		}
	}
	c.mu.Unlock()
	if len(ask) > 0 {
		data, _, err := c.get(ctx, op, "/V1/products", magento.Search(1, len(ask), nil, magento.Filter{Field: "entity_id", Is: "in", Value: strings.Join(ask, ",")}))
		if err != nil {
			return err
		}
		together, err := magento.ToTogether(data)
		if err != nil {
			return fault.Wrap(op, err)
		}
		c.mu.Lock()
		for id, one := range together {
			c.bundles[id] = one
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[int64]bool{}
	for id, one := range c.bundles {
		known[id] = one
	}
	for i := range list {
		list[i].Together(known)
	}
	return nil
}

// Read implements [shop.Shop]. An order is one work.
func (c *Client) Read(ctx context.Context, id string) ([]shop.Work, error) {
	const op = "magento.Read"
	entity, err := magento.Entity(id)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	o, none, err := c.order(ctx, op, entity)
	if none || err != nil {
		return nil, err
	}
	w, err := c.reader.Work(o)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []shop.Work{w}, nil
}

// pageSize is how many orders one look takes.
const pageSize = 50

// place is where a walk through what changed stands: behind order ID of this second. QUIRK(Magento): an
// order that changes during the walk moves to its end and all behind it a place forward, so that a page by
// its number would leave one out: each page begins behind what was seen last.
type place struct {
	From string `json:"from"`
	ID   int64  `json:"id"`
}

// Changed implements [shop.Shop].
func (c *Client) Changed(ctx context.Context, since time.Time, after string) (shop.Page, error) {
	const op = "magento.Changed"
	at, first := place{From: magento.Stamp(since)}, "gteq"
	if after != "" {
		if err := json.Unmarshal([]byte(after), &at); err != nil || at.ID < 1 {
			return shop.Page{}, fault.At(op, fault.Invalid, "after", fmt.Errorf("%.64q is none of ours", after))
		}
		first = "gt"
	}
	var out shop.Page
	if at.ID > 0 { // what else changed in the second that the page before ended with
		more, err := c.changed(ctx, op, &out, &at, []string{"entity_id"},
			magento.Filter{Field: "updated_at", Is: "eq", Value: at.From}, magento.Filter{Field: "entity_id", Is: "gt", Value: strconv.FormatInt(at.ID, 10)})
		if err != nil || more {
			return out, err
		}
	}
	_, err := c.changed(ctx, op, &out, &at, []string{"updated_at", "entity_id"}, magento.Filter{Field: "updated_at", Is: first, Value: at.From})
	return out, err
}

// Count implements [shop.Counter].
func (c *Client) Count(ctx context.Context, since time.Time) (int, error) {
	const op = "magento.Count"
	data, none, err := c.get(ctx, op, "/V1/orders", magento.Search(1, 1, nil, magento.Filter{Field: "updated_at", Is: "gteq", Value: magento.Stamp(since)}))
	if none || err != nil {
		return 0, err
	}
	_, total, err := magento.ToOrders(data)
	return total, fault.Wrap(op, err)
}

// changed adds a page of orders to out, and reports whether there are more.
func (c *Client) changed(ctx context.Context, op string, out *shop.Page, at *place, sort []string, filters ...magento.Filter) (more bool, err error) {
	data, none, err := c.get(ctx, op, "/V1/orders", magento.Search(1, pageSize, sort, filters...))
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, errors.New("the shop has no orders API there: see url"))
	}
	if err != nil {
		return false, err
	}
	list, total, err := magento.ToOrders(data)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	if err := c.whole(ctx, op, list); err != nil {
		return false, err
	}
	for _, o := range list {
		*at = place{magento.Stamp(o.Updated), o.ID}
		w, err := c.reader.Work(o)
		if err != nil {
			out.Unread = append(out.Unread, shop.Unread{ID: w.ID, Updated: w.Updated}) // it holds up no other
			continue
		}
		out.Work = append(out.Work, w)
	}
	if total <= len(list) || len(list) == 0 {
		return false, nil
	}
	b, err := json.Marshal(at)
	out.Next = string(b)
	return true, fault.Wrap(op, err)
}

// Ship implements [shop.Shop]. It looks at the order first, for the shop is told of the items that it
// ships, which are not always those that are picked.
func (c *Client) Ship(ctx context.Context, s shop.Shipment) (string, error) {
	const op = "magento.Ship"
	entity, err := magento.Entity(s.Work)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if len(s.Lines) == 0 {
		_, _, err := magento.FromShipment(s, magento.Order{}, "")
		return "", fault.Wrap(op, err)
	}
	o, none, err := c.order(ctx, op, entity)
	if err != nil {
		return "", unsent(op, err)
	}
	if none {
		return "", fault.At(op, fault.Rejected, "work", fmt.Errorf("the shop has no %s any more", s.Work))
	}
	req, ok, err := magento.FromShipment(s, o, c.cfg.Source)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if !ok {
		return s.Work, nil // of a bundle not all has left: it is told with the rest
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/V1/order/" + strconv.FormatInt(entity, 10) + "/ship", Body: req, Once: true,
	})
	if err != nil {
		return "", err
	}
	id, err := magento.ToShipped(ans.Body)
	if err != nil {
		return "", fault.E(op, fault.Unknown, err)
	}
	return id, nil
}

// unsent is an error of a reading before anything was told: what cannot be understood now may be later.
func unsent(op string, err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return fault.E(op, fault.Transient, err)
	}
	return err
}

// shipmentsRead is how many shipments of an order are looked through.
const shipmentsRead = 100

// Shipped implements [shop.Shop].
func (c *Client) Shipped(ctx context.Context, s shop.Shipment) (string, bool, error) {
	const op = "magento.Shipped"
	entity, err := magento.Entity(s.Work)
	if err != nil {
		return "", false, fault.Wrap(op, err)
	}
	for _, p := range s.Parcels {
		if p.Tracking == "" {
			continue
		}
		data, _, err := c.get(ctx, op, "/V1/shipments", magento.Search(1, shipmentsRead, nil, magento.Filter{Field: "order_id", Is: "eq", Value: strconv.FormatInt(entity, 10)}))
		if err != nil {
			return "", false, err
		}
		id, found, err := magento.FoundShipped(data, s)
		return id, found, fault.Wrap(op, err)
	}
	o, none, err := c.order(ctx, op, entity)
	if err != nil {
		return "", false, err
	}
	if none {
		return "", false, fault.E(op, fault.Unknown, fmt.Errorf("%s is not there any more", s.Work))
	}
	done, err := o.Counts(s)
	return s.Work, done, fault.Wrap(op, err)
}

var (
	_ shop.Shop    = (*Client)(nil)
	_ shop.Counter = (*Client)(nil)
)
