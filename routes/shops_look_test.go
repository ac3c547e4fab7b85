package routes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/dlq"
)

// lookedAtShop remembers since when it was looked through, and does as it is told.
type lookedAtShop struct {
	*testShop
	since []time.Time
	does  func(p *shop.Page, after string) error
}

func (s *lookedAtShop) Changed(ctx context.Context, since time.Time, after string) (shop.Page, error) {
	p, err := s.testShop.Changed(ctx, since, after)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = append(s.since, since)
	if s.does != nil {
		err = s.does(&p, after)
	}
	return p, err
}

func (s *lookedAtShop) looks(does func(p *shop.Page, after string) error) (since []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, s.since, s.does = s.since, nil, does
	return since
}

func lookRig(t *testing.T, does func(p *shop.Page, after string) error) (*rig, *lookedAtShop) {
	r := newRig(t)
	s := &lookedAtShop{testShop: newTestShop(), does: does}
	r.shops = []ShopConfig{{Name: "main", Port: s, Scope: site, Poll: time.Minute, First: time.Hour, Overlap: time.Minute}}
	r.restart()
	r.stock("A", 9, "P-1")
	if _, err := r.hub.Call(t.Context(), door.Shops, shop.Hint{Shop: "main"}); err != nil {
		t.Fatal(err)
	}
	return r, s
}

// What changed before a shop's first looks failed is not passed over, however long they fail.
func TestLooksThatFailDoNotMoveTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := lookRig(t, func(*shop.Page, string) error {
			return fault.E("shop.Changed", fault.Invalid, errors.New("it is no list"))
		})
		settle(3 * time.Hour)
		failed := s.looks(nil)
		s.buy("1", "A", 1)
		settle(5 * time.Minute)
		then := s.looks(nil)
		if len(failed) < 100 || len(then) < 3 {
			t.Fatalf("%d looks, then %d", len(failed), len(then))
		}
		for _, at := range failed {
			if !at.Equal(failed[0]) {
				t.Fatalf("looks that failed went from %s to %s", failed[0], at)
			}
		}
		s.mu.Lock()
		seen := s.work["w/1"].Updated
		s.mu.Unlock()
		if !then[0].Equal(failed[0]) || !then[len(then)-1].Equal(seen.Add(-time.Minute)) {
			t.Errorf("from %s, then %s, want %s and %s", then[0], then[len(then)-1], failed[0], seen.Add(-time.Minute))
		}
		r.accepted("S-1")
	})
}

// A shop whose cursors go round, in a circle of any length, is a letter and no look that never ends.
func TestALookThatGoesRoundEnds(t *testing.T) {
	for _, circle := range []string{"ab", "abc", "sabcdefg"} {
		t.Run(circle, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				r, s := lookRig(t, nil)
				settle(30 * time.Second)
				s.looks(func(p *shop.Page, after string) error {
					calls++
					i := strings.Index(circle, after) + 1
					if i == len(circle) {
						i = strings.Index(circle, "a") // what stands before is seen once
					}
					if after == "" {
						i = 0
					}
					p.Next = circle[i : i+1]
					return nil
				})
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || !strings.Contains(l[0].Cause, "have no end") || calls > 4*len(circle) {
					t.Errorf("%d calls, letters %v", calls, r.lettersText())
				}
				s.looks(nil)
				settle(15 * time.Minute)
				r.noLetters()
			})
		})
	}
}

// An order that does not even say which it is is one letter, and holds up no other.
func TestAnOrderWithoutAnIDHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := lookRig(t, func(p *shop.Page, _ string) error {
			p.Unread = append(p.Unread, shop.Unread{Why: "order 2 of a page: the order has no id"})
			return nil
		})
		s.buy("1", "A", 1)
		settle(10 * time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "the order has no id") {
			t.Errorf("letters %v", r.lettersText())
		}
		r.accepted("S-1")
	})
}

func (r *rig) accepted(number string) {
	r.t.Helper()
	if o := r.order(number); !o.Exists() {
		r.t.Errorf("order %s was not taken", number)
	}
}

// A feed that cannot be read is one letter, which counts the looks, until its cause changes or it can be read again.
func TestAFeedThatCannotBeReadIsOneLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := func(kind fault.Kind, why string) func(*shop.Page, string) error {
			looks := 0
			return func(*shop.Page, string) error {
				looks++
				return fault.E("shop.Changed", kind, fmt.Errorf("request %d: %s", looks, why))
			}
		}
		r, s := lookRig(t, fails(fault.Invalid, "it is no list"))
		times := func(when, why string) (id string) {
			t.Helper()
			failed := len(s.looks(s.does))
			l := r.letters()
			if len(l) != 1 || !strings.Contains(l[0].Cause, why) || l[0].Times != failed || failed < 50 || len(l[0].Attempts) != 20 || l[0].Opening != 1 {
				t.Fatalf("%s: %d looks, letters %+v", when, failed, l)
			}
			return l[0].ID
		}
		settle(time.Hour)
		first := times("at first", "it is no list")

		s.looks(fails(fault.Rejected, "this key may not read orders"))
		settle(time.Hour)
		second := times("of another cause", "may not read")
		r.restart()
		s.looks(fails(fault.Rejected, "this key may not read orders"))
		settle(10 * time.Minute)
		if l := r.letters(); first == second || len(l) != 1 || l[0].ID != second || l[0].Times < 60 {
			t.Fatalf("%s, then %s, and after a restart %+v", first, second, l)
		}

		// A person who replays it sees that it fails still; it counts on.
		if err := r.hub.Desk().Replay(t.Context(), second, 1, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(5 * time.Minute)
		if l := r.letters(); len(l) != 1 || l[0].Opening != 2 || l[0].Times < 70 {
			t.Fatalf("replayed in vain: %+v", l)
		}
		s.looks(nil)
		s.buy("1", "A", 1)
		settle(5 * time.Minute)
		r.noLetters()
		r.accepted("S-1")
		s.looks(fails(fault.Rejected, "this key may not read orders"))
		settle(5 * time.Minute)
		if l := r.letters(); len(l) != 1 || l[0].ID == second {
			t.Errorf("it fails anew, and the letters are %+v", l)
		}
	})
}

