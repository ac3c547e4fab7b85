package routes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// maxReruns bounds how often a door decides anew before its caller is told to come again.
const maxReruns = 1000

// serveDoor runs a door's handler on calls.
func (h *Hub) serveDoor(x *hosted) message.NoPublishHandlerFunc {
	return func(wm *message.Message) error {
		if r := bus.RequestOf(wm); r != nil {
			h.answer(wm.Context(), x, r, 0)
		}
		return nil
	}
}

// answer decides a call and answers it when the decision is durable.
func (h *Hub) answer(ctx context.Context, x *hosted, r *bus.Request, reruns int) {
	// The caller may leave; what was decided for him stands all the same.
	work := context.WithoutCancel(ctx)
	observed := reruns == 0 // a later run has nobody who waits for what is noted
	for ; reruns < maxReruns; reruns++ {
		m := &Message{
			Record: journal.Record{ID: r.ID, Time: h.Now(), Source: x.Name, Trace: traceOf(work, "")}, Value: r.Value, Now: h.Now(),
			hub: h, route: x.Name, reads: r.Reads(),
		}
		out, err := h.handle(work, x, m)
		if err == nil && out != nil && out.err != nil {
			err = out.err
		}
		if errors.Is(err, errRerun) {
			continue
		}
		if err != nil {
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
			go func() { r.Answer(v, h.bus.Flush(work)) }()
			return
		}
		n := reruns
		ref, err := r.Commit(work, m.reads, &out.Unit, func(ref *journal.Refusal, err error) {
			if ref != nil {
				go h.answer(ctx, x, r, n+1)
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
		// Somebody was faster with the same outside id: the next run finds his answer.
		if !ref.Again() && ref.Why != journal.RefusedRepeat && ref.Why != journal.RefusedReused {
			r.Answer(nil, fault.E(x.Name, fault.Internal, ref))
			return
		}
	}
	r.Answer(nil, fault.E(x.Name, fault.Transient, fmt.Errorf("decided %d times and was always too late: try again", maxReruns)))
}
