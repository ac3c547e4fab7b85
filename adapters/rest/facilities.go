package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// FacilityPath names a building.
type FacilityPath struct {
	Facility string `path:"facility" maxLength:"128"`
}

// Slots are the places for an item, best first.
type Slots struct {
	Items []facility.Advice `json:"items" nullable:"false"`
}

func (s *server) facilities() {
	const tag, path = "facilities", "/v1/facilities/{facility}"
	register(s, op[custom.Facility, facility.Facility](s, http.MethodPost, "/v1/facilities", "register-facility", tag, "Make a building known: zones, aisles, slotting rules", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			doc, err := decode[custom.Facility](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := doc.Register(s.cfg.Scope)
			return s.do(ctx, door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Facility, Cmd: cmd}, *in, "/v1/facilities/"+url.PathEscape(cmd.Facility))
		})
	register(s, op[custom.FacilitySpec, facility.Facility](s, http.MethodPut, path, "change-facility", tag, "Replace what may change about a building"),
		func(ctx context.Context, in *struct {
			FacilityPath
			Keyed
		}) (*reply, error) {
			doc, err := decode[custom.FacilitySpec](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := inFacility(s.cfg.Scope, in.Facility).Building()
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: in.Facility, Cmd: facility.Change{Spec: doc.Spec()}}, in.Keyed, "",
				view.Facility, facility.StreamOf(sc))
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-facility", tag, "A building"),
		func(ctx context.Context, in *FacilityPath) (*answer, error) {
			return s.get(ctx, view.Facility, facility.StreamOf(inFacility(s.cfg.Scope, in.Facility)))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/facilities", "list-facilities", tag, "Buildings"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Facility, in) })
	register(s, op[struct{}, Slots](s, http.MethodGet, "/v1/items/{owner}/{sku}/slots", "get-slots", "items", "Where more of an item may lie, best first, by the slotting rules"),
		func(ctx context.Context, in *struct {
			ItemPath
			Facility string `query:"facility" maxLength:"128"`
			Limit    int    `query:"limit" minimum:"1" maximum:"500" doc:"20"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			k := s.book(in.Owner, in.Facility, in.SKU)
			advice, known, err := s.slots(ctx, k)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if !known {
				return nil, notFound(view.Item)
			}
			return s.now(ctx, Slots{advice[:min(len(advice), or(in.Limit, 20))]})
		})
}

// state reads a document's state into v; false where there is none.
func (s *server) state(ctx context.Context, kind, key string, v any) (bool, error) {
	doc, _, err := s.deps.Views.Get(ctx, kind, key)
	if err != nil || doc == nil {
		return false, err
	}
	if err := json.Unmarshal(doc.State, v); err != nil {
		return false, fmt.Errorf("reading %s: %w", key, err)
	}
	return true, nil
}

// slots ranks the places of a building for an item.
func (s *server) slots(ctx context.Context, k inventory.BookKey) (out []facility.Advice, known bool, err error) {
	var it item.Item
	var st inventory.Stock
	var f facility.Facility
	if known, err = s.state(ctx, view.Item, item.StreamOf(k.Scope, k.Item), &it); err != nil || !known {
		return nil, false, err
	}
	if _, err = s.state(ctx, view.Stock, k.Stream(), &st); err != nil {
		return nil, false, err
	}
	if _, err = s.state(ctx, view.Facility, facility.StreamOf(k.Scope), &f); err != nil {
		return nil, false, err
	}
	have := map[string]int64{}
	for i := range st.Shelves {
		have[st.Shelves[i].Location] += st.Shelves[i].Total()
	}
	var candidates []facility.Candidate
	for q := (view.Query{Kind: view.Location, Tenant: k.Tenant, Facility: k.Facility, Limit: 500}); ; {
		p, err := s.deps.Views.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, d := range p.Docs {
			var l location.Location
			if err := json.Unmarshal(d.State, &l); err != nil {
				return nil, false, fmt.Errorf("reading %s: %w", d.Key, err)
			}
			candidates = append(candidates, facility.Candidate{Location: l.Code, Status: l.Status, Spec: l.Spec, Have: have[l.Code]})
		}
		if q.After = p.Next; q.After == "" {
			break
		}
	}
	return f.Spec.Slot(it, candidates), true, nil
}
