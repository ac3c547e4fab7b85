package routes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/x12wms"
)

func TestAPartnersWindowOpensByHisClock(t *testing.T) {
	t.Parallel()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		window   string
		now, due string
	}{
		"always":                     {"", "2026-03-02T03:00:00Z", "2026-03-02T03:00:00Z"},
		"open":                       {"08:00-18:00", "2026-03-02T20:00:00Z", "2026-03-02T20:00:00Z"},
		"its first moment":           {"08:00-18:00", "2026-03-02T14:00:00Z", "2026-03-02T14:00:00Z"},
		"before":                     {"08:00-18:00", "2026-03-02T13:59:59Z", "2026-03-02T14:00:00Z"},
		"its end is shut":            {"08:00-18:00", "2026-03-03T00:00:00Z", "2026-03-03T14:00:00Z"},
		"the clocks go forward":      {"08:00-18:00", "2026-03-08T02:00:00Z", "2026-03-08T13:00:00Z"},
		"over midnight, late":        {"22:00-04:00", "2026-03-02T05:00:00Z", "2026-03-02T05:00:00Z"},
		"over midnight, early":       {"22:00-04:00", "2026-03-02T09:59:59Z", "2026-03-02T09:59:59Z"},
		"over midnight, shut by day": {"22:00-04:00", "2026-03-02T10:00:00Z", "2026-03-03T04:00:00Z"},
		"over the end of a month":    {"08:00-09:00", "2026-03-31T23:00:00Z", "2026-04-01T13:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := ParseWindow(c.window)
			if err != nil {
				t.Fatal(err)
			}
			now, _ := time.Parse(time.RFC3339, c.now)
			p := Partner{Window: w, Profile: x12wms.Profile{Zone: chicago}}
			if got := p.opens(now).Format(time.RFC3339); got != c.due {
				t.Errorf("opens at %s, want %s", got, c.due)
			}
		})
	}
	for _, s := range []string{"8-18", "08:00", "08:00-", "08:00-24:30", "08:00-08:00", "morning"} {
		if w, err := ParseWindow(s); err == nil {
			t.Errorf("%q was read as %v", s, w)
		}
	}
}

// night is a window that opens four hours after the bubble's clock begins at midnight.
var night = Window{4 * time.Hour, 5 * time.Hour}

func TestDocumentsWaitForTheirPartnersWindow(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(r *rig)
	}{
		"and no more":    {func(*rig) {}},
		"over a restart": {func(r *rig) { r.restart() }},
		"that is taken out": {func(r *rig) {
			p := r.edi.Partners["ACME"]
			p.Window = Window{}
			r.edi.Partners["ACME"] = p
			r.restart()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.Window = night })
				text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
				r.drop("940.edi", text)
				settle(3 * time.Hour)
				if n := len(box.sets(t, "945")) + len(box.sets(t, "997")); n != 0 {
					t.Fatalf("%d documents left before the window opened", n)
				}
				c.meanwhile(r)
				settle(90 * time.Minute)
				if a, b := len(box.sets(t, "945")), len(box.sets(t, "997")); a != 3 || b != 1 {
					t.Fatalf("%d 945s and %d 997s once it was open", a, b)
				}
				// The partner has his time for the 997 from when it opened.
				settle(23 * time.Hour)
				r.noLetters()
				settle(2 * time.Hour)
				if n := len(r.letters()); n != 3 {
					t.Errorf("%d letters of what he did not acknowledge, want 3", n)
				}
			})
		})
	}
}

func TestDocumentsGoAtTheirPartnersRate(t *testing.T) {
	for name, c := range map[string]struct {
		restart bool
		rate    int // after the restart
	}{"": {}, "over a restart": {true, 1}, "that is taken out": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.Rate = 1 })
				text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 5, MostLine: 1})
				r.drop("940.edi", text)
				settle(30 * time.Second)
				sent := func() int { return len(box.sets(t, "945")) + len(box.sets(t, "997")) }
				if n := sent(); n != 1 {
					t.Fatalf("%d documents in the first half minute, want 1", n)
				}
				if c.restart {
					p := r.edi.Partners["ACME"]
					p.Rate = c.rate
					r.edi.Partners["ACME"] = p
					r.restart()
				}
				for want := 2; want <= 6; want++ {
					settle(time.Minute)
					if c.restart && c.rate == 0 {
						want = 6
					}
					if n := sent(); n != want {
						t.Fatalf("%d documents, want %d", n, want)
					}
				}
				r.noLetters()
				var controls []string
				for _, p := range box.sets(t, "945") {
					controls = append(controls, p.ISA.Control)
				}
				if !slices.IsSorted(controls) || len(controls) != 5 {
					t.Errorf("control numbers %q", controls)
				}
			})
		})
	}
}

