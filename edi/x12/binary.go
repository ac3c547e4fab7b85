package x12

import "bytes"

func isBinary(id []byte) bool { return string(id) == "BIN" || string(id) == "BDS" }

// binary ends a BIN or BDS segment where its length element says, whatever
// bytes lie in between, provided a terminator stands there. Where none does and what
// follows would tear the set apart, the data ends before the set's own SE.
func (r *Reader) binary(b *bound, k int) (bool, error) {
	w := &r.win
	first := int(b.First)
	id := w.Buf[b.Start:w.Idx[first]]
	if !isBinary(id) {
		return false, nil
	}
	lengthAt := first // BIN01
	if id[1] == 'D' {
		lengthAt++ // BDS02
	}
	if k < lengthAt+1 {
		return false, nil // too short to have a length and data
	}
	data := int(w.Idx[lengthAt+1]) + 1
	digits := w.Buf[w.Idx[lengthAt]+1 : data-1]
	n, ok := number(digits)
	message := "the length of the binary data is not a number"
	if ok {
		message = "no segment terminator stands where the binary data should end"
		if ok = n <= int64(w.lim.SetBytes); ok {
			if err := w.Want(data, int(n)+1); err != nil {
				return false, err
			}
			ok = data+int(n) < len(w.Buf) && w.Buf[data+int(n)] == w.delims.Terminator
		}
	}
	end := data + int(n)
	if !ok {
		hint := "the segment is read up to the next terminator instead"
		torn, err := r.torn(data)
		if err != nil {
			return false, err
		}
		if torn {
			end, hint = r.rest.se, "the data is taken to end before the set's own SE"
		}
		r.binaryFinding(b, lengthAt-first+1, digits, message, hint)
		if !torn {
			return false, nil
		}
	}
	w.Idx = append(w.Idx[:lengthAt+2], uint32(end))
	w.Indexed = end + 1
	b.Last, b.End = uint32(lengthAt+2), uint32(end)+1
	return true, nil
}

func (r *Reader) binaryFinding(b *bound, n int, found []byte, message, hint string) {
	id := string(r.win.Buf[b.Start:r.win.Idx[b.First]])
	f := Finding{Code: CodeBinary, Severity: Error, Layer: LayerSyntax, Length: len(found), Element: ref(id, n), Found: clip(found),
		Message: message, Hint: hint, Ack: AckCodes{AK3: "8", AK4: "7", AK5: "5", Ref: "784"}}
	f.Offset = r.win.Base + int64(r.win.Idx[int(b.First)+n-1]) + 1
	if len(r.bounds) > 0 {
		f.Segment = len(r.bounds) + 1
	}
	r.part.Add(f)
}

// rest is what was found behind binary data of an unknown end: looked for once a set.
type rest struct {
	known bool
	se    int // the terminator before the set's own SE, 0 where that is not found
	last  int // before it, the last that something else stands behind which ends sets
}

// torn reports whether segments behind position at would end the set, or its group,
// before the set's own SE does.
func (r *Reader) torn(at int) (bool, error) {
	if len(r.bounds) == 0 {
		return false, nil
	}
	if !r.rest.known {
		r.rest.known = true
		if err := r.lookForSE(at); err != nil {
			return false, err
		}
	}
	return r.rest.last >= at, nil
}

// lookForSE goes through what could be segments from position at on. It stops at an ISA, and
// behind a set that is whole: that is a neighbour and no data.
func (r *Reader) lookForSE(at int) error {
	w := &r.win
	const reach = 64 // holds the tags and control numbers that are looked at
	st := r.bounds[0]
	own := w.element(w.Buf[st.Start:st.End], 2)
	var other []byte
	last := 0
	for ; ; at++ {
		i := bytes.IndexByte(w.Buf[at:], w.delims.Terminator)
		if i < 0 {
			at = len(w.Buf)
		} else {
			at += i
		}
		if at-r.lo > w.lim.SetBytes {
			return nil
		}
		if err := w.Want(at, reach); err != nil || at >= len(w.Buf) {
			return err
		}
		if w.Buf[at] != w.delims.Terminator {
			at-- // there is more now
			continue
		}
		next := bytes.TrimLeft(w.Buf[at+1:min(len(w.Buf), at+reach)], "\r\n")
		if i := bytes.IndexByte(next, w.delims.Terminator); i >= 0 {
			next = next[:i]
		}
		switch id, _, _ := bytes.Cut(next, []byte{w.delims.Element}); string(id) {
		case "SE":
			c := w.element(next, 2)
			switch _, count := number(w.element(next, 1)); {
			case count && len(own) > 0 && bytes.Equal(c, own):
				r.rest.se, r.rest.last = at, last
				return nil
			case len(other) > 0 && bytes.Equal(c, other):
				return nil
			}
			last = at
		case "ISA":
			return nil
		case "ST":
			other, last = w.element(next, 2), at
		case "GE", "GS", "IEA":
			last = at
		}
	}
}

// element is the n-th element of a segment that is not indexed.
func (w *window) element(segment []byte, n int) []byte {
	for ; n > 0; n-- {
		i := bytes.IndexByte(segment, w.delims.Element)
		if i < 0 {
			return nil
		}
		segment = segment[i+1:]
	}
	for i, c := range segment {
		if c == w.delims.Element || c == w.delims.Terminator {
			segment = segment[:i]
			break
		}
	}
	return trimISA(segment)
}
