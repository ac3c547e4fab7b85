package grammar_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	data "github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
)

const (
	isa      = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*0*P*>~\n"
	order940 = "W05*N*ORD-1*PO-9~\nN1*ST*CORNER SHOP*92*S1~\nN3*1 MAIN ST~\nN4*RENO*NV*89501*US~\nN1*WH**92*W1~\nG62*10*20261125~\nW66*PP*M***UPS~\n" +
		"LX*1~\nW01*2*CA*000100000016*VN*SKU-1~\nG69*BERRY~\nN9*LT*L1~\nLX*2~\nW01*30*EA**VN*SKU-2~\nW20****36*G*L~\nW76*32*90*LB~\n"
	order850 = "BEG*00*SA*PO-9**20261123~\nREF*DP*042~\nDTM*010*20261125~\nN1*ST*CORNER SHOP~\nPO1*1*12*EA*9.95**VN*SKU-1*UP*012345678905~\nPID*F****BERRY~\nCTT*1~\n"
)

// envelope puts a set's body into an interchange of the given release.
func envelope(set, group, release, body string) string {
	return isa + fmt.Sprintf("GS*%s*ACME*PAKLOG*20261123*0915*7*X*%s~\nST*%s*0001~\n%sSE*%d*0001~\nGE*1*7~\nIEA*1*000000007~\n",
		group, release, set, body, strings.Count(body, "~")+2)
}

func check(t *testing.T, data string) []x12.Finding {
	t.Helper()
	d, err := x12.Parse([]byte(data), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		grammar.Builtin().Check(p)
	}
	return d.Findings()
}

func TestPlantedErrorsAreFoundInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, set, old, new string
		want                string // severity code element loop ack, then the text at the offset
	}{
		{"clean 940", "940", "", "", ""},
		{"clean 850", "850", "", "", ""},
		{"mandatory element", "940", "W05*N*ORD-1", "W05*N*", "error element-missing W05-02  8/1 @*PO-9"},
		{"mandatory element behind the segment's end", "940", "G69*BERRY", "G69", "error element-missing G69-01 LX[1]/W01[1] 8/1 @~\nN9*"},
		{"mandatory element of blanks", "940", "W05*N*ORD-1", "W05*N*   ", "error element-missing W05-02  8/1 @   *P"},
		{"mandatory number of blanks", "940", "LX*2~", "LX*  ~", "error element-missing LX-01 LX[2] 8/1 @  ~\nW"},
		{"half a pair of blanks", "940", "*VN*SKU-2", "*VN*     ", "error element-conditional W01-05 LX[2]/W01[1] 8/2 @     "},
		{"two halves of blanks are none", "940", "*92*S1", "*  *  ", ""},
		{"blanks before and behind a value are none of its lack", "940", "W05*N*ORD-1*", "W05*N* O *", ""},
		{"mandatory segment out of order", "940", order940[:strings.Index(order940, "N1*WH")], "N1*ST*CORNER SHOP*92*S1~\nW05*N*ORD-1*PO-9~\n", "error segment-missing W05  3/ @N1*ST\nerror segment-sequence W05  7/ @W05*N"},
		{"too long", "940", "N4*RENO*NV", "N4*RENO*NEV", "error element-too-long N4-02 N1[1] 8/5 @NEV*8"},
		{"too short", "940", "000100000016", "00010000001", "error element-too-short W01-03 LX[1]/W01[1] 8/4 @00010"},
		{"no number", "940", "W01*30", "W01*3O", "error element-character W01-01 LX[2]/W01[1] 8/6 @3O*EA"},
		{"two points", "940", "W76*32*90*", "W76*32*9.0.0*", "error element-character W76-02  8/6 @9.0.0"},
		{"impossible date", "940", "20261125", "20261131", "error element-date G62-02  8/8 @20261"},
		{"control character", "940", "BERRY", "BER\x07RY", "error element-character G69-01 LX[1]/W01[1] 8/6 @BER\x07R"},
		{"half a pair", "940", "*VN*SKU-2", "*VN", "error element-conditional W01-05 LX[2]/W01[1] 8/2 @~\nW20"},
		{"half a pair before", "940", "*92*S1", "**S1", "error element-conditional N1-03 N1[1] 8/2 @*S1~\n"},
		{"one of two", "940", "N9*LT*L1", "N9*LT", "error element-conditional N9-02 LX[1]/W01[1] 8/2 @~\nLX*"},
		{"a link without its master", "940", "ORD-1*PO-9~", "ORD-1*PO-9*001002~", "error element-conditional W05-05  8/2 @~\nN1*"},
		{"a master without its link", "940", "ORD-1*PO-9~", "ORD-1*PO-9**M-1~", "error element-conditional W05-04  8/2 @*M-1~"},
		{"mandatory first segment", "940", "W05*N*ORD-1*PO-9~\n", "", "error segment-missing W05  3/ @N1*ST"},
		{"mandatory segment of a loop", "940", "W01*30*EA**VN*SKU-2~\nW20****36*G*L~\n", "", "error segment-missing W01 LX[2] 3/ @W76*3\nwarning sum-mismatch W76-01  / @32*90"},
		{"mandatory loop", "940", order940[strings.Index(order940, "LX*1"):strings.Index(order940, "W76")], "", "error segment-missing LX  3/ @W76*3\nwarning sum-mismatch W76-01  / @32*90"},
		{"segment too late", "940", "LX*1~\n", "G62*02*20261130~\nLX*1~\n", "error segment-sequence G62  7/ @G62*0"},
		{"segment outside its loop", "940", "LX*1~\n", "G69*BERRY~\nLX*1~\n", "error segment-unexpected G69  2/ @G69*B"},
		{"segment too often", "940", "W76*32*90*LB~\n", "W76*32*90*LB~\nW76*32~\n", "error segment-repeats W76  5/ @W76*3"},
		{"loop too often", "940", "N1*WH**92*W1~\n", strings.Repeat("N1*WH**92*W1~\n", 10), "error loop-repeats N1 N1[11] 4/ @N1*WH"},
		{"unknown segment is a note", "940", "LX*1~\n", "ZZZ*1~\nLX*1~\n", "note segment-unknown ZZZ  / @ZZZ*1"},
		{"unknown element is a note", "940", "LX*1~\n", "LX*1*X~\n", "note element-unknown LX-02 LX[1] / @X~\nW0"},
		{"mandatory segment of an 850", "850", "BEG*00*SA*PO-9**20261123~\n", "", "error segment-missing BEG  3/ @REF*D"},
		{"unit without quantity", "850", "PO1*1*12*EA", "PO1*1**EA", "error element-conditional PO1-02 PO1[1] 8/2 @*EA*9"},
		{"no lines", "850", "PO1*1*12*EA*9.95**VN*SKU-1*UP*012345678905~\nPID*F****BERRY~\n", "", "error segment-missing PO1  3/ @CTT*1\nerror count-mismatch CTT-01  8/7 @1~\nSE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, group := order940, "OW"
			if c.set == "850" {
				body, group = order850, "PO"
			}
			if !strings.Contains(body, c.old) {
				t.Fatalf("%q is not in the document", c.old)
			}
			data := envelope(c.set, group, "004010", strings.Replace(body, c.old, c.new, 1))
			var got []string
			for _, f := range check(t, data) {
				at := data[f.Offset:]
				got = append(got, fmt.Sprintf("%v %s %s %s %s/%s @%s", f.Severity, f.Code, f.Element, f.Loop, f.Ack.AK3, f.Ack.AK4, at[:min(5, len(at))]))
				if line := strings.Count(data[:f.Offset], "\n") + 1; f.Line != line {
					t.Errorf("%s: line %d, want %d", f.Code, f.Line, line)
				}
				// ISA and GS stand on lines of their own, so ST, ordinal 1, is on line 3.
				if f.Segment != f.Line-2 {
					t.Errorf("%s: segment %d on line %d", f.Code, f.Segment, f.Line)
				}
				if f.Layer != x12.LayerStandard || f.Set != "0001" || f.Message == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if s := strings.Join(got, "\n"); s != c.want {
				t.Errorf("found\n%q\nwant\n%q", s, c.want)
			}
		})
	}
}

