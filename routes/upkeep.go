package routes

import (
	"context"
	"log/slog"
	"time"
)

// Upkeep is the recurring work of a running hub that no message asks for. Its chores run one
// after the other, so that together they take no more than one would.
type Upkeep struct {
	Chores []Chore
	Every  time.Duration // between rounds, and before the first. Default an hour
	Logger *slog.Logger
}

// Chore is one of them.
type Chore struct {
	Name string
	// Do removes what is to go and says how much that was. What fails is done again in the next
	// round.
	Do func(ctx context.Context) (removed int, err error)
}

// Run works until ctx ends. A chore that fails stops nothing; the log has it once, and again
// when it fails in another way.
func (u *Upkeep) Run(ctx context.Context) error {
	every := u.Every
	if every == 0 {
		every = time.Hour
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	failed := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		for _, c := range u.Chores {
			n, err := c.Do(ctx)
			if n > 0 {
				u.Logger.Info("upkeep: removed what is no longer needed", "what", c.Name, "count", n)
			}
			switch {
			case err == nil || ctx.Err() != nil:
				delete(failed, c.Name)
			case failed[c.Name] != err.Error():
				failed[c.Name] = err.Error()
				u.Logger.Warn("upkeep: trying again in the next round", "what", c.Name, "err", err)
			}
		}
		timer.Reset(every)
	}
}