// TestAPartnerWhoWaitsHoldsUpNoOther sends one document to each of two partners, of whom one has
// a rate, a window, and many that wait.
func TestAPartnerWhoWaitsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Rate, p.Window = 1, night })
		fast := r.edi.Partners["ACME"]
		fast.Name, fast.ID, fast.Rate, fast.Window, fast.Notices = "FAST", "FAST", 0, Window{}, []string{site.Owner}
		r.edi.Partners["FAST"] = fast
		r.restart()
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 5, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		r.noLetters()
		for _, p := range box.sets(t, "945") {
			if strings.TrimSpace(p.ISA.Receiver) != "FAST" {
				t.Errorf("a 945 left for %s", p.ISA.Receiver)
			}
		}
		if n := len(box.sets(t, "945")); n != 5 {
			t.Errorf("%d 945s for the other partner, want 5", n)
		}
	})
}

// taps are the copies, and the documents that left.
func (r *rig) taps() (copies, left []string) {
	r.each(func(rec *journal.Record) {
		switch {
		case rec.Topic == onAudit && rec.Type == "document.Outgoing":
			copies = append(copies, rec.Headers["name"])
		case rec.Type == "document.Sent":
			left = append(left, rec.Headers["name"])
		}
	})
	return copies, left
}

func TestATapCopiesWhatLeftOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Tap = true })
		box.down = fault.E("mailbox", fault.Unavailable, errors.New("away"))
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		if copies, _ := r.taps(); len(copies) > 0 {
			t.Fatalf("copies of %q, which have not left", copies)
		}
		box.mu.Lock()
		box.down = nil
		box.mu.Unlock()
		settle(time.Hour)
		copies, left := r.taps()
		slices.Sort(copies)
		slices.Sort(left)
		if len(left) != 4 || !slices.Equal(copies, left) {
			t.Errorf("%q left and %q were copied", left, copies)
		}
		r.each(func(rec *journal.Record) {
			if rec.Topic == onAudit && rec.Type == "document.Outgoing" && !bytes.Equal(rec.Personal, box.out[rec.Headers["name"]]) {
				t.Errorf("the copy of %s is another", rec.Headers["name"])
			}
		})
	})
}

func TestWithoutATapNothingIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		copies, left := r.taps()
		if len(copies) > 0 || len(left) != 2 {
			t.Errorf("%q left and %q were copied", left, copies)
		}
		// Who names neither window nor rate costs no unit for them.
		r.each(func(rec *journal.Record) {
			if rec.Topic == topicHeld || rec.Topic == topicPaced {
				t.Errorf("%s went by way of %s", rec.Type, rec.Topic)
			}
		})
	})
}

func TestPartnersAreToldOfTheOwnersTheyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Notices = []string{site.Owner} })
		for _, name := range []string{"LOGI", "BROKEN", "DEAF"} {
			p := r.edi.Partners["ACME"]
			p.Name, p.ID, p.Notices = name, name, []string{site.Owner}
			switch name {
			case "BROKEN":
				p.ID = strings.Repeat("9", 40) // no ISA holds it
			case "DEAF":
				p.Notices = []string{"SOMEBODY"}
			}
			r.edi.Partners[name] = p
		}
		r.restart()
		r.stock("WIDGET", 100, "P-2")
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		r.place("SO-1", "WIDGET", 1)
		settle(time.Minute)
		var told []string
		for _, p := range box.sets(t, "945") {
			told = append(told, strings.TrimSpace(p.ISA.Receiver)+" "+elements(p, "W06", 2)[0])
		}
		slices.Sort(told)
		// ACME asked for the one, and is told once.
		want := []string{"ACME " + orders[0].Number, "ACME SO-1", "LOGI " + orders[0].Number, "LOGI SO-1"}
		slices.Sort(want)
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		for _, l := range r.letters() {
			if l.Route != "x12.noticed" {
				t.Errorf("letter on %s: %s", l.Route, l.Cause)
			}
		}
		if n := len(r.letters()); n != 2 {
			t.Errorf("%d letters of the partner who cannot be written to, want 2", n)
		}
	})
}

