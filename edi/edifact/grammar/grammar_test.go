package grammar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
	data "github.com/paklog/hub/edi/grammar"
)

const (
	unb    = "UNB+UNOC:3+4012345000009:14+4098765000004:14+261123:0915+REF7'\n"
	orders = "BGM+220+ORD-1+9'\nDTM+137:20261123:102'\nRFF+CT:K7'\nNAD+BY+4012345000009::9'\nCTA+OC+:Jo Buyer'\nCOM+5551:TE'\nNAD+DP+++Corner Shop:Reno+Main St 1+Reno+NV+89501+US'\nTDT+20++30'\nTOD+3++PP'\n" +
		"LIN+1++4012345000023:EN'\nPIA+1+SKU-1:SA'\nIMD+F++:::Berry'\nQTY+21:12.5:KGM'\nPRI+AAA:9,95'\nLIN+2++4012345000030:EN'\nQTY+21:2'\nRFF+LI:20'\nUNS+S'\nMOA+79:119'\nCNT+2:2'\n"
	desadv = "BGM+351+DES-1+9'\nDTM+11:202611231500:203'\nRFF+ON:ORD-1'\nNAD+DP+4012345000016::9'\nTDT+20++30+31'\nCPS+1'\nPAC+1++201'\nCPS+2+1'\nPAC+1++CT'\nMEA+PD+AAB+KGM:12.5'\nPCI+33E'\nGIN+BJ+340123450000000017'\n" +
		"LIN+1++4012345000023:EN'\nQTY+12:2'\nGIN+BN+S1+S2'\nDTM+361:20270101:102'\nCNT+2:1'\n"
	invoic = "BGM+380+INV-1+9'\nDTM+137:20261123:102'\nNAD+BY+4012345000009::9'\nRFF+VA:DE1'\nCUX+2:EUR:4'\nLIN+1++4012345000023:EN'\nQTY+47:2'\nMOA+203:19.90'\nPRI+AAA:9.95'\nTAX+7+VAT+++:::19'\nUNS+S'\nMOA+77:23.68'\nTAX+7+VAT+++:::19'\nMOA+124:3.78'\n"
	invrpt = "BGM+35+STK-1+9'\nDTM+137:20261123:102'\nNAD+WH+4012345000009::9'\nLIN+1++4012345000023:EN'\nPIA+1+SKU-1:SA'\nLOC+14+A1'\nQTY+145:20'\nSTS+1+AVA'\nQTY+33:2'\n"
	recadv = "BGM+632+REC-1+9'\nDTM+50:20261123:102'\nRFF+AAK:DES-1'\nNAD+BY+4012345000009::9'\nCPS+1'\nPAC+1'\nPCI+33E'\nGIN+BJ+340123450000000017'\nLIN+1++4012345000023:EN'\nQTY+12:3'\nQTY+194:2'\nQVR+-1:194'\nCNT+2:1'\n"
	iftmin = "BGM+610+TR-1+9'\nDTM+137:20261123:102'\nCNT+11:1'\nLOC+9+USRNO'\nRFF+CU:1'\nTDT+20++30+31'\nNAD+CZ+4012345000009::9'\nNAD+CN+++Corner Shop'\nGID+1+2:CT'\nFTX+AAA+++BERRIES'\nMEA+AAE+G+KGM:12.5'\nPCI+33E'\nGIN+BJ+340123450000000017'\nDGS+ADR+3:1+1950'\nEQD+CN+ABCU1234567'\n"
	contrl = "UCI+REF7+A:14+B:14+8'\nUCM+1+ORDERS:D:96A:UN+4'\nUCS+3+13'\nUCS+4'\nUCD+39+4:1'\nUCM+2+ORDERS:D:96A:UN+7'\n"
	aperak = "BGM+313+APE-1+9'\nDTM+137:202611230915:203'\nRFF+ACW:ORD-1'\nNAD+BY+4012345000009::9'\nERC+12'\nFTX+AAO+++no such item'\nRFF+LI:1'\n"
	ordchg = "BGM+230+ORD-1+4'\nDTM+137:20261124:102'\nRFF+ON:ORD-1'\nNAD+BY+4012345000009::9'\nLIN+1+3+4012345000023:EN'\nQTY+21:4'\nDTM+2:20261201:102'\nLIN+2+2'\nUNS+S'\nCNT+2:2'\n"
	ordrsp = "BGM+231+RSP-1+29'\nDTM+137:20261123:102'\nRFF+ON:ORD-1'\nAJT+10'\nNAD+BY+4012345000009::9'\nLIN+1+5+4012345000023:EN'\nQTY+12:2'\nAJT+20'\nUNS+S'\n"
)

