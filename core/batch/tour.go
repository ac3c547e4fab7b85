package batch

import (
	"math/bits"
	"slices"

	"github.com/paklog/hub/core/route"
)

// inf is above every length and small enough to be added to a few times.
const inf = int64(1) << 60

// floor is an instance made ready for measuring tours. It measures what package
// route measures: in one block by itself, for the search asks for millions of lengths
// a second; in two by that package's router, whose sets its masks then are.
type floor struct {
	w        route.Warehouse
	router   *route.Router // of two blocks, else nil
	capacity int
	n        int
	words    int // of an aisle's mask in one block
	stride   int // words of an order's mask
	long     int64
	masks    []uint64 // of order i at i*stride: a bit for each cell that it visits
	load     []int    // lines of each order
	limits   []int64
	loads    []int64 // of order i at i*len(limits)
}

func newFloor(in *Instance, router *route.Router) *floor {
	w := in.Warehouse
	words := (w.Cells + 63) / 64
	f := &floor{
		w: w, capacity: in.Capacity, n: len(in.Orders), words: words, stride: w.Aisles * words,
		long: w.FrontToCell + int64(w.Cells-1)*w.CellToCell + w.BackToCell,
		load: make([]int, len(in.Orders)), limits: in.Limits,
	}
	if w.Blocks > 1 {
		f.router, f.stride = router, len(router.NewSet(nil))
	}
	f.masks = make([]uint64, f.n*f.stride)
	for i, o := range in.Orders {
		f.load[i] = len(o.Lines)
		f.loads = append(f.loads, o.Loads...)
		m := f.of(i)
		if f.router != nil {
			copy(m, router.NewSet(o.Lines))
			continue
		}
		for _, p := range o.Lines {
			m[p.Aisle*words+p.Cell/64] |= 1 << (p.Cell % 64)
		}
	}
	return f
}

// of is the mask of order i.
func (f *floor) of(i int) []uint64 { return f.masks[i*f.stride : (i+1)*f.stride] }

// fits reports whether orders are within all limits but that of lines, without those at places
// out and with those of in.
func (f *floor) fits(orders, out, in []int) bool {
	for k, limit := range f.limits {
		sum := int64(0)
		for at, o := range orders {
			if !slices.Contains(out, at) {
				sum += f.loads[o*len(f.limits)+k]
			}
		}
		for _, o := range in {
			sum += f.loads[o*len(f.limits)+k]
		}
		if sum > limit {
			return false
		}
	}
	return true
}

// fewest is how many batches there are at least.
func (f *floor) fewest() int {
	lines := 0
	for _, l := range f.load {
		lines += l
	}
	n := (lines + f.capacity - 1) / f.capacity
	for k, limit := range f.limits {
		sum := int64(0)
		for i := range f.n {
			sum += f.loads[i*len(f.limits)+k]
		}
		n = max(n, int((sum+limit-1)/limit))
	}
	return n
}

// reach is what it costs to take all picks of one aisle and stay on the side
// where one came from: from the front, from the back, and from both with the
// largest gap left out, which is never more than either.
type reach struct {
	front, back, both int64
	picks             bool
}

// reachOf reads the mask of one aisle.
func (f *floor) reachOf(mask []uint64) reach {
	first, last, gap := -1, -1, 0
	for w, m := range mask {
		for ; m != 0; m &= m - 1 {
			c := w<<6 + bits.TrailingZeros64(m)
			if first < 0 {
				first = c
			} else if c-last > gap {
				gap = c - last
			}
			last = c
		}
	}
	if first < 0 {
		return reach{}
	}
	r := reach{
		front: 2 * (f.w.FrontToCell + int64(last)*f.w.CellToCell),
		back:  2 * (f.w.BackToCell + int64(f.w.Cells-1-first)*f.w.CellToCell),
		picks: true,
	}
	r.both = min(r.front, r.back, 2*(f.long-int64(gap)*f.w.CellToCell))
	return r
}

// length is that of the shortest tour through the cells of mask; no cells, no tour.
func (f *floor) length(mask []uint64) int64 {
	if f.router != nil {
		return f.router.LengthOf(mask)
	}
	lo, hi := f.w.Depot.Aisle, f.w.Depot.Aisle
	none := true
	for a := range f.w.Aisles {
		for _, m := range mask[a*f.words : (a+1)*f.words] {
			if m != 0 {
				lo, hi, none = min(lo, a), max(hi, a), false
				break
			}
		}
	}
	if none {
		return 0
	}
	// What has been walked so far touches the newest aisle at its front alone, at its
	// back alone, once at each (odd), or twice at each in one piece or in two. This is
	// the dynamic programme of Ratliff and Rosenthal.
	front, back, odd, one, two := int64(0), int64(0), inf, inf, inf
	l, d := f.long, 2*f.w.AisleToAisle
	for a := lo; ; a++ {
		r := f.reachOf(mask[a*f.words : (a+1)*f.words])
		nodd := min(odd+r.both, min(front, back, one, two)+l)
		none := min(one+r.both, odd+l, min(front, back, two)+2*l)
		ntwo := min(two, front, back) + r.both
		front, back, odd, one, two = front+r.front, back+r.back, nodd, none, ntwo
		if a == f.w.Depot.Aisle {
			if f.w.Depot.End == route.Front {
				back = inf
			} else {
				front = inf
			}
		}
		if a == hi {
			return min(front, back, one) + 2*f.w.Depot.Distance
		}
		front, back, odd, one, two = min(front, one)+d, min(back, one)+d, odd+d, one+2*d, two+2*d
	}
}
