// Package carriertest is the conformance suite of core/ship.Carrier. An adapter
// passes it against a simulator that speaks the carrier's wire protocol and
// keeps a ground truth: what is asserted is what was really bought, never what
// the adapter says.
package carriertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// Op is a call over the port.
type Op string

// The calls of the port.
const (
	Rate    Op = "rate"
	Buy     Op = "buy"
	Void    Op = "void"
	Resolve Op = "resolve"
)

// Trouble is what befalls one call.
type Trouble string

// The troubles that a rig must be able to make. "Done" ones strike after the
// carrier has acted.
const (
	LostBefore    Trouble = "connection ends before the carrier acts"
	ServerError   Trouble = "500, nothing done"
	Outage        Trouble = "503, nothing done"
	TooMany       Trouble = "429"
	TokenRevoked  Trouble = "401, the token was revoked"
	DoneLost      Trouble = "done, answer lost"
	DoneSlow      Trouble = "done, answer later than the deadline"
	DoneError     Trouble = "done, 500"
	DoneGateway   Trouble = "done, 503 from a gateway"
	DoneCut       Trouble = "done, body cut"
	DonePage      Trouble = "done, web page instead of JSON"
	DoneHuge      Trouble = "done, body without end"
	DoneTwice     Trouble = "done, answer twice in one body"
	DoneNull      Trouble = "done, results are null"
	DoneReshaped  Trouble = "done, objects where texts were"
	DriftLone     Trouble = "arrays of one become objects"
	DriftExtra    Trouble = "unknown members everywhere"
	DriftNumerals Trouble = "numbers instead of texts"
)

// Rig is one carrier at its simulator. Each test gets its own.
type Rig struct {
	Carrier ship.Carrier
	Tracker ship.Tracker // nil: the carrier does not track

	// Unreachable is the same carrier at an address where nobody listens.
	Unreachable ship.Carrier
	// Impatient is the same carrier with a deadline of about a second, for DoneSlow.
	Impatient ship.Carrier
	// BadSecret is the same carrier with a secret that is refused.
	BadSecret ship.Carrier

	// Parcel is one that the carrier takes, and Refused one that it refuses for
	// its address, with some of the carrier's words about it.
	Parcel       func(reference string) ship.Parcel
	Refused      func(reference string) ship.Parcel
	RefusedWords string

	// Trouble befalls the next call of this kind.
	Trouble func(op Op, t Trouble)
	// Advance moves the clock that carrier and simulator share.
	Advance func(d time.Duration)
	// PrintsOnce says that the carrier gives a label's bytes in the answer to its
	// purchase alone: what is resolved has none.
	PrintsOnce bool
	// FindsOne says that the carrier finds one label under a reference at a time.
	FindsOne bool
	// LimitsApart says that the carrier counts kinds of calls by themselves: one that
	// is refused stops its own kind alone.
	LimitsApart bool
	// VoidUntracked says that tracking does not tell that a label was given back.
	VoidUntracked bool
	// TokenLife is how long the simulator's tokens live.
	TokenLife time.Duration

	// Ground truth: labels ever bought and still standing under a reference,
	// calls that arrived, tokens that were granted.
	Bought, Standing func(reference string) int
	Arrived          func(op Op) int
	Grants           func() int
}

