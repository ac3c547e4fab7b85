package x12

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var (
	someISA = ISA{SenderQualifier: "ZZ", Sender: "PAKLOG", ReceiverQualifier: "ZZ", Receiver: "ACME", Date: "261123", Time: "0915", Version: "00401", Control: "42", Usage: "P"}
	someGS  = GS{FunctionalID: "SW", Sender: "PAKLOG", Receiver: "ACME", Date: "20261123", Time: "0915", Control: "42", Agency: "X", Version: "004010"}
)

func TestWriterCountsAndPads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		opts WriterOptions
		want string
	}{
		{"usual", WriterOptions{}, "ISA*00*          *00*          *ZZ*PAKLOG         *ZZ*ACME           *261123*0915*U*00401*000000042*0*P*>~GS*SW*PAKLOG*ACME*20261123*0915*42*X*004010~ST*945*0001~W06*F*ORD>1~SE*3*0001~ST*945*0002~SE*2*0002~GE*2*42~IEA*1*000000042~"},
		{"other delimiters and line ends", WriterOptions{Delimiters: Delimiters{Element: '|', Component: ':', Terminator: '\''}, LineEnd: "\r\n"},
			"ISA|00|          |00|          |ZZ|PAKLOG         |ZZ|ACME           |261123|0915|U|00401|000000042|0|P|:'\r\nGS|SW|PAKLOG|ACME|20261123|0915|42|X|004010'\r\nST|945|0001'\r\nW06|F|ORD:1'\r\nSE|3|0001'\r\nST|945|0002'\r\nSE|2|0002'\r\nGE|2|42'\r\nIEA|1|000000042'\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, c.opts)
			w.BeginInterchange(someISA)
			w.BeginGroup(someGS)
			w.WriteSet(ST{ID: "945", Control: "0001"}, []Out{Seg("W06", "F", "ORD"+ComponentMark+"1", "", "")})
			w.WriteSet(ST{ID: "945", Control: "0002"}, nil)
			w.EndGroup()
			w.EndInterchange()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("wrote\n%s\nwant\n%s", b.String(), c.want)
			}
			d, err := Parse(b.Bytes(), Limits{})
			if err != nil || len(d.Findings()) > 0 {
				t.Errorf("what was written reads with %v %v", err, d.Findings())
			}
		})
	}
}

func TestWriterRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	segment := func(s Out) func(*Writer) {
		return func(w *Writer) {
			w.BeginInterchange(someISA)
			w.BeginGroup(someGS)
			w.BeginSet(ST{ID: "945", Control: "0001"})
			w.Segment(s)
		}
	}
	header := func(change func(*ISA)) func(*Writer) {
		return func(w *Writer) {
			h := someISA
			change(&h)
			w.BeginInterchange(h)
		}
	}
	for _, c := range []struct {
		name    string
		write   func(*Writer)
		element string
	}{
		{"element separator in data", segment(Seg("N1", "ST", "A*B")), "N1-02"},
		{"terminator in data", segment(Seg("N1", "ST", "A~B")), "N1-02"},
		{"component separator in data", segment(Seg("N1", "ST", "A>B")), "N1-02"},
		{"line break in data", segment(Seg("N1", "ST", "A\nB")), "N1-02"},
		{"sender too long", header(func(h *ISA) { h.Sender = "SIXTEEN-LETTERS-" }), "ISA-06"},
		{"separator in the sender", header(func(h *ISA) { h.Sender = "A*B" }), "ISA-06"},
		{"no date", header(func(h *ISA) { h.Date = "" }), "ISA-09"},
		{"control number that is none", header(func(h *ISA) { h.Control = "A1" }), "ISA-13"},
		{"control number of ten digits", header(func(h *ISA) { h.Control = "1234567890" }), "ISA-13"},
		{"control number zero", header(func(h *ISA) { h.Control = "0" }), "ISA-13"},
		{"group control number", func(w *Writer) {
			w.BeginInterchange(someISA)
			g := someGS
			g.Control = ""
			w.BeginGroup(g)
		}, "GS-06"},
		{"set control number too short", func(w *Writer) {
			w.BeginInterchange(someISA)
			w.BeginGroup(someGS)
			w.BeginSet(ST{ID: "945", Control: "1"})
		}, "ST-02"},
		{"a tag that is none", segment(Seg("LONG", "1")), "LONG"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, WriterOptions{})
			c.write(w)
			var bad *DataError
			if err := w.Close(); !errors.As(err, &bad) || bad.Element != c.element {
				t.Errorf("error %v, want one at %s", err, c.element)
			}
			before := b.Len()
			w.Segment(Seg("LX", "1"))
			if b.Len() != before {
				t.Error("the writer went on behind its error")
			}
		})
	}
}

