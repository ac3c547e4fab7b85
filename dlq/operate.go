package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// look is how often the operations that run are looked at.
const look = 200 * time.Millisecond

// enough letters are done to judge by their failures before a step is.
const enough = 10

// together is how many letters are replayed at the same time within a step; those of one key are
// not.
const together = 16

// rouse has [Desk.Run] look at once.
func (d *Desk) rouse() {
	if d.wake == nil {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run carries out operations until ctx ends. One process does it. An operation whose plan was cut
// off by a crash is cancelled, so that its letters are free; those that were running go on. tell
// is called with what went wrong.
func (d *Desk) Run(ctx context.Context, tell func(error)) error {
	if err := d.cutOff(ctx); err != nil && ctx.Err() == nil {
		tell(err)
	}
	timer := time.NewTimer(look)
	defer timer.Stop()
	runs := map[string]*run{}
	for {
		err := d.round(ctx, runs)
		if err != nil && ctx.Err() == nil {
			tell(err)
		}
		// Another process may have started one through the journal.
		wait := 25 * look
		if len(runs) > 0 || err != nil {
			wait = look
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-d.wake:
		}
	}
}

// Prepare makes the desk ready to be run, before anything speaks to it.
func (d *Desk) Prepare() { d.wake = make(chan struct{}, 1) }

// cutOff cancels what was being planned when the hub died: whoever planned it was told nothing.
func (d *Desk) cutOff(ctx context.Context) error {
	list, err := d.Operations(ctx)
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.State != OpPlanning {
			continue
		}
		o, tag, err := d.operation(ctx, o.ID)
		if err != nil {
			return err
		}
		now := d.Now().UTC()
		o.State, o.Ended, o.Why = OpCancelled, &now, "the hub stopped while it was planned: plan it again"
		if _, err := d.saveOp(ctx, &o, tag, "replay.Cancelled", &OperationNotice{Actor: "hub"}); err != nil {
			return err
		}
	}
	return nil
}

// run is what is kept of a running operation in memory; all of it is read from the journal again.
type run struct {
	waits []member // not yet replayed, in order
	sent  []member // replayed, their end is awaited
	done  Progress
	due   time.Time // nothing is sent before, by the rate
	fresh bool      // a step was begun in this process
	// settled: the operation was halted, and how all that it sent ended is written.
	settled bool
}

// ending reports whether an operation that was halted has letters under way as far as is known.
func (o *Operation) ending() bool {
	return o.State != OpDone && o.Progress.Sent != o.Progress.Resolved+o.Progress.Failed
}

// round takes every running operation a step further, and counts how those end that a halted one had sent.
func (d *Desk) round(ctx context.Context, runs map[string]*run) error {
	list, err := d.Operations(ctx)
	if err != nil {
		return err
	}
	var errs []error
	running := map[string]bool{}
	for _, o := range list {
		r := runs[o.ID]
		if o.State != OpRunning && (r == nil || r.settled) && !o.ending() {
			continue
		}
		running[o.ID] = true
		if r == nil {
			if r, err = d.resume(ctx, &o); err != nil {
				errs = append(errs, err)
				continue
			}
			runs[o.ID] = r
		}
		if err := d.step(ctx, o.ID, r); err != nil {
			errs = append(errs, err)
			delete(runs, o.ID) // it is read again
		}
	}
	for id := range runs {
		if !running[id] {
			delete(runs, id)
		}
	}
	return errors.Join(errs...)
}

// resume reads how far an operation is from its letters.
func (d *Desk) resume(ctx context.Context, o *Operation) (*run, error) {
	list, err := d.members(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	r := &run{done: Progress{Step: o.Progress.Step}}
	for _, m := range list {
		out, _, err := d.fate(ctx, m)
		if err != nil {
			return nil, err
		}
		switch out {
		case outWaits:
			r.waits = append(r.waits, m)
		case outSent:
			r.sent = append(r.sent, m)
			r.done.Sent++
		default:
			r.done.add(out)
			if out != outOther {
				r.done.Sent++
			}
		}
	}
	return r, nil
}

func (p *Progress) add(out string) {
	switch out {
	case outResolved:
		p.Resolved++
	case outFailed:
		p.Failed++
	case outOther:
		p.Others++
	}
}

// fate is what became of a member, with its fingerprint.
func (d *Desk) fate(ctx context.Context, m member) (out, fingerprint string, err error) {
	b, err := d.Journal.Row(ctx, journal.TableLetter, m.ID)
	if err != nil {
		return "", "", err
	}
	s, err := journal.DecodeLetter(b)
	if err != nil {
		return "", "", fmt.Errorf("letter %s: %w", m.ID, err)
	}
	l, err := Decode(s.Data)
	if err != nil {
		return "", "", fmt.Errorf("letter %s: %w", m.ID, err)
	}
	return outcome(m, s.State, l.Opening), l.Fingerprint, nil
}

// tally counts what of the sent has ended. strange is a fingerprint that was not there before.
func (d *Desk) tally(ctx context.Context, o *Operation, r *run) (strange string, err error) {
	still := r.sent[:0:0]
	for _, m := range r.sent {
		out, cause, err := d.fate(ctx, m)
		if err != nil {
			return "", err
		}
		if out == outSent {
			still = append(still, m)
			continue
		}
		r.done.add(out)
		if out == outFailed && !slices.Contains(o.Known, cause) {
			strange = cause
		}
	}
	r.sent = still
	return strange, nil
}

// step looks at what was sent, and sends the next step of the ramp where the one before is done. Of an
// operation that was halted it writes how what it had sent ended.
func (d *Desk) step(ctx context.Context, id string, r *run) error {
	o, tag, err := d.operation(ctx, id)
	if err != nil {
		return err
	}
	strange, err := d.tally(ctx, &o, r)
	if err != nil {
		return err
	}
	if r.settled = false; o.State != OpRunning {
		if r.done != o.Progress {
			o.Progress = r.done
			if _, err := d.saveOp(ctx, &o, tag, "", nil); err != nil {
				return err
			}
		}
		r.settled = len(r.sent) == 0
		return nil
	}
	before := o.Progress
	stepDone := len(r.sent) == 0
	if stepDone && r.fresh {
		r.done.Step, r.fresh = r.done.Step+1, false
	}
	o.Progress = r.done
	now := d.Now().UTC()
	failed := r.done.Failed - o.Since.Failed
	ended := r.done.Resolved - o.Since.Resolved + failed
	typ := ""
	switch {
	case stepDone && len(r.waits) == 0:
		o.State, o.Ended, typ = OpDone, &now, "replay.Done"
		if r.done.Failed > 0 {
			o.Why = fmt.Sprintf("%d of %d failed again", r.done.Failed, o.Plan.Letters)
		}
	case strange != "":
		o.State, o.Why, typ = OpStopped, "a letter failed in a way that was not there before: group "+strange, "replay.Stopped"
		o.Known = append(o.Known, strange)
	case failed*100 > o.StopAt*ended && (ended >= enough || stepDone):
		o.State, typ = OpStopped, "replay.Stopped"
		o.Why = fmt.Sprintf("%d of %d failed again, more than %d %%", failed, ended, o.StopAt)
	}
	if typ != "" || o.Progress != before {
		n := &OperationNotice{Actor: "hub"}
		if _, err := d.saveOp(ctx, &o, tag, typ, n); err != nil {
			return err // it is looked at again
		}
	}
	if o.State != OpRunning {
		return nil
	}
	last := r.done.Step >= len(o.Ramp)-1
	size := o.Ramp[min(r.done.Step, len(o.Ramp)-1)]
	room := size - len(r.sent)
	if !stepDone && !last {
		room = 0 // a step waits for the one before
	}
	if room = min(room, len(r.waits)); room <= 0 {
		return nil
	}
	if o.Rate > 0 {
		if now.Before(r.due) {
			return nil
		}
		room = min(room, max(1, o.Rate*int(look)/int(time.Second)))
		r.due = now.Add(time.Duration(room) * time.Second / time.Duration(o.Rate))
	}
	return d.send(ctx, &o, r, room)
}

// send replays the next letters.
func (d *Desk) send(ctx context.Context, o *Operation, r *run, n int) error {
	batch := r.waits[:n]
	errs := make([]error, n)
	lanes := map[uint8][]int{}
	for i, m := range batch {
		lanes[m.Lane%together] = append(lanes[m.Lane%together], i)
	}
	var wg sync.WaitGroup
	for _, list := range lanes {
		wg.Go(func() {
			for _, i := range list {
				errs[i] = d.replay(ctx, batch[i].ID, batch[i].Opening, o.Author, "operation "+o.ID+": "+o.Reason)
			}
		})
	}
	wg.Wait()
	r.fresh = true
	r.waits = r.waits[n:]
	for i, m := range batch {
		switch err := errs[i]; {
		case err == nil:
			r.done.Sent++
			r.sent = append(r.sent, m)
		case errors.Is(err, ErrState), errors.Is(err, ErrStale):
			r.done.Others++ // somebody was faster
		default:
			return fmt.Errorf("operation %s: %w", o.ID, err)
		}
	}
	return nil
}