// Run holds a carrier against its contract. rig makes a fresh carrier and
// simulator and cleans up through t.
func Run(t *testing.T, rig func(t *testing.T) Rig) {
	tests := []struct {
		name string
		run  func(t *testing.T, r Rig)
	}{
		{"rates are sorted, priced and named after the connection", rates},
		{"one service is rated alone", rateOne},
		{"a label is bought once, printed, and carries our reference", buy},
		{"void gives the label back, and again is no error", voidTwice},
		{"void of a label that never was is rejected", voidUnknown},
		{"resolve finds what was bought though the answer was lost", resolveLost},
		{"resolve finds nothing where nothing was bought", resolveNever},
		{"resolve does not find what was voided", resolveVoided},
		{"resolve finds both labels of a purchase that was doubled", resolveDoubled},
		{"a token expires in mid-run and is renewed", tokenExpiry},
		{"one token serves many callers at once", tokenShared},
		{"a wrong secret stops the connection, not the message", badSecret},
		{"an address refused is rejected in the carrier's words", refused},
		{"a parcel that is not valid never leaves", invalidParcel},
		{"nobody listening is unavailable, and nothing was bought", unreachable},
		{"a cancelled caller is told so and nothing is bought", cancelled},
		{"429 throttles: nothing more leaves until the wait is over", throttle},
		{"tracking follows a label's life", track},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, rig(t))
		})
	}
	for _, tt := range troubles {
		t.Run(string(tt.op)+": "+string(tt.trouble), func(t *testing.T) {
			t.Parallel()
			trouble(t, rig(t), tt)
		})
	}
}

// ok is a kind beside those of package fault: no error.
const ok fault.Kind = 255

type troubleCase struct {
	op      Op
	trouble Trouble
	kind    fault.Kind
	bought  int // of a Buy, in truth
}

var troubles = []troubleCase{
	{Buy, LostBefore, fault.Unknown, 0},
	{Buy, ServerError, fault.Unknown, 0},
	{Buy, Outage, fault.Unknown, 0},
	{Buy, TooMany, fault.Throttled, 0},
	{Buy, TokenRevoked, fault.Transient, 0},
	{Buy, DoneLost, fault.Unknown, 1},
	{Buy, DoneSlow, fault.Unknown, 1},
	{Buy, DoneError, fault.Unknown, 1},
	{Buy, DoneGateway, fault.Unknown, 1},
	{Buy, DoneCut, fault.Unknown, 1},
	{Buy, DonePage, fault.Unknown, 1},
	{Buy, DoneHuge, fault.Unknown, 1},
	{Buy, DoneTwice, fault.Unknown, 1},
	{Buy, DoneNull, fault.Unknown, 1},
	{Buy, DoneReshaped, fault.Unknown, 1},
	{Buy, DriftLone, ok, 1},
	{Buy, DriftExtra, ok, 1},
	{Buy, DriftNumerals, ok, 1},

	{Rate, LostBefore, fault.Transient, 0},
	{Rate, ServerError, fault.Transient, 0},
	{Rate, Outage, fault.Unavailable, 0},
	{Rate, TooMany, fault.Throttled, 0},
	{Rate, TokenRevoked, fault.Transient, 0},
	{Rate, DoneSlow, fault.Transient, 0},
	{Rate, DoneCut, fault.Transient, 0},
	{Rate, DonePage, fault.Transient, 0},
	{Rate, DoneHuge, fault.Invalid, 0},
	{Rate, DoneReshaped, fault.Invalid, 0},
	{Rate, DriftLone, ok, 0},
	{Rate, DriftExtra, ok, 0},
	{Rate, DriftNumerals, ok, 0},

	{Void, LostBefore, fault.Transient, 1},
	{Void, ServerError, fault.Transient, 1},
	{Void, Outage, fault.Unavailable, 1},
	{Void, TooMany, fault.Throttled, 1},
	{Void, DoneLost, fault.Transient, 0},
	{Void, DoneCut, fault.Transient, 0},
	{Void, DonePage, fault.Transient, 0},
	{Void, DoneNull, fault.Transient, 0},
	{Void, DriftExtra, ok, 0},

	{Resolve, LostBefore, fault.Transient, 1},
	{Resolve, ServerError, fault.Transient, 1},
	{Resolve, Outage, fault.Unavailable, 1},
	{Resolve, TooMany, fault.Throttled, 1},
	{Resolve, DoneCut, fault.Transient, 1},
	{Resolve, DonePage, fault.Transient, 1},
	{Resolve, DoneNull, fault.Invalid, 1},
	{Resolve, DriftLone, ok, 1},
	{Resolve, DriftNumerals, ok, 1},
}

