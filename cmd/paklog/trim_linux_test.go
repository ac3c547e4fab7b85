package main

import "testing"

// A program whose code was given back runs on, and what it runs is there again.
func TestCodeIsGivenBack(t *testing.T) {
	t.Parallel()
	for range 3 {
		if n := trimCode(); n < 1<<20 {
			t.Fatalf("%d bytes of code were given back", n)
		}
		if garbagePercent(0) != gcPercent {
			t.Fatal("it runs otherwise")
		}
	}
}
