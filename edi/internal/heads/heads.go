// Package heads looks for headers of interchanges within a stream: where a transmission broke off and
// another was appended to it, and where one of another format begins.
package heads

import (
	"github.com/paklog/hub/edi/internal/stream"
	"github.com/paklog/hub/edi/sniff"
)

// Step is the most that is looked through at once.
const Step = 64 << 10

// Window is the part of a stream in memory, with what is known of the headers in it. Its Cut begins as
// -1.
type Window struct {
	stream.Window
	Scanned int          // headers that begin before this are known
	Cut     int          // one that begins here, though no terminator stands before it; or -1
	Other   sniff.Format // whose headers are looked for as well; "" is none
}

// Slide is [stream.Window.Slide].
func (w *Window) Slide(n, k int) (moved, entries int) {
	moved, entries = w.Window.Slide(n, k)
	w.Scanned = max(0, w.Scanned-moved)
	if w.Cut >= 0 {
		w.Cut -= moved
	}
	return moved, entries
}

// Begin starts a fresh index, and the search, at a position.
func (w *Window) Begin(at int) {
	w.Window.Begin(at)
	w.Scanned, w.Cut = at, -1
}

// OtherWithin looks for a header of the other format from Scanned to end, before the i-th byte from there
// where the reader's own stands, -1 for none. One that it finds is Cut. last is how far it could tell: a
// header may begin at the end of what is in memory.
func (w *Window) OtherWithin(end, i int) (last int, found bool) {
	if w.Other == "" {
		return end, false
	}
	if !w.EOF {
		end = min(end, len(w.Buf)-sniff.Header)
	}
	before := end - w.Scanned
	if i >= 0 {
		before = min(before, i)
	}
	at := sniff.Within(w.Buf[w.Scanned:], before, w.Other)
	if at < 0 {
		return end, false
	}
	w.Cut = w.Scanned + at
	w.Scanned = w.Cut + 1
	return end, true
}

// OtherBegins reports whether an interchange of the other format begins at a position.
func (w *Window) OtherBegins(at int) (bool, error) {
	if w.Other == "" || at >= len(w.Buf) || w.Buf[at] != 'U' && w.Buf[at] != 'I' {
		return false, nil
	}
	if err := w.Want(at, sniff.Header); err != nil {
		return false, err
	}
	return sniff.Begins(w.Buf[at:]) == w.Other, nil
}

// Rest is what is left of the stream from a position on, which has a line and a column.
func (w *Window) Rest(at, line, column int) stream.Rest {
	return stream.Rest{Window: w.Window, At: at, Line: line, Column: column}
}

// Resume takes over what another reader left.
func (w *Window) Resume(r stream.Rest) { w.Window = r.Resume(w.Format) }
