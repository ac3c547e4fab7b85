package routes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

// work is the process manager's state of one order: where its goods are. It changes in the
// same unit as the order's own counters and the stock, so that for each line Places and
// open tasks hold what the order calls allocated, Totes and the open packing what is picked,
// and Cartons what is packed or gone.
type work struct {
	Places  []piece        `json:"places,omitempty"` // allocated, and in no task
	Tasks   []string       `json:"tasks,omitempty"`  // that are not ended
	Totes   []pack.Content `json:"totes,omitempty"`  // picked, and in no packing
	Pack    string         `json:"pack,omitempty"`   // the open packing
	Cartons []carton       `json:"cartons,omitempty"`
	Homes   []home         `json:"homes,omitempty"`
	Told    []toldShort    `json:"told,omitempty"`  // shortages that a shipment was planned with
	Begun   string         `json:"begun,omitempty"` // the released wave that the task service took up
	Sort    bool           `json:"sort,omitempty"`  // its goods come together in a slot before they are packed
	Slot    string         `json:"slot,omitempty"`  // that slot
	TaskNo  int            `json:"task_no,omitempty"`
	PackNo  int            `json:"pack_no,omitempty"`
}

// piece is a quantity of a line that was given a place.
type piece struct {
	Line  int             `json:"line"`
	Item  string          `json:"item"`
	Place inventory.Place `json:"place"`
	Qty   int64           `json:"qty"`
}

// carton is a closed carton and what its label must know.
type carton struct {
	SSCC     string         `json:"sscc"`
	Contents []pack.Content `json:"contents"`
	Dims     measure.Dims   `json:"dims"`
	Weight   measure.Mass   `json:"weight_mg"`
}

// home is where goods were last picked from, and so are put back to.
type home struct {
	Item  string          `json:"item"`
	Place inventory.Place `json:"place"`
}

// toldShort is how much of a line was told to be short.
type toldShort struct {
	Line int   `json:"line"`
	Qty  int64 `json:"qty"`
}

type heldWork struct {
	work
	old   journal.State
	dirty bool
}

func workKey(s scope.Scope, number string) string { return "work/" + order.KeyOf(s, number) }

// work is the order's state; keep it with changed.
func (d *decision) work(s scope.Scope, number string) *heldWork {
	key := workKey(s, number)
	if w := d.works[key]; w != nil {
		return w
	}
	w := &heldWork{}
	w.old, _ = d.stored(key)
	if seen, ok := d.f.seen.find(key, w.old.Data); ok {
		w.work = seen
	} else if d.decoded(key, w.old, &w.work) {
		d.f.seen.keep(key, w.old.Data, w.work)
	}
	enter(&d.works, key, w)
	return w
}

// seenWorks are the works that were decoded last. Several routes look into an order's work at each
// of its events, and an order of many cartons does once to choose and once to manifest each label:
// mostly nothing of it changed meanwhile.
type seenWorks struct {
	mu   sync.Mutex
	last map[string]seenWork
	size int // of all data
}

// mostSeen is how much stored work is kept decoded.
const mostSeen = 2 << 20

type seenWork struct {
	data []byte // what it was decoded from: versions come again after a refusal, with other content
	work work
}

func (s *seenWorks) find(key string, data []byte) (work, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, seen := s.last[key]
	if !seen || !bytes.Equal(x.data, data) {
		return work{}, false
	}
	return x.work.clone(), true
}

func (s *seenWorks) keep(key string, data []byte, w work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size += len(data) - len(s.last[key].data)
	enter(&s.last, key, seenWork{data, w.clone()})
	for old, x := range s.last { // whichever: one that is asked for again is decoded again
		if s.size <= mostSeen {
			return
		}
		if old != key {
			delete(s.last, old)
			s.size -= len(x.data)
		}
	}
}

// clone is a work that may be changed. What its lists hold lists of is never changed in place.
func (w work) clone() work {
	w.Places, w.Tasks, w.Totes = slices.Clone(w.Places), slices.Clone(w.Tasks), slices.Clone(w.Totes)
	w.Cartons, w.Homes, w.Told = slices.Clone(w.Cartons), slices.Clone(w.Homes), slices.Clone(w.Told)
	return w
}

func (w *heldWork) changed() { w.dirty = true }

// keepWorks writes the states that changed, in the order of their keys so that a re-run
// makes the same unit, and the queue of tasks.
func (d *decision) keepWorks() {
	d.keepQueue()
	for _, key := range inOrder(d.works) {
		if w := d.works[key]; w.dirty {
			d.out.SetState(key, w.old, w.work)
			if d.out.err == nil {
				d.f.seen.keep(key, d.out.States[len(d.out.States)-1].Data, w.work)
			}
		}
	}
}

func (w *work) homeOf(item, lot string) (inventory.Place, bool) {
	for _, h := range w.Homes {
		if h.Item == item && h.Place.Lot == lot {
			return h.Place, true
		}
	}
	return inventory.Place{}, false
}

func (w *work) settle(item string, p inventory.Place) {
	for i := range w.Homes {
		if w.Homes[i].Item == item && w.Homes[i].Place.Lot == p.Lot {
			w.Homes[i].Place = p
			return
		}
	}
	w.Homes = append(w.Homes, home{item, p})
}

// addContent adds up contents of one line, lot and tote.
func addContent(list []pack.Content, c pack.Content) []pack.Content {
	for i := range list {
		x := &list[i]
		if x.Line == c.Line && x.Item == c.Item && x.Lot == c.Lot && x.Tote == c.Tote {
			x.Qty += c.Qty
			x.Serials = slices.Concat(x.Serials, c.Serials)
			return list
		}
	}
	return append(list, c)
}

func (w *work) dropTask(id string) {
	w.Tasks = slices.DeleteFunc(w.Tasks, func(t string) bool { return t == id })
}

func (w *work) carton(sscc string) (carton, bool) {
	for _, c := range w.Cartons {
		if c.SSCC == sscc {
			return c, true
		}
	}
	return carton{}, false
}

// nameOf names the n-th thing of an order. A number too long for a name is hashed.
func nameOf(prefix, number string, n int) string {
	s := fmt.Sprintf("%s%d-%s", prefix, n, number)
	if len(s) > scope.MaxPart-8 {
		sum := sha256.Sum256([]byte(number))
		s = fmt.Sprintf("%s%d-%s", prefix, n, hex.EncodeToString(sum[:16]))
	}
	return s
}
