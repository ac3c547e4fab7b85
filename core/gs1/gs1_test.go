package gs1

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
)

func elements(pairs ...string) []Element {
	var out []Element
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Element{AI: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// bare forgets where each element was read.
func bare(es []Element) []Element {
	es = slices.Clone(es)
	for i := range es {
		es[i].Offset = 0
	}
	return es
}

func TestWhatScannersSend(t *testing.T) {
	t.Parallel()
	const gtin, sscc = "09506000134352", "106141412345678908"
	for name, c := range map[string]struct {
		in   string
		form Form
		want []Element
	}{
		"GS1-128 with a lot before a date":   {"]C101" + gtin + "10AB-1\x1d17261200", FormElements, elements("01", gtin, "10", "AB-1", "17", "261200")},
		"DataMatrix, separator at both ends": {"]d2\x1d01" + gtin + "21S/9\x1d", FormElements, elements("01", gtin, "21", "S/9")},
		"QR, separator that is not needed":   {"]Q301" + gtin + "\x1d11260930", FormElements, elements("01", gtin, "11", "260930")},
		"DataBar with a weight":              {"]e001" + gtin + "3103001750", FormElements, elements("01", gtin, "3103", "001750")},
		"SSCC without identifier":            {"00" + sscc, FormElements, elements("00", sscc)},
		"a separator tells":                  {"10AB\x1d37" + "12", FormElements, elements("10", "AB", "37", "12")},
		"line end of a keyboard wedge":       {"00" + sscc + "\r\n", FormElements, elements("00", sscc)},
		"fixed length that needs one":        {"]C1402" + "95060001343520017" + "\x1d400PO", FormElements, elements("402", "95060001343520017", "400", "PO")},
		"brackets":                           {"(01)" + gtin + "(10)A(20)01", FormBracketed, elements("01", gtin, "10", "A", "20", "01")},
		"a bracket within a value":           {`(01)` + gtin + `(10)A\(1)`, FormBracketed, elements("01", gtin, "10", "A(1)")},
		"EAN-13":                             {"9506000134352", FormKey, elements("01", gtin)},
		"EAN-13 with its identifier":         {"]E09506000134352", FormKey, elements("01", gtin)},
		"EAN-13 with an add-on":              {"]E3950600013435212", FormKey, elements("01", gtin)},
		"UPC-A":                              {"614141000036", FormKey, elements("01", "00614141000036")},
		"EAN-8":                              {"]E496385074", FormKey, elements("01", "00000096385074")},
		"ITF-14":                             {"]I1" + "10614141000033", FormKey, elements("01", "10614141000033")},
		"SSCC alone":                         {sscc, FormKey, elements("00", sscc)},
		"Digital Link":                       {"https://id.gs1.org/01/" + gtin + "/10/AB%2F1?17=261200&linkType=gs1:pip", FormLink, elements("01", gtin, "10", "AB/1", "17", "261200")},
		"Digital Link behind a stem":         {"]Q1https://example.com/shop/de/01/9506000134352/21/7#x", FormLink, elements("01", gtin, "21", "7")},
		"Digital Link of a logistic unit":    {"HTTP://x.org/00/" + sscc + "?400=PO", FormLink, elements("00", sscc, "400", "PO")},
		"a place":                            {"A-01-02", FormText, nil},
		"a place that begins like a lot":     {"10ABC", FormText, nil},
		"a plain Code 128":                   {"]C0TOTE-7", FormText, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got.Form != c.form || !slices.Equal(bare(got.Elements), c.want) || (got.Text == "") == (c.want == nil) {
				t.Errorf("%+v", got)
			}
			for _, e := range got.Elements {
				if got.Form == FormElements && !strings.HasPrefix(c.in[e.Offset:], e.AI+e.Value) {
					t.Errorf("%s stands not at %d", e.AI, e.Offset)
				}
			}
		})
	}
}

func TestFaultsAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	const gtin = "09506000134352"
	for name, c := range map[string]struct {
		in, ai string
		offset int
		says   string
	}{
		"check digit":                 {"]C10109506000134353", "01", 5, "expected 2"},
		"check digit of an SSCC":      {"00106141412345678900", "00", 2, "expected 8"},
		"check digit in EAN":          {"]E09506000134353", "01", 3, "expected 2"},
		"cut short":                   {"]C101095060001343", "01", 5, "12 characters, expected 14"},
		"a letter among digits":       {"]C101" + gtin + "17261A00", "17", 24, "is no digit"},
		"month 13":                    {"]C101" + gtin + "17261300", "17", 21, "no month 13"},
		"30 February":                 {"]C101" + gtin + "17260230", "17", 21, "no day 30"},
		"29 February of no leap year": {"]C101" + gtin + "17270229", "17", 21, "no day 29"},
		"expiry time without a day":   {"]C101" + gtin + "\x1d70032612001200", "7003", 24, "day is missing"},
		"hour 24":                     {"]C101" + gtin + "70032612012400", "7003", 29, "no time of day"},
		"separator forgotten":         {"]C110LOT171231234567890123456", "10", 5, "separator missing"},
		"two separators":              {"]C110LOT\x1d\x1d37" + "1", "", 9, "two separators"},
		"identifier that is none":     {"]C101" + gtin + "05", "", 19, "no application identifier"},
		"measure of 7 decimals":       {"]C13107000001", "", 3, "no application identifier"},
		"lot of 21":                   {"(10)" + strings.Repeat("A", 21), "10", 4, "expected 1 to 20"},
		"lot with an umlaut":          {"(10)Ä", "10", 4, "character set 82"},
		"lot with a space":            {"(10)A B", "10", 5, "character set 82"},
		"empty lot":                   {"(10)(17)261201", "10", 4, "0 characters"},
		"bracket left open":           {"(10", "", 0, "in brackets"},
		"text before a bracket":       {"(01)" + gtin + "x", "01", 4, "15 characters"},
		"identifier in brackets":      {"(05)1", "", 1, "no application identifier"},
		"a bad value behind escapes":  {`(10)\(\( `, "10", 8, "character set 82"},
		"nothing":                     {"", "", 0, "nothing"},
		"an identifier alone":         {"]C1", "", 3, "nothing"},
		"a separator alone":           {"]C1\x1d", "", 3, "nothing"},
		"piece 3 of 2":                {"(8006)" + gtin + "0302", "8006", 20, "cannot be"},
		"link without a key":          {"https://example.com/shop", "", 8, "no Digital Link"},
		"link whose host is a key":    {"https://01/" + gtin, "", 8, "no Digital Link"},
		"link without a value":        {"https://x.org/01/" + gtin + "/10", "10", 32, "no value"},
		"link in a wrong order":       {"https://x.org/01/" + gtin + "/21/1/10/A", "01", 14, "cannot follow"},
		"link with a bad escape":      {"https://x.org/01/" + gtin + "/10/%zz", "10", 35, "escape"},
		"link with a bad query":       {"https://x.org/01/" + gtin + "?a=b&17=26", "17", 39, "2 characters"},
		"too long":                    {strings.Repeat("1", MaxCode+1), "", MaxCode, "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.in)
			var e *Error
			if !errors.As(err, &e) || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%v", err)
			}
			if e.AI != c.ai || e.Offset != c.offset || !strings.Contains(e.Problem, c.says) || fault.PlaceOf(err) != e.place() {
				t.Errorf("(%s) at %d: %s; place %q", e.AI, e.Offset, e.Problem, fault.PlaceOf(err))
			}
		})
	}
}

