package x12

import (
	"fmt"
	"strings"
	"testing"
)

// seen is the findings of data, each as "code element text-at-offset".
func seen(t *testing.T, data string) (shapes string, found []string) {
	t.Helper()
	d, err := Parse([]byte(data), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	checkLaw(t, []byte(data), d.Parts)
	for _, f := range d.Findings() {
		at := data[f.Offset:]
		found = append(found, fmt.Sprintf("%s %s %.6s", f.Code, f.Element, at))
		line := strings.Count(data[:f.Offset], "\n") + 1
		column := int(f.Offset) - strings.LastIndexByte(data[:f.Offset], '\n')
		if f.Line != line || f.Column != column {
			t.Errorf("%s stands at %d:%d, said is %d:%d", f.Code, line, column, f.Line, f.Column)
		}
	}
	return shape(d), found
}

func TestEnvelopeFaultsAreFoundInTheirPlace(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		if !strings.Contains(plain, from) {
			t.Fatalf("%q is not in the document", from)
		}
		return strings.Replace(plain, from, to, 1)
	}
	for _, c := range []struct{ name, data, shape, want string }{
		{"clean", plain, "[00401 940 940]", ""},
		{"segment count", change("SE*7*0001", "SE*8*0001"), "[00401 940 940]", "se01-count SE-01 8*0001"},
		{"segment count that is no number", change("SE*7*0001", "SE*x*0001"), "[00401 940 940]", "se01-count SE-01 x*0001"},
		{"segment lost", change("LX*1~", ""), "[00401 940 940]", "se01-count SE-01 7*0001"},
		{"control number of the set", change("SE*7*0001", "SE*7*0009"), "[00401 940 940]", "se02-control SE-02 0009~S"},
		{"control number used twice", strings.ReplaceAll(plain, "0002~", "0001~"), "[00401 940 940]", "st02-repeated ST-02 0001~W"},
		{"no control number", strings.NewReplacer("ST*940*0001", "ST*940", "SE*7*0001", "SE*7").Replace(plain), "[00401 940 940]", "st02-missing ST-02 ~W05*N"},
		{"no identifier", change("ST*940*0001", "ST**0001"), "[00401  940]", "st01-missing ST-01 *0001~"},
		{"missing SE", change("SE*7*0001~", ""), "[00401 940 940]", "se-missing SE ST*940"},
		{"missing SE at the end of the group", change("SE*6*0002~", ""), "[00401 940 940]", "se-missing SE GE*2*7"},
		{"cut off in a set", plain[:strings.Index(plain, "LX*1")], "[00401 940]", "se-missing SE |ge-missing GE |iea-missing IEA "},
		{"set count", change("GE*2*7", "GE*3*7"), "[00401 940 940]", "ge01-count GE-01 3*7~IE"},
		{"control number of the group", change("GE*2*7", "GE*2*8"), "[00401 940 940]", "ge02-control GE-02 8~IEA*"},
		{"missing GE", change("GE*2*7~", ""), "[00401 940 940]", "ge-missing GE IEA*1*"},
		{"missing GS", change("GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~", ""), "[00401 940 940 ?GE]",
			"set-outside-group ST ST*940|set-outside-group ST ST*940|segment-outside-set GE GE*2*7|iea01-count IEA-01 1*0000"},
		{"group control number that cannot be answered", strings.NewReplacer("0915*7*X", "0915*SEVEN*X", "GE*2*7", "GE*2*SEVEN").Replace(plain), "[00401 940 940]", "gs06-value GS-06 SEVEN*"},
		{"a control number that is too short", strings.ReplaceAll(plain, "*0001", "*1"), "[00401 940 940]", "st02-value ST-02 1~W05*"},
		{"a control number that is too long", strings.ReplaceAll(plain, "*0001", "*0000000001"), "[00401 940 940]", "st02-value ST-02 000000"},
		{"surplus elements of a set's trailer", change("SE*7*0001", "SE*7*0001*X"), "[00401 940 940]", "envelope-surplus SE-03 X~ST*9"},
		{"an empty surplus element is none", change("SE*7*0001", "SE*7*0001**"), "[00401 940 940]", ""},
		{"surplus elements of a set's header", change("ST*940*0001", "ST*940*0001**X"), "[00401 940 940]", "envelope-surplus ST-04 X~W05*"},
		{"surplus elements of a group's header", change("*X*004010", "*X*004010*Y"), "[00401 940 940]", "envelope-surplus GS-09 Y~ST*9"},
		{"date of the group", change("*20261123*0915*7", "*20261131*0915*7"), "[00401 940 940]", "gs-element GS-04 202611"},
		{"time of the group", change("*20261123*0915*7", "*20261123*2515*7"), "[00401 940 940]", "gs-element GS-05 2515*7"},
		{"a group of no version", change("*7*X*004010", "*7*X"), "[00401 940 940]", "gs08-missing GS-08 ~ST*94"},
		{"a group control number used twice", strings.Replace(plain, "IEA*1", "GS*OW*ACME*PAKLOG*20261123*0915*07*X*004010~GE*0*7~IEA*2", 1), "[00401 940 940]", "gs06-repeated GS-06 07*X*0"},
		{"a group control number of two interchanges", plain + plain, "[00401 940 940][00401 940 940]", ""},
		{"group count", change("IEA*1", "IEA*2"), "[00401 940 940]", "iea01-count IEA-01 2*0000"},
		{"control number of the interchange", change("IEA*1*000000007", "IEA*1*000000008"), "[00401 940 940]", "iea02-control IEA-02 000000"},
		{"missing IEA", change("IEA*1*000000007~", ""), "[00401 940 940]", "iea-missing IEA "},
		{"leading zeros are the same number", change("IEA*1*000000007", "IEA*1*7"), "[00401 940 940]", ""},
		{"interchange control number", strings.ReplaceAll(plain, "000000007", "00000000A"), "[00401 940 940]", "isa-element ISA-13 000000"},
		{"unpadded ISA", change("ACME           ", "ACME"), "[00401 940 940]", "isa-length ISA-06 ACME*Z"},
		{"a longer ISA01", change("ISA*00*", "ISA*000*"), "[00401 940 940]", "isa-length ISA-01 000*  |isa-element ISA-01 000*  "},
		{"a longer ISA03", change("*00*          *ZZ*ACME", "*000*          *ZZ*ACME"), "[00401 940 940]", "isa-length ISA-03 000*  |isa-element ISA-03 000*  "},
		{"a shorter ISA12", change("*00401*", "*0401*"), "[0401 940 940]", "isa-element ISA-12 0401*0"},
		{"a longer ISA12", change("*00401*", "*000401*"), "[000401 940 940]", "isa-element ISA-12 000401"},
		{"an empty ISA15", change("*0*P*>", "*0**>"), "[00401 940 940]", "isa-element ISA-15 *>~GS*"},
		{"an ISA16 of two bytes", change("*P*>~", "*P*>>~"), "[00401 940 940]", "isa-length ISA-16 >>~GS*"},
		{"NUL ends segments", strings.ReplaceAll(plain, "~", "\x00"), "[00401 940 940]", ""},
		{"a century in ISA09", change("*261123*", "*20261123*"), "[00401 940 940]", "isa-element ISA-09 202611"},
		{"seconds in ISA10", change("*0915*U", "*091500*U"), "[00401 940 940]", "isa-element ISA-10 091500"},
		{"an ISA13 of zeros", change("000000007*0*P*>~", "000000000*0*P*>~"), "[00401 940 940]", "isa-element ISA-13 000000|iea02-control IEA-02 000000"},
		{"a short ISA13", change("000000007*0*P*>~", "7*0*P*>~"), "[00401 940 940]", "isa-length ISA-13 7*0*P*"},
		{"a qualifier that is none", change("*ZZ*ACME", "*!!*ACME"), "[00401 940 940]", "isa-element ISA-05 !!*ACM"},
		{"a receiver that is none", change("*ZZ*PAKLOG         ", "*Z *               "), "[00401 940 940]", "isa-element ISA-07 Z *   |isa-element ISA-08       "},
		{"a wish for a TA1 that is none", change("*0*P*>", "*7*P*>"), "[00401 940 940]", "isa-element ISA-14 7*P*>~"},
		{"date of the interchange", change("*261123*", "*261131*"), "[00401 940 940]", "isa-element ISA-09 261131"},
		{"usage", change("*0*P*>", "*0*X*>"), "[00401 940 940]", "isa-element ISA-15 X*>~GS"},
		{"no component separator", change("*P*>~", "*P*~"), "[00401 940 940]", "no-component-separator ISA-16 ~GS*OW"},
		{"a segment between sets", change("ST*940*0002", "ZZZ*1~ST*940*0002"), "[00401 940 ?ZZZ 940]", "segment-outside-set ZZZ ZZZ*1~"},
		{"a segment before the group", change("GS*OW", "XX*1~GS*OW"), "[00401 ?XX 940 940]", "segment-outside-set XX XX*1~G"},
		{"terminators alone", change("LX*1~", "LX*1~~~"), "[00401 940 940]", "segment-empty  ~~W01*|segment-empty  ~W01*2"},
		{"a line break inside data", change("CORNER SHOP", "CORNER\nSHOP"), "[00401 940 940]", "line-break-in-data N1-02 \nSHOP*"},
		{"a tag broken by a line break", change("SE*7*0001", "S\nE*7*0001"), "[00401 940 940]", "line-break-in-data SE \nE*7*0"},
		{"the last terminator is missing", strings.TrimSuffix(plain, "~"), "[00401 940 940]", "segment-unterminated IEA "},
		{"byte order mark", "\xEF\xBB\xBF" + plain, "[00401 940 940]", "byte-order-mark  \xEF\xBB\xBFISA*0"},
		{"mail around it", "Subject: x\n\n" + plain + "\n-- \nregards", "noise[00401 940 940]noise", "noise  Subjec|noise  -- \nre"},
		{"sent twice", plain + "\r\n" + plain, "[00401 940 940][00401 940 940]", ""},
		{"broken off in a segment, then sent again", plain[:strings.Index(plain, "SHOP")] + plain, "[00401 940][00401 940 940]",
			"segment-unterminated N1  ISA*0|se-missing SE ISA*00|ge-missing GE ISA*00|iea-missing IEA ISA*00"},
		{"an ISA in data is data", change("CORNER SHOP", "ISA*00*X"), "[00401 940 940]", ""},
		{"binary data of any bytes", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~BIN*12*~*SE*2*0001\n~SE*3*0001~GE*1*7~IEA*1*000000007~", "[00401 841]", ""},
		{"binary data of a wrong length", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~BIN*99*ABC~SE*3*0001~GE*1*7~IEA*1*000000007~", "[00401 841]", "binary-length BIN-01 99*ABC"},
		{"binary data that tears the group, of a wrong length", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~SPI*01~BIN*99*A~SE*3*0009~GE*1*7~B~SE*4*0001~ST*940*0002~W05*N~SE*3*0002~GE*2*7~IEA*1*000000007~", "[00401 841 940]", "binary-length BIN-01 99*A~S"},
		{"binary data that tears the interchange, of no length", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~SPI*01~BDS*ASC*x*A~IEA*1*000000007~B~SE*4*0001~ST*940*0002~W05*N~SE*3*0002~GE*2*7~IEA*1*000000007~", "[00401 841 940]", "binary-length BDS-02 x*A~IE"},
		{"binary data with a header in it, too short", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~SPI*01~BIN*3*A~ST*997*0009~B~SE*4*0001~ST*940*0002~W05*N~SE*3*0002~GE*2*7~IEA*1*000000007~", "[00401 841 940]", "binary-length BIN-01 3*A~ST"},
		{"binary data of a wrong length that tears nothing", plainISA + "GS*RN*A*B*20261123*0915*7*X*004010~ST*841*0001~BIN*99*A~SPI*01~SE*4*0001~ST*940*0002~W05*N~SE*3*0002~GE*2*7~IEA*1*000000007~", "[00401 841 940]", "binary-length BIN-01 99*A~S"},
		{"EDIFACT", "UNB+UNOA:1+A+B+261123:0915+1'UNZ+0+1'", "noise", "edifact-not-x12  UNB+UN"},
		{"EDIFACT before X12", "UNA:+.? 'UNB+UNOA:1+A+B+261123:0915+1'UNZ+0+1'\n" + plain, "noise[00401 940 940]", "edifact-not-x12  UNA:+."},
		{"TRADACOMS", "STX=ANA:1+5000000000000+5010000000000+261123:1200+1'", "noise", "tradacoms-not-x12  STX=AN"},
		{"interactive EDIFACT", "UIB+UNOA:4+1'UIH+ORDERS:D:96A:UN+1'UIT+1+2'UIZ+1+1'", "noise", "interactive-edifact  UIB+UN"},
		{"interactive EDIFACT behind X12", plain + "UIB+UNOA:4+1'UIZ+1+0'", "[00401 940 940]noise", "interactive-edifact  UIB+UN"},
		{"a set without its envelope", "ST*940*0001~SE*2*0001~", "[ 940]", "no-envelope ISA ST*940"},
		{"sets without their envelope, by lines", "\r\nST|940|0001\r\nW05|N\r\nSE|3|0001\r\nST|940|0002\r\nW05|N\r\nSE|3|0009\r\n", "[ 940 940]", "no-envelope ISA ST|940|se02-control SE-02 0009\r\n"},
		{"a group without its interchange", "GS*OW*A B*C*20261123*0915*7*X*004010VICS~ST*940*0001~W05*N~SE*3*0001~GE*2*7~", "[ 940]", "no-envelope ISA GS*OW*|ge01-count GE-01 2*7~"},
		{"a group without its interchange, then one", "GS*OW*A*C*20261123*0915*7*X*004010~ST*940*0001~SE*2*0001~GE*1*7~\n" + plain, "[ 940][00401 940 940]", "no-envelope ISA GS*OW*"},
		{"an interchange, then a set without", plain + "ST*940*0001~W05*N~SE*3*0001~IEA*0*1~", "[00401 940 940][ 940]", "no-envelope ISA ST*940|iea02-control IEA-02 1~"},
		{"what only begins so", "ST. JOHN'S, 5 ROAD", "noise", "not-x12  ST. JO"},
		{"nor that", "ST*940 is what we want", "noise", "not-x12  ST*940"},
		{"nor a header that breaks off", "GS*OW*A*B*20261123*0915~", "noise", "not-x12  GS*OW*"},
		{"something else", "%PDF-1.4 and so on", "noise", "not-x12  %PDF-1"},
		{"nothing but ISA", "ISA", "noise", "not-x12  ISA"},
		{"prose", "ISABELLA wrote of UNBELIEVABLE orders", "noise", "not-x12  ISABEL"},
		{"a terminator in text", change("CORNER SHOP", "CORNER~SHOP 1"), "[00401 940 940]", "segment-tag SHOP 1 SHOP 1|se01-count SE-01 7*0001"},
		{"terminators in two texts", change("CORNER SHOP", "CORNER~SHOP~AND CO"), "[00401 940 940]", "segment-tag SHOP SHOP~A|segment-tag AND CO AND CO|se01-count SE-01 7*0001"},
		{"a header that breaks off", plainISA[:60], "noise", "isa-malformed  ISA*00"},
		{"empty", "", "", ""},
		{"blanks", "\r\n \t", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			shape, found := seen(t, c.data)
			if shape != c.shape {
				t.Errorf("read as %s, want %s", shape, c.shape)
			}
			if got := strings.Join(found, "|"); got != c.want {
				t.Errorf("findings\n%q, want\n%q", got, c.want)
			}
		})
	}
}

func TestDelimitersAreFoundFromTheData(t *testing.T) {
	t.Parallel()
	with := func(element, component, terminator string) string {
		return strings.NewReplacer("*", element, ">", component, "~", terminator).Replace(plain)
	}
	for _, c := range []struct {
		name, data string
		want       Delimiters
	}{
		{"usual", plain, Delimiters{'*', '>', 0, '~'}},
		{"line feed ends segments", with("*", ">", "\n"), Delimiters{'*', '>', 0, '\n'}},
		{"CR LF ends segments", with("*", ">", "\r\n"), Delimiters{'*', '>', 0, '\n'}},
		{"carriage return ends segments", with("*", ">", "\r"), Delimiters{'*', '>', 0, '\r'}},
		{"line ends behind terminators", with("*", ":", "~\r\n"), Delimiters{'*', ':', 0, '~'}},
		{"control characters", with("\x1d", "\x1f", "\x1c"), Delimiters{0x1d, 0x1f, 0, 0x1c}},
		{"NAK and CR LF", with("*", ":", "\x15\r\n"), Delimiters{'*', ':', 0, 0x15}},
		{"a star ends segments", with("^", "|", "*"), Delimiters{'^', '|', 0, '*'}},
		{"high byte", with("\xA7", ">", "\xB6"), Delimiters{0xA7, '>', 0, 0xB6}},
		{"repetition from 00402 on", strings.Replace(plain, "U*00401", "^*00402", 1), Delimiters{'*', '>', '^', '~'}},
		{"no repetition before", strings.Replace(plain, "U*00401", "^*00401", 1), Delimiters{'*', '>', 0, '~'}},
		{"U is no repetition separator", strings.Replace(plain, "U*00401", "U*00501", 1), Delimiters{'*', '>', 0, '~'}},
		{"ISA16 missing, lines end in CR LF", strings.ReplaceAll(with("*", "", "~"), "~", "~\r\n"), Delimiters{'*', 0, 0, '~'}},
		{"wrapped at 80 columns", wrap(plain, 80), Delimiters{'*', '>', 0, '~'}},
		{"indented", strings.ReplaceAll(plain, "~", "\n    "), Delimiters{'*', '>', 0, '\n'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse([]byte(c.data), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			checkLaw(t, []byte(c.data), d.Parts)
			if got := d.Parts[0].Segments.Delimiters(); got != c.want {
				t.Fatalf("delimiters %q, want %q", got, c.want)
			}
			if s := shape(d); !strings.HasSuffix(s, " 940 940]") {
				t.Errorf("read as %s", s)
			}
			for p := range d.Sets() {
				for _, s := range p.Segments.All() {
					if s.Is("W05") && !strings.HasPrefix(s.Value(2), "ORD-") || s.Is("N1") && s.Value(2) != "CORNER SHOP" {
						t.Errorf("values of %q", s.Raw())
					}
				}
				if Worst(p.Findings) > Warning {
					t.Errorf("findings %v", p.Findings)
				}
			}
		})
	}
}

func wrap(s string, width int) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + "\r\n")
		s = s[width:]
	}
	return b.String() + s
}

func TestNoiseBeforeAnInterchangeIsQuotedAlone(t *testing.T) {
	t.Parallel()
	const mail = "Dear all,\n"
	d, err := Parse([]byte(mail+plain), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := d.Findings()
	if len(f) != 1 || f[0].Code != CodeNoise || f[0].Found != mail || f[0].Length != len(mail) {
		t.Errorf("found %+v", f)
	}
}
