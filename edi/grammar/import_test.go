package grammar_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/edi/grammar"
)

const sef = `.VER 1.6
.INI
TEST,,004010,X,X12-4.10,Nobody's own
.SETS
900=^[ST,M][HD,M]{:>1[N1,,1][.N4,,2]}{LN:99[LN,M]}+20[TO][SE,M]
.SEGS
HD=[1,M][!2]
N1=[3,M][4]+R0304P0102E0102+C0201
N4=[5]
LN=[6,M][7,M]{2[C01][9]}
TO=[8]
.COMS
C01=[10,M][11]
.ELMS
1=AN,1,10
2=ID,2,2
3=ID,2,2
4=AN,1,20
5=AN,2,30
6=AN,1,6
7=R,1,9
8=N2,1,9
9=XX,1,2
10=AN,1,3
11=AN,1,35
.CODES
2=AA,BB
.TEXT
1,nothing we read
`

func TestSEFBecomesAGrammar(t *testing.T) {
	t.Parallel()
	got, err := grammar.SEF(sef, "R1", map[string]string{"900": "ZZ"})
	if err != nil {
		t.Fatal(err)
	}
	const segments = `# Release R1, imported from SEF.
replace
composite C01 M AN 1-3 10 | O AN 1-35 11
HD M AN 1-10 1 | O ID 2-2 2 (AA,BB)
LN M AN 1-6 6 | M R 1-9 7 | O C 1-999 C01 | ? | O C 1-999 C01 | ?
N1 M ID 2-2 3 | O AN 1-20 4 ; R0304 P0102 E0102 C0201
N4 O AN 2-30 5
TO O N2 1-9 8
`
	const set = "set 900 R1 ZZ\nHD M 1\nloop N1 O 999999\n  N1 M 1\n  N4 O 2\nloop LN M 99\n  LN M 1\nTO O 1\n"
	if got.Segments != segments {
		t.Errorf("segments:\n%s\nwant\n%s", got.Segments, segments)
	}
	if got.Sets["900"] != set {
		t.Errorf("set:\n%s\nwant\n%s", got.Sets["900"], set)
	}
	if left := strings.Join(got.Left, ", "); left != `element 9, section .TEXT, usage mark "!" of 2, usage mark "." of N4` {
		t.Errorf("left out: %s", left)
	}
	l := grammar.NewLibrary()
	if err := l.AddSegments("R1", got.Segments); err != nil {
		t.Error(err)
	}
	if err := l.AddSet(got.Sets["900"]); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{".SETS", ".SET", "no .SETS"},
		{"[SE,M]", "[SE,M", "not closed"},
		{"[.N4,,2]}", "[.N4,,2]", "not closed"},
		{"{LN:99[LN,M]}", "[LN,M]}", "not opened"},
		{":99", ":many", "number of occurrences"},
		{"{LN:99[LN,M]}", "{LN:99}", "begin with a segment"},
		{"{2[C01]", "{0[C01]", "repetitions"},
	} {
		if !strings.Contains(sef, c.old) {
			t.Fatalf("%s is not in it", c.old)
		}
		if _, err := grammar.SEF(strings.Replace(sef, c.old, c.new, 1), "R1", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.new, err, c.want)
		}
	}
}

const xsdText = `<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:element name="X12_R1_900"><xs:complexType><xs:sequence>
  <xs:element ref="ST"/>
  <xs:element ref="HD"/>
  <xs:element minOccurs="0" maxOccurs="5" name="N1Loop1"><xs:complexType><xs:sequence>
   <xs:element name="N1"><xs:complexType><xs:sequence><xs:element name="N101" type="X12_ID_98"/><xs:element minOccurs="0" name="N102"><xs:simpleType><xs:restriction base="X12_AN"><xs:minLength value="1"/><xs:maxLength value="60"/></xs:restriction></xs:simpleType></xs:element></xs:sequence></xs:complexType></xs:element>
   <xs:element minOccurs="0" name="N4"><xs:complexType><xs:sequence><xs:element name="N401" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element minOccurs="0" maxOccurs="unbounded" name="NTE"><xs:complexType><xs:sequence><xs:element name="NTE01"><xs:complexType><xs:sequence><xs:element name="C00101" type="xs:decimal"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
 </xs:sequence></xs:complexType></xs:element>
 <xs:element name="ST"><xs:complexType><xs:sequence><xs:element name="ST01" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
 <xs:element name="HD"><xs:complexType><xs:sequence><xs:element name="HD01" type="X12_DT"/></xs:sequence></xs:complexType></xs:element>
 <xs:simpleType name="X12_ID_98"><xs:restriction base="X12_ID"><xs:minLength value="2"/><xs:maxLength value="3"/><xs:enumeration value="ST"/><xs:enumeration value="BY"/></xs:restriction></xs:simpleType>
 <xs:simpleType name="X12_DT"><xs:restriction base="xs:string"><xs:length value="8"/></xs:restriction></xs:simpleType>
</xs:schema>`

