package edifactjson_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/edifactjson"
)

func encoded(t testing.TB, data string, opts edifactjson.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := edifactjson.Write(&b, edifact.NewReader(strings.NewReader(data), edifact.Limits{}), opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func built(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := edifactjson.Build(&b, strings.NewReader(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return b.String()
}

const (
	unb = "UNB+UNOC:4+ACME:14+PAKLOG:14+20261123:0915+REF7'"
	msg = "UNH+1+ORDERS:D:96A:UN'BGM+220+A?+B\"+9'DTM+137:20261123:102'PIA+1+x*y:z'UNT+5+1'"
	unz = "UNZ+1+REF7'"
)

func TestTheFormIsAsItIsDescribed(t *testing.T) {
	t.Parallel()
	const want = `{"unb":["UNB",["UNOC","4"],["ACME","14"],["PAKLOG","14"],["20261123","0915"],"REF7"],` +
		`"delimiters":{"component":":","element":"+","decimal":".","release":"?","repetition":"*","terminator":"'"},"messages":[` +
		`{"unh":["UNH","1",["ORDERS","D","96A","UN"]],"segments":[["BGM","220","A+B\"","9"],["DTM",["137","20261123","102"]],["PIA","1",{"repeat":["x",["y","z"]]}]]}]}`
	got := strings.NewReplacer("\n  ", "", "\n ", "", "\n", "").Replace(encoded(t, unb+msg+unz, edifactjson.Options{}))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := built(t, got); again != unb+msg+unz {
		t.Errorf("written again\n%s", again)
	}
}

func TestWhatIsOddIsKeptWhereAsked(t *testing.T) {
	t.Parallel()
	regular := unb + msg + unz
	other := "UNA|*.?^!" + strings.NewReplacer(":", "|", "+", "*", "*", "^", "'", "!").Replace(regular)
	ung := "UNG+ORDERS+A+B+20261123:0915+G1+UN+D:96A'"
	for _, c := range []struct{ name, doc, plain string }{
		{"regular", regular, regular},
		{"a UNA that says nothing new", "UNA:+.?*'" + regular, "UNA:+.?*'" + regular},
		{"another UNA", other, other},
		{"with line ends", strings.ReplaceAll("UNA:+.?*'"+regular, "'", "'\r\n"), strings.ReplaceAll("UNA:+.?*'"+regular, "'", "'\r\n")},
		{"a wrong count", strings.Replace(regular, "UNT+5", "UNT+9", 1), strings.Replace(regular, "UNT+5", "UNT+9", 1)},
		{"no UNT", strings.Replace(regular, "UNT+5+1'", "", 1), strings.Replace(regular, "UNT+5+1'", "", 1)},
		{"no UNZ", unb + msg, unb + msg},
		{"a short UNB", "UNB+UNOC:3+A'UNZ+0+'", "UNB+UNOC:3+A'UNZ+0+'"},
		{"cut", unb + "UNH+1+ORDERS:D:96A:UN'BGM+22", unb + "UNH+1+ORDERS:D:96A:UN'BGM+22'"},
		{"no interchange", msg, msg},
		{"groups", unb + ung + msg + "UNE+1+G1'" + ung + msg + "UNE+1+G1'UNZ+2+REF7'", unb + ung + msg + "UNE+1+G1'" + ung + msg + "UNE+1+G1'UNZ+2+REF7'"},
		{"a wrapped line", strings.Replace(regular, "2026112", "2026\n112", 1), regular},
		{"released for nothing", strings.Replace(regular, "A?+B", "?A?+B", 1), regular},
		{"blanks behind a value", strings.Replace(regular, "+220+", "+220 +", 1), regular},
		{"noise around", "\xEF\xBB\xBF" + regular + "bye", regular + "bye"},
		{"a stray segment", unb + msg + "FTX+AAI'" + unz, unb + msg + "FTX+AAI'" + unz},
		{"small letters under UNOA", strings.NewReplacer("UNOC", "UNOA", "ACME", "Acme").Replace(regular), strings.NewReplacer("UNOC", "UNOA", "ACME", "Acme").Replace(regular)},
		{"Latin-1", strings.Replace(regular, "220", "M\xFC", 1), strings.Replace(regular, "220", "M\xFC", 1)},
		{"UTF-8 that is not declared", strings.Replace(regular, "220", "Mü", 1), strings.Replace(regular, "220", "M\xFC", 1)},
		{"Cyrillic", strings.NewReplacer("UNOC", "UNOE", "220", "\xBF\xD0").Replace(regular), strings.NewReplacer("UNOC", "UNOE", "220", "\xBF\xD0").Replace(regular)},
		{"an object", unb + "UNO+1+9+1+4'a'b+UNP+4+1'UNZ+1+REF7'", unb + "UNO+1+9+1+4'a'b+UNP+4+1'UNZ+1+REF7'"},
		{"another interchange", regular + "\n\n" + regular, regular + regular},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := built(t, encoded(t, c.doc, edifactjson.Options{Exact: true})); got != c.doc {
				t.Errorf("exact: got\n%q\nwant\n%q", got, c.doc)
			}
			if got := built(t, encoded(t, c.doc, edifactjson.Options{})); got != c.plain {
				t.Errorf("plain: got\n%q\nwant\n%q", got, c.plain)
			}
		})
	}
}

func TestJSONThatCannotBecomeEDIFACT(t *testing.T) {
	t.Parallel()
	good := encoded(t, unb+msg+unz, edifactjson.Options{})
	for _, c := range []struct{ old, new, want string }{
		{`"220"`, `7`, "number"},
		{`"220"`, `"\u20ac"`, "BGM-01"},
		{`["BGM"`, `["B M"`, "tag"},
		{`["BGM","220","A+B\"","9"]`, `[]`, "tag"},
		{`"segments"`, `"lines"`, "unknown in a message"},
		{`"messages"`, `"groups"`, "unknown"},
		{`{"unh"`, `{"uno"`, "is due"},
		{`["UNH"`, `["UNT"`, "UNH is due"},
		{`["UNB"`, `["UNH"`, "UNB or [] is due"},
		{`"element":"+"`, `"element":"'"`, "both"},
		{`"element":"+"`, `"element":"++"`, "one byte"},
		{`}]}`, ``, "unexpected EOF"},
		{`["DTM",["137","20261123","102"]]`, `{"seg":["DTM"]}`, "raw"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s is not in it", c.old)
		}
		err := edifactjson.Build(&bytes.Buffer{}, strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: error %v, want one with %q", c.new, c.old, err, c.want)
		}
	}
}

func TestEverySampleComesBackByteForByte(t *testing.T) {
	t.Parallel()
	const dir = "../../../../shared/data/edi-samples"
	files, _ := filepath.Glob(dir + "/*/*")
	if len(files) == 0 {
		t.Skipf("no EDI samples: %s is absent", dir)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := encoded(t, string(data), edifactjson.Options{Exact: true})
		for d := json.NewDecoder(strings.NewReader(text)); ; {
			var v any
			if err := d.Decode(&v); err != nil {
				if err.Error() != "EOF" {
					t.Errorf("%s: no JSON: %v", name, err)
				}
				break
			}
		}
		if built(t, text) != string(data) {
			t.Errorf("%s: other bytes come back", name)
		}
	}
}

func TestGeneratedDocumentsComeBackWithoutTheirBytes(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ORDERS", "DESADV", "INVOIC"} {
		var b bytes.Buffer
		c := edifactgen.Config{Seed: 5, Type: kind, Messages: 20, Grouped: kind == "DESADV", Options: edifact.WriterOptions{LineEnd: "\n"}}
		if _, err := edifactgen.Write(&b, c); err != nil {
			t.Fatal(err)
		}
		text := encoded(t, b.String(), edifactjson.Options{Exact: true})
		if strings.Contains(text, `"raw"`) {
			t.Errorf("%s: bytes are kept of what is regular: %.200s", kind, text[strings.Index(text, `{"seg"`):])
		}
		if built(t, encoded(t, b.String(), edifactjson.Options{})) != b.String() {
			t.Errorf("%s: other bytes come back", kind)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(unb + msg + unz)
	f.Add("junk" + strings.ReplaceAll("UNA:+.?*'"+unb+msg+unz, "'", "'\r\n"))
	f.Add(unb + "UNO+1+9+1+4'a'b+UNP+4+1'" + unz)
	f.Fuzz(func(t *testing.T, data string) {
		if _, err := edifact.Parse([]byte(data), edifact.Limits{}); err != nil {
			return
		}
		if got := built(t, encoded(t, data, edifactjson.Options{Exact: true})); got != data {
			t.Fatalf("other bytes come back: %q", got)
		}
	})
}

func FuzzBuild(f *testing.F) {
	f.Add(encoded(f, unb+msg+unz, edifactjson.Options{}))
	f.Add(encoded(f, "x"+unb+msg+"UNZ+1+3'", edifactjson.Options{Exact: true}))
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		_ = edifactjson.Build(&b, strings.NewReader(text)) // must end, and not panic
	})
}

// What is written in one go and what is written value by value is the same.
func TestPlainAndExactSayTheSameOfRegularDocuments(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ORDERS", "DESADV", "INVOIC"} {
		var b bytes.Buffer
		if _, err := edifactgen.Write(&b, edifactgen.Config{Seed: 9, Type: kind, Messages: 30, Control: 1}); err != nil {
			t.Fatal(err)
		}
		exact := encoded(t, b.String(), edifactjson.Options{Exact: true})
		if got := encoded(t, b.String(), edifactjson.Options{}); got != strings.Replace(exact, `,"exact":true`, "", 1) {
			t.Errorf("%s: plain and exact differ beyond the word", kind)
		}
	}
}

