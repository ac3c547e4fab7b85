package x12

import (
	"github.com/paklog/hub/edi/internal/heads"
	"github.com/paklog/hub/edi/internal/stream"
)

// window is the part of the stream in memory, with what is known of its ISAs.
type window struct {
	heads.Window
	lim    Limits
	delims Delimiters
	table  [256]uint8
}

// use starts a fresh index for an interchange whose header ends at end.
func (w *window) use(d Delimiters, end int) {
	w.delims, w.table = d, d.table()
	w.Begin(end)
}

func (w *window) indexMore() {
	data, room := w.Next()
	w.Took(len(data), stream.Index(room, data, uint32(w.Indexed), &w.table))
}

// nextCut is the position of a whole, padded ISA in buf[from:to] that does not
// start a segment: a transmission broke off and another was appended to it.
func (w *window) nextCut(from, to int) (int, error) {
	for w.Cut < from {
		w.Cut = -1
		if w.Scanned = max(w.Scanned, from); w.Scanned >= to {
			return -1, nil
		}
		if err := w.Want(w.Scanned, to-w.Scanned+isaLength); err != nil {
			return -1, err
		}
		end := min(len(w.Buf), w.Scanned+heads.Step)
		i := findISA(w.Buf[w.Scanned:end])
		var other bool
		if end, other = w.OtherWithin(end, i); other {
			continue
		}
		switch {
		case i < 0 && end == len(w.Buf) && w.EOF:
			w.Scanned = end
		case i < 0:
			w.Scanned = end - 2
		case len(w.Buf)-w.Scanned-i < isaLength && !w.EOF:
			if err := w.Want(w.Scanned+i, isaLength); err != nil {
				return -1, err
			}
		default:
			at := w.Scanned + i
			w.Scanned = at + 1
			if strictISA(w.Buf[at:]) && plausibleISA(w.Buf[at:]) {
				w.Cut = at
			}
		}
	}
	if w.Cut < to {
		return w.Cut, nil
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