func TestXSDBecomesAGrammar(t *testing.T) {
	t.Parallel()
	got, err := grammar.XSD(xsdText, "900", "R1", "ZZ")
	if err != nil {
		t.Fatal(err)
	}
	const segments = `# Release R1, imported from XSD.
replace
composite NTE01 M R 1-999 C00101
HD M DT 8-8 HD01
N1 M ID 2-3 N101 (ST,BY) | O AN 1-60 N102
N4 M AN 1-999 N401
NTE M C 1-999 NTE01
`
	const set = "set 900 R1 ZZ\nHD M 1\nloop N1 O 5\n  N1 M 1\n  N4 O 1\nNTE O 999999\n"
	if got.Segments != segments {
		t.Errorf("segments:\n%s\nwant\n%s", got.Segments, segments)
	}
	if got.Sets["900"] != set {
		t.Errorf("set:\n%s\nwant\n%s", got.Sets["900"], set)
	}
	l := grammar.NewLibrary()
	if err := l.AddSegments("R1", got.Segments); err != nil {
		t.Error(err)
	}
	if err := l.AddSet(got.Sets["900"]); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "EOF"}, {"<a/>", "not a schema"}, {strings.ReplaceAll(xsdText, "900", "901"), "set 900"},
		{`<schema><element name="900"/></schema>`, "no segments"},
	} {
		if _, err := grammar.XSD(c.text, "900", "R1", ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add(sef)
	f.Add(xsdText)
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func() (*grammar.Imported, error){
			func() (*grammar.Imported, error) { return grammar.SEF(text, "R1", nil) },
			func() (*grammar.Imported, error) { return grammar.XSD(text, "900", "R1", "ZZ") },
		} {
			got, err := read()
			if err != nil {
				continue
			}
			l := grammar.NewLibrary() // must end, and not panic, whatever it says of what was read
			_ = l.AddSegments("R1", got.Segments)
			for _, s := range got.Sets {
				_ = l.AddSet(s)
			}
		}
	})
}

func FuzzOverlay(f *testing.F) {
	f.Add(acme, "HD*1*AA N1*ST*SHOP LN*1*12*A:B TO*12")
	f.Fuzz(func(t *testing.T, text, document string) {
		o, err := grammar.ParseOverlay([]byte(text))
		if err != nil {
			return
		}
		l, err := library(t).With(o)
		if err != nil {
			return
		}
		check(t, l, document, grammar.Syntax{Component: ':', Repetition: '^', Release: '?'})
		s, _ := l.Find("900", "R1")
		if x, err := s.Sample(); err == nil {
			s.Mutate(x)
		}
	})
}

// BizTalk keeps schemas in UTF-16.
func TestASchemaInUTF16IsRead(t *testing.T) {
	t.Parallel()
	const text = `<?xml version="1.0" encoding="utf-16"?><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="X12_900"><xs:complexType><xs:sequence><xs:element name="HD"><xs:complexType><xs:sequence>
<xs:element name="HD01"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element></xs:schema>`
	wide := func(mark string, high int) string {
		b := []byte(mark)
		for _, c := range []byte(text) {
			pair := [2]byte{c, c}
			pair[high] = 0
			b = append(b, pair[0], pair[1])
		}
		return string(b)
	}
	want, err := grammar.XSD(text, "900", "R1", "ZZ")
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"little end first": wide("\xFF\xFE", 1), "big end first": wide("\xFE\xFF", 0), "without a mark": wide("", 1),
		"big end first, without a mark": wide("", 0), "UTF-8 with a mark": "\uFEFF" + text} {
		got, err := grammar.XSD(in, "900", "R1", "ZZ")
		if err != nil || got.Segments != want.Segments || got.Sets["900"] != want.Sets["900"] {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "<", wide("\xFF\xFE", 1)[:101], wide("\xFF\xFE", 0)} {
		if _, err := grammar.XSD(bad, "900", "R1", "ZZ"); err == nil {
			t.Errorf("%.20q is taken", bad)
		}
	}
}
