package x12wms_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

const whole824 = "BGN*11*R-1*20261123~\nOTI*TR*SI*SHIP-1*ACME*PAKLOG*20261122*0900*0017*0001*945~\nTED*848*no such item*W12*9*8**SKU-9~\nNTE*ERN*no such item in our catalogue~\nTED*007**N1*3~\n" +
	"OTI*TA*TN*SO-2***20261122**18**945~\nOTI*TE*TN*PO-3*******855~\nTED*024*late~\n"

func TestAn824SaysWhatBecameOfWhichDocument(t *testing.T) {
	got, err := x12wms.Advised(set(t, in("824", whole824)))
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []document.Advise{
		{By: "824", Number: "R-1", Verdict: document.Rejects, Findings: []document.Finding{{Code: "848", Text: "no such item in our catalogue", Segment: "W12", Ordinal: 9, Element: "8"}, {Code: "007", Segment: "N1", Ordinal: 3}}},
		{By: "824", Number: "R-1", Verdict: document.Accepts},
		{By: "824", Number: "R-1", Verdict: document.AcceptsWithErrs, Findings: []document.Finding{{Code: "024", Text: "late"}}},
	}
	for i, told := range got {
		if !reflect.DeepEqual(told.Advise, want[i]) {
			t.Errorf("%d: %+v, want %+v", i, told.Advise, want[i])
		}
	}
	if a, b := got[0], got[1]; a.Set != "945" || a.Group != "17" || a.About != "SHIP-1" || a.At.Element != "OTI-03" || b.Group != "18" || b.About != "SO-2" || got[2].Set != "855" || got[2].Group != "" {
		t.Errorf("%+v", got)
	}
	if why := got[0].Why(); why != `W12-8 in segment 9: no such item in our catalogue (code 848), found "SKU-9" and 1 more` {
		t.Error(why)
	}
}

func TestWhatAn824DoesNotSayIsTakenFromWhatItSays(t *testing.T) {
	for code, c := range map[string]struct{ ted, verdict string }{
		"TR": {"", document.Rejects}, "IR": {"", document.Rejects}, "GP": {"", document.Rejects}, "TC": {"", document.AcceptsWithErrs}, "BA": {"TED*024*x~\n", document.Accepts},
		"ZZ": {"TED*024*x~\n", document.Rejects}, "Z": {"", document.Accepts}, "": {"TED*024*x~\n", document.Rejects},
	} {
		got, err := x12wms.Advised(set(t, in("824", "BGN*11*R-1*20261123~\nOTI*"+code+"*TN*A~\n"+c.ted)))
		if err != nil || len(got) != 1 || got[0].Verdict != c.verdict {
			t.Errorf("%q: %+v, %v", code, got, err)
		}
	}
	for name, body := range map[string]string{"no OTI": "BGN*11*R-1*20261123~\n", "findings of nothing": "BGN*11*R-1*20261123~\nTED*024*x~\nNTE*ERN*y~\n"} {
		got, err := x12wms.Advised(set(t, in("824", body)))
		if x, ok := errors.AsType[*x12wms.Error](err); !ok || fault.KindOf(err) != fault.Invalid || x.Findings[0].Element != "OTI" || len(got) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// What we say of others' documents is understood as we meant it.
func TestAn824OfOursIsUnderstood(t *testing.T) {
	refused := x12wms.Refused{Name: "L-1", Set: "940", Group: "5", Control: "0003", Number: "SO-1", Findings: []x12.Finding{
		{Code: x12wms.CodeQuantity, Element: "W01-01", Segment: 7, Found: "1.5", Message: strings.Repeat("long words ", 12)}, {Code: x12wms.CodeNoLines, Message: "no lines"}}}
	body := ""
	for _, s := range (x12wms.Profile{}).ApplicationAdvice(refused) {
		body += s.ID + "*" + strings.Join(s.Elements, "*") + "~\n"
	}
	got, err := x12wms.Advised(set(t, in("824", body)))
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	f := got[0].Findings
	if got[0].Verdict != document.Rejects || got[0].Set != "940" || got[0].Group != "5" || got[0].About != "SO-1" || len(f) != 2 || f[0].Segment != "W01" || f[0].Ordinal != 7 || f[0].Element != "1" ||
		strings.Count(f[0].Text, "long words") < 12 || f[1].Text != "no lines" {
		t.Errorf("%+v", got)
	}
}
