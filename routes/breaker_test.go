package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
)

// tries makes a call through the breaker that ends with each of errs in turn, and counts those
// that were made.
func (w *bare) tries(errs ...error) (made int) {
	for _, err := range errs {
		_, _ = Guard(w.hub, "partner", func() (int, error) { made++; return 0, err })
	}
	return made
}

func TestWhatOpensABreaker(t *testing.T) {
	down := fault.E("p", fault.Unavailable, nil)
	times := func(n int, err error) []error { return slices.Repeat([]error{err}, n) }
	for _, c := range []struct {
		name  string
		calls []error
		state string
		made  int
	}{
		{"four failures do not", times(4, down), "closed", 4},
		{"five in a row do, and no more are made", times(9, down), "open", 5},
		{"nor do five with a success between", append(append(times(4, down), nil), times(4, down)...), "closed", 9},
		{"a refusal is a success", append(append(times(4, down), fault.E("p", fault.Rejected, nil)), times(4, down)...), "closed", 9},
		{"so is what it does not understand", append(append(times(4, down), fault.E("p", fault.Invalid, nil)), times(4, down)...), "closed", 9},
		{"throttled does not count", times(20, fault.E("p", fault.Throttled, nil)), "closed", 20},
		{"throttled between failures is no success", append(append(times(4, down), times(20, fault.E("p", fault.Throttled, nil))...), down), "open", 25},
		{"cancelled does not count", times(20, fmt.Errorf("calling: %w", context.Canceled)), "closed", 20},
		{"lost answers do", times(9, fault.E("p", fault.Unknown, nil)), "open", 5},
		{"so do deadlines and errors of no kind", append(times(3, context.DeadlineExceeded), times(6, errors.New("odd"))...), "open", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *bare) {
				if made := w.tries(c.calls...); made != c.made {
					t.Errorf("%d calls were made, want %d", made, c.made)
				}
				if got := w.hub.breaker("partner").State().String(); got != c.state {
					t.Errorf("the breaker is %s, want %s", got, c.state)
				}
			})
		})
	}
}

func TestAnOpenBreakerLetsOneCallThroughAfterAWhile(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *bare) {
		down := fault.E("p", fault.Unavailable, nil)
		w.tries(slices.Repeat([]error{down}, 5)...)
		at := time.Now()
		if _, err := Guard(w.hub, "partner", func() (int, error) { return 1, nil }); fault.KindOf(err) != fault.Unavailable || fault.AfterOf(err) <= 0 {
			t.Errorf("an open breaker says %v", err)
		}
		for round, end := range []error{down, nil} { // the one fails: it opens again; the one succeeds: it closes
			elapse(time.Until(at.Add(10*time.Second + time.Millisecond)))
			answer := make(chan struct{})
			var made, refused int
			var mu sync.Mutex
			var callers sync.WaitGroup
			for range 20 {
				callers.Go(func() {
					_, err := Guard(w.hub, "partner", func() (int, error) {
						mu.Lock()
						made++
						mu.Unlock()
						<-answer
						return 0, end
					})
					if err != nil && !errors.Is(err, down) {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
			close(answer)
			callers.Wait()
			at = time.Now()
			if made != 1 || refused != 19 {
				t.Errorf("round %d: %d calls made and %d refused, want 1 and 19", round, made, refused)
			}
			if got, want := w.hub.breaker("partner").State().String(), []string{"open", "closed"}[round]; got != want {
				t.Errorf("round %d: the breaker is %s, want %s", round, got, want)
			}
		}
		synctest.Wait()
		// That it opened again after the call that was let through is the same outage.
		if got := w.heard("error-events"); !slices.Equal(got, []string{`{"connection":"partner"}`}) {
			t.Errorf("error-events hold %v, want one opening", got)
		}
	})
}

func TestAnOpenBreakerIsOfOneConnection(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *bare) {
		w.tries(slices.Repeat([]error{fault.E("p", fault.Unavailable, nil)}, 5)...)
		if v, err := Guard(w.hub, "other", func() (string, error) { return "fine", nil }); v != "fine" || err != nil {
			t.Errorf("the other connection: %q %v", v, err)
		}
	})
}
