package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

func gift() ship.AskPostage {
	return ship.AskPostage{Connection: "ups", OrderNumber: "GIFT", Weight: measure.Kilogram, Parties: ship.PostageParties{
		To: party.Address{Name: "Jo Doe", Lines: []string{"1 Elm St"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US"},
	}}
}

func keyed(id string, cmd any) door.Ask {
	return door.Ask{Cmd: cmd, Actor: "jo", Key: &door.Key{Scope: "http/jo", ID: id, Hash: sha256.Sum256(fmt.Append(nil, cmd))}}
}

// wish asks for a label under a key, and reads which one it is.
func (r *rig) wish(key string, c ship.AskPostage) (ship.Postage, error) {
	r.t.Helper()
	a := keyed(key, c)
	a.Scope = site
	got, err := r.hub.Call(r.t.Context(), door.Postage, a)
	if err != nil {
		return ship.Postage{}, err
	}
	var p ship.Postage
	if err := json.Unmarshal(got.(door.Reply).Body, &p); err != nil {
		r.t.Fatal(err)
	}
	return p, nil
}

// stands waits until a postage is settled.
func (r *rig) stands(id string, want ship.PostageStatus) ship.Postage {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Hour)
	defer cancel()
	p, image, err := r.flows.Postage(ctx, site, id)
	if err != nil || p.Status != want || (p.Status == ship.PostageIsBought) && len(image) == 0 {
		r.t.Errorf("postage %s is %q (%s) with %d bytes, want %s: %v", id, p.Status, p.Reason, len(image), want, err)
	}
	return p
}

func (r *rig) unwish(id string) error {
	_, err := r.hub.Call(r.t.Context(), door.Postage, door.Ask{Scope: site, ID: id, Cmd: ship.VoidPostage{Reason: "wrong box"}, Actor: "jo"})
	return err
}

func TestALabelOnRequestIsBoughtOncePerKey(t *testing.T) {
	for name, c := range map[string]struct {
		script   []answer
		standing int
		status   ship.PostageStatus
		letters  int
	}{
		"sold":              {nil, 1, ship.PostageIsBought, 0},
		"the answer lost":   {[]answer{losesAnswer}, 1, ship.PostageIsBought, 0},
		"tried again":       {[]answer{fails(fault.Transient, 0)}, 1, ship.PostageIsBought, 0},
		"an outage":         {[]answer{fails(fault.Unavailable, 0), fails(fault.Throttled, time.Second)}, 1, ship.PostageIsBought, 0},
		"refused":           {[]answer{fails(fault.Rejected, 0)}, 0, ship.PostageIsRefused, 0},
		"a carrier doubles": {[]answer{func(do func() ship.Label) (ship.Label, error) { do(); return losesAnswer(do) }}, 1, ship.PostageIsBought, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.carrier.next(c.script...)
				first, err := r.wish("k", gift())
				if err != nil {
					t.Fatal(err)
				}
				again, err := r.wish("k", gift())
				if err != nil || again.ID != first.ID {
					t.Errorf("asked again it is %q, first %q: %v", again.ID, first.ID, err)
				}
				p := r.stands(first.ID, c.status)
				settle(time.Hour)
				if again, err = r.wish("k", gift()); err != nil || again.ID != first.ID {
					t.Errorf("asked at last: %q, %v", again.ID, err)
				}
				settle(time.Minute)
				if n := r.carrier.standing(); n != c.standing || c.status == ship.PostageIsRefused && !strings.Contains(p.Reason, "on purpose") {
					t.Errorf("%d labels stand, reason %q", n, p.Reason)
				}
				other := gift()
				other.Weight++
				if _, err := r.wish("k", other); fault.KindOf(err) != fault.Rejected || err == nil {
					t.Errorf("another parcel under the key: %v", err)
				}
				if n := len(r.letters()); n != c.letters {
					t.Errorf("letters %+v", r.letters())
				}
				r.each(func(rec *journal.Record) {
					if strings.Contains(string(rec.Data), "Jo Doe") {
						t.Errorf("%s holds a name in the open", rec.Type)
					}
				})
			})
		})
	}
}

func TestWishesThatFitNothingAreRefusedAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for name, spoil := range map[string]func(*ship.AskPostage){
			"a carrier nobody knows": func(c *ship.AskPostage) { c.Connection = "dhl" },
			"no weight":              func(c *ship.AskPostage) { c.Weight = 0 },
			"nowhere":                func(c *ship.AskPostage) { c.Parties.To = party.Address{} },
		} {
			c := gift()
			spoil(&c)
			if _, err := r.wish(name, c); fault.KindOf(err) != fault.Invalid || err == nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.unwish("P-9"); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("void of nothing: %v", err)
		}
		if _, _, err := r.flows.Postage(t.Context(), site, "P-9"); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("a look at nothing: %v", err)
		}
		if r.carrier.standing() != 0 {
			t.Error("something was bought")
		}
	})
}

// refusesVoid is a carrier that takes nothing back.
type refusesVoid struct{ *testCarrier }

func (refusesVoid) Void(context.Context, ship.Label) error {
	return fault.E("carrier.Void", fault.Rejected, errors.New("it was scanned"))
}

func TestALabelOnRequestIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p, err := r.wish("k", gift())
		if err != nil {
			t.Fatal(err)
		}
		r.stands(p.ID, ship.PostageIsBought)
		for range 3 {
			if err := r.unwish(p.ID); err != nil {
				t.Error(err)
			}
		}
		r.stands(p.ID, ship.PostageIsVoided)
		if r.carrier.standing() != 0 || r.carrier.voided != 1 {
			t.Errorf("%d stand, %d voided", r.carrier.standing(), r.carrier.voided)
		}
		r.noLetters()
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.flows.cfg.Carriers[0].Port = refusesVoid{r.carrier}
		r.cfg.Carriers[0].Port = refusesVoid{r.carrier}
		r.restart()
		p, err := r.wish("k", gift())
		if err != nil {
			t.Fatal(err)
		}
		r.stands(p.ID, ship.PostageIsBought)
		if err := r.unwish(p.ID); err != nil {
			t.Error(err)
		}
		if p = r.stands(p.ID, ship.PostageIsBought); !strings.Contains(p.Reason, "scanned") {
			t.Errorf("reason %q", p.Reason)
		}
		r.noLetters()
	})
}

// It is taken back while the carrier is away, or while it is being bought: none stands in the end.
func TestALabelThatIsTakenBackBeforeItIsThere(t *testing.T) {
	for name, script := range map[string]func(r *rig, id *string) []answer{
		"before the carrier came back": func(*rig, *string) []answer { return []answer{fails(fault.Unavailable, time.Minute)} },
		"while it is bought": func(r *rig, id *string) []answer {
			return []answer{func(do func() ship.Label) (ship.Label, error) {
				if err := r.unwish(*id); err != nil {
					r.t.Error(err)
				}
				return sells(do)
			}}
		},
		"while its answer is lost": func(r *rig, id *string) []answer {
			return []answer{func(do func() ship.Label) (ship.Label, error) {
				if err := r.unwish(*id); err != nil {
					r.t.Error(err)
				}
				return losesAnswer(do)
			}}
		},
		"before it is refused": func(r *rig, id *string) []answer {
			return []answer{func(do func() ship.Label) (ship.Label, error) {
				if err := r.unwish(*id); err != nil {
					r.t.Error(err)
				}
				return fails(fault.Rejected, 0)(do)
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				var id string
				r.carrier.next(script(r, &id)...)
				// The carrier is asked only once the door has answered.
				if err := r.hub.Pause(t.Context(), "postage.choose", "jo"); err != nil {
					t.Fatal(err)
				}
				p, err := r.wish("k", gift())
				if err != nil {
					t.Fatal(err)
				}
				id = p.ID
				if err := r.hub.Resume(t.Context(), "postage.choose", "jo"); err != nil {
					t.Fatal(err)
				}
				settle(time.Second)
				if err := r.unwish(id); err != nil {
					t.Error(err)
				}
				r.stands(id, ship.PostageIsVoided)
				settle(time.Hour)
				if n := r.carrier.standing(); n != 0 {
					t.Errorf("%d stand", n)
				}
				r.noLetters()
			})
		})
	}
}

func TestPricesOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fedex, dhl, usps := newCarrier("fedex"), newCarrier("dhl"), newCarrier("usps")
		fedex.price, usps.rate = 500, fault.E("carrier.Rate", fault.Rejected, errors.New("we do not go there"))
		r := newRig(t, func(cfg *FlowConfig) {
			cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: "fedex", Port: fedex, Aliases: []string{"FDE"}}, CarrierConfig{Name: "dhl", Port: slow{dhl}}, CarrierConfig{Name: "usps", Port: usps})
		})
		p := ship.Parcel{To: gift().Parties.To, Weight: measure.Kilogram}
		q, err := r.flows.Rates(t.Context(), p, "")
		if err != nil || len(q.Rates) != 2 || q.Rates[0].Connection != "fedex" || q.Rates[1].Connection != "ups" {
			t.Errorf("%+v, %v", q.Rates, err)
		}
		if len(q.Silent) != 2 || q.Silent[0].Connection+q.Silent[0].Kind != "dhltransient" || q.Silent[1].Connection+q.Silent[1].Kind != "uspsrejected" {
			t.Errorf("%+v", q.Silent)
		}
		if q, err := r.flows.Rates(t.Context(), p, "fde"); err != nil || len(q.Rates) != 1 || q.Rates[0].Connection != "fedex" {
			t.Errorf("%+v, %v", q, err)
		}
		for _, bad := range []string{"ACME"} {
			if _, err := r.flows.Rates(t.Context(), p, bad); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "carrier" {
				t.Errorf("%s: %v", bad, err)
			}
			if _, err := r.flows.Track(t.Context(), bad, "1Z"); fault.KindOf(err) != fault.Invalid || err == nil {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if _, err := r.flows.Track(t.Context(), "", "1Z"); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("nobody: %v", err)
		}
		if _, err := r.flows.Track(t.Context(), "ups", "1Z"); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("one that does not track: %v", err)
		}
		for _, carrier := range []string{"", "ups", "ACME"} { // none of these checks addresses
			if _, err := r.flows.CheckAddress(t.Context(), p.To, carrier); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "carrier" {
				t.Errorf("%q: %v", carrier, err)
			}
		}
		p.Weight = 0
		if _, err := r.flows.Rates(t.Context(), p, ""); fault.PlaceOf(err) != "weight_mg" {
			t.Error(err)
		}
	})
}

// Nobody is named: the cheapest sells. All say no: nobody does, and whoever asked is told.
func TestALabelOnRequestGoesToTheCheapest(t *testing.T) {
	no := fault.E("carrier.Rate", fault.Rejected, errors.New("we do not go there"))
	for name, c := range map[string]struct {
		ups, fedex error
		want       ship.PostageStatus
		at         string
	}{
		"both": {nil, nil, ship.PostageIsBought, "fedex"}, "one": {nil, no, ship.PostageIsBought, "ups"}, "none": {no, no, ship.PostageIsRefused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fedex := newCarrier("fedex")
				fedex.price = 500
				r := newRig(t, func(cfg *FlowConfig) { cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: "fedex", Port: fedex}) })
				r.carrier.rate, fedex.rate = c.ups, c.fedex
				w := gift()
				w.Connection = ""
				p, err := r.wish("k", w)
				if err != nil {
					t.Fatal(err)
				}
				if p = r.stands(p.ID, c.want); p.Connection != c.at {
					t.Errorf("at %q", p.Connection)
				}
				r.noLetters()
			})
		})
	}
}

// The process dies after each unit in turn, whoever asked asks again under his key, and takes the
// label back at last: one was bought, and none stands.
func TestACrashAfterAnyUnitOfALabelOnRequestBuysOne(t *testing.T) {
	afterEachUnit(t, 8, func(t *testing.T, n int) (ended bool) {
		r := newRig(t)
		r.carrier.next(losesAnswer)
		r.batch = 1
		r.restart()
		r.crash(n)
		p, err := r.wish("k", gift())
		if err == nil {
			settle(10 * time.Minute)
			_ = r.unwish(p.ID) // whether it was heard shows later
		}
		settle(10 * time.Minute)
		if ended = r.bus.Err() == nil; !ended {
			r.restart()
			if p, err = r.wish("k", gift()); err != nil {
				t.Fatal(err)
			}
			settle(time.Hour)
			if p, _, err = r.flows.Postage(t.Context(), site, p.ID); err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 1}[p.Status == ship.PostageIsBought]; r.carrier.standing() != want {
				t.Errorf("it is %s, and %d labels stand", p.Status, r.carrier.standing())
			}
			if err := r.unwish(p.ID); err != nil {
				t.Fatal(err)
			}
		}
		r.stands(p.ID, ship.PostageIsVoided)
		if r.carrier.standing() != 0 || r.carrier.orders["GIFT"] != 1 {
			t.Errorf("%d stand, %d were bought", r.carrier.standing(), r.carrier.orders["GIFT"])
		}
		r.noLetters()
		return ended
	})
}
