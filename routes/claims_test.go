package routes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// aged is a journal whose clock a test moves.
type aged struct {
	t     *testing.T
	store *journalmem.Store
	bus   *bus.Bus
	at    atomic.Int64 // nanoseconds
	c     *ClaimExpiry
}

func (a *aged) now() time.Time { return time.Unix(0, a.at.Load()).UTC() }

func newAged(t *testing.T) *aged {
	t.Helper()
	a := &aged{t: t, store: journalmem.New()}
	a.at.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	b, err := bus.Open(t.Context(), a.store, bus.Options{Log: slog.New(slog.DiscardHandler), Now: a.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	a.bus = b
	a.c = &ClaimExpiry{Journal: b, Log: a.store, Now: a.now}
	return a
}

// claim takes ids in one unit.
func (a *aged) claim(ids ...string) {
	a.t.Helper()
	u := &journal.Unit{}
	for _, id := range ids {
		u.Claims = append(u.Claims, journal.ClaimOp{Scope: "s", ID: id, Hash: [32]byte{1}})
	}
	a.submit(u)
}

func (a *aged) submit(u *journal.Unit) {
	a.t.Helper()
	r, err := a.bus.Submit(a.t.Context(), u)
	if err != nil || r != nil {
		a.t.Fatal(err, r)
	}
}

func (a *aged) days(n int) { a.at.Store(a.now().AddDate(0, 0, n).UnixNano()) }

// round runs the chore and holds what is left, and that an audit agrees.
func (a *aged) round(want ...string) {
	a.t.Helper()
	if _, err := a.c.Do(a.t.Context()); err != nil {
		a.t.Fatalf("Do: %v", err)
	}
	rows, err := a.store.Scan(a.t.Context(), journal.TableClaim, "", "", 100_000)
	var got []string
	for _, r := range rows {
		got = append(got, r.Key[2:])
	}
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		a.t.Errorf("%d claims are left, %v: %.200q; want %.200q", len(got), err, got, want)
	}
	r, err := journalaudit.Audit(a.t.Context(), a.store, journalaudit.Options{})
	if err != nil || len(r.Findings) > 0 {
		a.t.Errorf("audit: %v, %v", r.Findings, err)
	}
}

func TestClaimsGoWhenTheirTimeHasCome(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.claim("old")
	a.days(1)
	a.claim("young", "forgotten")
	a.submit(&journal.Unit{Claims: []journal.ClaimOp{{Scope: "s", ID: "forgotten", Forget: true}}})
	a.days(398)
	a.round("old", "young")
	a.days(1)
	a.round("young")
	a.round("young")
	a.claim("old") // anew
	a.days(1)
	a.round("old")
	a.days(398)
	a.round("old")
	a.days(2)
	a.round()
}

// An id that was taken anew, before its old row was removed, keeps its new claim.
func TestAClaimTakenAnewOutlivesTheOldOne(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.claim("id")
	a.days(400)
	a.claim("id")
	a.round("id")
	a.days(399)
	a.round("id")
	a.days(1)
	a.round()
}

func TestExpiryWorksInBatchesAndGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	for i := range 300 {
		a.claim(fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i), fmt.Sprint("d", i))
	}
	a.days(400)
	n, more, err := a.c.step(t.Context())
	if err != nil || !more || n < expiryBatch || n > 2*expiryBatch {
		t.Errorf("a step removed %d, more %v, %v", n, more, err)
	}
	// The next process goes on with what is in the journal alone.
	a.c = &ClaimExpiry{Journal: a.bus, Log: a.store, Now: a.c.Now}
	if left, err := a.c.Do(t.Context()); err != nil || n+left != 1200 {
		t.Errorf("%d and %d were removed, %v; want 1200", n, left, err)
	}
	last := a.bus.Last()
	a.round()
	if a.bus.Last() != last {
		t.Error("a round with nothing to do wrote a unit")
	}
}

func TestAClockThatWentWrongHoldsNothingUp(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.claim("a")
	a.days(10_000)
	a.claim("of another century")
	a.days(-10_000)
	a.claim("b")
	a.days(401)
	a.round("of another century")
}

func TestExpiryThatFailsRemovesNothing(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.claim("a", "b")
	a.days(401)
	log := &watchedLog{Store: a.store, err: errors.New("torn")}
	a.c.Log = log
	if n, err := a.c.Do(t.Context()); n != 0 || !errors.Is(err, log.err) {
		t.Errorf("a log that cannot be read: %d, %v", n, err)
	}
	a.c.Log = a.store
	// Somebody else moved the state on: nothing of the unit is written.
	a.c.Journal = movedOn{a.bus}
	if n, err := a.c.Do(t.Context()); n != 0 || err == nil {
		t.Errorf("a state that moved on: %d, %v", n, err)
	}
	a.c.Journal = a.bus
	a.submit(&journal.Unit{States: []journal.StateOp{{Key: claimExpiryKey, Data: []byte("no JSON")}}})
	if n, err := a.c.Do(t.Context()); n != 0 || err == nil {
		t.Errorf("a state that cannot be read: %d, %v", n, err)
	}
	if rows, err := a.store.Scan(t.Context(), journal.TableClaim, "", "", 10); err != nil || len(rows) != 2 {
		t.Errorf("%d claims are left, %v", len(rows), err)
	}
}

// A unit that waits for room on a full disk does not hold up a hub that stops.
func TestExpiryEndsWithTheHubWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.claim("a")
	a.days(401)
	full := make(chan struct{})
	a.store.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) {
		select {
		case full <- struct{}{}:
		default:
		}
		return nil, journal.ErrFull
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-full
		stop()
	}()
	if n, err := a.c.Do(ctx); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("removed %d, %v", n, err)
	}
	if err := a.bus.Close(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("closing: %v", err)
	}
}

// movedOn reads a state that is none.
type movedOn struct{ *bus.Bus }

func (movedOn) Row(context.Context, journal.Table, string) ([]byte, error) {
	return journal.State{Tag: 99, Data: []byte("{}")}.Append(nil), nil
}

// A repeat is one for 400 days; then the sender may use the number again, though nobody has
// removed the row of its claim.
func TestARepeatIsOneUntilItsClaimExpires(t *testing.T) {
	t.Parallel()
	inBubble(t, func(h *Hub) error {
		return h.Add(Route{Name: "door", Handle: func(ctx context.Context, m *Message) (*Out, error) {
			first, again, err := m.Claimed(ctx, "s", "id")
			switch {
			case err != nil:
				return nil, err
			case again:
				return m.Out().Answer("repeat of " + string(first.Answer)), nil
			}
			content := m.Value.(string)
			return m.Out().Claim("s", "id", [32]byte{content[0]}, []byte(content)).Answer(content), nil
		}})
	}, func(t *testing.T, w *bare) {
		for _, c := range []struct {
			wait          time.Duration
			content, want string
		}{
			{0, "a", "a"},
			{0, "a", "repeat of a"},
			{journal.ClaimFor - time.Second, "a", "repeat of a"},
			{time.Second, "b", "b"},
			{journal.ClaimFor - time.Second, "c", "repeat of b"},
			{time.Second, "c", "c"},
		} {
			settle(c.wait)
			got, err := w.hub.Call(t.Context(), "door", c.content)
			if err != nil || got != c.want {
				t.Errorf("%q after another %s: %v, %v; want %q", c.content, c.wait, got, err, c.want)
			}
		}
		w.restart()
		if r, err := journalaudit.Audit(t.Context(), w.store, journalaudit.Options{}); err != nil || len(r.Findings) > 0 {
			t.Errorf("audit: %v, %v", r.Findings, err)
		}
	})
}
