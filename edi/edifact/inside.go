package edifact

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/paklog/hub/edi/finding"
)

// inside reads the next part of an open interchange.
func (r *Reader) inside() error {
	b, next, found, err := r.segment(r.lo, r.k, false)
	if err != nil {
		return err
	}
	id := ""
	if found == aSegment {
		id = string(r.tagOf(b))
	}
	if r.skips && found == aSegment && !endsMessage([]byte(id)) {
		r.skips = id != "UNT"
		r.part.Findings = nil
		r.bounds = append(r.bounds, b)
		r.emit(Stray, int(b.End), next)
		return nil
	}
	r.skips = false
	switch found {
	case nothing:
		r.dropSegment()
		r.closeMissing("the stream ends")
		return nil
	case aHeader:
		r.dropSegment()
		r.closeMissing("another interchange follows")
		return nil
	}
	r.measure(b)
	switch id {
	case "UNG":
		if r.ung != nil {
			r.dropSegment()
			r.closeMissing("another UNG follows")
			return nil
		}
		r.group(b, next)
	case "UNH":
		return r.message(b, next)
	case "UNO":
		return r.object(b, next)
	case "UNE":
		if r.ung == nil {
			r.stray(b, next)
			break
		}
		r.groupEnd(b, next)
	case "UNZ":
		if r.ung != nil {
			r.dropSegment()
			r.closeMissing("UNZ follows")
			return nil
		}
		r.interchangeEnd(b, next)
	default:
		if isSecurity(id) {
			r.bounds = append(r.bounds, b)
			r.emit(Security, int(b.End), next)
			r.noteBreaks()
			break
		}
		r.stray(b, next)
	}
	return nil
}

// isSecurity holds for the segments of ISO 9735 part 5 that stand between the
// envelope and its messages.
func isSecurity(id string) bool {
	switch id {
	case "USA", "USB", "USC", "USD", "USH", "USR", "UST", "USU":
		return true
	}
	return false
}

// dropSegment forgets the segment just read and its findings: it is read again
// for the part it belongs to.
func (r *Reader) dropSegment() {
	r.part.Findings = nil
	r.unread(r.lo, r.k)
}

// closeMissing stands in for the innermost trailer that the stream lacks.
func (r *Reader) closeMissing(why string) {
	p := &r.part
	f := Finding{Severity: Error, Layer: LayerEnvelope, Offset: p.Offset}
	if r.ung != nil {
		f.Code, f.Element, f.Expected = CodeMissingUNE, "UNE", fmt.Sprintf("UNE+%d+%s", r.inGroup, r.ung.Control)
		f.Message = "the functional group has no trailer: " + why
		f.Hint = "its messages are read; send UNE behind the last UNT"
		f.Ack = AckCodes{UCI: "13"}
		p.Messages = r.inGroup
		r.emit(GroupTrailer, r.lo, r.k)
		r.ung = nil
		p.Add(f)
		return
	}
	p.Messages, p.Groups = r.all, r.groups
	r.emit(InterchangeTrailer, r.lo, r.k)
	absent := r.unb.Absent
	if !absent {
		f.Code, f.Element, f.Expected = CodeMissingUNZ, "UNZ", fmt.Sprintf("UNZ+%d+%s", r.count(), r.unb.Control)
		f.Message = "the interchange has no trailer: " + why
		f.Hint = "its messages are read; send UNZ behind the last of them, and check that the file is whole"
		f.Ack = AckCodes{UCI: "13"}
		p.Add(f)
	}
	r.unb = nil
}

// count is what UNZ says: groups where there are any, else messages.
func (r *Reader) count() int {
	if r.groups > 0 {
		return r.groups
	}
	return r.loose
}

func (r *Reader) stray(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(Stray, int(b.End), next)
	s := r.part.Segments.At(0)
	f := r.part.At(s, 0)
	f.Code = CodeStray
	f.Length = len(s.Body())
	f.Element, f.Found = finding.Clip([]byte(f.Element)), finding.Clip(s.Body())
	f.Message = fmt.Sprintf("segment %s stands where none of its kind may", f.Element)
	f.Hint = "it is kept and belongs to no message"
	f.Expected = "UNH, UNG or UNZ"
	f.Ack.UCI = "33"
	if r.ung != nil {
		f.Expected = "UNH or UNE"
	}
	r.part.Add(f)
}

