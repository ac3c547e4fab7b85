package edifact

import (
	"bytes"
	"fmt"
	"math"

	"github.com/paklog/hub/edi/finding"
)

// object reads a package: UNO, as many bytes of any kind as UNO says, and UNP
// (ISO 9735-8). Where no UNP stands there, the object ends at the next thing
// that looks like one.
func (r *Reader) object(b bound, next int) error {
	w := &r.win
	r.bounds = append(r.bounds, b)
	view := w.segments(r.bounds)
	uno := view.At(0)
	length, _ := uno.Component(4, 1, 1)
	digits := string(length)
	reference := uno.Value(1, 1)
	n, ok := number(length)
	if !ok || n > math.MaxInt32 {
		n, ok = 0, false
	}
	if n > int64(w.lim.MessageBytes) {
		return r.tooLong()
	}
	from := int(b.End)
	to := from + int(n)
	if err := w.Want(from, int(n)+headReach); err != nil {
		return err
	}
	if ok = ok && r.trailerAt(to); !ok {
		var err error
		if to, err = r.findTrailer(from); err != nil {
			return err
		}
	}
	whole := to < len(w.Buf)
	end, k := to, 0
	w.Idx = w.Idx[:next]
	w.Indexed = to
	if whole {
		w.Begin(to)
		w.Scanned, w.Cut = max(w.Scanned, to), -1
		unp, after, found, err := r.segment(to, next, true)
		if err != nil {
			return err
		}
		if whole = found == aSegment; whole {
			unp.Lead = uint32(from)
			r.bounds = append(r.bounds, unp)
			end, k = int(unp.End), after
		}
	}
	if !whole {
		r.bounds[0].End = uint32(end)
		k = len(w.Idx)
	}
	start := r.lo
	r.emit(Package, end, k)
	r.counted()
	p := &r.part
	p.Object, p.objectAt = w.Buf[from:to:to], from-start
	p.UNH = UNH{Reference: reference}
	r.checkObject(digits, ok, whole)
	return nil
}

// trailerAt reports whether UNP stands at position at.
func (r *Reader) trailerAt(at int) bool {
	return at+4 <= len(r.win.Buf) && string(r.win.Buf[at:at+3]) == "UNP" && r.win.Buf[at+3] == r.win.delims.Element
}

// findTrailer is where the next UNP with a length and a reference stands, or
// the end of the stream.
func (r *Reader) findTrailer(from int) (int, error) {
	const reach = 64
	w := &r.win
	for at := from; ; {
		i := bytes.Index(w.Buf[at:], []byte("UNP"))
		switch {
		case i >= 0 && (len(w.Buf)-at-i >= reach || w.EOF):
			at += i
			if w.isTrailer(w.Buf[at:min(len(w.Buf), at+reach)]) {
				return at, nil
			}
			at++
			continue
		case i >= 0:
			at += i
		default:
			at = max(at, len(w.Buf)-2)
		}
		if len(w.Buf)-from > w.lim.MessageBytes {
			return 0, r.tooLong()
		}
		more, err := w.Fill()
		if err != nil {
			return 0, err
		}
		if !more && i < 0 {
			return len(w.Buf), nil
		}
	}
}

// isTrailer holds for UNP, a number, a reference, and a terminator.
func (w *window) isTrailer(b []byte) bool {
	d := w.delims
	if len(b) < 4 || b[3] != d.Element {
		return false
	}
	length, rest, ok := bytes.Cut(b[4:], []byte{d.Element})
	_, isNumber := number(length)
	end := bytes.IndexByte(rest, d.Terminator)
	return ok && isNumber && end > 0
}

func (r *Reader) checkObject(digits string, ok, whole bool) {
	p := &r.part
	uno := p.Segments.At(0)
	for i := range p.Findings {
		p.Findings[i].Set = p.UNH.Reference
	}
	r.checkReference(uno)
	if !ok {
		f := p.At(uno, 4)
		f.Code, f.Layer, f.Found = CodeObject, LayerSyntax, finding.Clip([]byte(digits))
		f.Expected = fmt.Sprint(len(p.Object))
		f.Message, f.Hint = "no UNP stands where the object should end", "the object is read up to the next UNP instead"
		f.Ack = AckCodes{UCI: "29"}
		p.Add(f)
	}
	last := p.Segments.At(p.Segments.Len() - 1)
	if !whole {
		r.missingTrailer(last, "UNP", CodeMissingUNP, "the package has no trailer", "the object may be cut off: send it again")
		return
	}
	r.compareCount(last, 1, len(p.Object), CodeObject, "bytes in the object", AckCodes{UCI: "29"})
	r.compareReference(last, 2, p.UNH.Reference, CodePackageReference, "UNO", AckCodes{UCI: "28"})
}
