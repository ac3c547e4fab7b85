package journalmem

import (
	"slices"
	"strings"
)

// sorted is a map that can be read in key order. Keys are put in order when somebody asks:
// folding a long log writes millions of keys and reads them in order once.
type sorted[V any] struct {
	m     map[string]V
	keys  []string // in order; some may be gone from m
	fresh []string // put since keys was ordered; may repeat a key of keys
}

func (s *sorted[V]) put(k string, v V) {
	if s.m == nil {
		s.m = map[string]V{}
	}
	if _, there := s.m[k]; !there {
		s.fresh = append(s.fresh, k)
	}
	s.m[k] = v
}

func (s *sorted[V]) delete(k string) { delete(s.m, k) }

// order puts keys in order. A few that are new are put between the others one by one, and those
// that are gone stay among them meanwhile.
func (s *sorted[V]) order() {
	if len(s.fresh) > few || len(s.keys) > 2*len(s.m)+few {
		s.merge()
		return
	}
	for _, k := range s.fresh {
		if i, found := slices.BinarySearch(s.keys, k); !found {
			s.keys = slices.Insert(s.keys, i, k)
		}
	}
	s.fresh = s.fresh[:0]
}

const few = 64

func (s *sorted[V]) merge() {
	slices.Sort(s.fresh)
	out := make([]string, 0, len(s.m))
	add := func(k string) {
		if _, there := s.m[k]; there && (len(out) == 0 || out[len(out)-1] != k) {
			out = append(out, k)
		}
	}
	a, b := s.keys, s.fresh
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			add(a[0])
			a = a[1:]
		} else {
			add(b[0])
			b = b[1:]
		}
	}
	for _, k := range a {
		add(k)
	}
	for _, k := range b {
		add(k)
	}
	s.keys, s.fresh = out, nil
}

// scan calls f for up to limit keys that begin with prefix and sort after the key after.
func (s *sorted[V]) scan(prefix, after string, limit int, f func(string, V)) {
	s.order()
	i, found := slices.BinarySearch(s.keys, max(prefix, after))
	if found && s.keys[i] == after && after != "" {
		i++
	}
	for ; i < len(s.keys) && limit > 0; i++ {
		k := s.keys[i]
		if !strings.HasPrefix(k, prefix) {
			return
		}
		if v, there := s.m[k]; there {
			f(k, v)
			limit--
		}
	}
}
