package ship

// Left is what of each order line had left with a confirmation and those before it, in smallest units:
// the same whenever it is asked.
func (s Shipment) Left(c Confirmed) map[int]int64 {
	last := map[string]bool{}
	for _, m := range c.Cartons {
		last[m.Carton] = true
	}
	out, found := map[int]int64{}, 0
	for _, m := range s.Gone {
		if found == len(last) {
			break // of a later confirmation
		}
		if last[m.Carton] {
			found++
		}
		for _, x := range m.Contents {
			out[x.Line] += x.Qty
		}
	}
	return out
}