// envelope puts a message's body into an interchange.
func envelope(kind, directory, body string) string {
	return unb + fmt.Sprintf("UNH+1+%s:%s:%s:UN'\n%sUNT+%d+1'\nUNZ+1+REF7'\n", kind, directory[:1], directory[1:], body, strings.Count(body, "'\n")+2)
}

func check(t *testing.T, text string) []edifact.Finding {
	t.Helper()
	d, err := edifact.Parse([]byte(text), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		grammar.Builtin().Check(p)
	}
	return d.Findings()
}

func TestEachMessageHasAProfileInBothDirectories(t *testing.T) {
	t.Parallel()
	for kind, body := range map[string]string{"ORDERS": orders, "ORDCHG": ordchg, "ORDRSP": ordrsp, "DESADV": desadv, "INVOIC": invoic, "INVRPT": invrpt, "RECADV": recadv, "IFTMIN": iftmin, "APERAK": aperak, "CONTRL": contrl} {
		for _, directory := range []string{"D96A", "D01B"} {
			if f := check(t, envelope(kind, directory, body)); len(f) > 0 {
				t.Errorf("a clean %s of %s: %v", kind, directory, f)
			}
		}
	}
	if f := check(t, envelope("CONTRL", "23", contrl)); len(f) > 0 {
		t.Errorf("CONTRL is of no directory: %v", f)
	}
}

func TestPlantedErrorsAreFoundInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind, old, new string
		want                 string // severity code element group ack, then the text at the offset
	}{
		{"mandatory element", "ORDERS", "TDT+20++30", "TDT+++30", "error element-missing TDT-01 TDT[1] 13 @++30'"},
		{"mandatory element of blanks", "ORDERS", "NAD+DP+", "NAD+   +", "error element-missing NAD-01 NAD[2] 13 @   ++"},
		{"mandatory component of blanks", "ORDERS", "RFF+CT:K7", "RFF+  :K7", "error element-missing RFF-01-1 RFF[1] 13 @  :K7"},
		{"mandatory composite of blanks", "ORDERS", "RFF+CT:K7", "RFF+ ", "error element-missing RFF-01 RFF[1] 13 @ '\nNA"},
		{"blanks behind a released separator", "ORDERS", "RFF+CT:K7", "RFF+  :?:7", "error element-missing RFF-01-1 RFF[1] 13 @  :?:"},
		{"mandatory segment out of order", "ORDERS", "BGM+220+ORD-1+9'\nDTM", "DTM+137:20261123:102'\nBGM+220+ORD-1+9'\nDTM", "error segment-missing BGM  13 @DTM+1\nerror segment-sequence BGM  15 @BGM+2"},
		{"mandatory component", "ORDERS", "QTY+21:2'\nRFF", "QTY+21'\nRFF", "error element-missing QTY-01-2 LIN[2] 13 @'\nRFF"},
		{"mandatory composite", "ORDERS", "RFF+CT:K7", "RFF", "error element-missing RFF-01 RFF[1] 13 @'\nNAD"},
		{"too long", "ORDERS", "BGM+220+ORD-1+9", "BGM+220+ORD-1+9999", "error element-too-long BGM-03  39 @9999'"},
		{"too long a component", "ORDERS", "CTA+OC+:Jo", "CTA+OC+123456789012345678:Jo", "error element-too-long CTA-02-1 NAD[1]/CTA[1] 39 @12345"},
		{"a released character is one", "ORDERS", "NAD+DP+++Corner Shop", "NAD+DP+++Corner??Shop?+1234567890?'1234567890", ""},
		{"too long a component behind a released separator", "ORDERS", "CTA+OC+:Jo", "CTA+OC+1?:3:1?+34?:678901234567890123456789012345678", "error element-too-long CTA-02-2 NAD[1]/CTA[1] 39 @1?+34"},
		{"a missing component before a released separator", "ORDERS", "COM+5551:TE", "COM+5551?:TE", "error element-missing COM-01-2 NAD[1]/CTA[1] 13 @'\nNAD"},
		{"a surplus component behind a released separator", "ORDERS", "RFF+CT:K7", "RFF+CT:K?:7:1:2:3?:4:4", "note element-components RFF-01 RFF[1]  @CT:K?"},
		{"no number", "ORDERS", "QTY+21:12.5", "QTY+21:12x5", "error element-character QTY-01-2 LIN[1] 37 @12x5:"},
		{"two decimal marks", "ORDERS", "PRI+AAA:9,95", "PRI+AAA:9,9.5", "error element-character PRI-01-2 LIN[1]/PRI[1] 37 @9,9.5"},
		{"a date by its format", "ORDERS", "137:20261123:102", "137:20261131:102", "error element-date DTM-01-2  12 @20261"},
		{"a date of another format", "DESADV", "202611231500:203", "20261123:203", "error element-date DTM-01-2  12 @20261"},
		{"mandatory first segment", "ORDERS", "BGM+220+ORD-1+9'\n", "", "error segment-missing BGM  13 @DTM+1"},
		{"mandatory segment at the end", "ORDERS", "UNS+S'\n", "", "error segment-missing UNS  13 @MOA+7"},
		{"mandatory group at the end", "INVOIC", "MOA+77:23.68'\n", "", "error segment-missing MOA  13 @TAX+7"},
		{"segment too late", "ORDERS", "UNS+S'", "CUX+2:EUR'\nUNS+S'", "error segment-sequence CUX  15 @CUX+2"},
		{"segment outside its group", "ORDERS", "TDT+20++30'", "COM+5551:TE'\nTDT+20++30'", "error segment-unexpected COM NAD[2] 15 @COM+5"},
		{"segment outside any group", "IFTMIN", "CNT+11:1'", "CNT+11:1'\nPCI+33E'", "error segment-unexpected PCI  15 @PCI+3"},
		{"segment too often", "ORDERS", "BGM+220+ORD-1+9'\n", "BGM+220+ORD-1+9'\nBGM+220'\n", "error segment-repeats BGM  35 @BGM+2"},
		{"group too often", "ORDERS", "TOD+3++PP'\n", strings.Repeat("TOD+3++PP'\n", 6), "error loop-repeats TOD TOD[6] 36 @TOD+3"},
		{"unknown segment is a note", "ORDERS", "UNS+S'", "ZZZ+1'\nUNS+S'", "note segment-unknown ZZZ LIN[2]/RFF[1]  @ZZZ+1"},
		{"unknown element is a note", "ORDERS", "BGM+220+ORD-1+9", "BGM+220+ORD-1+9+AB+X", "note element-unknown BGM-05   @X'\nDT"},
		{"unknown component is a note", "ORDERS", "RFF+CT:K7", "RFF+CT:K7:1:2:3:4", "note element-components RFF-01 RFF[1]  @CT:K7"},
		{"section of no kind", "ORDERS", "UNS+S", "UNS+X", "note code-unknown UNS-01   @X'\nMO"},
		{"count of changed lines", "ORDCHG", "CNT+2:2", "CNT+2:3", "error count-mismatch CNT-01-2  29 @3'\nUN"},
		{"a change of no date", "ORDCHG", "DTM+137:20261124:102'\n", "", "error segment-missing DTM  13 @RFF+O"},
		{"a quantity of no line", "ORDCHG", "RFF+ON:ORD-1'\n", "QTY+21:4'\nRFF+ON:ORD-1'\n", "error segment-unexpected QTY  15 @QTY+2"},
		{"count of lines", "ORDERS", "CNT+2:2", "CNT+2:3", "error count-mismatch CNT-01-2  29 @3'\nUN"},
		{"number of a package level", "DESADV", "CPS+2+1", "CPS+2+9", "warning hierarchy CPS-02 CPS[2]  @9'\nPA"},
		{"check digit of an SSCC", "DESADV", "340123450000000017", "340123450000000019", "warning check-digit GIN-02-1 CPS[2]/PAC[1]/PCI[1]/GIN[1]  @34012"},
		{"check digit of an item", "INVOIC", "4012345000023", "4012345000024", "warning check-digit LIN-03-1 LIN[1]  @40123"},
		{"verdict of no kind is a note", "CONTRL", "UCM+2+ORDERS:D:96A:UN+7", "UCM+2+ORDERS:D:96A:UN+5", "note code-unknown UCM-03 UCM[2]  @5'\nUN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := map[string]string{"ORDERS": orders, "ORDCHG": ordchg, "DESADV": desadv, "INVOIC": invoic, "IFTMIN": iftmin, "CONTRL": contrl}[c.kind]
			if !strings.Contains(body, c.old) {
				t.Fatalf("%q is not in the document", c.old)
			}
			text := envelope(c.kind, "D96A", strings.Replace(body, c.old, c.new, 1))
			var got []string
			for _, f := range check(t, text) {
				at := text[f.Offset:]
				got = append(got, fmt.Sprintf("%v %s %s %s %s @%s", f.Severity, f.Code, f.Element, f.Loop, f.Ack.UCD, at[:min(5, len(at))]))
				if line := strings.Count(text[:f.Offset], "\n") + 1; f.Line != line || f.Segment != line-1 {
					t.Errorf("%s: line %d segment %d, want line %d", f.Code, f.Line, f.Segment, line)
				}
				if f.Layer != finding.Standard || f.Set != "1" || f.Interchange != "REF7" || f.Message == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if s := strings.Join(got, "\n"); s != c.want {
				t.Errorf("found\n%q\nwant\n%q", s, c.want)
			}
		})
	}
}

