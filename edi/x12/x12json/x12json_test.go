package x12json_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/edi/x12/x12json"
)

func encoded(t testing.TB, data string, opts x12json.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := x12json.Write(&b, x12.NewReader(strings.NewReader(data), x12.Limits{}), opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func built(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := x12json.Build(&b, strings.NewReader(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return b.String()
}

const (
	isa  = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*^*00501*000000007*0*P*>~"
	gs   = "GS*OW*ACME*PAKLOG*20261123*0915*7*X*005010~"
	set  = "ST*940*0001~W05*N*A\"B~SVC*HC>99211>*x^y>z*~SE*4*0001~"
	tail = "GE*1*7~IEA*1*000000007~"
)

func TestTheFormIsAsItIsDescribed(t *testing.T) {
	t.Parallel()
	const want = `{"isa":["ISA","00","","00","","ZZ","ACME","ZZ","PAKLOG","261123","0915","^","00501","000000007","0","P",">"],` +
		`"delimiters":{"element":"*","component":">","repetition":"^","terminator":"~"},"groups":[{"gs":["GS","OW","ACME","PAKLOG","20261123","0915","7","X","005010"],` +
		`"sets":[{"st":["ST","940","0001"],"segments":[["W05","N","A\"B"],["SVC",["HC","99211",""],{"repeat":["x",["y","z"]]},""]]}]}]}`
	got := strings.NewReplacer("\n  ", "", "\n ", "", "\n", "").Replace(encoded(t, isa+gs+set+tail, x12json.Options{}))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := built(t, got); again != isa+gs+set+tail {
		t.Errorf("written again\n%s", again)
	}
}

func TestWhatIsOddIsKeptWhereAsked(t *testing.T) {
	t.Parallel()
	regular := isa + gs + set + tail
	for _, c := range []struct{ name, doc, plain string }{
		{"regular", regular, regular},
		{"with line ends", strings.ReplaceAll(regular, "~", "~\r\n"), strings.ReplaceAll(regular, "~", "~\r\n")},
		{"a wrong count", strings.Replace(regular, "SE*4", "SE*9", 1), strings.Replace(regular, "SE*4", "SE*9", 1)},
		{"no SE", strings.Replace(regular, "SE*4*0001~", "", 1), strings.Replace(regular, "SE*4*0001~", "", 1)},
		{"no IEA", isa + gs + set + "GE*1*7~", isa + gs + set + "GE*1*7~"},
		{"cut", isa + gs + "ST*940*0001~W05*N", isa + gs + "ST*940*0001~W05*N~"},
		{"a short ISA", strings.Replace(regular, "ACME           ", "ACME", 1), regular},
		{"blanks between", strings.Replace(regular, "~W05", "~   W05", 1), regular},
		{"a wrapped line", strings.Replace(regular, "99211", "99\n211", 1), regular},
		{"noise around", "\xEF\xBB\xBF" + regular + "bye", regular + "bye"},
		{"a TA1", isa + "TA1*000000001*261123*0915*A*000~" + gs + set + tail, isa + "TA1*000000001*261123*0915*A*000~" + gs + set + tail},
		{"a stray segment", isa + gs + set + "N1*ST~" + tail, isa + gs + set + "N1*ST~" + tail},
		{"a set outside a group", isa + set + "IEA*0*000000007~", isa + set + "IEA*0*000000007~"},
		{"Latin-1", strings.Replace(regular, "A\"B", "M\xFCNCHEN", 1), strings.Replace(regular, "A\"B", "MüNCHEN", 1)},
		{"leading zeros", strings.Replace(regular, "GE*1", "GE*01", 1), strings.Replace(regular, "GE*1", "GE*01", 1)},
		{"another interchange", regular + "\n\n" + regular, regular + regular},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := built(t, encoded(t, c.doc, x12json.Options{Exact: true})); got != c.doc {
				t.Errorf("exact: got\n%q\nwant\n%q", got, c.doc)
			}
			if got := built(t, encoded(t, c.doc, x12json.Options{})); got != c.plain {
				t.Errorf("plain: got\n%q\nwant\n%q", got, c.plain)
			}
		})
	}
}

func TestJSONThatCannotBecomeX12(t *testing.T) {
	t.Parallel()
	good := encoded(t, isa+gs+set+tail, x12json.Options{})
	for _, c := range []struct{ old, new, want string }{
		{`"N"`, `"N*"`, "W05-01"},
		{`"N"`, `7`, "number"},
		{`["W05"`, `["W 5"`, "tag"},
		{`["W05","N","A\"B"]`, `[]`, "tag"},
		{`"segments"`, `"lines"`, "unknown in a set"},
		{`"sets"`, `"list"`, "unknown in a group"},
		{`"groups"`, `"group"`, "unknown"},
		{`["GS"`, `["ST"`, "GS is due"},
		{`"ACME"`, `"ACME CORPORATION OF X"`, "ISA-06"},
		{`"ISA",`, ``, "ISA and 16 elements"},
		{`"element":"*"`, `"element":"~"`, "both"},
		{`"element":"*"`, `"element":"**"`, "one byte"},
		{`{"repeat":["x",["y","z"]]}`, `{"repeats":[]}`, ""},
		{`}]}]}`, ``, "unexpected EOF"},
		{`["HC","99211",""]`, `{"raw":"?"}`, ""},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s is not in it", c.old)
		}
		err := x12json.Build(&bytes.Buffer{}, strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
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
		text := encoded(t, string(data), x12json.Options{Exact: true})
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

func FuzzRoundTrip(f *testing.F) {
	f.Add(isa + gs + set + tail)
	f.Add("junk" + strings.ReplaceAll(isa+gs+set+tail, "~", "\r\n"))
	f.Add(isa + "BIN*3*a~b~" + set)
	f.Add("\r\n" + gs + set + "GE*1*7~")
	f.Add("ST*940*1~W05*N~SE*3*1~\nIEA*0*1~x")
	f.Fuzz(func(t *testing.T, data string) {
		if _, err := x12.Parse([]byte(data), x12.Limits{}); err != nil {
			return
		}
		if got := built(t, encoded(t, data, x12json.Options{Exact: true})); got != data {
			t.Fatalf("other bytes come back: %q", got)
		}
	})
}

func FuzzBuild(f *testing.F) {
	f.Add(encoded(f, isa+gs+set+tail, x12json.Options{}))
	f.Add(encoded(f, "x"+isa+gs+set+"IEA*1*3~", x12json.Options{Exact: true}))
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		_ = x12json.Build(&b, strings.NewReader(text)) // must end, and not panic
	})
}

func BenchmarkWrite(b *testing.B) {
	var buf bytes.Buffer
	for control := 1; buf.Len() < 4<<20; control++ {
		if _, err := x12gen.Write(&buf, x12gen.Config{Seed: 1, Sets: 100, Control: control}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := x12json.Write(&out, x12.NewReader(bytes.NewReader(buf.Bytes()), x12.Limits{}), x12json.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What is written in one go and what is written value by value is the same.
func TestPlainAndExactSayTheSameOfRegularDocuments(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"940", "850"} {
		var b bytes.Buffer
		if _, err := x12gen.Write(&b, x12gen.Config{Seed: 9, Set: kind, Sets: 30, Control: 1}); err != nil {
			t.Fatal(err)
		}
		exact := encoded(t, b.String(), x12json.Options{Exact: true})
		if got := encoded(t, b.String(), x12json.Options{}); got != strings.Replace(exact, `,"exact":true`, "", 1) {
			t.Errorf("%s: plain and exact differ beyond the word", kind)
		}
	}
}

// Who changes the values of a segment whose bytes are kept means the values.
func TestAnEditOfAnExactDocumentIsWritten(t *testing.T) {
	t.Parallel()
	regular := isa + gs + set + tail
	for _, c := range []struct{ name, doc, old, new, want string }{
		{"a wrapped line", strings.Replace(regular, "99211", "99\n211", 1), `"W05","N"`, `"W05","F"`, "W05*F*A\"B~SVC"},
		{"blanks before", strings.Replace(regular, "~W05", "~   W05", 1), `"W05","N"`, `"W05","F"`, "~W05*F*A\"B~"},
		{"a short ISA", strings.Replace(regular, "ACME           ", "ACME", 1), `"ACME"`, `"APEX"`, "*ZZ*APEX           *ZZ*"},
		{"Latin-1 stays it", strings.Replace(regular, "A\"B", "M\xFCNCHEN", 1), `"N","M`, `"F","M`, "W05*F*M\xFCNCHEN~"},
		{"beyond Latin-1", strings.Replace(regular, "A\"B", "M\xFCNCHEN", 1), `MüNCHEN`, `Łódź`, "W05*N*Łódź~"},
		{"a blank alone", strings.Replace(regular, "~W05", "~   W05", 1), `"W05","N"`, `"W05","N "`, "~W05*N *A\"B~"},
		{"a trailer", strings.Replace(regular, "~SE*4", "~ SE*9", 1), `"SE","9"`, `"SE","5"`, "~SE*5*0001~"},
	} {
		text := encoded(t, c.doc, x12json.Options{Exact: true})
		if !strings.Contains(text, c.old) || !strings.Contains(text, `"raw"`) {
			t.Fatalf("%s: no %s, or no bytes, in\n%s", c.name, c.old, text)
		}
		if got := built(t, strings.Replace(text, c.old, c.new, 1)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got\n%q\nwant in it %q", c.name, got, c.want)
		}
		var loose bytes.Buffer
		if err := json.Indent(&loose, []byte(text), "", "   "); err != nil {
			t.Fatal(err)
		}
		if built(t, loose.String()) != c.doc {
			t.Errorf("%s: JSON that was laid out anew is taken for changed", c.name)
		}
	}
	for _, bad := range []string{`{"seg":["W05","N"],"raw":"Vw=="}`, `{"seg":["W05","N*"],"sum":"0","raw":"Vw=="}`} {
		text := strings.Replace(encoded(t, regular, x12json.Options{Exact: true}), `["W05","N","A\"B"]`, bad, 1)
		if err := x12json.Build(&bytes.Buffer{}, strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestBinaryDataIsFramedByItsLength(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, data, bad string }{
		{"with delimiters", "BIN*5*a~*>b~", ""},
		{"a BDS", "BDS*ASC*3*~~~~", ""},
		{"bytes that are no text", "BIN*3*\xFF\x1E~~", ""},
		{"with components", "BIN*3*a>b~", ""},
		{"a length that lies", "BIN*9*a>b~", ""},
		{"without data", "BIN*0*~", ""},
		{"a length that lies of delimiters", "BIN*3*a~b~", "BIN-02"},
	} {
		doc := isa + gs + "ST*841*0001~" + c.data + "SE*3*0001~" + tail
		text := encoded(t, doc, x12json.Options{})
		if c.bad != "" {
			text = strings.Replace(text, `"3"`, `"7"`, 1)
			if err := x12json.Build(&bytes.Buffer{}, strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%s: error %v", c.name, err)
			}
			continue
		}
		if got := built(t, text); got != doc {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

func TestNumbersOfAnISAAreFilledWithZeros(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(`"000000007"`, `"7"`, `"00501"`, `"501"`).Replace(encoded(t, isa+gs+set+tail, x12json.Options{}))
	if got := built(t, text); got != isa+gs+set+tail {
		t.Errorf("got %q", got)
	}
	if got := built(t, strings.Replace(text, `"ISA","00","`, `"ISA","00","1`, 1)); !strings.Contains(got, "*00*1         *") {
		t.Errorf("what is no number of the envelope is filled with zeros: %q", got)
	}
	odd := strings.Replace(isa, "000000007", "7        ", 1) + gs + set + "GE*1*7~IEA*1*7~"
	if got := built(t, encoded(t, odd, x12json.Options{Exact: true})); got != odd {
		t.Errorf("exact: got %q", got)
	}
}
