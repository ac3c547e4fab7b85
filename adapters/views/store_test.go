package views_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

var at = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *views.Store {
	t.Helper()
	s, err := views.Open(t.Context(), dir, "v1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func doc(kind, owner, id, status string, pos journal.Pos, terms ...string) view.Doc {
	return view.Doc{
		Kind: kind, Key: kind + "/main/" + owner + "/" + id, Tenant: "main", Owner: owner, ID: id, Status: status,
		Updated: at, Position: pos, Version: 1, State: json.RawMessage(`{}`), Terms: append(terms, id),
	}
}

func apply(t *testing.T, s *views.Store, pos journal.Pos, docs []view.Doc, hops ...view.Hop) {
	t.Helper()
	if err := s.Apply(t.Context(), view.Batch{Docs: docs, Hops: hops, Position: pos, Unit: journal.NewID(at, [10]byte{byte(pos)})}); err != nil {
		t.Fatal(err)
	}
}

func ids(p view.Page) string {
	out := ""
	for _, d := range p.Docs {
		out += d.ID + " "
	}
	return out
}

func TestListChoosesAndPages(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	apply(t, s, 9, []view.Doc{
		doc(view.Order, "A", "1", "accepted", 1), doc(view.Order, "A", "2", "shipped", 2), doc(view.Order, "A", "3", "accepted", 3),
		doc(view.Order, "B", "4", "accepted", 4), doc(view.Item, "A", "5", "", 5),
	})
	for name, c := range map[string]struct {
		q          view.Query
		want, next string
	}{
		"all of a kind":   {view.Query{Kind: view.Order}, "1 2 3 4 ", ""},
		"of an owner":     {view.Query{Kind: view.Order, Owner: "A"}, "1 2 3 ", ""},
		"of a status":     {view.Query{Kind: view.Order, Status: "accepted"}, "1 3 4 ", ""},
		"of both":         {view.Query{Kind: view.Order, Owner: "A", Status: "accepted"}, "1 3 ", ""},
		"a page":          {view.Query{Kind: view.Order, Limit: 2}, "1 2 ", "order/main/A/2"},
		"the next page":   {view.Query{Kind: view.Order, Limit: 2, After: "order/main/A/2"}, "3 4 ", ""},
		"another tenant":  {view.Query{Kind: view.Order, Tenant: "other"}, "", ""},
		"another kind":    {view.Query{Kind: view.Wave}, "", ""},
		"not of SQL":      {view.Query{Kind: view.Order, Owner: "A' OR '1'='1"}, "", ""},
		"behind the last": {view.Query{Kind: view.Order, After: "zzz"}, "", ""},
	} {
		p, err := s.List(t.Context(), c.q)
		if err != nil || ids(p) != c.want || p.Next != c.next || p.Position != 9 {
			t.Errorf("%s: got %q, next %q at %d: %v", name, ids(p), p.Next, p.Position, err)
		}
	}
}

func TestBusinessKeysAreFoundUntilTheyChange(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	apply(t, s, 1, []view.Doc{doc(view.Order, "A", "SO-1", "accepted", 1, "PO-7", "po-7", ""), doc(view.Label, "A", "00340", "bought", 1, "1Z999", "SO-1")})
	find := func(term string) string {
		t.Helper()
		p, err := s.Find(t.Context(), "main", term, 10)
		if err != nil {
			t.Fatal(err)
		}
		return ids(p)
	}
	for term, want := range map[string]string{"so-1": "00340 SO-1 ", " PO-7 ": "SO-1 ", "1z999": "00340 ", "PO": "", "%": "", "": ""} {
		if got := find(term); got != want {
			t.Errorf("%q finds %q, want %q", term, got, want)
		}
	}
	stands, err := s.Folded(t.Context(), view.Order, view.Order+"/main/A/SO-1")
	if err != nil || !slices.Equal(stands.Had, []string{"po-7", "so-1"}) {
		t.Fatalf("it has %q: %v", stands.Had, err)
	}
	changed := doc(view.Order, "A", "SO-1", "accepted", 2, "PO-8")
	changed.Had = stands.Had
	apply(t, s, 2, []view.Doc{changed})
	if find("PO-7") != "" || find("PO-8") != "SO-1 " {
		t.Errorf("PO-7 finds %q, PO-8 %q", find("PO-7"), find("PO-8"))
	}
	if p, err := s.Find(t.Context(), "other", "PO-8", 10); err != nil || len(p.Docs) != 0 {
		t.Errorf("another tenant finds %q: %v", ids(p), err)
	}
}

func TestJourneyIsInTheOrderOfTheJournal(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	hop := func(pos journal.Pos, c string) view.Hop {
		return view.Hop{Correlation: c, Position: pos, Time: at, Route: fmt.Sprint("route", pos), Type: "t", ID: journal.NewID(at, [10]byte{byte(pos)})}
	}
	apply(t, s, 3, nil, hop(3, "c"), hop(1, "c"), hop(2, "other"))
	// A batch that a power cut took comes again.
	apply(t, s, 5, nil, hop(3, "c"), hop(5, "c"))
	j, err := s.Journey(t.Context(), "c", 0, 2)
	if err != nil || len(j.Hops) != 2 || j.Hops[0] != hop(1, "c") || j.Hops[1] != hop(3, "c") || j.Next != 3 {
		t.Errorf("got %+v: %v", j, err)
	}
	j, err = s.Journey(t.Context(), "c", j.Next, 2)
	if err != nil || len(j.Hops) != 1 || j.Hops[0].Position != 5 || j.Next != 0 {
		t.Errorf("got %+v: %v", j, err)
	}
}

// The embedded default is the relative folder data.
func TestFolderMayBeRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	s := open(t, "data")
	apply(t, s, 1, []view.Doc{doc(view.Order, "A", "1", "accepted", 1)})
	if _, err := os.Stat(filepath.Join("data", "views.db")); err != nil {
		t.Error(err)
	}
}

