package x12

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

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
		r.header(h, r.lo+start)
		return nil
	}
	if d, ok := bareHeader(rest[start:]); ok && !r.inJunk {
		r.bare(d, r.lo+start)
		return nil
	}
	n := nextHeader(rest, start+1, w.EOF)
	if r.win.Other != "" {
		if i := sniff.Next(rest[:cmp.Or(max(n, 0), len(rest))], start+1, sniff.EDIFACT, w.EOF); i >= 0 {
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

// nextHeader finds an ISA behind other text. It must look like one: the letters
// occur in prose.
func nextHeader(b []byte, from int, eof bool) int {
	for from < len(b) {
		i := bytes.Index(b[from:], []byte("ISA"))
		if i < 0 {
			return -1
		}
		from += i
		if len(b)-from < lookahead && !eof {
			return -1
		}
		if !isAlnum(b[from-1]) {
			if _, ok := readHeader(b[from:], false); ok {
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
	f := Finding{Code: CodeNotX12, Severity: Error, Layer: LayerSyntax, Offset: offset, Length: min(len(b), 80), Found: clip(b[:min(len(b), 40)]),
		Expected: "ISA", Message: "this is not an X12 interchange", Hint: "an interchange begins with ISA: check that the right file was sent"}
	switch {
	case sniff.Interactive(b):
		f.Code, f.Message, f.Hint = CodeInteractive, "this is an interactive EDIFACT interchange (UIB), which is not supported", "ask the partner for batch EDIFACT (UNB) or X12"
	case len(b) > 3 && (string(b[:3]) == "UNA" || string(b[:3]) == "UNB") && !isAlnum(b[3]):
		f.Code, f.Message, f.Hint = CodeEDIFACT, "this is an EDIFACT interchange", "give it to the EDIFACT reader; this one reads X12"
	case len(b) > 4 && string(b[:4]) == "STX=":
		f.Code, f.Message, f.Hint = CodeTRADACOMS, "this is a TRADACOMS transmission, which is not supported", "ask the partner for X12 or EDIFACT"
	case len(b) > 3 && string(b[:3]) == "ISA" && !isAlnum(b[3]):
		f.Code, f.Message, f.Hint = CodeISAMalformed, "the interchange header cannot be read", "an ISA has 16 elements, its own separator at byte 4 and a terminator at byte 106"
		f.Ack.TA1 = "022"
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}) || bytes.HasPrefix(b, []byte{0xFF, 0xFE}) || len(b) > 3 && b[1] == 0 && b[3] == 0:
		f.Message, f.Hint = "this is text in UTF-16, of two bytes a character", "send it in ASCII or UTF-8"
	case bytes.HasPrefix(b, []byte{0xC9, 0xE2, 0xC1}) || bytes.HasPrefix(b, []byte{0xE4, 0xD5, 0xC1}) || bytes.HasPrefix(b, []byte{0xE4, 0xD5, 0xC2}):
		f.Message, f.Hint = "this is an interchange in EBCDIC", "let the transfer convert it to ASCII"
	case bytes.HasPrefix(b, []byte{0x1F, 0x8B}) || bytes.HasPrefix(b, []byte("PK\x03\x04")):
		f.Message, f.Hint = "this is a compressed file", "unpack it"
	case headerFollows || r.any:
		f.Code, f.Severity, f.Message, f.Hint = CodeNoise, Warning, "text stands outside any interchange", "it is kept and skipped"
	}
	r.part.Add(f)
}

// bare opens an interchange for groups or sets that have none, the first at start.
func (r *Reader) bare(d Delimiters, start int) {
	w := &r.win
	w.use(d, start)
	r.isa = &ISA{Delimiters: d, Absent: true}
	r.part.ISA = r.isa
	r.any, r.groups = true, 0
	r.named.Forget()
	r.emit(InterchangeHeader, start, 0)
	what := "transaction sets"
	if w.Buf[start] == 'G' {
		what = "functional groups"
	}
	r.part.Add(Finding{Code: CodeNoEnvelope, Severity: Error, Layer: LayerEnvelope, Offset: w.Base + int64(start), Element: "ISA",
		Expected: "ISA before " + clip(w.Buf[start:start+2]), Message: what + " stand without an interchange around them",
		Hint: "they are read; put ISA and GS before them, GE and IEA behind, or nobody knows who sent them"})
}

// header opens the interchange whose ISA begins at start.
func (r *Reader) header(h header, start int) {
	w := &r.win
	end := start + h.end
	w.use(h.delims, end)
	w.Idx = w.Idx[:0]
	for i := start; i < end-1; i++ {
		if w.Buf[i] == h.delims.Element {
			w.Idx = append(w.Idx, uint32(i))
		}
	}
	terminated := end > start && end <= len(w.Buf) && w.Buf[end-1] == h.delims.Terminator
	if terminated {
		w.Idx = append(w.Idx, uint32(end-1))
	} else {
		w.Idx = append(w.Idx, uint32(end))
	}
	r.bounds = append(r.bounds, bound{Lead: uint32(r.lo), Start: uint32(start), End: uint32(end), Last: uint32(len(w.Idx) - 1)})
	e := func(i int) string { return string(trimISA(unwrap(h.element[i]))) }
	r.isa = &ISA{AuthQualifier: e(1), Auth: e(2), SecurityQualifier: e(3), Security: e(4),
		SenderQualifier: e(5), Sender: e(6), ReceiverQualifier: e(7), Receiver: e(8),
		Date: e(9), Time: e(10), Version: e(12), Control: e(13), AckRequested: e(14), Usage: e(15), Delimiters: h.delims}
	r.part.ISA = r.isa
	r.inJunk, r.any, r.groups = false, true, 0
	r.named.Forget()
	r.emit(InterchangeHeader, end, len(w.Idx))
	r.checkISA(h, terminated)
}

func (r *Reader) checkISA(h header, terminated bool) {
	p := &r.part
	s := p.Segments.At(0)
	add := func(n int, code string, sev Severity, ta1, message, expected, hint string) {
		f := p.At(s, n)
		f.Code, f.Severity, f.Message, f.Expected, f.Hint, f.Ack.TA1 = code, sev, message, expected, hint, ta1
		if n == 0 {
			f.Length = len(s.Body())
		}
		p.Add(f)
	}
	switch {
	case h.short:
		add(0, CodeISAMalformed, Error, "022", "the interchange header has fewer than 16 elements; its terminator is a guess", "16 elements", "send the header whole")
		return
	default:
		r.checkSizes(h, s)
	}
	if !terminated {
		add(0, CodeUnterminated, Warning, "023", "the interchange header has no terminator", "", "the file may be cut off here: ask for it again")
	}
	if h.noComp {
		add(16, CodeNoComponent, Warning, "027", "the component separator is missing", "one byte", "elements are taken to have no components")
	}
	if h.clash {
		add(16, CodeDelimiterClash, Error, "004", "the delimiters cannot be told apart", "four different bytes that occur in no data", "the terminator is a guess")
	}
	isa := r.isa
	if !isCode(isa.AuthQualifier) {
		add(1, CodeISAElement, Warning, "010", "the qualifier of the authorization information is none", "2 letters or digits", "00 says that there is none")
	}
	if !isCode(isa.SecurityQualifier) {
		add(3, CodeISAElement, Warning, "012", "the qualifier of the security information is none", "2 letters or digits", "00 says that there is none")
	}
	if !isCode(isa.SenderQualifier) {
		add(5, CodeISAElement, Warning, "005", "the qualifier of the sender is none", "2 letters or digits", "ZZ is what the parties agreed on")
	}
	if !isCode(isa.ReceiverQualifier) {
		add(7, CodeISAElement, Warning, "007", "the qualifier of the receiver is none", "2 letters or digits", "ZZ is what the parties agreed on")
	}
	if isa.Sender == "" {
		add(6, CodeISAElement, Warning, "006", "the sender is missing", "1 to 15 characters", "")
	}
	if isa.Receiver == "" {
		add(8, CodeISAElement, Warning, "008", "the receiver is missing", "1 to 15 characters", "")
	}
	if len(isa.Date) != 6 || !grammar.IsDate([]byte(isa.Date)) {
		add(9, CodeISAElement, Warning, "014", "the interchange date is not a date", "YYMMDD", "")
	}
	if len(isa.Time) != 4 || !grammar.IsTime([]byte(isa.Time)) {
		add(10, CodeISAElement, Warning, "015", "the interchange time is not a time", "HHMM", "")
	}
	if _, ok := number([]byte(isa.Version)); !ok || len(isa.Version) != 5 {
		add(12, CodeISAElement, Warning, "017", "the interchange version is not a version", "5 digits such as 00401", "")
	}
	switch n, ok := number([]byte(isa.Control)); {
	case !ok || len(isa.Control) > 9:
		add(13, CodeISAElement, Error, "018", "the interchange control number is not a number", "9 digits", "an acknowledgement could not name this interchange")
	case n == 0:
		add(13, CodeISAElement, Error, "018", "the interchange control number is 0", "9 digits, from 000000001 on", "number the interchanges one by one")
	case len(isa.Control) < 9:
		add(13, CodeISALength, Warning, "", fmt.Sprintf("ISA13 is %d bytes long instead of 9", len(isa.Control)), "9 digits", "fill it up with zeros from the left")
	}
	if a := isa.AckRequested; a != "0" && a != "1" {
		add(14, CodeISAElement, Warning, "019", "it is not said whether a TA1 is asked for", "0 or 1", "none is taken to be asked for")
	}
	if u := isa.Usage; u != "P" && u != "T" && u != "I" {
		add(15, CodeISAElement, Warning, "020", "the usage indicator is unknown", "P, T or I", "")
	}
}

// checkSizes reports the elements that are not as long as they should be, at the first.
func (r *Reader) checkSizes(h header, s Segment) {
	odd := h.oddSizes()
	if len(odd) == 0 {
		return
	}
	var all []string
	for _, i := range odd {
		all = append(all, fmt.Sprintf("ISA%02d is %d bytes long instead of %d", i, len(h.element[i]), isaSizes[i]))
	}
	f := r.part.At(s, odd[0])
	f.Code, f.Severity, f.Message = CodeISALength, Warning, strings.Join(all, ", ")
	f.Expected = fmt.Sprintf("%d bytes", isaSizes[odd[0]])
	f.Hint = fmt.Sprintf("pad the elements of ISA with blanks: up to its terminator it is %d bytes long", isaLength)
	r.part.Add(f)
}

// isCode holds for what a qualifier of two characters may be.
func isCode(s string) bool { return len(s) == 2 && isAlnum(s[0]) && isAlnum(s[1]) }
