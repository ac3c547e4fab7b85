package bus

import (
	"fmt"
	"testing"
)

// A working set is bounded by bytes: many small entries or few large ones, and what a unit
// at the disk depends on stays however small the bound.
func TestTheWorkingSetIsBoundedByWhatItTakes(t *testing.T) {
	t.Parallel()
	size := func(k string, v []byte) int { return len(k) + len(v) }
	fill := func(c *cache[string, []byte], n, bytes int) {
		for i := range n {
			k := fmt.Sprint(i)
			c.set(k, c.at(k), make([]byte, bytes))
		}
	}
	sum := func(c *cache[string, []byte]) (n int) {
		for k, s := range c.m {
			n += slotBytes + size(k, s.v)
		}
		return n
	}
	const limit = 1 << 20
	for _, bytes := range []int{0, 1000, 100_000} {
		c := newCache(limit, size)
		fill(&c, 50_000/(1+bytes/1000), bytes)
		if have := sum(&c); have != c.sum || have > limit+bytes+slotBytes+16 || have < limit/2 {
			t.Errorf("entries of %d bytes take %d of %d, counted %d", bytes, have, limit, c.sum)
		}
	}
	c := newCache(limit, size)
	held := c.at("held")
	held.pins++
	c.set("held", held, []byte("x"))
	fill(&c, 2000, 10_000)
	if c.m["held"] != held {
		t.Error("an entry went that a unit depends on")
	}
	held.pins--
	c.set("0", c.at("0"), make([]byte, 10))
	c.set("0", c.at("0"), make([]byte, 20_000))
	if have := sum(&c); have != c.sum {
		t.Errorf("entries take %d, counted %d", have, c.sum)
	}
	gone := &slot[[]byte]{cost: slotBytes}
	c.set("gone", gone, make([]byte, 50_000))
	if have := sum(&c); have != c.sum {
		t.Errorf("a slot that was taken away counts: entries take %d, counted %d", have, c.sum)
	}
}
