// Package ups moves parcels' documents to UPS and back: OAuth client
// credentials, Rating v2409, Shipping v2409 with void and label recovery,
// Tracking v1. What they say is the business of transforms/ups.
package ups

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/ups"
)

// Where UPS listens: Production takes real money, Test (CIE) does not.
const (
	Production = "https://onlinetools.ups.com"
	Test       = "https://wwwcie.ups.com"
)

// Config describes one account at UPS.
type Config struct {
	// Connection names it in labels, rates, errors and captures. Required.
	Connection string
	// BaseURL is scheme and host without a path; "" is [Production].
	BaseURL string
	// ClientID and ClientSecret are of the app registered with UPS. The secret is
	// asked for at each grant, so that it may rotate. Required.
	ClientID     string
	ClientSecret func() (string, error)
	// Account is the six-character shipper number that pays. Required.
	Account string
	// Shipper is the account's own address, where parcels leave from another one;
	// zero takes each parcel's From.
	Shipper party.Address
	// Negotiated asks for the account's own prices beside the published ones.
	Negotiated bool
	// TokenDir keeps the token over a restart, readable by us alone; "" keeps it
	// in memory. UPS refuses clients that ask for a token too often.
	TokenDir string
	// Timeout bounds one call; 0 is 30 s.
	Timeout time.Duration
	// TokenRetry is the first wait before a token is asked for again, doubling; 0 is 300 ms.
	TokenRetry time.Duration
	// NotFound are the codes by which label recovery says that it knows no label
	// under a reference. Any other refusal is for a person to judge, since a
	// mistake here buys a second label. nil is [DefaultNotFound].
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

// DefaultNotFound are the codes of a reference that nobody used and of a label that
// is void, as others saw them in production in September 2026: UPS's contract lists
// none. A code that is missing here leaves Unknown outcomes to a person, which is
// slow but safe.
var DefaultNotFound = []string{"9801031", "9801040"}

// alreadyVoid is UPS's code for a shipment that was voided before.
const alreadyVoid = "190117"

// personal are the members of UPS's documents that hold personal data, and those
// that are too long to keep.
var personal = []string{
	"Name", "AttentionName", "AddressLine", "City", "PostalCode", "PoliticalDivision2", "PostcodePrimaryLow", "PostcodeExtendedLow", "Phone", "EMailAddress",
	"addressLine1", "addressLine2", "addressLine3", "receivedBy", "GraphicImage", "HTMLImage",
}

// Client is one UPS connection. It implements [ship.Carrier], [ship.Tracker]
// and [ship.AddressChecker].
type Client struct {
	cfg  Config
	acct ups.Account
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
		Connection: cfg.Connection, TokenURL: base + "/security/v1/oauth/token",
		ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret,
		Header:    http.Header{"X-Merchant-Id": {cfg.Account}},
		Transport: cfg.Transport, Now: cfg.Now, ReadError: ups.ReadError, RetryDelay: cfg.TokenRetry,
	}
	if cfg.TokenDir != "" {
		oauth.Store = partnerhttp.FileTokens(cfg.TokenDir)
	}
	return &Client{
		cfg:  cfg,
		acct: ups.Account{Number: cfg.Account, Shipper: cfg.Shipper, Negotiated: cfg.Negotiated},
		http: partnerhttp.New(partnerhttp.Config{
			Connection: cfg.Connection, BaseURL: base + "/api",
			Tokens: partnerhttp.NewTokens(oauth), Transport: cfg.Transport, Timeout: cfg.Timeout,
			Now: cfg.Now, ReadError: ups.ReadError, Capture: cfg.Capture, RedactKeys: personal,
		}),
	}, nil
}

func (c Config) validate() error {
	errs := partnerhttp.OAuth{Connection: c.Connection, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Now: c.Now}.Missing(c.BaseURL, Production, "UPS gives them with an app at developer.ups.com")
	if len(c.Account) != 6 {
		errs = append(errs, fmt.Errorf("account: is %q, want the six characters of a UPS account", c.Account))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.E("ups.New", fault.Invalid, err)
	}
	return nil
}

// Close ends the connection; no call may be under way or follow.
func (c *Client) Close() { c.http.Close() }

// headers identify the request to UPS's support; UPS does not deduplicate by them.
func headers() http.Header {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return http.Header{"Transid": {hex.EncodeToString(id[:])}, "Transactionsrc": {"paklog"}}
}

// Rate implements [ship.Carrier].
func (c *Client) Rate(ctx context.Context, p ship.Parcel) ([]ship.Rate, error) {
	const op = "ups.Rate"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	req, option, err := ups.FromRate(p, c.acct)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/rating/v2409/" + option, Header: headers(), Body: req,
	})
	if err != nil {
		return nil, err
	}
	rates, err := ups.ToRates(ans.Body, c.cfg.Connection)
	return rates, fault.Wrap(op, err)
}

