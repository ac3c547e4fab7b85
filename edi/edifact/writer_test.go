package edifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/paklog/hub/edi/finding"
)

var (
	someUNB = UNB{Syntax: "UNOC", Version: "3", Sender: Party{ID: "4012345000009", Qualifier: "14"}, Recipient: Party{ID: "ACME"}, Date: "261123", Time: "0915", Control: "42"}
	someUNG = UNG{Type: "DESADV", Sender: Party{ID: "A"}, Recipient: Party{ID: "B"}, Date: "261123", Time: "0915", Control: "G1", Agency: "UN", Version: "D", Release: "96A"}
	someUNH = UNH{Reference: "1", Type: "DESADV", Version: "D", Release: "96A", Agency: "UN", Association: "EAN005"}
)

func TestWriterCountsAndReleases(t *testing.T) {
	t.Parallel()
	four := someUNB
	four.Version = "4"
	body := []Out{Seg("BGM", "351", "D+1", "9", ""), Seg("NAD", "ST", C("1", "", "9"), "", "O'Hara?: \u00e4"), Seg("PIA", "5", "A"+RepetitionMark+"B*", C("", ""))}
	for _, c := range []struct {
		name string
		opts WriterOptions
		unb  UNB
		want string
	}{
		{"usual", WriterOptions{}, someUNB, "UNB+UNOC:3+4012345000009:14+ACME+261123:0915+42'UNH+1+DESADV:D:96A:UN:EAN005'BGM+351+D?+1+9'NAD+ST+1::9++O?'Hara???: \xe4'PIA+5+A*B*'UNT+5+1'UNZ+1+42'"},
		{"version 4", WriterOptions{}, four, "UNB+UNOC:4+4012345000009:14+ACME+261123:0915+42'UNH+1+DESADV:D:96A:UN:EAN005'BGM+351+D?+1+9'NAD+ST+1::9++O?'Hara???: \xe4'PIA+5+A*B?*'UNT+5+1'UNZ+1+42'"},
		{"other service characters", WriterOptions{Delimiters: Delimiters{Component: '|', Element: '^', Decimal: ',', Release: '\\', Terminator: '~'}, LineEnd: "\r\n"}, someUNB,
			"UNA|^,\\ ~\r\nUNB^UNOC|3^4012345000009|14^ACME^261123|0915^42~\r\nUNH^1^DESADV|D|96A|UN|EAN005~\r\nBGM^351^D+1^9~\r\nNAD^ST^1||9^^O'Hara?: \xe4~\r\nPIA^5^A*B*~\r\nUNT^5^1~\r\nUNZ^1^42~\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, c.opts)
			w.BeginInterchange(c.unb)
			items := slices.Clone(body)
			if c.unb.Version != "4" {
				items[2] = Seg("PIA", "5", "A*B*")
			}
			w.WriteMessage(someUNH, items)
			w.EndInterchange()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("wrote\n%q\nwant\n%q", b.String(), c.want)
			}
			d, err := Parse(b.Bytes(), Limits{})
			if err != nil || len(d.Findings()) > 0 {
				t.Errorf("what was written reads with %v %v", err, d.Findings())
			}
			for p := range d.Messages() {
				if v := p.Segments.At(2).Value(4, 1); v != "O'Hara?: ä" && c.opts.LineEnd == "" {
					t.Errorf("read back %q", v)
				}
			}
		})
	}
}

func TestWriterWritesGroupsAndPackages(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewWriter(&b, WriterOptions{UNA: true, LineEnd: "\n"})
	w.BeginInterchange(someUNB)
	for _, ref := range []string{"G1", "G2"} {
		g := someUNG
		g.Control = ref
		w.BeginGroup(g)
		w.WriteMessage(someUNH, nil)
		w.Package("P1", C("DOC", "1"), C("1", "PDF"), []byte(anObject))
		w.EndGroup()
	}
	w.EndInterchange()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Parse(b.Bytes(), Limits{})
	if err != nil || len(d.Findings()) > 0 {
		t.Fatalf("%v %v in %q", err, d.Findings(), b.String())
	}
	if got := shape(d); got != "[UNOC3 (DESADV DESADV package) (DESADV DESADV package)]" {
		t.Errorf("read as %s", got)
	}
	for _, p := range d.Parts {
		if p.Kind == Package && string(p.Object) != anObject {
			t.Errorf("object %q", p.Object)
		}
	}
}

func TestWriterRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	segment := func(syntax Charset, s Out) func(*Writer) {
		return func(w *Writer) {
			h := someUNB
			h.Syntax = syntax
			w.BeginInterchange(h)
			w.BeginMessage(someUNH)
			w.Segment(s)
		}
	}
	header := func(change func(*UNB)) func(*Writer) {
		return func(w *Writer) {
			h := someUNB
			change(&h)
			w.BeginInterchange(h)
		}
	}
	for _, c := range []struct {
		name    string
		write   func(*Writer)
		element string
	}{
		{"small letters in level A", segment("UNOA", Seg("NAD", "ST", "Shop")), "NAD-02"},
		{"an accent in level B", segment("UNOB", Seg("NAD", "ST", "Caf\u00e9")), "NAD-02"},
		{"an at sign in level B", segment("UNOB", Seg("COM", "a@b")), "COM-01"},
		{"Greek in Latin-1", segment("UNOC", Seg("NAD", "ST", "\u03b1")), "NAD-02"},
		{"line break", segment("UNOC", Seg("FTX", "A\nB")), "FTX-01"},
		{"control character", segment("UNOY", Seg("FTX", "A\x07B")), "FTX-01"},
		{"no UTF-8", segment("UNOY", Seg("FTX", "A\xffB")), "FTX-01"},
		{"a tag that is none", segment("UNOC", Seg("LONG", "1")), "LONG"},
		{"no sender", header(func(h *UNB) { h.Sender.ID = "" }), "UNB-02-1"},
		{"no recipient", header(func(h *UNB) { h.Recipient.ID = "" }), "UNB-03-1"},
		{"no date", header(func(h *UNB) { h.Date = "" }), "UNB-04-1"},
		{"no reference", header(func(h *UNB) { h.Control = "" }), "UNB-05"},
		{"a reference of 15", header(func(h *UNB) { h.Control = "123456789012345" }), "UNB-05"},
		{"syntax identifier", header(func(h *UNB) { h.Syntax = "UNOZ" }), "UNB-01-1"},
		{"syntax version", header(func(h *UNB) { h.Version = "5" }), "UNB-01-2"},
		{"no message reference", func(w *Writer) { w.BeginInterchange(someUNB); w.BeginMessage(UNH{Type: "ORDERS"}) }, "UNH-01"},
		{"no message type", func(w *Writer) { w.BeginInterchange(someUNB); w.BeginMessage(UNH{Reference: "1"}) }, "UNH-02-1"},
		{"no group reference", func(w *Writer) { w.BeginInterchange(someUNB); w.BeginGroup(UNG{}) }, "UNG-05"},
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
			w.Segment(Seg("UNS", "S"))
			if b.Len() != before {
				t.Error("the writer went on behind its error")
			}
		})
	}
}

func TestWriterKeepsEnvelopesInOrder(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Writer){
		"segment outside a message": func(w *Writer) { w.BeginInterchange(someUNB); w.Segment(Seg("BGM", "1")) },
		"message outside":           func(w *Writer) { w.BeginMessage(someUNH) },
		"message in a message":      func(w *Writer) { w.BeginInterchange(someUNB); w.BeginMessage(someUNH); w.BeginMessage(someUNH) },
		"group left open":           func(w *Writer) { w.BeginInterchange(someUNB); w.BeginGroup(someUNG); w.EndInterchange() },
		"interchange left open":     func(w *Writer) { w.BeginInterchange(someUNB) },
		"nothing to end":            func(w *Writer) { w.EndMessage() },
		"package outside":           func(w *Writer) { w.Package("1", "D", "T", nil) },
		"a message behind a group": func(w *Writer) {
			w.BeginInterchange(someUNB)
			w.BeginGroup(someUNG)
			w.EndGroup()
			w.BeginMessage(someUNH)
		},
		"a group behind a message":     func(w *Writer) { w.BeginInterchange(someUNB); w.WriteMessage(someUNH, nil); w.BeginGroup(someUNG) },
		"an interchange inside itself": func(w *Writer) { w.BeginInterchange(someUNB); w.BeginInterchange(someUNB) },
	} {
		w := NewWriter(&bytes.Buffer{}, WriterOptions{})
		write(w)
		if w.Close() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, d := range []Delimiters{{':', ':', '.', '?', 0, '\''}, {':', 'A', '.', '?', 0, '\''}, {':', '+', '.', '?', 0, ' '}, {0, '+', '.', '?', 0, '\''}, {':', '+', '.', '+', 0, '\''}, {':', 0xA7, '.', '?', 0, '\''}} {
		if NewWriter(&bytes.Buffer{}, WriterOptions{Delimiters: d}).Close() == nil {
			t.Errorf("service characters %q were taken", d)
		}
	}
}