// trouble makes one call meet one trouble, and then shows that the connection
// recovers by what the kind allows: resolve, or the same call again.
func trouble(t *testing.T, r Rig, c troubleCase) {
	ctx := t.Context()
	p := r.Parcel("ref-1")
	must(r.Carrier.Rate(ctx, r.Parcel("ref-0")))(t) // the token is not of today
	var label ship.Label
	if c.op == Void || c.op == Resolve {
		label = must(r.Carrier.Buy(ctx, p))(t)
	}
	carrier := r.Carrier
	if c.trouble == DoneSlow {
		carrier = r.Impatient
	}
	call := func() (err error) {
		switch c.op {
		case Rate:
			_, err = carrier.Rate(ctx, p)
		case Buy:
			label, err = carrier.Buy(ctx, p)
		case Void:
			err = carrier.Void(ctx, label)
		case Resolve:
			var found []ship.Label
			found, err = carrier.Resolve(ctx, p)
			if err == nil && len(found) != 1 {
				t.Fatalf("resolved to %d labels, want 1", len(found))
			}
		}
		return err
	}
	before := r.Arrived(c.op)
	r.Trouble(c.op, c.trouble)
	err := call()
	wantKind(t, err, c.kind)
	if n := r.Arrived(c.op) - before; n != 1 {
		t.Errorf("%d requests arrived for one call, want 1: nothing may be tried again inside", n)
	}
	if n := r.Standing(p.Reference); n != c.bought {
		t.Errorf("%d labels stand in truth, want %d", n, c.bought)
	}
	if c.op == Buy && c.kind == ok && (label.TrackingNumber == "" || len(label.Image) == 0) {
		t.Errorf("label %+v lacks its number or its image", label)
	}

	// Time passes, and the hub does what the kind allows.
	r.Advance(time.Hour)
	if c.op == Buy && c.kind == fault.Unknown {
		found := must(r.Carrier.Resolve(ctx, p))(t)
		if len(found) != c.bought {
			t.Fatalf("resolved to %d labels, want %d", len(found), c.bought)
		}
		if c.bought == 1 {
			return
		}
	}
	if c.kind != ok {
		if err := call(); err != nil {
			t.Errorf("the next call fails too: %v", err)
		}
	}
	if n := r.Standing(p.Reference); n > 1 {
		t.Errorf("%d labels stand in the end, want at most 1", n)
	}
}

func rates(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	p.Service = ""
	got := must(r.Carrier.Rate(t.Context(), p))(t)
	if len(got) < 2 {
		t.Fatalf("got %d rates, want several services", len(got))
	}
	conn := must(r.Carrier.Buy(t.Context(), r.Parcel("ref-2")))(t).Connection
	for i, x := range got {
		if x.Connection != conn || x.Service.Code == "" || x.Cost.Minor <= 0 || len(x.Cost.Currency) != 3 || x.List.Minor < x.Cost.Minor {
			t.Errorf("rate %d is %+v", i, x)
		}
		if i > 0 && x.Cost.Minor < got[i-1].Cost.Minor {
			t.Errorf("rate %d is cheaper than the one before", i)
		}
	}
}

func rateOne(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	got := must(r.Carrier.Rate(t.Context(), p))(t)
	if len(got) != 1 || got[0].Service.Code != p.Service {
		t.Errorf("got %+v, want service %s alone", got, p.Service)
	}
	if n := r.Bought(""); n != 0 {
		t.Errorf("rating bought %d labels", n)
	}
}

