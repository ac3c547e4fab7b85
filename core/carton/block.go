package carton

// A block is boxes of one type and orientation that are placed as one cuboid; they
// support each other fully. This is what choosing among many looks at.
type block struct {
	l, w, h    int32
	static     int32 // the part of its score that no place changes
	lgSurface  int32
	typ, count int32
}

// content is the rest about a block.
type content struct {
	size         Size // of one box, as it lies
	n            Size // boxes along each axis
	value        int64
	room, weight int64 // of its boxes
	bears        int64 // the weight that its top may carry; noLimit, or nothing
}

// What carries noLimit or nothing does so whatever stands on it weighs.
const (
	noLimit = -1
	nothing = -2
)

// blocks are the building material of a problem.
type blocks struct {
	shapes   []block
	contents []content
}

// A pile is all blocks of one type and orientation: xs[i] by ys[j] by zs[k] boxes,
// numbers that rise, are block ids[(i*len(ys)+j)*len(zs)+k], or -1 where that is
// more boxes than there are.
type pile struct {
	l, w, h    int32 // of one box
	typ        int32
	xs, ys, zs []int32
	ids        []int32
	static     []int32 // by number of boxes: the static score of a block of so many
	whim       int32   // what the seed takes off each score
}

// stock is what a search builds with: a type's boxes, what each is worth, weighs
// and may carry.
type stock struct {
	Type
	value, weight, bears int64
}

// carries is what the top of n boxes on each other may still carry, and whether
// they may stand so.
func (k stock) carries(n int) (int64, bool) {
	if k.bears < 0 {
		return k.bears, k.bears == noLimit || n == 1
	}
	rest := k.bears - int64(n-1)*k.weight
	return rest, rest >= 0
}

// maxBlocks is about how many blocks a problem has at most; where all would be more,
// blocks of some numbers of boxes are left out.
const maxBlocks = 50_000

func staticScore(value, boxes int64) int32 { return lg(value) - lg(boxes)/fewBoxes }

func (b *blocks) add(typ int, size, n Size, k stock, bears int64) {
	l, w, h, count := n[0]*size[0], n[1]*size[1], n[2]*size[2], int64(n[0]*n[1]*n[2])
	c := content{size, n, count * k.value, count * size.Volume(), count * k.weight, bears}
	b.contents = append(b.contents, c)
	b.shapes = append(b.shapes, block{
		int32(l), int32(w), int32(h), staticScore(c.value, count),
		lg(2 * (int64(l)*int64(w) + int64(l)*int64(h) + int64(w)*int64(h))), int32(typ), int32(count),
	})
}

// pile adds the blocks of one orientation of a type, of at most steps numbers of
// boxes along each axis.
func (b *blocks) pile(t int, k stock, s, box Size, steps int) pile {
	p := pile{
		l: int32(s[0]), w: int32(s[1]), h: int32(s[2]), typ: int32(t),
		xs: counts(box[0]/s[0], k.Qty, steps), ys: counts(box[1]/s[1], k.Qty, steps), zs: counts(box[2]/s[2], k.Qty, steps),
	}
	for len(p.zs) > 0 {
		if _, ok := k.carries(int(p.zs[len(p.zs)-1])); ok {
			break
		}
		p.zs = p.zs[:len(p.zs)-1]
	}
	for _, x := range p.xs {
		for _, y := range p.ys {
			for _, z := range p.zs {
				id := int32(-1)
				if int64(x)*int64(y)*int64(z) <= int64(k.Qty) {
					bears, _ := k.carries(int(z))
					id = int32(len(b.shapes))
					b.add(t, s, Size{int(x), int(y), int(z)}, k, bears)
				}
				p.ids = append(p.ids, id)
			}
		}
	}
	return p
}

// counts are numbers of boxes from 1 to the most along an axis: all, or where they
// are more than steps the small ones, the most and some between.
func counts(most, qty, steps int) []int32 {
	most = min(most, qty)
	var out []int32
	for n := 1; n <= most && (most <= steps || n <= steps/2); n++ {
		out = append(out, int32(n))
	}
	for i := len(out); i < min(most, steps); i++ {
		last := 0
		if i > 0 {
			last = int(out[i-1])
		}
		out = append(out, int32(last+max(1, (most-last)/(steps-i))))
	}
	return out
}

// makeBlocks builds the blocks of every orientation. A seed that is not 0 makes
// some a few per cent less wanted than others.
func makeBlocks(box Size, have []stock, seed uint64) (b blocks, piles []pile) {
	var kinds int
	for _, k := range have {
		if k.Qty > 0 {
			kinds += len(k.orientations())
		}
	}
	steps := 1
	for (steps+1)*(steps+1)*(steps+1)*max(1, kinds) <= maxBlocks {
		steps++
	}
	for t, k := range have {
		if k.Qty == 0 {
			continue
		}
		most := min(int64(k.Qty), box.Volume()/k.Size.Volume())
		static := make([]int32, most+1)
		for n := range static[1:] {
			static[n+1] = staticScore(int64(n+1)*k.value, int64(n+1))
		}
		for _, s := range k.orientations() {
			if s.within(box) {
				p := b.pile(t, k, s, box, steps)
				p.static = static
				piles = append(piles, p)
			}
		}
	}
	for i := range piles {
		if seed != 0 {
			piles[i].whim = int32(mix(seed, uint64(i)) % (octave / 16))
		}
	}
	return b, piles
}
