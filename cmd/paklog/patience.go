package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// How long a command waits for a hub: after slow it says so, and looks whether the hub still answers at
// all; one that does not for hangs is not waited for. A hub that answers is waited for as long as its work
// takes: a backup is minutes.
const (
	slow  = 5 * time.Second
	hangs = 30 * time.Second
)

// errHangs says that a hub is there and does not answer.
var errHangs = errors.New("the hub does not answer")

// watched is a context for one request to the running hub, which ends where the hub hangs.
func (c *caller) watched(ctx context.Context) (context.Context, func()) {
	return c.watchedFor(ctx, slow, hangs)
}

func (c *caller) watchedFor(ctx context.Context, slow, hangs time.Duration) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(slow)
		defer tick.Stop()
		heard, said := time.Now(), false
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if c.alive(ctx, slow) {
				heard, said = time.Now(), false
				continue
			}
			if ctx.Err() != nil {
				return
			}
			where := socketPath(c.cfg.Data)
			if silent := time.Since(heard); silent >= hangs {
				end(fmt.Errorf("%w on %s for %s: its process is stopped, or the machine is overloaded; let it go on (kill -CONT), or end it (kill -9 loses nothing) and start it again. Whether this was done shows when it is asked again",
					errHangs, where, silent.Round(time.Second)))
				return
			}
			if !said && c.errs != nil {
				said = true
				fmt.Fprintf(c.errs, "paklog: the hub on %s does not answer yet; it is waited for until it was silent for %s\n", where, hangs)
			}
		}
	})
	return ctx, func() { end(context.Canceled); watching.Wait() }
}

// alive reports whether the hub answers at all.
func (c *caller) alive(ctx context.Context, within time.Duration) bool {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return false
	}
	res, err := c.client.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil // 503 is an answer too
}

// whyEnded is why a watched request ended.
func whyEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errHangs) {
		return cause
	}
	return err
}
