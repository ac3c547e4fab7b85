// Package fedex moves parcels' documents to FedEx and back: OAuth client
// credentials, Rates and Transit Times v1, Ship v1 with cancel, Track v1. What
// they say is the business of transforms/fedex.
package fedex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/fedex"
)

// Where FedEx listens: Production takes real money, Sandbox does not.
const (
	Production = "https://apis.fedex.com"
	Sandbox    = "https://apis-sandbox.fedex.com"
)

// Config describes one account at FedEx.
type Config struct {
	// Connection names it in labels, rates, errors and captures. Required.
	Connection string
	// BaseURL is scheme and host without a path; "" is [Production].
	BaseURL string
	// ClientID and ClientSecret are the project's API key and secret. The secret
	// is asked for at each grant, so that it may rotate. Required.
	ClientID     string
	ClientSecret func() (string, error)
	// Account is the nine-digit account that pays. Required.
	Account string
	// List asks for the published prices beside the account's own.
	List bool
	// TokenDir keeps the token over a restart, readable by us alone; "" keeps it
	// in memory. FedEx shuts out for ten minutes who asks for tokens too often.
	TokenDir string
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// TokenRetry is the first wait before a token is asked for again, doubling; 0 is 300 ms.
	TokenRetry time.Duration
	// NotFound are the codes by which tracking says that it knows no parcel under
	// a reference. Any other is for a person to judge, since a mistake here buys a
	// second label. nil is [DefaultNotFound].
	NotFound []string
	// Transport carries the calls; nil is Go's default.
	Transport *http.Transport
	// Now is the process's clock. Required.
	Now func() time.Time
	// Capture is given each attempt, redacted; nil keeps none.
	Capture func(Attempt)
}

// Attempt is one request and its answer, fit to be kept.
type Attempt = partnerhttp.Attempt

// DefaultNotFound is what others have seen FedEx say. The contract lists no codes:
// compare it with a live account before relying on it. A code that is missing
// here leaves Unknown outcomes to a person, which is slow but safe.
var DefaultNotFound = []string{"TRACKING.REFERENCENUMBER.NOTFOUND"}

// personal are the members of FedEx's documents that hold personal data, and
// those that are too long to keep.
var personal = []string{
	"personName", "companyName", "phoneNumber", "emailAddress", "streetLines", "city", "postalCode",
	"receivedByName", "signedByName", "encodedLabel",
}

// budget is what FedEx takes from a project.
var budget = partnerhttp.Budget{Calls: 1400, Per: 10 * time.Second}

// Client is one FedEx connection. It implements [ship.Carrier] and [ship.Tracker].
type Client struct {
	cfg  Config
	acct fedex.Account
	http *partnerhttp.Client
}

// New returns a client for cfg, or everything that is wrong with cfg.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = Production
	}
	if cfg.NotFound == nil {
		cfg.NotFound = DefaultNotFound
	}
	base := strings.TrimSuffix(cfg.BaseURL, "/")
	oauth := partnerhttp.OAuth{
		Connection: cfg.Connection, TokenURL: base + "/oauth/token",
		ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, InForm: true, Blocked: 10 * time.Minute,
		Transport: cfg.Transport, Now: cfg.Now, ReadError: fedex.ReadError, RetryDelay: cfg.TokenRetry,
	}
	if cfg.TokenDir != "" {
		oauth.Store = partnerhttp.FileTokens(cfg.TokenDir)
	}
	return &Client{
		cfg: cfg, acct: fedex.Account{Number: cfg.Account, List: cfg.List},
		http: partnerhttp.New(partnerhttp.Config{
			Connection: cfg.Connection, BaseURL: base, Budget: budget,
			Tokens: partnerhttp.NewTokens(oauth), Transport: cfg.Transport, Timeout: cfg.Timeout,
			Now: cfg.Now, ReadError: fedex.ReadError, Capture: cfg.Capture, RedactKeys: personal,
		}),
	}, nil
}

func (c Config) validate() error {
	errs := partnerhttp.OAuth{Connection: c.Connection, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Now: c.Now}.Missing(c.BaseURL, Production, "FedEx gives them with a project at developer.fedex.com")
	if len(c.Account) != 9 || strings.Trim(c.Account, "0123456789") != "" {
		errs = append(errs, fmt.Errorf("account: is %q, want the nine digits of a FedEx account", c.Account))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.E("fedex.New", fault.Invalid, err)
	}
	return nil
}

// Close ends the connection; no call may be under way or follow.
func (c *Client) Close() { c.http.Close() }

