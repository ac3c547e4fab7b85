package edifact

import (
	"bytes"

	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

const scanStep = 64 << 10

// window is the part of the stream in memory, with what is known of the headers
// in it.
type window struct {
	stream.Window
	lim    Limits
	delims Delimiters
	table  [256]uint8

	scanned int  // headers that begin before this are known
	other   bool // headers of X12 are looked for as well
	cut     int  // one that begins here, though no terminator stands before it; or -1
}

func (w *window) slide(n, k int) (moved, entries int) {
	moved, entries = w.Slide(n, k)
	w.scanned = max(0, w.scanned-moved)
	if w.cut >= 0 {
		w.cut -= moved
	}
	return moved, entries
}

// use starts a fresh index for an interchange from position at on.
func (w *window) use(d Delimiters, at int) {
	w.delims, w.table = d, d.table()
	w.Idx = w.Idx[:0]
	w.Begin(at)
	w.scanned, w.cut = at, -1
}

// indexMore indexes some of what is in memory and reports whether there was
// any: a release character waits for the byte that it is about.
func (w *window) indexMore() bool {
	data, room := w.Next()
	m, used := index(room, data, uint32(w.Indexed), &w.table, w.delims.Release, w.EOF && w.Indexed+len(data) == len(w.Buf))
	w.Took(used, m)
	return used > 0
}

// nextCut is the position of a header in Buf[from:to] that does not start a
// segment: a transmission broke off and another was appended to it. Only a
// header with the separators of the interchange that is open is taken for one.
func (w *window) nextCut(from, to int) (int, error) {
	for w.cut < from {
		w.cut = -1
		if w.scanned = max(w.scanned, from); w.scanned >= to {
			return -1, nil
		}
		if err := w.Want(w.scanned, to-w.scanned+2*sniff.Header); err != nil {
			return -1, err
		}
		end := min(len(w.Buf), w.scanned+scanStep)
		i := stream.Pair(w.Buf[w.scanned:end], 'U', 'N')
		if w.other {
			if !w.EOF {
				end = min(end, len(w.Buf)-sniff.Header)
			}
			before := end - w.scanned
			if i >= 0 {
				before = min(before, i)
			}
			if at := sniff.Within(w.Buf[w.scanned:], before, sniff.X12); at >= 0 {
				w.cut = w.scanned + at
				w.scanned = w.cut + 1
				continue
			}
		}
		switch {
		case i < 0 && end == len(w.Buf) && w.EOF:
			w.scanned = end
		case i < 0:
			w.scanned = end - 1
		default:
			at := w.scanned + i
			if err := w.Want(at, headReach); err != nil {
				return -1, err
			}
			w.scanned = at + 1
			if w.startsInterchange(w.Buf[at:min(len(w.Buf), at+headReach)]) {
				w.cut = at
			}
		}
	}
	if w.cut < to {
		return w.cut, nil
	}
	return -1, nil
}

// headReach is how far a UNA with line ends behind it, and the syntax identifier
// of its UNB, may reach.
const headReach = 32

// startsInterchange holds for UNB with a syntax identifier of four letters and a
// version, and for the UNA before one.
func (w *window) startsInterchange(b []byte) bool {
	d := w.delims
	if len(b) > unaLength && b[2] == 'A' && b[3] == d.Component && b[4] == d.Element && b[8] == d.Terminator {
		b = bytes.TrimLeft(b[unaLength:], "\r\n ")
	}
	if len(b) < 10 || string(b[:3]) != "UNB" || b[3] != d.Element || b[8] != d.Component || b[9]-'0' > 9 {
		return false
	}
	for _, c := range b[4:8] {
		if c-'A' > 25 {
			return false
		}
	}
	return true
}

// segments are what was found in the window.
func (w *window) segments(bounds []bound) Segments {
	return Segments{run: stream.Run{Data: w.Buf, Base: w.Base, Idx: w.Idx, Bounds: bounds, Lines: w.delims.Terminator == '\n'}, delims: w.delims}
}
