package x12wms_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/transforms/x12wms"
)

const (
	parties943 = "N1*SF*MILL*92*M3~\nN1*WH**92*W1~\nN1*DE*ACME*92*D7~\n"
	whole943   = "W06*J*TR-9*20261120*SHP-1**PO-7~\n" + parties943 +
		"G62*17*20261126~\nW27*M*ABCD~\n" +
		"W04*4*CA*000100000016*VN*SKU-1*LT*L7~\nG62*36*20270131~\nN9*LI*3~\n" +
		"W04*2*EA**SK*SKU-2~\nN9*LT*L8~\nN9*SE*S1~\nN9*SE*S2~\nW03*6~\n"
	head856 = "BSN*00*ASN-5*20261120*1000*0001~\n" +
		"HL*1**S~\nTD5**2*ABCD~\nREF*BM*B1~\nDTM*017*20261126~\nN1*SF*MILL*92*M3~\nN1*ST**92*W1~\n" +
		"HL*2*1*O~\nPRF*PO-7~\n"
	whole856 = head856 +
		"HL*3*2*P~\nMAN*GM*00001234567890123457~\n" +
		"HL*4*3*I~\nLIN*1*SK*SKU-1*LT*L7~\nSN1*1*24*EA~\nDTM*036*20270131~\n" +
		"HL*5*3*I~\nLIN**SK*SKU-2~\nSN1**2*EA~\nREF*SE*S1~\nREF*SE*S2~\n" +
		"HL*6*2*P~\nMAN*GM*001234567890123464~\n" +
		"HL*7*6*I~\nLIN*1*SK*SKU-1~\nSN1*1*6*CA~\nCTT*7~\n"
)

func in(id, body string) string {
	s := strings.ReplaceAll(strings.ReplaceAll(in940(body), "ST*940", "ST*"+id), "GS*OW", "GS*AR")
	return s
}

func TestA943AnnouncesWhatItSays(t *testing.T) {
	e, err := profile.Expected(set(t, in("943", whole943)))
	if err != nil {
		t.Fatal(err)
	}
	want := receiving.Announcement{
		Kind: receiving.KindASN, Supplier: "M3", Reference: "PO-7", Due: time.Date(2026, 11, 26, 23, 59, 59, 0, time.UTC),
		Lines: []receiving.Line{
			{Item: "SKU-1", Qty: 4, Lot: "L7", Expiry: "2027-01-31"},
			{Item: "SKU-2", Qty: 2, Lot: "L8", Serials: []string{"S1", "S2"}},
		},
	}
	if e.ID != "TR-9" || e.Scope != where || !reflect.DeepEqual(plain(e.Announcement), want) || !slices.Equal(e.Units, []string{"case", "each"}) {
		t.Errorf("%+v\nwant %+v", e, want)
	}
	if at, _ := e.At("lines[1].qty"); at.Element != "W04-01" {
		t.Errorf("%+v", at)
	}
}

func TestAn856AnnouncesWhatStandsInWhichPack(t *testing.T) {
	e, err := profile.Expected(set(t, in("856", whole856)))
	if err != nil {
		t.Fatal(err)
	}
	lines := []receiving.Line{
		{Item: "SKU-1", Qty: 24, Lot: "L7", Expiry: "2027-01-31", LPN: "001234567890123457"},
		{Item: "SKU-2", Qty: 2, LPN: "001234567890123457", Serials: []string{"S1", "S2"}},
		{Item: "SKU-1", Qty: 6, LPN: "001234567890123464"},
	}
	if e.ID != "ASN-5" || e.Announcement.Reference != "PO-7" || e.Scope.Facility != "dc1" || !reflect.DeepEqual(plain(e.Announcement).Lines, lines) || !slices.Equal(e.Units, []string{"each", "each", "case"}) {
		t.Errorf("%+v", e)
	}
	for purpose, cancels := range map[string]bool{"01": true, "03": true, "00": false, "05": false, "14": false} {
		e, err := profile.Expected(set(t, in("856", strings.Replace(whole856, "BSN*00", "BSN*"+purpose, 1))))
		if err != nil || e.Cancel != cancels || e.ID != "ASN-5" || (len(e.Announcement.Lines) == 3) == cancels {
			t.Errorf("BSN-01 %s: %+v, %v", purpose, e, err)
		}
	}
}

func TestWhatANoticeLacksIsNamedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ set, body, element string }{
		"no number":           {"943", strings.Replace(whole943, "TR-9", "", 1), "W06-02"},
		"no W06":              {"943", strings.Replace(whole943, "W06*J*TR-9*20261120*SHP-1**PO-7~\n", "", 1), "W06-02"},
		"another building":    {"943", strings.Replace(whole943, "92*W1", "92*W9", 1), "N1-04"},
		"no building":         {"943", strings.Replace(whole943, "N1*WH**92*W1~\n", "", 1), "N1"},
		"no lines":            {"943", "W06*J*TR-9*20261120~\n" + parties943, "W04"},
		"half a case":         {"943", strings.Replace(whole943, "W04*4", "W04*4.5", 1), "W04-01"},
		"no item":             {"943", strings.Replace(whole943, "SK*SKU-2", "ZZ*SKU-2", 1), "W04-05"},
		"a day that is none":  {"943", strings.Replace(whole943, "G62*17*20261126", "G62*17*20261326", 1), "G62-02"},
		"expiry that is none": {"943", strings.Replace(whole943, "G62*36*20270131", "G62*36*20270230", 1), "G62-02"},
		"856 adds to one":     {"856", strings.Replace(whole856, "BSN*00", "BSN*02", 1), "BSN-01"},
		"856 changes one":     {"856", strings.Replace(whole856, "BSN*00", "BSN*04", 1), "BSN-01"},
		"856 without number":  {"856", strings.Replace(whole856, "ASN-5", "", 1), "BSN-02"},
		"856 without items":   {"856", head856, "LIN"},
		"856 of nothing":      {"856", strings.Replace(whole856, "SN1*1*24", "SN1*1*0", 1), "SN1-02"},
		"856 item unnamed":    {"856", strings.Replace(whole856, "LIN**SK*SKU-2", "LIN**ZZ*SKU-2", 1), "LIN-03"},
		"another set":         {"940", full, "ST-01"},
	} {
		t.Run(name, func(t *testing.T) {
			p := set(t, in(c.set, c.body))
			e, err := profile.Expected(p)
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%+v, %v", e, err)
			}
			if x, ok := errors.AsType[*x12wms.Error](err); !ok || x.Findings[0].Element != c.element || x.Findings[0].Line == 0 {
				t.Errorf("%v, want %s", err, c.element)
			}
		})
	}
}

// Levels that turn in a circle, or have no parent, end somewhere.
func TestLevelsThatLeadNowhere(t *testing.T) {
	for _, body := range []string{
		head856 + "HL*3*3*I~\nLIN**SK*A~\nSN1**1*EA~\n",
		head856 + "HL*3*4*P~\nHL*4*3*I~\nLIN**SK*A~\nSN1**1*EA~\n",
		head856 + "HL*3*99*I~\nLIN**SK*A~\nSN1**1*EA~\n",
	} {
		e, err := profile.Expected(set(t, in("856", body)))
		if err != nil || len(e.Announcement.Lines) != 1 || e.Announcement.Lines[0].LPN != "" {
			t.Errorf("%+v, %v", e.Announcement, err)
		}
	}
}

// plain is an announcement without what is kept to answer in the sender's own codes.
func plain(a receiving.Announcement) receiving.Announcement {
	a.Parties, a.Lines = nil, slices.Clone(a.Lines)
	for i := range a.Lines {
		a.Lines[i].Codes = nil
	}
	return a
}
