// Package scan is what handhelds send: each scan once, in the order in which its device made
// them, with what became of it.
//
// A device counts its scans from 1. One that comes before its predecessors is kept until they
// have come, or are given up; then it is decided as if it had come in time.
package scan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// What a scan does.
const (
	Sight   = "sight"   // a plain sighting: an LPN or goods at a place
	Receive = "receive" // goods come in: on the receipt or return that Task names, if any
	Pick    = "pick"    // a step of a pick task
	Put     = "put"     // goods of a step go from their tote into the slot of their order
	Short   = "short"   // a step of which less was found
	Pack    = "pack"    // a carton is closed
	Count   = "count"   // what lies at the place of a count
	Move    = "move"    // an LPN, or the goods of a replenishment or put-away, go to a place
)

// Results of a scan.
const (
	Done    = "done"
	Refused = "refused"
	Waiting = "waiting" // for scans that its device made before
	Invalid = "invalid" // another scan came under its sequence before
)

const (
	// MaxKept is how many early scans of a device are kept.
	MaxKept = 1000
	// MaxContents is how many lines a carton is closed with.
	MaxContents = 1000
	// GapWait is how long a missing scan holds up those after it.
	GapWait = 10 * time.Minute
)

// Scan is one scan. Codes are as the reader sent them: see package gs1.
type Scan struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"` // by the device's clock
	Worker   string    `json:"worker"`
	Do       string    `json:"do"`
	Code     string    `json:"code,omitempty"`  // of the goods or the LPN
	Place    string    `json:"place,omitempty"` // of the location or the LPN where it is, or goes
	Owner    string    `json:"owner,omitempty"` // of the task or the goods
	Item     string    `json:"item,omitempty"`  // where the code does not say it
	Task     string    `json:"task,omitempty"`  // the task, packing, count, receipt or return
	Step     int       `json:"step,omitempty"`
	Qty      int64     `json:"qty,omitempty"` // in the smallest unit; 0 is what the code says
	Tote     string    `json:"tote,omitempty"`
	Serials  []string  `json:"serials,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Box      string    `json:"box,omitempty"`
	Weight   int64     `json:"weight_mg,omitempty"`
	Moved    []int64   `json:"moved,omitempty"`    // of each step of a replenishment
	Contents []Content `json:"contents,omitempty"` // of the carton that is closed
}

// Content is a quantity of an item in a carton.
type Content struct {
	Code    string   `json:"code"`
	Qty     int64    `json:"qty"`
	Serials []string `json:"serials,omitempty"`
}

// Same reports whether two are the same scan, sent twice.
func (s Scan) Same(o Scan) bool {
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(o)
	return errA == nil && errB == nil && string(a) == string(b)
}

func bad(place, format string, a ...any) error {
	return fault.At("scan.Check", fault.Invalid, place, fmt.Errorf(format, a...))
}

// CheckHead refuses what cannot be kept as a scan of a device: without number, time or worker.
func (s Scan) CheckHead() error {
	if s.Seq < 1 {
		return bad("seq", "is missing: a device counts its scans from 1")
	}
	if s.At.IsZero() {
		return bad("at", "is missing: when the scan was made, by the device's clock")
	}
	if err := scope.CheckPart(s.Worker); err != nil {
		return bad("worker", "%w", err)
	}
	return nil
}

// Check refuses a scan that says too little.
func (s Scan) Check() error {
	needs, known := map[string][]string{
		Sight: {"code", "place"}, Receive: {"code", "place"}, Pick: {"task", "step", "code", "tote"}, Put: {"task", "step", "code", "tote", "place"}, Short: {"task", "step", "reason"},
		Pack: {"task", "box", "contents"}, Count: {"task", "place"}, Move: {"place"},
	}[s.Do]
	if !known {
		return bad("do", "%q is none of %s, %s, %s, %s, %s, %s, %s and %s", s.Do, Sight, Receive, Pick, Put, Short, Pack, Count, Move)
	}
	has := map[string]bool{
		"code": s.Code != "", "place": s.Place != "", "task": s.Task != "", "step": s.Step > 0, "tote": s.Tote != "",
		"reason": s.Reason != "", "box": s.Box != "", "contents": len(s.Contents) > 0,
	}
	for _, n := range needs {
		if !has[n] {
			return bad(n, "is missing: a scan that does %s needs it", s.Do)
		}
	}
	if s.Do == Move && s.Code == "" && s.Task == "" {
		return bad("code", "is missing: name the LPN that is moved, or the task")
	}
	if s.Qty < 0 {
		return bad("qty", "%d is negative", s.Qty)
	}
	if n := len(s.Contents); n > MaxContents {
		return bad("contents", "has %d lines, at most %d are taken", n, MaxContents)
	}
	for i, n := range s.Moved {
		if n < 0 {
			return bad(fmt.Sprintf("moved[%d]", i), "%d is negative", n)
		}
	}
	for i, c := range s.Contents {
		if c.Code == "" || c.Qty < 1 {
			return bad(fmt.Sprintf("contents[%d]", i), "needs a code and a quantity of at least 1")
		}
	}
	return nil
}

// Head is what every event about a device's scans begins with.
type Head struct {
	scope.Scope
	Device string    `json:"device"`
	At     time.Time `json:"at"`
}

// Stream is the stream of the device's scans.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Device) }

// Key orders messages about the device's scans.
func (h Head) Key() string { return streamOf(h.Scope, h.Device).Key() }

func streamOf(s scope.Scope, device string) scope.Stream {
	return scope.Stream{Kind: "scans", Tenant: s.Tenant, Owner: scope.Shared, ID: device}
}

// StreamOf is the stream of a device's scans.
func StreamOf(s scope.Scope, device string) string { return streamOf(s, device).String() }

// Taken says what became of a scan. Seen is when it was made, by the hub's clock.
type Taken struct {
	Head
	Scan   Scan      `json:"scan"`
	Seen   time.Time `json:"seen"`
	Result string    `json:"result"` // done or refused
	Where  string    `json:"where,omitempty"`
	Why    string    `json:"why,omitempty"`
}

// Kept says that a scan came before its predecessors.
type Kept struct {
	Head
	Scan Scan      `json:"scan"`
	Seen time.Time `json:"seen"`
}

// GapSkipped says that scans From to To are not waited for any longer. Should they come, they
// are taken all the same.
type GapSkipped struct {
	Head
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// EventType implements [event.Event].
func (Taken) EventType() string { return "scan.Taken" }

// EventType implements [event.Event].
func (Kept) EventType() string { return "scan.Kept" }

// EventType implements [event.Event].
func (GapSkipped) EventType() string { return "scan.GapSkipped" }

// Device is the state of a device's scans. Of the zero Device the first is still to come.
type Device struct {
	Head
	Last  int64     `json:"last,omitempty"`  // the highest that was taken or given up
	Kept  []Early   `json:"kept,omitempty"`  // by sequence
	Since time.Time `json:"since,omitzero"`  // when the gap before the first kept began
	Taken int64     `json:"taken,omitempty"` // how many were taken
}

// Early is a scan that waits.
type Early struct {
	Scan Scan      `json:"scan"`
	Seen time.Time `json:"seen"`
}

// Fold makes a [Device].
var Fold = event.Fold[Device]{Kind: "scans", Version: 1, Apply: apply}

func apply(d Device, e event.Event) (Device, error) {
	switch e := e.(type) {
	case Taken:
		d.Head = e.Head
		d.Taken++
		d.Kept = slices.DeleteFunc(slices.Clone(d.Kept), func(k Early) bool { return k.Scan.Seq == e.Scan.Seq })
		if e.Scan.Seq > d.Last {
			d.Last, d.Since = e.Scan.Seq, e.At
		}
	case Kept:
		d.Head = e.Head
		if len(d.Kept) == 0 {
			d.Since = e.At
		}
		at, _ := d.find(e.Scan.Seq)
		d.Kept = slices.Insert(slices.Clone(d.Kept), at, Early{e.Scan, e.Seen})
	case GapSkipped:
		d.Head, d.Last, d.Since = e.Head, e.To, e.At
	default:
		return d, event.Unexpected("scans", e)
	}
	return d, nil
}

func (d Device) find(seq int64) (int, bool) {
	return slices.BinarySearchFunc(d.Kept, seq, func(k Early, n int64) int { return cmp.Compare(k.Scan.Seq, n) })
}

// IsEarly reports whether predecessors of the scan have not come.
func (d Device) IsEarly(seq int64) bool { return seq > d.Last+1 }

// Ready is the kept scan whose turn it is, or nil.
func (d Device) Ready() *Early {
	if len(d.Kept) > 0 && !d.IsEarly(d.Kept[0].Scan.Seq) {
		return &d.Kept[0]
	}
	return nil
}

// Waits is the kept scan of a sequence, or nil.
func (d Device) Waits(seq int64) *Early {
	if at, ok := d.find(seq); ok {
		return &d.Kept[at]
	}
	return nil
}

// Keep holds an early scan; the same one again is no event.
func (d Device) Keep(h Head, s Scan, seen time.Time) ([]event.Event, error) {
	const op = "scan.Keep"
	if k := d.Waits(s.Seq); k != nil {
		if !k.Scan.Same(s) {
			return nil, fault.At(op, fault.Invalid, "seq", Reused(k.Scan, s))
		}
		return nil, nil
	}
	if len(d.Kept) >= MaxKept {
		return nil, fault.At(op, fault.Rejected, "seq", fmt.Errorf("%d scans wait for scan %d: send that first", len(d.Kept), d.Last+1))
	}
	return []event.Event{Kept{h, s, seen.UTC()}}, nil
}

// Skip gives up what is missing before the first kept scan, once it was waited for long enough.
func (d Device) Skip(at time.Time) []event.Event {
	if len(d.Kept) == 0 || d.Ready() != nil || at.Before(d.Until()) {
		return nil
	}
	h := d.Head
	h.At = at.UTC()
	return []event.Event{GapSkipped{h, d.Last + 1, d.Kept[0].Scan.Seq - 1}}
}

// Until is when the gap before the first kept scan is given up.
func (d Device) Until() time.Time { return d.Since.Add(GapWait) }

// Reused names both scans that a device sent under one sequence.
func Reused(first, second Scan) error {
	name := func(s Scan) string {
		b, err := json.Marshal(s)
		if err != nil || len(b) > 400 {
			return fmt.Sprintf("%s of %q by %s at %s", s.Do, s.Code, s.Worker, s.At.Format(time.RFC3339))
		}
		return string(b)
	}
	return errors.New("scan " + fmt.Sprint(second.Seq) + " came before as " + name(first) + " and comes now as " + name(second) + ": a device numbers each scan once")
}

// SeenAt is when a scan was made by the hub's clock: the device's clock was as far off when it
// made the scan as it is when it sends it. Nothing is seen before it happened.
func SeenAt(at, sent, now time.Time) time.Time {
	if !sent.IsZero() {
		at = at.Add(now.Sub(sent))
	}
	if at.After(now) {
		at = now
	}
	return at.UTC()
}

// Send is one scan as a device sends it. Sent is the device's clock at that moment; zero takes
// it for right.
type Send struct {
	Scan Scan
	Sent time.Time
}

// Answer says what became of a scan and what comes next.
type Answer struct {
	Seq    int64  `json:"seq"`
	Result string `json:"result"`
	Where  string `json:"where,omitempty"` // the field that is wrong
	Why    string `json:"why,omitempty"`
	Repeat bool   `json:"repeat,omitempty"` // it was decided when the scan came first
	Next   *Next  `json:"next,omitempty"`
}

// Next is what the worker does next: a step, "claim" the task, "close" the packing, or "done".
type Next struct {
	Do    string `json:"do"`
	Task  string `json:"task,omitempty"`
	Step  int    `json:"step,omitempty"`
	Place string `json:"place,omitempty"`
	Item  string `json:"item,omitempty"`
	Lot   string `json:"lot,omitempty"`
	LPN   string `json:"lpn,omitempty"`
	Qty   int64  `json:"qty,omitempty"`
}
