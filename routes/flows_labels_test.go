package routes

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

// slow is a carrier whose prices take longer than anybody waits.
type slow struct{ *testCarrier }

func (s slow) Rate(ctx context.Context, _ ship.Parcel) ([]ship.Rate, error) {
	<-ctx.Done()
	return nil, fault.E("slow.Rate", fault.Transient, ctx.Err())
}

func TestTheCheapestThatAnswersInTimeIsBought(t *testing.T) {
	down := fault.E("carrier.Rate", fault.Unavailable, errors.New("closed for the night"))
	no := fault.E("carrier.Rate", fault.Rejected, errors.New("we do not go there"))
	for _, c := range []struct {
		name    string
		ups     error // what the cheapest says to a request for prices
		fedex   error
		want    string // who sold; "" is nobody yet
		letters int
	}{
		{"both answer", nil, nil, "ups", 0},
		{"the cheapest is down", down, nil, "fedex", 0},
		{"the cheapest says no", no, nil, "fedex", 0},
		{"all are down: it is tried again", down, down, "", 0},
		{"all say no: it is a letter", no, no, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fedex, dhl := newCarrier("fedex"), newCarrier("dhl")
				fedex.price, dhl.price = 900, 1
				r := newRig(t, func(cfg *FlowConfig) {
					cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: "fedex", Port: fedex}, CarrierConfig{Name: "dhl", Port: slow{dhl}})
					cfg.Carriers[0].Service = ""
				})
				r.carrier.rate, fedex.rate = c.ups, c.fedex
				if c.letters > 0 {
					dhl.rate = no
					r.flows.cfg.Carriers[2].Port = dhl
				}
				r.stock("A", 5, "P-1")
				r.place("SO-1", "A", 1)
				settle(time.Minute)
				sold := map[string]int{"ups": r.carrier.standing(), "fedex": fedex.standing(), "dhl": dhl.standing()}
				for name, n := range sold {
					if want := map[bool]int{true: 1}[name == c.want]; n != want {
						t.Errorf("%s sold %d, want %d", name, n, want)
					}
				}
				if n := len(r.letters()); n != c.letters {
					t.Errorf("%d letters, want %d: %+v", n, c.letters, r.letters())
				}
				if c.want != "" || c.letters > 0 {
					return
				}
				r.carrier.mu.Lock()
				r.carrier.rate = nil
				r.carrier.mu.Unlock()
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
			})
		})
	}
}

func TestACarrierNobodyConfiguredIsALetterUnlessOneStandsIn(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*FlowConfig)
		carrier string
		letters int
	}{
		"unknown":            {func(*FlowConfig) {}, "ACME", 1},
		"alias in any case":  {func(c *FlowConfig) { c.Carriers[0].Aliases = []string{"UPSN"} }, "upsn", 0},
		"one for all others": {func(c *FlowConfig) { c.OtherCarriers = "ups" }, "ACME", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.change)
				r.stock("A", 5, "P-1")
				p := place("SO-1", lines("A", 1))
				p.Service.Carrier = c.carrier
				r.must(door.Orders, "SO-1", p)
				settle(time.Minute)
				l := r.letters()
				if len(l) != c.letters || c.letters > 0 && (l[0].Place != "service.carrier" || l[0].Kind != "rejected") {
					t.Errorf("letters %+v", l)
				}
				if n := r.carrier.standing(); n != 1-c.letters {
					t.Errorf("%d labels", n)
				}
			})
		})
	}
}

// A carrier that doubles a purchase by itself: the first label is the carton's, the other
// is given back.
func TestASurplusLabelIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.carrier.next(func(do func() ship.Label) (ship.Label, error) {
			do()
			return losesAnswer(do)
		})
		r.place("SO-1", "A", 1)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if r.carrier.standing() != 1 || r.carrier.voided != 1 {
			t.Errorf("%d labels stand, %d voided", r.carrier.standing(), r.carrier.voided)
		}
		r.once()
		r.noLetters()
	})
}

// The order is cancelled while its label is being bought: what is bought is given back.
func TestALabelThatNobodyWantsAnyMoreIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.carrier.next(func(do func() ship.Label) (ship.Label, error) {
			if _, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Cancel{Reason: "customer"}}); err != nil {
				t.Error(err)
			}
			return sells(do)
		})
		r.place("SO-1", "A", 1)
		settle(time.Hour)
		r.status("SO-1", order.StatusCancelled)
		if r.carrier.standing() != 0 || r.carrier.voided != 1 {
			t.Errorf("%d labels stand, %d voided", r.carrier.standing(), r.carrier.voided)
		}
		r.books("A")
		r.noLetters()
	})
}

