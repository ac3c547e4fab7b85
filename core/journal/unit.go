package journal

import "time"

// Unit is what one decision makes durable: whole or not at all, together with the
// mark that its cause was handled. Handlers build it; only a driver writes it.
type Unit struct {
	ID    ID
	At    time.Time
	Cause Cause

	Expect    []Expect
	Records   []Record
	Postings  []Posting
	States    []StateOp
	Claims    []ClaimOp
	Timers    []TimerOp
	Parks     []ParkOp
	Letters   []LetterOp
	Effects   []EffectOp
	Snapshots []Snapshot

	// Lane chains units of one lane within a process: when a unit is refused, later
	// units of the same lane in the same batch are refused with it, whatever the refusal. 0 is no
	// lane. It is not stored.
	Lane uint64
	// First is where the unit stands, filled by the driver on commit. It is not stored.
	First Pos
	// Stored is what AppendUnit makes of the unit, where its owner has made it
	// already: a driver then need not, and may keep these bytes. It is not stored again.
	Stored []byte
}

// Cause names what a unit answers. The zero Cause is an act from outside (a door).
type Cause struct {
	Sub  string // subscription that delivered the record at Pos
	Part uint8  // partition of the record's key
	Pos  Pos
	// Done marks (Sub, Pos) finished: it takes Pos off the open list of the checkpoint, and
	// the unit is refused as [RefusedFinished] where it is not on it. A cause with several units
	// finishes with its last. A record that was parked is finished already: its unit removes
	// the park. Without Done the rest of the cause is told and not judged.
	Done bool
}

// AnyVersion and NoStream are the expectations that are no exact version.
const (
	NoStream   uint64 = 0
	AnyVersion uint64 = 1<<64 - 1
)

// Expect is the version a stream must stand at before the unit. Streams that were only
// read are named too. A stream that is appended to and not named expects [AnyVersion].
type Expect struct {
	Stream  string
	Version uint64
}

// StateOp writes the state of a pattern (aggregator, process manager, counter).
// Tag is what the writer read ([State].Tag, 0 when there was none); Data nil deletes.
type StateOp struct {
	Key  string
	Tag  uint64
	Data []byte
}

// ClaimFor is how long an outside id stays taken.
const ClaimFor = 400 * 24 * time.Hour

// ClaimOp takes an outside id, so that what carries it again is known as a repeat.
// Hash is the SHA-256 of the content (of the MIC where stations re-encrypt). Answer is
// what the first got, given again to a repeat.
//
// A claim holds for [ClaimFor]. Whether it still does is judged by the At of the unit that took
// it and the At of the unit that is judged, never by a clock, so that a fold of the log comes
// to the same row whenever it is made. A claim that holds no longer is as good as none,
// though its row is still there: it is taken as if it had never been. Rows go when a unit says so.
type ClaimOp struct {
	Scope  string // door and sender: "http/idempotency", "as2/ACME"
	ID     string
	Hash   [32]byte
	Answer []byte
	// Forget gives the id free.
	Forget bool
	// Expire removes the row of a claim that holds no longer and leaves any other as it is: the id
	// may have been taken anew since whoever asks has looked. It is never refused.
	Expire bool
}

// TimerOp sets or removes a timer. Removing one that is not there refuses the unit:
// so a timer causes one unit, however many processes saw it due.
type TimerOp struct {
	ID     string
	Remove bool
	Timer  Timer
}

// Timer is a message to a subscription at a later time.
type Timer struct {
	Sub  string
	Key  string
	Due  time.Time
	Type string
	Data []byte
	// Pos is the parked record that a retry timer wakes, 0 for a timer of a route.
	Pos Pos
}

// ParkOp adds a record to the queue of a parked key, changes its entry, or takes it out.
// Removing what is not there refuses the unit: so a parked message is handled once.
type ParkOp struct {
	Sub    string
	Key    string
	Pos    Pos
	Remove bool
	Park   Park
}

// ParkReason says what a parked record waits for.
type ParkReason uint8

// Reasons of parking.
const (
	ParkRetry    ParkReason = 1 + iota // a retry timer
	ParkLetter                         // a person, or the replay of its letter
	ParkFollower                       // the head of its key
	ParkResolve                        // an effect whose outcome is unknown
)

// Park is a record that waits, out of its lane.
type Park struct {
	Reason  ParkReason
	Attempt uint32    // handler runs so far
	Since   time.Time // first parked
	Letter  string    // letter that holds it
	Cause   string    // last error, one line; "" where the letter says it
}

// LetterOp moves a letter from one state to another. A letter that is not in From
// refuses the unit: so two shells that replay one letter replay it once.
type LetterOp struct {
	ID       string
	From, To LetterState
	Letter   Letter
}

// LetterState is where a letter stands.
type LetterState uint8

// States of a letter. LetterNone is the state of one that was never written.
const (
	LetterNone LetterState = iota
	LetterOpen
	LetterReplaying
	LetterResolved
	LetterDropped
)

// Letter is a message that failed for good. Data is the dlq package's own account of it.
type Letter struct {
	Sub    string
	Key    string
	Pos    Pos
	Opened time.Time
	Data   []byte
}

// EffectOp moves an effect from one state to another, refused when it is not in From.
type EffectOp struct {
	Key      string // EffectKey
	From, To EffectState
	Effect   Effect
}

// EffectState is where a call that changes a partner's world stands.
type EffectState uint8

// States of an effect. Started is durable before the first byte leaves; without an
// outcome it is Unknown.
const (
	EffectNone EffectState = iota
	EffectIntended
	EffectStarted
	EffectConfirmed
	EffectRefused
	EffectUnknown
	EffectResolved // asked: it did not happen, so it may be started again
	EffectVoided
)

// Effect is what is known of one call.
type Effect struct {
	Conn     string // connection it goes through
	Ref      string // natural key that the partner can be asked for
	Attempt  uint32
	Started  time.Time
	Deadline time.Time // of the call
	Asked    uint32    // resolver answers "not found" so far
	Outcome  []byte
}

// Snapshot is the state of a stream's fold at a version. Fold is the fold's code version: one
// written by other code is ignored.
type Snapshot struct {
	Stream  string
	Version uint64
	Fold    uint32
	Data    []byte
}

// EffectKey is the key of an effect in the ledger.
func EffectKey(route string, msg ID, step string) string {
	return route + "/" + msg.String() + "/" + step
}

// span is the number of positions that the unit takes.
func (u *Unit) span() Pos { return Pos(max(1, len(u.Records))) }
