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
	freed, forgot := 0, 0
	r := resting{free: func() { freed++ }, forget: func() { forgot++ }}
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
		forgot      int
	}{
		{"at work", 100, 2 << 20, 1 << 30, 0, 0},
		{"not yet at rest", 4, 1 << 10, 1 << 30, 0, 0},
		{"at work again", 1, 2 << 20, 1 << 30, 0, 0},
		{"at rest", 5, 1 << 10, 1 << 30, 1, 0},
		{"not yet for long", 24, 1 << 10, 1 << 30, 1, 0},
		{"for long", 1, 1 << 10, 1 << 30, 2, 1},
		{"still at rest", 100, 1 << 10, 1 << 30, 2, 1},
		{"at work a second time", 3, 2 << 20, 1 << 30, 2, 1},
		{"at rest a second time", 29, 0, 1 << 30, 3, 1},
		{"at work in little", 3, 2 << 20, 1 << 20, 3, 1},
		{"at rest with little", 29, 0, 1 << 20, 3, 1},
		{"at rest with little for long", 50, 0, 1 << 20, 4, 2},
	} {
		if look(c.looks, c.each, c.inUse); freed != c.freed || forgot != c.forgot {
			t.Errorf("%s: given back %d times and forgotten %d times, want %d and %d", c.name, freed, forgot, c.freed, c.forgot)
		}
	}
}
