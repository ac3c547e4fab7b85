package routes

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// floorState is what the releaser knows of one building.
type floorState struct {
	Waiting []string               `json:"waiting,omitempty"` // planned waves that go when there is room
	On      map[string]wave.Limits `json:"on,omitempty"`      // what released waves have open
}

func (f *Flows) addWaveReleasing() error {
	return f.hub.Add(Route{
		Name: "wave.release", About: "releases planned waves as the floor has room for them",
		// One at a time: all that it decides goes through one state a building.
		Topics: []string{onWaves}, Handle: f.releaseWaves, Parallel: 1, Parking: Parking{Independent: true},
		Types:  takes(wave.Planned{}, wave.OrderAdded{}, wave.Released{}, wave.OrderFinished{}, wave.Completed{}, wave.Cancelled{}),
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
	default:
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	var st floorState
	key := "floor/" + scope.Join(h.Tenant, h.Facility)
	old, kept := d.state(key, &st)
	// What waits since there was a bound goes once there is none.
	if !kept && !slices.ContainsFunc(f.templates, func(t WaveTemplate) bool { return t.Floor != (wave.Limits{}) }) {
		return d.done()
	}
	before, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	d.note(&st, h)
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
	case w.Status == wave.StatusPlanned && w.Template == t.Name && !t.Manual && t.Floor != (wave.Limits{}):
		st.Waiting = append(st.Waiting, h.Wave)
	case w.Status == wave.StatusReleased:
		if st.On == nil {
			st.On = map[string]wave.Limits{}
		}
		st.On[h.Wave] = w.Share()
	}
}

func (d *decision) releaseWhatFits(st *floorState, s scope.Scope) {
	var there wave.Limits
	for _, l := range st.On {
		there = there.Plus(l)
	}
	slices.SortStableFunc(st.Waiting, func(a, b string) int {
		return firstWave(d.wave(s, a), d.wave(s, b))
	})
	var still []string
	for _, id := range st.Waiting {
		w := d.wave(s, id)
		if d.err != nil {
			return
		}
		// Who is behind one that has no room waits too: the most urgent is never overtaken for ever.
		if len(still) > 0 || !d.f.template(w.Template).Floor.Room(there, w.Share()) {
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
	st.Waiting = still
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
