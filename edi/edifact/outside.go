package edifact

import (
	"bytes"
	"cmp"
	"io"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/sniff"
)

const noiseWindow = 64 << 10

var bom = []byte{0xEF, 0xBB, 0xBF}

// outside reads what stands before, between and behind interchanges: a header,
// or noise up to the next one. Noise comes in bounded pieces.
func (r *Reader) outside() error {
	w := &r.win
	w.Idx, r.k = w.Idx[:0], 0
	if err := w.Want(r.lo, noiseWindow); err != nil {
		return err
	}
	rest := w.Buf[r.lo:]
	if len(rest) == 0 {
		return io.EOF
	}
	start, marked := skipBlanks(rest)
	if other, err := r.win.OtherBegins(r.lo + start); err != nil || other && start == 0 {
		return cmp.Or(err, io.EOF)
	} else if other {
		r.emit(Noise, r.lo+start, 0)
		return nil
	}
	if start == len(rest) {
		r.emit(Noise, len(w.Buf), 0)
		return nil
	}
	if err := w.Want(r.lo+start, lookahead); err != nil {
		return err
	}
	rest = w.Buf[r.lo:]
	if h, ok := readHeader(rest[start:], !r.inJunk); ok {
		if marked {
			r.part.Add(Finding{Code: CodeBOM, Severity: Note, Layer: LayerSyntax, Offset: r.part.Offset, Length: len(bom),
				Message: "a byte order mark stands before the interchange", Hint: "it is kept and has no meaning"})
		}
		return r.header(h, r.lo+start)
	}
	n := nextHeader(rest, start+1, w.EOF)
	if r.win.Other != "" {
		if i := sniff.Next(rest[:cmp.Or(max(n, 0), len(rest))], start+1, sniff.X12, w.EOF); i >= 0 {
			n = i
		}
	}
	noise := rest[start:]
	if n >= 0 {
		noise = rest[start:n]
	}
	r.junk(noise, r.part.Offset+int64(start), n >= 0)
	r.inJunk = n < 0
	switch {
	case n >= 0:
	case w.EOF && len(rest) <= noiseWindow+lookahead:
		n = len(rest)
	default: // keep what a header could begin in
		n = len(rest) - lookahead
	}
	r.emit(Noise, r.lo+n, 0)
	return nil
}

func skipBlanks(b []byte) (n int, marked bool) {
	for n < len(b) {
		switch {
		case isBlank(b[n]):
			n++
		case bytes.HasPrefix(b[n:], bom):
			n += len(bom)
			marked = true
		default:
			return n, marked
		}
	}
	return n, marked
}

// mostTries bounds the headers that are looked for in one window of noise: who
// sends more that are none means to keep the reader busy.
const mostTries = 256

// nextHeader finds a UNA or UNB behind other text. It must look like one: the
// letters occur in prose.
func nextHeader(b []byte, from int, eof bool) int {
	for tries := 0; from < len(b) && tries < mostTries; {
		i := bytes.Index(b[from:], []byte("UN"))
		if i < 0 {
			return -1
		}
		from += i
		if len(b)-from < lookahead && !eof {
			return -1
		}
		if rest := b[from:]; !isAlnum(b[from-1]) && len(rest) > 3 && (rest[2] == 'A' || rest[2] == 'B') {
			tries++
			if _, ok := readHeader(rest, false); ok {
				return from
			}
		}
		from++
	}
	return -1
}

// junk says what the noise is, once for a run of it.
func (r *Reader) junk(b []byte, offset int64, headerFollows bool) {
	if r.inJunk {
		return
	}
	f := Finding{Code: CodeNotEDIFACT, Severity: Error, Layer: LayerSyntax, Offset: offset, Length: min(len(b), 80), Found: finding.Clip(b[:min(len(b), 40)]),
		Expected: "UNA or UNB", Message: "this is not an EDIFACT interchange", Hint: "an interchange begins with UNA or UNB: check that the right file was sent"}
	switch {
	case len(b) > 3 && string(b[:3]) == "ISA" && !isAlnum(b[3]):
		f.Code, f.Message, f.Hint = CodeX12, "this is an X12 interchange", "give it to the X12 reader; this one reads EDIFACT"
	case sniff.Interactive(b):
		f.Code, f.Message, f.Hint = CodeInteractive, "this is an interactive EDIFACT interchange (UIB), which is not supported", "ask the partner for batch EDIFACT (UNB) or X12"
	case len(b) > 4 && string(b[:4]) == "STX=":
		f.Code, f.Message, f.Hint = CodeTRADACOMS, "this is a TRADACOMS transmission, which is not supported", "ask the partner for EDIFACT or X12"
	case len(b) > 3 && (string(b[:3]) == "UNB" || string(b[:3]) == "UNA") && !isAlnum(b[3]):
		f.Code, f.Message, f.Hint = CodeUNBMalformed, "the interchange header cannot be read", "UNB is followed by a separator and a syntax identifier such as UNOC:3"
		f.Ack.UCI = "22"
	case headerFollows || r.any:
		f.Code, f.Severity, f.Message, f.Hint = CodeNoise, Warning, "text stands outside any interchange", "it is kept and skipped"
	}
	r.part.Add(f)
}

