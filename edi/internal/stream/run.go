package stream

import "slices"

// Bound is where one segment lies: positions in a run's text, and the piece
// Idx[First:Last+1] of its delimiters, the last one its terminator.
type Bound struct {
	Lead, Start, End uint32 // its first byte, its tag's, and behind the terminator
	First, Last      uint32
}

// Run is segments in an indexed text.
type Run struct {
	Data   []byte
	Base   int64 // stream offset of Data[0]
	Idx    []uint32
	Bounds []Bound
	Lines  bool // LF ends segments: a CR before it is no data
	// Regular says that a tag is all that stands before the first delimiter, and an
	// element all between two.
	Regular bool
}

// At is the i-th segment, from 0.
func (r *Run) At(i int) View {
	b := &r.Bounds[i]
	return View{run: r, b: b, idx: r.Idx[b.First : b.Last+1]}
}

// Split is where elements of the i-th segment stand: the n-th from ends[n-1]+1 up to
// ends[n] in Data. It may use scratch for them.
func (r *Run) Split(i int, scratch []uint32) (ends []uint32) {
	v := r.At(i)
	if !r.Lines {
		return v.idx
	}
	_, to, _ := v.Span(v.Len())
	return append(append(scratch, v.idx[:len(v.idx)-1]...), to)
}

// Keep moves the run onto raw, which stands in the stream at offset and holds all
// of its segments, and onto an index of its own.
func (r *Run) Keep(raw []byte, offset int64) {
	shift := uint32(offset - r.Base)
	k0, k1 := r.Bounds[0].First, r.Bounds[len(r.Bounds)-1].Last+1
	r.Idx, r.Bounds = slices.Clone(r.Idx[k0:k1]), slices.Clone(r.Bounds)
	for i := range r.Idx {
		r.Idx[i] -= shift
	}
	for i := range r.Bounds {
		b := &r.Bounds[i]
		b.Lead, b.Start, b.End = b.Lead-shift, b.Start-shift, b.End-shift
		b.First, b.Last = b.First-k0, b.Last-k0
	}
	r.Data, r.Base = raw, offset
}

// View is one segment of a run. Elements count from 1; element 0 is the tag.
type View struct {
	run *Run
	b   *Bound
	idx []uint32
}

// Len is the number of elements behind the tag, trailing empty ones included.
func (v View) Len() int { return len(v.idx) - 1 }

// Element is the n-th element as it stands, nil if the segment is shorter.
func (v View) Element(n int) []byte {
	from, to, ok := v.Span(n)
	if !ok {
		return nil
	}
	return v.run.Data[from:to:to]
}

// Span is where the n-th element stands in the run's text.
func (v View) Span(n int) (from, to uint32, ok bool) {
	if n < 0 || n >= len(v.idx) {
		return 0, 0, false
	}
	from = v.b.Start
	if n > 0 {
		from = v.idx[n-1] + 1
	}
	to = v.idx[n]
	if v.run.Lines && n == len(v.idx)-1 && to > from && v.run.Data[to-1] == '\r' {
		to--
	}
	return from, to, true
}

// Raw is every byte of the segment: blanks before the tag, the segment, its
// terminator and what it announces.
func (v View) Raw() []byte { return v.run.Data[v.b.Lead:v.b.End:v.b.End] }

// Body is the segment from its tag up to its terminator.
func (v View) Body() []byte {
	_, to, _ := v.Span(v.Len())
	return v.run.Data[v.b.Start:to:to]
}

// Offset is where the segment's tag stands in the stream.
func (v View) Offset() int64 { return v.run.Base + int64(v.b.Start) }

// Place is where the n-th element stands in the stream and how long it is. An
// element that the segment is too short for stands at the segment's end.
func (v View) Place(n int) (offset int64, length int) {
	from, to, ok := v.Span(n)
	if !ok {
		_, to, _ = v.Span(v.Len())
		from = to
	}
	return v.run.Base + int64(from), int(to - from)
}
