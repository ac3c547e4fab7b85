package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/scope"
)

// shelfIndex remembers of each building's places of storage what they are and whether they are
// empty, so that nobody reads all of them to find room. It says where to look and nothing more:
// who chooses a place reads it as it stands, and the unit is bound to that.
//
// It is read from the disk once. After that the places that units were decided about lately are
// read anew each time, for as long as such a unit may still be refused or be run again.
type shelfIndex struct {
	mu sync.Mutex
	of map[string]*shelfList // by a building's prefix
}

type shelfList struct {
	built  bool
	fac    facility.Spec         // by which the places' zones and storage types are
	places map[string]*shelfHint // none is changed: others may look at them
	walk   []*shelfHint          // in the order of the walk, nil when it must be made
	lately map[string]time.Time  // by key: when a unit was last decided that writes it
}

type shelfHint struct {
	shelfState
	place putaway.Place
	at    int // in the walk
}

// unsettled is how long a decided unit may take to be accepted or run again.
const unsettled = 10 * time.Second

func (x *shelfIndex) list(prefix string) *shelfList {
	l := x.of[prefix]
	if l == nil {
		l = &shelfList{places: map[string]*shelfHint{}, lately: map[string]time.Time{}}
		if x.of == nil {
			x.of = map[string]*shelfList{}
		}
		x.of[prefix] = l
	}
	return l
}

// touch notes that a unit was decided that writes a place.
func (x *shelfIndex) touch(prefix, key string, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.list(prefix).lately[key] = now
}

// room is every active place of storage of a building, or of quarantine, the empty ones and those where something
// lies or lay, or is coming; but leaves some out.
func (x *shelfIndex) room(d *decision, s scope.Scope, fac facility.Spec, held bool, but map[string]bool) (empty, shared []*putaway.Place) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.list(shelvesPrefix(s))
	if !l.built {
		if err := l.build(d.ctx, d.f.hub.bus.Driver(), shelvesPrefix(s)); err != nil {
			d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading the places of storage: %w", err)))
			return nil, nil
		}
		l.fac = facility.Spec{}
	}
	for key, at := range l.lately {
		row, err := d.m.Row(d.ctx, journal.TableState, key)
		if err == nil {
			err = l.set(key, row)
		}
		if err != nil {
			d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading %s: %w", key, err)))
			return nil, nil
		}
		if d.m.Now.Sub(at) > unsettled {
			delete(l.lately, key)
		}
	}
	if !reflect.DeepEqual(l.fac, fac) {
		l.fac = fac
		for key, h := range l.places {
			is := *h
			is.place.Spec = fac.Effective(h.Spec)
			l.places[key] = &is
		}
		l.walk = nil
	}
	if l.walk == nil {
		l.walk = slices.SortedFunc(maps.Values(l.places), func(a, b *shelfHint) int {
			return cmp.Or(cmp.Compare(a.Spec.Sequence, b.Spec.Sequence), cmp.Compare(a.Code, b.Code))
		})
		for i, h := range l.walk {
			h.at = i
		}
	}
	for _, h := range l.walk {
		switch {
		case but[h.Code] || !mayLie(h.Spec, held) || h.Status != location.StatusActive:
		case len(h.Items)+len(h.Coming) == 0:
			empty = append(empty, &h.place)
		default: // who lay there may be gone
			shared = append(shared, &h.place)
		}
	}
	return empty, shared
}

func (l *shelfList) build(ctx context.Context, driver journal.Scanner, prefix string) error {
	for after := ""; ; {
		rows, err := driver.Scan(ctx, journal.TableState, prefix, after, 1000)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.Key
			if err := l.set(r.Key, r.Value); err != nil {
				return err
			}
		}
		if len(rows) < 1000 {
			l.built = true
			return nil
		}
	}
}

// set takes a row as it stands; none is no place.
func (l *shelfList) set(key string, row []byte) error {
	st, err := journal.DecodeState(row)
	if err != nil {
		return err
	}
	was := l.places[key]
	if st.Data == nil {
		if was != nil {
			delete(l.places, key)
			l.walk = nil
		}
		return nil
	}
	h := &shelfHint{}
	if err := json.Unmarshal(st.Data, &h.shelfState); err != nil {
		return err
	}
	h.place = putaway.Place{Location: h.Code, Status: h.Status, Spec: l.fac.Effective(h.Spec)}
	l.places[key] = h
	if was == nil || was.Spec.Sequence != h.Spec.Sequence {
		l.walk = nil
	} else if l.walk != nil {
		h.at = was.at
		l.walk[h.at] = h
	}
	return nil
}