func TestOtherDirectoriesNeverReject(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(orders, "TDT+20++30", "TDT+++30", 1)
	for directory, nearest := range map[string]string{"D93A": "D96A", "D97A": "D96A", "D99B": "D96A", "D00A": "D96A", "D01C": "D01B", "D21B": "D01B", "S93A": "D96A"} {
		f := check(t, envelope("ORDERS", directory, bad))
		if len(f) != 2 || f[0].Code != data.CodeNearestRelease || f[0].Expected != nearest || f[1].Code != data.CodeMissingElement || finding.Worst(f) != finding.Warning {
			t.Errorf("directory %s: %v", directory, f)
		}
	}
}

func TestUnknownMessageIsANote(t *testing.T) {
	t.Parallel()
	f := check(t, envelope("PAXLST", "D96A", "ZZZ+1'\n"))
	if len(f) != 1 || f[0].Code != data.CodeUnknownSet || f[0].Severity != finding.Note {
		t.Errorf("%v", f)
	}
}

func TestVersion4RepeatsElements(t *testing.T) {
	t.Parallel()
	text := strings.Replace(envelope("ORDERS", "D01B", strings.Replace(orders, "COM+5551:TE", "COM+5551:TE*a?*b@c:EM", 1)), "UNOC:3", "UNOC:4", 1)
	if f := check(t, text); finding.Worst(f) > finding.Note {
		t.Errorf("%v", f)
	}
}

func FuzzGrammarAndMessage(f *testing.F) {
	f.Add("RFF M C 1-99 C506", "set ORDERS D96A\nloop RFF M 1\n  RFF M 1", orders)
	f.Add("composite C507 M AN 1-3 2005 | O AN 1-35 2380\nDTM M C 1-99 C507", "set ORDERS D96A\nDTM M 1\nrule count CNT-01-2[01-1=2] LIN", desadv)
	f.Fuzz(func(t *testing.T, segments, set, body string) {
		l := grammar.NewLibrary()
		if l.AddSegments("D96A", segments) != nil || l.AddSet(set) != nil {
			l = grammar.Builtin()
		}
		d, err := edifact.Parse([]byte(envelope("ORDERS", "D96A", body)), edifact.Limits{Findings: 50})
		if err != nil {
			return
		}
		for p := range d.Messages() {
			l.Check(p)
			for _, f := range p.Findings {
				if f.Offset < p.Offset || f.Offset+int64(f.Length) > p.Offset+int64(len(p.Raw)) || f.Line < 1 || f.Message == "" {
					t.Fatalf("finding outside its message: %+v", f)
				}
			}
		}
	})
}
