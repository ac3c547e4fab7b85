package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// pagedShop gives two works a page, says how many there are, and fails as often as it is told to.
type pagedShop struct {
	*testShop
	fail int
}

func (s *pagedShop) ids() (out []string) {
	for id := range s.work {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (s *pagedShop) Changed(_ context.Context, _ time.Time, after string) (p shop.Page, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return p, fault.E("shop.Changed", fault.Unavailable, errors.New("the shop is away"))
	}
	from, _ := strconv.Atoi(after) // "" is the first
	ids := s.ids()
	for _, id := range ids[from:min(from+2, len(ids))] {
		if w := s.work[id]; w.Order.Number == "" {
			p.Unread = append(p.Unread, shop.Unread{ID: id, Updated: w.Updated})
		} else {
			p.Work = append(p.Work, w)
		}
	}
	if from+2 < len(ids) {
		p.Next = strconv.Itoa(from + 2)
	}
	return p, nil
}

func (s *pagedShop) Count(context.Context, time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.work), nil
}

// fill puts five orders into the shop, one of which was shipped long ago.
func (s *pagedShop) fill() {
	for i := range 5 {
		s.buy(strconv.Itoa(i), "A", 1)
	}
	w := s.work["w/2"]
	w.State, w.Done = shop.Closed, []shop.LineQty{{Ref: "2/1", Qty: 1}}
	s.work["w/2"] = w
}

func loadRig(t *testing.T) (*rig, *pagedShop) {
	r := newRig(t)
	s := &pagedShop{testShop: newTestShop()}
	s.fill()
	r.shops = []ShopConfig{{Name: "main", Port: s, Scope: site, Poll: 10000 * time.Hour}}
	r.batch = 1
	r.restart()
	r.stock("A", 9, "P-1")
	settle(time.Minute)
	return r, s
}

// The process dies after each unit in turn of a first load, a hint tells of one order beside it, and whoever
// asked asks again: each order is shipped once, and the load goes on where it was.
func TestACrashAfterAnyUnitOfAFirstLoadOrdersOnce(t *testing.T) {
	afterEachUnit(t, 60, func(t *testing.T, n int) (ended bool) {
		r, s := loadRig(t)
		ask := func() {
			_, _ = r.hub.Call(t.Context(), door.Shops, shop.Load{Shop: "main", Since: time.Now().Add(-24 * time.Hour)}) // whether it was heard shows later
		}
		r.crash(n)
		ask()
		_, _ = r.hub.Call(t.Context(), door.Shops, shop.Hint{Shop: "main", ID: "h1", About: "w/3"}) // the same
		settle(time.Hour)
		if ended = r.bus.Err() == nil; ended {
			r.store.SetHook(nil)
		} else {
			r.restart()
			settle(time.Hour)
			ask()
			settle(time.Hour)
		}
		got, err := r.hub.Load(t.Context(), "main")
		if err != nil || got.Done.IsZero() || got.Total != 5 || got.Pages != 3 || got.Read != 5 || got.Past < 1 || got.Bad != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		seen := map[string]int{}
		for _, x := range s.told {
			seen[x.Work]++
		}
		if fmt.Sprint(seen) != "map[w/0:1 w/1:1 w/3:1 w/4:1]" || r.carrier.standing() != 4 {
			t.Errorf("told %v, %d labels", seen, r.carrier.standing())
		}
		r.noLetters()
		return ended
	})
}

// A shop that is away is waited for, one that cannot be read is a letter of its own, and a load that is under
// way is not begun twice unless somebody says so.
func TestAFirstLoadThatMeetsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := loadRig(t)
		if _, err := r.hub.Load(t.Context(), "main"); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("before anybody asked: %v", err)
		}
		if _, err := r.hub.Call(t.Context(), door.Shops, shop.Load{Shop: "other"}); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("of a shop that nobody knows: %v", err)
		}
		s.mu.Lock()
		w := s.work["w/4"]
		w.Order.Number = ""
		s.work["w/4"], s.fail = w, 3
		s.mu.Unlock()
		ask := func(restart bool) shop.LoadReport {
			t.Helper()
			if _, err := r.hub.Call(t.Context(), door.Shops, shop.Load{Shop: "main", Since: time.Now().Add(-24 * time.Hour), Restart: restart}); err != nil {
				t.Fatal(err)
			}
			got, err := r.hub.Load(t.Context(), "main")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		first := ask(false)
		if again := ask(false); !again.Begun.Equal(first.Begun) || !again.Done.IsZero() {
			t.Errorf("%+v", again)
		}
		settle(2 * time.Hour)
		got, err := r.hub.Load(t.Context(), "main")
		if err != nil || got.Done.IsZero() || got.Read != 5 || got.Bad != 1 || got.Past != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if again := ask(true); again.Begun.Equal(first.Begun) {
			t.Errorf("%+v", again)
		}
		settle(time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) != 3 {
			t.Errorf("told %+v", s.told)
		}
	})
}