// Who changes the values of a segment whose bytes are kept means the values.
func TestAnEditOfAnExactMessageIsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, doc, old, new, want string }{
		{"blanks before", strings.Replace(unb+msg+unz, "BGM+", "  BGM+", 1), `["BGM","220"`, `["BGM","230"`, "'BGM+230+"},
		{"an advice", "UNA:+.? '" + unb + msg + unz, `"UNOC"`, `"UNOB"`, "UNA:+.? 'UNB+UNOB:"},
		{"released needlessly", strings.Replace(unb+msg+unz, "BGM+220", "BGM+2?20", 1), `["BGM","220"`, `["BGM","2'0"`, "'BGM+2?'0+"},
	} {
		text := encoded(t, c.doc, edifactjson.Options{Exact: true})
		if !strings.Contains(text, c.old) || !strings.Contains(text, `"raw"`) {
			t.Fatalf("%s: no %s, or no bytes, in\n%s", c.name, c.old, text)
		}
		if built(t, text) != c.doc {
			t.Errorf("%s: other bytes come back", c.name)
		}
		if got := built(t, strings.Replace(text, c.old, c.new, 1)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got\n%q\nwant in it %q", c.name, got, c.want)
		}
	}
}

// A composite of very many components, or an element of very many repetitions, costs what it is
// long: each piece is looked for behind the one before it.
func TestElementsOfManyPiecesCostWhatTheyAreLong(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{":", "*"} {
		text := "UNB+UNOC:4+A+B+20261123:0915+7'UNH+1+ORDERS:D:96A:UN'FTX+AAI+++" + strings.Repeat("X"+mark, 100_000) + "X'UNT+3+1'UNZ+1+7'"
		for _, exact := range []bool{false, true} {
			var out, back bytes.Buffer
			if err := edifactjson.Write(&out, edifact.NewReader(strings.NewReader(text), edifact.Limits{}), edifactjson.Options{Exact: exact}); err != nil {
				t.Fatal(err)
			}
			if err := edifactjson.Build(&back, &out); err != nil || back.String() != text && exact {
				t.Errorf("%q, exact %v: %v, %d bytes came back of %d", mark, exact, err, back.Len(), len(text))
			}
		}
	}
}
