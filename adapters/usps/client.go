// Package usps moves parcels' documents to USPS and back: OAuth client
// credentials, payment authorization, Shipping Options, Domestic Labels with
// reprint and cancel, Tracking, all version 3. What they say is the business of
// transforms/usps.
package usps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/usps"
)

// Where USPS listens: Production takes real money, Test does not, and keeps no
// label that could be printed again or cancelled.
const (
	Production = "https://apis.usps.com"
	Test       = "https://apis-tem.usps.com"
)

// Config describes one account at USPS.
type Config struct {
	// Connection names it in labels, rates, errors and captures. Required.
	Connection string
	// BaseURL is scheme and host without a path; "" is [Production].
	BaseURL string
	// ClientID and ClientSecret are the consumer key and secret of the app. The
	// secret is asked for at each grant, so that it may rotate. Required.
	ClientID     string
	ClientSecret func() (string, error)
	// Account is who pays and whose tracking numbers are used. Required, but for
	// ManifestMID, where "" is MID.
	Account Account
	// CallsPerHour is how many calls USPS takes of each of its services; 0 is 60,
	// what it grants at first.
	CallsPerHour int
	// TokenDir keeps the tokens over a restart, readable by us alone; "" keeps them in memory.
	TokenDir string
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// TokenRetry is the first wait before a token is asked for again, doubling; 0 is 300 ms.
	TokenRetry time.Duration
	// NotFound are the codes by which a reprint says that no label was bought under
	// a key, Cancelled those by which it says that the label was given back. Any
	// other is for a person to judge, since a mistake here buys a second label. nil
	// is [DefaultNotFound] and [DefaultCancelled].
	NotFound, Cancelled []string
	// Spent are the codes by which it says that a label was printed as often as it
	// may be. USPS documents none and nobody has reported one: nil leaves such a
	// label to a person, else it is given back and another is bought.
	Spent []string
	// Transport carries the calls; nil is Go's default.
	Transport *http.Transport
	// Now is the process's clock. Required.
	Now func() time.Time
	// Capture is given each attempt, redacted; nil keeps none.
	Capture func(Attempt)
}

// Account is whose mail it is and who pays for it.
type Account = usps.Account

// Attempt is one request and its answer, fit to be kept.
type Attempt = partnerhttp.Attempt

// What others have seen USPS say in September 2026, in production. The contract lists no codes.
var (
	DefaultNotFound  = []string{"160412"}
	DefaultCancelled = []string{"160979"}
)

// personal are the members of USPS's documents that hold personal data, and those
// that are too long to keep.
var personal = []string{
	"firstName", "lastName", "firm", "streetAddress", "secondaryAddress", "city", "ZIPCode", "ZIPPlus4", "phone", "email",
	"routingInformation", "labelImage", "paymentAuthorizationToken",
}

const paymentLife = 8 * time.Hour

// Client is one USPS connection. It implements [ship.Carrier] and [ship.Tracker].
type Client struct {
	cfg Config
	// Each service has a budget of its own, and its refusals stop it alone.
	options, labels, tracking *partnerhttp.Client
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
	if cfg.Cancelled == nil {
		cfg.Cancelled = DefaultCancelled
	}
	if cfg.CallsPerHour == 0 {
		cfg.CallsPerHour = 60
	}
	if cfg.Account.ManifestMID == "" {
		cfg.Account.ManifestMID = cfg.Account.MID
	}
	base := strings.TrimSuffix(cfg.BaseURL, "/")
	tokens, payment := cfg.tokens(base)
	service := func() *partnerhttp.Client {
		return partnerhttp.New(partnerhttp.Config{
			Connection: cfg.Connection, BaseURL: base, Budget: partnerhttp.Budget{Calls: cfg.CallsPerHour, Per: time.Hour},
			Tokens: tokens, Payment: payment, PaymentHeader: "X-Payment-Authorization-Token", Transport: cfg.Transport, Timeout: cfg.Timeout,
			Now: cfg.Now, ReadError: usps.ReadError, Capture: cfg.Capture, RedactKeys: personal,
		})
	}
	return &Client{cfg: cfg, options: service(), labels: service(), tracking: service()}, nil
}

