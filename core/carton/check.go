package carton

import (
	"errors"
	"fmt"
)

// Check judges a loading by the boxes alone, sharing nothing with what made it:
// each of a type that is there and not more of it than there are, turned as its
// type allows, within the container, overlapping no other, and with every part of
// its base on the floor or on the tops of others. The error names the first box,
// counted from 0, that is not so.
func Check(p Problem, placed []Placement) error {
	left := make([]int, len(p.Types))
	for i, t := range p.Types {
		left[i] = t.Qty
	}
	for i, b := range placed {
		if b.Type < 0 || b.Type >= len(p.Types) {
			return fmt.Errorf("box %d is of type %d, there are %d types", i, b.Type, len(p.Types))
		}
		if left[b.Type]--; left[b.Type] < 0 {
			return fmt.Errorf("box %d: more than %d boxes of type %d", i, p.Types[b.Type].Qty, p.Types[b.Type].ID)
		}
		if err := stands(p.Types[b.Type], b.Size); err != nil {
			return fmt.Errorf("box %d: %w", i, err)
		}
		for d := range 3 {
			if b.At[d] < 0 || b.At[d]+b.Size[d] > p.Container[d] {
				return fmt.Errorf("box %d at %v, %v large, is not within the container %v", i, b.At, b.Size, p.Container)
			}
		}
	}
	base := make([]int64, len(placed))
	for _, c := range cells(p.Container, placed) {
		for n, i := range c.boxes {
			b := placed[i]
			for _, j := range c.boxes[:n] {
				o := placed[j]
				// Of what two boxes share each cell counts its own part.
				dx, dy, dz := shared(b, o, c.floor, 0), shared(b, o, c.floor, 1), min(b.At[2]+b.Size[2], o.At[2]+o.Size[2])-max(b.At[2], o.At[2])
				switch {
				case dx <= 0 || dy <= 0:
				case dz > 0:
					return fmt.Errorf("boxes %d and %d overlap: %v large at %v, %v large at %v", j, i, o.Size, o.At, b.Size, b.At)
				case o.At[2]+o.Size[2] == b.At[2]:
					base[i] += int64(dx) * int64(dy)
				case b.At[2]+b.Size[2] == o.At[2]:
					base[j] += int64(dx) * int64(dy)
				}
			}
		}
	}
	for i, b := range placed {
		if area := int64(b.Size[0]) * int64(b.Size[1]); b.At[2] > 0 && base[i] != area {
			return fmt.Errorf("box %d at %v rests with %d of %d of its base", i, b.At, base[i], area)
		}
	}
	return nil
}

// cell is a part of the floor and the boxes over it.
type cell struct {
	floor Placement
	boxes []int
}

// cells divide the floor so that not every box must be held against every other.
func cells(container Size, placed []Placement) []cell {
	const most = 256
	n := 1
	for n < most && n*n < len(placed) {
		n++
	}
	long, wide := (container[0]+n-1)/n, (container[1]+n-1)/n
	out := make([]cell, n*n)
	for i := range out {
		out[i].floor = Placement{At: Size{i / n * long, i % n * wide}, Size: Size{long, wide}}
	}
	for i, b := range placed {
		for x := b.At[0] / long; x*long < b.At[0]+b.Size[0]; x++ {
			for y := b.At[1] / wide; y*wide < b.At[1]+b.Size[1]; y++ {
				out[x*n+y].boxes = append(out[x*n+y].boxes, i)
			}
		}
	}
	return out
}

// shared is the length along an axis that two boxes and a floor share.
func shared(a, b, floor Placement, d int) int {
	return min(a.At[d]+a.Size[d], b.At[d]+b.Size[d], floor.At[d]+floor.Size[d]) - max(a.At[d], b.At[d], floor.At[d])
}

// stands reports how lying sides differ from what the type allows.
func stands(t Type, lying Size) error {
	for up := range 3 {
		if !t.Upright[up] || lying[2] != t.Size[up] {
			continue
		}
		a, b := t.Size[(up+1)%3], t.Size[(up+2)%3]
		if lying[0] == a && lying[1] == b || lying[0] == b && lying[1] == a {
			return nil
		}
	}
	if lying[0] < 1 || lying[1] < 1 || lying[2] < 1 {
		return errors.New("it has no size")
	}
	return fmt.Errorf("it lies %v, which type %d, %v with upright %v, does not allow", lying, t.ID, t.Size, t.Upright)
}