func TestReplacementStandsInForOtherCharacters(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewWriter(&b, WriterOptions{Replace: '?'})
	w.BeginInterchange(someUNB)
	w.WriteMessage(someUNH, []Out{Seg("FTX", "\u03b1+\u03c9")})
	if !strings.Contains(b.String(), "FTX+???+??'") {
		t.Errorf("wrote %s", b.String())
	}
}

func TestAnEditChangesItsBytesAlone(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(una+"\n"+strings.ReplaceAll(plain, "'N", "'\r\nN")), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p := slices.Collect(d.Messages())[0]
	for _, c := range []struct {
		e        Edit
		old, new string
	}{
		{Edit{2, 2, 0, "ORD-9"}, "BGM+220+ORD-1+9'", "BGM+220+ORD-9+9'"},
		{Edit{3, 1, 2, "20270101"}, "DTM+137:20261123:102'", "DTM+137:20270101:102'"},
		{Edit{3, 1, 5, "x"}, "DTM+137:20261123:102'", "DTM+137:20261123:102::x'"},
		{Edit{3, 1, 4, "x"}, "DTM+137:20261123:102'", "DTM+137:20261123:102:x'"},
		{Edit{2, 5, 0, "x"}, "BGM+220+ORD-1+9'", "BGM+220+ORD-1+9++x'"},
		{Edit{2, 5, 3, "x"}, "BGM+220+ORD-1+9'", "BGM+220+ORD-1+9++::x'"},
		{Edit{4, 4, 1, "B+B"}, "Corner Shop?'s'", "B?+B'"},
		{Edit{4, 3, 1, "x"}, "::9++Corner", "::9+x+Corner"},
		{Edit{4, 2, 0, "a" + ComponentMark + "b"}, "4012345000016::9", "a:b"},
		{Edit{2, 2, 1, ""}, "BGM+220+ORD-1+9'", "BGM+220++9'"},
	} {
		got, err := p.Edited(c.e)
		want := strings.Replace(string(p.Raw), c.old, c.new, 1)
		if err != nil || string(got) != want || want == string(p.Raw) {
			t.Errorf("%+v: %v\n%q\nwant\n%q", c.e, err, got, want)
		}
	}
	for _, e := range []Edit{{0, 1, 0, ""}, {9, 1, 0, ""}, {2, 0, 0, "x"}, {2, 1, -1, "x"}, {2, 2, 0, "\u03b1"}, {2, 2, 0, "\n"}} {
		if got, err := p.Edited(e); err == nil {
			t.Errorf("%+v gave %q", e, got)
		}
	}
}