// tokens are the two that USPS wants: who asks, and under that one who pays.
func (c Config) tokens(base string) (tokens, payment *partnerhttp.Tokens) {
	oauth := partnerhttp.OAuth{
		Connection: c.Connection, TokenURL: base + "/oauth2/v3/token", ClientID: c.ClientID, ClientSecret: c.ClientSecret,
		Body: func(secret string) any {
			// Scopes are not named: that can only take some away.
			return map[string]string{"grant_type": "client_credentials", "client_id": c.ClientID, "client_secret": secret}
		},
		Transport: c.Transport, Now: c.Now, ReadError: usps.ReadError, RetryDelay: c.TokenRetry,
	}
	if c.TokenDir != "" {
		oauth.Store = partnerhttp.FileTokens(c.TokenDir)
	}
	tokens = partnerhttp.NewTokens(oauth)
	pay := oauth
	pay.Connection, pay.TokenURL, pay.Under = c.Connection+".payment", base+"/payments/v3/payment-authorization", tokens
	pay.ClientID, pay.ClientSecret = "CRID "+c.Account.CRID, nil
	pay.Body = func(string) any { return usps.FromAccount(c.Account) }
	pay.Read = func(body []byte, asked time.Time) (partnerhttp.Token, error) {
		value, err := usps.ToPayment(body)
		return partnerhttp.Token{Value: value, Issued: asked, Expires: asked.Add(paymentLife)}, err
	}
	return tokens, partnerhttp.NewTokens(pay)
}

func (c Config) validate() error {
	errs := partnerhttp.OAuth{Connection: c.Connection, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Now: c.Now}.Missing(c.BaseURL, Production, "USPS gives them with an app at developers.usps.com")
	digits := func(name, v string, lengths ...int) {
		if !slices.Contains(lengths, len(v)) || strings.Trim(v, "0123456789") != "" {
			errs = append(errs, fmt.Errorf("%s: is %q, want %v digits", name, v, lengths))
		}
	}
	digits("mid", c.Account.MID, 6, 9)
	if c.Account.ManifestMID != "" {
		digits("manifest_mid", c.Account.ManifestMID, 6, 9)
	}
	if len(c.Account.CRID) < 2 || len(c.Account.CRID) > 18 {
		errs = append(errs, fmt.Errorf("crid: is %q, want two to eighteen digits", c.Account.CRID))
	}
	if c.Account.Number == "" {
		errs = append(errs, errors.New("account: is empty, want the number of an Enterprise Payment account"))
	}
	if c.CallsPerHour < 0 {
		errs = append(errs, fmt.Errorf("calls_per_hour: is %d", c.CallsPerHour))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.E("usps.New", fault.Invalid, err)
	}
	return nil
}

// Close ends the connection; no call may be under way or follow.
func (c *Client) Close() {
	for _, one := range []*partnerhttp.Client{c.options, c.labels, c.tracking} {
		one.Close()
	}
}

// label makes one attempt at the labels' service. key names the purchase, not the call.
func (c *Client) label(ctx context.Context, op, method, path, key string, body any, once bool) ([]byte, error) {
	// Without this USPS answers in parts, which is read all the same.
	h := http.Header{"Accept": {"application/vnd.usps.labels+json"}}
	if key != "" {
		h.Set("X-Idempotency-Key", key)
	}
	ans, err := c.labels.Do(ctx, partnerhttp.Call{
		Op: op, Method: method, Path: "/labels/v3" + path, Header: h, Body: body, Once: once, Paid: true, Multipart: true,
	})
	return ans.Body, err
}

// Rate implements [ship.Carrier].
func (c *Client) Rate(ctx context.Context, p ship.Parcel) ([]ship.Rate, error) {
	const op = "usps.Rate"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	req, err := usps.FromRate(p, c.cfg.Now().UTC())
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	ans, err := c.options.Do(ctx, partnerhttp.Call{Op: op, Method: http.MethodPost, Path: "/shipments/v3/options/search", Body: req})
	if err != nil {
		return nil, err
	}
	rates, err := usps.ToRates(ans.Body, p, c.cfg.Connection)
	if err == nil && len(rates) == 0 {
		return nil, fault.E(op, fault.Rejected, errors.New("USPS has no price for this parcel in its own carton"))
	}
	return rates, fault.Wrap(op, err)
}

