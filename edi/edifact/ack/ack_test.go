package ack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
)

const (
	unb  = "UNB+UNOC:3+4012345000009:14+4098765000004:14+261123:0915+REF7'"
	body = "BGM+220+ORD-1+9'DTM+137:20261123:102'LIN+1++4012345000023:EN'QTY+21:2'UNS+S'"
	one  = "UNH+1+ORDERS:D:96A:UN:EAN008'" + body + "UNT+7+1'"
	two  = "UNH+2+ORDERS:D:96A:UN:EAN008'" + body + "UNT+7+2'"
	unz  = "UNZ+2+REF7'"
	good = unb + one + two + unz
)

func collect(t *testing.T, data string, policy ack.Policy) []ack.Interchange {
	t.Helper()
	c := ack.Collector{Policy: policy}
	for r := edifact.NewBytesReader([]byte(data), edifact.Limits{}); ; {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return c.Interchanges
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind == edifact.Message {
			grammar.Builtin().Check(p)
		}
		c.Add(p)
	}
}

// contrl is the CONTRL of the first interchange of data, "" where none is sent,
// held against its own grammar.
func contrl(t *testing.T, data string, policy ack.Policy) string {
	t.Helper()
	all := collect(t, data, policy)
	v := all[0]
	stored, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var again ack.Interchange
	if err := json.Unmarshal(stored, &again); err != nil || !reflect.DeepEqual(again, v) {
		t.Errorf("stored %s\nand read as %+v\nwas %+v", stored, again, v)
	}
	h, segments, ok := ack.Contrl(&v)
	if !ok {
		return ""
	}
	var b bytes.Buffer
	w := edifact.NewWriter(&b, edifact.WriterOptions{})
	reply := v.UNB.Reply()
	reply.Date, reply.Time, reply.Control = "261123", "0916", "1"
	for _, side := range []*edifact.Party{&reply.Sender, &reply.Recipient} { // nobody could be answered by such names
		all := side.ID + side.Qualifier + side.Internal + side.Sub
		if side.ID == "" || len(all) > 35 || !reply.Syntax.Holds(all) {
			*side = edifact.Party{ID: "A"}
		}
	}
	h.Reference = "1"
	w.BeginInterchange(reply)
	w.WriteMessage(h, segments)
	w.EndInterchange()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := edifact.Parse(b.Bytes(), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		grammar.Builtin().Check(p)
	}
	if f := d.Findings(); finding.Worst(f) > finding.Note {
		t.Errorf("the CONTRL itself: %v in %s", f, b.String())
	}
	text := b.String()
	return text[strings.Index(text, "UCI+"):strings.LastIndex(text, "UNT+")]
}

func TestContrlNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const uci = "UCI+REF7+4012345000009:14+4098765000004:14+7'"
	const ucm1, ucm2 = "UCM+1+ORDERS:D:96A:UN:EAN008+", "UCM+2+ORDERS:D:96A:UN:EAN008+"
	change := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("%q is not in the document", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for _, c := range []struct {
		name, data string
		policy     ack.Policy
		want       string
	}{
		{"all is well", good, ack.Policy{}, uci + ucm1 + "7'" + ucm2 + "7'"},
		{"one message of two", change("QTY+21:2", "QTY+21:x"), ack.Policy{}, uci + ucm1 + "4'UCS+5'UCD+37+2:2'" + ucm2 + "7'"},
		{"errors are accepted", change("QTY+21:2", "QTY+21:x"), ack.Policy{AcceptErrors: true}, uci + ucm1 + "7'" + ucm2 + "7'"},
		{"the whole is refused for one", change("QTY+21:2", "QTY+21:x"), ack.Policy{Whole: true}, "UCI+REF7+4012345000009:14+4098765000004:14+4+18'" + ucm1 + "4'UCS+5'UCD+37+2:2'"},
		{"two elements of one segment", change("DTM+137:20261123:102", "DTM+1377:20261123:1022"), ack.Policy{}, uci + ucm1 + "4'UCS+3'UCD+39+2:1'UCD+39+2:3'" + ucm2 + "7'"},
		{"a missing segment is told by the one before it", change("UNS+S'UNT+7", "UNT+6"), ack.Policy{}, uci + ucm1 + "4'UCS+5+13'" + ucm2 + "7'"},
		{"a segment too often", change("BGM+220+ORD-1+9'", "BGM+220'BGM+220'") + "", ack.Policy{}, uci + ucm1 + "4+29+UNT+2'UCS+3+35'" + ucm2 + "7'"},
		{"segment count", change("UNT+7+1", "UNT+8+1"), ack.Policy{AcceptErrors: true}, uci + ucm1 + "4+29+UNT+2'" + ucm2 + "7'"},
		{"message reference", change("UNT+7+1", "UNT+7+9"), ack.Policy{}, uci + ucm1 + "4+28+UNT+3'" + ucm2 + "7'"},
		{"no trailer", change("UNT+7+1'", ""), ack.Policy{}, uci + ucm1 + "4+13+UNT'" + ucm2 + "7'"},
		{"a reference that comes twice", strings.NewReplacer("UNH+2", "UNH+1", "UNT+7+2", "UNT+7+1").Replace(good), ack.Policy{}, uci + ucm1 + "7'" + ucm1 + "4+26+UNH+2'"},
		{"interchange count, and messages that are worked on", change("UNZ+2", "UNZ+3"), ack.Policy{}, uci + ucm1 + "7'" + ucm2 + "7'"},
		{"interchange count, taken whole or not at all", change("UNZ+2", "UNZ+3"), ack.Policy{Whole: true}, "UCI+REF7+4012345000009:14+4098765000004:14+4+29+UNZ+2'"},
		{"a group that is refused along is not named", strings.NewReplacer("UNH+1", "UNG+ORDERS+A+B+261123:0915+G1+UN+D:96A'UNH+1", "UNZ+2", "UNE+2+G1'UNZ+3").Replace(good), ack.Policy{Whole: true}, "UCI+REF7+4012345000009:14+4098765000004:14+4+29+UNZ+2'"},
		{"nothing but an envelope that is wrong", unb + "UNZ+1+REF7'", ack.Policy{}, "UCI+REF7+4012345000009:14+4098765000004:14+4+29+UNZ+2'"},
		{"cut off", unb + one[:60], ack.Policy{}, "UCI+REF7+4012345000009:14+4098765000004:14+4+13+UNZ'" + ucm1 + "4+13+UNT'UCS+3+13'"},
		{"groups", strings.NewReplacer("UNH+1", "UNG+ORDERS+A+B+261123:0915+G1+UN+D:96A'UNH+1", "UNZ+2", "UNE+2+G1'UNZ+1").Replace(good), ack.Policy{}, uci + "UCF+G1+A+B+7'" + ucm1 + "7'" + ucm2 + "7'"},
		{"no CONTRL for a CONTRL", unb + "UNH+1+CONTRL:D:3:UN'UCI+9+A+B+7'UNT+3+1'UNZ+1+REF7'", ack.Policy{}, ""},
		{"a CONTRL beside orders is passed over", unb + one + "UNH+2+CONTRL:D:3:UN'UCI+9+A+B+7'UNT+3+2'" + unz, ack.Policy{}, uci + ucm1 + "7'"},
		{"nobody to tell", one, ack.Policy{}, ""},
		{"parties that UNOA cannot write", strings.NewReplacer("UNOC:3", "UNOA:3", "4012345000009", "Acme", "4098765000004", "Pak log").Replace(good), ack.Policy{}, "UCI+REF7+Acme:14+Pak log:14+7'" + ucm1 + "7'" + ucm2 + "7'"},
		{"a type that is none", change("ORDERS:D", ":D"), ack.Policy{}, uci + "UCM+1+0:D:96A:UN:EAN008+4+13+UNH+3:1'" + ucm2 + "7'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := contrl(t, c.data, c.policy); got != c.want {
				t.Errorf("CONTRL\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestVersion4HasItsOwnContrl(t *testing.T) {
	t.Parallel()
	v := collect(t, strings.Replace(good, "UNOC:3", "UNOC:4", 1), ack.Policy{})[0]
	if h, _, _ := ack.Contrl(&v); h.Version != "4" || h.Release != "1" {
		t.Errorf("CONTRL %+v", h)
	}
}

func TestWhatIsToldIsBounded(t *testing.T) {
	t.Parallel()
	bad := "UNH+%+ORDERS:D:96A:UN'BGM+220'" + strings.Repeat("QTY+21:x'", 2000) + "UNT+2+%'"
	var all strings.Builder
	all.WriteString(unb)
	for _, ref := range strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12") {
		all.WriteString(strings.ReplaceAll(bad, "%", ref))
	}
	v := collect(t, all.String(), ack.Policy{})[0]
	segments := 0
	for _, m := range v.Messages {
		if m.Verdict != ack.Rejected {
			t.Error("a bad message was accepted")
		}
		segments += len(m.Segments)
	}
	if segments == 0 || segments > 10_000 {
		t.Errorf("%d segments are told of", segments)
	}
}

func TestAperakTellsWhyAnOrderCannotBeWorkedOn(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
	long := strings.Repeat("word ", 80) + strings.Repeat("\u00e4", 80)
	findings := []finding.Finding{
		{Layer: finding.Business, Severity: finding.Error, Element: "LIN-03-1", Message: "nobody knows the item"},
		{Layer: finding.Standard, Severity: finding.Error, Message: "this is the CONTRL's"},
		{Layer: finding.Business, Severity: finding.Warning, Message: "a warning rejects nothing"},
		{Layer: finding.Business, Severity: finding.Error, Message: long},
	}
	segments, ok := ack.Aperak("7", "ORD-1", findings, at)
	if !ok {
		t.Fatal("no APERAK")
	}
	var b bytes.Buffer
	w := edifact.NewWriter(&b, edifact.WriterOptions{})
	w.BeginInterchange(edifact.UNB{Syntax: "UNOC", Version: "3", Sender: edifact.Party{ID: "A"}, Recipient: edifact.Party{ID: "B"}, Date: "261123", Time: "0915", Control: "1"})
	w.WriteMessage(edifact.UNH{Reference: "1", Type: "APERAK", Version: "D", Release: "96A", Agency: "UN"}, segments)
	w.EndInterchange()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, _ := edifact.Parse(b.Bytes(), edifact.Limits{})
	for p := range d.Messages() {
		grammar.Builtin().Check(p)
	}
	if f := d.Findings(); len(f) > 0 {
		t.Errorf("%v in %q", f, b.String())
	}
	if want := "BGM+313+7+27'DTM+137:202611230915:203'RFF+ACW:ORD-1'ERC+12'FTX+AAO+++nobody knows the item'RFF+AGO:LIN-03-1'ERC+12'FTX+AAO+++word "; !strings.Contains(b.String(), want) || strings.Count(b.String(), "ERC") != 2 {
		t.Errorf("wrote %s", b.String())
	}
	if _, ok := ack.Aperak("7", "ORD-1", findings[1:3], at); ok {
		t.Error("an APERAK without a reason")
	}
}

func FuzzContrlCanBeSent(f *testing.F) {
	f.Add(good)
	f.Add(unb + one[:60])
	f.Add("UNB+IATA:1+\xe4:1+b+x:y+\x01'UNG+'UNH+a?'+o:d:1:x'qq'UNT'UNE'UNZ'")
	f.Fuzz(func(t *testing.T, data string) {
		if d, err := edifact.Parse([]byte(data), edifact.Limits{}); err != nil || len(d.Parts) == 0 || d.Parts[0].UNB == nil {
			return
		}
		for _, policy := range []ack.Policy{{}, {AcceptErrors: true}, {Whole: true}} {
			contrl(t, data, policy)
		}
	})
}
