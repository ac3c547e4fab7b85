package sqlite

// cache is a bounded map. It holds two generations: when the young one is full it becomes the
// old one, and what was not asked for since is forgotten. That is nearly an LRU, without
// a list to keep.
type cache[K comparable, V any] struct {
	young, old map[K]V
	limit      int // of cost in one generation
	cost       int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{young: map[K]V{}, limit: limit}
}

func (c *cache[K, V]) get(k K, cost int) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.put(k, v, cost)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V, cost int) {
	c.young[k] = v
	if c.cost += cost; c.cost >= c.limit {
		c.old, c.young, c.cost = c.young, make(map[K]V, len(c.young)), 0
	}
}

func (c *cache[K, V]) drop(k K) {
	delete(c.young, k)
	delete(c.old, k)
}