// Buy implements [ship.Carrier]. An answer of success that cannot be read is Unknown:
// the label was bought, and is printed again by its key.
func (c *Client) Buy(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	const op = "usps.Buy"
	if err := p.Validate(); err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	req, err := usps.FromParcel(p, c.cfg.Now().UTC())
	if err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	body, err := c.label(ctx, op, http.MethodPost, "/label", usps.Key(p.Reference), req, true)
	if err != nil {
		return ship.Label{}, err
	}
	l, err := usps.ToLabel(body, p, c.cfg.Connection)
	if err != nil {
		return ship.Label{}, fault.At(op, fault.Unknown, fault.PlaceOf(err), err)
	}
	return l, nil
}

// reprint asks for a label once more: by its number, or where it has none by the
// key of its purchase. USPS does so three times for a label, and until the day
// on which it is mailed.
func (c *Client) reprint(ctx context.Context, op, number, key string, format ship.Format) ([]byte, error) {
	path := "/label-reprint"
	if number != "" {
		path += "/" + url.PathEscape(number)
	}
	return c.label(ctx, op, http.MethodPost, path, key, usps.FromFormat(format), false)
}

// Void implements [ship.Carrier]. USPS documents no code for a label that was
// cancelled before: where it refuses, a reprint says whether the label is void. A
// label that was manifested is not cancelled; USPS then opens a refund request,
// which is Rejected here, for the label stands until that is decided.
func (c *Client) Void(ctx context.Context, l ship.Label) error {
	const op = "usps.Void"
	if err := l.SoldBy(c.cfg.Connection); err != nil {
		return fault.Wrap(op, err)
	}
	number, key := l.ShipmentID, ""
	if usps.IsKey(number) {
		number, key = "", number
	}
	err := c.cancel(ctx, op, number, key)
	if err == nil || fault.KindOf(err) != fault.Rejected || errors.Is(err, usps.ErrDisputed) {
		return err
	}
	_, asked := c.reprint(ctx, op, number, key, l.Format)
	switch {
	case says(asked, c.cfg.Cancelled):
		return nil
	case asked != nil && fault.KindOf(asked) != fault.Rejected:
		// Nobody knows yet whether the refusal means anything.
		return fault.E(op, fault.Transient, errors.Join(err, asked))
	}
	return err
}

func (c *Client) cancel(ctx context.Context, op, number, key string) error {
	path := "/label"
	if number != "" {
		path += "/" + url.PathEscape(number)
	}
	body, err := c.label(ctx, op, http.MethodDelete, path, key, nil, false)
	if err != nil {
		return err
	}
	err = usps.ToCancelled(body)
	switch {
	case errors.Is(err, usps.ErrDisputed):
		return fault.E(op, fault.Rejected, err)
	case err != nil:
		// Cancelling again is harmless and tells whether it is void.
		return fault.At(op, fault.Transient, fault.PlaceOf(err), err)
	}
	return nil
}

// Resolve implements [ship.Carrier] by a reprint under the key of the purchase,
// which gives the label's bytes too. A label that was printed as often as it may be
// comes back without them, named by its key.
func (c *Client) Resolve(ctx context.Context, p ship.Parcel) ([]ship.Label, error) {
	const op = "usps.Resolve"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	key := usps.Key(p.Reference)
	body, err := c.reprint(ctx, op, "", key, p.Format)
	switch {
	case says(err, c.cfg.NotFound), says(err, c.cfg.Cancelled):
		return nil, nil
	case says(err, c.cfg.Spent):
		return []ship.Label{{Connection: c.cfg.Connection, Reference: p.Reference, ShipmentID: key, Service: ship.Service{Code: p.Service}}}, nil
	case err != nil:
		return nil, err
	}
	l, err := usps.ToLabel(body, p, c.cfg.Connection)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []ship.Label{l}, nil
}

// says reports whether err is a refusal with one of codes.
func says(err error, codes []string) bool {
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	return refused && fault.KindOf(err) == fault.Rejected && slices.Contains(codes, r.Code)
}

// Track implements [ship.Tracker].
func (c *Client) Track(ctx context.Context, trackingNumber string) (ship.Tracking, error) {
	const op = "usps.Track"
	if trackingNumber == "" {
		return ship.Tracking{}, fault.At(op, fault.Invalid, "tracking_number", errors.New("tracking_number: is empty"))
	}
	ans, err := c.tracking.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodGet, Path: "/tracking/v3/tracking/" + url.PathEscape(trackingNumber), Query: url.Values{"expand": {"DETAIL"}},
	})
	if err != nil {
		return ship.Tracking{}, err
	}
	t, err := usps.ToTracking(ans.Body, trackingNumber)
	return t, fault.Wrap(op, err)
}
