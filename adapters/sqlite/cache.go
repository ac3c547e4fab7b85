package sqlite

// cache is a bounded map. It holds two generations: when the young one is full it becomes the
// old one, and what was not asked for since is forgotten. That is nearly an LRU, without
// a list to keep.
type cache[K comparable, V any] struct {
	young, old map[K]entry[V]
	limit      int // of cost in one generation
	cost       int
}

type entry[V any] struct {
	v    V
	cost int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{young: map[K]entry[V]{}, limit: limit}
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	if e, ok := c.young[k]; ok {
		return e.v, true
	}
	e, ok := c.old[k]
	if ok {
		c.put(k, e.v, e.cost)
	}
	return e.v, ok
}

func (c *cache[K, V]) put(k K, v V, cost int) {
	c.cost += cost - c.young[k].cost
	c.young[k] = entry[V]{v, cost}
	if c.cost >= c.limit {
		c.old, c.young, c.cost = c.young, make(map[K]entry[V], len(c.young)), 0
	}
}

func (c *cache[K, V]) drop(k K) {
	c.cost -= c.young[k].cost
	delete(c.young, k)
	delete(c.old, k)
}
