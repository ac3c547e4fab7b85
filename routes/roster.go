package routes

import (
	"slices"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/scope"
)

// rosterKey is where the workers of a building are noted who are not retired.
func rosterKey(s scope.Scope) string { return "roster/" + buildingPart(s) }

// enrol keeps the roster when a worker was registered, changed or retired.
func (d *decision) enrol(w crew.Worker) {
	var ids []string
	old, _ := d.state(rosterKey(w.Scope), &ids)
	works, at := w.Status != crew.StatusRetired, slices.Index(ids, w.ID)
	switch {
	case works == (at >= 0):
		return
	case works:
		ids = append(ids, w.ID)
	default:
		ids = slices.Delete(ids, at, at+1)
	}
	if len(ids) == 0 {
		d.out.SetState(rosterKey(w.Scope), old, nil)
		return
	}
	d.out.SetState(rosterKey(w.Scope), old, ids)
}

// others reports whether another than one person is enrolled in a building. Where nobody registers
// workers, nobody knows.
func (d *decision) others(s scope.Scope, but string) bool {
	var ids []string
	d.state(rosterKey(s), &ids)
	return but != "" && slices.ContainsFunc(ids, func(id string) bool { return id != but })
}
