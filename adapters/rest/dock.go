package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// PalletBody begins a pallet; its SSCC-18 is in the answer. Limits that are left out bound
// nothing.
type PalletBody struct {
	Facility  string       `json:"facility,omitempty"`
	Deck      *custom.Dims `json:"deck,omitempty" doc:"footprint, and height of the pallet itself"`
	Tare      int64        `json:"tare_mg,omitempty" minimum:"0"`
	MaxWeight int64        `json:"max_weight_mg,omitempty" minimum:"0" doc:"with the pallet itself"`
	MaxHeight int64        `json:"max_height_um,omitempty" minimum:"0" doc:"with the pallet itself"`
	By        string       `json:"by,omitempty"`
}

// StackBody names a carton that is put on a pallet or taken off.
type StackBody struct {
	Carton string `json:"carton"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty" doc:"why it is taken off"`
}

// ClosePalletBody ends the stacking.
type ClosePalletBody struct {
	Weight int64  `json:"weight_mg,omitempty" minimum:"0" doc:"measured; the sum where it is left out"`
	Height int64  `json:"height_um,omitempty" minimum:"0" doc:"measured"`
	By     string `json:"by,omitempty"`
}

// ByBody says who, and why where a reason is needed.
type ByBody struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// LoadBody begins a load.
type LoadBody struct {
	Facility string     `json:"facility,omitempty"`
	Load     string     `json:"load"`
	Carrier  string     `json:"carrier" doc:"a connection, or what orders call it"`
	Trailer  string     `json:"trailer,omitempty"`
	Stops    []StopBody `json:"stops,omitempty" maxItems:"100" nullable:"false" doc:"in the order of the journey; one where they are left out"`
	By       string     `json:"by,omitempty"`
}

// StopBody is a place that a truck goes to.
type StopBody struct {
	No   int    `json:"no" minimum:"1" doc:"1, 2, 3"`
	Code string `json:"code"`
}

// UnitBody names a carton or pallet of a load.
type UnitBody struct {
	SSCC   string `json:"sscc"`
	Stop   int    `json:"stop,omitempty" minimum:"0" doc:"of an assignment; the first where it is left out"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty" doc:"why it is taken off"`
}

// SealBody closes a truck.
type SealBody struct {
	Seal string `json:"seal" doc:"number of the seal"`
	By   string `json:"by,omitempty"`
}

// DockPath names a pallet, load or manifest of a building.
type DockPath struct {
	Facility string `path:"facility" maxLength:"128"`
	ID       string `path:"id" maxLength:"128"`
}

func (p DockPath) in(s scope.Scope) scope.Scope { return inFacility(s, p.Facility).Building() }

type dockCommand struct {
	DockPath
	Keyed
}

