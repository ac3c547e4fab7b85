package x12

import (
	"slices"
	"strings"
	"testing"
)

func TestSegmentViews(t *testing.T) {
	t.Parallel()
	data := strings.Replace(plainISA, "U*00401", "^*00501", 1) + "GS*OW*A*B*20261123*0915*7*X*005010~ST*940*0001~" +
		"SVC*HC>99213>25**^A^^B*TRAIL   * LEAD*~SE*3*0001~GE*1*7~IEA*1*000000007~"
	d, err := Parse([]byte(data), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		s := p.Segments.At(1)
		if s.Len() != 6 || s.ID() != "SVC" || s.Ordinal() != 2 || string(s.Body()) != "SVC*HC>99213>25**^A^^B*TRAIL   * LEAD*" {
			t.Errorf("segment %q of %d elements", s.Body(), s.Len())
		}
		for c, want := range map[int]string{1: "HC", 2: "99213", 3: "25", 4: ""} {
			if got := s.Component(1, c); got != want {
				t.Errorf("component %d is %q, want %q", c, got, want)
			}
		}
		if got := s.Repeats(3); !slices.Equal(got, []string{"", "A", "", "B"}) {
			t.Errorf("repetitions %q", got)
		}
		if s.Repeats(2) != nil || s.Repeats(9) != nil || s.Component(4, 2) != "" || s.Component(9, 1) != "" {
			t.Error("what is not there has values")
		}
		if s.Value(4) != "TRAIL" || string(s.Element(4)) != "TRAIL   " || s.Value(5) != " LEAD" || s.Value(6) != "" || s.Element(7) != nil {
			t.Errorf("values of %q", s.Body())
		}
		at, length := s.Place(5)
		if data[at:at+int64(length)] != " LEAD" {
			t.Errorf("element 5 at %d, %d bytes", at, length)
		}
		if at, length := s.Place(9); data[at] != '~' || length != 0 {
			t.Errorf("an absent element at %d, %d bytes", at, length)
		}
		return
	}
	t.Fatal("no set")
}

func TestSplitRefIsTheWayBack(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string][2]int{"W01-05": {5, 0}, "SVC-01-2": {1, 2}, "SE": {0, 0}} {
		id, element, component := SplitRef(ref)
		if element != want[0] || component != want[1] || !strings.HasPrefix(ref, id) || strings.Contains(id, "-") {
			t.Errorf("%s is %s %d %d", ref, id, element, component)
		}
	}
}

func TestReplyTurnsPartiesAround(t *testing.T) {
	t.Parallel()
	h := ISA{SenderQualifier: "01", Sender: "A", ReceiverQualifier: "ZZ", Receiver: "B", Version: "00401", Usage: "T", Control: "7", AckRequested: "1"}
	if got := h.Reply(); got != (ISA{SenderQualifier: "ZZ", Sender: "B", ReceiverQualifier: "01", Receiver: "A", Version: "00401", Usage: "T"}) {
		t.Errorf("reply %+v", got)
	}
	if got := (GS{FunctionalID: "OW", Sender: "A", Receiver: "B", Control: "7", Agency: "X", Version: "004010"}).Reply("FA"); got != (GS{FunctionalID: "FA", Sender: "B", Receiver: "A", Agency: "X", Version: "004010"}) {
		t.Errorf("reply %+v", got)
	}
}