func buy(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	rate := must(r.Carrier.Rate(t.Context(), p))(t)[0]
	l := must(r.Carrier.Buy(t.Context(), p))(t)
	if l.Reference != p.Reference || l.TrackingNumber == "" || l.ShipmentID == "" || l.Connection == "" || l.Service.Code != p.Service {
		t.Errorf("label is %+v", l)
	}
	if l.Cost != rate.Cost {
		t.Errorf("cost is %v, the rate was %v", l.Cost, rate.Cost)
	}
	if l.Format != ship.ZPL || !strings.HasPrefix(string(l.Image), "^XA") || !strings.Contains(string(l.Image), l.TrackingNumber) {
		t.Errorf("image is %q in %s", l.Image, l.Format)
	}
	if !strings.Contains(string(l.Image), p.Reference) {
		t.Error("the reference is not printed")
	}
	if n := r.Bought(p.Reference); n != 1 {
		t.Errorf("%d labels bought in truth, want 1", n)
	}
}

func voidTwice(t *testing.T, r Rig) {
	l := must(r.Carrier.Buy(t.Context(), r.Parcel("ref-1")))(t)
	other := must(r.Carrier.Buy(t.Context(), r.Parcel("ref-2")))(t)
	for i := range 2 {
		if err := r.Carrier.Void(t.Context(), l); err != nil {
			t.Fatalf("void %d: %v", i+1, err)
		}
	}
	if n := r.Standing(l.Reference); n != 0 {
		t.Errorf("%d labels stand, want 0", n)
	}
	if n := r.Standing(other.Reference); n != 1 {
		t.Errorf("%d labels of another parcel stand, want 1", n)
	}
}

func voidUnknown(t *testing.T, r Rig) {
	l := must(r.Carrier.Buy(t.Context(), r.Parcel("ref-1")))(t)
	l.ShipmentID = l.ShipmentID[:len(l.ShipmentID)-3] + "999"
	wantKind(t, r.Carrier.Void(t.Context(), l), fault.Rejected)
	if n := r.Standing("ref-1"); n != 1 {
		t.Errorf("%d labels stand, want 1", n)
	}
}

func resolveLost(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	r.Trouble(Buy, DoneLost)
	_, err := r.Carrier.Buy(t.Context(), p)
	wantKind(t, err, fault.Unknown)
	r.Advance(time.Hour)
	got := must(r.Carrier.Resolve(t.Context(), p))(t)
	if len(got) != 1 {
		t.Fatalf("resolved to %d labels, want 1", len(got))
	}
	l := got[0]
	if l.Reference != p.Reference || l.Service.Code != p.Service {
		t.Errorf("resolved label is %+v", l)
	}
	if r.PrintsOnce && (l.Format != "" || l.Image != nil) || !r.PrintsOnce && (l.Format != ship.ZPL || !strings.Contains(string(l.Image), l.TrackingNumber)) {
		t.Errorf("resolved label is in %q: %q", l.Format, l.Image)
	}
	if err := r.Carrier.Void(t.Context(), got[0]); err != nil {
		t.Errorf("voiding what was resolved: %v", err)
	}
	if n := r.Standing(p.Reference); n != 0 {
		t.Errorf("%d labels stand, want 0", n)
	}
}

func resolveNever(t *testing.T, r Rig) {
	must(r.Carrier.Buy(t.Context(), r.Parcel("ref-10")))(t)
	if got := must(r.Carrier.Resolve(t.Context(), r.Parcel("ref-1")))(t); len(got) != 0 {
		t.Errorf("resolved to %+v, want nothing", got)
	}
	if n := r.Bought(""); n != 1 {
		t.Errorf("resolving bought: %d labels, want 1", n)
	}
}

