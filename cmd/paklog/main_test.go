package main

import (
	"testing"
	"time"
)

// firstLine is when this program's first lines ran.
var firstLine = time.Now()

// A process knows when it began, however late its first line runs.
func TestAProcessKnowsWhenItBegan(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const tick = 20 * time.Millisecond // two of the system's clock
	if began := processBegan(now); began.After(firstLine.Add(tick)) || now.Sub(began) > time.Hour {
		t.Errorf("its first line ran at %s, and it began at %s", firstLine, began)
	}
}
