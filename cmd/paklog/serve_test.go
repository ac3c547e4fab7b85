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
