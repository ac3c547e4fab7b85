package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// syncChild is set in the process that strace watches: the folder it works in.
const syncChild = "PAKBENCH_SYNC_CHILD"

// syncs_per_msg is the driver's own count. Here the kernel's is held against it: strace sees each
// fsync and fdatasync of a hop, between two folders that are made to mark its round.
func TestSyncsAreThoseThatTheKernelSaw(t *testing.T) {
	if dir := os.Getenv(syncChild); dir != "" {
		hopBetweenMarks(t, dir)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: the driver's count of syncs is not held against the kernel's")
	}
	if testing.Short() {
		t.Skip("-short: a hop under strace takes seconds")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-e", "trace=fsync,fdatasync,mkdirat", "-o", trace,
		os.Args[0], "-test.run=^TestSyncsAreThoseThatTheKernelSaw$", "-test.v")
	cmd.Env = append(os.Environ(), syncChild+"="+dir)
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("ptrace")) && err != nil {
		t.Skipf("strace may not trace here: %s", out)
	}
	if err != nil {
		t.Fatalf("the hop under strace: %v\n%s", err, out)
	}
	var counted, messages int
	for _, line := range strings.Split(string(out), "\n") {
		if n, _ := fmt.Sscanf(line, "counted %d syncs for %d messages", &counted, &messages); n == 2 {
			break
		}
	}
	seen, err := syncsBetweenMarks(trace)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages: the driver counted %d syncs, the kernel saw %d", messages, counted, seen)
	// The first commit to a new WAL also syncs its header and its folder, and a checkpoint
	// that did not end before the mark is not counted yet.
	if messages < 1000 || counted < 2 || seen < counted-1 || seen > counted+7 {
		t.Errorf("%d messages: the driver counted %d syncs, the kernel saw %d", messages, counted, seen)
	}
}

func hopBetweenMarks(t *testing.T, dir string) {
	c := &config{seconds: 0.5, rounds: 1, dir: dir, work: t.TempDir(), progress: io.Discard}
	p, err := openHop(hopPlan{keys: 50})(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	h := p.(*hop)
	if err := os.Mkdir(filepath.Join(dir, "mark-begin"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := h.syncs()
	s, err := h.round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := h.syncs()
	if err := os.Mkdir(filepath.Join(dir, "mark-end"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s.counts["doubled"] != 0 || s.counts["syncs_per_msg"] <= 0 {
		t.Errorf("counts %v", s.counts)
	}
	fmt.Printf("counted %d syncs for %d messages\n", after-before, h.n)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func syncsBetweenMarks(trace string) (n int, err error) {
	f, err := os.Open(trace)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	in := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.Contains(line, "mark-begin"):
			in = true
		case strings.Contains(line, "mark-end"):
			return n, nil
		case in && strings.Contains(line, "sync(") && !strings.Contains(line, "resumed"):
			n++
		}
	}
	return n, fmt.Errorf("the trace has no end mark")
}
