package dlq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
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
	of := func(cause string) string { return dlq.Fingerprint("place", fault.Rejected, cause, "") }
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
	if of("x") == dlq.Fingerprint("other", fault.Rejected, "x", "") || of("x") == dlq.Fingerprint("place", fault.Invalid, "x", "") {
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

// A letter of the first form, as journals hold them: nothing was left out.
const firstForm = `{"id":"L223wi6eh3obb6","channel":"invalid","kind":"invalid","route":"x12.refused","message_id":"15f1fb7b-217b-8a67-ba09-71fb21d65821",` +
	`"position":4653,"type":"x12.Refused","key":"ACME","place":"W01-01 (segment 8)","cause":"W01-01 is not a number: \"MANY4\"","next":"correct it",` +
	`"fingerprint":"0123456789ab","attempts":[{"at":"2026-11-29T17:22:59Z","kind":"invalid","error":"run 1: W01-01 is not a number: \"MANY4\""},` +
	`{"at":"2026-11-29T18:22:59Z","kind":"rejected","error":"run 2: no"}],"opened":"2026-11-29T17:22:59Z","opening":2}`

func TestALetterOfTheFirstFormIsReadAsItStands(t *testing.T) {
	l, err := dlq.Decode([]byte(firstForm))
	if err != nil {
		t.Fatal(err)
	}
	if l.ID != "L223wi6eh3obb6" || l.Next != "correct it" || l.Fingerprint != "0123456789ab" || l.Channel != dlq.Invalid ||
		l.Attempts[0].Error != `run 1: W01-01 is not a number: "MANY4"` || l.Attempts[1].Kind != "rejected" {
		t.Errorf("%+v", l)
	}
	again, err := dlq.Decode(l.Encode()) // what was said then is not said otherwise now
	if err != nil || !reflect.DeepEqual(again, l) {
		t.Errorf("written again: %+v, %v", again, err)
	}
}

func TestALetterIsStoredShortAndReadWhole(t *testing.T) {
	rec := message(1)
	rec.Pos = 7
	for _, why := range []string{
		"refused", "", "run 7: ", "bad \xff byte", strings.Repeat("long ", 300), strings.Repeat("é", 9000), `"run 1: x"`,
	} {
		for _, kind := range []fault.Kind{fault.Internal, fault.Transient, fault.Rejected, fault.Invalid, fault.Unknown} {
			fail := func(run int, at time.Time) dlq.Letter {
				return dlq.New("place", &rec, fault.At("op", kind, "W01-05", errors.New(why)), run, at)
			}
			l := fail(1, noon)
			l.Again(fail(2, noon.Add(time.Hour)))
			l.Again(dlq.New("place", &rec, fault.At("op", fault.Rejected, "W01-06", errors.New("another")), 3, noon))
			l.Again(fail(4, noon.Add(time.Second)))
			b := l.Encode()
			got, err := dlq.Decode(b)
			if err != nil || !reflect.DeepEqual(got, l) {
				t.Errorf("%.20q, %s: read %+v, %v; wrote %+v", why, kind, got, err, l)
			}
			if why == "refused" && strings.Count(string(b), why) != 1 {
				t.Errorf("the cause stands %d times in %s", strings.Count(string(b), why), b)
			}
		}
	}
	l := dlq.New("place", &rec, refused, 1, noon)
	whole, err := json.Marshal(l)
	if b := l.Encode(); err != nil || 5*len(b) > 3*len(whole) {
		t.Errorf("%d bytes of %d: %s, %v", len(b), len(whole), b, err)
	}
}

func TestFailuresOfOneCauseAreOneGroupWhateverTheyAreAbout(t *testing.T) {
	of := func(order, document, place string) string {
		rec := message(1)
		rec.Headers = map[string]string{"partner": "ACME", "name": document}
		rec.Data = []byte(`{"order":"` + order + `"}`)
		return dlq.New("place", &rec, fault.At("x", fault.Invalid, place, errors.New("order "+order+" of "+document+": code is unknown")), 1, noon).Fingerprint
	}
	one := of("SO-A", "monday.edi", "W66-01 (segment 7, byte 265, line 9)")
	if got := of("SO-BCD", "late.edi", "W66-01 (segment 9, byte 1, line 2)"); got != one {
		t.Error("another order in another file is another group")
	}
	for _, place := range []string{"W66-02 (segment 7, byte 265, line 9)", "W01-01 (segment 7)", ""} {
		if of("SO-A", "monday.edi", place) == one {
			t.Errorf("%q is the same group as another element", place)
		}
	}
	if of("SO-A", "monday.edi", "lines[1].item") != of("SO-A", "monday.edi", "lines[22].item") {
		t.Error("another line is another group")
	}
	if of("SO-A", "monday.edi", "SO-12") != of("SO-A", "monday.edi", "SO-13") {
		t.Error("a place that is a number of its own makes a group of its own")
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
		if got, err := dlq.Decode(l.Encode()); err != nil || !reflect.DeepEqual(got, l) {
			t.Fatalf("read %+v, %v; wrote %+v", got, err, l)
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
