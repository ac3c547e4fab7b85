package routes

import (
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// heard follows the control bus of the hubs that share the journal: a pause or its end that an operator
// ordered at another hub, and a breaker that opened there, act here too.
func (h *Hub) heard(u *journal.Unit) {
	for i := range u.States {
		op := &u.States[i]
		name, ok := strings.CutPrefix(op.Key, PauseKey(""))
		if !ok {
			continue
		}
		x, err := h.route(name)
		if err != nil || x.door != nil {
			continue // an older or a newer release's
		}
		if op.Data == nil {
			h.resumeNow(x)
		} else if err := h.halt(x, string(op.Data)); err != nil {
			h.log.Error("pausing as another hub was told", "route", name, "err", err)
		}
	}
	for i := range u.Records {
		if r := &u.Records[i]; r.Type == breakerOpened && r.Topic == onErrors {
			h.openedElsewhere(r.Key)
		}
	}
}

// openedElsewhere pauses the routes of a connection that another hub found down, for as long as its
// breaker is open. The first call after that tries the connection for itself.
func (h *Hub) openedElsewhere(conn string) {
	h.mu.Lock()
	var of []*hosted
	for _, x := range h.routes {
		if x.Conn == conn && x.door == nil {
			of = append(of, x)
		}
	}
	h.mu.Unlock()
	for _, x := range of {
		h.pauseFor(x, "the breaker of "+conn+" is open at another hub", max(h.breakerOpen, time.Millisecond))
	}
}

// resumeNow ends a pause, and tries the route's connection at once.
func (h *Hub) resumeNow(x *hosted) {
	x.mu.Lock()
	x.pause = "resuming"
	x.tries, x.until = 0, time.Time{}
	x.mu.Unlock()
	h.forgive(x.Conn)
	h.goOn(x)
}
