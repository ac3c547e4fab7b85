package labor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Limits of a plan.
const (
	MaxShifts  = 50
	MaxStaff   = 200 // entries of a shift
	MaxWorkers = 10_000
	day        = 24 * 60
)

// Shift is when people work on each day. Start and End are minutes from midnight by the clock of
// the building; one that ends at or before its start ends on the day after.
type Shift struct {
	Code  string  `json:"shift"`
	Start int     `json:"start_min"`
	End   int     `json:"end_min"`
	Staff []Staff `json:"staff"`
}

// Staff is how many people of a shift do a kind of work in a zone. An empty Kind or Zone is any
// that no other entry of the plan is for.
type Staff struct {
	Kind    string `json:"kind,omitempty"`
	Zone    string `json:"zone,omitempty"`
	Workers int64  `json:"workers"`
}

// Job is what is still to be done for an order.
type Job struct {
	Owner    string    `json:"owner"`
	Order    string    `json:"order"`
	Wave     string    `json:"wave,omitempty"` // "" while it waits for one
	CutOff   time.Time `json:"cut_off,omitzero"`
	Priority int       `json:"priority,omitempty"`
	Parts    []Part    `json:"parts,omitempty"`
}

// Part is one worker's time for a job's work of a kind in a zone.
type Part struct {
	Kind string `json:"kind"`
	Zone string `json:"zone,omitempty"`
	Time int64  `json:"time_ms"`
}

// Plan replaces the shifts of a building.
type Plan struct {
	scope.Scope
	Shifts []Shift
	By     string
}

// Recalculate sets work against the shifts. Shifts are those of the configuration: where the
// building was given a plan, that counts.
type Recalculate struct {
	scope.Scope
	Shifts []Shift
	Jobs   []Job
	Zone   *time.Location // of the building
}

// Load is the work of a kind in a zone in one shift against what its people have time for.
type Load struct {
	Shift     string    `json:"shift"`
	Kind      string    `json:"kind,omitempty"`
	Zone      string    `json:"zone,omitempty"`
	From      time.Time `json:"from"` // or now, where it is later
	To        time.Time `json:"to"`
	Workers   int64     `json:"workers"`
	Available int64     `json:"available_ms"` // of all of them together
	Work      int64     `json:"work_ms"`
}

// Total is all the work of a kind in a zone. Without staff nobody is planned for it.
type Total struct {
	Kind    string `json:"kind"`
	Zone    string `json:"zone,omitempty"`
	Jobs    int    `json:"jobs"`
	Work    int64  `json:"work_ms"`
	Staffed bool   `json:"staffed"`
}

// Risk is an order that will miss its cut-off, and by how much: at best, for people are taken to
// share a zone's work without a break, the most urgent order first.
type Risk struct {
	Owner  string    `json:"owner"`
	Order  string    `json:"order"`
	Wave   string    `json:"wave,omitempty"`
	CutOff time.Time `json:"cut_off"`
	Finish time.Time `json:"finish,omitzero"` // none: not within the horizon
	Late   int64     `json:"late_ms,omitempty"`
	Kind   string    `json:"kind,omitempty"` // the work that ends last
	Zone   string    `json:"zone,omitempty"`
}

// Head is what every workload event begins with.
type Head struct {
	scope.Scope
	At time.Time `json:"at"`
}

// Stream is the stream of the building's workload.
func (h Head) Stream() string { return StreamOf(h.Scope) }

// Key orders messages about it.
func (h Head) Key() string { return streamOf(h.Scope).Key() }

func streamOf(s scope.Scope) scope.Stream {
	return scope.Stream{Kind: "workload", Tenant: s.Tenant, Owner: scope.Shared, ID: s.Facility}
}

// StreamOf is the stream of the workload of the scope's building.
func StreamOf(s scope.Scope) string { return streamOf(s).String() }

// Planned says who works when.
type Planned struct {
	Head
	Shifts []Shift `json:"shifts"`
	By     string  `json:"by,omitempty"`
}

// Changed is the work as it stands against the shifts.
type Changed struct {
	Head
	Totals []Total `json:"totals,omitempty"`
	Loads  []Load  `json:"loads,omitempty"`
	Risks  []Risk  `json:"risks,omitempty"`
}

// AtRisk says of one order that it will miss its cut-off. It is said again only after the order
// was safe in between.
type AtRisk struct {
	Head
	Risk Risk `json:"risk"`
}

// EventType implements [event.Event].
func (Planned) EventType() string { return "workload.Planned" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "workload.Changed" }

// EventType implements [event.Event].
func (AtRisk) EventType() string { return "workload.AtRisk" }

// Workload is the state of a building's work. The zero Workload has no plan of its own.
type Workload struct {
	Scope   scope.Scope `json:"scope"`
	At      time.Time   `json:"at,omitzero"` // of the last calculation
	Planned bool        `json:"planned,omitempty"`
	Shifts  []Shift     `json:"shifts,omitempty"`
	Totals  []Total     `json:"totals,omitempty"`
	Loads   []Load      `json:"loads,omitempty"`
	Risks   []Risk      `json:"risks,omitempty"`
}

