package routes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/shop"
)

// testShop is a shop with a ledger of its own: what it was told is the ground truth.
type testShop struct {
	mu    sync.Mutex
	work  map[string]shop.Work
	told  []shop.Shipment
	lose  int // so many of the next answers about shipments
	level map[string]int64
}

func newTestShop() *testShop {
	return &testShop{work: map[string]shop.Work{}, level: map[string]int64{}}
}

// buy puts an order into the shop, an hour ago.
func (s *testShop) buy(id, sku string, qty int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := place("S-"+id, []order.PlaceLine{{Ref: id + "/1", Item: sku, Qty: qty}})
	s.work["w/"+id] = shop.Work{ID: "w/" + id, State: shop.Open, Updated: time.Now().Add(-time.Hour).UTC(), Location: "l", Order: p}
}

func (s *testShop) Read(_ context.Context, id string) ([]shop.Work, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.work[id]; ok {
		return []shop.Work{w}, nil
	}
	return nil, nil
}

func (s *testShop) Changed(context.Context, time.Time, string) (shop.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p shop.Page
	for _, w := range s.work {
		p.Work = append(p.Work, w)
	}
	return p, nil
}

func (s *testShop) Ship(_ context.Context, sh shop.Shipment) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.work[sh.Work]
	for _, l := range sh.Lines {
		w.Done = addTo(w.Done, l.Ref, l.Qty)
		if w.DoneOf(l.Ref) > w.Order.Lines[0].Qty {
			return "", fault.E("shop.Ship", fault.Rejected, errors.New("more than is left"))
		}
	}
	w.State = shop.Closed
	s.work[sh.Work], s.told = w, append(s.told, sh)
	if s.lose > 0 {
		s.lose--
		return "", fault.E("shop.Ship", fault.Unknown, errors.New("the answer was lost"))
	}
	return "f/1", nil
}

func (s *testShop) Shipped(_ context.Context, sh shop.Shipment) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range sh.After {
		if s.work[sh.Work].DoneOf(l.Ref) < l.Qty {
			return "", false, nil
		}
	}
	return "f/1", true, nil
}

func (s *testShop) Levels(_ context.Context, place string, items []string) (out []shop.Level, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sku := range items {
		if n, ok := s.level[sku]; ok {
			out = append(out, shop.Level{Item: sku, Location: place, OnHand: n})
		}
	}
	return out, nil
}

func (s *testShop) SetLevels(_ context.Context, _ string, set []shop.Level) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range set {
		s.level[l.Item] = l.OnHand
	}
	return nil, nil
}

// look asks for a look through the books, and waits for it.
func (r *rig) look(repair bool) shop.DriftReport {
	r.t.Helper()
	if _, err := r.hub.Call(r.t.Context(), door.Shops, shop.Reconcile{Shop: "main", Repair: repair}); err != nil {
		r.t.Fatal(err)
	}
	settle(time.Hour)
	got, err := r.hub.Drift(r.t.Context(), "main")
	if err != nil || got.Done.IsZero() {
		r.t.Fatalf("%+v, %v", got, err)
	}
	return got
}

// The process dies after each unit in turn, of a look that sets right an order that nobody told of and
// stock that somebody typed over; whoever asked asks again: the shop is told of one shipment, and nothing
// differs.
func TestACrashAfterAnyUnitOfALookSetsRightOnce(t *testing.T) {
	afterEachUnit(t, 40, func(t *testing.T, n int) (ended bool) {
		r := newRig(t)
		s := newTestShop()
		r.shops = []ShopConfig{{
			Name: "main", Port: s, Scope: site, Locations: map[string]string{"l": site.Facility}, Poll: 10000 * time.Hour,
			Stock: ShopStock{Within: time.Second}, Drift: ShopDrift{Late: time.Minute},
		}}
		r.batch = 1
		r.restart()
		r.stock("A", 5, "P-1")
		settle(time.Minute)
		s.buy("7", "A", 2)
		s.mu.Lock()
		s.level["A"], s.lose = 99, 1
		s.mu.Unlock()
		r.crash(n)
		_, _ = r.hub.Call(t.Context(), door.Shops, shop.Reconcile{Shop: "main", Repair: true}) // whether it was heard shows later
		settle(time.Hour)
		if ended = r.bus.Err() == nil; ended {
			r.store.SetHook(nil)
		} else {
			r.restart()
			settle(time.Hour)
			r.look(true)
		}
		got := r.look(false)
		if len(got.Found) != 0 || got.Orders != 1 || got.Items != 1 {
			t.Errorf("%+v", got)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 1 || s.told[0].Lines[0].Qty != 2 || s.level["A"] != 3 {
			t.Errorf("told %+v, stock %v", s.told, s.level)
		}
		if r.carrier.standing() != 1 {
			t.Errorf("%d labels stand", r.carrier.standing())
		}
		r.noLetters()
		return ended
	})
}

func TestWhatALookFinds(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(s *testShop)
		want  string
	}{
		"nothing":                    {func(*testShop) {}, "[]"},
		"the shop counts no more":    {func(s *testShop) { w := s.work["w/7"]; w.Done = nil; s.work["w/7"] = w }, "[shipments missing 2 0]"},
		"somebody shipped there":     {func(s *testShop) { w := s.work["w/7"]; w.Done[0].Qty = 3; s.work["w/7"] = w }, "[shipments extra 2 3]"},
		"stock that was typed over":  {func(s *testShop) { s.level["A"] = 1 }, "[stock quantity 3 1]"},
		"within the tolerance":       {func(s *testShop) { s.level["A"] = 4 }, "[]"},
		"an item that it stocks not": {func(s *testShop) { delete(s.level, "A") }, "[stock missing 3 0]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				s := newTestShop()
				r.shops = []ShopConfig{{
					Name: "main", Port: s, Scope: site, Locations: map[string]string{"l": site.Facility}, Poll: 10000 * time.Hour,
					Stock: ShopStock{Within: time.Second}, Drift: ShopDrift{Late: time.Minute, Stock: 1},
				}}
				r.restart()
				r.stock("A", 5, "P-1")
				s.buy("7", "A", 2)
				if got := r.look(true); len(got.Found) == 0 || got.Found[0].Kind != shop.Missing {
					t.Errorf("%+v", got.Found)
				}
				settle(time.Hour)
				s.mu.Lock()
				c.spoil(s)
				s.mu.Unlock()
				found := []string{}
				for _, f := range r.look(false).Found {
					found = append(found, fmt.Sprintf("%s %s %d %d", f.About, f.Kind, f.Ours, f.Theirs))
				}
				if fmt.Sprint(found) != c.want {
					t.Errorf("%v, want %s", found, c.want)
				}
				r.look(true)
				if got := r.look(false); len(got.Found) > 0 && c.want != "[stock missing 3 0]" {
					t.Errorf("it is not set right: %+v", got.Found)
				}
				r.noLetters()
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.shops = []ShopConfig{{Name: "main", Port: newTestShop(), Scope: site, Poll: 10000 * time.Hour}}
		r.restart()
		if _, err := r.hub.Call(t.Context(), door.Shops, shop.Reconcile{Shop: "other"}); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("of a shop that nobody knows: %v", err)
		}
		if _, err := r.hub.Drift(t.Context(), "main"); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("before anybody looked: %v", err)
		}
	})
}
