package strictjson_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/strictjson"
)

type line struct {
	Item string `json:"item"`
	Qty  int64  `json:"qty"`
}

type doc struct {
	Number string            `json:"number"`
	Small  int8              `json:"small,omitempty"`
	Rush   bool              `json:"rush,omitempty"`
	At     time.Time         `json:"at,omitzero"`
	Lines  []line            `json:"lines,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
	Bill   *line             `json:"bill,omitempty"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
}

func TestDecodeReadsWhatIsRight(t *testing.T) {
	t.Parallel()
	in := ` {"number":"A\u00e9\ud83d\ude00\n","small":-128,"rush":true,"at":"2026-11-23T08:00:00+01:00",
		"lines":[{"item":"X","qty":9007199254740993},{"qty":0,"item":""}],"tags":{"a":"b"},"bill":{"item":"Y","qty":1},"raw":{"x":[1.5,null]}} `
	var d doc
	if err := strictjson.Decode([]byte(in), &d); err != nil {
		t.Fatal(err)
	}
	want := doc{
		Number: "Aé😀\n", Small: -128, Rush: true, At: d.At,
		Lines: []line{{"X", 9007199254740993}, {"", 0}}, Tags: map[string]string{"a": "b"}, Bill: &line{"Y", 1},
		Raw: json.RawMessage(`{"x":[1.5,null]}`),
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v\nwant %+v", d, want)
	}
	if !d.At.Equal(time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("at is %v", d.At)
	}
}

