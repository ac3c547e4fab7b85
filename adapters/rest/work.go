package rest

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/core/wave"
)

// WaveBody plans a wave.
type WaveBody struct {
	Facility string        `json:"facility,omitempty"`
	Wave     string        `json:"wave"`
	Strategy string        `json:"strategy,omitempty"`
	CutOff   time.Time     `json:"cut_off,omitzero"`
	Priority int           `json:"priority,omitempty" minimum:"0" maximum:"9"`
	Orders   []OrderOfWave `json:"orders" minItems:"1" maxItems:"10000" nullable:"false" doc:"in the order they are worked on"`
}

// OrderOfWave names an order.
type OrderOfWave struct {
	Owner  string `json:"owner,omitempty"`
	Number string `json:"number"`
}

// WaveMove takes an order into another wave.
type WaveMove struct {
	OrderOfWave
	To string `json:"to" doc:"a planned wave of the same facility"`
}

// WavePreview asks what planning would do.
type WavePreview struct {
	Facility string `json:"facility,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Number   string `json:"number,omitempty" doc:"of an order, to be told why it is in no wave"`
}

// ClaimBody takes a task, or renews the claim of the worker who has it.
type ClaimBody struct {
	Worker  string `json:"worker"`
	Claim   int    `json:"claim,omitempty" minimum:"1" doc:"number of the claim that is renewed"`
	Seconds int64  `json:"lease_seconds,omitempty" minimum:"1" maximum:"86400" doc:"900"`
}

// GiveBackBody gives a task back.
type GiveBackBody struct {
	Worker string `json:"worker" doc:"who gives it back"`
	Claim  int    `json:"claim" minimum:"1" doc:"what the claim was answered with"`
	Reason string `json:"reason" doc:"why, such as blocked, too_heavy, no_equipment"`
}

// CompleteBody ends a task.
type CompleteBody struct {
	Worker string `json:"worker"`
	Claim  int    `json:"claim" doc:"what the claim was answered with"`
}

// ConfirmBody says what lies in a tote.
type ConfirmBody struct {
	Step    int      `json:"step" minimum:"1"`
	Qty     int64    `json:"qty" minimum:"1"`
	Tote    string   `json:"tote"`
	Worker  string   `json:"worker"`
	Serials []string `json:"serials,omitempty" nullable:"false"`
}

// ShortBody ends a step with what was found.
type ShortBody struct {
	Step   int    `json:"step" minimum:"1"`
	Found  int64  `json:"found" minimum:"0"`
	Tote   string `json:"tote,omitempty" doc:"where the found ones lie"`
	Worker string `json:"worker"`
	Reason string `json:"reason" doc:"not_found, damaged, ..."`
}

// SortBody puts goods into the slot of their order.
type SortBody struct {
	Owner  string `json:"goods_owner,omitempty" doc:"of the order, where the list is over several owners"`
	Order  string `json:"order,omitempty" doc:"the first that the goods are for where it is left out; the answer says which"`
	Item   string `json:"item"`
	Lot    string `json:"lot,omitempty"`
	Tote   string `json:"tote" doc:"where the goods lie"`
	Slot   string `json:"slot,omitempty" doc:"the order's own; a free one for an order that has none"`
	Qty    int64  `json:"qty" minimum:"1"`
	Worker string `json:"worker"`
}

// WavePath names a wave.
type WavePath struct {
	Facility string `path:"facility" maxLength:"128"`
	Wave     string `path:"wave" maxLength:"128"`
}

func (p WavePath) in(s scope.Scope) scope.Scope { return inFacility(s, p.Facility).Building() }

type waveCommand struct {
	WavePath
	Keyed
}

// WorkPath names a thing on the floor. An owner of "-" is what the building shares.
type WorkPath struct {
	Owner    string `path:"owner" maxLength:"128"`
	ID       string `path:"id" maxLength:"128"`
	Facility string `query:"facility" maxLength:"128"`
}

func (p WorkPath) in(s scope.Scope) scope.Scope {
	s.Owner = p.Owner
	return inFacility(s, p.Facility)
}

type workCommand struct {
	WorkPath
	Keyed
}

func (s *server) work() {
	s.waves()
	s.workload()
	s.tasks()
	s.queue()
	s.workers()
	s.floor()
	s.packs()
	s.documents(view.Task, "tasks", "task", task.StreamOf)
	s.documents(view.Pick, "picks", "task", pick.StreamOf)
	s.documents(view.Pack, "packs", "packing", pack.StreamOf)
	s.documents(view.Label, "labels", "carton", label.StreamOf)
	s.documents(view.Shipment, "shipments", "shipment", ship.StreamOf)
}

func (s *server) waves() {
	const tag, path = "waves", "/v1/waves/{facility}/{wave}"
	register(s, op[WaveBody, wave.Wave](s, http.MethodPost, "/v1/waves", "plan-wave", tag, "Plan a wave", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[WaveBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := wave.Plan{
				Scope: inFacility(s.cfg.Scope, b.Facility).Building(), Wave: b.Wave, Strategy: b.Strategy,
				CutOff: b.CutOff, Priority: b.Priority,
			}
			for _, o := range b.Orders {
				cmd.Orders = append(cmd.Orders, wave.Order{Owner: orText(o.Owner, s.cfg.Scope.Owner), Order: o.Number})
			}
			return s.do(ctx, door.Waves, door.Ask{Scope: cmd.Scope, ID: cmd.Wave, Cmd: cmd}, *in,
				"/v1/waves/"+url.PathEscape(cmd.Facility)+"/"+url.PathEscape(cmd.Wave))
		})
	command := func(ctx context.Context, in *waveCommand, cmd any, err error) (*reply, error) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		sc := in.in(s.cfg.Scope)
		return s.do(ctx, door.Waves, door.Ask{Scope: sc, ID: in.Wave, Cmd: cmd}, in.Keyed, "", view.Wave, wave.StreamOf(sc, in.Wave))
	}
	register(s, op[struct{}, wave.Wave](s, http.MethodPost, path+"/release", "release-wave", tag, "Give a wave to the floor"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			return command(ctx, in, wave.Release{By: callOf(ctx).client}, nil)
		})
	register(s, op[ReasonBody, wave.Wave](s, http.MethodPost, path+"/cancel", "cancel-wave", tag, "End a wave; unfinished orders are planned again"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return command(ctx, in, wave.Cancel{Reason: b.Reason, By: callOf(ctx).client}, err)
		})
	register(s, op[OrderOfWave, wave.Wave](s, http.MethodPost, path+"/add", "add-to-wave", tag, "Put an order into a planned wave"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			b, err := decode[OrderOfWave](ctx)
			return command(ctx, in, wave.Add{Order: wave.Order{Owner: orText(b.Owner, s.cfg.Scope.Owner), Order: b.Number}}, err)
		})
	register(s, op[OrderOfWave, wave.Wave](s, http.MethodPost, path+"/remove", "remove-from-wave", tag, "Take an order out of a planned wave; it is planned again"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			b, err := decode[OrderOfWave](ctx)
			return command(ctx, in, wave.Finish{Owner: orText(b.Owner, s.cfg.Scope.Owner), Order: b.Number, Outcome: wave.OutRemoved}, err)
		})
	register(s, op[WaveMove, wave.Wave](s, http.MethodPost, path+"/move", "move-to-wave", tag, "Take an order out of a planned wave into another"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			b, err := decode[WaveMove](ctx)
			return command(ctx, in, wave.Move{Owner: orText(b.Owner, s.cfg.Scope.Owner), Order: b.Number, To: b.To}, err)
		})
	register(s, op[struct{}, wave.Wave](s, http.MethodPost, path+"/optimize", "optimize-wave", tag, "Batch a planned wave, to see how it would be picked"),
		func(ctx context.Context, in *waveCommand) (*reply, error) {
			return command(ctx, in, wave.Ask{By: callOf(ctx).client}, nil)
		})
	register(s, op[WavePreview, wave.Previewed](s, http.MethodPost, "/v1/waves/preview", "preview-waves", tag, "Which waves would come of the orders that wait, and why an order is in none"),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[WavePreview](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			of := wave.Of{Order: b.Number}
			if b.Number != "" {
				of.Owner = orText(b.Owner, s.cfg.Scope.Owner)
			}
			return s.do(ctx, door.Waves, door.Ask{Scope: inFacility(s.cfg.Scope, b.Facility).Building(), ID: "preview", Cmd: wave.Preview{Of: of}}, *in, "")
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-wave", tag, "A wave"),
		func(ctx context.Context, in *WavePath) (*answer, error) {
			return s.get(ctx, view.Wave, wave.StreamOf(in.in(s.cfg.Scope), in.Wave))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/waves", "list-waves", tag, "Waves by facility"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Wave, in) })
}

// onFloor sends a command about a task, a pick list or a packing.
func (s *server) onFloor(ctx context.Context, in *workCommand, cmd any, err error, kind string, stream func(scope.Scope, string) string) (*reply, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	sc := in.in(s.cfg.Scope)
	return s.do(ctx, door.Floor, door.Ask{Scope: sc, ID: in.ID, Cmd: cmd}, in.Keyed, "", kind, stream(sc, in.ID))
}

func (s *server) tasks() {
	const tag, path = "tasks", "/v1/tasks/{owner}/{id}"
	register(s, op[ClaimBody, task.Task](s, http.MethodPost, path+"/claim", "claim-task", tag, "Take a task for a time, or renew the claim"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ClaimBody](ctx)
			lease, bad := leaseOf(b.Seconds)
			err = cmp.Or(err, bad)
			var cmd any = task.Claim{Worker: b.Worker, Lease: lease}
			if b.Claim > 0 {
				cmd = task.Renew{Worker: b.Worker, Claim: b.Claim, Lease: lease}
			}
			return s.onFloor(ctx, in, cmd, err, view.Task, task.StreamOf)
		})
	register(s, op[GiveBackBody, task.Task](s, http.MethodPost, path+"/release", "release-task", tag, "Give a task back that cannot be done now: others may claim it, and it is not what its worker is given next for 30 minutes"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[GiveBackBody](ctx)
			return s.onFloor(ctx, in, task.Release(b), err, view.Task, task.StreamOf)
		})
	register(s, op[CompleteBody, task.Task](s, http.MethodPost, path+"/complete", "complete-task", tag, "End a task"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[CompleteBody](ctx)
			return s.onFloor(ctx, in, task.Complete{Worker: b.Worker, Claim: b.Claim}, err, view.Task, task.StreamOf)
		})
}

func (s *server) floor() {
	register(s, op[ConfirmBody, pick.List](s, http.MethodPost, "/v1/picks/{owner}/{id}/confirm", "confirm-pick", "picks", "Say what lies in a tote"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ConfirmBody](ctx)
			return s.onFloor(ctx, in, pick.Confirm(b), err, view.Pick, pick.StreamOf)
		})
	register(s, op[ShortBody, pick.List](s, http.MethodPost, "/v1/picks/{owner}/{id}/short", "short-pick", "picks", "End a step with what was found"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ShortBody](ctx)
			return s.onFloor(ctx, in, pick.Short(b), err, view.Pick, pick.StreamOf)
		})
	register(s, op[SortBody, pick.Sorted](s, http.MethodPost, "/v1/picks/{owner}/{id}/put", "put-pick", "picks", "Put goods of several orders apart: from a tote into the slot of their order"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[SortBody](ctx)
			return s.onFloor(ctx, in, pick.Sort(b), err, view.Pick, pick.StreamOf)
		})
	register(s, op[struct{}, pick.ToPut](s, http.MethodPost, "/v1/picks/{owner}/{id}/totes", "look-pick", "picks", "What of a pick list still lies in its totes to be put apart, for whom, and in which slot the order's goods come together"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			return s.onFloor(ctx, in, pick.Look{}, nil, view.Pick, pick.StreamOf)
		})
}