// dockMake registers what makes a thing at the dock.
func dockMake[B, Out any](s *server, tag, id, summary string, ask func(b B) door.Ask) {
	register(s, op[B, Out](s, http.MethodPost, "/v1/"+tag, id, tag, summary, http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[B](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			a := ask(b)
			where := ""
			if a.ID != "" {
				where = "/v1/" + tag + "/" + url.PathEscape(a.Scope.Facility) + "/" + url.PathEscape(a.ID)
			}
			return s.do(ctx, door.Dock, a, *in, where)
		})
}

// dockDo registers a command about a thing at the dock.
func dockDo[B, Out any](s *server, tag, kind, verb, summary string, stream func(scope.Scope, string) string, cmd func(b B) any) {
	register(s, op[B, Out](s, http.MethodPost, "/v1/"+tag+"/{facility}/{id}/"+verb, verb+"-"+kind, tag, summary),
		func(ctx context.Context, in *dockCommand) (*reply, error) {
			b, err := decode[B](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := in.in(s.cfg.Scope)
			return s.do(ctx, door.Dock, door.Ask{Scope: sc, ID: in.ID, Cmd: cmd(b)}, in.Keyed, "", kind, stream(sc, in.ID))
		})
}

// dockShow registers the queries about things at the dock.
func dockShow(s *server, tag, kind string, stream func(scope.Scope, string) string) {
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/"+tag+"/{facility}/{id}", "get-"+kind, tag, "One of "+tag),
		func(ctx context.Context, in *DockPath) (*answer, error) {
			return s.get(ctx, kind, stream(in.in(s.cfg.Scope), in.ID))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/"+tag, "list-"+tag, tag, "List "+tag),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, kind, in) })
}

func (s *server) dock() {
	s.pallets()
	s.loads()
	dockDo[ByBody, manifest.Manifest](s, "manifests", view.Manifest, "close", "Close a manifest: what is labelled from now on goes on the next day's", manifest.StreamOf,
		func(b ByBody) any { return manifest.Close(b) })
	dockShow(s, "manifests", view.Manifest, manifest.StreamOf)
}

func (s *server) pallets() {
	const tag, kind = "pallets", view.Pallet
	dockMake[PalletBody, pallet.Pallet](s, tag, "build-pallet", "Begin a pallet", func(b PalletBody) door.Ask {
		return door.Ask{Scope: inFacility(s.cfg.Scope, b.Facility).Building(), Cmd: pallet.Build{By: b.By, Limits: pallet.Limits{
			Deck: b.Deck.Measure(), Tare: measure.Mass(b.Tare), MaxWeight: measure.Mass(b.MaxWeight), MaxHeight: measure.Length(b.MaxHeight),
		}}}
	})
	dockDo[StackBody, pallet.Pallet](s, tag, kind, "stack", "Put a closed carton on a pallet", pallet.StreamOf, func(b StackBody) any {
		return pallet.Stack{Carton: pallet.Carton{SSCC: b.Carton}, By: b.By}
	})
	dockDo[StackBody, pallet.Pallet](s, tag, kind, "unstack", "Take a carton off a pallet", pallet.StreamOf, func(b StackBody) any { return pallet.Unstack(b) })
	dockDo[ClosePalletBody, pallet.Pallet](s, tag, kind, "close", "End the stacking of a pallet", pallet.StreamOf, func(b ClosePalletBody) any {
		return pallet.Close{Weight: measure.Mass(b.Weight), Height: measure.Length(b.Height), By: b.By}
	})
	dockDo[ByBody, pallet.Pallet](s, tag, kind, "break", "Take everything off a pallet, and end it", pallet.StreamOf, func(b ByBody) any { return pallet.Break(b) })
	dockShow(s, tag, kind, pallet.StreamOf)
}

func (s *server) loads() {
	const tag, kind = "loads", view.Load
	dockMake[LoadBody, load.Load](s, tag, "plan-load", "Plan a load", func(b LoadBody) door.Ask {
		cmd := load.Plan{Carrier: b.Carrier, Trailer: b.Trailer, By: b.By}
		for _, x := range b.Stops {
			cmd.Stops = append(cmd.Stops, load.Stop(x))
		}
		return door.Ask{Scope: inFacility(s.cfg.Scope, b.Facility).Building(), ID: b.Load, Cmd: cmd}
	})
	dockDo[UnitBody, load.Load](s, tag, kind, "assign", "Plan a carton or pallet for a load", load.StreamOf, func(b UnitBody) any {
		return load.Assign{SSCC: b.SSCC, Stop: b.Stop, By: b.By}
	})
	dockDo[UnitBody, load.Load](s, tag, kind, "unassign", "Take a carton or pallet off a load", load.StreamOf, func(b UnitBody) any {
		return load.Unassign{SSCC: b.SSCC, By: b.By, Reason: b.Reason}
	})
	dockDo[UnitBody, load.Load](s, tag, kind, "scan", "Say that a carton or pallet stands in the truck", load.StreamOf, func(b UnitBody) any {
		return load.Scan{SSCC: b.SSCC, By: b.By}
	})
	dockDo[SealBody, load.Load](s, tag, kind, "seal", "Close the truck once everything is in it", load.StreamOf, func(b SealBody) any { return load.Seal(b) })
	dockDo[ByBody, load.Load](s, tag, kind, "unseal", "Open a sealed truck", load.StreamOf, func(b ByBody) any { return load.Unseal{Reason: b.Reason, By: b.By} })
	dockDo[ByBody, load.Load](s, tag, kind, "depart", "Send a sealed truck off", load.StreamOf, func(b ByBody) any { return load.Depart{By: b.By} })
	dockDo[ByBody, load.Load](s, tag, kind, "cancel", "End a load that does not leave", load.StreamOf, func(b ByBody) any { return load.Cancel{Reason: b.Reason, By: b.By} })
	dockShow(s, tag, kind, load.StreamOf)
}
