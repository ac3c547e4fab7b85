package bulk

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// apart is where the groups of rows begin of what has several that do not stand behind each
// other: an order of some of its rows would be an order cut short. Keys are hashes, so that a file
// of millions of orders is looked through in a bounded 24 bytes or so each.
type apart map[uint64][]int

var apartSeed = maphash.MakeSeed()

func apartKey(key [2]string) uint64 { return maphash.Comparable(apartSeed, key) }

// apart looks through a table whose things have several rows. It leaves the file at its beginning.
func (c Config) apart(src io.ReadSeeker) (apart, error) {
	if c.Format != CSV || c.Kind != Orders && c.Kind != Facilities {
		return nil, nil
	}
	s, err := newSource(src)
	if err != nil {
		return nil, err
	}
	t, err := openTable(s, c, "")
	if err != nil {
		return nil, err
	}
	of := t.orderOf
	if c.Kind == Facilities {
		of = t.building
	}
	first, several := map[uint64]int{}, apart{}
	var key [2]string
	begun := false
	for {
		c, err := t.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the file: %w", err)
		}
		if c.err != nil || begun && t.joins(key, c, of) {
			continue
		}
		key, begun = of(c), true
		h := apartKey(key)
		line, again := first[h]
		switch {
		case !again:
			first[h] = c.at.line
		case len(several[h]) == 0:
			several[h] = []int{line, c.at.line}
		case len(several[h]) < mostApart:
			several[h] = append(several[h], c.at.line)
		}
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return several, nil
}

// mostApart bounds the groups of one thing that are told.
const mostApart = 8

// scattered says that rows of a thing stand elsewhere too, nil where they do not.
func (t *table) scattered(key [2]string, line int) error {
	lines := slices.DeleteFunc(slices.Clone(t.apart[apartKey(key)]), func(l int) bool { return l == line })
	if len(lines) == 0 {
		return nil
	}
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = fmt.Sprint("line ", l)
	}
	where := strings.Join(text, ", ")
	err := fmt.Errorf("%.64q has rows at line %d and, with others in between, at %s: put all its rows behind each other, nothing of it is taken", key[0], line, where)
	name := names[t.cfg.Kind]
	return fault.At("bulk.scattered", fault.Invalid, "lines[0]."+name, &order.InvalidError{Problems: []order.Problem{{Place: "lines[0]." + name, Text: err.Error()}}})
}
