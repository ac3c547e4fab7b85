package journalcopy_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journalcopy"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/journal/journaltest"
)

func digest(t *testing.T, d journal.Driver) journalaudit.Digest {
	t.Helper()
	sums, err := journalaudit.Digests(t.Context(), d, 50)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

var clock = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func on(journal.Pos, journal.Pos) error { return nil }

func TestACopyIsEqual(t *testing.T) {
	t.Parallel()
	from, to := journalmem.New(), journalmem.New()
	opts := journaltest.Rich(t, from)
	var many []*journal.Unit // more than one batch
	for i := range 1200 {
		many = append(many, &journal.Unit{ID: journal.NewID(clock, [10]byte{100, byte(i >> 8), byte(i)}), At: clock, Records: []journal.Record{{Type: "x", Topic: "notes", Key: "n"}}})
	}
	if _, err := from.Write(t.Context(), &journal.Batch{Units: many}); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stopped half way")
	half, err := journalcopy.Log(t.Context(), from, to, func(journal.Pos, journal.Pos) error { return stop })
	if at, err2 := to.Last(t.Context()); !errors.Is(err, stop) || err2 != nil || half == 0 || at != half {
		t.Fatalf("a copy that is stopped ends at %d of %d with %v", half, at, err)
	}
	last, err := from.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at, err := journalcopy.Log(t.Context(), from, to, on); err != nil || at != last {
		t.Fatalf("copied to %d of %d: %v", at, last, err)
	}
	if reflect.DeepEqual(digest(t, from), digest(t, to)) {
		t.Fatal("equal without the checkpoints")
	}
	if err := journalcopy.Checkpoints(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, from), digest(t, to); !reflect.DeepEqual(a, b) {
		t.Fatalf("the copy differs:\n%+v\n%+v", a, b)
	}
	if r, err := journalaudit.Audit(t.Context(), to, opts); err != nil || len(r.Findings) > 0 {
		t.Fatalf("audit of the copy: %+v, %v", r, err)
	}
	// What comes later in the source follows, and what was done in the copy alone is no copy any more.
	unit := func(n byte) *journal.Unit {
		return &journal.Unit{ID: journal.NewID(clock, [10]byte{200, n}), At: clock, Records: []journal.Record{{Type: "x", Topic: "notes", Key: "n"}}}
	}
	write := func(d journal.Driver, u *journal.Unit) {
		if r, err := d.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil || r[0] != nil {
			t.Fatal(r, err)
		}
	}
	write(from, unit(1))
	if at, err := journalcopy.Log(t.Context(), from, to, on); err != nil || at != last+1 {
		t.Fatalf("copied to %d: %v", at, err)
	}
	write(from, unit(2))
	write(to, unit(3))
	if _, err := journalcopy.Log(t.Context(), from, to, on); !errors.Is(err, journalcopy.ErrOther) {
		t.Fatalf("a target that went its own way: %v", err)
	}
	write(to, unit(4))
	if _, err := journalcopy.Log(t.Context(), from, to, on); !errors.Is(err, journalcopy.ErrOther) {
		t.Fatalf("a target that has more than its source: %v", err)
	}
}

// gap is a source without one of its units.
type gap struct {
	journalcopy.Source
	at journal.Pos
}

func (g gap) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	units, err := g.Source.Units(ctx, from, limit)
	for i := range units {
		if units[i].First == g.at {
			return append(units[:i:i], units[i+1:]...), err
		}
	}
	return units, err
}

func TestACopyOfALogWithAGapIsRefused(t *testing.T) {
	t.Parallel()
	from := journalmem.New()
	journaltest.Rich(t, from)
	for _, at := range []journal.Pos{1, 12} {
		to := journalmem.New()
		if _, err := journalcopy.Log(t.Context(), gap{from, at}, to, on); err == nil {
			t.Errorf("copied without the unit at %d", at)
		}
		if last, err := to.Last(t.Context()); err != nil || last != 0 {
			t.Errorf("%d positions of a batch that failed are there, %v", last, err)
		}
	}
	broken := errors.New("the disk of the target")
	to := journalmem.New()
	to.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, broken })
	if _, err := journalcopy.Log(t.Context(), from, to, on); !errors.Is(err, broken) {
		t.Errorf("a target that fails: %v", err)
	}
}
