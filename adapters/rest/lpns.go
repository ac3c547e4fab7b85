package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/view"
)

// MoveLPNBody says where an LPN is put: at a location or into another LPN.
type MoveLPNBody struct {
	Location string    `json:"location,omitempty" doc:"one of location and parent is needed"`
	Parent   string    `json:"parent,omitempty" doc:"the LPN that it stands in from now on"`
	Kind     string    `json:"kind,omitempty" enum:"pallet,case,tote,carton" doc:"of one that nobody knows yet; pallet where it is an SSCC"`
	Ref      string    `json:"ref,omitempty" doc:"what it is for"`
	Seen     time.Time `json:"seen,omitzero" doc:"when; now. What is older than the last that is known moves nothing"`
	By       string    `json:"by,omitempty"`
}

// LPNState is an LPN as the door answers it.
type LPNState struct {
	tracking.LPN
	Where string     `json:"where,omitempty" doc:"location of the outermost LPN that it stands in"`
	In    []string   `json:"in,omitempty" nullable:"false" doc:"what it stands in, from the innermost"`
	Stock []LPNStock `json:"stock,omitempty" nullable:"false" doc:"what the books have in it"`
	// Position is where in the journal the answer stands.
	Position journal.Pos `json:"position,omitempty"`
}

// LPNStock is an item's stock in an LPN.
type LPNStock struct {
	Owner string `json:"owner"`
	Item  string `json:"item"`
	inventory.Shelf
}

// LPNPath names an LPN.
type LPNPath struct {
	LPN      string `path:"lpn" maxLength:"128"`
	Facility string `query:"facility" maxLength:"128"`
}

type lpnCommand struct {
	LPNPath
	Keyed
}

func (s *server) lpns() {
	const tag, path = "lpns", "/v1/lpns/{lpn}"
	command := func(ctx context.Context, in *lpnCommand, cmd any, err error) (*reply, error) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		sc := inFacility(s.cfg.Scope, in.Facility).Building()
		return s.do(ctx, door.Tracking, door.Ask{Scope: sc, ID: in.LPN, Cmd: cmd}, in.Keyed, "", view.LPN, tracking.StreamOf(sc, in.LPN))
	}
	register(s, op[MoveLPNBody, LPNState](s, http.MethodPost, path+"/move", "move-lpn", tag, "Say where an LPN is; the stock in it goes along"),
		func(ctx context.Context, in *lpnCommand) (*reply, error) {
			b, err := decode[MoveLPNBody](ctx)
			sc := inFacility(s.cfg.Scope, in.Facility).Building()
			cmd := tracking.Place{Kind: b.Kind, Ref: b.Ref, Sighting: tracking.Sighting{
				Position: tracking.Position{Location: b.Location, Parent: b.Parent}, Seen: b.Seen, By: b.By, Cause: "move",
			}}
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.do(ctx, door.Tracking, door.Ask{Scope: sc, ID: in.LPN, Cmd: cmd}, in.Keyed, "/v1/lpns/"+url.PathEscape(in.LPN))
		})
	register(s, op[ReasonBody, LPNState](s, http.MethodPost, path+"/end", "end-lpn", tag, "Say that an LPN is gone"),
		func(ctx context.Context, in *lpnCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return command(ctx, in, tracking.End{Reason: b.Reason}, err)
		})
	register(s, op[struct{}, LPNState](s, http.MethodGet, path, "get-lpn", tag, "Where an LPN is, what stands in it, and what lies in it"),
		func(ctx context.Context, in *LPNPath) (*answer, error) {
			return s.lpn(ctx, inFacility(s.cfg.Scope, in.Facility), in.LPN)
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/lpns", "list-lpns", tag, "LPNs by facility"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.LPN, in) })
}

// stateOf reads a document's state; found is false where there is none.
func stateOf[T any](ctx context.Context, v Views, kind, key string) (state T, at journal.Pos, found bool, err error) {
	doc, at, err := v.Get(ctx, kind, key)
	if err != nil || doc == nil {
		return state, at, false, err
	}
	return state, at, true, json.Unmarshal(doc.State, &state)
}

func (s *server) lpn(ctx context.Context, sc scope.Scope, id string) (*answer, error) {
	if err := s.viewable(ctx); err != nil {
		return nil, err
	}
	l, at, found, err := stateOf[tracking.LPN](ctx, s.deps.Views, view.LPN, tracking.StreamOf(sc, id))
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if !found {
		return nil, notFound(view.LPN)
	}
	out := LPNState{LPN: l, Position: at}
	outer := l
	for outer.Last.Parent != "" && len(out.In) < tracking.MaxDepth {
		out.In = append(out.In, outer.Last.Parent)
		if outer, _, found, err = stateOf[tracking.LPN](ctx, s.deps.Views, view.LPN, tracking.StreamOf(sc, outer.Last.Parent)); err != nil || !found {
			break
		}
	}
	out.Where = outer.Last.Location
	for _, c := range l.Items {
		k := inventory.BookKey{Scope: scope.Scope{Tenant: sc.Tenant, Owner: c.Owner, Facility: l.Facility}, Item: c.Item}
		st, _, _, err := stateOf[inventory.Stock](ctx, s.deps.Views, view.Stock, k.Stream())
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		for _, sh := range st.Shelves {
			if sh.LPN == id && sh.Total() > 0 {
				out.Stock = append(out.Stock, LPNStock{c.Owner, c.Item, sh})
			}
		}
	}
	slices.SortFunc(out.Stock, func(a, b LPNStock) int {
		return slices.Compare([]string{a.Owner, a.Item, a.Lot}, []string{b.Owner, b.Item, b.Lot})
	})
	return s.answer(ctx, out, at)
}