// Fold makes a [Workload].
var Fold = event.Fold[Workload]{Kind: "workload", Version: 1, Apply: apply}

func apply(w Workload, e event.Event) (Workload, error) {
	switch e := e.(type) {
	case Planned:
		w.Scope, w.Planned, w.Shifts = e.Scope, true, e.Shifts
	case Changed:
		w.Scope, w.At, w.Totals, w.Loads, w.Risks = e.Scope, e.At, e.Totals, e.Loads, e.Risks
	case AtRisk: // stands among the risks of the Changed before it
	default:
		return w, event.Unexpected("workload", e)
	}
	return w, nil
}

// Plan replaces the shifts; the same again is no event.
func (w Workload) Plan(c Plan, at time.Time) ([]event.Event, error) {
	const op = "labor.Plan"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := CheckShifts(c.Shifts); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if w.Planned && slices.EqualFunc(w.Shifts, c.Shifts, Shift.equal) {
		return nil, nil
	}
	return []event.Event{Planned{Head{s, at.UTC()}, c.Shifts, c.By}}, nil
}

func (s Shift) equal(t Shift) bool {
	return s.Code == t.Code && s.Start == t.Start && s.End == t.End && slices.Equal(s.Staff, t.Staff)
}

// CheckShifts says what is wrong with shifts, with its place.
func CheckShifts(shifts []Shift) error {
	bad := func(place, format string, a ...any) error {
		return fault.At("labor.Shifts", fault.Invalid, place, fmt.Errorf(format, a...))
	}
	if len(shifts) > MaxShifts {
		return bad("shifts", "has %d entries, at most %d are allowed", len(shifts), MaxShifts)
	}
	seen := map[string]bool{}
	for i, s := range shifts {
		at := fmt.Sprintf("shifts[%d].", i)
		if err := scope.CheckPart(s.Code); err != nil {
			return bad(at+"shift", "%w", err)
		}
		switch {
		case seen[s.Code]:
			return bad(at+"shift", "%q is given twice", s.Code)
		case s.Start < 0 || s.Start >= day:
			return bad(at+"start_min", "%d is not between 0 and %d", s.Start, day-1)
		case s.End < 0 || s.End > day:
			return bad(at+"end_min", "%d is not between 0 and %d", s.End, day)
		case len(s.Staff) > MaxStaff:
			return bad(at+"staff", "has %d entries, at most %d are allowed", len(s.Staff), MaxStaff)
		}
		seen[s.Code] = true
		pairs := map[[2]string]bool{}
		for j, f := range s.Staff {
			at := fmt.Sprintf("%sstaff[%d].", at, j)
			switch pair := [2]string{f.Kind, f.Zone}; {
			case f.Kind != "" && f.Kind != Pick && f.Kind != Pack:
				return bad(at+"kind", "%q is neither %s nor %s", f.Kind, Pick, Pack)
			case f.Workers < 0 || f.Workers > MaxWorkers:
				return bad(at+"workers", "%d is not between 0 and %d", f.Workers, MaxWorkers)
			case pairs[pair]:
				return bad(at+"zone", "%s in zone %q is given twice", f.Kind, f.Zone)
			default:
				pairs[pair] = true
			}
		}
	}
	return nil
}

// Recalculate sets the work against the shifts and says which orders are newly at risk. Where
// neither the work nor the risks are other than before, it is no event.
func (w Workload) Recalculate(c Recalculate, at time.Time) ([]event.Event, error) {
	const op = "labor.Recalculate"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if c.Zone == nil {
		return nil, fault.At(op, fault.Invalid, "zone", errors.New("is the clock of the building"))
	}
	shifts := c.Shifts
	if w.Planned {
		shifts = w.Shifts
	}
	f := newForecast(shifts, at, c.Zone)
	f.run(c.Jobs)
	if slices.Equal(f.totals, w.Totals) && slices.EqualFunc(f.risks, w.Risks, Risk.same) {
		return nil, nil
	}
	h := Head{s, at.UTC()}
	events := []event.Event{Changed{h, f.totals, f.loads, f.risks}}
	was := map[[2]string]bool{}
	for _, r := range w.Risks {
		was[[2]string{r.Owner, r.Order}] = true
	}
	for _, r := range f.risks {
		if !was[[2]string{r.Owner, r.Order}] {
			events = append(events, AtRisk{h, r})
		}
	}
	return events, nil
}

// same takes risks for the same that differ in how late they are.
func (r Risk) same(o Risk) bool {
	return r.Owner == o.Owner && r.Order == o.Order && r.Wave == o.Wave && r.CutOff.Equal(o.CutOff) && r.Kind == o.Kind && r.Zone == o.Zone
}