// header opens the interchange that begins at start.
func (r *Reader) header(h header, start int) error {
	w := &r.win
	at := start + h.at
	r.inJunk, r.any, r.mixed = false, true, false
	r.groups, r.loose, r.all, r.kind = 0, 0, 0, ""
	r.lastWhat = nil
	r.seen.Forget()
	w.use(h.delims, at)
	p := &r.part
	if h.bare {
		r.unb = &UNB{Delimiters: h.delims, UNA: h.una > 0, Absent: true}
		p.UNB = r.unb
		r.marks = r.unb.marks()
		r.emit(InterchangeHeader, at, 0) // what stands before the first message, a UNA above all
		p.Add(Finding{Code: CodeNoEnvelope, Severity: Warning, Layer: LayerEnvelope, Offset: w.Base + int64(at), Element: "UNB",
			Expected: "UNB before " + finding.Clip(w.Buf[at:at+3]), Message: "messages stand without an interchange around them",
			Hint: "they are read; put UNB before them and UNZ behind, or nobody knows who sent them"})
		return nil
	}
	b, next, _, err := r.segment(at, 0, true)
	if err != nil {
		return err
	}
	b.Lead = uint32(r.lo)
	r.bounds = append(r.bounds, b)
	s := w.segments(r.bounds)
	r.unb = readUNBValues(s.At(0))
	r.unb.Delimiters, r.unb.UNA = h.delims, h.una > 0
	r.marks = r.unb.marks()
	p.UNB = r.unb
	for i := range p.Findings {
		p.Findings[i].Interchange = r.unb.Control
	}
	r.emit(InterchangeHeader, int(b.End), next)
	r.checkUNB(h, start)
	r.noteBreaks()
	return nil
}

// marks are what the interchange makes of bytes.
func (h *UNB) marks() *[256]uint8 {
	if h.Absent {
		return UTF8.marks(h.Delimiters)
	}
	return h.Syntax.marks(h.Delimiters)
}

func party(s Segment, n int) Party {
	return Party{ID: s.Value(n, 1), Qualifier: s.Value(n, 2), Internal: s.Value(n, 3), Sub: s.Value(n, 4)}
}

func readUNBValues(s Segment) *UNB {
	return &UNB{Syntax: Charset(s.Value(1, 1)), Version: s.Value(1, 2), Sender: party(s, 2), Recipient: party(s, 3),
		Date: s.Value(4, 1), Time: s.Value(4, 2), Control: s.Value(5, 1), Password: s.Value(6, 1), Application: s.Value(7, 1),
		Priority: s.Value(8, 1), AckRequested: s.Value(9, 1), Agreement: s.Value(10, 1), Test: s.Value(11, 1)}
}

func (r *Reader) checkUNB(h header, start int) {
	p := &r.part
	s := p.Segments.At(0)
	add := func(n, c int, code string, sev Severity, uci, message, expected, hint string) {
		f := p.AtComponent(s, n, 1, max(c, 1))
		if c == 0 {
			f = p.At(s, n)
		}
		f.Code, f.Severity, f.Message, f.Expected, f.Hint, f.Ack.UCI = code, sev, message, expected, hint, uci
		p.Add(f)
	}
	if h.badUNA {
		f := p.At(s, 0)
		f.Code, f.Severity, f.Layer, f.Element = CodeUNAMalformed, Warning, LayerSyntax, "UNA"
		f.Offset, f.Length, f.Found = r.win.Base+int64(start), min(h.at, unaLength), finding.Clip(r.win.Buf[start:start+min(h.at, unaLength)])
		f.Message, f.Hint, f.Ack.UCI = "the service string advice does not fit the interchange behind it", "it is not followed: the separators are taken from UNB", "22"
		p.Add(f)
	}
	if h.guessed {
		add(0, 0, CodeTerminatorGuessed, Warning, "20", "the segment terminator is a guess", "'", "send UNA, or end segments with '")
	}
	u := r.unb
	if !u.Syntax.Known() {
		sev := Note // IATA and other communities name their own
		if u.Syntax == "" {
			sev = Error
		}
		add(1, 1, CodeUNBElement, sev, "46", "the syntax identifier is not one of ISO 9735", "UNOA to UNOL, UNOW, UNOX, UNOY", "")
	}
	if v := u.Version; len(v) != 1 || v < "1" || v > "4" {
		add(1, 2, CodeUNBElement, Warning, "2", "the syntax version is not known", "1 to 4", "it is read as version 3")
	}
	if u.Sender.ID == "" {
		add(2, 1, CodeUNBElement, Error, "13", "the interchange has no sender", "an identification", "an acknowledgement could not be addressed")
	}
	if u.Recipient.ID == "" {
		add(3, 1, CodeUNBElement, Error, "13", "the interchange has no recipient", "an identification", "")
	}
	if !grammar.IsDate([]byte(u.Date)) {
		add(4, 1, CodeUNBElement, Warning, "12", "the interchange date is not a date", "YYMMDD, from version 4 on CCYYMMDD", "")
	}
	if !grammar.IsTime([]byte(u.Time)) {
		add(4, 2, CodeUNBElement, Warning, "12", "the interchange time is not a time", "HHMM", "")
	}
	switch n := len(u.Control); {
	case n == 0:
		add(5, 0, CodeUNBElement, Error, "13", "the interchange has no control reference", "1 to 14 characters", "an acknowledgement could not name this interchange")
	case n > 14:
		add(5, 0, CodeUNBElement, Warning, "39", "the interchange control reference is too long", "1 to 14 characters", "")
	}
}
