package routes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// operator marks a pause that only a person ends.
const operator = "operator"

// PauseKey is the state that keeps an operator's pause over a restart; it holds who paused.
func PauseKey(route string) string { return "pause/" + route }

// pauseFor pauses a route's subscription and no other, and lets it go on after wait. Where
// several messages that were under way fail at once, they make one pause, as long as the longest.
func (h *Hub) pauseFor(x *hosted, why string, wait time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	until := h.now().Add(wait)
	switch {
	case x.pause == operator:
		return
	case x.pause == "":
		x.tries++
	case !until.After(x.until):
		return
	}
	x.pause, x.until = why, until
	if err := h.bus.Pause(x.Name); err != nil {
		h.log.Error("pausing", "route", x.Name, "err", err)
		return
	}
	if x.resume != nil {
		x.resume.Stop()
	}
	x.resume = time.AfterFunc(wait, func() { h.due(x) })
}

// due ends a pause whose time has come. One that was made longer meanwhile has a timer of its own.
func (h *Hub) due(x *hosted) {
	x.mu.Lock()
	early := x.until.After(h.now())
	x.mu.Unlock()
	if !early {
		h.goOn(x)
	}
}

func (h *Hub) goOn(x *hosted) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.pause == "" || x.pause == operator {
		return
	}
	x.pause = ""
	if err := h.bus.Resume(x.Name); err != nil {
		h.log.Debug("resuming", "route", x.Name, "err", err) // not subscribed yet: its gate resumes it
	}
}

// backoff is the wait before the next try of a connection that is down.
func (x *hosted) backoff(id journal.ID) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.tries
	if x.pause == "" {
		n++ // the next pause; another failure of this one makes it no longer
	}
	return x.Retry.wait(n, id)
}

func (x *hosted) succeeded() {
	if x.Conn == "" {
		return
	}
	x.mu.Lock()
	x.tries = 0
	x.mu.Unlock()
}

// Pause stops a route until [Hub.Resume], over restarts too.
func (h *Hub) Pause(ctx context.Context, route, actor string) error {
	x, err := h.route(route)
	if err != nil {
		return err
	}
	if x.door != nil {
		return fmt.Errorf("route %s is a door: it answers who calls and cannot be paused", route)
	}
	x.control.Lock()
	defer x.control.Unlock()
	if err := h.halt(x, actor); err != nil {
		return err
	}
	return h.keepPause(ctx, route, "route.Paused", actor, true)
}

// halt pauses a route for an operator. What ends a pause by itself does not come in between.
func (h *Hub) halt(x *hosted, actor string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	// A hub that only has its doors open consumes nothing: the pause is kept for the next one.
	if err := h.bus.Pause(x.Name); err != nil && !h.doorsOnly {
		// While the hub starts, a control message may be faster than the route it names.
		return fault.E("routes.Pause", fault.Transient, fmt.Errorf("route %s is not served yet: %w", x.Name, err))
	}
	x.pause, x.pausedBy = operator, actor
	if x.resume != nil {
		x.resume.Stop()
	}
	return nil
}

// Resume ends a pause, whoever made it. The route's connection is tried at once: who resumes it
// knows better than its breaker.
func (h *Hub) Resume(ctx context.Context, route, actor string) error {
	x, err := h.route(route)
	if err != nil {
		return err
	}
	x.control.Lock()
	defer x.control.Unlock()
	if err := h.keepPause(ctx, route, "route.Resumed", actor, false); err != nil {
		return err
	}
	h.resumeNow(x)
	return nil
}

func (h *Hub) route(name string) (*hosted, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x := h.routes[name]
	if x == nil {
		return nil, fmt.Errorf("no route is named %q: paklog routes lists them", name)
	}
	return x, nil
}

func (h *Hub) keepPause(ctx context.Context, route, typ, actor string, paused bool) error {
	for {
		row, err := h.bus.Row(ctx, journal.TableState, PauseKey(route))
		if err != nil {
			return err
		}
		st, err := journal.DecodeState(row)
		if err != nil {
			return err
		}
		op := journal.StateOp{Key: PauseKey(route), Tag: st.Tag}
		if paused {
			op.Data = []byte(actor)
			if actor == "" {
				op.Data = []byte(operator)
			}
		} else if row == nil {
			return nil
		}
		at := h.Now()
		id := journal.NewID(at, [10]byte([]byte(fmt.Sprintf("%-10.10s", route))))
		u := &journal.Unit{States: []journal.StateOp{op}, Records: []journal.Record{{
			ID: id, Type: typ, Schema: 1, Topic: "audit-events", Key: route, Time: at, Source: "control",
			Data: fmt.Appendf(nil, `{"route":%q,"actor":%q}`, route, actor),
		}}}
		ref, err := h.bus.Submit(ctx, u)
		if err != nil {
			return err
		}
		if ref == nil {
			return nil
		}
	}
}

// RouteInfo is how a route stands, for people.
type RouteInfo struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Consumes []string `json:"consumes,omitempty"`
	Writes   []string `json:"writes,omitempty"`
	Patterns []string `json:"patterns,omitempty"`
	Conn     string   `json:"connection,omitempty"`
	Door     bool     `json:"door,omitempty"`
	Paused   string   `json:"paused,omitempty"` // why
	Breaker  string   `json:"breaker,omitempty"`
	bus.Lag  `json:"lag"`
}

// Routes tells how every route stands, by name.
func (h *Hub) Routes() []RouteInfo {
	lags := map[string]bus.Lag{}
	for _, l := range h.bus.Lags() {
		lags[l.Name] = l
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]RouteInfo, 0, len(h.routes))
	for _, x := range h.routes {
		x.mu.Lock()
		i := RouteInfo{
			Name: x.Name, About: x.About, Consumes: x.Topics, Writes: x.Writes, Patterns: x.Patterns,
			Conn: x.Conn, Door: x.door != nil, Paused: x.pause, Lag: lags[x.Name],
		}
		if x.pause == operator {
			i.Paused = "by " + cmp.Or(x.pausedBy, operator)
		}
		x.mu.Unlock()
		if x.Conn != "" {
			i.Breaker = h.breakerState(x.Conn)
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b RouteInfo) int { return strings.Compare(a.Name, b.Name) })
	return out
}
