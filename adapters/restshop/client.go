// Package restshop speaks with shops whose REST API a file describes (package transforms/restshop): those
// of custom platforms that keep our own contract, and those that an integration engineer connects without
// a compiler.
package restshop

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/restshop"
)

// Config of a connection.
type Config struct {
	// Connection names it in errors and captures. Required.
	Connection string
	// BaseURL is what the connector's paths stand behind. Required.
	BaseURL string
	// Connector says how the shop is spoken to. Required.
	Connector *restshop.Connector
	// What proves who we are, as the connector's auth wants it. Secrets are asked for at each request.
	ClientID                  string
	ClientSecret, AccessToken func() (string, error)
	// TokenDir keeps granted tokens over a restart; "" keeps them in memory.
	TokenDir string
	// PerSecond bounds our calls; 0 is 20.
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

// personal are members that captures hide.
var personal = []string{
	"name", "first_name", "last_name", "firstname", "lastname", "company", "lines", "street", "address", "address1", "address2", "city", "postal_code",
	"zip", "postcode", "phone", "telephone", "email", "notes", "note",
}

// Client is a connection. It is safe for concurrent use.
type Client struct {
	cfg  Config
	how  *restshop.Connector
	http *partnerhttp.Client
	skew atomic.Int64 // how far the shop's clock was ahead
}

// Answering is a connection to a shop that wants answers about its work.
type Answering struct{ *Client }

// New makes a connection, and opens none. What cannot work is said whole.
func New(cfg Config) (*Client, error) {
	var errs []error
	if cfg.Connection == "" {
		errs = append(errs, errors.New("connection: is empty"))
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
		errs = append(errs, fmt.Errorf("url: is %q, want for instance https://shop.example/api", cfg.BaseURL))
	}
	if cfg.Now == nil {
		errs = append(errs, errors.New("now: no clock was given"))
	}
	if cfg.Connector == nil {
		errs = append(errs, errors.New("connector: nothing says how the shop is spoken to"))
	} else {
		errs = append(errs, cfg.lacks()...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.E("restshop.New", fault.Invalid, err)
	}
	c := &Client{cfg: cfg, how: cfg.Connector}
	hc := partnerhttp.Config{
		Connection: cfg.Connection, BaseURL: strings.TrimSuffix(cfg.BaseURL, "/"), Transport: cfg.Transport, Timeout: cfg.Timeout,
		Budget: partnerhttp.Budget{Calls: cmp.Or(cfg.PerSecond, 20), Per: time.Second}, Now: cfg.Now, Sign: c.sign, Capture: cfg.Capture, RedactKeys: personal,
	}
	if c.how.Has("error.code") {
		hc.ReadError = c.how.ReadError
	}
	if c.how.Auth() == restshop.AuthOAuth2 {
		oauth := partnerhttp.OAuth{
			Connection: cfg.Connection, TokenURL: c.how.Plain("auth.token"), ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret,
			Transport: cfg.Transport, Now: cfg.Now,
		}
		if strings.HasPrefix(oauth.TokenURL, "/") {
			oauth.TokenURL = hc.BaseURL + oauth.TokenURL
		}
		if cfg.TokenDir != "" {
			oauth.Store = partnerhttp.FileTokens(cfg.TokenDir)
		}
		hc.Tokens = partnerhttp.NewTokens(oauth)
	}
	c.http = partnerhttp.New(hc)
	return c, nil
}

// lacks is what the connector's way of proving who we are is missing.
func (c Config) lacks() (errs []error) {
	switch kind := c.Connector.Auth(); kind {
	case restshop.AuthBearer, restshop.AuthHeader:
		if c.AccessToken == nil {
			errs = append(errs, fmt.Errorf("access_token: the connector's auth %s needs it", kind))
		}
	case restshop.AuthBasic, restshop.AuthOAuth2:
		if c.ClientID == "" || c.ClientSecret == nil {
			errs = append(errs, fmt.Errorf("client_id, client_secret: the connector's auth %s needs them", kind))
		}
	}
	if c.Connector.Plain("auth.sign") != "" {
		if c.ClientSecret == nil {
			return append(errs, errors.New("client_secret: what is changed is signed with it"))
		}
		secret, err := c.ClientSecret()
		if err == nil {
			err = CheckSecret(secret)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("client_secret: %w", err))
		}
	}
	return errs
}

// minSecret is 24 bytes in base64, the least that Standard Webhooks asks for.
const minSecret = 32

// CheckSecret says why a text is no secret of Standard Webhooks, without repeating it.
func CheckSecret(secret string) error {
	if _, err := standardwebhooks.NewWebhook(secret); err != nil || len(strings.TrimPrefix(secret, "whsec_")) < minSecret {
		return errors.New("want whsec_ and at least 24 bytes in base64")
	}
	return nil
}

// sign proves who we are.
func (c *Client) sign(r *http.Request) error {
	switch c.how.Auth() {
	case restshop.AuthBearer, restshop.AuthHeader:
		token, err := c.cfg.AccessToken()
		if err != nil {
			return err
		}
		if name := c.how.Plain("auth.header"); name != "" {
			r.Header.Set(name, token)
		} else {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	case restshop.AuthBasic:
		secret, err := c.cfg.ClientSecret()
		if err != nil {
			return err
		}
		r.SetBasicAuth(c.cfg.ClientID, secret)
	}
	if c.how.Plain("auth.sign") == "" || r.Method == http.MethodGet {
		return nil
	}
	var body []byte
	if r.GetBody != nil {
		rd, err := r.GetBody()
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(rd); err != nil {
			return err
		}
	}
	secret, err := c.cfg.ClientSecret()
	if err != nil {
		return err
	}
	with, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return errors.New("the secret is none of Standard Webhooks")
	}
	at := c.cfg.Now()
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(r.Method), []byte(r.URL.Path), body}, []byte{'\n'}))
	id := cmp.Or(r.Header.Get("Idempotency-Key"), hex.EncodeToString(sum[:16]))
	signature, err := with.Sign(id, at, body)
	if err != nil {
		return err
	}
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// Close drops the kept connections. No call may be under way or follow.
func (c *Client) Close() { c.http.Close() }