func TestWriterKeepsEnvelopesInOrder(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Writer){
		"segment outside a set":  func(w *Writer) { w.Segment(Seg("LX", "1")) },
		"set outside a group":    func(w *Writer) { w.BeginInterchange(someISA); w.BeginSet(ST{ID: "945", Control: "0001"}) },
		"group left open":        func(w *Writer) { w.BeginInterchange(someISA); w.BeginGroup(someGS); w.EndInterchange() },
		"interchange left open":  func(w *Writer) { w.BeginInterchange(someISA) },
		"interchange in another": func(w *Writer) { w.BeginInterchange(someISA); w.BeginInterchange(someISA) },
		"nothing to end":         func(w *Writer) { w.EndSet() },
		"TA1 behind a group": func(w *Writer) {
			w.BeginInterchange(someISA)
			w.BeginGroup(someGS)
			w.EndGroup()
			w.Segment(Seg("TA1", "1"))
			w.EndInterchange()
		},
	} {
		w := NewWriter(&bytes.Buffer{}, WriterOptions{})
		write(w)
		if w.Close() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, d := range []Delimiters{{'*', '*', 0, '~'}, {'A', '>', 0, '~'}, {'*', '>', '~', '~'}, {'*', '>', 0, ' '}, {0, '>', 0, '~'}} {
		if NewWriter(&bytes.Buffer{}, WriterOptions{Delimiters: d}).Close() == nil {
			t.Errorf("delimiters %q were taken", d)
		}
	}
}

func TestReplacementStandsInForDelimiters(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewWriter(&b, WriterOptions{Replace: ' '})
	w.BeginInterchange(someISA)
	w.BeginGroup(someGS)
	w.WriteSet(ST{ID: "945", Control: "0001"}, []Out{Seg("N1", "ST", "A*B~C>D\nE")})
	if !strings.Contains(b.String(), "N1*ST*A B C D E~") {
		t.Errorf("wrote %s", b.String())
	}
	if NewWriter(&b, WriterOptions{Replace: '*'}).Close() == nil {
		t.Error("a delimiter was taken as replacement")
	}
}

func FuzzWriterIsReadBack(f *testing.F) {
	f.Add("ORD-1", "A B", byte('*'), byte('~'))
	f.Add(" lead", "trail ", byte('|'), byte('\n'))
	f.Fuzz(func(t *testing.T, one, two string, element, terminator byte) {
		var b bytes.Buffer
		w := NewWriter(&b, WriterOptions{Delimiters: Delimiters{Element: element, Component: '>', Terminator: terminator}})
		w.BeginInterchange(someISA)
		w.BeginGroup(someGS)
		w.WriteSet(ST{ID: "945", Control: "0001"}, []Out{Seg("W06", "F", one, two, "END")})
		w.EndGroup()
		w.EndInterchange()
		if w.Close() != nil || strings.ContainsAny(one+two, ComponentMark+RepetitionMark) || !canSeparate(element) || isBlank(terminator) && terminator != '\n' && terminator != '\r' {
			return
		}
		d, err := Parse(b.Bytes(), Limits{})
		if err != nil || Worst(d.Findings()) > Note {
			t.Fatalf("%v %v in %q", err, d.Findings(), b.Bytes())
		}
		for p := range d.Sets() {
			s := p.Segments.At(1)
			if string(s.Element(2)) != one || string(s.Element(3)) != two || s.Value(4) != "END" {
				t.Fatalf("wrote %q and %q, read %q", one, two, s.Raw())
			}
			return
		}
		t.Fatalf("no set in %q", b.Bytes())
	})
}
