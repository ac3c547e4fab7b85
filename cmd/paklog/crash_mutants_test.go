package main

import (
	"context"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// Mutants: hubs that are broken on purpose, each in one thing that a crash test must see.
const (
	mutantNoMark     = "the mark that a cause was handled is left out"
	mutantTwoCommits = "what a handler decided and its mark are two commits"
	mutantLateStart  = "a partner is called before the ledger has it durably"
	mutantNoReplay   = "the replay of a letter is not noted with the letter"
	mutantNoKey      = "the id of an event and the row of a file are not remembered"
)

// mutant is a driver that keeps no promise of one kind.
type mutant struct {
	journal.Driver
	kind string
	at   func(bus.Step)
	late map[string]*journal.Unit // starts of effects that only seem to be durable
	n    int
}

func newMutant(kind string, d journal.Driver, at func(bus.Step)) *mutant {
	return &mutant{Driver: d, kind: kind, at: at, late: map[string]*journal.Unit{}}
}

// Write implements [journal.Writer].
func (m *mutant) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	switch m.kind {
	case mutantNoMark:
		return m.write(ctx, b, func(u *journal.Unit) *journal.Unit {
			if m.n++; m.n%5 > 0 {
				return u
			}
			return unmarked(u)
		})
	case mutantTwoCommits:
		refusals, err := m.write(ctx, b, unmarked)
		if err != nil {
			return refusals, err
		}
		var marks journal.Batch
		for i, u := range b.Units {
			if refusals[i] == nil && u.Cause.Done {
				marks.Units = append(marks.Units, &journal.Unit{ID: u.ID.Child("mark", "", 0), At: u.At, Cause: u.Cause})
			}
		}
		if len(marks.Units) == 0 {
			return refusals, nil
		}
		m.at(bus.StepCommit)
		_, err = m.Driver.Write(ctx, &marks)
		return refusals, err
	case mutantNoReplay:
		return m.write(ctx, b, unreplayed)
	case mutantNoKey:
		return m.write(ctx, b, unclaimed)
	}
	return m.holdStarts(ctx, b)
}

// unmarked is u without its mark.
func unmarked(u *journal.Unit) *journal.Unit {
	if !u.Cause.Done {
		return u
	}
	c := *u
	c.Cause.Done, c.Stored = false, nil
	return &c
}

// unreplayed is u without the note that its letter goes again.
func unreplayed(u *journal.Unit) *journal.Unit {
	marks := func(o journal.LetterOp) bool { return o.To == journal.LetterReplaying }
	if !slices.ContainsFunc(u.Letters, marks) {
		return u
	}
	c := *u
	c.Letters, c.Stored = slices.DeleteFunc(slices.Clone(u.Letters), marks), nil
	return &c
}

// unclaimed is u without the ids of events and rows.
func unclaimed(u *journal.Unit) *journal.Unit {
	marks := func(o journal.ClaimOp) bool {
		return strings.HasPrefix(o.Scope, "webhook/") || strings.HasPrefix(o.Scope, "import/")
	}
	if !slices.ContainsFunc(u.Claims, marks) {
		return u
	}
	c := *u
	c.Claims, c.Stored = slices.DeleteFunc(slices.Clone(u.Claims), marks), nil
	return &c
}

// write writes a batch with other units in place of its own, which get their positions.
func (m *mutant) write(ctx context.Context, b *journal.Batch, change func(*journal.Unit) *journal.Unit) ([]*journal.Refusal, error) {
	other := journal.Batch{Delivered: b.Delivered}
	for _, u := range b.Units {
		other.Units = append(other.Units, change(u))
	}
	refusals, err := m.Driver.Write(ctx, &other)
	for i, u := range other.Units {
		b.Units[i].First = u.First
	}
	return refusals, err
}

// holdStarts says that the start of an effect is durable, and writes it with the outcome.
func (m *mutant) holdStarts(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	other := journal.Batch{Delivered: b.Delivered}
	last, err := m.Last(ctx)
	if err != nil {
		return nil, err
	}
	at := make([]int, len(b.Units)) // where each stands in other; -1 is held
	for i, u := range b.Units {
		if len(u.Effects) == 1 && u.Effects[0].To == journal.EffectStarted {
			m.late[u.Effects[0].Key] = u
			u.First, at[i] = last, -1
			continue
		}
		for _, e := range u.Effects {
			if held := m.late[e.Key]; held != nil {
				other.Units = append(other.Units, held)
				delete(m.late, e.Key)
			}
		}
		at[i] = len(other.Units)
		other.Units = append(other.Units, u)
	}
	done, err := m.Driver.Write(ctx, &other)
	if err != nil {
		return nil, err
	}
	refusals := make([]*journal.Refusal, len(b.Units))
	for i, k := range at {
		if k >= 0 {
			refusals[i] = done[k]
		}
	}
	return refusals, nil
}
