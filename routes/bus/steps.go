package bus

// Step names a point between two things that a crash must not tear apart. Crash tests end
// the process at each of them.
type Step string

// The steps of the bus.
const (
	StepDelivered Step = "bus: records are delivered and not yet handled"
	StepHanded    Step = "bus: a unit is handed over and not yet at the disk"
	StepCommit    Step = "bus: a batch is about to be written"
	StepDurable   Step = "bus: a batch is durable and nobody knows"
	StepFed       Step = "bus: subscriptions have a batch whose doors are not answered"
	StepTold      Step = "bus: everybody was told of a batch"
	StepTimer     Step = "bus: a timer fires"
	StepWoken     Step = "bus: a parked record goes again"
)

// The steps of routes, which hosts them on the bus.
const (
	StepDecided   Step = "route: a handler has decided"
	StepRetry     Step = "route: a failure is about to be parked behind a timer"
	StepLetter    Step = "route: a letter is about to be opened"
	StepParked    Step = "route: a failure was parked"
	StepPartial   Step = "route: a part of a large cause is durable"
	StepAnswer    Step = "door: the decision is durable and the answer is about to leave"
	StepIntended  Step = "effect: planned, and not yet started"
	StepStarted   Step = "effect: started durably, and not yet called"
	StepCalling   Step = "effect: the lease was shown, and the call is about to leave"
	StepCalled    Step = "effect: the call is back and its outcome is not written"
	StepConcluded Step = "effect: the outcome was handed over"
	StepLost      Step = "effect: the call's answer is lost and nobody wrote so"
	StepAsking    Step = "effect: the partner is about to be asked"
	StepAsked     Step = "effect: the partner told what he knows and it is not written"
)

// Steps are all of them, so that a test can demand each.
func Steps() []Step {
	return []Step{
		StepDelivered, StepHanded, StepCommit, StepDurable, StepFed, StepTold, StepTimer, StepWoken,
		StepDecided, StepRetry, StepLetter, StepParked, StepPartial, StepAnswer,
		StepIntended, StepStarted, StepCalling, StepCalled, StepConcluded, StepLost, StepAsking, StepAsked,
	}
}

// At tells a crash test that a step is reached.
func (b *Bus) At(s Step) {
	if b.opts.Step != nil {
		b.opts.Step(s)
	}
}
