package grammar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// codeTable is a list of codes of at most four bytes as numbers, a quarter full at most
// as lists go, so that nearly every code is found where it is looked for first.
type codeTable struct {
	slots       [1 << tableBits]uint32
	least, most int // lengths of the codes
}

const (
	tableBits = 11
	mostKnown = 1 << (tableBits - 1)
	spread    = 0x9E3779B1
)

// newCodeTable is nil for codes that do not fit.
func newCodeTable(codes []string) *codeTable {
	if len(codes) == 0 || len(codes) > mostKnown || unpackable(codes) {
		return nil
	}
	t := &codeTable{least: 4}
	for _, c := range codes {
		t.least, t.most = min(t.least, len(c)), max(t.most, len(c))
		k := pack([]byte(c))
		at := (k * spread) >> (32 - tableBits)
		for t.slots[at] != 0 && t.slots[at] != k {
			at = (at + 1) % (1 << tableBits)
		}
		t.slots[at] = k
	}
	return t
}

func (t *codeTable) has(k uint32) bool {
	for at := (k * spread) >> (32 - tableBits); ; at = (at + 1) % (1 << tableBits) {
		if s := t.slots[at]; s == k || s == 0 {
			return s == k && k != 0
		}
	}
}

// pack is a code of at most four bytes as a number, 0 for none.
func pack(v []byte) (k uint32) {
	if n := len(v); cap(v) >= 4 && n > 0 { // what lies behind is shifted out
		return binary.LittleEndian.Uint32(v[:4]) << (32 - 8*n) >> (32 - 8*n)
	}
	for i := len(v) - 1; i >= 0; i-- {
		k = k<<8 | uint32(v[i])
	}
	return k
}

// lists reports whether text[from:to], which is not empty, is a code that stands where it
// is looked for first. One that does not is looked for by [Element.knows].
func (s *spec) lists(text []byte, from, to uint32) bool {
	n := to - from
	if n > 4 || int(from)+4 > len(text) {
		return false
	}
	k := binary.LittleEndian.Uint32(text[from:]) & (1<<(8*n) - 1)
	return s.table.slots[(k*spread)>>(32-tableBits)] == k
}

// setCodes replaces the known codes.
func (e *Element) setCodes(codes []string, open bool) {
	e.Codes, e.Open = codes, open
	e.table = newCodeTable(codes)
}

func (e *Element) knows(v []byte) bool {
	if e.table != nil {
		return len(v) <= 4 && e.table.has(pack(v))
	}
	return slices.Contains(e.Codes, string(v))
}

// some of the codes, as many as a line is read for.
func (e *Element) some(most int) string {
	if len(e.Codes) <= most {
		return strings.Join(e.Codes, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(e.Codes[:most], " "), len(e.Codes)-most)
}

// known is a list of codes by the number of an element.
type known struct {
	codes []string
	open  bool
	table *codeTable
}

// AddCodes reads the codes of elements, for segments that are read from then on: one
// element a line, "353 00 01 04-07", runs of numbers as their ends. Behind a list that
// is whole stands "all"; a code that is not in one of the others is none of those that
// are known here, which is no more than a note.
func (l *Library) AddCodes(text string) error {
	return lines(text, func(_ int, body string) error {
		f := strings.Fields(body)
		k := known{open: f[len(f)-1] != "all"}
		if !k.open {
			f = f[:len(f)-1]
		}
		if len(f) < 2 || l.codes[f[0]].codes != nil {
			return fmt.Errorf("want an element's number, once, and its codes")
		}
		told := map[string]bool{}
		for _, c := range f[1:] {
			run := []string{c}
			if from, to, is := strings.Cut(c, "-"); is {
				a, err1 := strconv.Atoi(from)
				b, err2 := strconv.Atoi(to)
				if err1 != nil || err2 != nil || b <= a || b > 9999 || len(from) > len(to) {
					return fmt.Errorf("%q is no run of numbers", c)
				}
				for run = nil; a <= b; a++ {
					run = append(run, fmt.Sprintf("%0*d", len(from), a))
				}
			}
			for _, c := range run {
				if !told[c] {
					told[c], k.codes = true, append(k.codes, c)
				}
			}
		}
		k.table = newCodeTable(k.codes)
		l.codes[f[0]] = k
		return nil
	})
}

// AddSamples reads what sample documents say in an element, for segments that are read
// from then on: "19 RENO".
func (l *Library) AddSamples(text string) error {
	return lines(text, func(_ int, body string) error {
		ref, v, ok := strings.Cut(body, " ")
		if !ok {
			return errors.New("want an element's number and a value")
		}
		l.samples[ref] = strings.TrimSpace(v)
		return nil
	})
}

// code gives elements the codes and the sample of their numbers.
func (l *Library) code(elements []*Element) {
	for _, e := range elements {
		if e == nil {
			continue
		}
		if v := l.samples[e.Ref]; len(v) >= e.Min && len(v) <= e.Max {
			e.like = v
		}
		if len(e.Codes) > 0 {
			continue
		}
		if k, ok := l.codes[e.Ref]; ok && e.Type != "C" {
			e.Codes, e.Open, e.table = k.codes, k.open, k.table
		}
	}
}
