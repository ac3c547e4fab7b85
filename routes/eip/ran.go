package eip

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Ran is which blocks a route has run. A block notes itself whenever it runs, so what a route
// says of its patterns can be held to what it does. The zero value is ready, a nil one notes nothing.
type Ran struct{ names atomic.Pointer[[]string] }

// Note adds the name of a pattern.
func (r *Ran) Note(name string) {
	if r == nil {
		return
	}
	for {
		had := r.names.Load()
		if had != nil && slices.Contains(*had, name) {
			return
		}
		names := []string{name}
		if had != nil {
			names = append(names, *had...)
		}
		slices.Sort(names)
		if r.names.CompareAndSwap(had, &names) {
			return
		}
	}
}

// Names are the patterns whose blocks ran, sorted.
func (r *Ran) Names() []string {
	if names := r.names.Load(); names != nil {
		return slices.Clone(*names)
	}
	return nil
}

// Made reports whether the pattern is made by a block of this package, which notes itself.
func (p Pattern) Made() bool { return strings.HasPrefix(p.Code, "eip.") }