func resolveVoided(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	l := must(r.Carrier.Buy(t.Context(), p))(t)
	if err := r.Carrier.Void(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if got := must(r.Carrier.Resolve(t.Context(), p))(t); len(got) != 0 {
		t.Errorf("resolved to %+v, want nothing", got)
	}
}

func resolveDoubled(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	a := must(r.Carrier.Buy(t.Context(), p))(t)
	b := must(r.Carrier.Buy(t.Context(), p))(t)
	got := must(r.Carrier.Resolve(t.Context(), p))(t)
	switch n := r.Standing(p.Reference); {
	case n == 1: // the carrier deduplicates by itself
		if a.TrackingNumber != b.TrackingNumber || len(got) != 1 || got[0].TrackingNumber != a.TrackingNumber {
			t.Errorf("one label stands, and two calls got %s and %s, and resolved to %+v", a.TrackingNumber, b.TrackingNumber, got)
		}
		return
	case n != 2:
		t.Fatalf("%d labels stand after two calls", n)
	}
	if r.FindsOne && len(got) == 1 {
		if err := r.Carrier.Void(t.Context(), got[0]); err != nil {
			t.Fatal(err)
		}
		if left := must(r.Carrier.Resolve(t.Context(), p))(t); len(left) != 1 || left[0].TrackingNumber == got[0].TrackingNumber || r.Standing(p.Reference) != 1 {
			t.Errorf("after one of two was given back: %+v, %d stand", left, r.Standing(p.Reference))
		}
		return
	}
	if len(got) != 2 || got[0].TrackingNumber == got[1].TrackingNumber ||
		(got[0].TrackingNumber != a.TrackingNumber && got[0].TrackingNumber != b.TrackingNumber) {
		t.Fatalf("resolved to %+v, want both", got)
	}
	if err := r.Carrier.Void(t.Context(), got[1]); err != nil {
		t.Fatal(err)
	}
	if n := r.Standing(p.Reference); n != 1 {
		t.Errorf("%d labels stand after the surplus was voided, want 1", n)
	}
}

func tokenExpiry(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	for range 5 {
		must(r.Carrier.Rate(t.Context(), p))(t)
	}
	if n := r.Grants(); n != 1 {
		t.Errorf("%d tokens granted for five calls, want 1", n)
	}
	r.Advance(r.TokenLife*4/5 + time.Second)
	must(r.Carrier.Rate(t.Context(), p))(t)
	if n := r.Grants(); n != 2 {
		t.Errorf("%d tokens granted after 80 %% of the life, want 2", n)
	}
	r.Advance(3 * r.TokenLife)
	must(r.Carrier.Buy(t.Context(), p))(t)
	if n := r.Grants(); n != 3 {
		t.Errorf("%d tokens granted after the expiry, want 3", n)
	}
}

func tokenShared(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() { _, errs[i] = r.Carrier.Rate(t.Context(), p) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := r.Grants(); n != 1 {
		t.Errorf("%d tokens granted for sixteen callers at once, want 1", n)
	}
}

func badSecret(t *testing.T, r Rig) {
	_, err := r.BadSecret.Buy(t.Context(), r.Parcel("ref-1"))
	wantKind(t, err, fault.Unavailable)
	if n := r.Arrived(Buy); n != 0 {
		t.Errorf("%d purchases left without a token", n)
	}
}

func refused(t *testing.T, r Rig) {
	_, err := r.Carrier.Buy(t.Context(), r.Refused("ref-1"))
	wantKind(t, err, fault.Rejected)
	if err == nil || !strings.Contains(err.Error(), r.RefusedWords) {
		t.Errorf("error %v does not carry the carrier's words %q", err, r.RefusedWords)
	}
	if n := r.Bought(""); n != 0 {
		t.Errorf("%d labels bought", n)
	}
}

func invalidParcel(t *testing.T, r Rig) {
	for name, spoil := range map[string]func(*ship.Parcel){
		"reference":     func(p *ship.Parcel) { p.Reference = "" },
		"weight_mg":     func(p *ship.Parcel) { p.Weight = 0 },
		"to.city":       func(p *ship.Parcel) { p.To.City = "" },
		"from.lines":    func(p *ship.Parcel) { p.From.Lines = nil },
		"to.country":    func(p *ship.Parcel) { p.To.Country = "usa" },
		"dims":          func(p *ship.Parcel) { p.Dims.Height = 0 },
		"service":       func(p *ship.Parcel) { p.Service = "" },
		"to.lines[0]":   func(p *ship.Parcel) { p.To.Lines = []string{strings.Repeat("x", 500)} },
		"to.city long":  func(p *ship.Parcel) { p.To.City = strings.Repeat("x", 500) },
		"weight absurd": func(p *ship.Parcel) { p.Weight = 1 << 50 },
	} {
		p := r.Parcel("ref-1")
		spoil(&p)
		_, err := r.Carrier.Buy(t.Context(), p)
		wantKind(t, err, fault.Invalid)
		want, _, _ := strings.Cut(name, " ")
		if got := fault.PlaceOf(err); !strings.HasPrefix(got, want) {
			t.Errorf("%s: place is %q", name, got)
		}
	}
	if n := r.Arrived(Buy); n != 0 {
		t.Errorf("%d requests left, want 0", n)
	}
}

func unreachable(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	_, err := r.Unreachable.Buy(t.Context(), p)
	wantKind(t, err, fault.Unavailable)
	_, err = r.Unreachable.Rate(t.Context(), p)
	wantKind(t, err, fault.Unavailable)
	_, err = r.Unreachable.Resolve(t.Context(), p)
	wantKind(t, err, fault.Unavailable)
}

func cancelled(t *testing.T, r Rig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Carrier.Buy(ctx, r.Parcel("ref-1"))
	wantKind(t, err, fault.Transient)
	if n := r.Bought(""); n != 0 {
		t.Errorf("%d labels bought", n)
	}
}

func throttle(t *testing.T, r Rig) {
	p := r.Parcel("ref-1")
	r.Trouble(Rate, TooMany)
	_, err := r.Carrier.Rate(t.Context(), p)
	wantKind(t, err, fault.Throttled)
	wait := fault.AfterOf(err)
	if wait <= 0 {
		t.Fatal("the error does not say how long to wait")
	}
	call, stopped := Buy, func() error { _, err := r.Carrier.Buy(t.Context(), p); return err }
	if r.LimitsApart {
		if err := stopped(); err != nil {
			t.Errorf("another kind of call waits too: %v", err)
		}
		call, stopped = Rate, func() error { _, err := r.Carrier.Rate(t.Context(), p); return err }
	}
	before := r.Arrived(call)
	wantKind(t, stopped(), fault.Throttled)
	if n := r.Arrived(call) - before; n != 0 {
		t.Errorf("%d requests left during the wait, want 0", n)
	}
	r.Advance(wait)
	wantKind(t, stopped(), ok)
}

func track(t *testing.T, r Rig) {
	if r.Tracker == nil {
		t.Skip("the carrier does not track")
	}
	l := must(r.Carrier.Buy(t.Context(), r.Parcel("ref-1")))(t)
	got := must(r.Tracker.Track(t.Context(), l.TrackingNumber))(t)
	if got.TrackingNumber != l.TrackingNumber || got.Stage != ship.StageCreated || len(got.Scans) == 0 || got.Scans[0].At.IsZero() {
		t.Errorf("a new label is tracked as %+v", got)
	}
	if err := r.Carrier.Void(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if got := must(r.Tracker.Track(t.Context(), l.TrackingNumber))(t); got.Stage != ship.StageVoided && !r.VoidUntracked {
		t.Errorf("a voided label is tracked as %s", got.Stage)
	}
	never := l.TrackingNumber[:len(l.TrackingNumber)-3] + "999"
	_, err := r.Tracker.Track(t.Context(), never)
	wantKind(t, err, fault.Rejected)
}

// must returns the value of a call that may not fail.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	switch {
	case want == ok && err != nil:
		t.Fatalf("unexpected error: %v", err)
	case want != ok && err == nil:
		t.Fatalf("no error, want %v", want)
	case want != ok && fault.KindOf(err) != want:
		t.Fatalf("error is %v, want %v: %v", fault.KindOf(err), want, err)
	}
}
