package bus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// The log says the same from memory and from the disk, wherever one begins to read and
// however far memory reaches back.
func TestTheEndOfTheLogIsTheLog(t *testing.T) {
	mem := journalmem.New()
	submitted := 0
	b := open(t, mem, bus.Options{})
	grow := func(units, size int) {
		for range units {
			submitted++
			u := &journal.Unit{Records: make([]journal.Record, submitted%4)} // of none to three records
			for i := range u.Records {
				u.Records[i] = note("t", "k", uint64(i))
				u.Records[i].ID = journal.ID{}.Child("tail", "t", 4*submitted+i)
				u.Records[i].Data = make([]byte, size)
			}
			submit(t, b, u)
		}
	}
	same := func() {
		t.Helper()
		last := b.Last()
		for _, from := range []journal.Pos{0, 1, 2, 3, last / 2, last - 5, last - 1, last, last + 1, last + 9} {
			for _, limit := range []int{-1, 0, 1, 2, 30, int(last) + 1} {
				if limit > 30 && from > 1 && from < last-5 {
					continue
				}
				want, err := mem.Units(t.Context(), from, limit)
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.Log().Units(t.Context(), from, limit)
				if err != nil || units(got) != units(want) {
					t.Fatalf("from %d, at most %d: got %.300s, want %.300s: %v", from, limit, units(got), units(want), err)
				}
			}
		}
	}
	same() // empty
	grow(50, 10)
	same()
	grow(4500, 10) // more units than are kept
	same()
	grow(40, 300<<10) // more bytes
	same()
}

// units are names, positions and sizes, which is what a reader goes by.
func units(us []journal.Stored) string {
	var out strings.Builder
	for i := range us {
		fmt.Fprint(&out, us[i].First, " ", us[i].Unit.ID, " ")
		for k := range us[i].Unit.Records {
			r := &us[i].Unit.Records[k]
			fmt.Fprint(&out, r.Pos, r.Version, r.ID, len(r.Data), " ")
		}
	}
	return out.String()
}

// What the disk refused is not of the log.
func TestTheEndOfTheLogHoldsNoRefusedUnit(t *testing.T) {
	mem := journalmem.New()
	b := open(t, mem, bus.Options{})
	mem.SetHook(func(batch *journal.Batch) ([]*journal.Refusal, error) {
		refusals := make([]*journal.Refusal, len(batch.Units))
		for i, u := range batch.Units {
			if len(u.Records) == 2 {
				refusals[i] = &journal.Refusal{Why: journal.RefusedMalformed, What: "planted"}
			}
		}
		return refusals, nil
	})
	for n := range 3 {
		u := &journal.Unit{}
		for i := range n + 1 {
			r := note("t", "k", uint64(i))
			r.ID = r.ID.Child("of", "unit", n)
			u.Records = append(u.Records, r)
		}
		if r, err := b.Submit(t.Context(), u); err != nil || (r != nil) != (n == 1) {
			t.Fatal(r, err)
		}
	}
	want, err := mem.Units(t.Context(), 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Log().Units(t.Context(), 1, 10)
	if err != nil || len(got) != 2 || units(got) != units(want) {
		t.Errorf("got %s, want %s: %v", units(got), units(want), err)
	}
}
