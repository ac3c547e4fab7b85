package main

import "testing"

func TestGarbageIsBoundedWhereMuchIsInUse(t *testing.T) {
	t.Parallel()
	for inUse, want := range map[uint64]int{0: gcPercent, 1 << 20: gcPercent, 32 << 20: gcPercent, 64 << 20: 100, 128 << 20: 50, 256 << 20: 25, 8 << 30: 25} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("%d MB in use: %d%%, want %d%%", inUse>>20, got, want)
		}
	}
}
