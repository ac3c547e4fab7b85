// Package simtest is what the tests of carriers against their simulators have in
// common: a clock that both share, a parcel, addresses, and which fault of
// [simhttp] is which trouble of the port's conformance suite.
package simtest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/ship/carriertest"
)

// Clock is shared by carrier and simulator. It moves when it is told to.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock is a clock on a Monday morning.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

// Now is the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Parcel is one that every carrier takes within the United States.
func Parcel(reference, service string) ship.Parcel {
	return ship.Parcel{
		Reference: reference, OrderNumber: "PO-4711", Service: service,
		From:   party.Address{Company: "Acme Fulfilment", Name: "Dock 4", Lines: []string{"2311 York Rd"}, City: "Timonium", Region: "MD", PostalCode: "21093", Country: "US", Phone: "+1 (410) 555-0134"},
		To:     party.Address{Name: "Ada Martin", Lines: []string{"12 Elm St", "Apt 5"}, City: "Atlanta", Region: "GA", PostalCode: "30303-1234", Country: "US"},
		Weight: measure.Pounds(4) + 250*measure.Gram,
		Dims:   measure.Dims{Length: 20 * measure.Centimetre, Width: 30 * measure.Centimetre, Height: 10 * measure.Centimetre},
	}
}

// Serve starts sim and returns its address. Kept connections end with the test.
func Serve(t *testing.T, sim http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return srv.URL
}

// Nobody is an address where a connection is refused as long as the test runs: that of the near end of one, which
// the system gives to no server meanwhile.
func Nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return "http://" + c.LocalAddr().String()
}

// Faults are the suite's troubles on the wire.
var Faults = map[carriertest.Trouble]simhttp.Fault{
	carriertest.LostBefore: simhttp.DropBefore, carriertest.ServerError: simhttp.ServerError,
	carriertest.Outage: simhttp.Outage, carriertest.TooMany: simhttp.TooMany, carriertest.TokenRevoked: simhttp.Revoke,
	carriertest.DoneLost: simhttp.AnswerLost, carriertest.DoneSlow: simhttp.Slow, carriertest.DoneError: simhttp.LateError,
	carriertest.DoneGateway: simhttp.GatewayError, carriertest.DoneCut: simhttp.Truncated, carriertest.DonePage: simhttp.HTML,
	carriertest.DoneHuge: simhttp.Huge, carriertest.DoneTwice: simhttp.Doubled, carriertest.DoneNull: simhttp.NullResults,
	carriertest.DoneReshaped: simhttp.ObjectsForText, carriertest.DriftLone: simhttp.LoneObjects,
	carriertest.DriftExtra: simhttp.ExtraMembers, carriertest.DriftNumerals: simhttp.Numbers,
}

// Often are all faults that a purchase can meet, so many in a thousand calls.
var Often = map[simhttp.Fault]int{
	simhttp.AnswerLost: 120, simhttp.DropBefore: 60, simhttp.LateError: 60, simhttp.GatewayError: 60, simhttp.ServerError: 40,
	simhttp.Outage: 40, simhttp.TooMany: 40, simhttp.Truncated: 60, simhttp.HTML: 40, simhttp.Doubled: 40, simhttp.Revoke: 40,
	simhttp.LoneObjects: 60, simhttp.ExtraMembers: 60,
}