func TestFileThatCannotBeReadIsBuiltAnew(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"no database": func(p string) error {
			return os.WriteFile(p, []byte("this is no database, and long enough to show it"), 0o600)
		},
		"empty": func(p string) error { return os.Truncate(p, 0) },
		"torn": func(p string) error {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			copy(b[100:], make([]byte, 4000))
			return os.WriteFile(p, b, 0o600)
		},
		"half of a new one beside it": func(p string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(p), "views.new.db"), []byte("half"), 0o600)
		},
	} {
		dir := t.TempDir()
		s := open(t, dir)
		apply(t, s, 7, []view.Doc{doc(view.Order, "A", "1", "accepted", 1)})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(dir, "views.db")); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if err := s.Rebuild(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		apply(t, s, 1, []view.Doc{doc(view.Order, "A", "2", "accepted", 1)})
		if err := s.CaughtUp(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p, err := s.List(t.Context(), view.Query{Kind: view.Order}); err != nil || ids(p) != "2 " {
			t.Errorf("%s: %q, %v", name, ids(p), err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := views.Open(t.Context(), file, "v1"); err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestQueriesGoOnWhileFilesChangePlaces(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	apply(t, s, 1, []view.Doc{doc(view.Order, "A", "1", "accepted", 1)})
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				if p, err := s.List(t.Context(), view.Query{Kind: view.Order}); err != nil || ids(p) != "1 " {
					t.Errorf("%q: %v", ids(p), err)
					return
				}
			}
		})
	}
	for range 10 {
		if err := s.Rebuild(t.Context()); err != nil {
			t.Error(err)
		}
		apply(t, s, 1, []view.Doc{doc(view.Order, "A", "1", "accepted", 1)})
		if err := s.CaughtUp(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	asking.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.List(t.Context(), view.Query{Kind: view.Order}); err == nil {
		t.Error("closed views answer")
	}
	if err := s.Apply(t.Context(), view.Batch{}); err == nil {
		t.Error("closed views are written")
	}
}

// Of many documents those are found whose id begins as it was typed, wherever they stand.
func TestAListMayBeOfWhatBeginsSo(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var docs []view.Doc
	for _, id := range []string{"A-1", "A-2", "a-3", "B%1", "B_2", "Ä-1"} {
		d := view.Doc{Kind: view.Order, Key: "order/main/ACME/" + id, Tenant: "main", Owner: "ACME", ID: id, State: []byte("{}"), Terms: []string{id, "A-ref"}}
		docs = append(docs, d)
	}
	apply(t, s, 1, docs)
	for begins, want := range map[string]string{"A-": "A-1 A-2", "a": "a-3", "B%": "B%1", "B_": "B_2", "Ä": "Ä-1", "C": "", "": "A-1 A-2 B%1 B_2 a-3 Ä-1"} {
		p, err := s.List(t.Context(), view.Query{Kind: view.Order, Tenant: "main", Begins: begins, Limit: 10})
		var got []string
		for _, d := range p.Docs {
			got = append(got, d.ID)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v %v, want %s", begins, got, err, want)
		}
	}
}
