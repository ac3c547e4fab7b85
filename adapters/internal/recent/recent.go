// Package recent keeps in memory what was asked for lately.
package recent

// Map is a bounded map. It holds two generations: when the young one is full it becomes the
// old one, and what was not asked for since is forgotten. That is nearly an LRU, without
// a list to keep.
type Map[K comparable, V any] struct {
	young, old map[K]entry[V]
	limit      int // of cost in one generation
	cost       int
}

type entry[V any] struct {
	v    V
	cost int
}

// New makes a map of two generations of limit each, in whatever unit costs are given.
func New[K comparable, V any](limit int) *Map[K, V] {
	return &Map[K, V]{young: map[K]entry[V]{}, limit: limit}
}

// Get is the value of a key that is still known.
func (c *Map[K, V]) Get(k K) (v V, ok bool) {
	if e, ok := c.young[k]; ok {
		return e.v, true
	}
	e, ok := c.old[k]
	if ok {
		c.Put(k, e.v, e.cost)
	}
	return e.v, ok
}

// Put notes the value of a key.
func (c *Map[K, V]) Put(k K, v V, cost int) {
	c.cost += cost - c.young[k].cost
	c.young[k] = entry[V]{v, cost}
	if c.cost >= c.limit {
		c.old, c.young, c.cost = c.young, make(map[K]entry[V], len(c.young)), 0
	}
}

// Drop forgets a key.
func (c *Map[K, V]) Drop(k K) {
	c.cost -= c.young[k].cost
	delete(c.young, k)
	delete(c.old, k)
}
