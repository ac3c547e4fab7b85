// Package shopify moves documents to a shop at Shopify and back: client-credentials tokens and
// the Admin GraphQL API in a pinned version, paid from a bucket of points; and it is the door of the
// shop's webhooks. What the documents say is the business of transforms/shopify.
package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/shopify"
)

// Config describes one app at one shop.
type Config struct {
	// Connection names it in errors and captures. Required.
	Connection string
	// Shop is the shop's own domain, as in "example.myshopify.com". Required.
	Shop string
	// BaseURL is scheme and host where the shop's API listens; "" is https:// and Shop.
	BaseURL string
	// ClientID and ClientSecret are the app's. The secret is asked for at each grant, so that it may
	// rotate. Required.
	ClientID     string
	ClientSecret func() (string, error)
	// TokenDir keeps the token over a restart, readable by us alone; "" keeps it in memory.
	TokenDir string
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// TokenRetry is the first wait before a token is asked for again, doubling; 0 is 300 ms.
	TokenRetry time.Duration
	// Transport carries the calls; nil is Go's default.
	Transport *http.Transport
	// Now is the process's clock. Required.
	Now func() time.Time
	// Capture is given each attempt, redacted; nil keeps none.
	Capture func(Attempt)
	// Warn is told what a person should look at; nil tells nobody.
	Warn func(string)
}

// Attempt is one request and its answer, fit to be kept.
type Attempt = partnerhttp.Attempt

// accessHeader carries the token.
const accessHeader = "X-Shopify-Access-Token"

// personal are the members of Shopify's documents that hold personal data.
var personal = []string{
	"firstName", "lastName", "company", "address1", "address2", "city", "zip", "phone", "email", "note", "name", "orderName",
}

// Client is one connection to a shop. It implements [shop.Shop].
type Client struct {
	cfg    Config
	http   *partnerhttp.Client
	points partnerhttp.Points
	// As the last answer said: the version that was spoken, and how far the shop's clock was ahead.
	version atomic.Pointer[string]
	skew    atomic.Int64
}

// New returns a client for cfg, or everything that is wrong with cfg.
func New(cfg Config) (*Client, error) {
	oauth := partnerhttp.OAuth{Connection: cfg.Connection, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, Now: cfg.Now}
	errs := oauth.Missing(cfg.BaseURL, "https://example.myshopify.com", "Shopify gives them with an app in its dev dashboard")
	if cfg.Shop == "" || strings.ContainsAny(cfg.Shop, "/: ") {
		errs = append(errs, fmt.Errorf("shop: is %q, want the domain that ends in .myshopify.com", cfg.Shop))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.E("shopify.New", fault.Invalid, err)
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = "https://" + cfg.Shop
	}
	base := strings.TrimSuffix(cfg.BaseURL, "/")
	oauth.TokenURL, oauth.InForm = base+"/admin/oauth/access_token", true
	oauth.Transport, oauth.ReadError, oauth.RetryDelay = cfg.Transport, shopify.ReadError, cfg.TokenRetry
	if cfg.TokenDir != "" {
		oauth.Store = partnerhttp.FileTokens(cfg.TokenDir)
	}
	return &Client{cfg: cfg, http: partnerhttp.New(partnerhttp.Config{
		Connection: cfg.Connection, BaseURL: base + "/admin/api/" + shopify.Version,
		Tokens: partnerhttp.NewTokens(oauth), TokenHeader: accessHeader, Transport: cfg.Transport, Timeout: cfg.Timeout,
		Now: cfg.Now, ReadError: shopify.ReadError, Capture: cfg.Capture, RedactKeys: personal,
	})}, nil
}

// LocationID is Shopify's id of a place by its number.
func LocationID(number string) string { return shopify.GID("Location", number) }

// Close ends the connection; no call may be under way or follow.
func (c *Client) Close() { c.http.Close() }

// query is one document with what it costs at most, in Shopify's points: more is asked for than is
// spent, so that Shopify need not refuse.
type query struct {
	document string
	cost     int64
	once     bool // changes the shop's world in a way that must not be repeated blindly
}

type variables map[string]any

// run makes one attempt and returns the answer's data.
func (c *Client) run(ctx context.Context, op string, q query, vars variables) (json.RawMessage, error) {
	if wait := c.points.Spend(q.cost, c.cfg.Now()); wait > 0 {
		return nil, &fault.Error{Op: op, Kind: fault.Throttled, After: wait, Err: fmt.Errorf("waiting for %d points of the bucket, nothing was sent", q.cost)}
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/graphql.json", Once: q.once,
		Body: map[string]any{"query": q.document, "variables": vars},
	})
	if err != nil {
		return nil, closed(op, err)
	}
	c.watch(ans.Header)
	a, err := shopify.ReadAnswer(ans.Body)
	if err != nil {
		return nil, c.doubtful(op, q, err)
	}
	if t := a.Throttle; t != nil {
		c.points.Learn(int64(t.Available), int64(t.Maximum), int64(t.Restore), c.cfg.Now())
	}
	switch {
	case len(a.Errors) == 0:
		return a.Data, nil
	case a.Errors.Has("THROTTLED"): // with status 200
		return nil, c.http.Throttle(op, refill(a.Throttle), a.Errors)
	case a.Did():
		return nil, c.doubtful(op, q, fault.E(op, fault.Unavailable, a.Errors))
	case a.Errors.Has("ACCESS_DENIED"):
		return nil, fault.E(op, fault.Unavailable, fmt.Errorf("the app may not do this, give it the scope and install it anew: %w", a.Errors))
	case a.Errors.Has("INTERNAL_SERVER_ERROR"):
		return nil, c.doubtful(op, q, fault.E(op, fault.Transient, a.Errors))
	}
	return nil, fault.E(op, fault.Rejected, a.Errors)
}

