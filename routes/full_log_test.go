package routes

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// That the journal has no room is in the log, once, and that it has room again.
func TestAFullDiskIsInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	full := false
	now := time.Unix(1_800_000_000, 0)
	h := &Hub{log: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return now }, full: func() bool { return full }}
	ask := func(is bool) {
		full = is
		now = now.Add(time.Second)
		if h.isFull() != is {
			t.Errorf("it is said to be full: %t", !is)
		}
	}
	count := func(what string) int { return strings.Count(log.String(), what) }
	ask(false)
	if log.Len() > 0 {
		t.Errorf("a disk with room: %s", log.String())
	}
	for range 20 { // on the brink
		ask(true)
		ask(false)
	}
	if count("level=ERROR") != 1 || count("the disk of the journal has no room") != 1 || count("has room again") < 1 || count("has room again") > 1 {
		t.Errorf("on the brink:\n%s", log.String())
	}
	now = now.Add(time.Hour)
	ask(true)
	ask(true)
	if count("level=ERROR") != 2 {
		t.Errorf("an hour later:\n%s", log.String())
	}
}
