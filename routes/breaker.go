package routes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// breaker is the circuit breaker of a partner connection. A Rejected or Invalid answer
// is a success, for the partner answers; cancelled and throttled calls do not count.
func (h *Hub) breaker(conn string) *gobreaker.CircuitBreaker[any] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.breakerLocked(conn)
}

func (h *Hub) breakerLocked(conn string) *gobreaker.CircuitBreaker[any] {
	if b := h.breakers[conn]; b != nil {
		return b
	}
	b := gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name: conn, MaxRequests: 1, Timeout: h.breakerOpen,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		IsSuccessful: func(err error) bool {
			switch fault.KindOf(err) {
			case fault.Rejected, fault.Invalid:
				return true
			default:
				return err == nil
			}
		},
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) || err != nil && fault.KindOf(err) == fault.Throttled
		},
		OnStateChange: func(name string, from, to gobreaker.State) {
			// Each try that fails opens it again: that is the same outage.
			level := slog.LevelWarn
			if from == gobreaker.StateHalfOpen && to == gobreaker.StateOpen || to == gobreaker.StateHalfOpen {
				level = slog.LevelDebug
			}
			h.log.Log(context.Background(), level, "circuit breaker", "adapter", name, "from", from.String(), "to", to.String())
			if to == gobreaker.StateOpen && from == gobreaker.StateClosed {
				go h.tellOpened(name) // the breaker is locked here; ends with the bus at the latest
			}
		},
	})
	if h.breakers == nil {
		h.breakers = map[string]*gobreaker.CircuitBreaker[any]{}
	}
	h.breakers[conn] = b
	return b
}

// forgive forgets what a breaker has against its connection; calls under way are counted no more.
func (h *Hub) forgive(conn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.breakers[conn]; b != nil && b.State() != gobreaker.StateClosed {
		delete(h.breakers, conn)
		h.log.Warn("circuit breaker", "adapter", conn, "from", b.State().String(), "to", gobreaker.StateClosed.String())
	}
}

// breakerOpened tells of a breaker on error-events; its key is the connection.
const breakerOpened = "breaker.Opened"

// tellOpened puts the opening of a breaker on error-events.
func (h *Hub) tellOpened(conn string) {
	at := h.Now()
	u := &journal.Unit{Records: []journal.Record{{
		ID: journal.NewID(at, [10]byte([]byte(fmt.Sprintf("%-10.10s", conn)))), Type: breakerOpened, Schema: 1,
		Topic: onErrors, Key: conn, Time: at, Source: "breaker", Data: fmt.Appendf(nil, `{"connection":%q}`, conn),
	}}}
	if ref, err := h.bus.Submit(context.Background(), u); (ref != nil || err != nil) && !errors.Is(err, bus.ErrClosed) {
		h.log.Error("telling of an open breaker", "adapter", conn, "err", err, "refusal", ref)
	}
}

// breakerState is called under h.mu.
func (h *Hub) breakerState(conn string) string { return h.breakerLocked(conn).State().String() }

// Guard makes a call through the connection's breaker. While it is open the call is
// not made and the fault is Unavailable.
func Guard[T any](h *Hub, conn string, call func() (T, error)) (T, error) {
	v, err := h.breaker(conn).Execute(func() (any, error) { return call() })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		var zero T
		return zero, &fault.Error{Op: "routes.Guard", Kind: fault.Unavailable, After: min(h.breakerOpen, time.Second),
			Err: fmt.Errorf("connection %s: the breaker is open after repeated failures", conn)}
	}
	t, _ := v.(T)
	return t, err
}
