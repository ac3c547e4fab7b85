package edifact

import (
	"bytes"

	"github.com/paklog/hub/edi/internal/heads"
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

// window is the part of the stream in memory, with what is known of the headers
// in it.
type window struct {
	heads.Window
	lim    Limits
	delims Delimiters
	table  [256]uint8
}

// use starts a fresh index for an interchange from position at on.
func (w *window) use(d Delimiters, at int) {
	w.delims, w.table = d, d.table()
	w.Idx = w.Idx[:0]
	w.Begin(at)
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
	for w.Cut < from {
		w.Cut = -1
		if w.Scanned = max(w.Scanned, from); w.Scanned >= to {
			return -1, nil
		}
		if err := w.Want(w.Scanned, to-w.Scanned+2*sniff.Header); err != nil {
			return -1, err
		}
		end := min(len(w.Buf), w.Scanned+heads.Step)
		i := stream.Pair(w.Buf[w.Scanned:end], 'U', 'N')
		var other bool
		if end, other = w.OtherWithin(end, i); other {
			continue
		}
		switch {
		case i < 0 && end == len(w.Buf) && w.EOF:
			w.Scanned = end
		case i < 0:
			w.Scanned = end - 1
		default:
			at := w.Scanned + i
			if err := w.Want(at, headReach); err != nil {
				return -1, err
			}
			w.Scanned = at + 1
			if w.startsInterchange(w.Buf[at:min(len(w.Buf), at+headReach)]) {
				w.Cut = at
			}
		}
	}
	if w.Cut < to {
		return w.Cut, nil
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
