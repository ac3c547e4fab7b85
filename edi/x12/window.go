package x12

import (
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

const scanStep = 64 << 10

// window is the part of the stream in memory, with what is known of its ISAs.
type window struct {
	stream.Window
	lim    Limits
	delims Delimiters
	table  [256]uint8

	scanned int  // ISAs that begin before this are known
	other   bool // headers of EDIFACT are looked for as well
	cut     int  // an ISA that begins here, though no terminator stands before it; or -1
}

// slide forgets the first n bytes once that is worth the copying, and returns
// by how many bytes and index entries positions have moved.
func (w *window) slide(n, k int) (moved, entries int) {
	moved, entries = w.Slide(n, k)
	w.scanned = max(0, w.scanned-moved)
	if w.cut >= 0 {
		w.cut -= moved
	}
	return moved, entries
}

// use starts a fresh index for an interchange whose header ends at end.
func (w *window) use(d Delimiters, end int) {
	w.delims, w.table = d, d.table()
	w.Begin(end)
	w.scanned, w.cut = end, -1
}

func (w *window) indexMore() {
	data, room := w.Next()
	w.Took(len(data), stream.Index(room, data, uint32(w.Indexed), &w.table))
}

// nextCut is the position of a whole, padded ISA in buf[from:to] that does not
// start a segment: a transmission broke off and another was appended to it.
func (w *window) nextCut(from, to int) (int, error) {
	for w.cut < from {
		w.cut = -1
		if w.scanned = max(w.scanned, from); w.scanned >= to {
			return -1, nil
		}
		if err := w.Want(w.scanned, to-w.scanned+isaLength); err != nil {
			return -1, err
		}
		end := min(len(w.Buf), w.scanned+scanStep)
		i := findISA(w.Buf[w.scanned:end])
		if w.other {
			if !w.EOF {
				end = min(end, len(w.Buf)-sniff.Header)
			}
			before := end - w.scanned
			if i >= 0 {
				before = min(before, i)
			}
			if at := sniff.Within(w.Buf[w.scanned:], before, sniff.EDIFACT); at >= 0 {
				w.cut = w.scanned + at
				w.scanned = w.cut + 1
				continue
			}
		}
		switch {
		case i < 0 && end == len(w.Buf) && w.EOF:
			w.scanned = end
		case i < 0:
			w.scanned = end - 2
		case len(w.Buf)-w.scanned-i < isaLength && !w.EOF:
			if err := w.Want(w.scanned+i, isaLength); err != nil {
				return -1, err
			}
		default:
			at := w.scanned + i
			w.scanned = at + 1
			if strictISA(w.Buf[at:]) && plausibleISA(w.Buf[at:]) {
				w.cut = at
			}
		}
	}
	if w.cut < to {
		return w.cut, nil
	}
	return -1, nil
}

// findISA is bytes.Index of "ISA", which data seldom holds even two letters of.
func findISA(b []byte) int {
	for i := 0; ; i++ {
		n := stream.Pair(b[i:], 'I', 'S')
		if i += n; n < 0 || i+2 >= len(b) {
			return -1
		}
		if b[i+2] == 'A' {
			return i
		}
	}
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

// segments are what was found in the window.
func (w *window) segments(bounds []bound) Segments {
	return Segments{run: stream.Run{Data: w.Buf, Base: w.Base, Idx: w.Idx, Bounds: bounds, Lines: w.delims.Terminator == '\n'}, delims: w.delims}
}
