package rest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

// NextBody asks for work.
type NextBody struct {
	Facility  string   `json:"facility,omitempty"`
	Worker    string   `json:"worker"`
	Device    string   `json:"device,omitempty"`
	Zone      string   `json:"zone,omitempty" doc:"where the worker stands; that of location, else the worker's home"`
	Location  string   `json:"location,omitempty" doc:"where the worker stands; what lies near goes before what is as urgent"`
	Equipment []string `json:"equipment,omitempty" nullable:"false" doc:"at hand now, beside what the worker is registered with"`
	Skills    []string `json:"skills,omitempty" nullable:"false"`
	Kinds     []string `json:"kinds,omitempty" nullable:"false" doc:"of work: pick, putaway, replenish, count, ...; those that the worker does where it is left out"`
	Seconds   int64    `json:"lease_seconds,omitempty" minimum:"1" maximum:"86400" doc:"900"`
}

// Assignment is the work that a worker is given. Without a task there is none for him now.
type Assignment struct {
	Worker    string      `json:"worker"`
	Task      *task.Task  `json:"task,omitempty"`
	List      *pick.List  `json:"list,omitempty" doc:"of a pick task"`
	Score     *task.Score `json:"score,omitempty" doc:"how urgent it is, and why"`
	Why       *task.Why   `json:"why,omitempty" doc:"why this one"`
	TakenBack *TakenBack  `json:"taken_back,omitempty" doc:"what was taken back from the worker, and for which task"`
}

// TakenBack is a task that was taken back for one that is more urgent.
type TakenBack struct {
	Task   string `json:"task"`
	For    string `json:"for"`
	Reason string `json:"reason"`
}

// WorkerBody makes a worker known.
type WorkerBody struct {
	Facility string `json:"facility,omitempty"`
	Worker   string `json:"worker" doc:"a number or a badge: what a person is called has no place here"`
	Update   bool   `json:"update,omitempty" doc:"change one that is known and differs, or was retired; else that is a 422"`
	WorkerSpecBody
}

// WorkerSpecBody is what may change about a worker.
type WorkerSpecBody struct {
	Skills    []string `json:"skills,omitempty" nullable:"false"`
	Equipment []string `json:"equipment,omitempty" nullable:"false"`
	Zones     []string `json:"zones,omitempty" nullable:"false" doc:"empty is all"`
	Home      string   `json:"home,omitempty" doc:"the zone where the worker begins"`
	Kinds     []string `json:"kinds,omitempty" nullable:"false" doc:"of work; empty is all"`
}

// WorkerPath names a worker.
type WorkerPath struct {
	Facility string `path:"facility" maxLength:"128"`
	Worker   string `path:"worker" maxLength:"128"`
}

func (p WorkerPath) in(s scope.Scope) scope.Scope { return inFacility(s, p.Facility).Building() }

type workerCommand struct {
	WorkerPath
	Keyed
}

// leaseOf is how long a task is given for, 15 minutes where nobody says.
func leaseOf(seconds int64) (time.Duration, error) {
	if seconds < 0 || seconds > 86400 {
		return 0, fault.At("rest.lease", fault.Invalid, "lease_seconds", fmt.Errorf("%d is not between 1 and 86400", seconds))
	}
	return time.Duration(cmp.Or(seconds, 900)) * time.Second, nil
}

// queue is where workers ask for work.
func (s *server) queue() {
	register(s, op[NextBody, Assignment](s, http.MethodPost, "/v1/tasks/next", "next-task", "tasks", "Ask for the best task that a worker may do; it is claimed for the worker, and no other gets it"),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[NextBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			lease, err := leaseOf(b.Seconds)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := task.Next{
				Worker: b.Worker, Device: cmp.Or(callOf(ctx).device, b.Device), Zone: b.Zone, Location: b.Location,
				Equipment: b.Equipment, Skills: b.Skills, Kinds: b.Kinds, Lease: lease,
			}
			return s.do(ctx, door.Floor, door.Ask{Scope: inFacility(s.cfg.Scope, cmp.Or(callOf(ctx).facility, b.Facility)), ID: b.Worker, Cmd: cmd, Device: cmd.Device}, *in, "")
		})
}

func (s *server) workers() {
	const tag, path = "workers", "/v1/workers/{facility}/{worker}"
	register(s, op[WorkerBody, crew.Worker](s, http.MethodPost, "/v1/workers", "register-worker", tag, "Say what a worker may do, and where", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[WorkerBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := inFacility(s.cfg.Scope, b.Facility).Building()
			cmd := crew.Register{Scope: sc, Worker: b.Worker, Spec: crew.Spec(b.WorkerSpecBody), Update: b.Update}
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: b.Worker, Cmd: cmd}, *in,
				"/v1/workers/"+url.PathEscape(sc.Facility)+"/"+url.PathEscape(b.Worker))
		})
	command := func(ctx context.Context, in *workerCommand, cmd any, err error) (*reply, error) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		sc := in.in(s.cfg.Scope)
		return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: in.Worker, Cmd: cmd}, in.Keyed, "", view.Worker, crew.StreamOf(sc, in.Worker))
	}
	register(s, op[WorkerSpecBody, crew.Worker](s, http.MethodPut, path, "change-worker", tag, "Replace what a worker may do"),
		func(ctx context.Context, in *workerCommand) (*reply, error) {
			b, err := decode[WorkerSpecBody](ctx)
			return command(ctx, in, crew.Change{Spec: crew.Spec(b)}, err)
		})
	register(s, op[ReasonBody, crew.Worker](s, http.MethodPost, path+"/retire", "retire-worker", tag, "Give a worker no more work"),
		func(ctx context.Context, in *workerCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return command(ctx, in, crew.Retire{Reason: b.Reason, By: callOf(ctx).client}, err)
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-worker", tag, "A worker"),
		func(ctx context.Context, in *WorkerPath) (*answer, error) {
			return s.get(ctx, view.Worker, crew.StreamOf(in.in(s.cfg.Scope), in.Worker))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/workers", "list-workers", tag, "Workers by facility"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Worker, in) })
}