// get reads; none is true where the shop says, in its own words, that there is no such thing.
func (c *Client) get(ctx context.Context, op, path, query string, values map[string]any) (data []byte, none bool, err error) {
	q, err := c.how.Query(query, values)
	if err != nil {
		return nil, false, fault.Wrap(op, err)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{Op: op, Method: http.MethodGet, Path: c.how.Path(path, values), Query: q})
	if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && r.Status == http.StatusNotFound && (r.Code != "" || !c.how.Has("error.code")) {
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

// change tells the shop something.
func (c *Client) change(ctx context.Context, op, part string, once bool, values map[string]any, body any) (partnerhttp.Answer, error) {
	head, err := c.how.Query(part+".headers", values)
	if err != nil {
		return partnerhttp.Answer{}, fault.Wrap(op, err)
	}
	return c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: cmp.Or(c.how.Plain(part+".method"), http.MethodPost), Path: c.how.Path(part+".path", values), Header: http.Header(head), Body: body, Once: once,
	})
}

// Read implements [shop.Shop]. An order is one work.
func (c *Client) Read(ctx context.Context, id string) ([]shop.Work, error) {
	const op = "restshop.Read"
	orderID, err := restshop.OrderID(id)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	data, none, err := c.get(ctx, op, "read.path", "", map[string]any{"id": orderID})
	if none || err != nil {
		return nil, err
	}
	w, err := c.how.Work(data)
	if err == nil && w.ID != id {
		err = fault.At(op, fault.Invalid, "id", fmt.Errorf("%s was asked for, and %s came", id, w.ID))
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []shop.Work{w}, nil
}

// Changed implements [shop.Shop].
func (c *Client) Changed(ctx context.Context, since time.Time, after string) (shop.Page, error) {
	const op = "restshop.Changed"
	from := since.UTC().Format(time.RFC3339Nano)
	data, none, err := c.get(ctx, op, "changed.path", "changed.query", map[string]any{"since": from, "after": after})
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, errors.New("the shop has no orders there: see url"))
	}
	if err != nil {
		return shop.Page{}, err
	}
	p, err := c.how.Page(data, from, after)
	return p, fault.Wrap(op, err)
}

// Count implements [shop.Counter]; it is 0 where the connector does not say.
func (c *Client) Count(ctx context.Context, since time.Time) (int, error) {
	const op = "restshop.Count"
	if !c.how.Has("changed.total") {
		return 0, nil
	}
	data, none, err := c.get(ctx, op, "changed.path", "changed.query", map[string]any{"since": since.UTC().Format(time.RFC3339Nano), "after": ""})
	if none || err != nil {
		return 0, err
	}
	n, err := c.how.Total(data)
	return n, fault.Wrap(op, err)
}

// Ship implements [shop.Shop].
func (c *Client) Ship(ctx context.Context, s shop.Shipment) (string, error) {
	const op = "restshop.Ship"
	id, err := restshop.OrderID(s.Work)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if len(s.Lines) == 0 || slices.ContainsFunc(s.Lines, func(l shop.LineQty) bool { return l.Qty < 1 || l.Ref == "" }) {
		return "", fault.At(op, fault.Invalid, "lines", errors.New("nothing left, or less than nothing"))
	}
	values := restshop.Values(s, id)
	body, err := c.how.Body("ship.body", values)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	ans, err := c.change(ctx, op, "ship", true, values, body)
	if err != nil {
		return "", err
	}
	told, err := c.how.AnswerText("ship.id", ans.Body, values)
	if err == nil && told == "" {
		err = errors.New("the shop took it, and does not say under which id")
	}
	if err != nil {
		return "", fault.E(op, fault.Unknown, err)
	}
	return told, nil
}

