package edifact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/finding"
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
		found = append(found, fmt.Sprintf("%s %s %.6s", f.Code, f.Element, data[f.Offset:]))
	}
	return shape(d), found
}

func TestEnvelopeFaultsAreFoundInTheirPlace(t *testing.T) {
	t.Parallel()
	in := func(text string) func(from, to string) string {
		return func(from, to string) string {
			if !strings.Contains(text, from) {
				t.Fatalf("%q is not in the document", from)
			}
			return strings.Replace(text, from, to, 1)
		}
	}
	change, group, object := in(plain), in(grouped), in(packaged)
	for _, c := range []struct{ name, data, shape, want string }{
		{"clean", plain, "[UNOC3 ORDERS ORDERS]", ""},
		{"clean with UNA", una + plain, "[UNOC3 ORDERS ORDERS]", ""},
		{"NUL ends segments", strings.NewReplacer("?'", "", "'", "\x00").Replace(una + plain), "[UNOC3 ORDERS ORDERS]", ""},
		{"NUL ends segments, and lines follow", strings.NewReplacer("?'", "", "'", "\x00\r\n").Replace(una + plain), "[UNOC3 ORDERS ORDERS]", ""},
		{"clean with groups", grouped, "[UNOC3 (ORDERS ORDERS ORDERS)]", ""},
		{"segment count", change("UNT+8+1", "UNT+9+1"), "[UNOC3 ORDERS ORDERS]", "unt-count UNT-01 9+1'UN"},
		{"segment count that is no number", change("UNT+8+1", "UNT+x+1"), "[UNOC3 ORDERS ORDERS]", "unt-count UNT-01 x+1'UN"},
		{"segment lost", change("QTY+21:2'", ""), "[UNOC3 ORDERS ORDERS]", "unt-count UNT-01 8+1'UN"},
		{"message reference", change("UNT+8+1", "UNT+8+7"), "[UNOC3 ORDERS ORDERS]", "unt-reference UNT-02 7'UNH+"},
		{"leading zeros in a reference", change("UNT+8+1", "UNT+8+01"), "[UNOC3 ORDERS ORDERS]", "unt-reference UNT-02 01'UNH"},
		{"reference used twice", strings.NewReplacer("UNH+2", "UNH+1", "UNT+7+2", "UNT+7+1").Replace(plain), "[UNOC3 ORDERS ORDERS]", "unh-reference-repeated UNH-01 1+ORDE"},
		{"no reference", strings.NewReplacer("UNH+1+", "UNH++", "UNT+8+1", "UNT+8").Replace(plain), "[UNOC3 ORDERS ORDERS]", "unh-reference-missing UNH-01 +ORDER"},
		{"no type", change("ORDERS:D:96A", ":D:96A"), "[UNOC3  ORDERS]", "unh-type-missing UNH-02-1 :D:96A"},
		{"missing UNT", change("UNT+8+1'", ""), "[UNOC3 ORDERS ORDERS]", "unt-missing UNT UNH+2+"},
		{"missing UNT at the end", change("UNT+7+2'", ""), "[UNOC3 ORDERS ORDERS]", "unt-missing UNT UNZ+2+"},
		{"cut off in a message", plain[:strings.Index(plain, "LIN+1")], "[UNOC3 ORDERS]", "unt-missing UNT |unz-missing UNZ "},
		{"interchange count", change("UNZ+2", "UNZ+3"), "[UNOC3 ORDERS ORDERS]", "unz-count UNZ-01 3+REF7"},
		{"interchange reference", change("UNZ+2+REF7", "UNZ+2+REF8"), "[UNOC3 ORDERS ORDERS]", "unz-reference UNZ-02 REF8'"},
		{"missing UNZ", change("UNZ+2+REF7'", ""), "[UNOC3 ORDERS ORDERS]", "unz-missing UNZ "},
		{"nothing between", plainUNB + "UNZ+0+REF7'", "[UNOC3]", "interchange-empty UNZ UNZ+0+"},
		{"message count of the group", group("UNE+2", "UNE+1"), "[UNOC3 (ORDERS ORDERS ORDERS)]", "une-count UNE-01 1+G1'U"},
		{"reference of the group", group("UNE+2+G1", "UNE+2+G2"), "[UNOC3 (ORDERS ORDERS ORDERS)]", "une-reference UNE-02 G2'UNZ"},
		{"missing UNE", group("UNE+2+G1'", ""), "[UNOC3 (ORDERS ORDERS ORDERS)]", "une-missing UNE UNZ+1+"},
		{"missing UNG", group("UNG+ORDERS+A+B+261123:0915+G1+UN+D:96A'", ""), "[UNOC3 ORDERS ORDERS ?UNE]", "segment-outside-message UNE UNE+2+|unz-count UNZ-01 1+REF7"},
		{"group without reference", strings.ReplaceAll(grouped, "+G1", "+"), "[UNOC3 (ORDERS ORDERS ORDERS)]", "unh-reference-missing UNG-05 +UN+D:"},
		{"two types in a group", group("UNH+2+ORDERS", "UNH+2+ORDCHG"), "[UNOC3 (ORDERS ORDERS ORDCHG)]", "group-type UNH-02-1 ORDCHG"},
		{"messages beside groups", group("UNE+2+G1'", "UNE+2+G1'UNH+3+ORDERS:D:96A:UN'UNT+2+3'"), "[UNOC3 (ORDERS ORDERS ORDERS) ORDERS]", "group-mixed UNH UNH+3+"},
		{"no sender", change("4012345000009:14", ":14"), "[UNOC3 ORDERS ORDERS]", "unb-element UNB-02-1 :14+40"},
		{"no recipient", change("+4098765000004:14", "+"), "[UNOC3 ORDERS ORDERS]", "unb-element UNB-03-1 +26112"},
		{"no control reference", strings.ReplaceAll(plain, "+REF7", "+"), "[UNOC3 ORDERS ORDERS]", "unb-element UNB-05 ++ORDE"},
		{"date", change("261123:", "261131:"), "[UNOC3 ORDERS ORDERS]", "unb-element UNB-04-1 261131"},
		{"time", change(":0915", ":2500"), "[UNOC3 ORDERS ORDERS]", "unb-element UNB-04-2 2500+R"},
		{"version", change("UNOC:3", "UNOC:9"), "[UNOC9 ORDERS ORDERS]", "unb-element UNB-01-2 9+4012"},
		{"syntax identifier of a community", change("UNOC:3", "IATA:1"), "[IATA1 ORDERS ORDERS]", "unb-element UNB-01-1 IATA:1"},
		{"a segment between messages", change("UNH+2", "ZZZ+1'UNH+2"), "[UNOC3 ORDERS ?ZZZ ORDERS]", "segment-outside-message ZZZ ZZZ+1'"},
		{"security segments", change("UNH+1", "USH+7'USA+1'UNH+1"), "[UNOC3 USH USA ORDERS ORDERS]", ""},
		{"terminators alone", change("UNS+S'", "UNS+S'''"), "[UNOC3 ORDERS ORDERS]", "segment-empty  ''UNT+|segment-empty  'UNT+8"},
		{"a terminator in text", change("Shop?'s", "Shop's"), "[UNOC3 ORDERS ORDERS]", "segment-tag s s'LIN+|unt-count UNT-01 8+1'UN"},
		{"terminators in two texts", change("Shop?'s", "Shop's'co"), "[UNOC3 ORDERS ORDERS]", "segment-tag s s'co'L|segment-tag co co'LIN|unt-count UNT-01 8+1'UN"},
		{"a line break inside data", change("Corner Shop", "Corner\nShop"), "[UNOC3 ORDERS ORDERS]", "line-break-in-data NAD-04 \nShop?"},
		{"the last terminator is missing", strings.TrimSuffix(plain, "'"), "[UNOC3 ORDERS ORDERS]", "segment-unterminated UNZ "},
		{"byte order mark", "\xEF\xBB\xBF" + plain, "[UNOC3 ORDERS ORDERS]", "byte-order-mark  \xEF\xBB\xBFUNB+U"},
		{"mail around it", "Subject: x\n\n" + plain + "\n-- \nregards", "noise[UNOC3 ORDERS ORDERS]noise", "noise  Subjec|noise  -- \nre"},
		{"sent twice", plain + "\r\n" + una + plain, "[UNOC3 ORDERS ORDERS][UNOC3 ORDERS ORDERS]", ""},
		{"broken off in a segment, then sent again", plain[:strings.Index(plain, "Shop?")] + plain, "[UNOC3 ORDERS][UNOC3 ORDERS ORDERS]",
			"segment-unterminated NAD  UNB+U|unt-missing UNT UNB+UN|unz-missing UNZ UNB+UN"},
		{"broken off in a segment, then sent again with UNA", plain[:strings.Index(plain, "Shop?")] + una + plain, "[UNOC3 ORDERS][UNOC3 ORDERS ORDERS]",
			"segment-unterminated NAD  UNA:+|unt-missing UNT UNA:+.|unz-missing UNZ UNA:+."},
		{"broken off behind a segment, then others' service characters", plain[:strings.Index(plain, "LIN+1")] + "UNA*@.! #" + strings.NewReplacer("?'", "!#", ":", "*", "+", "@", "'", "#").Replace(plain),
			"[UNOC3 ORDERS][UNOC3 ORDERS ORDERS]", "unt-missing UNT UNA*@.|unz-missing UNZ UNA*@."},
		{"a UNB in data is data", change("Corner Shop", "UNB?+UNOA?:1"), "[UNOC3 ORDERS ORDERS]", ""},
		{"messages alone", "UNH+1+ORDERS:D:96A:UN'BGM+220+1'UNT+3+1'", "[ ORDERS]", "no-envelope UNB UNH+1+"},
		{"messages alone with UNA", una + "\nUNH+1+ORDERS:D:96A:UN'BGM+220+1'UNT+3+1'", "[ ORDERS]", "no-envelope UNB UNH+1+"},
		{"messages alone, then an interchange", "UNH+1+ORDERS:D:96A:UN'BGM+220+1'UNT+3+1'\n" + plain, "[ ORDERS][UNOC3 ORDERS ORDERS]", "no-envelope UNB UNH+1+"},
		{"a UNA that does not fit", "UNA|*.? ~" + plain, "[UNOC3 ORDERS ORDERS]", "una-malformed UNA UNA|*."},
		{"a UNA that is cut", "UNA:+.?'" + plain, "[UNOC3 ORDERS ORDERS]", "una-malformed UNA UNA:+."},
		{"an object of any bytes", packaged, "[UNOC3 package]", ""},
		{"an object shorter than said", object("PDF+13'", "PDF+99'"), "[UNOC3 package]", "object-length UNO-04 99'\x00\xff'"},
		{"an object cut off", packaged[:strings.Index(packaged, ":?\n")], "[UNOC3 package]", "object-length UNO-04 13'\x00\xff'|unp-missing UNP |unz-missing UNZ "},
		{"the object's trailer counts wrong", object("UNP+13+P1", "UNP+12+P1"), "[UNOC3 package]", "object-length UNP-01 12+P1'"},
		{"X12", "ISA*00*          *00*", "noise", "x12-not-edifact  ISA*00"},
		{"TRADACOMS", "STX=ANA:1+5000000000000+5010000000000+261123:1200+1'", "noise", "tradacoms-not-edifact  STX=AN"},
		{"interactive EDIFACT", interactive, "noise", "interactive-edifact  UIB+UN"},
		{"interactive EDIFACT with UNA", una + "\n" + interactive, "noise", "interactive-edifact  UNA:+."},
		{"interactive EDIFACT before and behind others", interactive + "\n" + plain + interactive, "noise[UNOC3 ORDERS ORDERS]noise", "interactive-edifact  UIB+UN|interactive-edifact  UIB+UN"},
		{"something else", "%PDF-1.4 and so on", "noise", "not-edifact  %PDF-1"},
		{"prose", "UNBELIEVABLE orders, ISABELLA wrote", "noise", "not-edifact  UNBELI"},
		{"nothing but UNB", "UNB", "noise", "not-edifact  UNB"},
		{"a header that breaks off", "UNB+UNOC:3+40123", "[UNOC3]", "terminator-guessed UNB UNB+UN|segment-unterminated UNB |unb-element UNB-03-1 |unb-element UNB-04-1 |unb-element UNB-04-2 |unb-element UNB-05 |unz-missing UNZ "},
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

func TestServiceCharactersAreFoundFromTheData(t *testing.T) {
	t.Parallel()
	with := func(component, element, release, terminator string) string {
		return strings.NewReplacer("?'", release+terminator, ":", component, "+", element, "'", terminator).Replace(plain)
	}
	bare := strings.ReplaceAll(plain, "?'", "")
	for _, c := range []struct {
		name, data string
		want       Delimiters
	}{
		{"usual", plain, DefaultDelimiters},
		{"UNA", una + plain, DefaultDelimiters},
		{"UNA on a line of its own", una + "\r\n" + plain, DefaultDelimiters},
		{"decimal comma", "UNA:+,? '" + plain, Delimiters{':', '+', ',', '?', 0, '\''}},
		{"no release character", "UNA:+.  '" + bare, Delimiters{':', '+', '.', 0, 0, '\''}},
		{"other service characters", "UNA|*.! ~" + with("|", "*", "!", "~"), Delimiters{'|', '*', '.', '!', 0, '~'}},
		{"line feed ends segments", strings.ReplaceAll(bare, "'", "\n"), Delimiters{':', '+', '.', '?', 0, '\n'}},
		{"CR LF ends segments", strings.ReplaceAll(bare, "'", "\r\n"), Delimiters{':', '+', '.', '?', 0, '\n'}},
		{"carriage return ends segments", strings.ReplaceAll(bare, "'", "\r"), Delimiters{':', '+', '.', '?', 0, '\r'}},
		{"line ends behind terminators", strings.ReplaceAll(bare, "'", "'\r\n"), DefaultDelimiters},
		{"control characters of level B", strings.NewReplacer(":", "\x1f", "+", "\x1d", "'", "\x1c").Replace(bare), Delimiters{0x1f, 0x1d, '.', '?', 0, 0x1c}},
		{"another terminator without UNA", strings.ReplaceAll(bare, "'", "~\n"), Delimiters{':', '+', '.', '?', 0, '~'}},
		{"another terminator on one line without UNA", strings.ReplaceAll(bare, "'", "~"), Delimiters{':', '+', '.', '?', 0, '~'}},
		{"version 4 repeats", strings.Replace(plain, "UNOC:3", "UNOC:4", 1), DefaultDelimiters4},
		{"version 4 that does not repeat", una + strings.Replace(plain, "UNOC:3", "UNOC:4", 1), DefaultDelimiters},
		{"UNA with a repetition separator", "UNA:+.?*'" + plain, DefaultDelimiters4},
		{"wrapped at 80 columns", wrap(plain, 80), DefaultDelimiters},
		{"indented", strings.ReplaceAll(bare, "'", "'\n\t"), DefaultDelimiters},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse([]byte(c.data), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			checkLaw(t, []byte(c.data), d.Parts)
			if got := d.Parts[0].Segments.Delimiters(); got != c.want {
				t.Fatalf("service characters %q, want %q", got, c.want)
			}
			if s := shape(d); !strings.HasSuffix(s, " ORDERS ORDERS]") {
				t.Errorf("read as %s", s)
			}
			for p := range d.Messages() {
				for _, s := range p.Segments.All() {
					if s.Is("BGM") && !strings.HasPrefix(s.Value(2, 1), "ORD-") || s.Is("NAD") && !strings.HasPrefix(s.Value(4, 1), "Corner Shop") {
						t.Errorf("values of %q", s.Raw())
					}
				}
				if finding.Worst(p.Findings) > Warning {
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
