package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/routes"
)

// TasksConfig is what work is given to whom first.
type TasksConfig struct {
	Lead          time.Duration `config:"lead" doc:"What a cut-off must leave for packing, label and dock."`
	Patience      time.Duration `config:"patience" doc:"When a task is due that has no cut-off: this long after it was made."`
	PriorityWorth time.Duration `config:"priority_worth" doc:"How much earlier each step of priority makes a task due."`
	Band          time.Duration `config:"band" doc:"Tasks that are due no further apart than this are equally urgent: the nearest goes first."`
	Interleave    []string      `config:"interleave" doc:"Kinds of work that are done between two picks when they lie near: putaway, replenish, count, move."`
	Within        int           `config:"interleave_within" doc:"How near: positions of the walk (sequence of the locations)."`
	PreemptAfter  time.Duration `config:"preempt_after" doc:"Urgent work that nobody takes up for so long takes the place of a pick between two steps; 0 is never."`
	Needs         []NeedConfig  `config:"needs" doc:"Skills and equipment that places ask for."`
}

// NeedConfig is a skill or a piece of equipment, and where it is needed.
type NeedConfig struct {
	Need         string   `config:"need" doc:"Name of the skill or equipment, as workers have it."`
	Zones        []string `config:"zones"`
	StorageTypes []string `config:"storage_types" doc:"Of the location, or of the item."`
	FromLevel    string   `config:"from_level" doc:"This level and those above it."`
}

// routes is it as the hub takes it.
func (c TasksConfig) routes() routes.TaskConfig {
	out := routes.TaskConfig{
		Policy: task.Policy{
			Lead: c.Lead, Patience: c.Patience, PerPriority: c.PriorityWorth, Band: c.Band, Between: c.Interleave, Within: int64(c.Within),
		},
		PreemptAfter: c.PreemptAfter,
	}
	for _, n := range c.Needs {
		out.Needs = append(out.Needs, routes.NeedRule(n))
	}
	return out
}

func defaultTasks() TasksConfig {
	return TasksConfig{Lead: 30 * time.Minute, Patience: 4 * time.Hour, PriorityWorth: 30 * time.Minute, Band: 5 * time.Minute, Within: 20, Needs: []NeedConfig{{Need: "hazmat", Zones: []string{}, StorageTypes: []string{"hazmat"}}}}
}

// Validate refuses times below nothing, work that is none, and needs that hold everywhere.
func (c TasksConfig) Validate() error {
	errs := []error{
		positive("lead", c.Lead), positive("patience", c.Patience), positive("priority_worth", c.PriorityWorth), positive("band", c.Band),
		atLeast("interleave_within", c.Within, 0),
	}
	if c.PreemptAfter < 0 {
		errs = append(errs, fmt.Errorf("preempt_after: %v is below 0", c.PreemptAfter))
	}
	for i, k := range c.Interleave {
		if !task.IsKind(k) || k == task.KindPick {
			errs = append(errs, fmt.Errorf("interleave[%d]: %q is none of putaway, replenish, count, move, pack", i, k))
		}
	}
	for i, n := range c.Needs {
		if err := routes.NeedRule(n).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("needs[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
