package sap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
)

// refusals keep us from trying a password that was refused again and again. QUIRK(SAP): a user is locked
// after a few wrong passwords (login/fails_to_user_lock, 5 by default), and with it whoever else uses it.
type refusals struct {
	mu       sync.Mutex
	password string // the one that was refused
	until    time.Time
	row      int
}

// wait is how long a password is not tried.
func (r *refusals) wait(password string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if password != r.password {
		return 0
	}
	return r.until.Sub(now)
}

// refused lets a password rest, longer each time: an hour, two, four, at most a day.
func (r *refusals) refused(password string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if password != r.password {
		r.password, r.row, r.until = password, 0, time.Time{}
	}
	if now.Before(r.until) {
		return // another call was under way
	}
	r.until = now.Add(min(time.Hour<<min(r.row, 8), 24*time.Hour))
	r.row++
}

func (r *refusals) taken() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.password, r.row, r.until = "", 0, time.Time{}
}

// do is a call of a service, unless SAP has refused its password.
func (c *Client) do(ctx context.Context, service *partnerhttp.Client, call partnerhttp.Call) (partnerhttp.Answer, error) {
	password, err := c.cfg.Password()
	if err != nil {
		return partnerhttp.Answer{}, fault.E(call.Op, fault.Unavailable, fmt.Errorf("reading the password: %w", err))
	}
	if wait := c.refusals.wait(password, c.cfg.Now()); wait > 0 {
		return partnerhttp.Answer{}, &fault.Error{
			Op: call.Op, Kind: fault.Unavailable, After: wait,
			Err: errors.New("SAP refused user and password, and locks a user who goes on: nothing was sent"),
		}
	}
	ans, err := service.Do(ctx, call)
	if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && r.Status == http.StatusUnauthorized {
		c.refusals.refused(password, c.cfg.Now())
	} else if err == nil {
		c.refusals.taken()
	}
	return ans, err
}
