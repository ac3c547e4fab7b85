package rest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scan"
)

// MaxScans is how many scans one request brings.
const MaxScans = 500

// ScansBody is what a handheld sends: its scans, in any number of requests, each as often as it
// takes.
type ScansBody struct {
	Device   string     `json:"device,omitempty" doc:"who counted; left out by an enrolled device"`
	Facility string     `json:"facility,omitempty"`
	Worker   string     `json:"worker,omitempty" doc:"of scans that name none"`
	SentAt   time.Time  `json:"sent_at,omitzero" doc:"the device's clock now; it tells how far it is off"`
	Scans    []ScanBody `json:"scans" minItems:"1" maxItems:"500" nullable:"false"`
}

// ScanBody is one scan. What it does decides what it needs.
type ScanBody struct {
	Seq      int64             `json:"seq" minimum:"1" doc:"counts from 1 on each device; the same scan again gets the stored answer, another one is invalid"`
	At       time.Time         `json:"at" doc:"when it was made, by the device's clock"`
	Worker   string            `json:"worker,omitempty"`
	Do       string            `json:"do" enum:"sight,receive,pick,put,short,pack,count,move"`
	Code     string            `json:"code,omitempty" maxLength:"4096" doc:"as the reader sent it: GS1 element string, key, Digital Link, or a text of our own"`
	Place    string            `json:"place,omitempty" doc:"code of the location or slot, or of the LPN that something is put into"`
	Owner    string            `json:"owner,omitempty" doc:"of the task or the goods"`
	Item     string            `json:"item,omitempty" doc:"where the code does not say it"`
	Task     string            `json:"task,omitempty" doc:"the pick task, packing, count or replenishment"`
	Step     int               `json:"step,omitempty" minimum:"0"`
	Qty      int64             `json:"qty,omitempty" minimum:"0" doc:"in the smallest unit; 0 is what the code says, and nothing for a count"`
	Tote     string            `json:"tote,omitempty" doc:"of a receipt the LPN that the goods stand on"`
	Serials  []string          `json:"serials,omitempty" nullable:"false"`
	Reason   string            `json:"reason,omitempty"`
	Box      string            `json:"box,omitempty"`
	Weight   int64             `json:"weight_mg,omitempty" minimum:"0"`
	Moved    []int64           `json:"moved,omitempty" nullable:"false" doc:"of a replenishment what was brought of each step, in their order; left out it is all"`
	Contents []ScanContentBody `json:"contents,omitempty" nullable:"false" doc:"of the carton that is closed"`
}

// ScanContentBody is a quantity of what was scanned into a carton.
type ScanContentBody struct {
	Code    string   `json:"code"`
	Qty     int64    `json:"qty" minimum:"1"`
	Serials []string `json:"serials,omitempty" nullable:"false"`
}

func (b ScanBody) scan(worker, owner string) scan.Scan {
	out := scan.Scan{
		Seq: b.Seq, At: b.At.UTC(), Worker: cmp.Or(b.Worker, worker), Do: b.Do, Code: b.Code, Place: b.Place,
		Owner: cmp.Or(b.Owner, owner), Item: b.Item, Task: b.Task, Step: b.Step, Qty: b.Qty, Tote: b.Tote, Serials: b.Serials,
		Reason: b.Reason, Box: b.Box, Weight: b.Weight, Moved: b.Moved,
	}
	for _, c := range b.Contents {
		out.Contents = append(out.Contents, scan.Content(c))
	}
	return out
}

// ScanAnswers are in the order of the scans.
type ScanAnswers struct {
	Answers []scan.Answer `json:"answers" nullable:"false"`
}

func (s *server) scans() {
	register(s, op[ScansBody, ScanAnswers](s, http.MethodPost, "/v1/scans", "send-scans", "scans",
		"What a handheld scanned, each scan once and in the order of its device"),
		func(ctx context.Context, _ *struct{}) (*reply, error) {
			b, err := decode[ScansBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.sendScans(ctx, b)
		})
	s.scanWork()
}

// sendScans takes scan by scan, each in a unit of its own: what a broken connection leaves
// unanswered is answered when the batch comes again.
func (s *server) sendScans(ctx context.Context, b ScansBody) (*reply, error) {
	c := callOf(ctx)
	sc := inFacility(s.cfg.Scope, b.Facility)
	dev := b.Device
	if c.device != "" {
		if dev != "" && dev != c.device {
			return nil, s.problem(ctx, fault.At("rest.scans", fault.Rejected, "device", fmt.Errorf("these are scans of %.64q, and %s sends them", dev, c.device)))
		}
		dev, sc.Facility = c.device, cmp.Or(c.facility, sc.Facility)
	}
	if n := len(b.Scans); n == 0 || n > MaxScans {
		return nil, s.problem(ctx, fault.At("rest.scans", fault.Invalid, "scans", fmt.Errorf("has %d scans, a request brings 1 to %d", n, MaxScans)))
	}
	list := make([]scan.Scan, len(b.Scans))
	for i, x := range b.Scans {
		list[i] = x.scan(b.Worker, s.cfg.Scope.Owner)
		if err := list[i].CheckHead(); err != nil {
			return nil, s.problem(ctx, fault.At("rest.scans", fault.Invalid, fmt.Sprintf("scans[%d].%s", i, fault.PlaceOf(err)), fmt.Errorf("%s", fault.Reason(err))))
		}
	}
	var out ScanAnswers
	for i := range list {
		got, err := s.deps.Door.Call(ctx, door.Scans, door.Ask{Scope: sc, ID: dev, Cmd: scan.Send{Scan: list[i], Sent: b.SentAt}, Actor: c.client})
		if fault.KindOf(err) == fault.Invalid && fault.PlaceOf(err) == "seq" && err != nil {
			got, err = scan.Answer{Seq: list[i].Seq, Result: scan.Invalid, Where: "seq", Why: fault.Reason(err)}, nil
		}
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		a, ok := got.(scan.Answer)
		if !ok {
			return nil, s.problem(ctx, fault.E("rest.scans", fault.Internal, fmt.Errorf("the door answered %T", got)))
		}
		out.Answers = append(out.Answers, a)
	}
	a, err := s.answer(ctx, out, 0)
	if err != nil {
		return nil, err
	}
	return &reply{Status: http.StatusOK, Type: a.Type, Position: s.position(), Body: a.Body}, nil
}

// forDevices reports whether an enrolled handheld may ask for this: its work and nothing else.
func forDevices(r *http.Request) bool {
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/scans", "GET /v1/scans/work", "POST /v1/tasks/next":
		return true
	}
	owned := func(prefix, suffix string) bool {
		p := r.URL.Path
		return len(p) > len(prefix)+len(suffix) && p[:len(prefix)] == prefix && p[len(p)-len(suffix):] == suffix
	}
	return r.Method == http.MethodPost && (owned("/v1/tasks/", "/claim") || owned("/v1/tasks/", "/release") || owned("/v1/picks/", "/totes")) || r.Method == http.MethodGet && owned("/v1/lpns/", "")
}

func forbidden(code, detail string) *intake.Problem {
	return intake.New(http.StatusForbidden, code, detail)
}
