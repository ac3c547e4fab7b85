package stream

// Rest is what one reader leaves of a stream to the next: what is in memory of it, and
// the place in that where it goes on.
type Rest struct {
	Window
	At           int // of the first byte that nobody handed out
	Line, Column int // of that byte
}

// Resume is the stream as a reader of a format begins with it.
func (r Rest) Resume(format string) Window {
	w := r.Window
	w.Format, w.Idx, w.Indexed = format, nil, r.At
	return w
}
