package carton

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// maxInstances bounds a file.
const maxInstances = 100_000

// Parse reads the container-loading text format of Bischoff and Ratcliff. Numbers
// are separated by blanks, empty lines are skipped:
//
//	1                        number of instances
//	7 2502505                instance; the seed of its generator is optional
//	587 233 220              container: length, width, height
//	2                        number of box types
//	1 108 0 76 0 30 1 40     type, three sides each with 1 where it may stand upright, boxes
//	2 110 0 43 1 25 1 33
//
// The error names the first line that is not so, as fault.Invalid.
func Parse(text []byte) ([]Problem, error) {
	r := reader{rest: string(text)}
	n := r.line("the number of instances", "", 1, maxInstances)
	var out []Problem
	for i := 0; i < n && r.err == nil; i++ {
		p := r.problem()
		out = append(out, p)
	}
	if r.err == nil && r.next() {
		r.fail("%q follows after the last of %d instances: correct the number in the first line, or remove what is too much", clip(r.text), n)
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

// reader takes lines; after the first error it reads nothing more.
type reader struct {
	rest, text string
	no         int
	fields     []string
	err        error
}

func (r *reader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fault.At("carton.Parse", fault.Invalid, fmt.Sprintf("line %d", r.no), fmt.Errorf(format, a...))
	}
}

// next goes to the next line that is not empty.
func (r *reader) next() bool {
	for r.err == nil && r.rest != "" {
		r.text, r.rest, _ = strings.Cut(r.rest, "\n")
		r.no++
		if r.fields = strings.Fields(r.text); len(r.fields) > 0 {
			return true
		}
	}
	return false
}

// want goes to the next line and holds it against the numbers that it must have.
func (r *reader) want(what string, least, most int) bool {
	if !r.next() {
		r.no++
		r.fail("the file ends where %s should be: is it cut off?", what)
		return false
	}
	if n := len(r.fields); n < least || n > most {
		s := strconv.Itoa(least)
		if most > least {
			s += " or " + strconv.Itoa(most)
		}
		r.fail("has %d numbers, %s expected: %s", n, s, what)
		return false
	}
	return true
}

// number is the i-th of the line.
func (r *reader) number(i int, what string, least, most int) int {
	n, err := strconv.Atoi(r.fields[i])
	switch {
	case r.err != nil:
	case err != nil && !isNumber(r.fields[i]):
		r.fail("%s: %q is no whole number", what, clip(r.fields[i]))
	case err != nil || n < least || n > most:
		r.fail("%s: %s is not between %d and %d", what, clip(r.fields[i]), least, most)
	default:
		return n
	}
	return 0
}

// line is a line of one number.
func (r *reader) line(what, more string, least, most int) int {
	if !r.want(what+more, 1, 1) {
		return 0
	}
	return r.number(0, what, least, most)
}

func (r *reader) problem() (p Problem) {
	if !r.want("an instance's number, and the seed of its generator or nothing", 1, 2) {
		return p
	}
	const most = 1<<31 - 1
	p.ID = r.number(0, "the instance's number", 0, most)
	if len(r.fields) == 2 {
		r.number(1, "the generator's seed", 0, most)
	}
	if !r.want("the container's length, width and height", 3, 3) {
		return p
	}
	for i, side := range [3]string{"the container's length", "the container's width", "the container's height"} {
		p.Container[i] = r.number(i, side, 1, MaxSide)
	}
	n := r.line("the number of box types", "", 1, MaxTypes)
	seen := map[int]int{}
	boxes := 0
	for range n {
		if !r.want("a box type, three sides each with its flag, and the number of boxes", 8, 8) {
			return p
		}
		t := Type{ID: r.number(0, "the box type", 0, most)}
		for i, side := range [3]string{"the first side", "the second side", "the third side"} {
			t.Size[i] = r.number(1+2*i, side, 1, MaxSide)
			t.Upright[i] = r.number(2+2*i, side+"'s flag", 0, 1) == 1
		}
		t.Qty = r.number(7, "the number of boxes", 0, MaxBoxes)
		if boxes += t.Qty; boxes > MaxBoxes {
			r.fail("instance %d has more than %d boxes with this type", p.ID, MaxBoxes)
		}
		if at, ok := seen[t.ID]; ok {
			r.fail("box type %d stands in line %d already", t.ID, at)
		}
		if t.Upright == [3]bool{} {
			r.fail("box type %d may not stand on any side: one of the three flags must be 1", t.ID)
		}
		if r.err != nil {
			return p
		}
		seen[t.ID] = r.no
		p.Types = append(p.Types, t)
	}
	return p
}

func isNumber(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}