func TestDecodeRefusesWithPlaceAndByte(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40)
	for name, c := range map[string]struct {
		in, place, reason string
		offset            int
	}{
		"nothing":                     {"", "", "is empty", 0},
		"white space only":            {"  ", "", "ends where an object", 2},
		"cut in a text":               {`{"number":"ab`, "number", "ends within a text", 13},
		"cut after a colon":           {`{"number":`, "number", "the document ends", 10},
		"a second document":           {`{"number":"a"}{}`, "", "behind the end", 14},
		"a list for an object":        {`[]`, "", "a list where an object", 0},
		"an unknown field":            {`{"number":"a","colour":"red"}`, "", `"colour" is not known: there are number`, 14},
		"another case":                {`{"Number":"a"}`, "", `is "number" meant?`, 1},
		"an unknown field in a list":  {`{"number":"a","lines":[{"item":"x","qty":1},{"sku":"y"}]}`, "lines[1]", `"sku" is not known`, 45},
		"a field twice":               {`{"number":"a","number":"b"}`, "number", "comes twice", 14},
		"a field twice, escaped":      {`{"number":"a","n\u0075mber":"b"}`, "number", "comes twice", 14},
		"a map's field twice":         {`{"number":"a","tags":{"x":"1","x":"2"}}`, "tags.x", "comes twice", 30},
		"a raw value's field twice":   {`{"number":"a","raw":{"x":1,"x":2}}`, "raw.x", "comes twice", 27},
		"a missing field":             {`{"number":"a","lines":[{"item":"x"}]}`, "lines[0].qty", "is missing", 23},
		"null":                        {`{"number":null}`, "number", "leave the field out", 10},
		"a fraction for a count":      {`{"number":"a","lines":[{"item":"x","qty":1.5}]}`, "lines[0].qty", "not a whole number", 41},
		"a whole fraction for one":    {`{"number":"a","lines":[{"item":"x","qty":1.0}]}`, "lines[0].qty", "not a whole number", 41},
		"an exponent":                 {`{"number":"a","lines":[{"item":"x","qty":1e400}]}`, "lines[0].qty", "not a whole number", 41},
		"NaN":                         {`{"number":"a","lines":[{"item":"x","qty":NaN}]}`, "lines[0].qty", "NaN where a whole number", 41},
		"an infinite number":          {`{"number":"a","lines":[{"item":"x","qty":-Infinity}]}`, "lines[0].qty", "is not a number", 41},
		"a number in quotes":          {`{"number":"a","lines":[{"item":"x","qty":"1"}]}`, "lines[0].qty", "a text where a whole number", 41},
		"more than 64 bits":           {`{"number":"a","lines":[{"item":"x","qty":9223372036854775808}]}`, "lines[0].qty", "does not fit", 41},
		"more than 8 bits":            {`{"number":"a","small":128}`, "small", "does not fit", 22},
		"a leading zero":              {`{"number":"a","small":01}`, "small", "leading zero", 22},
		"a number for a text":         {`{"number":5}`, "number", "a number where a text", 10},
		"a yes":                       {`{"number":"a","rush":"yes"}`, "rush", "neither true nor false", 21},
		"a day for a time":            {`{"number":"a","at":"2026-11-23"}`, "at", "is not a time", 19},
		"the 31st of February":        {`{"number":"a","at":"2026-02-31T00:00:00Z"}`, "at", "is not a time", 19},
		"a trailing comma":            {`{"number":"a",}`, "", "nothing behind it", 14},
		"single quotes":               {`{'number':'a'}`, "", "field name in double quotes", 1},
		"a comment":                   {`{/**/"number":"a"}`, "", "field name in double quotes", 1},
		"a line end in a text":        {"{\"number\":\"a\nb\"}", "number", "must be written as an escape", 12},
		"a bad escape":                {`{"number":"\x41"}`, "number", "not an escape", 11},
		"a cut escape":                {`{"number":"\u00`, "number", "ends within an escape", 15},
		"a lone high surrogate":       {`{"number":"\ud800"}`, "number", "half of a surrogate", 11},
		"a lone low surrogate":        {`{"number":"\udc00\ud800"}`, "number", "half of a surrogate", 11},
		"a high surrogate and a text": {`{"number":"\ud800\u0041"}`, "number", "half of a surrogate", 11},
		"the NUL character":           {`{"number":"a\u0000"}`, "number", "NUL", 12},
		"depth without end":           {`{"number":"a","raw":` + deep, "raw" + strings.Repeat("[0]", 31), "levels deep", 51},
		"latin-1":                     {"{\"number\":\"M\xfcller\"}", "", "looks like Latin-1", 12},
		"an overlong slash":           {"{\"number\":\"\xc0\xaf\"}", "", "overlong", 11},
		"an overlong of three":        {"{\"number\":\"\xe0\x80\xaf\"}", "", "overlong", 11},
		"a surrogate in bytes":        {"{\"number\":\"\xed\xa0\x80\"}", "", "surrogate", 11},
		"beyond unicode":              {"{\"number\":\"\xf4\x90\x80\x80\"}", "", "beyond", 11},
		"a cut character":             {"{\"number\":\"\xe2\x82", "", "cut", 11},
		"a byte order mark":           {"\ufeff{\"number\":\"a\"}", "", "byte order mark", 0},
		"utf-16":                      {"\xff\xfe{\x00", "", "not UTF-8", 0},
		"a NUL":                       {"\x00", "", "0x00", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d doc
			err := strictjson.Decode([]byte(c.in), &d)
			var e *strictjson.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Place != c.place || e.Offset != c.offset || !strings.Contains(e.Reason, c.reason) {
				t.Errorf("got place %q, byte %d: %s\nwant place %q, byte %d: ...%s...", e.Place, e.Offset, e.Reason, c.place, c.offset, c.reason)
			}
		})
	}
}

// What is accepted is JSON that the standard library reads to the same value.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"number":"A\u00e9","small":1,"rush":true,"lines":[{"item":"X","qty":3}],"tags":{"a":"b"},"raw":[1,{"a":null}]}`))
	f.Add([]byte(`{"number":"\ud83d\ude00","at":"2026-11-23T08:00:00Z"}`))
	f.Add([]byte("{\"number\":\"\xfc\"}"))
	f.Add([]byte(`{"number":"a","bill":{"item":"b","qty":-0}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ours, theirs doc
		err := strictjson.Decode(b, &ours)
		if err != nil {
			var e *strictjson.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) || e.Reason == "" {
				t.Fatalf("a refusal without a place in %d bytes: %#v", len(b), err)
			}
			return
		}
		if err := json.Unmarshal(b, &theirs); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		// Empty lists and texts of a time zone differ in form only.
		x, _ := json.Marshal(ours)
		y, _ := json.Marshal(theirs)
		if string(x) != string(y) {
			t.Fatalf("read %s\nwant %s", x, y)
		}
	})
}

func BenchmarkDecodeOrder(b *testing.B) {
	in := []byte(`{"number":"SO-1001","lines":[{"item":"A-1","qty":3},{"item":"A-2","qty":5},{"item":"A-3","qty":1}],"tags":{"po":"4711"}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		var d doc
		if err := strictjson.Decode(in, &d); err != nil {
			b.Fatal(err)
		}
	}
}
