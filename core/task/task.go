// Package task is a piece of work for one worker: claimed with a lease, so that a
// worker who walks away does not take the work with him.
package task

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Kinds of work.
const (
	KindPick      = "pick"
	KindPack      = "pack"
	KindPutAway   = "putaway"
	KindReplenish = "replenish"
	KindCount     = "count"
	KindMove      = "move"
)

// IsKind reports whether there is work of the kind.
func IsKind(kind string) bool {
	switch kind {
	case KindPick, KindPack, KindPutAway, KindReplenish, KindCount, KindMove:
		return true
	}
	return false
}

// MaxNeeds is the most skills and equipment that one task may ask for.
const MaxNeeds = 16

// MaxSteps is the most steps that one task may have.
const MaxSteps = 10_000

// Step is one thing to do at one place. No counts from 1 within the task.
type Step struct {
	No    int             `json:"no"`
	Owner string          `json:"owner,omitempty"` // of the goods, where the task is over several owners
	Order string          `json:"order,omitempty"`
	Line  int             `json:"line,omitempty"`
	Item  string          `json:"item"`
	From  inventory.Place `json:"from"`
	Qty   int64           `json:"qty"`
	To    inventory.Place `json:"to,omitzero"` // where it is brought; of a pick the worker's tote
}

// Create makes a task. Order is set where all steps are of one order; it then
// orders the task's messages.
type Create struct {
	scope.Scope
	Task     string
	Kind     string
	Order    string
	Wave     string
	Priority int       // 0 to 9
	CutOff   time.Time // zero is none
	Zone     string
	Needs    []string // skills and equipment that whoever does it must have
	Method   string   // of picking; "" is one order at a time
	Steps    []Step
}

// Claim gives the task to a worker until At+Lease. Claiming again by the same
// worker renews.
type Claim struct {
	Worker string
	Lease  time.Duration
}

// Renew prolongs the lease; Claim is the number that the claim was answered with.
type Renew struct {
	Worker string
	Claim  int
	Lease  time.Duration
}

// Expire takes the task back once its lease has ended.
type Expire struct{ Claim int }

// Preempt takes the task back from whoever holds it, for another that is more urgent.
type Preempt struct {
	Claim  int
	For    string // the other task
	Reason string
}

// Release gives the task back before its work is done, by whoever holds its claim.
type Release struct {
	Worker string
	Claim  int
	Reason string
}

// Redirect says that what a task brings goes to another place from now on, whoever holds it.
type Redirect struct {
	To     string // the location
	Reason string // what became of the goods
}

// Prioritize says how urgent the task is from now on.
type Prioritize struct {
	Priority int       // 0 to 9
	CutOff   time.Time // zero is none
	Reason   string    // what made it so
}

// Complete ends the task by whoever holds its claim.
type Complete struct {
	Worker string
	Claim  int
}

// Cancel ends the task without its work being done.
type Cancel struct{ Reason, By string }

// Head is what every task event begins with.
type Head struct {
	scope.Scope
	Task  string    `json:"task"`
	Order string    `json:"order,omitempty"`
	At    time.Time `json:"at"`
}

// Stream is the stream of the task.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Task) }

// Key orders messages about the task: with its order's, where it has one.
func (h Head) Key() string {
	if h.Order != "" {
		return scope.Stream{Tenant: h.Tenant, Owner: h.Owner, ID: h.Order}.Key()
	}
	return streamOf(h.Scope, h.Task).Key()
}

func streamOf(s scope.Scope, task string) scope.Stream {
	return scope.Stream{Kind: "task", Tenant: s.Tenant, Owner: s.Owner, ID: task, Facility: s.Facility}
}

// StreamOf is the stream of a task.
func StreamOf(s scope.Scope, task string) string { return streamOf(s, task).String() }

// Created says that there is work.
type Created struct {
	Head
	Kind     string    `json:"kind"`
	Wave     string    `json:"wave,omitempty"`
	Priority int       `json:"priority,omitempty"`
	CutOff   time.Time `json:"cut_off,omitzero"`
	Zone     string    `json:"zone,omitempty"`
	Needs    []string  `json:"needs,omitempty"`
	Method   string    `json:"method,omitempty"`
	Steps    []Step    `json:"steps"`
}

// Claimed says who works on it and until when. Claim counts the claims.
type Claimed struct {
	Head
	Worker string    `json:"worker"`
	Claim  int       `json:"claim"`
	Until  time.Time `json:"until"`
}

// Renewed prolongs the lease.
type Renewed struct {
	Head
	Claim int       `json:"claim"`
	Until time.Time `json:"until"`
}

// Expired says that the lease ended; the task may be claimed again.
type Expired struct {
	Head
	Worker string `json:"worker"`
	Claim  int    `json:"claim"`
}

// Preempted says that the task was taken back from its worker, for which other one, and why.
// It may be claimed again.
type Preempted struct {
	Head
	Worker string `json:"worker"`
	Claim  int    `json:"claim"`
	For    string `json:"for"`
	Reason string `json:"reason"`
}

// Released says that its worker gave the task back, and why. It may be claimed again.
type Released struct {
	Head
	Worker string `json:"worker"`
	Claim  int    `json:"claim"`
	Reason string `json:"reason"`
}

// Redirected says that what the task brings goes to another place from now on, and what became of the
// goods. Its worker, who has them in hand, keeps it.
type Redirected struct {
	Head
	From   string `json:"from"` // the location that it was to go to
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// Prioritized says that the task is as urgent as this from now on.
type Prioritized struct {
	Head
	Priority int       `json:"priority"`
	CutOff   time.Time `json:"cut_off,omitzero"`
	Reason   string    `json:"reason"`
}

// Completed ends the task.
type Completed struct {
	Head
	Kind   string `json:"kind"`
	Wave   string `json:"wave,omitempty"`
	Worker string `json:"worker"`
	Claim  int    `json:"claim"`
}

// Cancelled ends the task undone.
type Cancelled struct {
	Head
	Kind   string `json:"kind"`
	Wave   string `json:"wave,omitempty"`
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Created) EventType() string { return "task.Created" }

// EventType implements [event.Event].
func (Claimed) EventType() string { return "task.Claimed" }

// EventType implements [event.Event].
func (Renewed) EventType() string { return "task.Renewed" }

// EventType implements [event.Event].
func (Expired) EventType() string { return "task.Expired" }

// EventType implements [event.Event].
func (Preempted) EventType() string { return "task.Preempted" }

// EventType implements [event.Event].
func (Released) EventType() string { return "task.Released" }

// EventType implements [event.Event].
func (Prioritized) EventType() string { return "task.Prioritized" }

// EventType implements [event.Event].
func (Redirected) EventType() string { return "task.Redirected" }

// EventType implements [event.Event].
func (Completed) EventType() string { return "task.Completed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "task.Cancelled" }

var _ event.Streamed = Created{}

// DoneBy is whose hands did it.
func (c Claim) DoneBy() string { return c.Worker }

// DoneBy is whose hands did it.
func (c Renew) DoneBy() string { return c.Worker }

// DoneBy is whose hands did it.
func (c Complete) DoneBy() string { return c.Worker }

// DoneBy is whose hands did it.
func (c Release) DoneBy() string { return c.Worker }
