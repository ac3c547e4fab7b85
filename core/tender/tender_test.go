package tender_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tender"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	rate = measure.Money{Minor: 85_000, Currency: "USD"}
	ask  = tender.Offer{Scope: scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"}, Load: "L-1", Partner: "ROAD", SCAC: "ROAD", Stops: []tender.Stop{{No: 1, Code: "DC9"}}, Rate: rate}
)

type step func(tender.Tender) ([]event.Event, error)

func offer(change ...func(*tender.Offer)) step {
	return func(t tender.Tender) ([]event.Event, error) {
		c := ask
		for _, f := range change {
			f(&c)
		}
		return t.Offer(c, at)
	}
}

func accept(partner, ref string) step {
	return func(t tender.Tender) ([]event.Event, error) {
		return t.Accept(tender.Accept{Partner: partner, Reference: ref}, at)
	}
}

func decline(partner string) step {
	return func(t tender.Tender) ([]event.Event, error) {
		return t.Decline(tender.Decline{Partner: partner, Reason: "no truck"}, at)
	}
}

func withdraw(reason string) step {
	return func(t tender.Tender) ([]event.Event, error) {
		return t.Withdraw(tender.Withdraw{Reason: reason}, at)
	}
}

func track(status string, hour int) step {
	return func(t tender.Tender) ([]event.Event, error) {
		return t.Track(tender.Track{Partner: "ROAD", Status: status, Place: "RENO NV", Occurred: at.Add(time.Duration(hour) * time.Hour)}, at)
	}
}

func invoice(number string, minor int64) step {
	return func(t tender.Tender) ([]event.Event, error) {
		return t.Invoice(tender.Invoice{Partner: "ROAD", Number: number, Amount: measure.Money{Minor: minor, Currency: "USD"}}, at)
	}
}

func after(t *testing.T, steps ...step) (x tender.Tender, events int) {
	t.Helper()
	for _, s := range steps {
		evs, err := s(x)
		if err != nil {
			t.Fatal(err)
		}
		if x, err = tender.Fold.Replay(x, evs...); err != nil {
			t.Fatal(err)
		}
		events += len(evs)
	}
	return x, events
}

func TestTheLifeOfATender(t *testing.T) {
	other := func(c *tender.Offer) { c.Partner = "RAIL" }
	for name, c := range map[string]struct {
		steps  []step
		status string
		events int
	}{
		"offered":                        {[]step{offer()}, tender.StatusOffered, 1},
		"offered twice":                  {[]step{offer(), offer()}, tender.StatusOffered, 1},
		"accepted":                       {[]step{offer(), accept("ROAD", "P1")}, tender.StatusAccepted, 2},
		"accepted twice":                 {[]step{offer(), accept("ROAD", "P1"), accept("ROAD", "P1")}, tender.StatusAccepted, 2},
		"accepted under another number":  {[]step{offer(), accept("ROAD", "P1"), accept("", "P2")}, tender.StatusAccepted, 3},
		"accepted, then not any more":    {[]step{offer(), accept("ROAD", "P1"), decline("ROAD"), decline("ROAD")}, tender.StatusDeclined, 3},
		"declined, then to somebody":     {[]step{offer(), decline("ROAD"), offer(other)}, tender.StatusOffered, 3},
		"withdrawn, and declined by him": {[]step{offer(), withdraw("late"), withdraw("late"), decline("ROAD")}, tender.StatusWithdrawn, 2},
		"tracked":                        {[]step{offer(), track("X3", 1), track("AF", 2), track("AF", 2), track("AF", 3)}, tender.StatusOffered, 4},
	} {
		if x, n := after(t, c.steps...); x.Status != c.status || n != c.events {
			t.Errorf("%s: %s after %d events, want %s after %d", name, x.Status, n, c.status, c.events)
		}
	}
}

