package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/journal"
)

// ClaimExpiry removes the rows of outside ids whose claims hold no longer. They count for
// nothing before it comes: it only gives their room back.
//
// It follows the log [journal.ClaimFor] behind, so it looks at each claim once, when its time has
// come, however many there are. Where it stands is a state of the journal, written in the unit
// that removes.
type ClaimExpiry struct {
	Journal interface {
		Row(ctx context.Context, t journal.Table, key string) ([]byte, error)
		Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error)
	}
	Log interface {
		Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error)
	}
	Now func() time.Time
}

// claimExpiryKey is the state that says how far the expiry of claims has come.
const claimExpiryKey = "claims/expired"

// claimsPassed is that state: the units before Next were looked at.
type claimsPassed struct {
	Next journal.Pos `json:"next"`
}

// Bounds of one step: what is read at once, and how many claims a unit removes.
const (
	expiryPage  = 64
	expiryBatch = 500
)

// Do is one round: all that expired until now.
func (c *ClaimExpiry) Do(ctx context.Context) (removed int, err error) {
	for {
		n, more, err := c.step(ctx)
		removed += n
		if err != nil || !more {
			return removed, err
		}
	}
}

// step removes about a batch, and reports whether there may be more.
func (c *ClaimExpiry) step(ctx context.Context) (n int, more bool, err error) {
	b, err := c.Journal.Row(ctx, journal.TableState, claimExpiryKey)
	if err != nil {
		return 0, false, err
	}
	old, err := journal.DecodeState(b)
	if err != nil {
		return 0, false, err
	}
	var at claimsPassed
	if old.Data != nil {
		if err := json.Unmarshal(old.Data, &at); err != nil {
			return 0, false, fmt.Errorf("reading state %s: %w", claimExpiryKey, err)
		}
	}
	u := &journal.Unit{}
	begun := at.Next
	now := c.Now()
	for more = true; more && len(u.Claims) < expiryBatch && at.Next-begun < 100*expiryPage; {
		units, err := c.Log.Units(ctx, at.Next, expiryPage)
		if err != nil {
			return 0, false, err
		}
		more = len(units) == expiryPage
		for i := range units {
			old := &units[i].Unit
			// A unit of a day that is yet to come was written while a clock went wrong: it
			// does not hold up those behind it, and the rows of its claims stay.
			if age := now.Sub(old.At); age > -24*time.Hour && age < journal.ClaimFor {
				more = false
				break
			}
			for _, op := range old.Claims {
				if !op.Forget && !op.Expire {
					u.Claims = append(u.Claims, journal.ClaimOp{Scope: op.Scope, ID: op.ID, Expire: true})
				}
			}
			at.Next = units[i].First + 1
		}
	}
	if at.Next == begun {
		return 0, false, nil
	}
	data, err := json.Marshal(at)
	if err != nil {
		return 0, false, err
	}
	u.States = []journal.StateOp{{Key: claimExpiryKey, Tag: old.Tag, Data: data}}
	if err := c.submit(ctx, u); err != nil {
		return 0, false, fmt.Errorf("removing claims that expired: %w", err)
	}
	return len(u.Claims), more, nil
}

// submit waits for the unit or for the end of ctx, whichever comes first: on a full disk a unit
// waits for room, and a hub that stops does not wait with it. The journal answers every unit by
// its own end.
func (c *ClaimExpiry) submit(ctx context.Context, u *journal.Unit) error {
	done := make(chan error, 1)
	go func() {
		r, err := c.Journal.Submit(ctx, u)
		if err == nil && r != nil {
			err = r
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
