package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/paklog/hub/core/journal"
)

// unitsBytes is about what one answer of the running hub holds of its log.
const unitsBytes = 4 << 20

// units answers with what the log holds from a position on, for whoever copies it: where it ends, then each
// unit with its first position, as its length and the bytes of [journal.AppendUnit]. Numbers are uvarints.
func (a *app) units(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.store.(embedded); !ok {
		controlError(w, http.StatusUnprocessableEntity, errors.New("the journal of this hub is not in its folder"))
		return
	}
	from, err := strconv.ParseUint(r.FormValue("from"), 10, 63)
	limit, err2 := strconv.Atoi(r.FormValue("limit"))
	if err := errors.Join(err, err2); err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	last, err := a.store.Last(r.Context())
	var units []journal.Stored
	if err == nil {
		units, err = a.store.Units(r.Context(), journal.Pos(from), min(limit, 1000))
	}
	if err != nil {
		controlError(w, http.StatusInternalServerError, err)
		return
	}
	out := binary.AppendUvarint(nil, uint64(last))
	var unit []byte
	for i := range units {
		if len(out) > unitsBytes {
			break
		}
		unit = journal.AppendUnit(unit[:0], &units[i].Unit)
		out = binary.AppendUvarint(out, uint64(units[i].First))
		out = binary.AppendUvarint(out, uint64(len(unit)))
		out = append(out, unit...)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out) // the client hung up: nobody to tell
}

// runningLog is the log of a running hub, read through its socket.
type runningLog struct{ *caller }

func (h runningLog) ask(ctx context.Context, from journal.Pos, limit int) (last journal.Pos, units []journal.Stored, err error) {
	var b []byte
	if err := h.do(ctx, http.MethodGet, fmt.Sprintf("/control/units?from=%d&limit=%d", from, limit), nil, &b); err != nil {
		return 0, nil, fmt.Errorf("reading the log of the running hub: %w", err)
	}
	number := func() uint64 {
		n, used := binary.Uvarint(b)
		if used <= 0 {
			err = errors.New("the running hub's answer is cut short")
			b = nil
			return 0
		}
		b = b[used:]
		return n
	}
	last = journal.Pos(number())
	for len(b) > 0 && err == nil {
		first, size := journal.Pos(number()), number()
		if size > uint64(len(b)) {
			return 0, nil, errors.New("the running hub's answer is cut short")
		}
		u, derr := journal.DecodeUnit(first, b[:size])
		if derr != nil {
			return 0, nil, derr
		}
		units, b = append(units, journal.Stored{First: first, Unit: *u}), b[size:]
	}
	return last, units, err
}

// Last implements [journalcopy.Source].
func (h runningLog) Last(ctx context.Context) (journal.Pos, error) {
	last, _, err := h.ask(ctx, 1, 0)
	return last, err
}

// Units implements [journalcopy.Source].
func (h runningLog) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	_, units, err := h.ask(ctx, from, limit)
	return units, err
}

// stopHub asks the running hub to drain and end.
func (m *mover) stopHub(ctx context.Context, c *caller) error {
	if err := c.do(ctx, http.MethodPost, "/control/stop", nil, nil); err != nil {
		return fmt.Errorf("asking the hub to stop: %w", err)
	}
	m.say("the hub was asked to stop, and lets what is under way finish")
	m.step("asked")
	end := time.NewTimer(2*m.cfg.Limits.Drain + lockWait)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for attach(ctx, m.cfg) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return errors.New("the hub was asked to stop and still answers: see its log, stop it, and run this again")
		case <-tick.C:
		}
	}
	return nil
}
