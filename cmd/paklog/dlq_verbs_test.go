package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/paklog/hub/dlq"
)

func TestALetterIsShownWithItsPlaceMarked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	l := s.letter()
	if l.Route != "x12.refused" || l.Kind != "invalid" || l.State != "open" || !strings.HasPrefix(l.Place, "W01-01") {
		t.Fatalf("listed: %+v", l)
	}
	out := s.must("dlq", "show", l.ID)
	for _, want := range []string{
		"could not be understood", "W01*MANY*", "\n      ^", "what it already did\n  nothing outside the hub",
		"paklog dlq replay " + l.ID, "bad.edi",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	d := decoded[dlq.Detail](t, s.must("dlq", "show", l.ID, "--json"))
	if !strings.Contains(d.Message.Document, "W01*MANY*") || len(d.Attempts) != 1 {
		t.Errorf("under --json: %+v", d)
	}
	s.refused(1, "shows those there are", "dlq", "show", "Lnope")
	if got := decoded[[]dlq.Entry](t, s.must("dlq", "list", "--route", "edi.untaken", "--json")); len(got) != 0 {
		t.Errorf("another route has %v", got)
	}
}

func TestASavedSearchIsFoundByItsName(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	l := s.letter()
	s.until("it is indexed", func() bool { return strings.Contains(s.must("dlq", "search", "--partner", "ACME"), l.ID) })
	s.must("dlq", "search", "--partner", "ACME", "--kind", "invalid", "--save", "bad files")
	if out := s.must("dlq", "search", "--saved", "bad files"); !strings.Contains(out, l.ID) {
		t.Errorf("the saved search finds\n%s", out)
	}
	s.must("dlq", "search", "--partner", "NOBODY", "--save", "bad files")
	if out := s.must("dlq", "search", "--saved", "bad files"); strings.Contains(out, l.ID) {
		t.Errorf("the search that took its name finds\n%s", out)
	}
	if got := decoded[[]dlq.SavedSearch](t, s.must("dlq", "searches", "--json")); len(got) != 1 || got[0].Query != "partner=NOBODY" || got[0].By != "local" {
		t.Errorf("listed: %+v", got)
	}
	s.refused(2, "no other flag", "dlq", "search", "--saved", "bad files", "--partner", "ACME")
	s.refused(2, "needs a search", "dlq", "search", "--save", "x")
	for text, flags := range map[string][]string{
		"--stop-at 0: want a percentage":   {"--stop-at", "0"},
		"--stop-at 101: want a percentage": {"--stop-at", "101"},
		"--rate -1: want letters a second": {"--rate", "-1"},
		"0 letters are no step":            {"--ramp", "1,0"},
		"10001 letters are no step":        {"--ramp", "10001"},
		"is none of":                       {"--kind", "sad"},
		"invalid argument":                 {"--ramp", "a"},
	} {
		s.refused(2, text, append([]string{"dlq", "operate", "--route", "order.held_line", "--reason", "x"}, flags...)...)
	}
	s.refused(2, "needs --reason", "dlq", "operate", "--route", "order.held_line")
	s.refused(2, "name letters, or choose them", "dlq", "operate", "--reason", "x")
	s.refused(1, "no search is saved", "dlq", "search", "--saved", "x")
	s.refused(1, "no search is saved", "dlq", "searches", "--remove", "x")
	s.must("dlq", "searches", "--remove", "bad files")
	s.refused(1, "no search is saved", "dlq", "search", "--saved", "bad files")
}