func TestATextThatLooksLikeAKeySaysSo(t *testing.T) {
	t.Parallel()
	for in, doubt := range map[string]string{
		"9506000134353": "expected 2", "96385075": "expected 4", "106141412345678900": "expected 8",
		"1234567": "", "A-01": "", "0614141000036X": "",
	} {
		c, err := Parse(in)
		if err != nil || c.Form != FormText || (c.Doubt == "") != (doubt == "") || !strings.Contains(c.Doubt, doubt) {
			t.Errorf("%s: %+v, %v", in, c, err)
		}
	}
}

// The digits are those that GS1 publishes with its examples.
func TestCheckDigits(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]byte{
		"10614141234567890": '8', "950600013435": '2', "9638507": '4', "61414100003": '6', "061414199999": '6', "629104150021": '3',
	} {
		if got := CheckDigit(body); got != want {
			t.Errorf("%s: %c, expected %c", body, got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		body := digitsOf(r, []int{7, 11, 12, 13}[r.IntN(4)])
		s := body + string(CheckDigit(body))
		if err := CheckGTIN(s); err != nil {
			t.Fatal(err)
		}
		g, err := GTIN14(s)
		if err != nil || CheckGTIN(g) != nil || !strings.HasSuffix(g, s) {
			t.Fatal(g, err)
		}
		// Every single wrong digit is found.
		i := r.IntN(len(s))
		bad := s[:i] + string('0'+(s[i]-'0'+byte(1+r.IntN(9)))%10) + s[i+1:]
		if CheckGTIN(bad) == nil {
			t.Fatalf("%s passes for %s", bad, s)
		}
	}
	for _, bad := range []string{"", "1", "950600013435a", "95060001343521"[:13] + "x", "123456789"} {
		if CheckGTIN(bad) == nil || CheckSSCC(bad) == nil || CheckGLN(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if CheckGLN("9506000134352") != nil || CheckSSCC("106141412345678908") != nil {
		t.Error("a right key is refused")
	}
}

func TestTheCenturyAndTheLastDay(t *testing.T) {
	t.Parallel()
	at := func(year int) time.Time { return time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		v    string
		now  int
		want string
	}{
		{"261201", 2026, "2026-12-01"}, {"761201", 2026, "2076-12-01"}, {"771201", 2026, "1977-12-01"},
		{"990101", 2000, "1999-01-01"}, {"500101", 2000, "2050-01-01"}, {"510101", 2000, "1951-01-01"},
		{"000229", 1999, "2000-02-29"}, {"050101", 1999, "2005-01-01"}, {"490101", 1999, "2049-01-01"}, {"500101", 1999, "1950-01-01"},
		{"280200", 2026, "2028-02-29"}, {"270200", 2026, "2027-02-28"}, {"261200", 2026, "2026-12-31"}, {"260400", 2026, "2026-04-30"},
	} {
		got, err := Date(c.v, at(c.now))
		if err != nil || got.Format(time.DateOnly) != c.want {
			t.Errorf("%s in %d: %v, %v; expected %s", c.v, c.now, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "26120", "2612011", "261301", "260001", "260431", "26AB01"} {
		if got, err := Date(bad, at(2026)); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	// 2100 is no leap year, although 00 passes for one while the century is not known.
	if got, err := Date("000229", at(2099)); err == nil {
		t.Errorf("%v", got)
	}
	c, err := Parse("(01)09506000134352(15)261001(17)260900")
	if day, ok := c.Expiry(at(2026)); err != nil || !ok || day.Format(time.DateOnly) != "2026-09-30" {
		t.Error(day, ok, err)
	}
}

func TestAmountsAreWholeNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ai, v    string
		units    int64
		decimals int
		mass, um int64
	}{
		{"3103", "001750", 1750, 3, 1_750_000, 0}, {"3100", "999999", 999999, 0, 999_999_000_000, 0}, {"3305", "000001", 1, 5, 10, 0},
		{"3201", "000010", 10, 1, 453_592, 0}, {"3400", "000100", 100, 0, 45_359_237, 0},
		{"3112", "000125", 125, 2, 0, 1_250_000}, {"3210", "000010", 10, 0, 0, 254_000}, {"3922", "1299", 1299, 2, 0, 0},
	} {
		e := Element{AI: c.ai, Value: c.v}
		a, ok := e.Amount()
		if !ok || a.Units != c.units || a.Decimals != c.decimals {
			t.Errorf("%s %s: %+v, %v", c.ai, c.v, a, ok)
		}
		if m, ok := e.Mass(); int64(m) != c.mass || ok != (c.mass > 0) {
			t.Errorf("%s %s weighs %d, %v", c.ai, c.v, m, ok)
		}
		if l, ok := e.Length(); int64(l) != c.um || ok != (c.um > 0) {
			t.Errorf("%s %s is %d long, %v", c.ai, c.v, l, ok)
		}
	}
	if a, ok := (Element{AI: "3932", Value: "9781299"}).Amount(); !ok || a.Currency != "978" || a.Units != 1299 {
		t.Error(a, ok)
	}
	for _, e := range elements("10", "A", "3940", "1234", "3912", "97", "37", "5", "3103", "") {
		if a, ok := e.Amount(); ok {
			t.Errorf("%+v is %+v", e, a)
		}
	}
	for mg, want := range map[int64]string{
		1_750_000: "3303001750", 0: "3303000000", 499: "3303000000", 500: "3303000001", 999_999_499: "3303999999",
		999_999_500: "3302100000", 12_345_678_900: "3301123457", 999_999_499_999: "3300999999",
	} {
		if e, ok := Kilograms("330", measure.Mass(mg)); !ok || e.AI+e.Value != want {
			t.Errorf("%d mg: %s %s, expected %s", mg, e.AI, e.Value, want)
		}
	}
	for _, mg := range []int64{-1, 999_999_500_000} {
		if e, ok := Kilograms("330", measure.Mass(mg)); ok {
			t.Errorf("%d mg: %+v", mg, e)
		}
	}
}

func TestPairs(t *testing.T) {
	t.Parallel()
	const g = "09506000134352"
	for name, c := range map[string]struct {
		es   []Element
		want string // place and reason; "" where all is well
	}{
		"a trade item":                         {elements("01", g, "10", "A", "17", "261201"), ""},
		"a logistic unit with its content":     {elements("00", "106141412345678908", "02", g, "37", "12", "10", "A"), ""},
		"content without count":                {elements("00", "106141412345678908", "02", g), "(02) at byte 0: needs 37"},
		"count without content":                {elements("00", "106141412345678908", "37", "12"), "(37) at byte 0: needs 02 or 8026"},
		"content without its unit":             {elements("02", g, "37", "12"), "(37) at byte 0: needs 00"},
		"item and content":                     {elements("00", "106141412345678908", "01", g, "02", g, "37", "1"), "(01) at byte 0: cannot stand beside 02"},
		"a lot of nothing":                     {elements("10", "A"), "(10) at byte 0: needs 01 or 02"},
		"a serial of a content":                {elements("00", "106141412345678908", "02", g, "37", "1", "21", "S"), "(21) at byte 0: needs 01"},
		"two net weights":                      {elements("01", g, "3103", "001000", "3102", "000100"), "(3103) at byte 0: cannot stand beside 3102"},
		"net weight and length":                {elements("01", g, "3103", "001000", "3111", "000100"), ""},
		"the same lot on two symbols":          {elements("01", g, "10", "A", "10", "A"), ""},
		"two lots":                             {elements("01", g, "10", "A", "10", "B"), "(10) at byte 0: stands there twice"},
		"price of a variable measure":          {elements("01", g, "3922", "100", "3103", "001000"), ""},
		"price without a measure":              {elements("01", g, "3922", "100"), "(3922) at byte 0: needs 30"},
		"postal code with and without country": {elements("420", "89501", "421", "84089501"), "(420) at byte 0: cannot stand beside 421"},
		"what is no identifier":                {elements("05", "1"), "(05) at byte 0: is no"},
	} {
		err := CheckPairs(c.es)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTableHoldsTogether(t *testing.T) {
	t.Parallel()
	for code, id := range byAI {
		if code != id.AI || id.Title == "" || len(id.Parts) == 0 {
			t.Errorf("%s: %+v", code, id)
		}
		for other := range byAI {
			if other != code && strings.HasPrefix(other, code) {
				t.Errorf("%s begins %s: a reader could not tell them apart", code, other)
			}
		}
		least, most := id.length()
		if n := predefined[code[:2]]; n > 0 && (least != most || n != len(code)+least) {
			t.Errorf("%s has %d characters, predefined are %d", code, len(code)+least, n)
		}
		for i, p := range id.Parts {
			if i < len(id.Parts)-1 && (p.Optional || p.Min != p.Max) {
				t.Errorf("%s: part %d could not be told from the next", code, i)
			}
		}
		known := func(pattern string) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(byAI)), func(ai string) bool { return matches(pattern, ai) })
		}
		for _, list := range append(slices.Clone(id.Needs), append(slices.Clone(id.Qualifiers), id.Never)...) {
			for _, p := range list {
				if !known(p) {
					t.Errorf("%s names %s, which is none", code, p)
				}
			}
		}
	}
	for _, ai := range strings.Fields("00 01 02 10 11 12 13 15 16 17 20 21 22 30 37 240 241 3100 3105 3690 3695 3920 3929 3932 400 401 402 403 410 417 420 421 7003 8005 8008 8020 90 91 99") {
		if _, ok := Lookup(ai); !ok {
			t.Errorf("%s is missing", ai)
		}
	}
	for _, ai := range []string{"04", "18", "3106", "396", "9", "0", "", "100"} {
		if _, ok := Lookup(ai); ok {
			t.Errorf("%q is none", ai)
		}
	}
}

// What is written is read again, in whatever order and form; what is read and written again
// is the same but for separators that say nothing.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	all := slices.Sorted(maps.Keys(byAI))
	r := rand.New(rand.NewPCG(7, 11))
	for i := range 5000 {
		var es []Element
		for range 1 + r.IntN(6) {
			ai := all[r.IntN(len(all))]
			es = append(es, Element{AI: ai, Value: valueOf(r, byAI[ai])})
		}
		if i == 0 {
			es = nil
			for _, ai := range all {
				es = append(es, Element{AI: ai, Value: valueOf(r, byAI[ai])})
			}
		}
		if i%2 == 0 {
			es = Ordered(es...)
		}
		s, err := Symbol(es...)
		if err != nil {
			t.Fatalf("%+v: %v", es, err)
		}
		h, err := Bracketed(es...)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{"]C1" + s, "]d2" + string(FNC1) + s + string(FNC1), h} {
			if len(in) > MaxCode {
				continue
			}
			got, err := Parse(in)
			if err != nil || !slices.Equal(bare(got.Elements), es) {
				t.Fatalf("%q: %+v, %v; expected %+v", in, got, err, es)
			}
		}
	}
}

func TestNothingWrongIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		es    []Element
		place string
	}{
		"no element":       {nil, "byte 0"},
		"no identifier":    {elements("05", "1"), "(05) at byte 0"},
		"a check digit":    {elements("10", "A", "01", "09506000134353"), "(01) at byte 5"},
		"a separator":      {elements("10", "A\x1d17261201"), "(10) at byte 3"},
		"a forbidden char": {elements("10", "AB C"), "(10) at byte 4"},
		"too long":         {elements("21", strings.Repeat("x", 21)), "(21) at byte 2"},
	} {
		if s, err := Symbol(c.es...); s != "" || fault.PlaceOf(err) != c.place || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %q, %v", name, s, err)
		}
		if s, err := Bracketed(c.es...); s != "" || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %q, %v", name, s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"]C10109506000134352" + "10AB\x1d17261200", "(01)09506000134352(10)A\\(1)", "https://id.gs1.org/01/09506000134352/10/A?17=261200",
		"9506000134352", "]d2\x1d8008261201120\x1d", "(7007)261201261202(4330)000123-", "(8008)2612011", "]E3", "(8006)0950600013435201", "(7011)26120112",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v (%+v)", s, err, e)
			}
			return
		}
		if c.Form == FormText {
			if len(c.Elements) > 0 || c.Text == "" {
				t.Fatalf("%q: %+v", s, c)
			}
			return
		}
		out, err := Symbol(c.Elements...)
		if err != nil {
			t.Fatalf("%q is read and cannot be written: %v", s, err)
		}
		again, err := Parse("]C1" + out)
		if err != nil || !slices.Equal(bare(again.Elements), bare(c.Elements)) {
			t.Fatalf("%q -> %q -> %+v, %v; first %+v", s, out, again, err, c)
		}
	})
}

