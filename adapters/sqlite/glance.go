package sqlite

import (
	"sync"

	"github.com/paklog/hub/core/journal"
)

// glances are what readers looked up and no commit has changed since. A unit is judged twice
// by the same heads and rows, by whoever hands it over and by the writer a moment later: the
// second look is taken from here. Most of what is looked up is new and found to be absent.
type glances struct {
	mu      sync.Mutex
	commits uint64
	streams map[string]streamRow
	rows    map[rowID][]byte // nil: there is none
}

// streamRow is a stream's id and head, zero where there is none.
type streamRow struct {
	id   int64
	head journal.Head
}

// maxGlances bounds each kind; the writer takes what it needs long before.
const maxGlances = 8192

func newGlances() *glances {
	return &glances{streams: map[string]streamRow{}, rows: map[rowID][]byte{}}
}

// begin is called before a look, and its result given to keep.
func (g *glances) begin() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.commits
}

// keep keeps in one of g's maps what was read, unless something was committed since the look
// began: it may have seen the table as it was before.
func keep[K comparable, V any](g *glances, in map[K]V, begun uint64, k K, v V) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if begun != g.commits {
		return
	}
	if len(in) >= maxGlances {
		clear(in)
	}
	in[k] = v
}

// take hands out what one of g's maps keeps: the writer remembers it by itself.
func take[K comparable, V any](g *glances, from map[K]V, k K) (V, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := from[k]
	delete(from, k)
	return v, ok
}

// committed forgets what a batch changed. It follows the commit.
func (g *glances) committed(st *journal.Staged) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commits++
	for i := range st.Heads {
		delete(g.streams, st.Heads[i].Stream)
	}
	for i := range st.Rows {
		delete(g.rows, rowID{st.Rows[i].Table, st.Rows[i].Key})
	}
}
