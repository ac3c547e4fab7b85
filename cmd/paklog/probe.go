package main

import (
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// probe is what crash tests put between the parts of a hub, so that they end the process at
// a step, break the hub on purpose to see that they would notice, or need not wait. A configuration that was
// read from a file has none.
type probe struct {
	step   func(bus.Step)
	driver func(journal.Driver) journal.Driver
	outbox func(routes.Outbox) routes.Outbox
	inbox  func(door.Caller) door.Caller
	as2    func(door.Caller) door.Caller
	store  func(sqlite.Options) sqlite.Options
	move   func(step string)
	upkeep time.Duration // between rounds
}

// through is v behind what a probe puts before it.
func through[T any](wrap func(T) T, v T) T {
	if wrap == nil {
		return v
	}
	return wrap(v)
}
