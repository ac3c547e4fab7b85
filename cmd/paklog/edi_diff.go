package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
)

// ediSet is a run of segments to be held against another: a set, or an envelope
// segment alone.
type ediSet struct {
	name     string
	segments [][]string // tag and elements
}

func setOf(p *x12.Part) []ediSet {
	if p.Segments.Len() == 0 {
		return nil
	}
	s := ediSet{name: p.Kind.String()}
	if p.Kind == x12.TransactionSet {
		s.name = "set " + p.ST.ID + " " + p.ST.Control
	}
	d := p.Segments.Delimiters()
	marks := strings.NewReplacer(string([]byte{d.Component}), x12.ComponentMark)
	for _, seg := range p.Segments.All() {
		fields := []string{seg.ID()}
		for n := 1; n <= seg.Len(); n++ {
			v := seg.Value(n)
			if p.Kind != x12.InterchangeHeader && d.Component != 0 {
				v = marks.Replace(v)
			}
			fields = append(fields, v)
		}
		if p.Kind == x12.InterchangeHeader && len(fields) > 16 {
			fields = fields[:16] // the separator itself is no content
		}
		for len(fields) > 1 && fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		s.segments = append(s.segments, fields)
	}
	return []ediSet{s}
}

// errEnough ends the reading of a document that nobody asks for more of.
var errEnough = errors.New("enough was read")

// setsOf reads a file, a folder or standard input set by set.
func setsOf(cmd *cobra.Command, arg string) iter.Seq2[ediSet, error] {
	return func(yield func(ediSet, error) bool) {
		each := func(all []ediSet) error {
			for _, s := range all {
				if !yield(s, nil) {
					return errEnough
				}
			}
			return nil
		}
		err := eachInput(cmd, []string{arg}, func(_ string, in io.Reader) error {
			return eachPart(in, func(p *x12.Part) error { return each(setOf(p)) }, func(p *edifact.Part) error { return each(setOfEDIFACT(p)) })
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(ediSet{}, err)
		}
	}
}

// diffSets shows in what b differs from a, set by set as they are read, and reports
// whether it does.
func diffSets(w io.Writer, a, b iter.Seq2[ediSet, error]) (differ bool, err error) {
	nextA, stopA := iter.Pull2(a)
	defer stopA()
	nextB, stopB := iter.Pull2(b)
	defer stopB()
	for {
		x, errX, okX := nextA()
		y, errY, okY := nextB()
		switch err := cmp.Or(errX, errY); {
		case err != nil || !okX && !okY:
			return differ, err
		case !okY:
			fmt.Fprintf(w, "- %s\n", clean(x.name))
			differ = true
		case !okX:
			fmt.Fprintf(w, "+ %s\n", clean(y.name))
			differ = true
		default:
			differ = diffSegments(w, x, y) || differ
		}
	}
}

// mostAligned bounds the table of an alignment; what is longer is held against
// each other place by place.
const mostAligned = 4 << 20

func diffSegments(w io.Writer, a, b ediSet) bool {
	x, y := a.segments, b.segments
	for len(x) > 0 && len(y) > 0 && slices.Equal(x[0], y[0]) {
		x, y = x[1:], y[1:]
	}
	first := len(a.segments) - len(x) + 1
	for len(x) > 0 && len(y) > 0 && slices.Equal(x[len(x)-1], y[len(y)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	if len(x)+len(y) == 0 {
		return false
	}
	fmt.Fprintf(w, "%s\n", clean(a.name))
	i, j := 0, 0
	for _, k := range append(aligned(x, y), [2]int{len(x), len(y)}) {
		gap(w, first+i, first+j, x[i:k[0]], y[j:k[1]])
		i, j = k[0]+1, k[1]+1
	}
	return true
}

// gap shows segments that became others: of one tag, in order, as a change.
func gap(w io.Writer, atX, atY int, x, y [][]string) {
	for len(x) > 0 || len(y) > 0 {
		switch {
		case len(x) > 0 && len(y) > 0 && x[0][0] == y[0][0]:
			changedElements(w, atX, x[0], y[0])
			x, y, atX, atY = x[1:], y[1:], atX+1, atY+1
		case len(x) > 0 && (len(y) == 0 || !slices.ContainsFunc(y, func(s []string) bool { return s[0] == x[0][0] })):
			fmt.Fprintf(w, "  - segment %d  %s\n", atX, shownSegment(x[0]))
			x, atX = x[1:], atX+1
		default:
			fmt.Fprintf(w, "  + segment %d  %s\n", atY, shownSegment(y[0]))
			y, atY = y[1:], atY+1
		}
	}
}

// aligned are the places, in order, at which segments stay the same: the longest
// such run, or none where the table for it would be too large.
func aligned(x, y [][]string) (out [][2]int) {
	if len(x)*len(y) > mostAligned {
		return nil
	}
	best := make([][]int32, len(x)+1) // of x[i:] and y[j:]
	for i := range best {
		best[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if best[i][j] = max(best[i+1][j], best[i][j+1]); slices.Equal(x[i], y[j]) {
				best[i][j] = best[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case slices.Equal(x[i], y[j]):
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case best[i+1][j] >= best[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

func changedElements(w io.Writer, at int, a, b []string) {
	for n := 1; n < max(len(a), len(b)); n++ {
		var old, now string
		if n < len(a) {
			old = a[n]
		}
		if n < len(b) {
			now = b[n]
		}
		if old != now {
			fmt.Fprintf(w, "  segment %d  %s: %q became %q\n", at, finding.Ref(clean(a[0]), n, 0), shownValue(old), shownValue(now))
		}
	}
}

func shownValue(v string) string {
	return strings.NewReplacer(x12.ComponentMark, ":", x12.RepetitionMark, "^").Replace(v)
}

func shownSegment(s []string) string { return clean(shownValue(strings.Join(s, "*"))) }
