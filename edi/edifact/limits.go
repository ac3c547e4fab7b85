package edifact

import "fmt"

// Limits bound what a hostile or broken stream can make a reader hold. The zero
// value of each field means its default.
type Limits struct {
	SegmentBytes int // longest segment; default 1 MiB
	MessageBytes int // longest message or package, its object included; default 64 MiB, at most 1 GiB
	Elements     int // most elements of a segment; default 65,536
	Findings     int // most findings kept for one part; default 1,000
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.SegmentBytes, 1<<20)
	def(&l.MessageBytes, 64<<20)
	def(&l.Elements, 1<<16)
	def(&l.Findings, 1000)
	l.MessageBytes = min(l.MessageBytes, 1<<30)
	l.SegmentBytes = min(l.SegmentBytes, l.MessageBytes)
	return l
}

// LimitError ends a read: the stream asked for more than [Limits] allow.
type LimitError struct {
	Limit  string // the field of Limits
	Max    int
	Offset int64 // where the thing that is too large begins
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("edifact: what begins at byte %d exceeds the limit %s of %d: either the service characters are wrong or the limit must be raised", e.Offset, e.Limit, e.Max)
}
