package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// working is a small run's configuration.
func working(t *testing.T) *config {
	dir := t.TempDir()
	return &config{seconds: 0.02, rounds: 1, dir: dir, work: dir, paklog: filepath.Join(dir, "no-hub"), progress: io.Discard}
}

// withHub is a small run beside a hub that is built for it.
func withHub(t *testing.T) *config {
	t.Helper()
	c := working(t)
	c.paklog = filepath.Join(c.dir, "paklog")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", c.paklog, "../paklog").CombinedOutput(); err != nil {
		t.Fatalf("building the hub: %v\n%s", err, out)
	}
	return c
}

func reportsOf(t *testing.T, c *config, name, orders string) []report {
	t.Helper()
	var out strings.Builder
	if err := work(t.Context(), c, name, strings.NewReader(orders), &out); err != nil {
		t.Fatal(err)
	}
	var all []report
	for dec := json.NewDecoder(strings.NewReader(out.String())); dec.More(); {
		var r report
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Every bench that takes rounds really runs here, small: its own checks (messages at the
// sink, order by key, nothing doubled, nothing oversold) are what can fail.
func TestEveryRoundIsTakenOnOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the benches run small, but they run")
	}
	t.Setenv(postgresEnv, os.Getenv(postgresEnv)) // put back what is set now
	stop, err := withPostgres(t.Context(), benches)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv(kafkaEnv, os.Getenv(kafkaEnv))
	if stop, err = withKafka(t.Context(), benches); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	hub := withHub(t).paklog
	for _, b := range benches {
		// Some make a million messages first, and watermill-sql looks for work more seldom than these rounds last.
		if b.once || strings.HasSuffix(b.name, "-backlog") || b.name == "hop/watermill-sql" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			c := working(t)
			c.paklog = hub
			got := reportsOf(t, c, b.name, "round\nround\n")
			if len(got) == 1 && errors.Is(got[0].err(), errCannot) && (os.Getenv(postgresEnv) == "" || os.Getenv(kafkaEnv) == "") {
				t.Skip(got[0].err())
			}
			if len(got) != 3 || got[0].err() != nil {
				t.Fatalf("reports %+v, want one that it is ready and one for each of two rounds", got)
			}
			for _, r := range got[1:] {
				if r.err() != nil || r.Value <= 0 || r.Counts["cpu_us_per_op"] <= 0 || r.Counts["oversold"] != 0 || r.Counts["doubled"] != 0 {
					t.Errorf("a round says %+v", r)
				}
			}
			if strings.HasPrefix(b.name, "hop/sqlite") && got[1].Counts["syncs_per_msg"] > 0.2 {
				t.Errorf("%v syncs a message", got[1].Counts["syncs_per_msg"])
			}
		})
	}
}

func TestABacklogIsMadeOnceAndConsumedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the benches run small, but they run")
	}
	c := working(t)
	for run := range 2 {
		p, err := openHop(hopPlan{keys: 10, waiting: 3000})(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.round(t.Context())
		if err != nil || s.value <= 0 {
			t.Fatalf("run %d: %+v, %v", run, s, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAHubThatIsNotThereCannotBeMeasured(t *testing.T) {
	for _, name := range []string{"intake/http", "hub/idle"} {
		got := reportsOf(t, working(t), name, "round\n")
		if len(got) != 2 || !errors.Is(got[1].err(), errCannot) || !strings.Contains(got[1].Error, "make build") {
			t.Errorf("%s: %+v, want that it cannot run and what to do", name, got)
		}
	}
	if got := reportsOf(t, working(t), "start/replay", "round\n"); len(got) != 1 || !errors.Is(got[0].err(), errCannot) {
		t.Errorf("start/replay: %+v, want that it cannot run", got)
	}
}

func TestAWorkerOfNoMeasurementEnds(t *testing.T) {
	var out strings.Builder
	if err := work(t.Context(), working(t), "hop/nothing", strings.NewReader("round\n"), &out); err == nil || out.Len() > 0 {
		t.Errorf("error %v, output %q", err, out.String())
	}
}
