package x12

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

const (
	readSize  = 64 << 10
	indexStep = 32 << 10 // most bytes indexed ahead of need
	firstStep = 1 << 10  // and right behind a header, where little may follow
	scanStep  = 64 << 10
)

// window is the part of the stream in memory and its delimiter index. It only
// moves between parts, so that views on the current part stay valid.
type window struct {
	src  io.Reader // nil when buf is the whole stream
	lim  Limits
	buf  []byte
	base int64 // stream offset of buf[0]
	eof  bool

	delims  Delimiters
	table   [256]uint8
	idx     []uint32 // delimiters in buf[:indexed], from the current interchange on
	indexed int
	step    int

	scanned int // ISAs that begin before this are known
	cut     int // an ISA that begins here, though no terminator stands before it; or -1
}

// fill reads more of the stream and reports whether there was more.
func (w *window) fill() (bool, error) {
	if w.eof {
		return false, nil
	}
	if cap(w.buf)-len(w.buf) < readSize/2 {
		w.buf = slices.Grow(w.buf, max(readSize, len(w.buf)/2))
	}
	for range 100 {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if err == io.EOF {
			w.eof = true
			return n > 0, nil
		}
		if err != nil {
			return false, fmt.Errorf("reading X12 at byte %d: %w", w.base+int64(len(w.buf)), err)
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, fmt.Errorf("reading X12 at byte %d: %w", w.base+int64(len(w.buf)), io.ErrNoProgress)
}

// want fills until n bytes stand in buf from at on, or the stream ends.
func (w *window) want(at, n int) error {
	for len(w.buf)-at < n {
		more, err := w.fill()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// slide forgets the first n bytes once that is worth the copying, and returns
// by how many bytes and index entries positions have moved.
func (w *window) slide(n, k int) (moved, entries int) {
	if n < 1<<18 && (w.src == nil || n < cap(w.buf)/2) || w.src != nil && n < len(w.buf)-n {
		return 0, 0
	}
	if w.src == nil {
		w.buf = w.buf[n:]
	} else {
		w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	}
	w.idx = w.idx[:copy(w.idx, w.idx[k:])]
	for i := range w.idx {
		w.idx[i] -= uint32(n)
	}
	w.base += int64(n)
	w.indexed = max(0, w.indexed-n)
	w.scanned = max(0, w.scanned-n)
	if w.cut >= 0 {
		w.cut -= n
	}
	return n, k
}

// use starts a fresh index for an interchange whose header ends at end.
func (w *window) use(d Delimiters, end int) {
	w.delims, w.table = d, d.table()
	w.indexed, w.step = end, firstStep
	w.scanned, w.cut = end, -1
}

func (w *window) indexMore() {
	n := min(w.step, len(w.buf)-w.indexed)
	w.step = min(2*w.step, indexStep)
	have := len(w.idx)
	w.idx = slices.Grow(w.idx, n)
	m := index(w.idx[have:have+n], w.buf[w.indexed:w.indexed+n], uint32(w.indexed), &w.table)
	w.idx = w.idx[:have+m]
	w.indexed += n
}

// reindex drops the index from position at on, so that it is made anew.
func (w *window) reindex(at int) {
	n, _ := slices.BinarySearch(w.idx, uint32(at))
	w.idx, w.indexed = w.idx[:n], at
}

// nextCut is the position of a whole, padded ISA in buf[from:to] that does not
// start a segment: a transmission broke off and another was appended to it.
func (w *window) nextCut(from, to int) (int, error) {
	for w.cut < from {
		w.cut = -1
		if w.scanned = max(w.scanned, from); w.scanned >= to {
			return -1, nil
		}
		if err := w.want(w.scanned, to-w.scanned+isaLength); err != nil {
			return -1, err
		}
		end := min(len(w.buf), w.scanned+scanStep)
		i := bytes.Index(w.buf[w.scanned:end], []byte("ISA"))
		switch {
		case i < 0 && end == len(w.buf) && w.eof:
			w.scanned = end
		case i < 0:
			w.scanned = end - 2
		case len(w.buf)-w.scanned-i < isaLength && !w.eof:
			if err := w.want(w.scanned+i, isaLength); err != nil {
				return -1, err
			}
		default:
			at := w.scanned + i
			w.scanned = at + 1
			if strictISA(w.buf[at:]) && canSeparate(w.buf[at+3]) && plausibleISA(w.buf[at:]) {
				w.cut = at
			}
		}
	}
	if w.cut < to {
		return w.cut, nil
	}
	return -1, nil
}

// plausibleISA holds for a padded ISA whose version and control number are
// numbers.
func plausibleISA(b []byte) bool {
	for _, c := range b[84:89] {
		if c-'0' > 9 {
			return false
		}
	}
	for _, c := range b[90:99] {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}
