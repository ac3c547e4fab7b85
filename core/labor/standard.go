// Package labor says how long work takes by labour standards, sets it against the people who
// are planned for a shift, and tells what will miss its cut-off.
package labor

import (
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
)

// Kinds of work that standards are for.
const (
	Pick = "pick"
	Pack = "pack"
)

// Standard is how long a kind of work takes in a zone, in milliseconds. An empty Kind or Zone
// is any.
type Standard struct {
	Kind   string `json:"kind,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Task   int64  `json:"task_ms,omitempty"`   // to begin and end a tour, or a packing
	Line   int64  `json:"line_ms,omitempty"`   // at each place, for each line
	Unit   int64  `json:"unit_ms,omitempty"`   // for each of the item's smallest unit
	Metre  int64  `json:"metre_ms,omitempty"`  // of way
	Carton int64  `json:"carton_ms,omitempty"` // closed
}

// Standards are looked up by the first that fits.
type Standards []Standard

// Work is how much of a kind is to be done.
type Work struct {
	Tasks   int64          `json:"tasks,omitempty"`
	Lines   int64          `json:"lines,omitempty"`
	Units   int64          `json:"units,omitempty"`
	Travel  measure.Length `json:"travel_um,omitempty"`
	Cartons int64          `json:"cartons,omitempty"`
}

// Limits of a standard and of work: their products stay within an int64.
const (
	maxTime = int64(24*time.Hour/time.Millisecond) * 1000
	maxWork = int64(1) << 24
	maxWay  = measure.Length(1) << 44 // 17,000 km
)

// Validate says what is wrong with standards, with its place.
func (s Standards) Validate() error {
	for i, x := range s {
		if x.Kind != "" && x.Kind != Pick && x.Kind != Pack {
			return fault.At("labor.Standards", fault.Invalid, fmt.Sprintf("standards[%d].kind", i), fmt.Errorf("%q is neither %s nor %s", x.Kind, Pick, Pack))
		}
		for _, q := range [...]struct {
			place string
			v     int64
		}{{"task_ms", x.Task}, {"line_ms", x.Line}, {"unit_ms", x.Unit}, {"metre_ms", x.Metre}, {"carton_ms", x.Carton}} {
			if q.v < 0 || q.v > maxTime/1000 {
				return fault.At("labor.Standards", fault.Invalid, fmt.Sprintf("standards[%d].%s", i, q.place), fmt.Errorf("%d is not between 0 and %d", q.v, maxTime/1000))
			}
		}
	}
	return nil
}

// Time is how long one worker needs for work, in milliseconds; what no standard is for takes none.
// Way counts by the started millisecond.
func (s Standards) Time(kind, zone string, w Work) int64 {
	i := slices.IndexFunc(s, func(x Standard) bool { return (x.Kind == "" || x.Kind == kind) && (x.Zone == "" || x.Zone == zone) })
	if i < 0 {
		return 0
	}
	x := s[i]
	n := func(v int64) int64 { return min(max(v, 0), maxWork) }
	const metre = 1000 * int64(measure.Millimetre)
	way := int64(min(max(w.Travel, 0), maxWay))
	return n(w.Tasks)*x.Task + n(w.Lines)*x.Line + n(w.Units)*x.Unit + n(w.Cartons)*x.Carton +
		way/metre*x.Metre + (way%metre*x.Metre+metre-1)/metre
}
