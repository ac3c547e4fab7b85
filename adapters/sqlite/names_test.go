package sqlite

import (
	"context"
	"fmt"
	"testing"

	"github.com/paklog/hub/core/journal"
)

func TestAStreamThatIsThereIsNeverAbsent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func(s *Store, from, n int) {
		t.Helper()
		for i := from; i < from+n; i += 500 {
			b := &journal.Batch{}
			for k := i; k < min(i+500, from+n); k++ {
				id := journal.ID{}.Child("names", "stream", k)
				b.Units = append(b.Units, &journal.Unit{ID: id, Records: []journal.Record{{ID: id, Type: "e", Schema: 1, Stream: fmt.Sprintf("order/main/ACME/%d", k)}}})
			}
			refusals, err := s.Write(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range refusals {
				if r != nil {
					t.Fatal(r)
				}
			}
		}
	}
	s, err := Open(t.Context(), dir, Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	begin(s, 0, 3*namesPage/2) // more than a page
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), dir, Options{MinFree: -1}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin(s, 3*namesPage/2, 1000) // while it fills
	s.filling.Wait()
	if !s.names.ready.Load() {
		t.Fatal("the filter was not filled")
	}
	begin(s, 3*namesPage/2+1000, 1000)
	all := 3*namesPage/2 + 2000
	found := 0
	for k := range 2 * all {
		name := fmt.Sprintf("order/main/ACME/%d", k)
		h, err := s.Head(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if h.Version != 0 != (k < all) {
			t.Fatalf("%s stands at version %d", name, h.Version)
		}
		if k >= all && !s.names.absent([]byte(name)) {
			found++
		}
	}
	if found > all/50 {
		t.Errorf("%d of %d that are not there are looked for", found, all)
	}
	// One that was never filled is asked nothing.
	if n := newNames(0); n.absent([]byte("order/main/ACME/1")) {
		t.Error("an empty filter knows what is not there")
	}
	// What ends the filling early leaves all to be looked for.
	n := newNames(0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.fill(ended, s.q.names); err == nil || n.ready.Load() {
		t.Errorf("filled although it was stopped: %v", err)
	}
}

func TestAClaimThatIsThereIsNeverAbsent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var s *Store
	open := func() {
		t.Helper()
		var err error
		if s, err = Open(t.Context(), dir, Options{MinFree: -1}); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(n int) error {
		id := journal.ID{}.Child("claims", fmt.Sprint(s.last.Load()), n)
		refusals, err := s.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{{ID: id, Claims: []journal.ClaimOp{{Scope: "as2/ACME", ID: fmt.Sprint(n), Answer: []byte("{}")}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if refusals[0] != nil {
			return refusals[0]
		}
		return nil
	}
	const all = 200
	open()
	for n := range all {
		if n == all/2 {
			s.filling.Wait() // before it, the file is asked
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			open()
			s.filling.Wait()
		}
		if err := claim(n); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 * all {
		key := journal.ClaimKey("as2/ACME", fmt.Sprint(n))
		row, err := s.Row(t.Context(), journal.TableClaim, key)
		if err != nil || (row != nil) != (n < all) {
			t.Fatalf("claim %d is %q, %v", n, row, err)
		}
		if n >= all {
			if !s.unclaimed(journal.TableClaim, key) {
				t.Errorf("claim %d, which nobody made, is looked for", n)
			}
			continue
		}
		if err := claim(n); err == nil {
			t.Errorf("id %d is taken twice", n)
		}
	}
	// A table of another name is never held against the claims.
	if s.unclaimed(journal.TableState, "as2/ACME") {
		t.Error("a state that is not looked for")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