func (r *Reader) group(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(GroupHeader, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	r.ung = &UNG{Type: s.Value(1, 1), Sender: party(s, 2), Recipient: party(s, 3), Date: s.Value(4, 1), Time: s.Value(4, 2),
		Control: s.Value(5, 1), Agency: s.Value(6, 1), Version: s.Value(7, 1), Release: s.Value(7, 2), Association: s.Value(7, 3)}
	p.UNG, r.inGroup, r.kind = r.ung, 0, ""
	r.seen.Forget()
	r.groups++
	r.noteMixed(s)
	if r.ung.Control == "" {
		f := p.At(s, 5)
		f.Code, f.Message, f.Expected = CodeReferenceMissing, "the functional group has no reference", "1 to 14 characters"
		f.Hint, f.Ack = "an acknowledgement could not name this group", AckCodes{UCI: "13"}
		p.Add(f)
	}
}

// noteMixed reports, once, groups beside messages that stand outside any.
func (r *Reader) noteMixed(s Segment) {
	if r.mixed || r.groups == 0 || r.loose == 0 && r.ung != nil {
		return
	}
	r.mixed = true
	f := r.part.At(s, 0)
	f.Code, f.Severity = CodeMixed, Warning
	f.Message = "the interchange holds groups beside messages outside any group"
	f.Hint, f.Ack = "put all messages in groups, or none", AckCodes{UCI: "30"}
	r.part.Add(f)
}

func (r *Reader) groupEnd(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(GroupTrailer, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	p.Messages = r.inGroup
	r.compareCount(s, 1, r.inGroup, CodeMessageCount, "messages in the group", AckCodes{UCI: "29"})
	r.compareReference(s, 2, r.ung.Control, CodeGroupReference, "UNG", AckCodes{UCI: "28"})
	r.ung = nil
}

func (r *Reader) interchangeEnd(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(InterchangeTrailer, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	p.Messages, p.Groups = r.all, r.groups
	what := "messages in the interchange"
	if r.groups > 0 {
		what = "groups in the interchange"
	}
	r.compareCount(s, 1, r.count(), CodeInterchangeCount, what, AckCodes{UCI: "29"})
	if !r.unb.Absent {
		r.compareReference(s, 2, r.unb.Control, CodeInterchangeControl, "UNB", AckCodes{UCI: "28"})
	}
	if r.all == 0 && r.groups == 0 {
		f := p.At(s, 0)
		f.Code, f.Severity, f.Message, f.Ack = CodeEmptyInterchange, Warning, "the interchange holds no message", AckCodes{UCI: "32"}
		p.Add(f)
	}
	r.unb = nil
}

// message reads from UNH to its UNT, or to the segment that shows that UNT is
// missing.
func (r *Reader) message(b bound, next int) error {
	r.bounds = append(r.bounds, b)
	var whole bool
	r.badTag, r.nested = false, !isTag(r.rawTag(b))
	end, k := int(b.End), next
	for {
		end, k, whole = r.plain(end, k)
		if r.skips = !whole && end-r.lo > r.win.lim.MessageBytes; whole || r.skips {
			break
		}
		kept := len(r.part.Findings)
		b, next, found, err := r.segment(end, k, false)
		if err != nil {
			return err
		}
		if found != aSegment || endsMessage(r.tagOf(b)) {
			r.part.Findings = r.part.Findings[:kept]
			r.unread(end, k)
			break
		}
		id := r.tagOf(b)
		r.badTag = r.badTag || !isTag(id)
		r.measure(b)
		r.nested = r.nested || len(id) != len(r.rawTag(b))
		r.bounds = append(r.bounds, b)
		end, k = int(b.End), next
		whole = string(id) == "UNT"
		if r.skips = !whole && end-r.lo > r.win.lim.MessageBytes; whole || r.skips {
			break
		}
	}
	r.emit(Message, end, k)
	r.counted()
	r.checkMessage(whole)
	return nil
}

// tagOf is the tag of a segment that was found.
func (r *Reader) tagOf(b bound) []byte { return tag(r.rawTag(b), r.win.delims.Component) }

// rawTag is what stands where the tag does.
func (r *Reader) rawTag(b bound) []byte { return r.win.Buf[b.Start:r.win.Idx[b.First]] }

func (r *Reader) counted() {
	r.all++
	if r.ung == nil {
		r.loose++
	} else {
		r.inGroup++
	}
}

// plain is [Reader.segment] for what nearly all segments are, and for as many as
// follow each other: indexed already, with at most a line end before, and
// nothing that needs a closer look. It stops behind a UNT.
func (r *Reader) plain(lead, k int) (end, next int, whole bool) {
	w := &r.win
	buf, idx, t := w.Buf, w.Idx, w.delims.Terminator
	if w.Cut >= 0 {
		return lead, k, false
	}
	bounds := r.bounds
	most := r.lo + w.lim.MessageBytes
scan:
	for lead <= most && !whole {
		start := lead
		for start < len(buf) && (buf[start] == '\r' || buf[start] == '\n') && buf[start] != t {
			start++
		}
		last := k
		for last < len(idx) && buf[idx[last]] != t {
			last++
		}
		if last >= len(idx) {
			break scan
		}
		at := idx[last]
		if int(at) >= w.Scanned || int(at)-start >= w.lim.SegmentBytes || last-k > w.lim.Elements {
			break scan
		}
		id := buf[start:idx[k]]
		if !isTag(id) || id[0] == 'U' && endsMessage(id) {
			break scan
		}
		whole = id[0] == 'U' && string(id) == "UNT"
		bounds = append(bounds, bound{Lead: uint32(lead), Start: uint32(start), End: at + 1, First: uint32(k), Last: uint32(last)})
		lead, k = int(at)+1, last+1
	}
	r.bounds = bounds
	return lead, k, whole
}

func endsMessage(id []byte) bool {
	switch string(id) {
	case "UNH", "UNO", "UNE", "UNG", "UNZ", "UNB", "UNA":
		return true
	}
	return false
}

func (r *Reader) checkMessage(whole bool) {
	p := &r.part
	r.noteBreaks()
	s := p.Segments.At(0)
	if what, as := s.Element(2), p.Segments.charset; len(what) == 0 || as != r.lastAs || !bytes.Equal(what, r.lastWhat) {
		r.lastWhat, r.lastAs = append(r.lastWhat[:0], what...), as
		r.last = UNH{Type: s.Value(2, 1), Version: s.Value(2, 2), Release: s.Value(2, 3), Agency: s.Value(2, 4), Association: s.Value(2, 5)}
	}
	p.UNH = r.last
	p.UNH.Reference, p.UNH.Access = s.Value(1, 1), s.Value(3, 1)
	for i := range p.Findings { // met before the reference was known
		p.Findings[i].Set = p.UNH.Reference
	}
	add := func(n int, code string, sev Severity, message, expected, hint, ucm string) {
		f := p.AtComponent(s, n, 1, 1)
		f.Code, f.Severity, f.Message, f.Expected, f.Hint, f.Ack = code, sev, message, expected, hint, AckCodes{UCI: ucm}
		p.Add(f)
	}
	if p.UNH.Type == "" {
		add(2, CodeTypeMissing, Error, "the message has no type", "a type such as ORDERS", "", "13")
	}
	r.checkReference(s)
	if r.ung == nil {
		r.noteMixed(s)
	} else {
		switch {
		case r.kind == "":
			r.kind = p.UNH.Type
		case r.kind != p.UNH.Type:
			add(2, CodeGroupMixed, Warning, "the group holds messages of several types", r.kind, "send one group a type", "31")
		}
	}
	if r.badTag {
		r.checkTags()
	}
	last := p.Segments.At(p.Segments.Len() - 1)
	if r.skips {
		p.Add(r.tooLarge(last))
		return
	}
	if !whole {
		r.missingTrailer(last, "UNT", CodeMissingUNT, "the message has no trailer", "the message may be cut off: send it again with its UNT")
		return
	}
	r.compareCount(last, 1, p.Segments.Len(), CodeSegmentCount, "segments, UNH and UNT included", AckCodes{UCI: "29"})
	r.compareReference(last, 2, p.UNH.Reference, CodeMessageReference, "UNH", AckCodes{UCI: "28"})
}

// checkReference wants a reference that no other message of the group, or of an
// interchange without groups, has.
func (r *Reader) checkReference(s Segment) {
	p := &r.part
	ref := p.UNH.Reference
	if ref != "" && !r.seen.Again(ref) {
		return
	}
	f := p.At(s, 1)
	if ref == "" {
		f.Code, f.Message, f.Expected, f.Ack = CodeReferenceMissing, "the message has no reference", "1 to 14 characters", AckCodes{UCI: "13"}
	} else {
		f.Code, f.Message, f.Expected, f.Ack = CodeReferenceRepeated, "the reference was used before", "a reference of its own", AckCodes{UCI: "26"}
		f.Hint = "number the messages one by one"
	}
	p.Add(f)
}

func (r *Reader) missingTrailer(last Segment, trailer, code, message, hint string) {
	p := &r.part
	f := p.At(last, 0)
	f.Code, f.Element, f.Found = code, trailer, ""
	f.Offset, f.Length = p.Offset+int64(len(p.Raw)), 0
	f.Segment = last.Ordinal() + 1
	f.Expected = trailer + " after " + finding.Clip(last.Tag())
	f.Message, f.Hint = message, hint
	f.Ack = AckCodes{UCI: "13"}
	p.Add(f)
}

// checkTags reports the segments whose tag is none.
func (r *Reader) checkTags() {
	p := &r.part
	for _, s := range p.Segments.All() {
		if isTag(s.Tag()) {
			continue
		}
		f := p.At(s, 0)
		f.Code, f.Layer, f.Element = CodeBadTag, LayerSyntax, finding.Clip(s.Tag())
		f.Message, f.Expected = "the segment's tag is none", "three capitals or digits"
		f.Hint, f.Ack = "a terminator may stand in text without a release character before it", AckCodes{UCD: "12"}
		p.Add(f)
	}
}

func (r *Reader) compareCount(s Segment, n, counted int, code, what string, ack AckCodes) {
	raw, _ := s.Component(n, 1, 1)
	if s.of.broken {
		raw = unwrap(raw)
	}
	if declared, ok := number(raw); ok && declared == int64(counted) {
		return
	}
	f := r.part.At(s, n)
	f.Code, f.Ack = code, ack
	f.Expected = strconv.Itoa(counted)
	f.Message = fmt.Sprintf("%s says %q where there are %d %s", f.Element, f.Found, counted, what)
	f.Hint = "something was lost or added on the way: ask for it again"
	r.part.Add(f)
}

func (r *Reader) compareReference(s Segment, n int, header, code, where string, ack AckCodes) {
	if raw, _ := s.Component(n, 1, 1); string(raw) == header {
		return
	}
	v := s.Value(n, 1)
	if v == header {
		return
	}
	f := r.part.At(s, n)
	f.Code, f.Ack, f.Expected = code, ack, finding.Clip([]byte(header))
	f.Message = fmt.Sprintf("%s says %q where %s says %q", f.Element, f.Found, where, f.Expected)
	f.Hint = "header and trailer must carry the same reference"
	a, okA := number([]byte(v))
	if b, okB := number([]byte(header)); okA && okB && a == b {
		f.Severity, f.Hint = Warning, "leading zeros are part of a reference; they are overlooked"
	}
	r.part.Add(f)
}

// noteBreaks reports line breaks inside data, at the first of them.
func (r *Reader) noteBreaks() {
	p := &r.part
	if !p.Segments.broken {
		return
	}
	for _, s := range p.Segments.All() {
		for n := range s.Len() + 1 {
			for i, c := range s.Element(n) {
				if c != '\n' && c != '\r' {
					continue
				}
				f := p.At(s, n)
				f.Code, f.Severity, f.Layer = CodeInnerBreak, Warning, LayerSyntax
				f.Offset, f.Length = f.Offset+int64(i), 1
				f.Message = "a line break stands inside data"
				f.Hint = "line breaks are skipped in values and kept in the bytes; do not wrap the file"
				p.Add(f)
				return
			}
		}
	}
}