func TestAShortLabelLiesSealedInItsEventHoweverTheAnswerCame(t *testing.T) {
	for name, how := range map[string]answer{"at once": sells, "lost and asked for": losesAnswer} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 5, "P-1")
				r.carrier.next(how)
				r.place("SO-1", "A", 1)
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				labels := 0
				r.each(func(rec *journal.Record) {
					if strings.Contains(string(rec.Data), "Jo Doe") {
						t.Errorf("%s holds a name in the open", rec.Type)
					}
					if rec.Type != "label.Bought" {
						return
					}
					labels++
					e, err := decodeEvent(r.hub.Registry(), &journal.Record{
						Type: rec.Type, Schema: rec.Schema, Data: rec.Data, Subject: rec.Subject, Personal: rec.Personal,
					})
					if err != nil || !strings.Contains(string(e.(label.Bought).Image), "^XAJo Doe") {
						t.Errorf("the label's bytes: %v, %v", e, err)
					}
				})
				if labels != 1 {
					t.Errorf("%d labels", labels)
				}
			})
		})
	}
}

// printsOnce is a carrier that gives a label's bytes in the answer to its purchase alone.
type printsOnce struct {
	*testCarrier
	early bool  // something was given back while its call could still be read
	void  error // said to the first that is given back
}

func (c *printsOnce) Resolve(ctx context.Context, p ship.Parcel) ([]ship.Label, error) {
	found, err := c.testCarrier.Resolve(ctx, p)
	for i := range found {
		found[i].Format, found[i].Image = "", nil
	}
	return found, err
}

func (c *printsOnce) Void(ctx context.Context, l ship.Label) error {
	c.early = c.early || time.Since(c.buys[0]) < 30*time.Second
	if err := c.void; err != nil {
		c.void = nil
		return err
	}
	return c.testCarrier.Void(ctx, l)
}

func TestALabelWhoseBytesAreLostIsGivenBackAndBoughtAnew(t *testing.T) {
	for name, c := range map[string]struct {
		void    error
		doubled bool
		letters int
		stands  int
	}{
		"given back":               {stands: 1},
		"doubled, both given back": {doubled: true, stands: 1},
		"no answer to giving back": {void: fault.E("carrier.Void", fault.Transient, errors.New("cut")), stands: 1},
		"the carrier wants it not": {void: fault.E("carrier.Void", fault.Rejected, errors.New("scanned")), letters: 1, stands: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var carrier *printsOnce
				r := newRig(t, func(cfg *FlowConfig) {
					carrier = &printsOnce{testCarrier: cfg.Carriers[0].Port.(*testCarrier), void: c.void}
					cfg.Carriers[0].Port = carrier
				})
				r.stock("A", 5, "P-1")
				r.carrier.next(func(do func() ship.Label) (ship.Label, error) {
					if c.doubled {
						do()
					}
					return losesAnswer(do)
				})
				r.place("SO-1", "A", 1)
				settle(time.Hour)
				if n := len(r.letters()); n != c.letters {
					t.Errorf("%d letters, want %d: %+v", n, c.letters, r.letters())
				}
				if r.carrier.standing() != c.stands || carrier.early {
					t.Errorf("%d labels stand, want %d; given back early: %t", r.carrier.standing(), c.stands, carrier.early)
				}
				if c.letters == 0 {
					r.status("SO-1", order.StatusShipped)
					r.once()
				} else if len(r.carrier.buys) != 1 {
					t.Errorf("bought %d times, though the first label stands", len(r.carrier.buys))
				}
			})
		})
	}
}

func TestLabelBytesAreKeptBeforeThePurchaseIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []string
		broken := true
		r := newRig(t, func(c *FlowConfig) {
			c.KeepLabel = func(_ context.Context, image []byte) (string, error) {
				if broken {
					broken = false
					return "", errors.New("disk full")
				}
				kept = append(kept, string(image))
				return "sha256:1", nil
			}
		})
		r.carrier.filler = strings.Repeat(" ", eip.MaxInline)
		r.stock("A", 5, "P-1")
		r.place("SO-1", "A", 1)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if len(kept) != 1 || !strings.Contains(kept[0], "Jo Doe") || r.carrier.standing() != 1 || r.carrier.orders["SO-1"] != 1 {
			t.Errorf("kept %q, %d labels stand, %d sold", kept, r.carrier.standing(), r.carrier.orders["SO-1"])
		}
		var documents []string
		for _, c := range foldOf(r, ship.ConfirmFold, ship.StreamOf(site, "SO-1")).Gone {
			documents = append(documents, foldOf(r, label.Fold, label.StreamOf(site, c.Carton)).Document)
		}
		if !slices.Equal(documents, []string{"sha256:1"}) {
			t.Errorf("documents %v", documents)
		}
	})
}
