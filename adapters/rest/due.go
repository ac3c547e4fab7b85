package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/view"
)

// DueBody asks for the counts of those places whose turn it is.
type DueBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	Class    string `json:"class,omitempty" enum:"A,B,C" doc:"only of items of this class"`
	Days     int    `json:"days,omitempty" minimum:"1" doc:"counted longer ago than this; by class where it is left out: A 30, B 90, others 180"`
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"200" doc:"50"`
}

// Due are the counts that were asked for.
type Due struct {
	Opened []count.Count `json:"opened" nullable:"false"`
	Open   int           `json:"open" doc:"places that are being counted already"`
	More   bool          `json:"more,omitempty" doc:"there are places whose turn it is beyond the limit"`
}

// duePlace is a place whose turn it is.
type duePlace struct {
	key   inventory.BookKey
	place inventory.Place
	since time.Time // counted last, or filled where it never was
}

func (s *server) dueCounts(tag string) {
	register(s, op[DueBody, Due](s, http.MethodPost, "/v1/counts/due", "open-due-counts", tag, "Ask for blind counts of the places whose turn it is, longest uncounted first"),
		func(ctx context.Context, in *Keyed) (*answer, error) {
			if in.Key != "" {
				return nil, s.problem(ctx, intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid,
					"Idempotency-Key: this is not for keys: asked for again, it finds the counts that are open"))
			}
			b, err := decode[DueBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			due, err := s.due(ctx, b)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			out := Due{Opened: []count.Count{}}
			for i, p := range due {
				if i == or(b.Limit, 50) {
					out.More = true
					break
				}
				got, err := s.deps.Door.Call(ctx, door.Stock, door.Ask{
					Scope: p.key.Scope, ID: p.key.Item, Actor: callOf(ctx).client,
					Cmd: count.Open{BookKey: p.key, Place: p.place, Cause: count.CauseCycle, Blind: true},
				})
				if err != nil {
					return nil, s.problem(ctx, err)
				}
				r, ok := got.(door.Reply)
				var c count.Count
				if !ok || json.Unmarshal(r.Body, &c) != nil {
					return nil, s.problem(ctx, fmt.Errorf("door %s answered %T", door.Stock, got))
				}
				if r.Created {
					out.Opened = append(out.Opened, c)
				} else {
					out.Open++
				}
			}
			return s.now(ctx, out)
		})
}

// due are the places whose turn it is, longest uncounted first.
func (s *server) due(ctx context.Context, b DueBody) ([]duePlace, error) {
	var out []duePlace
	now := s.deps.Now()
	q := view.Query{Kind: view.Stock, Tenant: s.cfg.Scope.Tenant, Owner: b.Owner, Facility: orText(b.Facility, s.cfg.Scope.Facility), Limit: 500}
	for {
		p, err := s.deps.Views.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, d := range p.Docs {
			var st inventory.Stock
			if err := json.Unmarshal(d.State, &st); err != nil {
				return nil, fmt.Errorf("reading %s: %w", d.Key, err)
			}
			class, err := s.classOf(ctx, st.BookKey)
			if err != nil {
				return nil, err
			}
			if b.Class != "" && b.Class != class {
				continue
			}
			before := now.AddDate(0, 0, -or(b.Days, count.Due(class)))
			for i := range st.Shelves {
				sh := &st.Shelves[i]
				since := sh.Counted
				if since.IsZero() {
					since = sh.Since
				}
				if !since.After(before) {
					out = append(out, duePlace{st.BookKey, sh.Place, since})
				}
			}
		}
		if q.After = p.Next; q.After == "" {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b duePlace) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.place.Location, b.place.Location))
	})
	return out, nil
}

func (s *server) classOf(ctx context.Context, k inventory.BookKey) (string, error) {
	var it item.Item
	_, err := s.state(ctx, view.Item, item.StreamOf(k.Scope, k.Item), &it)
	return it.Spec.Class, err
}