func TestWhatATenderRefuses(t *testing.T) {
	none := tender.Tender{}
	offered, _ := after(t, offer())
	accepted, _ := after(t, offer(), accept("ROAD", "P1"), invoice("F1", 85_000))
	gone, _ := after(t, offer(), withdraw("late"))
	declined, _ := after(t, offer(), decline("ROAD"))
	for name, c := range map[string]struct {
		on    tender.Tender
		do    step
		place string
		kind  fault.Kind
	}{
		"no building":                   {none, offer(func(c *tender.Offer) { c.Facility = "" }), "facility", fault.Invalid},
		"no load":                       {none, offer(func(c *tender.Offer) { c.Load = "" }), "load", fault.Invalid},
		"a number that no 204 holds":    {none, offer(func(c *tender.Offer) { c.Load = strings.Repeat("L", 31) }), "load", fault.Invalid},
		"nobody":                        {none, offer(func(c *tender.Offer) { c.Partner = "" }), "partner", fault.Invalid},
		"no SCAC":                       {none, offer(func(c *tender.Offer) { c.SCAC = "ROADS" }), "scac", fault.Invalid},
		"a rate of nothing":             {none, offer(func(c *tender.Offer) { c.Rate.Minor = 0 }), "rate", fault.Invalid},
		"a rate without currency":       {none, offer(func(c *tender.Offer) { c.Rate.Currency = "" }), "rate", fault.Invalid},
		"a negative rate":               {none, offer(func(c *tender.Offer) { c.Rate.Minor = -1 }), "rate", fault.Invalid},
		"no stops":                      {none, offer(func(c *tender.Offer) { c.Stops = nil }), "stops", fault.Invalid},
		"to two":                        {offered, offer(func(c *tender.Offer) { c.Partner = "RAIL" }), "load", fault.Rejected},
		"accepted, and to another":      {accepted, offer(func(c *tender.Offer) { c.Partner = "RAIL" }), "load", fault.Rejected},
		"yes of nobody":                 {none, accept("ROAD", ""), "load", fault.Rejected},
		"yes of another":                {offered, accept("RAIL", ""), "load", fault.Rejected},
		"yes to what is withdrawn":      {gone, accept("ROAD", ""), "load", fault.Rejected},
		"yes after no":                  {declined, accept("ROAD", ""), "load", fault.Rejected},
		"no of another":                 {offered, decline("RAIL"), "load", fault.Rejected},
		"withdrawn without reason":      {offered, withdraw(""), "reason", fault.Invalid},
		"withdrawn, not tendered":       {none, withdraw("late"), "load", fault.Rejected},
		"a status of nothing":           {none, track("X3", 1), "load", fault.Rejected},
		"no status":                     {offered, track("", 1), "status", fault.Invalid},
		"an invoice of nothing":         {none, invoice("F1", 1), "load", fault.Rejected},
		"an invoice without number":     {accepted, invoice("", 1), "number", fault.Invalid},
		"its number over another sum":   {accepted, invoice("F1", 1), "number", fault.Rejected},
		"an invoice without a currency": {accepted, func(x tender.Tender) ([]event.Event, error) { return x.Invoice(tender.Invoice{Number: "F2"}, at) }, "amount", fault.Invalid},
	} {
		if evs, err := c.do(c.on); fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place || evs != nil {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
}

func TestAnInvoiceSaysInWhatItDiffers(t *testing.T) {
	noRate := func(c *tender.Offer) { c.Rate = measure.Money{} }
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"as agreed":            {[]step{offer(), accept("ROAD", ""), invoice("F1", 85_000)}, ""},
		"once more":            {[]step{offer(), accept("ROAD", ""), invoice("F1", 85_000), invoice("F1", 85_000)}, ""},
		"nothing was agreed":   {[]step{offer(noRate), accept("ROAD", ""), invoice("F1", 99_999)}, ""},
		"more than agreed":     {[]step{offer(), accept("ROAD", ""), invoice("F1", 85_001)}, "850.00 USD was agreed"},
		"nobody accepted":      {[]step{offer(), invoice("F1", 85_000)}, "its tender is offered"},
		"a second one":         {[]step{offer(), accept("ROAD", ""), invoice("F1", 85_000), invoice("F2", 85_000)}, "it was charged before, by invoice F1 over 850.00 USD"},
		"withdrawn, and other": {[]step{offer(), withdraw("late"), invoice("F1", 1)}, "its tender is withdrawn; 850.00 USD was agreed"},
	} {
		x, _ := after(t, c.steps...)
		if got := strings.Join(x.Invoices[len(x.Invoices)-1].Differences, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A tender of a partner to us is answered by us, taken back by him, and offered anew where it changes.
func TestATenderToUs(t *testing.T) {
	asked := tender.Receive{Scope: ask.Scope, Load: "SH-77", Partner: "MILL", SCAC: "PKLG", Stops: []tender.Stop{{No: 2, Code: "S1"}}}
	fold := func(x tender.Tender, events []event.Event, err error) tender.Tender {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if x, err = tender.Fold.Apply(x, e); err != nil {
				t.Fatal(err)
			}
		}
		return x
	}
	events, err := tender.Tender{}.Receive(asked, at)
	x := fold(tender.Tender{}, events, err)
	if events, err = x.Receive(asked, at); err != nil || len(events) != 0 || !x.Inbound || x.Status != tender.StatusOffered {
		t.Fatalf("%+v: the same again gives %v, %v", x, events, err)
	}
	sooner := asked
	sooner.AnswerBy = at.Add(2 * time.Hour)
	events, err = x.Receive(sooner, at)
	if x = fold(x, events, err); len(events) != 1 || !x.AnswerBy.Equal(sooner.AnswerBy) {
		t.Errorf("to be answered sooner: %+v", x)
	}
	events, err = x.Accept(tender.Accept{Reference: "T-5"}, at)
	x = fold(x, events, err)
	if events, err := x.Receive(asked, at); err != nil || len(events) != 0 {
		t.Errorf("what is answered is not asked again for its time: %v, %v", events, err)
	}
	changed := asked
	changed.Stops = []tender.Stop{{No: 2, Code: "S2"}}
	events, err = x.Receive(changed, at)
	if x = fold(x, events, err); x.Status != tender.StatusOffered || x.Stops[0].Code != "S2" {
		t.Errorf("%+v", x)
	}
	stranger, nowhere, long := changed, changed, changed
	stranger.Partner, nowhere.Stops, long.Load = "ROAD", nil, strings.Repeat("9", 31)
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"another partner's":      {second(x.Receive(stranger, at)), fault.Rejected},
		"of nothing":             {second(x.Receive(nowhere, at)), fault.Invalid},
		"of a long number":       {second(x.Receive(long, at)), fault.Invalid},
		"ours, under its number": {second(x.Offer(tender.Offer{Scope: ask.Scope, Load: "SH-77", Partner: "ROAD", SCAC: "ROAD", Stops: ask.Stops}, at)), fault.Rejected},
		"taken back by us":       {second(x.Withdraw(tender.Withdraw{Reason: "x", By: "jo"}, at)), fault.Rejected},
	} {
		if fault.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	events, err = x.Withdraw(tender.Withdraw{Reason: "taken back", By: "MILL"}, at)
	if x = fold(x, events, err); x.Status != tender.StatusWithdrawn {
		t.Errorf("%+v", x)
	}
	ours, err := tender.Tender{}.Offer(ask, at)
	y := fold(tender.Tender{}, ours, err)
	asked.Load = y.Load
	if _, err := y.Receive(asked, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("over a load of ours: %v", err)
	}
}

func second(_ []event.Event, err error) error { return err }
