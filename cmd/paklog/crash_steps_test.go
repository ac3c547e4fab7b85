package main

import (
	"context"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// The steps at the partners' folders, where the world and the journal meet.
const (
	stepFileRead   bus.Step = "folder: a file is read and nobody has it"
	stepFileTaken  bus.Step = "folder: a file is durable and lies in the inbox still"
	stepStage      bus.Step = "folder: a document is about to be staged"
	stepStaged     bus.Step = "folder: a document is staged"
	stepPublishing bus.Step = "folder: a document is about to be published"
	stepPublished  bus.Step = "folder: a document is published and nobody wrote so"
)

// crashSteps is the one table of the places where the torture ends the process. A step that
// is never reached fails it.
func crashSteps() []bus.Step {
	return append(bus.Steps(), stepFileRead, stepFileTaken, stepStage, stepStaged, stepPublishing, stepPublished)
}

// rareSteps need something to happen; the others are passed by every order.
var rareSteps = map[bus.Step]provocation{
	bus.StepRetry: lostAndDeaf, bus.StepLost: lostAnswer, bus.StepAsking: lostAnswer, bus.StepAsked: lostAnswer, bus.StepWoken: lostAnswer,
	bus.StepLetter: nonsense, bus.StepParked: nonsense, bus.StepPartial: longDocument,
}

// provocation makes a rare step come.
type provocation int

const (
	nothing      provocation = iota
	lostAnswer               // the carrier sells a label and its answer is lost
	lostAndDeaf              // and it fails when it is asked
	nonsense                 // a document that nobody can read
	longDocument             // more sets than one unit holds
)

func (k *killer) inbox(c door.Caller) door.Caller      { return inboxSteps{c, k} }
func (k *killer) outbox(o routes.Outbox) routes.Outbox { return outboxSteps{o, k} }

type inboxSteps struct {
	door.Caller
	k *killer
}

// Call implements [door.Caller].
func (s inboxSteps) Call(ctx context.Context, name string, value any) (any, error) {
	s.k.at(stepFileRead)
	v, err := s.Caller.Call(ctx, name, value)
	s.k.at(stepFileTaken)
	return v, err
}

type outboxSteps struct {
	routes.Outbox
	k *killer
}

// Stage implements [routes.Outbox].
func (s outboxSteps) Stage(ctx context.Context, partner, name string, data []byte) error {
	s.k.at(stepStage)
	err := s.Outbox.Stage(ctx, partner, name, data)
	s.k.at(stepStaged)
	return err
}

// Publish implements [routes.Outbox].
func (s outboxSteps) Publish(ctx context.Context, partner, name string) error {
	s.k.at(stepPublishing)
	err := s.Outbox.Publish(ctx, partner, name)
	s.k.at(stepPublished)
	return err
}
