// Package sap speaks with SAP S/4HANA over its OData V2 services: outbound deliveries are read, picked
// and goods-issued, inbound deliveries are read and received, and adjustments are posted as material
// documents.
package sap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

// side is one of the two services of deliveries: of what leaves, and of what comes.
type side struct {
	http           *partnerhttp.Client
	name, what     string // of the service, and of its deliveries in findings
	heads          string // the path of its deliveries
	place          string // what says in a list where a delivery is from or goes to
	all, one, post string // its functions: what was wanted is there, some of an item is, and the posting
	undo           string // the function that takes the posting back
	movement       string // the posting, in words
}

// QUIRK(SAP): some systems give a CSRF token on a service's root with a slash at its end alone.
const (
	outbound = "/API_OUTBOUND_DELIVERY_SRV;v=0002"
	inbound  = "/API_INBOUND_DELIVERY_SRV;v=0002"
)

// Config of a connection.
type Config struct {
	// Connection names it in errors and captures. Required.
	Connection string
	// BaseURL is where the system's OData V2 services are: https://s4.example:44300/sap/opu/odata/sap.
	// Required.
	BaseURL string
	// User is the communication user of SAP_COM_0106, or one of like rights. Required.
	User string
	// Password is asked for at each request, so that it may rotate. Required.
	Password func() (string, error)
	// Client is the client that the user is in, three digits; "" is the system's own.
	Client string
	// Receives says that inbound deliveries are received: Check looks at their service, too.
	Receives bool
	// Stocks are where in SAP the stock of each of our buildings is, and Movements what movement each kind
	// of adjustment is there ([erp.Gain] and so on). What is not named cannot be told.
	Stocks    map[string]sap.Stock
	Movements map[string]sap.MovementType
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// Transport carries the calls; nil is Go's default.
	Transport *http.Transport
	// Now is the process's clock. Required.
	Now func() time.Time
	// Capture is given each attempt, redacted; nil keeps none.
	Capture func(partnerhttp.Attempt)
}

// Client is a connection. It is safe for concurrent use.
type Client struct {
	cfg  Config
	out  side                // outbound deliveries
	in   side                // inbound deliveries
	docs *partnerhttp.Client // material documents
	skew atomic.Int64        // how far the system's clock was ahead

	refusals refusals
}