// Buy implements [ship.Carrier]. An answer of success that cannot be read is
// Unknown: the label was bought, and label recovery may still give it.
func (c *Client) Buy(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	const op = "ups.Buy"
	if err := p.Validate(); err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	req, err := ups.FromParcel(p, c.acct)
	if err != nil {
		return ship.Label{}, fault.Wrap(op, err)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/shipments/v2409/ship", Header: headers(), Body: req, Once: true,
	})
	if err != nil {
		return ship.Label{}, err
	}
	l, err := ups.ToLabel(ans.Body, p, c.cfg.Connection)
	if err != nil {
		return ship.Label{}, fault.At(op, fault.Unknown, fault.PlaceOf(err), err)
	}
	return l, nil
}

// Void implements [ship.Carrier].
func (c *Client) Void(ctx context.Context, l ship.Label) error {
	const op = "ups.Void"
	if err := l.SoldBy(c.cfg.Connection); err != nil {
		return fault.Wrap(op, err)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodDelete, Header: headers(),
		Path: "/shipments/v2409/void/cancel/" + url.PathEscape(l.ShipmentID),
	})
	if r, ok := errors.AsType[*partnerhttp.Refusal](err); ok && r.Code == alreadyVoid {
		return nil
	}
	if err != nil {
		return err
	}
	if err := ups.ToVoided(ans.Body); err != nil {
		// Voiding again is harmless and tells whether it is void.
		return fault.At(op, fault.Transient, fault.PlaceOf(err), err)
	}
	return nil
}

// Resolve implements [ship.Carrier] by label recovery under our reference;
// that nothing was bought must be what tracking says too.
func (c *Client) Resolve(ctx context.Context, p ship.Parcel) ([]ship.Label, error) {
	const op = "ups.Resolve"
	if err := p.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	found, err := c.recover(ctx, p, ups.FromReference(p, c.acct))
	if err == nil && found == nil {
		err = c.nowhere(ctx, p)
	}
	if err != nil || found == nil {
		return nil, fault.Wrap(op, err)
	}
	if found.Label != nil {
		return []ship.Label{*found.Label}, nil
	}
	var labels []ship.Label
	for _, number := range found.Candidates {
		one, err := c.recover(ctx, p, ups.FromTracking(p, number))
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if one != nil && one.Label != nil { // nil: voided since
			labels = append(labels, *one.Label)
		}
	}
	return labels, nil
}

// recover returns nil, nil where UPS says that there is no such label.
func (c *Client) recover(ctx context.Context, p ship.Parcel, req ups.RecoveryRequest) (*ups.Recovered, error) {
	const op = "ups.Recover"
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/labels/v1/recovery", Header: headers(), Body: req,
	})
	if r, ok := errors.AsType[*partnerhttp.Refusal](err); ok && fault.KindOf(err) == fault.Rejected && slices.Contains(c.cfg.NotFound, r.Code) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := ups.ToRecovered(ans.Body, p, c.cfg.Connection)
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// nowhere is nil where tracking, too, knows no standing package under p's
// reference. Label recovery alone is not believed: a label that it cannot print
// again has been bought all the same.
func (c *Client) nowhere(ctx context.Context, p ship.Parcel) error {
	const op = "ups.TrackReference"
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodGet, Path: "/track/v1/reference/details/" + url.PathEscape(p.Reference),
		Query: url.Values{"locale": {"en_US"}, "shipperNum": {c.acct.Number}, "refNumType": {"SmallPackage"}}, Header: headers(),
	})
	if err != nil {
		return err
	}
	numbers, err := ups.ToNumbers(ans.Body)
	if err != nil {
		return err
	}
	if len(numbers) > 0 {
		return fault.E(op, fault.Transient, fmt.Errorf("label recovery does not know the reference, tracking does: %s", strings.Join(numbers, ", ")))
	}
	return nil
}

// Track implements [ship.Tracker].
func (c *Client) Track(ctx context.Context, trackingNumber string) (ship.Tracking, error) {
	const op = "ups.Track"
	if trackingNumber == "" {
		return ship.Tracking{}, fault.At(op, fault.Invalid, "tracking_number", errors.New("tracking_number: is empty"))
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodGet, Path: "/track/v1/details/" + url.PathEscape(trackingNumber),
		Query: url.Values{"locale": {"en_US"}}, Header: headers(),
	})
	if err != nil {
		return ship.Tracking{}, err
	}
	t, err := ups.ToTracking(ans.Body, trackingNumber)
	if errors.Is(err, ups.ErrNotTracked) {
		return ship.Tracking{}, fault.E(op, fault.Rejected, err)
	}
	return t, fault.Wrap(op, err)
}
