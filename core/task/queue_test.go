package task_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/task"
)

// Whatever keeps coming, and wherever the worker stands: what he is given is never less urgent by
// more than the band than anything else that he may do, but for what is done in between while
// nothing is late. So whatever waits is given out once it is late by the band, and nobody starves.
func TestNothingStarvesInTheQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Minute
		}
		p := task.Policy{Lead: minutes("lead", 60), Patience: minutes("patience", 240), PerPriority: minutes("step", 60), Band: minutes("band", 20)}
		if rapid.Bool().Draw(t, "between") {
			p.Between, p.Within = []string{task.KindCount}, 5
		}
		s := task.Seeker{Zone: "A", Known: true, After: task.KindPick}
		now := at
		var queue []task.Offer
		for range rapid.IntRange(1, 60).Draw(t, "asks") {
			for range rapid.IntRange(0, 3).Draw(t, "made") {
				var cutOff time.Time
				if rapid.Bool().Draw(t, "cut off") {
					cutOff = now.Add(minutes("by", 300))
				}
				queue = append(queue, task.Offer{
					Kind: rapid.SampledFrom([]string{task.KindPick, task.KindCount}).Draw(t, "kind"), Zone: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "zone"),
					Rank: p.Rank(now, cutOff, rapid.IntRange(0, 9).Draw(t, "priority")), Walk: rapid.Int64Range(0, 30).Draw(t, "walk"),
				})
			}
			i, why := s.Best(queue, p, now)
			if i < 0 {
				if len(queue) > 0 {
					t.Fatalf("%d tasks wait, and none is given", len(queue))
				}
				continue
			}
			given := queue[i]
			for _, o := range queue {
				if given.Rank.Sub(o.Rank) <= p.Band {
					continue
				}
				if why.Rule != task.Interleave || !now.Before(o.Rank) || given.Kind != task.KindCount {
					t.Fatalf("at %s a task of rank %s is given by %s, and one of %s waits", now, given.Rank, why.Rule, o.Rank)
				}
			}
			s.Walk, s.Zone = given.Walk, given.Zone
			queue = append(queue[:i], queue[i+1:]...)
			now = now.Add(minutes("work", 10))
		}
	})
}

func TestATaskIsAsUrgentAsItIsSaidToBe(t *testing.T) {
	s := claimed(t)
	evs, err := s.Prioritize(task.Prioritize{Priority: 7, CutOff: at.Add(time.Hour), Reason: "order changed"}, at)
	if s = run(t, s, evs, err); s.Priority != 7 || !s.CutOff.Equal(at.Add(time.Hour)) || s.Status != task.StatusClaimed || s.Worker != "kim" {
		t.Errorf("%+v", s)
	}
	if evs, err := s.Prioritize(task.Prioritize{Priority: 7, CutOff: at.Add(time.Hour), Reason: "again"}, at); err != nil || len(evs) != 0 {
		t.Errorf("the same again: %v %v", evs, err)
	}
	for place, c := range map[string]task.Prioritize{"priority": {Priority: 10, Reason: "x"}, "reason": {Priority: 1}} {
		if evs, err := s.Prioritize(c, at); len(evs) != 0 || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v %v", place, evs, err)
		}
	}
	if _, err := (task.Task{}).Prioritize(task.Prioritize{Reason: "x"}, at); fault.PlaceOf(err) != "task" {
		t.Errorf("a task that is not there: %v", err)
	}
	evs, err = s.Complete(task.Complete{Worker: "kim", Claim: 1}, at)
	s = run(t, s, evs, err)
	if evs, err := s.Prioritize(task.Prioritize{Priority: 1, Reason: "late"}, at); err != nil || len(evs) != 0 {
		t.Errorf("a task that is done: %v %v", evs, err)
	}
}
