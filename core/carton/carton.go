// Package carton places boxes in a container in three dimensions: every box lies
// with its sides along the container's, overlaps no other, and rests with its
// whole base on the floor or on boxes below it.
//
// [Load] fills one container with as much volume as it can: blocks of boxes are
// put into maximal free rectangles, by a beam search that widens until it is
// stopped (Araya and Riff, "A beam search approach to the container loading
// problem", 2014, with a block evaluation after Araya, Guerrero and Nuñez, "VCS",
// 2017). [Pack] fills as few cartons as it can with all of an order. Each answer
// carries a bound, and [Check] judges it by code of its own.
//
// Lengths are whole numbers of one unit that the caller chooses.
package carton

import "slices"

// Limits of one problem.
const (
	MaxSide  = 100_000 // of a container or box
	MaxTypes = 1_000   // of boxes
	MaxBoxes = 100_000 // of all types
)

// Size is length, width, height: along x, y, z. Height points upwards.
type Size [3]int

// Volume is in cubed units of length.
func (s Size) Volume() int64 { return int64(s[0]) * int64(s[1]) * int64(s[2]) }

// Type is Qty equal boxes. Upright says of each side whether it may stand along
// the height; turning on the floor is always allowed.
type Type struct {
	ID      int
	Size    Size
	Upright [3]bool
	Qty     int
}

// Problem is a container and what there is to load: not all of it need be.
type Problem struct {
	ID        int
	Container Size
	Types     []Type
}

// Placement is one box: Type counts from 0 in the problem, At is the corner next
// to the origin and Size are the sides as they lie.
type Placement struct {
	Type     int
	At, Size Size
}

// Answer is a loading. Bound is a volume that no loading exceeds; Effort counts
// the blocks that were looked at.
type Answer struct {
	Placements    []Placement
	Volume, Bound int64
	Effort        int
}

// Options bound a search. Of the same options the same answer comes, unless Stop
// ends it at another moment.
type Options struct {
	Seed   uint64      // 0 or any other: makes some blocks a little less wanted
	Stop   func() bool // asked after each loading that was tried, and within large ones; nil is never
	Effort int         // blocks to look at, after which no more is tried; 0 is no bound
}

// orientations of a type without repeats: those with a side upright, each turned
// both ways.
func (t Type) orientations() []Size {
	var out []Size
	for up := 2; up >= 0; up-- {
		if !t.Upright[up] {
			continue
		}
		a, b := t.Size[(up+1)%3], t.Size[(up+2)%3]
		for _, s := range [2]Size{{a, b, t.Size[up]}, {b, a, t.Size[up]}} {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// within reports whether a box of this size lies in a container.
func (s Size) within(c Size) bool { return s[0] <= c[0] && s[1] <= c[1] && s[2] <= c[2] }

// Orientation is which of a type's sides, counted from 1, lie along length, width
// and height where it lies so; zero where it may not lie so.
func (t Type) Orientation(lying Size) [3]int {
	for up := 2; up >= 0; up-- {
		a, b := (up+1)%3, (up+2)%3
		for _, o := range [2][3]int{{a, b, up}, {b, a, up}} {
			if t.Upright[up] && lying == (Size{t.Size[o[0]], t.Size[o[1]], t.Size[o[2]]}) {
				return [3]int{o[0] + 1, o[1] + 1, o[2] + 1}
			}
		}
	}
	return [3]int{}
}
