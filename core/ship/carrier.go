package ship

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
)

// Carrier is the port to one account at one carrier: one connection of the
// configuration, one token, one set of limits. Adapters implement it and pass
// core/ship/carriertest. All methods may be called from several goroutines.
//
// No method tries twice: it makes one attempt and classifies what happened as a
// [github.com/paklog/hub/core/fault.Kind]. What every method may return:
//
//   - Transient: the request was not acted on; calling again is safe.
//   - Throttled: the carrier asks to slow down, for at least the error's After.
//   - Unavailable: the connection cannot work now, whatever is sent over it
//     (refused, outage, credentials or account blocked).
//   - Rejected: the carrier said no to this parcel; the error carries its words.
//   - Invalid: the parcel cannot be expressed to this carrier, and nothing was
//     sent; or, from a method that changes nothing, the answer cannot be understood.
//     The error's place says where.
//
// Unknown comes from Buy alone.
type Carrier interface {
	// Rate prices p, cheapest first: with its Service where one is set, else with
	// every service the carrier offers for it. It changes nothing and may be
	// repeated. Several connections are asked side by side.
	Rate(ctx context.Context, p Parcel) ([]Rate, error)

	// Buy buys the label of p, which costs money. Only the effect executor calls
	// it, after the intent is durable, and never twice for one p.Reference unless
	// the first call returned Transient, Throttled or Unavailable, or Resolve has
	// shown that nothing was bought.
	//
	// Unknown means that the request may have been acted on: the connection died
	// or time ran out after the request had begun to leave, the carrier answered
	// with a server error (a gateway says 503 about a request it had passed on),
	// or it answered with success that cannot be understood. Resolve first.
	Buy(ctx context.Context, p Parcel) (Label, error)

	// Void gives l back to the carrier; a label that is already void is a nil
	// error. It may be repeated after any outcome, so a lost answer is Transient
	// here. Rejected: the carrier will not void it (not its label, already
	// scanned, too late), and l stands.
	Void(ctx context.Context, l Label) error

	// Resolve answers "did it happen?" for a Buy of p that is Unknown: it returns
	// the labels bought under p.Reference that still stand, none where there are
	// none, more than one where a purchase was doubled. It buys nothing and may be
	// repeated. No label is proof only when asked twice, the second time well past
	// the deadline of the call it asks about: a carrier may show a label late.
	//
	// Carriers give back less than they gave at first: Cost may be unknown, and
	// where the carrier does not print a label twice, Image is empty and Format "".
	// Such a label is of no use: give it back, and buy another once none stands.
	Resolve(ctx context.Context, p Parcel) ([]Label, error)
}

// Tracker is the port to a carrier that tells where a parcel is. It changes
// nothing, may be repeated, and fails as [Carrier] does; a number the carrier
// does not know (yet) is Rejected.
type Tracker interface {
	Track(ctx context.Context, trackingNumber string) (Tracking, error)
}

// Service is one way of shipping that a carrier sells.
type Service struct {
	Code string `json:"code"` // the carrier's own code: "03" is UPS Ground
	Name string `json:"name,omitempty"`
}

// Rate is a price for one parcel with one service.
type Rate struct {
	Connection string        `json:"connection"` // whose price: pass it on to buy there
	Service    Service       `json:"service"`
	Cost       measure.Money `json:"cost"` // what this account pays, taxes included where the carrier says so
	List       measure.Money `json:"list"` // what anybody pays; equal to Cost without an agreement

	// TransitDays are business days on the way; 0 where the carrier does not say.
	TransitDays int `json:"transit_days,omitempty"`
	// Arrives is the promised local day and time at the destination, kept as the
	// carrier wrote it down ("2026-11-25 23:30"); "" where it does not promise.
	Arrives string `json:"arrives,omitempty"`
}

// Quotes are the prices for one parcel of carriers that were asked side by side, best first.
type Quotes struct {
	Rates []Rate `json:"rates" nullable:"false"`
	// Silent are the connections that gave none in time, and why.
	Silent []Silence `json:"silent" nullable:"false"`
}

// Silence is why a connection gave no price.
type Silence struct {
	Connection string `json:"connection"`
	Kind       string `json:"kind"` // of the fault
	Reason     string `json:"reason"`
}

// Format is the language of a label's bytes.
type Format string

// The formats that label printers and people ask for.
const (
	ZPL Format = "ZPL"
	PDF Format = "PDF"
	PNG Format = "PNG"
	GIF Format = "GIF"
)

// Label is a bought label: the right to hand one parcel to the carrier.
type Label struct {
	Connection     string        `json:"connection"` // who sold it, and so who must void it
	Reference      string        `json:"reference"`  // our key of the purchase, as in [Parcel]
	ShipmentID     string        `json:"shipment_id"`
	TrackingNumber string        `json:"tracking_number"`
	Service        Service       `json:"service"`
	Cost           measure.Money `json:"cost"` // no currency: unknown (see Resolve)
	Format         Format        `json:"format"`
	Image          []byte        `json:"image"` // what the printer gets, decoded
}

// SoldBy reports what keeps l from being given back over connection, as
// fault.Invalid: it names no shipment, or another connection sold it.
func (l Label) SoldBy(connection string) error {
	const op = "ship.SoldBy"
	if l.ShipmentID == "" {
		return fault.At(op, fault.Invalid, "shipment_id", errors.New("shipment_id: is empty, nothing to void"))
	}
	if l.Connection != connection {
		return fault.At(op, fault.Invalid, "connection", fmt.Errorf("connection: the label was bought over %q, this is %q", l.Connection, connection))
	}
	return nil
}

// Stage is where a parcel is, the same few words for every carrier.
type Stage string

// The stages, in the usual order of a parcel's life.
const (
	StageUnknown   Stage = "unknown"    // the carrier said something we have no word for
	StageCreated   Stage = "created"    // label made, parcel not seen
	StageInTransit Stage = "in_transit" // accepted and moving
	StageOut       Stage = "out"        // out for delivery
	StageDelivered Stage = "delivered"  // handed over
	StageException Stage = "exception"  // delayed, refused, damaged, held
	StageReturned  Stage = "returned"   // on its way back, or back
	StageVoided    Stage = "voided"     // label given back
)

// Tracking is what a carrier knows about one parcel, newest scan first.
type Tracking struct {
	TrackingNumber string `json:"tracking_number"`
	Stage          Stage  `json:"stage"`
	Scans          []Scan `json:"scans"`
}

// Scan is one thing that happened to a parcel.
type Scan struct {
	At    time.Time `json:"at"` // the zero time where the carrier gives none
	Stage Stage     `json:"stage"`
	Code  string    `json:"code,omitempty"` // the carrier's own
	Text  string    `json:"text"`           // in the carrier's words
	Place string    `json:"place,omitempty"`
}

// Printer prints on paper. The kind of an error is a promise, as that of a label's purchase is:
// Transient, Throttled, Unavailable, Rejected and Invalid say that nothing was printed, Unknown that
// something may have been.
type Printer interface {
	Print(ctx context.Context, job PrintJob) error
}

// AddressChecker is the port to a carrier that says whether it can deliver to an
// address. It changes nothing, may be repeated, and fails as [Carrier] does; an
// address in a country that the carrier does not check is Invalid. That an
// address is not deliverable is an answer and no error.
type AddressChecker interface {
	CheckAddress(ctx context.Context, a party.Address) (AddressCheck, error)
}
