package routes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// serveDoor runs a door's handler on calls.
func (h *Hub) serveDoor(x *hosted) message.NoPublishHandlerFunc {
	return func(wm *message.Message) error {
		if r := bus.RequestOf(wm); r != nil {
			h.answer(wm.Context(), x, r, &reruns{})
		}
		return nil
	}
}

// answer decides a call and answers it when the decision is durable.
func (h *Hub) answer(ctx context.Context, x *hosted, r *bus.Request, runs *reruns) {
	// The caller may leave; what was decided for him stands all the same.
	work := context.WithoutCancel(ctx)
	x.ran.Note(eip.NameRequestReply)
	observed := *runs == reruns{} // a later run has nobody who waits for what is noted
	for {
		m := &Message{
			Record: journal.Record{ID: r.ID, Time: h.Now(), Source: x.Name, Trace: traceOf(work, "")}, Value: r.Value, Now: h.Now(),
			hub: h, route: x.Name, ran: &x.ran, reads: r.Reads(),
		}
		out, err := h.handle(work, x, m)
		if err == nil && out != nil && out.err != nil {
			err = out.err
		}
		if runs.more(err) {
			continue
		}
		if err != nil {
			err = runs.late(x, err)
			if fault.KindOf(err) == fault.Internal {
				h.log.Error("door", "route", x.Name, "msg_id", r.ID.String(), "err", err)
			}
			if observed {
				note(work, outcomeRefused, err)
			}
			r.Answer(nil, err)
			return
		}
		if out == nil || out.empty() {
			// Nothing to write, but what the answer says may still wait for the disk.
			var v any
			if out != nil {
				v = out.answer
			}
			h.bus.Later(func() { r.Answer(v, h.bus.Flush(work)) })
			return
		}
		ref, err := r.Commit(work, m.reads, &out.Unit, func(ref *journal.Refusal, err error) {
			if ref != nil {
				runs.stale++
				h.bus.Later(func() { h.answer(ctx, x, r, runs) })
				return
			}
			h.bus.At(bus.StepAnswer)
			r.Answer(out.answer, err)
		})
		if err != nil {
			r.Answer(nil, err)
			return
		}
		if ref == nil {
			return
		}
		// Somebody was faster, with the same outside id or with what it was decided on: the
		// next run finds what he wrote.
		if err := h.refusal(x, ref, nil); !runs.more(err) {
			r.Answer(nil, runs.late(x, err))
			return
		}
	}
}

// late is what a caller is told whose call gets no further run.
func (r *reruns) late(x *hosted, err error) error {
	if !errors.Is(err, errRerun) && !errors.Is(err, errGone) {
		return err
	}
	return fault.E(x.Name, fault.Transient, fmt.Errorf("decided %d times and was always too late: try again: %w", r.stale+r.gone, err))
}
