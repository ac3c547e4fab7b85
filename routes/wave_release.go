package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// floorState is what the releaser knows of one building.
type floorState struct {
	Waiting []string               `json:"waiting,omitempty"` // planned waves that go when there is room
	On      map[string]wave.Limits `json:"on,omitempty"`      // what released waves have open
	// Served are the workers for whom a wave was released, and when: until they ask again.
	Served map[string]time.Time `json:"served,omitempty"`
}

// workerFree is the message that a worker asked for work and got none; it is published where
// some template waits for that.
const (
	onFreeWorkers = "free-workers"
	workerFree    = "worker.Free"
)

// freeFor is how long who asked for work counts as free.
const freeFor = 10 * time.Minute

// releaseLook is the timer that looks again at waves that wait for people on shift.
const releaseLook = "wave.ReleaseLook"

// releaseEvery is how often it does.
const releaseEvery = time.Minute

func (f *Flows) addWaveReleasing() error {
	return f.hub.Add(Route{
		Name: "wave.release", About: "releases planned waves as the floor has room for them",
		// One at a time: all that it decides goes through one state a building.
		Topics: []string{onWaves, onFreeWorkers}, Handle: f.releaseWaves, Parallel: 1, Parking: Parking{Independent: true},
		Types:  append(takes(wave.Planned{}, wave.OrderAdded{}, wave.Released{}, wave.OrderFinished{}, wave.Completed{}, wave.Cancelled{}), workerFree),
		Writes: []string{onWaves},
	})
}

// releaseWaves notes what became of a wave and releases those that there is room for, by cut-off
// and priority. Nothing is kept of buildings where no template bounds the floor.
func (f *Flows) releaseWaves(ctx context.Context, m *Message) (*Out, error) {
	var h wave.Head
	switch e := m.Event.(type) {
	case wave.Planned:
		h = e.Head
	case wave.OrderAdded:
		h = e.Head
	case wave.Released:
		h = e.Head
	case wave.OrderFinished:
		h = e.Head
	case wave.Completed:
		h = e.Head
	case wave.Cancelled:
		h = e.Head
	case nil: // somebody is free, or it is time to look again
		if err := m.Decode(&h.Scope); err != nil {
			return nil, err
		}
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	var st floorState
	key := "floor/" + scope.Join(h.Tenant, h.Facility)
	old, kept := d.state(key, &st)
	// What waits since there was a bound goes once there is none.
	if !kept && !slices.ContainsFunc(f.templates, func(t WaveTemplate) bool { return t.bounded() }) {
		return d.done()
	}
	before, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	if h.Wave != "" {
		d.note(&st, h)
	}
	d.releaseWhatFits(&st, h.Scope)
	if after, err := json.Marshal(st); err == nil && string(after) != string(before) {
		d.out.SetState(key, old, st)
	}
	return d.done()
}

// note takes a wave into the state as it stands.
func (d *decision) note(st *floorState, h wave.Head) {
	w := d.wave(h.Scope, h.Wave)
	t := d.f.template(w.Template)
	st.Waiting = slices.DeleteFunc(st.Waiting, func(id string) bool { return id == h.Wave })
	st.On = maps.Clone(st.On)
	delete(st.On, h.Wave)
	switch {
	case w.Status == wave.StatusPlanned && w.Template == t.Name && !t.Manual && t.bounded():
		st.Waiting = append(st.Waiting, h.Wave)
	case w.Status == wave.StatusReleased:
		if st.On == nil {
			st.On = map[string]wave.Limits{}
		}
		st.On[h.Wave] = w.Share()
	}
}

func (d *decision) releaseWhatFits(st *floorState, s scope.Scope) {
	// A person may have released or cancelled one since: what tells of it is still to come.
	for _, id := range slices.Clone(st.Waiting) {
		if d.wave(s, id).Status != wave.StatusPlanned {
			d.note(st, wave.Head{Scope: s, Wave: id})
		}
	}
	var there wave.Limits
	for _, l := range st.On {
		there = there.Plus(l)
	}
	slices.SortStableFunc(st.Waiting, func(a, b string) int {
		return firstWave(d.wave(s, a), d.wave(s, b))
	})
	st.Served = maps.Clone(st.Served)
	maps.DeleteFunc(st.Served, func(_ string, at time.Time) bool { return d.m.Now.Sub(at) > freeFor })
	var still []string
	look := false
	for _, id := range st.Waiting {
		w := d.wave(s, id)
		if d.err != nil {
			return
		}
		// Who is behind one that has no room waits too: the most urgent is never overtaken for ever.
		t := d.f.template(w.Template)
		look = look || t.Share > 0
		if len(still) > 0 || !d.room(t, s, there, w.Share()) || !d.served(st, t, s) {
			still = append(still, id)
			continue
		}
		d.releaseWave(s, id, "wave.release")
		if st.On == nil {
			st.On = map[string]wave.Limits{}
		}
		st.On[id] = w.Share()
		there = there.Plus(w.Share())
	}
	if st.Waiting = still; look && len(still) > 0 {
		h := wave.Head{Scope: s.Building()}
		d.out.Timer(releaseLook+"/"+scope.Join(s.Tenant, s.Facility), h.Key(), releaseLook, d.m.Now.Add(releaseEvery), h.Scope)
	}
}

// room reports whether the floor has room for a wave.
func (d *decision) room(t *WaveTemplate, s scope.Scope, there, more wave.Limits) bool {
	floor := t.Floor
	if shifts := d.shifts(s); t.Share > 0 && len(shifts) > 0 {
		able := labor.Available(shifts, d.m.Now, time.Hour, zoneOf(d.building(s))) * t.Share / 100
		if able == 0 {
			return false
		}
		if floor.Labour == 0 || able < floor.Labour {
			floor.Labour = able
		}
	}
	return floor.Room(there, more)
}

// shifts are those of a building.
func (d *decision) shifts(s scope.Scope) []labor.Shift {
	if w := peek(d, d.f.workloads, labor.StreamOf(s)); w.Planned {
		return w.Shifts
	}
	return d.f.cfg.Labor.Shifts
}

// served finds the free workers that a wave of a template waits for, and notes that it is theirs:
// who asked first is served first.
func (d *decision) served(st *floorState, t *WaveTemplate, s scope.Scope) bool {
	if t.Free == 0 || d.err != nil {
		return d.err == nil
	}
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, dutiesPrefix(s), "", mostDuties)
	if err != nil {
		d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading who is free: %w", err)))
		return false
	}
	type asked struct {
		who string
		at  time.Time
	}
	var free []asked
	for _, r := range rows {
		var w duty
		if _, there := d.state(r.Key, &w); there && d.m.Now.Sub(w.Free) <= freeFor && w.Free.After(st.Served[r.Key]) {
			free = append(free, asked{r.Key, w.Free})
		}
	}
	if len(free) < t.Free {
		return false
	}
	slices.SortStableFunc(free, func(a, b asked) int { return a.at.Compare(b.at) })
	if st.Served == nil {
		st.Served = map[string]time.Time{}
	}
	for _, w := range free[:t.Free] {
		st.Served[w.who] = d.m.Now
	}
	return true
}

// firstWave orders waves by cut-off, those without one last, then by priority, then by name.
func firstWave(a, b wave.Wave) int {
	if c := wave.FirstToGo(candidateOf(a), candidateOf(b)); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

func candidateOf(w wave.Wave) wave.Candidate {
	return wave.Candidate{Priority: w.Priority, CutOff: w.CutOff}
}
