// Package stream is what the readers of EDI formats share: the part of a stream
// that is in memory, and the index of its delimiters.
package stream

import (
	"fmt"
	"io"
	"slices"
)

const (
	readSize  = 64 << 10
	indexStep = 32 << 10 // most bytes indexed ahead of need
	firstStep = 1 << 10  // and right behind a header, where little may follow
)

// Window is the part of a stream in memory and its delimiter index. It only
// moves when told to, so that views on what was handed out last stay valid.
type Window struct {
	Src    io.Reader // nil when Buf is the whole stream
	Format string    // names the format in errors: "X12"
	Buf    []byte
	Base   int64 // stream offset of Buf[0]
	EOF    bool

	Idx     []uint32 // positions of delimiters in Buf[:Indexed], from where the index began
	Indexed int
	step    int
}

// Fill reads more of the stream and reports whether there was more.
func (w *Window) Fill() (bool, error) {
	if w.EOF {
		return false, nil
	}
	if cap(w.Buf)-len(w.Buf) < readSize/2 {
		w.Buf = slices.Grow(w.Buf, max(readSize, len(w.Buf)/2))
	}
	for range 100 {
		n, err := w.Src.Read(w.Buf[len(w.Buf):cap(w.Buf)])
		w.Buf = w.Buf[:len(w.Buf)+n]
		if err == io.EOF {
			w.EOF = true
			return n > 0, nil
		}
		if err != nil {
			return false, fmt.Errorf("reading %s at byte %d: %w", w.Format, w.Base+int64(len(w.Buf)), err)
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, fmt.Errorf("reading %s at byte %d: %w", w.Format, w.Base+int64(len(w.Buf)), io.ErrNoProgress)
}

// Want fills until n bytes stand in Buf from at on, or the stream ends.
func (w *Window) Want(at, n int) error {
	for len(w.Buf)-at < n {
		more, err := w.Fill()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Slide forgets the first n bytes and k index entries once that is worth the
// copying, and returns by how many of each positions have moved.
func (w *Window) Slide(n, k int) (moved, entries int) {
	if n < 1<<18 && (w.Src == nil || n < cap(w.Buf)/2) || w.Src != nil && n < len(w.Buf)-n {
		return 0, 0
	}
	if w.Src == nil {
		w.Buf = w.Buf[n:]
	} else {
		w.Buf = w.Buf[:copy(w.Buf, w.Buf[n:])]
	}
	w.Idx = w.Idx[:copy(w.Idx, w.Idx[k:])]
	for i := range w.Idx {
		w.Idx[i] -= uint32(n)
	}
	w.Base += int64(n)
	w.Indexed = max(0, w.Indexed-n)
	return n, k
}

// Begin starts to index at position at, a little at first. What the index holds
// from before is the caller's to keep or drop.
func (w *Window) Begin(at int) { w.Indexed, w.step = at, firstStep }

// Next are the bytes to be indexed next, and room in the index for as many
// positions, to be kept by [Window.Took].
func (w *Window) Next() (data []byte, room []uint32) {
	n := min(w.step, len(w.Buf)-w.Indexed)
	w.step = min(2*w.step, indexStep)
	have := len(w.Idx)
	w.Idx = slices.Grow(w.Idx, n)
	return w.Buf[w.Indexed : w.Indexed+n], w.Idx[have : have+n]
}

// Took says that the bytes given out were indexed: used of them, with m
// delimiters found.
func (w *Window) Took(used, m int) {
	w.Idx = w.Idx[:len(w.Idx)+m]
	w.Indexed += used
}

// Reindex drops the index from position at on, so that it is made anew.
func (w *Window) Reindex(at int) {
	n, _ := slices.BinarySearch(w.Idx, uint32(at))
	w.Idx, w.Indexed = w.Idx[:n], at
}

// Index writes to dst the position, plus base, of each byte of data that t
// marks with 1, and returns how many there are. dst must be at least as long
// as data. It allocates nothing.
//
// The loop stores always and advances by the table's 0 or 1, so it has no
// branch that depends on the data: on real, varied documents a branching loop
// runs slower because the predictor cannot learn them.
func Index(dst []uint32, data []byte, base uint32, t *[256]uint8) int {
	dst = dst[:len(data)]
	n := 0
	for len(data) >= 8 {
		c := data[:8:8]
		o := dst[n:]
		o = o[:8:8]
		k := 0
		o[0] = base
		k += int(t[c[0]])
		o[k&7] = base + 1
		k += int(t[c[1]])
		o[k&7] = base + 2
		k += int(t[c[2]])
		o[k&7] = base + 3
		k += int(t[c[3]])
		o[k&7] = base + 4
		k += int(t[c[4]])
		o[k&7] = base + 5
		k += int(t[c[5]])
		o[k&7] = base + 6
		k += int(t[c[6]])
		o[k&7] = base + 7
		k += int(t[c[7]])
		n += k
		base += 8
		data = data[8:]
	}
	for _, c := range data {
		dst[n] = base
		n += int(t[c])
		base++
	}
	return n
}

// What a byte may be beside data, in tables for [Seen]. The higher bits are
// each format's own.
const (
	Control = 1 << iota
	Component
	Repetition
	Release
	Break // a line end

	Own // the first of the higher bits
)

// Seen is all that t says of the bytes of data, or'ed.
func Seen(data []byte, t *[256]uint8) uint8 {
	var a, b, c, d uint8
	for len(data) >= 8 {
		v := data[:8:8]
		a |= t[v[0]] | t[v[1]]
		b |= t[v[2]] | t[v[3]]
		c |= t[v[4]] | t[v[5]]
		d |= t[v[6]] | t[v[7]]
		data = data[8:]
	}
	for _, v := range data {
		a |= t[v]
	}
	return a | b | c | d
}
