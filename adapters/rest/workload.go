package rest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/view"
)

// ShiftsBody says who works when in a building.
type ShiftsBody struct {
	Facility string        `json:"facility,omitempty"`
	Shifts   []labor.Shift `json:"shifts" maxItems:"50" nullable:"false"`
}

func (s *server) workload() {
	const tag = "workload"
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/workload", "get-workload", tag, "Work against the shifts of a building, and what will miss its cut-off"),
		func(ctx context.Context, in *struct {
			Facility string `query:"facility" maxLength:"128"`
		}) (*answer, error) {
			if f := in.Facility; f != "" && f != s.cfg.Scope.Facility && !slices.Contains(s.cfg.Facilities, f) {
				known := strings.Join(append([]string{s.cfg.Scope.Facility}, s.cfg.Facilities...), ", ")
				return nil, s.problem(ctx, fault.At("rest.workload", fault.Invalid, "facility", fmt.Errorf("%.64q is no building that is known; known: %s", f, known)))
			}
			return s.get(ctx, view.Workload, labor.StreamOf(inFacility(s.cfg.Scope, in.Facility)))
		})
	register(s, op[ShiftsBody, labor.Workload](s, http.MethodPut, "/v1/workload", "plan-shifts", tag, "Say who works when; it goes before the shifts of the configuration"),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[ShiftsBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := inFacility(s.cfg.Scope, b.Facility).Building()
			return s.do(ctx, door.Waves, door.Ask{Scope: sc, ID: sc.Facility, Cmd: labor.Plan{Scope: sc, Shifts: b.Shifts, By: callOf(ctx).client}}, *in, "")
		})
}