// doubtful is an answer that leaves open what was done.
func (c *Client) doubtful(op string, q query, err error) error {
	if q.once {
		return fault.E(op, fault.Unknown, err)
	}
	return fault.Wrap(op, err)
}

// refill is how long the bucket takes to hold what was asked for.
func refill(t *shopify.Throttle) time.Duration {
	if t == nil || t.Restore <= 0 || float64(t.Requested) <= t.Available {
		return time.Second
	}
	return time.Duration((float64(t.Requested) - t.Available) / t.Restore * float64(time.Second))
}

// closed lets a refusal of the shop as a whole stop the connection and not the message: it is
// frozen, locked, or not there.
func closed(op string, err error) error {
	r, ok := errors.AsType[*partnerhttp.Refusal](err)
	if ok && (r.Status == http.StatusPaymentRequired || r.Status == http.StatusNotFound || r.Status == http.StatusLocked) {
		return fault.E(op, fault.Unavailable, r)
	}
	return err
}

// watch tells when Shopify answers in another version than it was asked in: it does once a version has
// ended.
func (c *Client) watch(h http.Header) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		c.skew.Store(int64(at.Sub(c.cfg.Now())))
	}
	version := h.Get("X-Shopify-API-Version")
	if version != "" {
		c.version.Store(&version)
	}
	if c.cfg.Warn != nil && version != "" && version != shopify.Version {
		c.cfg.Warn(fmt.Sprintf("Shopify answers in version %s of its API, PakLog speaks %s: upgrade PakLog", version, shopify.Version))
	}
}

// What calls cost at most.
var (
	readOrder   = query{document: shopify.ReadOrder, cost: 200}
	readWork    = query{document: shopify.ReadWork, cost: 40}
	readLines   = query{document: shopify.ReadLines, cost: 60}
	readChanged = query{document: shopify.ReadChanged, cost: 200}
	readShipped = query{document: shopify.ReadShipped, cost: 60}
	createShip  = query{document: shopify.CreateFulfillment, cost: 20, once: true}
)

// Read implements [shop.Shop] for orders and fulfilment orders.
func (c *Client) Read(ctx context.Context, id string) ([]shop.Work, error) {
	const op = "shopify.Read"
	q, read := readWork, shopify.ToWork
	switch {
	case strings.HasPrefix(id, shopify.GID("Order", "")):
		q, read = readOrder, shopify.ToOrderWork
	case !strings.HasPrefix(id, shopify.GID("FulfillmentOrder", "")):
		return nil, fault.At(op, fault.Invalid, "id", fmt.Errorf("%q is neither an order nor a fulfilment order", id))
	}
	data, err := c.run(ctx, op, q, variables{"id": id})
	if err != nil {
		return nil, err
	}
	list, err := read(data)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return c.whole(ctx, op, list)
}

// Changed implements [shop.Shop].
func (c *Client) Changed(ctx context.Context, since time.Time, after string) (shop.Page, error) {
	const op = "shopify.Changed"
	vars := variables{"query": shopify.Since(since)}
	if after != "" {
		vars["after"] = after
	}
	data, err := c.run(ctx, op, readChanged, vars)
	if err != nil {
		return shop.Page{}, err
	}
	list, next, err := shopify.ToChanged(data)
	if err == nil && next != "" && next == after {
		err = fault.E(op, fault.Transient, fmt.Errorf("page %q follows itself", next))
	}
	if err != nil {
		return shop.Page{}, fault.Wrap(op, err)
	}
	work, err := c.whole(ctx, op, list)
	return shop.Page{Work: work, Next: next}, err
}

// whole reads the lines that did not come along.
func (c *Client) whole(ctx context.Context, op string, list []shopify.Fulfilment) ([]shop.Work, error) {
	out := make([]shop.Work, 0, len(list))
	for i := range list {
		f := &list[i]
		for f.More() != "" {
			data, err := c.run(ctx, op, readLines, variables{"id": f.ID, "after": f.More()})
			if err == nil {
				err = fault.Wrap(op, f.AddLines(data))
			}
			if err != nil {
				return nil, err
			}
		}
		out = append(out, f.Work())
	}
	return out, nil
}

// Ship implements [shop.Shop] by a fulfilment. An answer of success that cannot be read is Unknown.
func (c *Client) Ship(ctx context.Context, s shop.Shipment) (string, error) {
	const op = "shopify.Ship"
	in, err := shopify.FromShipment(s)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	data, err := c.run(ctx, op, createShip, variables{"fulfillment": in})
	if err != nil {
		return "", err
	}
	id, err := shopify.ToShipped(data)
	if fault.KindOf(err) == fault.Invalid && err != nil {
		return "", fault.E(op, fault.Unknown, err)
	}
	return id, fault.Wrap(op, err)
}

// Shipped implements [shop.Shop] by the fulfilments of the fulfilment order.
func (c *Client) Shipped(ctx context.Context, s shop.Shipment) (string, bool, error) {
	const op = "shopify.Shipped"
	if _, err := shopify.FromShipment(s); err != nil {
		return "", false, fault.Wrap(op, err)
	}
	data, err := c.run(ctx, op, readShipped, variables{"id": s.Work})
	if err != nil {
		return "", false, err
	}
	id, found, err := shopify.FoundShipped(data, s)
	return id, found, fault.Wrap(op, err)
}

var _ shop.Shop = (*Client)(nil)
