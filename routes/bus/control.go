package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
)

// Lag is how a subscription stands.
type Lag struct {
	Name    string      `json:"name"`
	Topics  []string    `json:"topics"`
	Cursor  journal.Pos `json:"cursor"`
	Behind  uint64      `json:"behind"` // positions between the cursor and the end of the log
	Open    int         `json:"open"`   // delivered and not durable
	Running int         `json:"running"`
	Parked  int         `json:"parked"`
	Paused  bool        `json:"paused"`
	Stopped bool        `json:"stopped"`
}

// Lags tells how every subscription stands, by name.
func (b *Bus) Lags() []Lag {
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	out := make([]Lag, 0, len(b.subs))
	for _, s := range b.subs {
		out = append(out, s.lag())
	}
	slices.SortFunc(out, func(a, b Lag) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *subscription) lag() Lag {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Lag{
		Name: s.name, Topics: s.Topics, Cursor: s.cursor, Parked: len(s.parked),
		Running: s.running, Paused: s.paused, Stopped: s.stopped,
	}
	for _, n := range s.open {
		l.Open += n
	}
	if last := s.bus.Last(); last > s.cursor && s.behind {
		l.Behind = uint64(last - s.cursor)
	}
	l.Behind += uint64(len(s.live))
	return l
}

func (b *Bus) find(name string) (*subscription, error) {
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	s := b.subs[name]
	if s == nil {
		return nil, fmt.Errorf("no subscription is named %q", name)
	}
	return s, nil
}

// Pause stops handing messages of one subscription to its handlers, without touching
// another. Those that run finish. Resume goes on where it stopped.
func (b *Bus) Pause(name string) error { return b.setPaused(name, true) }

// setPaused reaches a subscription that another process runs when it comes here.
func (b *Bus) setPaused(name string, paused bool) error {
	offered := b.team != nil && b.team.pause(name, paused)
	s, err := b.find(name)
	if err != nil {
		if offered {
			return nil
		}
		return err
	}
	s.setPaused(paused)
	return nil
}

// Resume ends a pause.
func (b *Bus) Resume(name string) error { return b.setPaused(name, false) }

// Drain waits until no handler of the subscription runs and nothing of it waits for the disk.
// Pause it first, or it may never end.
func (b *Bus) Drain(ctx context.Context, name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	return s.drained(ctx)
}

// Remove stops a subscription and forgets it. What it had open is delivered again when
// it is made anew.
func (b *Bus) Remove(ctx context.Context, name string) error {
	if b.team == nil {
		return b.remove(ctx, name)
	}
	b.team.withdraw(name)
	if _, err := b.find(name); err != nil {
		return nil //nolint:nilerr // it runs elsewhere
	}
	return b.remove(ctx, name)
}

func (b *Bus) remove(ctx context.Context, name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	s.stop()
	if err := s.drained(ctx); err != nil {
		return err
	}
	<-s.ended
	b.subsMu.Lock()
	defer b.subsMu.Unlock()
	if b.subs[name] == s {
		b.forget(s)
	}
	return nil
}

func (s *subscription) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// stop ceases delivery. What is in a handler goes on.
func (s *subscription) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		s.recall()
		close(s.out)
		close(s.quit)
		s.work.Broadcast()
		s.quiet.Broadcast()
	}
}

// drained waits until no handler runs and what they handed over is durable. Where nothing
// can become durable any more there is nothing to wait for.
func (s *subscription) drained(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.quiet.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	for s.running > 0 && ctx.Err() == nil && s.bus.Err() == nil {
		s.quiet.Wait()
	}
	n := s.running
	s.mu.Unlock()
	if err := s.bus.Err(); err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("draining %s: %w", s.name, err)
	}
	if n > 0 {
		return fmt.Errorf("draining %s: %d handlers still run: %w", s.name, n, ctx.Err())
	}
	if err := s.bus.Flush(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("draining %s: %w", s.name, err)
	}
	return nil
}