// New makes a connection, and opens none. What cannot work is said whole.
func New(cfg Config) (*Client, error) {
	var errs []error
	if cfg.Connection == "" {
		errs = append(errs, errors.New("connection: is empty"))
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("url: is %q, want for instance https://s4.example:44300/sap/opu/odata/sap", cfg.BaseURL))
	}
	if cfg.User == "" || cfg.Password == nil {
		errs = append(errs, errors.New("user, password: are needed; the communication arrangement names the user"))
	}
	if cfg.Client != "" && (len(cfg.Client) != 3 || strings.Trim(cfg.Client, "0123456789") != "") {
		errs = append(errs, fmt.Errorf("client: %q is none: want three digits", cfg.Client))
	}
	for _, building := range slices.Sorted(maps.Keys(cfg.Stocks)) {
		if err := cfg.Stocks[building].Validate(); err != nil {
			errs = append(errs, fmt.Errorf("stocks.%s: %w", building, err))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(cfg.Movements)) {
		if err := cfg.Movements[kind].Validate(kind); err != nil {
			errs = append(errs, fmt.Errorf("movements.%s: %w", kind, err))
		}
	}
	if cfg.Now == nil {
		errs = append(errs, errors.New("now: no clock was given"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.E("sap.New", fault.Invalid, err)
	}
	open := func(service string) *partnerhttp.Client {
		return partnerhttp.New(partnerhttp.Config{
			Connection: cfg.Connection, BaseURL: strings.TrimSuffix(cfg.BaseURL, "/") + service, CSRF: "/", Transport: cfg.Transport, Timeout: cfg.Timeout,
			Sign: func(r *http.Request) error {
				password, err := cfg.Password()
				if err != nil {
					return err
				}
				r.SetBasicAuth(cfg.User, password)
				if cfg.Client != "" {
					r.Header.Set("sap-client", cfg.Client)
				}
				// What locks a document is known by its words.
				r.Header.Set("Accept-Language", "en")
				return nil
			},
			Now: cfg.Now, ReadError: sap.ReadError, Capture: cfg.Capture,
		})
	}
	return &Client{
		cfg: cfg, docs: open(documents),
		out: side{open(outbound), "API_OUTBOUND_DELIVERY_SRV", "deliveries", "/A_OutbDeliveryHeader", "ShippingPoint", "PickAllItems", "PickOneItemWithBaseQuantity", "PostGoodsIssue", "ReverseGoodsIssue", "goods issue"},
		in:  side{open(inbound), "API_INBOUND_DELIVERY_SRV", "inbound deliveries", "/A_InbDeliveryHeader", "ReceivingPlant", "PutawayAllItems", "PutawayOneItemWithBaseQuantity", "PostGoodsReceipt", "ReverseGoodsReceipt", "goods receipt"},
	}, nil
}

// Close drops the kept connections. No call may be under way or follow.
func (c *Client) Close() {
	c.out.http.Close()
	c.in.http.Close()
	c.docs.Close()
}

// get reads of a service; none is true where SAP says that there is no such thing.
func (c *Client) get(ctx context.Context, service *partnerhttp.Client, op, path string, q url.Values) (data []byte, none bool, err error) {
	ans, err := c.do(ctx, service, partnerhttp.Call{Op: op, Method: http.MethodGet, Path: path, Query: q})
	if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && r.Status == http.StatusNotFound && r.Code != "" {
		// The gateway's own words are of a service that is not there, not of a delivery.
		if strings.HasPrefix(r.Code, "/IWFND/") {
			return nil, false, fault.E(op, fault.Unavailable, r)
		}
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

func (s side) path(number string) string {
	return s.heads + "(" + url.PathEscape(sap.Quoted(number)) + ")"
}

func (c *Client) header(ctx context.Context, s side, op, number string) (h sap.Header, none bool, err error) {
	data, none, err := c.get(ctx, s.http, op, s.path(number), nil)
	if none || err != nil {
		return h, none, err
	}
	if h, err = sap.ToHeader(data); err == nil && h.Number != number {
		err = fault.E(op, fault.Transient, fmt.Errorf("asked for delivery %s, was told of %s", number, h.Number))
	}
	return h, false, fault.Wrap(op, err)
}

// delivery reads the head and then the items: a change in between makes the head's ETag stale.
func (c *Client) delivery(ctx context.Context, s side, op, number string) (h sap.Header, none bool, err error) {
	if number, err = sap.Number(number); err != nil {
		return h, false, fault.Wrap(op, err)
	}
	if h, none, err = c.header(ctx, s, op, number); none || err != nil {
		return h, none, err
	}
	seen := map[string]bool{}
	for q := (url.Values)(nil); ; {
		data, none, err := c.get(ctx, s.http, op, s.path(number)+"/to_DeliveryDocumentItem", q)
		if err != nil {
			return h, false, err
		}
		if none {
			return h, true, nil // deleted meanwhile
		}
		items, next, err := sap.ToItems(data)
		if err != nil {
			return h, false, fault.Wrap(op, err)
		}
		for _, i := range items {
			if seen[i.No] {
				return h, false, fault.E(op, fault.Transient, fmt.Errorf("item %s of delivery %s comes twice", i.No, number))
			}
			seen[i.No] = true
		}
		h.Items = append(h.Items, items...)
		if q = next; q == nil {
			return h, false, nil
		}
	}
}

// Delivery implements [erp.ERP].
func (c *Client) Delivery(ctx context.Context, number string) (erp.Delivery, bool, error) {
	h, none, err := c.delivery(ctx, c.out, "sap.Delivery", number)
	return h.Delivery, !none && err == nil, err
}

// call is a function import that changes a delivery as etag has it.
func (c *Client) call(ctx context.Context, s side, op, function, etag string, q url.Values, once bool) (partnerhttp.Answer, error) {
	ans, err := c.do(ctx, s.http, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/" + function, Query: q, Header: http.Header{"If-Match": {etag}}, Once: once,
	})
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	switch {
	case !refused || fault.KindOf(err) != fault.Rejected:
	case r.Status == http.StatusPreconditionFailed: // somebody changed it since it was read
		return ans, fault.E(op, fault.Transient, r)
	case r.Status == http.StatusLocked, strings.Contains(r.Message, "currently being processed"), strings.Contains(r.Message, "is locked"):
		return ans, fault.E(op, fault.Transient, r)
	}
	return ans, err
}

// Issue implements [erp.ERP].
func (c *Client) Issue(ctx context.Context, g erp.GoodsIssue) (erp.Posted, error) {
	return c.move(ctx, c.out, "sap.Issue", g.Delivery, func(d erp.Delivery) ([]sap.Pick, error) { return sap.Picks(d, g) })
}

// move has a delivery say what of it was picked or came, and posts its goods movement.
func (c *Client) move(ctx context.Context, s side, op, number string, fit func(erp.Delivery) ([]sap.Pick, error)) (erp.Posted, error) {
	h, none, err := c.delivery(ctx, s, op, number)
	if err != nil {
		return erp.Posted{}, unread(op, err)
	}
	if none {
		return erp.Posted{}, fault.At(op, fault.Rejected, "delivery", fmt.Errorf("SAP has no delivery %s", number))
	}
	picks, err := fit(h.Delivery)
	if err != nil {
		return erp.Posted{}, fault.Wrap(op, err)
	}
	if h.Movement != erp.NotMoved {
		return s.posted(op, h, picks, fault.Rejected)
	}
	if h, err = c.pick(ctx, s, op, h, picks); err != nil {
		return erp.Posted{}, unread(op, err)
	}
	ans, err := c.call(ctx, s, op, s.post, h.ETag, sap.Of(h.Number), true)
	if err != nil {
		return erp.Posted{}, err
	}
	// SAP answers with success and messages; what counts is how the delivery stands.
	now, none, err := c.header(ctx, s, op, h.Number)
	if none || err != nil {
		return erp.Posted{}, fault.E(op, fault.Unknown, fmt.Errorf("the %s was taken: %w", s.movement, gone(op, h.Number, err)))
	}
	if now.Movement == erp.Moved {
		return erp.Posted{Delivery: now.Number, Day: now.Day}, nil
	}
	if problem, err := sap.Report(ans.Body); err == nil && problem != "" && now.Movement == erp.NotMoved {
		return erp.Posted{}, fault.At(op, fault.Rejected, "delivery", fmt.Errorf("SAP did not post the %s of %s: %s", s.movement, h.Number, problem))
	}
	return erp.Posted{}, fault.E(op, fault.Unknown, fmt.Errorf("the %s of %s was taken and does not stand yet", s.movement, h.Number))
}

// pick sets what was picked or came where it is not said so already, and reads the delivery as it stands then.
func (c *Client) pick(ctx context.Context, s side, op string, h sap.Header, picks []sap.Pick) (sap.Header, error) {
	stands, whole := true, true
	for _, p := range picks {
		stands = stands && p.Stands()
		whole = whole && p.Item.Qty == p.Qty
	}
	if stands {
		return h, nil
	}
	number, etag := h.Number, h.ETag
	set := func(function string, q url.Values) error {
		ans, err := c.call(ctx, s, op, function, etag, q, false)
		if err != nil {
			return err
		}
		problem, err := sap.Report(ans.Body)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if problem != "" {
			return fault.At(op, fault.Rejected, "delivery", fmt.Errorf("SAP did not take the quantities of %s: %s", number, problem))
		}
		return nil
	}
	if whole {
		if err := set(s.all, sap.Of(number)); err != nil {
			return h, err
		}
	} else {
		for _, p := range picks {
			if p.Stands() {
				continue
			}
			if err := set(s.one, sap.Picking(number, p)); err != nil {
				return h, err
			}
			now, none, err := c.header(ctx, s, op, number) // each change makes another ETag
			if none || err != nil {
				return h, gone(op, number, err)
			}
			etag = now.ETag
		}
	}
	now, none, err := c.delivery(ctx, s, op, number)
	if none || err != nil {
		return h, gone(op, number, err)
	}
	want := map[string]int64{}
	for _, p := range picks {
		want[p.Item.No] = p.Qty
	}
	for _, i := range now.Items {
		if n, ours := want[i.No]; !ours || i.Qty != n || !i.Picked {
			return h, fault.E(op, fault.Transient, fmt.Errorf("item %s of delivery %s is not as it was said: somebody changes it too", i.No, number))
		}
	}
	return now, nil
}

// unread is an error on the way to the posting: an answer that cannot be understood now may be later.
func unread(op string, err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return fault.E(op, fault.Transient, err)
	}
	return err
}

// gone is the error of a delivery that cannot be read again.
func gone(op, number string, err error) error {
	if err == nil {
		err = fault.E(op, fault.Transient, fmt.Errorf("delivery %s was there, and is not now", number))
	}
	return err
}

// posted is a goods movement that stands already: of just this, or an error of a kind.
func (s side) posted(op string, h sap.Header, picks []sap.Pick, other fault.Kind) (erp.Posted, error) {
	if h.Movement != erp.Moved {
		return erp.Posted{}, fault.At(op, other, "delivery", fmt.Errorf("the %s of %s is posted in part", s.movement, h.Number))
	}
	for _, p := range picks {
		if p.Item.Qty != p.Qty {
			return erp.Posted{}, fault.At(op, other, "item "+p.Item.No, fmt.Errorf("the %s of %s is posted already, with %d of %s, and here there are %d", s.movement, h.Number, p.Item.Qty, p.Item.Material, p.Qty))
		}
	}
	return erp.Posted{Delivery: h.Number, Day: h.Day}, nil
}

// Issued implements [erp.ERP].
func (c *Client) Issued(ctx context.Context, g erp.GoodsIssue) (erp.Posted, bool, error) {
	return c.moved(ctx, c.out, "sap.Issued", g.Delivery, func(d erp.Delivery) ([]sap.Pick, error) { return sap.Picks(d, g) })
}

// moved answers whether a goods movement stands.
func (c *Client) moved(ctx context.Context, s side, op, number string, fit func(erp.Delivery) ([]sap.Pick, error)) (erp.Posted, bool, error) {
	h, none, err := c.delivery(ctx, s, op, number)
	switch {
	case err != nil:
		return erp.Posted{}, false, unread(op, err)
	case none:
		return erp.Posted{}, false, fault.E(op, fault.Unknown, fmt.Errorf("delivery %s is not there any more", number))
	case h.Movement == erp.NotMoved:
		return erp.Posted{}, false, nil
	}
	picks, err := fit(h.Delivery)
	if err != nil {
		return erp.Posted{}, false, fault.E(op, fault.Unknown, err)
	}
	p, err := s.posted(op, h, picks, fault.Unknown)
	return p, err == nil, err
}

var _ erp.ERP = (*Client)(nil)