// Shipped implements [shop.Shop].
func (c *Client) Shipped(ctx context.Context, s shop.Shipment) (string, bool, error) {
	const op = "restshop.Shipped"
	id, err := restshop.OrderID(s.Work)
	if err != nil {
		return "", false, fault.Wrap(op, err)
	}
	values := restshop.Values(s, id)
	data, none, err := c.get(ctx, op, "shipped.path", "shipped.query", values)
	if err == nil && none {
		err = fault.E(op, fault.Unknown, fmt.Errorf("%s is not there any more", s.Work))
	}
	if err != nil {
		return "", false, err
	}
	told, err := c.how.AnswerText("shipped.id", data, values)
	if err != nil {
		return "", false, fault.E(op, fault.Unknown, err)
	}
	return told, told != "", nil
}

// Answer implements [shop.Answerer].
func (c Answering) Answer(ctx context.Context, a shop.Answer) error {
	const op = "restshop.Answer"
	id, err := restshop.OrderID(a.Work)
	if err != nil {
		return fault.Wrap(op, err)
	}
	values := map[string]any{"id": id, "key": a.Key, "do": a.Do, "reason": a.Reason}
	body, err := c.how.Body("answer.body", values)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = c.change(ctx, op, "answer", false, values, body)
	return err
}

// mostLevels is how many items one look asks for where the connector does not say: they travel in the address.
const mostLevels = 50

func (c *Client) levels(ctx context.Context, op, location string, items []string) (map[string]restshop.Level, error) {
	most, err := strconv.Atoi(c.how.Plain("levels.most"))
	if err != nil || most < 1 {
		most = mostLevels
	}
	have := map[string]restshop.Level{}
	for part := range slices.Chunk(items, most) {
		data, none, err := c.get(ctx, op, "levels.path", "levels.query", map[string]any{"location": location, "items": part})
		if err == nil && none {
			err = fault.E(op, fault.Unavailable, fmt.Errorf("the shop has no stock at %s", location))
		}
		if err != nil {
			return nil, err
		}
		list, err := c.how.Levels(data, location)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, l := range list {
			if slices.Contains(part, l.Item) {
				have[l.Item] = l
			}
		}
	}
	return have, nil
}

// Levels implements [shop.Stockist].
func (c *Client) Levels(ctx context.Context, location string, items []string) ([]shop.Level, error) {
	have, err := c.levels(ctx, "restshop.Levels", location, items)
	if err != nil {
		return nil, err
	}
	var out []shop.Level
	for _, sku := range slices.Sorted(maps.Keys(have)) {
		out = append(out, shop.Level{Item: sku, Location: location, OnHand: have[sku].OnHand})
	}
	return out, nil
}

// SetLevels implements [shop.Stockist].
func (c *Client) SetLevels(ctx context.Context, key string, set []shop.Level) (skipped []string, err error) {
	const op = "restshop.SetLevels"
	if !c.how.Has("set.path") {
		return nil, fault.E(op, fault.Rejected, errors.New("the connector sets no stock"))
	}
	by := map[string][]shop.Level{}
	for _, l := range set {
		by[l.Location] = append(by[l.Location], l)
	}
	for _, location := range slices.Sorted(maps.Keys(by)) {
		var items []string
		for _, l := range by[location] {
			items = append(items, l.Item)
		}
		have, err := c.levels(ctx, op, location, items)
		if err != nil {
			return nil, err
		}
		var write []restshop.Set
		for _, l := range by[location] {
			is, there := have[l.Item]
			switch {
			case !there:
				skipped = append(skipped, l.Item)
			case is.OnHand != l.OnHand:
				write = append(write, restshop.Set{Level: restshop.Level{Item: l.Item, OnHand: l.OnHand, Version: is.Version}, Was: is.OnHand})
			}
		}
		if len(write) == 0 {
			continue
		}
		body, err := c.how.SetBody(key, location, write)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		_, err = c.change(ctx, op, "set", false, map[string]any{"location": location, "key": key}, body)
		if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && (r.Status == http.StatusConflict || r.Status == http.StatusPreconditionFailed) {
			return nil, fault.E(op, fault.Transient, r) // changed meanwhile: it is read again
		}
		if err != nil {
			return nil, err
		}
	}
	return skipped, nil
}

var (
	_ shop.Shop     = (*Client)(nil)
	_ shop.Stockist = (*Client)(nil)
	_ shop.Counter  = (*Client)(nil)
	_ shop.Answerer = Answering{}
)