func TestOtherReleasesNeverReject(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"003040", "004030", "006020", "X"} {
		f := check(t, envelope("940", "OW", release, strings.Replace(order940, "W05*N*ORD-1", "W05*N*", 1)))
		if len(f) != 2 || f[0].Code != data.CodeNearestRelease || f[1].Code != data.CodeMissingElement || x12.Worst(f) != x12.Warning {
			t.Errorf("release %q: %v", release, f)
		}
	}
	if f := check(t, envelope("940", "OW", "", order940)); len(f) != 2 || f[0].Code != x12.CodeGroupVersion || f[1].Code != data.CodeNearestRelease {
		t.Errorf("no release: %v", f)
	}
	if f := check(t, envelope("940", "OW", "004010VICS", order940)); len(f) > 0 {
		t.Errorf("an industry's 004010 is 004010: %v", f)
	}
}

func TestUnknownSetIsANote(t *testing.T) {
	t.Parallel()
	f := check(t, envelope("998", "SW", "004010", "ZZ*1~\n"))
	if len(f) != 1 || f[0].Code != data.CodeUnknownSet || f[0].Severity != x12.Note {
		t.Errorf("%v", f)
	}
}

func FuzzGrammarAndSet(f *testing.F) {
	f.Add("N1 M AN 1-2 3 ; P0102", "set 940 004010 OW\nloop N1 M 1\n  N1 M 1", order940)
	f.Add("W05 M ID 1-1 1", "set 940 004010 OW\nW05 M 1\nloop LX O 2\n  LX M 1\n  loop W01 M 3\n    W01 M 1", order940)
	f.Fuzz(func(t *testing.T, segments, set, body string) {
		l := &grammar.Library{Library: data.NewLibrary()}
		if l.AddSegments("004010", segments) != nil || l.AddSet(set) != nil {
			l = grammar.Builtin()
		}
		d, err := x12.Parse([]byte(envelope("940", "OW", "004010", body)), x12.Limits{Findings: 50})
		if err != nil {
			return
		}
		for p := range d.Sets() {
			l.Check(p)
			for _, f := range p.Findings {
				if f.Offset < p.Offset || f.Offset+int64(f.Length) > p.Offset+int64(len(p.Raw)) || f.Line < 1 || f.Message == "" {
					t.Fatalf("finding outside its set: %+v", f)
				}
			}
		}
	})
}

// What a level is that the profile does not know nobody can say: that is told, in its place, and no more.
func TestAnUnknownLevelOfAShipNoticeIsANote(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/856-level.edi")
	if err != nil {
		t.Fatal(err)
	}
	f := check(t, string(data))
	if len(f) != 1 || f[0].Severity != x12.Note || f[0].Code != "qualifier-unknown" || f[0].Element != "HL-03" || !strings.HasPrefix(string(data[f[0].Offset:]), "F~\nREF") {
		t.Errorf("%v", f)
	}
}