// call makes one attempt. id is found again in FedEx's answer and by its support;
// FedEx does not deduplicate by it.
func (c *Client) call(ctx context.Context, op, method, path, id string, body any, once bool) ([]byte, error) {
	h := http.Header{"X-Locale": {"en_US"}}
	if id != "" {
		h.Set("X-Customer-Transaction-Id", id)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{Op: op, Method: method, Path: path, Header: h, Body: body, Once: once})
	return ans.Body, err
}

// Rate implements [ship.Carrier].
func (c *Client) Rate(ctx context.Context, p ship.Parcel) ([]ship.Rate, error) {
	const op = "fedex.Rate"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	req, err := fedex.FromRate(p, c.acct)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	body, err := c.call(ctx, op, http.MethodPost, "/rate/v1/rates/quotes", p.Reference, req, false)
	if err != nil {
		return nil, err
	}
	rates, err := fedex.ToRates(body, c.cfg.Connection)
	return rates, fault.Wrap(op, err)
}

// Buy implements [ship.Carrier]. An answer of success that cannot be read is
// Unknown: the label was bought, and FedEx does not give it a second time.
func (c *Client) Buy(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	const op = "fedex.Buy"
	if err := p.Validate(); err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	req, err := fedex.FromParcel(p, c.acct)
	if err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	body, err := c.call(ctx, op, http.MethodPost, "/ship/v1/shipments", p.Reference, req, true)
	if err != nil {
		return ship.Label{}, err
	}
	l, err := fedex.ToLabel(body, p, c.cfg.Connection)
	if err != nil {
		return ship.Label{}, fault.At(op, fault.Unknown, fault.PlaceOf(err), err)
	}
	return l, nil
}

// Void implements [ship.Carrier]. FedEx documents no code for a shipment that was
// cancelled before: where it refuses, tracking says whether the label is void.
func (c *Client) Void(ctx context.Context, l ship.Label) error {
	const op = "fedex.Void"
	if err := l.SoldBy(c.cfg.Connection); err != nil {
		return fault.Wrap(op, err)
	}
	err := c.cancel(ctx, op, l)
	if fault.KindOf(err) != fault.Rejected || err == nil {
		return err
	}
	switch t, asked := c.Track(ctx, l.ShipmentID); {
	case asked == nil && t.Stage == ship.StageVoided:
		return nil
	case asked != nil && fault.KindOf(asked) != fault.Rejected:
		// Nobody knows yet whether the refusal means anything.
		return fault.E(op, fault.Transient, errors.Join(err, asked))
	}
	return err
}

func (c *Client) cancel(ctx context.Context, op string, l ship.Label) error {
	body, err := c.call(ctx, op, http.MethodPut, "/ship/v1/shipments/cancel", l.Reference, fedex.FromLabel(l, c.acct), false)
	if err != nil {
		return err
	}
	void, words, err := fedex.ToCancelled(body)
	if err != nil {
		// Cancelling again is harmless and tells whether it is void.
		return fault.At(op, fault.Transient, fault.PlaceOf(err), err)
	}
	if !void {
		return fault.E(op, fault.Rejected, fmt.Errorf("FedEx did not cancel the shipment: %s", words))
	}
	return nil
}

// Resolve implements [ship.Carrier] by tracking under our reference. The labels
// that it finds have no bytes.
func (c *Client) Resolve(ctx context.Context, p ship.Parcel) ([]ship.Label, error) {
	const op = "fedex.Resolve"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	req := fedex.FromReference(p, c.acct, c.cfg.Now())
	body, err := c.call(ctx, op, http.MethodPost, "/track/v1/referencenumbers", p.Reference, req, false)
	if err != nil {
		return nil, err
	}
	labels, err := fedex.ToLabels(body, p, c.cfg.Connection, c.cfg.NotFound)
	return labels, fault.Wrap(op, err)
}

// Track implements [ship.Tracker].
func (c *Client) Track(ctx context.Context, trackingNumber string) (ship.Tracking, error) {
	const op = "fedex.Track"
	if trackingNumber == "" {
		return ship.Tracking{}, fault.At(op, fault.Invalid, "tracking_number", errors.New("tracking_number: is empty"))
	}
	body, err := c.call(ctx, op, http.MethodPost, "/track/v1/trackingnumbers", "", fedex.FromTracking(trackingNumber), false)
	if err != nil {
		return ship.Tracking{}, err
	}
	t, err := fedex.ToTracking(body, trackingNumber)
	if errors.Is(err, fedex.ErrNotTracked) {
		return ship.Tracking{}, fault.E(op, fault.Rejected, err)
	}
	return t, fault.Wrap(op, err)
}
