package dlq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

func TestALetterSaysWhatKindItIsAndWhatNext(t *testing.T) {
	next := map[string]fault.Kind{}
	for _, kind := range []fault.Kind{fault.Internal, fault.Transient, fault.Rejected, fault.Invalid, fault.Unknown} {
		rec := message(1)
		l := dlq.New("place", &rec, fault.At("op", kind, "W01-05", errors.New("why")), 3, noon)
		want := dlq.Dead
		if kind == fault.Invalid {
			want = dlq.Invalid
		}
		if l.Channel != want || l.Kind != kind.String() || l.Place != "W01-05" || l.Cause != "why" || !strings.Contains(l.Attempts[0].Error, "run 3") {
			t.Errorf("%s: %+v", kind, l)
		}
		if other, ok := next[l.Next]; ok || l.Next == "" {
			t.Errorf("%s and %s are told to do the same: %q", kind, other, l.Next)
		}
		next[l.Next] = kind
	}
}

func TestTheSameMessageOnTheSameRouteIsTheSameLetter(t *testing.T) {
	a, b := message(1), message(2)
	first, again := dlq.ID("place", a.ID), dlq.ID("place", a.ID)
	ids := []string{first, dlq.ID("place", b.ID), dlq.ID("out.ups", a.ID)}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != 3 || again != first {
		t.Errorf("ids %v", ids)
	}
}

func TestFingerprintsGroupFailuresOfOneCause(t *testing.T) {
	of := func(cause string) string { return dlq.Fingerprint("place", fault.Rejected, cause) }
	for _, same := range [][2]string{
		{`item "A-1" is not known`, `item "B" is not known`},
		{"line 3 has 12 pieces", "line 40 has 1 piece" + "s"},
		{"carton '1' is lost", "carton '22' is lost"},
		{`it doesn't know item "A"`, `it doesn't know item "B"`},
		{`"" is no name`, `"x" is no name`},
	} {
		if of(same[0]) != of(same[1]) {
			t.Errorf("%q and %q are of one cause", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"item is not known", "item is not sold"},
		{"the carrier doesn't sell this service", "the carrier doesn't go there"}, // an apostrophe quotes nothing
		{`it ends in "an open quote`, `it ends in "an open quote and more`},
		{"5' long", "5' wide"},
		{`item "A" is not known`, `item A is not known`},
	} {
		if of(other[0]) == of(other[1]) {
			t.Errorf("%q and %q are of different causes", other[0], other[1])
		}
	}
	if of("x") == dlq.Fingerprint("other", fault.Rejected, "x") || of("x") == dlq.Fingerprint("place", fault.Invalid, "x") {
		t.Error("route and kind count")
	}
}

func TestALetterStaysSmallHoweverOftenAndLongItFails(t *testing.T) {
	rec := message(1)
	huge := errors.New(strings.Repeat("é", 1<<20))
	l := dlq.New("place", &rec, huge, 1, noon)
	for i := range 1000 {
		l.Again(dlq.New("place", &rec, huge, i+2, noon.Add(time.Duration(i)*time.Minute)))
	}
	if n := len(l.Encode()); n > 64<<10 {
		t.Errorf("%d bytes", n)
	}
	if !utf8.ValidString(l.Cause) || !strings.HasSuffix(l.Cause, "[cut]") {
		t.Errorf("the cause ends in %q", l.Cause[len(l.Cause)-20:])
	}
	first, last := l.Attempts[0], l.Attempts[len(l.Attempts)-1]
	if len(l.Attempts) != 20 || !strings.HasPrefix(first.Error, "run 1:") || !strings.HasPrefix(last.Error, "run 1001:") || !l.Opened.Equal(noon) {
		t.Errorf("%d attempts, from %.10s to %.10s, opened %s", len(l.Attempts), first.Error, last.Error, l.Opened)
	}
}

func TestDecodeReadsWhatEncodeWroteAndNothingElse(t *testing.T) {
	rec := message(1)
	rec.Pos = 7
	l := dlq.New("place", &rec, refused, 1, noon)
	got, err := dlq.Decode(l.Encode())
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", l) {
		t.Errorf("read %+v, %v; wrote %+v", got, err, l)
	}
	for _, bad := range []string{"", "{", "[]", "7", `{"opened":"yesterday"}`, `{"message_id":"x"}`, string(l.Encode()[:40])} {
		if _, err := dlq.Decode([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzFingerprint(f *testing.F) {
	f.Add(`item "A" doesn't exist on line 7`)
	f.Add("\"'\xff0")
	f.Fuzz(func(t *testing.T, cause string) {
		rec := message(1)
		l := dlq.New("place", &rec, errors.New(cause), 1, noon)
		if len(l.Fingerprint) != 12 {
			t.Fatalf("fingerprint %q", l.Fingerprint)
		}
		if _, err := dlq.Decode(l.Encode()); err != nil {
			t.Fatal(err)
		}
		if id := (journal.ID{}); dlq.ID("place", id) == "" {
			t.Fatal("no id")
		}
	})
}

func TestLettersAreNamedWithWhatWasSeen(t *testing.T) {
	for _, c := range []struct {
		name, id string
		opening  int
	}{
		{"Labc", "Labc", 0}, {"Labc.1", "Labc", 1}, {"Labc.12", "Labc", 12},
		{"Labc.", "Labc.", 0}, {"Labc.x", "Labc.x", 0}, {"Labc.0", "Labc.0", 0}, {"Labc.-1", "Labc.-1", 0}, {"Labc.1.2", "Labc.1.2", 0}, {"", "", 0},
	} {
		if id, n := dlq.ParseName(c.name); id != c.id || n != c.opening {
			t.Errorf("%q: %q, opening %d", c.name, id, n)
		}
	}
	rec := message(1)
	l := dlq.New("place", &rec, errors.New("why"), 1, noon)
	if l.Name() != l.ID || l.Opening != 1 {
		t.Errorf("new: %s, opening %d", l.Name(), l.Opening)
	}
	for range 30 { // more than its attempts are kept
		l.Again(dlq.New("place", &rec, errors.New("why"), 1, noon))
	}
	if l.Name() != l.ID+".31" {
		t.Errorf("after 30 replays: %s", l.Name())
	}
	old, err := dlq.Decode([]byte(`{"id":"Labc","attempts":[{"error":"a"},{"error":"b"}]}`))
	if err != nil || old.Opening != 2 {
		t.Errorf("written before openings were counted: opening %d, %v", old.Opening, err)
	}
}