func TestOfTwoWhoReplayOneLetterOneDoes(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	l := s.letter()
	s.must("routes", "pause", "x12.refused") // so that it does not come back meanwhile
	var group sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	faster := 0
	for range 4 {
		group.Go(func() {
			_, errs, code := s.run("dlq", "replay", l.ID)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
			if strings.Contains(errs, "faster") || strings.Contains(errs, "is being replayed") {
				faster++
			}
		})
	}
	group.Wait()
	if codes[0] != 1 || codes[1] != 3 || faster != 3 {
		t.Errorf("exit codes %v, %d were told that somebody was faster", codes, faster)
	}
	s.refused(1, "is being replayed by local, and only an open one", "dlq", "drop", l.ID, "--reason", "late")

	// Judged again, the set is as wrong as it was: the same letter with one attempt more.
	s.must("routes", "resume", "x12.refused")
	s.until("the letter is open again", func() bool {
		d := decoded[dlq.Detail](t, s.must("dlq", "show", l.ID, "--json"))
		return d.State == "open" && len(d.Attempts) == 2
	})
	stop()

	// Without a hub the desk works too, for one command at a time.
	codes = map[int]int{}
	for range 2 {
		group.Go(func() {
			_, _, code := s.run("dlq", "replay", l.ID)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	group.Wait()
	if codes[0] != 1 || codes[1] != 1 {
		t.Errorf("offline: exit codes %v", codes)
	}
	if out := s.must("dlq", "replay", "--all", "--route", "x12.refused"); !strings.Contains(out, "no open letters") {
		t.Errorf("all of a route: %s", out)
	}
	s.serve()
	s.until("the replay went", func() bool {
		d := decoded[dlq.Detail](t, s.must("dlq", "show", l.ID, "--json"))
		return d.State == "open" && len(d.Attempts) == 3
	})
}

// The message fails again at once, so that its letter is open again while others still ask.
func TestALetterThatFailsAgainAtOnceIsReplayedOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	l := s.letter()
	openings := func() int { // what is durable of them, as --all reads it
		open := decoded[[]dlq.Entry](t, s.must("dlq", "list", "--state", "open", "--json"))
		if len(open) == 0 {
			return 0
		}
		return open[0].Opening
	}
	at := 1
	for _, kind := range []string{"by its id", "as it was seen", "all of a route"} {
		args := map[string][]string{
			"by its id": {l.ID}, "as it was seen": {l.ID + "." + strconv.Itoa(at)}, "all of a route": {"--all", "--route", l.Route},
		}[kind]
		var group sync.WaitGroup
		var mu sync.Mutex
		codes := map[int]int{}
		var told []string
		for range 8 {
			group.Go(func() {
				_, errs, code := s.run(append([]string{"dlq", "replay"}, args...)...)
				mu.Lock()
				defer mu.Unlock()
				codes[code]++
				if code != 0 {
					told = append(told, errs)
				}
			})
		}
		group.Wait()
		was := at
		s.until("it failed again", func() bool { at = openings(); return at > was })
		// A command that was given after it had failed again means the newer failure, unless it
		// names the older one: each that went is one failure more. Of all that are open there may be none.
		most := was + codes[0]
		if kind == "as it was seen" {
			most = was + 1
		}
		if codes[0] < 1 || at > most || kind != "all of a route" && at != was+codes[0] {
			t.Errorf("%s: exit codes %v, opening %d after %d; told %q", kind, codes, at, was, told)
		}
		for _, errs := range told {
			if !strings.Contains(errs, "faster") && !strings.Contains(errs, "is being replayed") && !strings.Contains(errs, "replayed meanwhile by") {
				t.Errorf("told %q", errs)
			}
		}
	}
	was := at
	s.refused(1, "replayed meanwhile by", "dlq", "replay", l.ID+".1")
	s.refused(1, "look at it anew", "dlq", "drop", l.ID+".2", "--reason", "late")
	s.refused(1, fmt.Sprintf("there is no %d yet", was+5), "dlq", "replay", fmt.Sprintf("%s.%d", l.ID, was+5))
	if n := openings(); n != was {
		t.Errorf("what was stale went: opening %d after %d", n, was)
	}
	if out := s.must("dlq", "list"); !strings.Contains(out, l.ID+"."+strconv.Itoa(was)) {
		t.Errorf("listed:\n%s", out)
	}
	s.must("dlq", "drop", l.ID, "--reason", "as it stands")
}

func TestALetterIsDroppedForAReason(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	l := s.letter()
	_, errs, code := s.run("dlq", "drop", l.ID, "Lnope", "--reason", "a test")
	if code != 1 || !strings.Contains(errs, "Lnope") {
		t.Errorf("one of two: exit %d, %s", code, errs)
	}
	d := decoded[dlq.Detail](t, s.must("dlq", "show", l.ID, "--json"))
	if d.State != "dropped" || d.Reason != "a test" {
		t.Errorf("dropped: %+v", d.Entry)
	}
	if out := s.must("dlq", "list"); !strings.Contains(out, "no letters") {
		t.Errorf("still listed:\n%s", out)
	}
	if out := s.must("events", "tail", "--after", "0", "--topic", "audit-events"); !strings.Contains(out, "letter.Dropped") {
		t.Errorf("audit-events:\n%s", out)
	}
}

func TestLettersAreListedAsTheyCame(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	const n = 7 // of which one order in 5,040 is the right one by chance
	var list []dlq.Entry
	for i := range n {
		s.refused(int(exitFindings), "", "order", "add", "--number", fmt.Sprint("SO-", i), "--line", "NOBODYS=1", "--name", "Jo")
		s.until("the line is held", func() bool {
			list = decoded[[]dlq.Entry](t, s.must("dlq", "list", "--json"))
			return len(list) == i+1
		})
	}
	for i, l := range list {
		if !strings.HasSuffix(l.Key, fmt.Sprint("/SO-", i)) {
			t.Errorf("letter %d is about %s", i, l.Key)
		}
	}
	some, more, _ := s.run("dlq", "list", "--json", "--limit", "3")
	if got := decoded[[]dlq.Entry](t, some); len(got) != 3 || got[2].ID != list[2].ID {
		t.Errorf("the first 3: %s", some)
	}
	_, after, ok := strings.Cut(more, "--after ")
	if after, _, _ = strings.Cut(after, " "); !ok {
		t.Fatalf("no word that there are more: %s", more)
	}
	rest := s.must("dlq", "list", "--after", after)
	if !strings.Contains(rest, fmt.Sprintf("%d open: ", n)) || strings.Contains(rest, list[2].ID) || strings.Count(rest, "/SO-") != n-3 {
		t.Errorf("the rest:\n%s", rest)
	}
	if got := decoded[[]dlq.Entry](t, s.must("dlq", "list", "--json", "--all")); len(got) != n || got[n-1].ID != list[n-1].ID {
		t.Errorf("all: %+v", got)
	}
	s.refused(2, "--all is all", "dlq", "list", "--all", "--limit", "3")
	s.refused(2, "--limit", "dlq", "list", "--limit", "-1")
	s.refused(1, "as it came", "dlq", "list", "--after", "nonsense")
}