// TestANewNoticeTellsNothingOfThePast ships an order before somebody wants to know.
func TestANewNoticeTellsNothingOfThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		r.stock("WIDGET", 100, "P-2")
		r.place("SO-1", "WIDGET", 1)
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		p := r.edi.Partners["ACME"]
		p.Notices = []string{site.Owner}
		r.edi.Partners["ACME"] = p
		r.restart()
		r.place("SO-2", "WIDGET", 1)
		settle(time.Minute)
		var told []string
		for _, p := range box.sets(t, "945") {
			told = append(told, elements(p, "W06", 2)...)
		}
		if !slices.Equal(told, []string{"SO-2"}) {
			t.Errorf("told of %q", told)
		}
	})
}

// TestADocumentSaysWhichWayItWent reads the history off a copy of what left, and sends a set that
// went in a circle.
func TestADocumentSaysWhichWayItWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t, func(p *Partner) { p.Tap, p.Rate, p.Window = true, 60, Window{0, 12 * time.Hour} })
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		r.noLetters()
		r.each(func(rec *journal.Record) {
			switch {
			case rec.Topic == onAudit && rec.Type == "document.Outgoing" && rec.Headers[eip.Trail] != "x12.window,x12.rate",
				rec.Topic == commands && rec.Headers[eip.Trail] != "x12.inbound,x12.orders":
				t.Errorf("%s went by %q", rec.Type, rec.Headers[eip.Trail])
			}
		})
		far := journal.Record{
			ID: journal.NewID(time.Now(), [10]byte{1}), Type: "x12.Set", Schema: 1, Topic: topicSets, Key: "ACME", Time: time.Now(),
			Headers: map[string]string{"st01": "940", eip.Trail: strings.TrimSuffix(strings.Repeat("x12.refused,x12.inbound,", eip.MaxHops/2), ",")},
		}
		if ref, err := r.bus.Submit(t.Context(), &journal.Unit{Records: []journal.Record{far}}); ref != nil || err != nil {
			t.Fatal(ref, err)
		}
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || letters[0].Route != "x12.inbound" || !strings.Contains(fmt.Sprint(letters[0]), "goes in a circle") {
			t.Errorf("letters: %+v", letters)
		}
	})
}

// The process dies after each unit in turn while documents wait for a window and for their turn,
// and another goes on: each leaves once, is copied once, and keeps its place.
func TestACrashAfterAnyUnitSendsEachDocumentOnce(t *testing.T) {
	afterEachUnit(t, 40, func(t *testing.T, n int) (ended bool) {
		r, box := ediRig(t, func(p *Partner) {
			p.Window, p.Rate, p.Tap = Window{time.Minute, time.Hour}, 2, true
		})
		logi := r.edi.Partners["ACME"]
		logi.Name, logi.ID, logi.Notices = "LOGI", "LOGI", []string{site.Owner}
		r.edi.Partners["LOGI"] = logi
		r.batch = 1
		r.restart()
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 2, MostLine: 1})
		r.crash(n)
		_, err := r.document("940.edi", text)
		settle(5 * time.Minute)
		ended = r.bus.Err() == nil
		if !ended {
			r.restart()
			if _, again := r.document("940.edi", text); again != nil {
				t.Fatalf("first %v, again %v", err, again)
			}
			settle(40 * time.Minute)
		}
		r.noLetters()
		told := map[string]int{}
		for _, p := range box.sets(t, "945") { // each file once, no control number twice
			told[strings.TrimSpace(p.ISA.Receiver)+" "+elements(p, "W06", 2)[0]]++
		}
		for _, o := range orders {
			if told["ACME "+o.Number] != 1 || told["LOGI "+o.Number] != 1 {
				t.Errorf("945s of %s: %v", o.Number, told)
			}
		}
		if n := len(box.sets(t, "997")); n != 1 {
			t.Errorf("%d 997s", n)
		}
		copies, left := r.taps()
		slices.Sort(copies)
		slices.Sort(left)
		if len(left) != 5 || !slices.Equal(copies, left) {
			t.Errorf("%q left and %q were copied", left, copies)
		}
		return ended
	})
}
