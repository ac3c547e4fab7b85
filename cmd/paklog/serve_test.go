package main

import "testing"

func TestGarbageIsBoundedWhereMuchIsInUse(t *testing.T) {
	t.Parallel()
	for inUse, want := range map[uint64]int{
		0: gcPercent, 1 << 20: gcPercent, mostGarbage / 2: gcPercent,
		mostGarbage: 100, 2 * mostGarbage: 50, 4 * mostGarbage: 25, 8 << 30: 25,
	} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("%d MB in use: %d%%, want %d%%", inUse>>20, got, want)
		}
	}
}

// A hub gives back what it needed at work, once when it comes to rest.
func TestMemoryIsGivenBackAtRest(t *testing.T) {
	t.Parallel()
	freed := 0
	r := resting{free: func() { freed++ }}
	var allocated uint64
	look := func(n int, each, inUse uint64) {
		for range n {
			allocated += each
			r.look(allocated, inUse)
		}
	}
	for _, c := range []struct {
		name        string
		looks       int
		each, inUse uint64
		freed       int
	}{
		{"at work", 100, 2 << 20, 1 << 30, 0},
		{"not yet at rest", 4, 1 << 10, 1 << 30, 0},
		{"at work again", 1, 2 << 20, 1 << 30, 0},
		{"at rest", 5, 1 << 10, 1 << 30, 1},
		{"still at rest", 100, 1 << 10, 1 << 30, 1},
		{"at work a second time", 3, 2 << 20, 1 << 30, 1},
		{"at rest a second time", 50, 0, 1 << 30, 2},
		{"at work in little", 3, 2 << 20, 1 << 20, 2},
		{"at rest with little", 50, 0, 1 << 20, 2},
	} {
		if look(c.looks, c.each, c.inUse); freed != c.freed {
			t.Errorf("%s: given back %d times, want %d", c.name, freed, c.freed)
		}
	}
}
