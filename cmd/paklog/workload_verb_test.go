package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheWorkloadFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	text := "data: " + s.data + "\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\"}\nwarehouse:\n  wave_wait: 50ms\n  labour: [{kind: pick, line: 24h}]\n" +
		"  shifts:\n    - {name: all, start: \"00:00\", end: \"00:00\", staff: [{kind: pick, workers: 1}]}\n"
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve()
	s.warehouse()
	s.refused(1, "nothing was calculated yet", "workload")
	s.refused(1, "no building that is known", "workload", "--facility", "NOPE")
	s.must("order", "add", "--number", "SO-1", "--line", "MUG=1", "--name", "Jo Doe", "--street", "1 Elm St", "--city", "Reno", "--region", "NV", "--postal-code", "89501", "--country", "US")
	s.until("the work is calculated", func() bool {
		out, _, code := s.run("workload")
		return code == 0 && strings.Contains(out, "no order will miss its cut-off") && strings.Contains(out, "1440") && strings.Contains(out, "all")
	})
	if out := s.must("workload", "--json"); !strings.Contains(out, `"work_ms"`) {
		t.Errorf("%s", out)
	}
	s.must("audit")
}