func TestMessageIsReadAgainWithTheSameFindings(t *testing.T) {
	t.Parallel()
	for _, seed := range uglySeeds {
		d, err := Parse([]byte(seed), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range d.Messages() {
			stored, err := json.Marshal(p.Origin())
			if err != nil {
				t.Fatal(err)
			}
			var o Origin
			if err := json.Unmarshal(stored, &o); err != nil {
				t.Fatal(err)
			}
			q, err := ReadMessage([]byte(string(p.Raw)), o, Limits{})
			if err != nil {
				t.Fatalf("%v in %q", err, p.Raw)
			}
			own := func(all []Finding) (kept []Finding) {
				for _, f := range all {
					if f.Code != CodeReferenceRepeated && f.Code != CodeUnterminated && f.Code != CodeGroupMixed && f.Code != CodeMixed {
						kept = append(kept, f)
					}
				}
				return kept
			}
			if q.UNH != p.UNH || q.Identity() != p.Identity() || !reflect.DeepEqual(own(q.Findings), own(p.Findings)) {
				t.Errorf("read again\n%+v %+v\nwas\n%+v %+v", q.UNH, q.Findings, p.UNH, p.Findings)
			}
		}
	}
}

func TestWhatIsNotOneMessageIsNotReadAsOne(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(plain), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o := d.Parts[1].Origin()
	two := plain[strings.Index(plain, "UNH+1"):strings.Index(plain, "UNZ+")]
	for _, raw := range []string{"", "BGM+220'", two, "UNZ+1+1'", "UNB+"} {
		if _, err := ReadMessage([]byte(raw), o, Limits{}); !errors.Is(err, ErrNotOneMessage) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if _, err := ReadMessage([]byte(two), Origin{}, Limits{}); err == nil {
		t.Error("a message without service characters was read")
	}
}

func TestIdentityTellsFieldsApart(t *testing.T) {
	t.Parallel()
	ids := []Identity{
		{"14", "A", "14", "B", "1", "2", "3"}, {"14", "A", "14", "B", "1", "2", ""}, {"14", "A", "14", "B", "1", "", "3"},
		{"14", "A/14", "14", "B", "1", "2", "3"}, {"14", "A%2F14", "14", "B", "1", "2", "3"}, {"", "A", "14", "B", "1", "2", "3"},
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id.String()] {
			t.Errorf("%s is not alone", id)
		}
		seen[id.String()] = true
	}
}

func TestReplyTurnsPartiesAround(t *testing.T) {
	t.Parallel()
	h := UNB{Syntax: "UNOC", Version: "3", Sender: Party{ID: "A"}, Recipient: Party{ID: "B", Qualifier: "14"}, Control: "7", Test: "1", AckRequested: "1"}
	if got := h.Reply(); got != (UNB{Syntax: "UNOC", Version: "3", Sender: Party{ID: "B", Qualifier: "14"}, Recipient: Party{ID: "A"}, Test: "1"}) {
		t.Errorf("reply %+v", got)
	}
}

func FuzzWriterIsReadBack(f *testing.F) {
	f.Add("ORD-1", "A B", "UNOC", byte(':'), byte('+'), byte('?'), byte('\''))
	f.Add("?+'", "\u00e4\u03b1", "UNOY", byte('|'), byte('*'), byte(0), byte('\n'))
	f.Fuzz(func(t *testing.T, one, two, syntax string, component, element, release, terminator byte) {
		var b bytes.Buffer
		w := NewWriter(&b, WriterOptions{Delimiters: Delimiters{Component: component, Element: element, Release: release, Terminator: terminator}})
		h := someUNB
		h.Syntax = Charset(syntax)
		w.BeginInterchange(h)
		w.WriteMessage(someUNH, []Out{Seg("FTX", "AAA", C("x", one, "y"), two, "END")})
		w.EndInterchange()
		if w.Close() != nil || strings.ContainsAny(one+two, ComponentMark+RepetitionMark) || !canSeparate(component) || !canSeparate(element) || !canTerminate(terminator) ||
			release != 0 && !canSeparate(release) {
			return
		}
		if !h.Syntax.isUTF8() && strings.ContainsFunc(one+two, func(r rune) bool { return r > 127 }) && utf8.Valid(b.Bytes()) {
			return // what could be UTF-8 is read as that, and a finding says so
		}
		d, err := Parse(b.Bytes(), Limits{})
		if err != nil || finding.Worst(d.Findings()) > Note && !strings.Contains(b.String(), "\x1a") {
			t.Fatalf("%v %v in %q", err, d.Findings(), b.Bytes())
		}
		for p := range d.Messages() {
			s := p.Segments.At(1)
			if s.Value(2, 2) != strings.TrimRight(one, " ") || s.Value(3, 1) != strings.TrimRight(two, " ") || s.Value(4, 1) != "END" || s.Value(2, 3) != "y" {
				t.Fatalf("wrote %q and %q, read %q", one, two, s.Raw())
			}
			return
		}
		t.Fatalf("no message in %q", b.Bytes())
	})
}
