package x12

// Index writes to dst the position, plus base, of every element separator and
// segment terminator in data and returns how many there are. dst must be at
// least as long as data. It allocates nothing.
//
// The loop stores always and advances by the table's 0 or 1, so it has no
// branch that depends on the data: on real, varied documents a branching loop
// runs slower because the predictor cannot learn them.
func (d Delimiters) Index(dst []uint32, data []byte, base uint32) int {
	t := d.table()
	return index(dst, data, base, &t)
}

func index(dst []uint32, data []byte, base uint32, t *[256]uint8) int {
	dst = dst[:len(data)]
	n := 0
	for len(data) >= 8 {
		c := data[:8:8]
		o := dst[n:]
		o = o[:8:8]
		k := 0
		o[0] = base
		k += int(t[c[0]])
		o[k&7] = base + 1
		k += int(t[c[1]])
		o[k&7] = base + 2
		k += int(t[c[2]])
		o[k&7] = base + 3
		k += int(t[c[3]])
		o[k&7] = base + 4
		k += int(t[c[4]])
		o[k&7] = base + 5
		k += int(t[c[5]])
		o[k&7] = base + 6
		k += int(t[c[6]])
		o[k&7] = base + 7
		k += int(t[c[7]])
		n += k
		base += 8
		data = data[8:]
	}
	for _, c := range data {
		dst[n] = base
		n += int(t[c])
		base++
	}
	return n
}
