package ack_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/edi/x12/grammar"
)

const (
	isa   = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*1*P*>~"
	gs    = "GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~"
	good1 = "ST*940*0001~W05*N*ORD-1~LX*1~W01*2*EA**VN*SKU-1~W76*2~SE*6*0001~"
	good2 = "ST*940*0002~W05*N*ORD-2~LX*1~W01*1*EA**VN*SKU-2~W76*1~SE*6*0002~"
	tail  = "GE*2*7~IEA*1*000000007~"
)

func collect(t *testing.T, data string, policy ack.Policy) ack.Interchange {
	t.Helper()
	c := ack.Collector{Policy: policy}
	r := x12.NewReader(strings.NewReader(data), x12.Limits{})
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind == x12.TransactionSet {
			grammar.Builtin().Check(p)
		}
		c.Add(p)
	}
	if len(c.Interchanges) != 1 {
		t.Fatalf("%d interchanges", len(c.Interchanges))
	}
	return c.Interchanges[0]
}

// body writes a 997 out so that it can be compared as text; the writer checks
// that it can be sent, the grammar that it is a 997.
func body(t *testing.T, out []x12.Out) string { t.Helper(); return written(t, out, "997", "004010") }

func written(t *testing.T, out []x12.Out, set, version string) string {
	t.Helper()
	var b bytes.Buffer
	w := x12.NewWriter(&b, x12.WriterOptions{})
	w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "PAKLOG", ReceiverQualifier: "ZZ", Receiver: "ACME", Date: "261123", Time: "0916", Version: version[:5], Control: "1", Usage: "P"})
	w.BeginGroup(x12.GS{FunctionalID: "FA", Sender: "PAKLOG", Receiver: "ACME", Date: "20261123", Time: "0916", Control: "1", Agency: "X", Version: version})
	w.WriteSet(x12.ST{ID: set, Control: "0001"}, out)
	w.EndGroup()
	w.EndInterchange()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := x12.Parse(b.Bytes(), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		grammar.Builtin().Check(p)
	}
	if f := d.Findings(); len(f) > 0 {
		t.Errorf("our own 997 has findings: %v", f)
	}
	s := b.String()
	return s[strings.Index(s, "AK1"):strings.LastIndex(s, "SE*")]
}

func TestFunctionalAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		name, sets string
		policy     ack.Policy
		want       string
	}{
		{"clean group is accepted", good1 + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*A~AK2*940*0002~AK5*A~AK9*A*2*2*2~"},
		{"a bad set is rejected alone", strings.Replace(good1, "W01*2*EA", "W01*two*EA", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*W01*4*W01*8~AK4*1*330*6*two~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"errors are accepted and said where the partner may", strings.Replace(good1, "W01*2*EA", "W01*two*EA", 1) + good2 + tail, ack.Policy{AcceptErrors: true},
			"AK1*OW*7~AK2*940*0001~AK3*W01*4*W01*8~AK4*1*330*6*two~AK5*E*5~AK2*940*0002~AK5*A~AK9*E*2*2*2~"},
		{"a missing mandatory element", strings.Replace(good1, "W05*N*ORD-1", "W05*N", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*W05*2**8~AK4*2*285*1~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"a missing mandatory segment stands where it was due", strings.NewReplacer("W05*N*ORD-1~", "", "SE*6*0001", "SE*5*0001").Replace(good1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*W05*2**3~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"a wrong segment count", strings.Replace(good1, "SE*6", "SE*9", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*R*4~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"a missing SE is never accepted", strings.Replace(good1, "SE*6*0001~", "", 1) + good2 + tail, ack.Policy{AcceptErrors: true},
			"AK1*OW*7~AK2*940*0001~AK5*R*2~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"all sets rejected reject the group", strings.Replace(good1, "SE*6", "SE*9", 1) + "GE*1*7~IEA*1*000000007~", ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*R*4~AK9*R*1*1*0~"},
		{"a control number used twice", good1 + strings.ReplaceAll(good2, "0002", "0001") + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*A~AK2*940*0001~AK5*R*23~AK9*P*2*2*1~"},
		{"a wrong set count of the group", good1 + good2 + "GE*3*7~IEA*1*000000007~", ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*A~AK2*940*0002~AK5*A~AK9*E*3*2*2*5~"},
		{"a missing group trailer", good1 + "IEA*1*000000007~", ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*A~AK9*E*1*1*1*3~"},
		{"one bad set takes its group along where agreed", strings.Replace(good1, "SE*6", "SE*9", 1) + good2 + tail, ack.Policy{WholeGroup: true},
			"AK1*OW*7~AK2*940*0001~AK5*R*4~AK2*940*0002~AK5*R~AK9*R*2*2*0~"},
		{"a control number that is too short is filled up", strings.Replace(good1, "*0001", "*1", 2) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*A~AK2*940*0002~AK5*A~AK9*A*2*2*2~"},
		{"one that is too long is named by its end", strings.Replace(good1, "*0001", "*1234567890", 2) + good2 + tail, ack.Policy{AcceptErrors: true},
			"AK1*OW*7~AK2*940*234567890~AK5*R*7~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"surplus elements of a trailer", strings.Replace(good1, "SE*6*0001", "SE*6*0001*X*Y", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*SE*6**8~AK4*3**3*X~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"binary data of a wrong length", strings.Replace(good1, "W76*2~", "BIN*9*A~", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*BIN*5**8~AK4*1*784*7*9~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"a set's identifier that no AK2 can name", strings.Replace(good1, "ST*940", "ST*94", 1) + good2 + tail, ack.Policy{WholeGroup: true},
			"AK1*OW*7~AK2*000*0001~AK5*A~AK2*940*0002~AK5*A~AK9*A*2*2*2~"},
		{"a tag that no AK3 can name", strings.Replace(good1, "W76*2~", "W*2~", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
		{"a bad value that holds a delimiter is not quoted", strings.Replace(good1, "W01*2*EA", "W01*2>2*EA", 1) + good2 + tail, ack.Policy{},
			"AK1*OW*7~AK2*940*0001~AK3*W01*4*W01*8~AK4*1*330*6~AK5*R*5~AK2*940*0002~AK5*A~AK9*P*2*2*1~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := collect(t, isa+gs+c.sets, c.policy)
			out, ok := ack.Functional(&v.Groups[0], x12.DefaultDelimiters)
			if !ok {
				t.Fatal("no acknowledgement")
			}
			if got := body(t, out); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestImplementationAcknowledgement(t *testing.T) {
	for _, c := range []struct{ name, sets, want string }{
		{"clean", good1 + good2 + tail, "AK1*OW*7*004010~AK2*940*0001~IK5*A~AK2*940*0002~IK5*A~AK9*A*2*2*2~"},
		{"a bad value", strings.Replace(good1, "W01*2*EA", "W01*two*EA", 1) + good2 + tail,
			"AK1*OW*7*004010~AK2*940*0001~IK3*W01*4*W01*8~IK4*1*330*6*two~IK5*R*5~AK2*940*0002~IK5*A~AK9*P*2*2*1~"},
		{"half a pair names the other half", strings.Replace(good1, "*VN*SKU-1", "*VN", 1) + good2 + tail,
			"AK1*OW*7*004010~AK2*940*0001~IK3*W01*4*W01*8~IK4*5*234*2~CTX*SITUATIONAL TRIGGER*W01*4*W01*4~IK5*R*5~AK2*940*0002~IK5*A~AK9*P*2*2*1~"},
		{"a missing segment", strings.NewReplacer("W05*N*ORD-1~", "", "SE*6*0001", "SE*5*0001").Replace(good1) + good2 + tail,
			"AK1*OW*7*004010~AK2*940*0001~IK3*W05*2**3~IK5*R*5~AK2*940*0002~IK5*A~AK9*P*2*2*1~"},
	} {
		v := collect(t, isa+gs+c.sets, ack.Policy{})
		out, ok := ack.Implementation(&v.Groups[0], x12.DefaultDelimiters)
		if !ok {
			t.Fatal("no acknowledgement")
		}
		if got := written(t, out, "999", "005010"); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if _, ok := ack.Implementation(&ack.Group{FunctionalID: "FA"}, x12.DefaultDelimiters); ok {
		t.Error("an acknowledgement was acknowledged")
	}
}

func TestAWholeInterchangeIsRejectedWhereAgreed(t *testing.T) {
	bad := strings.Replace(good1, "SE*6", "SE*9", 1)
	data := isa + gs + bad + "GE*1*7~" + strings.Replace(gs, "*7*", "*8*", 1) + good2 + "GE*1*8~IEA*2*000000007~"
	for _, c := range []struct {
		policy ack.Policy
		want   [2]ack.Verdict
	}{
		{ack.Policy{}, [2]ack.Verdict{ack.Rejected, ack.Accepted}},
		{ack.Policy{WholeGroup: true}, [2]ack.Verdict{ack.Rejected, ack.Accepted}},
		{ack.Policy{WholeInterchange: true}, [2]ack.Verdict{ack.Rejected, ack.Rejected}},
	} {
		v := collect(t, data, c.policy)
		for i := range c.want {
			if got := v.Groups[i].Verdict(); got != c.want[i] || got == ack.Rejected && v.Groups[i].AcceptedSets() != 0 {
				t.Errorf("%+v: group %d is %s, want %s", c.policy, i, got, c.want[i])
			}
		}
	}
	if v := collect(t, isa+gs+good1+good2+tail, ack.Policy{WholeInterchange: true}); v.Groups[0].Verdict() != ack.Accepted {
		t.Errorf("a good one is %s", v.Groups[0].Verdict())
	}
}

func FuzzAcknowledgements(f *testing.F) {
	f.Add(isa+gs+good1+good2+tail, uint8(0))
	f.Add(isa+gs+strings.Replace(good1, "*VN*SKU-1", "*VN", 1)+good2+tail, uint8(7))
	f.Fuzz(func(t *testing.T, data string, policy uint8) {
		c := ack.Collector{Policy: ack.Policy{AcceptErrors: policy&1 > 0, WholeGroup: policy&2 > 0, WholeInterchange: policy&4 > 0}}
		d, err := x12.Parse([]byte(data), x12.Limits{Findings: 50})
		if err != nil {
			return
		}
		for _, p := range d.Parts {
			grammar.Builtin().Check(p)
			c.Add(p)
		}
		for i := range c.Interchanges {
			for j := range c.Interchanges[i].Groups {
				g := &c.Interchanges[i].Groups[j]
				for _, answer := range []func(*ack.Group, x12.Delimiters) ([]x12.Out, bool){ack.Functional, ack.Implementation} {
					out, ok := answer(g, x12.DefaultDelimiters)
					if ok != (g.FunctionalID != "FA") {
						t.Fatalf("a group of kind %q is acknowledged: %v", g.FunctionalID, ok)
					}
					var b bytes.Buffer
					w := x12.NewWriter(&b, x12.WriterOptions{})
					w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "A", ReceiverQualifier: "ZZ", Receiver: "B", Date: "261123", Time: "0916", Version: "00401", Control: "1", Usage: "P"})
					w.BeginGroup(x12.GS{FunctionalID: "FA", Sender: "A", Receiver: "B", Date: "20261123", Time: "0916", Control: "1", Agency: "X", Version: "004010"})
					w.WriteSet(x12.ST{ID: "997", Control: "0001"}, out)
					w.EndGroup()
					w.EndInterchange()
					if err := w.Close(); ok && err != nil {
						t.Fatalf("cannot be written: %v", err)
					}
				}
			}
		}
	})
}

func TestAGroupOfNothingButErrorsNamesTheFirstPlaces(t *testing.T) {
	const sets = 12_000
	bad := strings.Replace(good1, "W01*2*EA", "W01*MANY*EA", 1)
	v := collect(t, isa+gs+strings.Repeat(bad, sets)+"GE*12000*7~IEA*1*000000007~", ack.Policy{})
	g := v.Groups[0]
	named, rejected := 0, 0
	for i, s := range g.Sets {
		if s.Verdict == ack.Rejected && len(s.Codes) > 0 {
			rejected++
		}
		if len(s.Segments) > 0 {
			if named++; i >= 10_000 {
				t.Fatalf("set %d still names its places", i)
			}
		}
	}
	if len(g.Sets) != sets || rejected != sets || named < 1000 {
		t.Errorf("%d sets, %d rejected, %d name their places", len(g.Sets), rejected, named)
	}
	// Another group begins anew.
	v = collect(t, isa+gs+strings.Repeat(bad, sets)+"GE*12000*7~"+strings.Replace(gs, "*7*", "*8*", 1)+bad+"GE*1*8~IEA*2*000000007~", ack.Policy{})
	if last := v.Groups[1]; len(last.Sets) != 1 || len(last.Sets[0].Segments) == 0 {
		t.Errorf("the next group: %+v", last)
	}
}

func TestSetOutsideAGroupIsRejected(t *testing.T) {
	d, err := x12.Parse([]byte(isa+good1+"IEA*0*000000007~"), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		if v := ack.Judge(p, ack.Policy{AcceptErrors: true}); v.Accepted() {
			t.Errorf("verdict %+v on a set that no acknowledgement can name", v)
		}
		return
	}
	t.Fatal("no set")
}

func TestBusinessFindingsAreNoMatterOfSyntax(t *testing.T) {
	d, err := x12.Parse([]byte(isa+gs+good1+"GE*1*7~IEA*1*000000007~"), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		p.Add(x12.Finding{Code: "item", Severity: x12.Error, Layer: x12.LayerBusiness, Message: "unknown item"})
		if v := ack.Judge(p, ack.Policy{}); v.Verdict != ack.Accepted {
			t.Errorf("verdict %+v", v)
		}
	}
}

func TestAcknowledgementIsNotAcknowledged(t *testing.T) {
	v := collect(t, isa+strings.Replace(gs, "OW", "FA", 1)+"ST*997*0001~AK1*OW*7~AK9*A*1*1*1~SE*4*0001~GE*1*7~IEA*1*000000007~", ack.Policy{})
	if out, ok := ack.Functional(&v.Groups[0], x12.DefaultDelimiters); ok {
		t.Errorf("a 997 was answered by %v", out)
	}
	v = collect(t, isa+"TA1*000000001*261123*0900*A*000~IEA*0*000000007~", ack.Policy{})
	if out, ok := v.TA1(); ok {
		t.Errorf("a TA1 was answered by %v", out)
	}
}

func TestTA1IsSentWhenAskedForOrNeeded(t *testing.T) {
	silent := strings.Replace(isa, "*1*P*>", "*0*P*>", 1)
	for _, c := range []struct {
		name, data string
		want       bool
	}{
		{"asked for", isa + gs + good1 + good2 + tail, true},
		{"not asked for", silent + gs + good1 + good2 + tail, false},
		{"not asked for, but wrong", silent + gs + good1 + good2 + "GE*2*7~IEA*2*000000007~", true},
	} {
		v := collect(t, c.data, ack.Policy{})
		if v.Wanted() != c.want {
			t.Errorf("%s: wanted is %v", c.name, v.Wanted())
		}
	}
}

func TestATA1IsValidWhateverItAnswers(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"clean", "*261123*0915*", "*261123*0915*", "000000007 261123 0915 A 000"},
		{"a date with its century", "*261123*", "*20261123*", "000000007 261123 0915 E 014"},
		{"no date", "*261123*", "*      *", "000000007 000101 0915 E 014"},
		{"a date of another year's length", "*261123*", "*270229*", "000000007 000101 0915 E 014"},
		{"a time with seconds", "*0915*", "*091533*", "000000007 261123 0915 E 015"},
		{"a control number that is too short", "*000000007*", "*7*", "000000007 261123 0915 A 000"},
		{"no time", "*0915*", "*9999*", "000000007 261123 0000 E 015"},
	} {
		v := collect(t, strings.Replace(isa, c.old, c.new, 1)+gs+good1+good2+tail, ack.Policy{})
		ta1, ok := v.TA1()
		if got := strings.Join(ta1.Elements, " "); !ok || got != c.want {
			t.Errorf("%s: TA1 %s, want %s", c.name, got, c.want)
		}
	}
}

func TestInterchangeAcknowledgement(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"clean", isa + gs + good1 + good2 + tail, "A 000"},
		{"trailer with another control number", isa + gs + good1 + good2 + "GE*2*7~IEA*1*000000008~", "E 001"},
		{"nothing in it can be used", strings.Replace(isa, "000000007", "00000000X", 1) + "IEA*0*00000000X~", "R 018"},
		{"missing trailer", isa + gs + good1 + good2 + "GE*2*7~", "E 023"},
		{"wrong group count", isa + gs + good1 + good2 + "GE*2*7~IEA*4*000000007~", "E 021"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := collect(t, c.data, ack.Policy{})
			ta1, ok := v.TA1()
			if !ok || ta1.ID != "TA1" {
				t.Fatal("no TA1")
			}
			if got := strings.Join(ta1.Elements[3:], " "); got != c.want {
				t.Errorf("TA1 %v, want %s", ta1.Elements, c.want)
			}
		})
	}
}
