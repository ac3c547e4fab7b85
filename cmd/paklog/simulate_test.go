package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSimulatePrintsADay(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ask := []string{"simulate", "--seed", "3", "--orders", "40", "--workers", "4", "--items", "20", "--quiet"}
	var first, again struct {
		Hash    string `json:"hash"`
		Orders  int    `json:"orders"`
		Failure string `json:"failure"`
	}
	for _, x := range []any{&first, &again} {
		if err := json.Unmarshal([]byte(s.must(append(ask, "--json")...)), x); err != nil {
			t.Fatal(err)
		}
	}
	if first.Hash == "" || first != again || first.Orders < 40 || first.Failure != "" {
		t.Errorf("the same was asked twice: %+v and %+v", first, again)
	}
	text := s.must(ask...)
	for _, want := range []string{"seed 3:", "shipped", "km walked", "x real time", first.Hash} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	s.refused(2, "none of", "simulate", "--faults", "flood=1")
	s.refused(2, "strategy", "simulate", "--set", "strategy=best")
	s.refused(1, "workers", "simulate", "--workers", "1")
	for _, flag := range []string{"--days", "--orders", "--lines", "--workers", "--items", "--owners", "--until", "--seeds", "--parallel"} {
		for _, n := range []string{"0", "-3"} {
			s.refused(2, flag+": "+n+" is less than 1", "simulate", flag, n)
		}
	}
	s.refused(2, "wave.size", "simulate", "--set", "wave.size=0")
}

// A table that has cells which no fault struck proves nothing of them.
func TestSimulateNamesEmptyCells(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, errs, code := s.run("simulate", "--seeds", "2", "--orders", "20", "--faults", "all", "--quiet")
	if code != int(exitFindings) || !strings.Contains(errs, "no crash before it is written at ") || !strings.Contains(out, "2 seeds") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestWhatIfForksTheJournal(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.refused(2, "nothing is changed", "whatif")
	s.refused(2, "--workers: 0 is less than 1", "whatif", "--set", "wave.size=2", "--workers", "0")
	s.refused(2, "none of", "whatif", "--set", "colour=red")
	s.refused(1, "d", "whatif", "--set", "wave.size=2")
	stop := s.serve()
	s.stock("MUG", 50)
	for _, n := range []string{"SO-1", "SO-2", "SO-3"} {
		s.must(append([]string{"order", "add", "--number", n, "--line", "MUG=2"}, address...)...)
	}
	// A hub that runs is forked too, and goes on.
	var got struct {
		Fork struct{ Arrivals int }
		Old  struct{ Orders, Shipped, Waves int }
		New  struct{ Orders, Shipped, Waves int }
	}
	if err := json.Unmarshal([]byte(s.must("whatif", "--set", "wave.size=1", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	stop()
	if got.Fork.Arrivals < 5 || got.Old.Orders != 3 || got.New.Shipped != 3 || got.New.Waves != 3 {
		t.Errorf("%+v", got)
	}
	// However far apart they came on a machine that was busy: one wave, where it waits for all.
	if err := json.Unmarshal([]byte(s.must("whatif", "--set", "wave.timeout=1h", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.New.Waves != 1 {
		t.Errorf("they are not one wave: %+v", got)
	}
	if text := s.must("whatif", "--set", "wave.size=1"); !strings.Contains(text, "travel, m") || !strings.Contains(text, "+0") {
		t.Error(text)
	}
	s.refused(1, "nothing came from outside", "whatif", "--at", "100000", "--set", "wave.size=1")
}