// slowShop takes 50 s for each of ten pages.
type slowShop struct {
	*testShop
	begun  int
	broken bool // on its third page
}

func (s *slowShop) Changed(ctx context.Context, since time.Time, after string) (shop.Page, error) {
	elapse(50 * time.Second)
	s.mu.Lock()
	broken := s.broken
	if after == "" {
		after = "a"
		s.begun++
	}
	s.mu.Unlock()
	if broken && after == "c" {
		return shop.Page{}, fault.E("shop.Changed", fault.Invalid, errors.New("it is no list"))
	}
	if after == "j" {
		return s.testShop.Changed(ctx, since, after)
	}
	return shop.Page{Next: string(after[0] + 1)}, nil
}

func (s *slowShop) looks(broken bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
	return s.begun
}

// While a look of many pages is under way no other begins, and one that stopped in the middle is not waited for.
func TestLooksDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := &slowShop{testShop: newTestShop()}
		r.shops = []ShopConfig{{Name: "main", Port: s, Scope: site, Poll: time.Minute, First: time.Hour, Overlap: time.Minute}}
		r.restart()
		r.stock("A", 9, "P-1")
		if _, err := r.hub.Call(t.Context(), door.Shops, shop.Hint{Shop: "main"}); err != nil {
			t.Fatal(err)
		}
		settle(8 * time.Minute)
		if n := s.looks(false); n != 1 {
			t.Errorf("%d looks within the first", n)
		}
		settle(80 * time.Minute)
		was := s.looks(true)
		if was < 8 || was > 11 {
			t.Errorf("%d looks of 500 s in 88 minutes", was)
		}
		settle(time.Hour)
		if n := s.looks(false) - was; n < 3 || len(r.letters()) != 1 {
			t.Errorf("%d looks in an hour that each stopped in the middle, letters %v", n, r.lettersText())
		}
		s.buy("1", "A", 1)
		settle(40 * time.Minute)
		r.accepted("S-1")
		r.noLetters()
	})
}

// Work that does not say where it is to leave from, while some of the shop's places are ours, is a letter.
func TestWorkWithoutAPlaceIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newTestShop()
		r.shops = []ShopConfig{{Name: "main", Port: s, Scope: site, Poll: time.Minute, First: time.Hour, Overlap: 5 * time.Minute, Locations: map[string]string{"Berlin": site.Facility}}}
		r.restart()
		r.stock("A", 9, "P-1")
		replay := func(l dlq.Entry) {
			t.Helper()
			if err := r.hub.Desk().Replay(t.Context(), l.ID, l.Opening, "ann"); err != nil {
				t.Fatal(err)
			}
		}
		at := func(id, place string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			w := s.work["w/"+id]
			w.Location, w.Updated = place, w.Updated.Add(time.Second)
			s.work["w/"+id] = w
		}
		s.buy("1", "A", 1)
		at("1", "")
		s.buy("2", "A", 1)
		at("2", "Berlin")
		s.buy("3", "A", 1)
		at("3", "Paris") // somebody else's
		if _, err := r.hub.Call(t.Context(), door.Shops, shop.Hint{Shop: "main"}); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Minute)
		r.accepted("S-2")
		l := r.letters()
		if len(l) != 1 || l[0].Place != "location" || !strings.Contains(l[0].Cause, "order S-1 of shop main does not say which place") || r.order("S-3").Exists() {
			t.Fatalf("letters %v", r.lettersText())
		}
		replay(l[0])
		settle(time.Minute)
		if l = r.letters(); len(l) != 1 || l[0].Opening != 2 {
			t.Fatalf("replayed in vain: %v", r.lettersText())
		}
		at("1", "Berlin")
		replay(l[0])
		settle(2 * time.Minute)
		r.accepted("S-1")
		r.noLetters()

		// One that loses its place is not taken for one that went elsewhere.
		s.buy("4", "A", 1)
		s.mu.Lock()
		held := s.work["w/4"]
		held.State, held.Location = shop.Held, "Berlin" // so it does not leave meanwhile
		s.work["w/4"] = held
		s.mu.Unlock()
		settle(2 * time.Minute)
		r.accepted("S-4")
		at("4", "")
		settle(2 * time.Minute)
		if o := r.order("S-4"); o.Closed() || len(r.letters()) != 1 {
			t.Errorf("order %+v, letters %v", o.Status(), r.lettersText())
		}
	})
}
