package task

import (
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Next asks for the best task that a worker may do, and claims it for him. What he holds
// already he is given again, with its lease prolonged.
type Next struct {
	Worker    string
	Device    string
	Zone      string   // where he stands; that of Location, else his home, where it is empty
	Location  string   // where he stands
	Equipment []string // at hand, beside what he is registered with
	Skills    []string
	Kinds     []string // of work that he wants; empty takes what he is registered for
	Lease     time.Duration
}

// Validate refuses what no worker can ask.
func (c Next) Validate() error {
	const op = "task.Next"
	if err := scope.CheckPart(c.Worker); err != nil {
		return fault.At(op, fault.Invalid, "worker", err)
	}
	for _, l := range [...]struct {
		place string
		list  []string
	}{{"equipment", c.Equipment}, {"skills", c.Skills}, {"kinds", c.Kinds}} {
		for i, v := range l.list {
			place := fmt.Sprintf("%s[%d]", l.place, i)
			if err := scope.CheckPart(v); err != nil {
				return fault.At(op, fault.Invalid, place, err)
			}
			if l.place == "kinds" && !IsKind(v) {
				return fault.At(op, fault.Invalid, place, fmt.Errorf("%q is not a kind of task", v))
			}
		}
	}
	return checkLease(op, c.Lease)
}

// DoneBy is who asks.
func (c Next) DoneBy() string { return c.Worker }