func ExampleParse() {
	c, err := Parse("]C10109506000134352" + "10LOT-7\x1d" + "17261200" + "37" + "12")
	if err != nil {
		fmt.Println(err)
		return
	}
	day, _ := c.Expiry(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(c.GTIN(), c.Lot(), day.Format(time.DateOnly), c.Count())
	_, err = Parse("(01)09506000134353")
	fmt.Println(err)
	// Output:
	// 09506000134352 LOT-7 2026-12-31 12
	// gs1.Parse: gs1.bracketed: (01) at byte 4: GTIN: 09506000134353 has check digit 3, expected 2
}

func digitsOf(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(10))
	}
	return string(b)
}

// valueOf is a random value that the identifier allows.
func valueOf(r *rand.Rand, id *Identifier) string {
	for {
		var v strings.Builder
		for _, p := range id.Parts {
			if p.Optional && r.IntN(2) == 0 {
				break
			}
			n := p.Min + r.IntN(p.Max-p.Min+1)
			b := make([]byte, n)
			for i := range b {
				b[i] = members[p.Set][r.IntN(len(members[p.Set]))]
			}
			s := string(b)
			if p.check != nil && p.check(s) != "" {
				s = right(r, n)
			}
			if p.check != nil && p.check(s) != "" { // one of the rules that are not about days or sums
				s = map[int]string{1: "-", 2: "30", 4: "0203", 10: "0000000001"}[n]
				if id.AI == "8003" {
					s = "0"
				}
			}
			v.WriteString(s)
		}
		if _, problem := id.Check(v.String()); problem == "" {
			return v.String()
		}
	}
}

// right is a number of n digits that ends in its check digit, a day, or a day with its hour.
func right(r *rand.Rand, n int) string {
	day := fmt.Sprintf("%02d%02d%02d", r.IntN(100), 1+r.IntN(12), 1+r.IntN(28))
	switch n {
	case 6:
		return day
	case 8:
		return day + fmt.Sprintf("%02d", r.IntN(24))
	case 13, 14, 17, 18:
		body := digitsOf(r, n-1)
		return body + string(CheckDigit(body))
	}
	return digitsOf(r, n)
}
