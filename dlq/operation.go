package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// Operation is the replay of many letters as one durable thing: whoever asked may go away, and a
// hub that dies goes on with it. How far it is stands in its letters themselves, which name the
// opening that was planned: so a step that was cut off is seen, and none is made twice.
type Operation struct {
	ID      string    `json:"id"`
	State   OpState   `json:"state" enum:"planning,waiting,planned,running,paused,stopped,cancelled,done"`
	Why     string    `json:"why,omitempty" doc:"of a state that nobody asked for"`
	Author  string    `json:"author"`
	Reason  string    `json:"reason"`
	Created time.Time `json:"created"`
	// Approver is the second person, where one is needed.
	Approval bool       `json:"approval" doc:"it needs a second person"`
	Approver string     `json:"approver,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	Ended    *time.Time `json:"ended,omitempty"`
	Pace
	Plan     Plan     `json:"plan"`
	Progress Progress `json:"progress"`
	// Since is how far it was when it was last started: failures before that were looked at.
	Since Progress `json:"since"`
	// Known are the fingerprints that its letters had: a failure of another kind stops it.
	Known []string `json:"known,omitempty"`
}

// Pace is how fast an operation goes, and when it stops by itself.
type Pace struct {
	Ramp   []int `json:"ramp" doc:"letters of the first steps, each when the one before is done; the last goes on"`
	Rate   int   `json:"rate,omitempty" doc:"letters a second at most; 0 is no bound"`
	StopAt int   `json:"stop_at" doc:"percent of failures that stop it, once ten are done or all of a step"`
}

// Plan is what an operation is going to do, by the state of its letters when it was planned.
type Plan struct {
	Letters   int `json:"letters"`
	Confirmed int `json:"confirmed" doc:"letters with calls that are done, and are not done again"`
	Unknown   int `json:"unknown" doc:"letters with a call whose outcome is unknown: it is asked for first"`
	Fresh     int `json:"fresh" doc:"letters that did nothing outside yet: all is to come"`
	Skipped   int `json:"skipped" doc:"letters that are not open any more, or in another operation"`
}

// Progress is how far an operation is.
type Progress struct {
	Sent     int `json:"sent"`
	Resolved int `json:"resolved"`
	Failed   int `json:"failed" doc:"failed again"`
	Others   int `json:"others" doc:"dropped by somebody, or replayed before the operation came to them"`
	Step     int `json:"step" doc:"of the ramp, from 0"`
}

// OpState is where an operation stands.
type OpState string

// States of operations. Those behind OpStopped are ends.
const (
	OpPlanning  OpState = "planning"
	OpWaiting   OpState = "waiting" // for a second person
	OpPlanned   OpState = "planned"
	OpRunning   OpState = "running"
	OpPaused    OpState = "paused"
	OpStopped   OpState = "stopped" // by itself; it may be resumed
	OpCancelled OpState = "cancelled"
	OpDone      OpState = "done"
)

// Ended reports whether an operation is over, and its letters are free for another.
func (s OpState) Ended() bool { return s == OpCancelled || s == OpDone }

// member is a letter of an operation, as it was planned.
type member struct {
	ID      string `json:"id"`
	Opening int    `json:"o"`
	// Lane is that of its key: letters of one lane leave one behind the other.
	Lane uint8 `json:"l"`
}

// Keys of the rows of operations, and how many letters stand in one.
const (
	opPrefix    = "desk/op/"
	membersSize = 500
	// MostLetters bounds one operation, MostStep a step of it.
	MostLetters = 200_000
	MostStep    = 10_000
)

func opKey(id string) string { return opPrefix + id }

func membersKey(id string, n int) string { return fmt.Sprintf("desk/opm/%s/%06d", id, n) }

func inKey(letter string) string { return "desk/in/" + letter }

// Errors of operations.
var (
	ErrNoOperation = errors.New("no such operation")
	ErrNothing     = errors.New("no open letters are chosen, or all are in other operations")
	// ErrWish: an operation cannot be asked for so.
	ErrWish = errors.New("no such operation can be planned")
	// ErrSecond: the author does not approve of his own operation.
	ErrSecond = errors.New("a second person must approve of it")
)

// Wish is what somebody asks an operation to do. Letters by name, or what a search finds.
type Wish struct {
	Letters []string        `json:"letters,omitempty"`
	Query   *view.DeskQuery `json:"-"`
	Reason  string          `json:"reason"`
	Pace
}

// DefaultRamp is what an operation begins with.
var DefaultRamp = []int{1, 2, 5, 10, 25, 50, 100}

// defaultStop is the percentage of failures that stops an operation.
const defaultStop = 20

func (p *Pace) check() error {
	if len(p.Ramp) == 0 {
		p.Ramp = slices.Clone(DefaultRamp)
	}
	for _, n := range p.Ramp {
		if n < 1 || n > MostStep {
			return fmt.Errorf("ramp: %d letters are no step, 1 to %d are: %w", n, MostStep, ErrWish)
		}
	}
	if p.Rate < 0 || p.StopAt < 0 || p.StopAt > 100 {
		return fmt.Errorf("rate is letters a second, stop_at a percentage: %w", ErrWish)
	}
	if p.StopAt == 0 {
		p.StopAt = defaultStop
	}
	return nil
}

// Operate plans an operation. Its letters are its own until it ends: of several plans at once
// each letter is in one. It starts by [Desk.Command].
func (d *Desk) Operate(ctx context.Context, actor string, w Wish) (Operation, error) {
	if strings.TrimSpace(w.Reason) == "" {
		return Operation{}, fmt.Errorf("an operation needs a reason, which is kept with it: %w", ErrWish)
	}
	if err := w.check(); err != nil {
		return Operation{}, err
	}
	now := d.Now().UTC()
	o := Operation{State: OpPlanning, Author: actor, Reason: w.Reason, Created: now, Pace: w.Pace}
	chosen, err := d.chosen(ctx, w)
	if err != nil {
		return o, err
	}
	var tag uint64
	for n := range tries {
		o.ID = opID(actor, now, n)
		// Another of the same moment is another operation.
		if tag, err = d.saveOp(ctx, &o, 0, "", nil); !errors.Is(err, ErrState) {
			break
		}
	}
	if err != nil {
		return o, err
	}
	known := map[string]bool{}
	chunk := 0
	for part := range slices.Chunk(chosen, membersSize) {
		took, err := d.take(ctx, &o, part, chunk, known)
		if err != nil {
			return o, err
		}
		if took > 0 {
			chunk++
		}
	}
	if o.Plan.Letters == 0 { // there was never anything to see of it
		if ref, err := d.Journal.Submit(ctx, &journal.Unit{States: []journal.StateOp{{Key: opKey(o.ID), Tag: tag}}}); ref != nil || err != nil {
			return o, errors.Join(ErrNothing, err)
		}
		return o, ErrNothing
	}
	o.State = OpPlanned
	if d.ApproveAbove > 0 && o.Plan.Letters > d.ApproveAbove {
		o.State, o.Approval = OpWaiting, true
	}
	for f := range known {
		o.Known = append(o.Known, f)
	}
	slices.Sort(o.Known)
	if _, err := d.saveOp(ctx, &o, tag, "replay.Planned", &OperationNotice{Actor: actor}); err != nil {
		return o, err
	}
	return o, nil
}

func opID(actor string, at time.Time, n int) string {
	id := journal.ID{}.Child("desk", fmt.Sprintf("operation/%s/%d", actor, at.UnixNano()), n)
	return "R" + strings.ReplaceAll(id.String(), "-", "")[:12]
}

// chosen are the letters of a wish in the order in which their messages came, so that those of
// one key leave in order.
func (d *Desk) chosen(ctx context.Context, w Wish) ([]member, error) {
	type placed struct {
		member
		pos journal.Pos
	}
	var list []placed
	for _, name := range w.Letters {
		id, opening := ParseName(name)
		s, l, err := d.get(ctx, id)
		if err != nil {
			return nil, err
		}
		if opening == 0 {
			opening = l.Opening
		}
		list = append(list, placed{member{id, opening, lane(s.Sub, s.Key, id)}, s.Pos})
	}
	if w.Query != nil {
		q := *w.Query
		q.States, q.Limit, q.Before = []string{"open"}, 1000, 0
		for {
			p, err := d.Index.Letters(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, l := range p.Items {
				list = append(list, placed{member{l.ID, l.Opening, lane(l.Route, l.Key, l.ID)}, l.Position})
			}
			if len(list) > MostLetters {
				return nil, fmt.Errorf("an operation has at most %d letters, choose fewer: %w", MostLetters, ErrWish)
			}
			if q.Before = p.Next; p.Next == 0 {
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b placed) int {
		if a.pos != b.pos {
			return int(int64(a.pos) - int64(b.pos))
		}
		return strings.Compare(a.ID, b.ID)
	})
	var out []member
	for i, p := range list {
		if i == 0 || list[i-1].ID != p.ID {
			out = append(out, p.member)
		}
	}
	return out, nil
}

// lane is that of a letter's key on its route, its own where it has no key.
func lane(route, key, id string) uint8 {
	if key == "" {
		return journal.PartitionOf(id)
	}
	return journal.PartitionOf(route + "/" + key)
}

// take puts letters into an operation in one unit, those that are free and open as they were seen.
func (d *Desk) take(ctx context.Context, o *Operation, part []member, chunk int, known map[string]bool) (int, error) {
	for range tries {
		var mine []member
		u := &journal.Unit{}
		plan, prints := o.Plan, map[string]bool{}
		for _, m := range part {
			var in string
			tag, err := d.state(ctx, inKey(m.ID), &in)
			if err != nil {
				return 0, err
			}
			if tag != 0 && in != o.ID {
				other, _, err := d.operation(ctx, in)
				if err != nil && !errors.Is(err, ErrNoOperation) {
					return 0, err
				}
				if err == nil && !other.State.Ended() {
					plan.Skipped++
					continue
				}
			}
			s, l, err := d.get(ctx, m.ID)
			if err != nil && !errors.Is(err, ErrNone) {
				return 0, err
			}
			if err != nil || s.State != journal.LetterOpen || l.Opening != m.Opening {
				plan.Skipped++
				continue
			}
			effects, err := d.effects(ctx, s.Sub, l.MessageID)
			if err != nil {
				return 0, err
			}
			plan.count(effects)
			prints[l.Fingerprint] = true
			mine = append(mine, m)
			u.States = append(u.States, stateOp(inKey(m.ID), tag, o.ID))
		}
		if len(mine) == 0 {
			o.Plan = plan
			return 0, nil
		}
		u.States = append(u.States, stateOp(membersKey(o.ID, chunk), 0, mine))
		ref, err := d.Journal.Submit(ctx, u)
		if err != nil {
			return 0, fmt.Errorf("planning operation %s: %w", o.ID, err)
		}
		if ref == nil {
			for f := range prints {
				known[f] = true
			}
			o.Plan = plan
			return len(mine), nil
		}
	}
	return 0, fmt.Errorf("planning operation %s: others plan with its letters at once: %w", o.ID, ErrState)
}

// count adds a letter by what its message did.
func (p *Plan) count(effects []Effect) {
	p.Letters++
	confirmed, unknown := false, false
	for _, e := range effects {
		switch e.State {
		case journal.EffectConfirmed.String():
			confirmed = true
		case journal.EffectUnknown.String(), journal.EffectStarted.String():
			unknown = true
		}
	}
	switch {
	case unknown:
		p.Unknown++
	case confirmed:
		p.Confirmed++
	default:
		p.Fresh++
	}
}

// OperationNotice is what audit-events say of an operation.
type OperationNotice struct {
	Operation string `json:"operation"`
	State     string `json:"state"`
	Actor     string `json:"actor"`
	Reason    string `json:"reason"`
	Letters   int    `json:"letters"`
	Why       string `json:"why,omitempty"`
}

// OperationNotices are the types of audit-events about operations.
var OperationNotices = []string{"replay.Planned", "replay.Approved", "replay.Started", "replay.Paused", "replay.Stopped", "replay.Cancelled", "replay.Done"}

// saveOp writes an operation over what was read of it, and tells of it where typ is set.
func (d *Desk) saveOp(ctx context.Context, o *Operation, tag uint64, typ string, n *OperationNotice) (uint64, error) {
	u := &journal.Unit{States: []journal.StateOp{stateOp(opKey(o.ID), tag, o)}}
	if typ != "" {
		n.Operation, n.State, n.Reason, n.Letters, n.Why = o.ID, string(o.State), o.Reason, o.Plan.Letters, o.Why
		u.Records = []journal.Record{auditOf(typ, "operation/"+o.ID, n, tag, d.Now().UTC())}
	}
	ref, err := d.Journal.Submit(ctx, u)
	if err != nil {
		return 0, fmt.Errorf("operation %s: %w", o.ID, err)
	}
	if ref != nil {
		return 0, fmt.Errorf("operation %s: somebody was faster: %w", o.ID, ErrState)
	}
	var now Operation
	return d.state(ctx, opKey(o.ID), &now)
}

func (d *Desk) operation(ctx context.Context, id string) (o Operation, tag uint64, err error) {
	tag, err = d.state(ctx, opKey(id), &o)
	if err == nil && tag == 0 {
		err = fmt.Errorf("%s: %w", id, ErrNoOperation)
	}
	return o, tag, err
}

// Operation is one operation.
func (d *Desk) Operation(ctx context.Context, id string) (Operation, error) {
	o, _, err := d.operation(ctx, id)
	return o, err
}

// Operations are all there are, the newest first.
func (d *Desk) Operations(ctx context.Context) ([]Operation, error) {
	out := []Operation{}
	err := eachState(ctx, d.Log, opPrefix, "operations", func(_ string, o Operation) error {
		out = append(out, o)
		return nil
	})
	slices.SortFunc(out, func(a, b Operation) int { return b.Created.Compare(a.Created) })
	return out, err
}

// Verbs of [Desk.Command].
const (
	VerbApprove = "approve"
	VerbStart   = "start"
	VerbPause   = "pause"
	VerbResume  = "resume"
	VerbCancel  = "cancel"
)

// Command moves an operation on. Of two who command at once one is told that somebody was faster.
func (d *Desk) Command(ctx context.Context, id, verb, actor string) (Operation, error) {
	o, tag, err := d.operation(ctx, id)
	if err != nil {
		return o, err
	}
	now := d.Now().UTC()
	from := map[string][]OpState{
		VerbApprove: {OpWaiting}, VerbStart: {OpPlanned}, VerbPause: {OpRunning}, VerbResume: {OpPaused, OpStopped},
		VerbCancel: {OpPlanning, OpWaiting, OpPlanned, OpRunning, OpPaused, OpStopped},
	}[verb]
	if from == nil {
		return o, fmt.Errorf("operation %s is %s, and none can %q: %w", id, o.State, verb, ErrState)
	}
	if !slices.Contains(from, o.State) {
		return o, fmt.Errorf("operation %s is %s, and only one that is %s can %s: %w", id, o.State, either(from), verb, ErrState)
	}
	var typ string
	switch verb {
	case VerbApprove:
		if actor == o.Author {
			return o, fmt.Errorf("operation %s is yours: %w", id, ErrSecond)
		}
		o.State, o.Approver, typ = OpPlanned, actor, "replay.Approved"
	case VerbStart, VerbResume:
		if o.State, o.Why, o.Since, typ = OpRunning, "", o.Progress, "replay.Started"; o.Started == nil {
			o.Started = &now
		}
	case VerbPause:
		o.State, typ = OpPaused, "replay.Paused"
	case VerbCancel:
		o.State, o.Ended, typ = OpCancelled, &now, "replay.Cancelled"
	}
	if _, err := d.saveOp(ctx, &o, tag, typ, &OperationNotice{Actor: actor}); err != nil {
		return o, err
	}
	d.rouse()
	return o, nil
}

func either(states []OpState) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " or " + names[n]
	}
	return names[0]
}

// OperationLetter is a letter of an operation: the dry run before it starts, and how it went behind.
type OperationLetter struct {
	Entry
	Planned int      `json:"planned" doc:"the opening that was planned"`
	Outcome string   `json:"outcome" enum:"waits,sent,resolved,failed,other"`
	Effects []Effect `json:"effects,omitempty" doc:"what its message did: confirmed is not done again, unknown is asked for first"`
	Behind  int      `json:"behind,omitempty" doc:"messages of its key that wait for it and leave after it"`
}

// Members are the letters of an operation, in the order in which they leave, from the after-th on.
func (d *Desk) Members(ctx context.Context, id string, after, limit int) ([]OperationLetter, error) {
	if _, _, err := d.operation(ctx, id); err != nil {
		return nil, err
	}
	list, err := d.members(ctx, id)
	if err != nil {
		return nil, err
	}
	out := []OperationLetter{}
	for _, m := range list[min(after, len(list)):min(after+limit, len(list))] {
		s, l, err := d.get(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		x := OperationLetter{Entry: Entry{s.State.String(), l}, Planned: m.Opening, Outcome: outcome(m, s.State, l.Opening)}
		if x.Effects, err = d.effects(ctx, s.Sub, l.MessageID); err != nil {
			return nil, err
		}
		if s.Key != "" {
			rows, err := d.Log.Scan(ctx, journal.TablePark, journal.ParkPrefix(s.Sub)+s.Key+"\x00", journal.ParkKey(s.Sub, s.Key, s.Pos), 1000)
			if err != nil {
				return nil, err
			}
			x.Behind = len(rows)
		}
		out = append(out, x)
	}
	return out, nil
}

func (d *Desk) members(ctx context.Context, id string) ([]member, error) {
	var all []member
	for n := 0; ; n++ {
		var part []member
		tag, err := d.state(ctx, membersKey(id, n), &part)
		if err != nil || tag == 0 {
			return all, err
		}
		all = append(all, part...)
	}
}

// Outcomes of a letter in an operation.
const (
	outWaits    = "waits"
	outSent     = "sent"
	outResolved = "resolved"
	outFailed   = "failed"
	outOther    = "other"
)

// outcome is what became of a letter that was planned at an opening.
func outcome(m member, state journal.LetterState, opening int) string {
	switch {
	case opening > m.Opening:
		return outFailed
	case state == journal.LetterOpen:
		return outWaits
	case state == journal.LetterReplaying:
		return outSent
	case state == journal.LetterResolved:
		return outResolved
	}
	return outOther
}
