package as2

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// partsOf reads a multipart whole.
func partsOf(body io.Reader, boundary string) ([]string, error) {
	s, err := newSplitter(body, map[string]string{"boundary": boundary}, 1<<20)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		p, err := s.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return append(out, string(content)), err
		}
		out = append(out, string(content))
	}
}

func TestPartsAreCutByteForByte(t *testing.T) {
	long := strings.Repeat("0123456789\r\n--x", 10_000)
	for _, c := range []struct {
		what, body string
		want       []string
		broken     bool
	}{
		{"one", "--b\r\nA\r\n--b--\r\n", []string{"A"}, false},
		{"line feeds alone", "--b\nA\n--b--\n", []string{"A"}, false},
		{"its own line end stays", "--b\r\nA\r\n\r\n--b--", []string{"A\r\n"}, false},
		{"preamble and epilogue", "Content-Type: x\r\n\r\n--b\r\nA\r\n--b--\r\nrest\r\n--b\r\nB", []string{"A"}, false},
		{"empty parts", "--b\r\n--b\r\n\r\n--b--", []string{"", ""}, false},
		{"blanks behind the delimiter", "--b \t\r\nA\r\n--b  \r\nB\r\n--b--  ", []string{"A", "B"}, false},
		{"a longer boundary", "--b\r\nA\r\n--bc\r\nB\r\n--b--", []string{"A\r\n--bc\r\nB"}, false},
		{"a dash too few", "--b\r\nA\r\n--b-\r\nB\r\n--b--", []string{"A\r\n--b-\r\nB"}, false},
		{"a delimiter inside a line", "--b\r\nA--b--\r\n--b--", []string{"A--b--"}, false},
		{"a carriage return alone", "--b\r\nA\r--b--\r\n--b--", []string{"A\r--b--"}, false},
		{"long", "--b\r\n" + long + "\r\n--b\r\n" + long + "\r\n--b--", []string{long, long}, false},
		{"no end", "--b\r\nA", []string{"A"}, true},
		{"an end in its delimiter", "--b\r\nA\r\n--", []string{"A\r\n--"}, true},
		{"nothing", "", nil, true},
		{"no delimiter", "just text\r\n", nil, true},
		{"the end alone", "--b--", nil, false},
	} {
		for way, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.body), "bytewise": iotest.OneByteReader(strings.NewReader(c.body)),
			"halves": iotest.HalfReader(strings.NewReader(c.body)), "end with data": iotest.DataErrReader(strings.NewReader(c.body)),
		} {
			got, err := partsOf(r, "b")
			if strings.Join(got, "|") != strings.Join(c.want, "|") || len(got) != len(c.want) || (err != nil) != c.broken {
				t.Errorf("%s, %s: %d parts %.60q, %v", c.what, way, len(got), got, err)
			}
			if err != nil && !errors.Is(err, errMIME) {
				t.Errorf("%s: %v", c.what, err)
			}
		}
	}
	for _, boundary := range []string{"", strings.Repeat("x", 300)} {
		if _, err := partsOf(strings.NewReader("--\r\n"), boundary); err == nil {
			t.Errorf("boundary of %d was taken", len(boundary))
		}
	}
	broken := errors.New("reset")
	if _, err := partsOf(io.MultiReader(strings.NewReader("--b\r\nA\r\n"), iotest.ErrReader(broken)), "b"); !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
}

func TestEntities(t *testing.T) {
	for _, c := range []struct{ what, in, field, want, body string }{
		{"one field", "A: b\r\n\r\nbody", "A", "b", "body"},
		{"line feeds", "A: b\n\nbody", "A", "b", "body"},
		{"folded", "A: b\r\n\t c\r\n  d\r\n\r\n", "A", "b c d", ""},
		{"odd case and blanks", "cOnTeNt-TyPe :  x \r\n\r\n", "Content-Type", "x", ""},
		{"twice", "A: 1\r\nA: 2\r\n\r\n", "A", "1", ""},
		{"none", "\r\nbody", "A", "", "body"},
		{"a long one", "A: " + strings.Repeat("x", 20_000) + "\r\n\r\nbody", "A", strings.Repeat("x", 20_000), "body"},
	} {
		e, err := readEntity(iotest.HalfReader(strings.NewReader(c.in)))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		body, err := io.ReadAll(e.body)
		if e.header.Get(c.field) != c.want || string(body) != c.body || err != nil || string(e.raw)+string(body) != c.in {
			t.Errorf("%s: %.60v, raw %.60q, body %q, %v", c.what, e.header, e.raw, body, err)
		}
	}
	for what, in := range map[string]string{
		"no end": "A: b\r\n", "nothing": "", "no colon": "hello\r\n\r\n", "bytes": "\x00\x01:x\r\n\r\n",
		"a fold in front": " x\r\n\r\n", "blanks in a name": "A B: c\r\n\r\n", "no name": ": x\r\n\r\n",
		"endless": strings.Repeat("A: b\r\n", 20_000) + "\r\n", "an endless line": "A: " + strings.Repeat("x", 1<<20),
	} {
		if e, err := readEntity(strings.NewReader(in)); !errors.Is(err, errMIME) {
			t.Errorf("%s: %.40v, %v", what, e.header, err)
		}
	}
}

func TestTransferEncodings(t *testing.T) {
	decode := func(encoding, body string) (string, error) {
		e, err := readEntity(strings.NewReader("Content-Transfer-Encoding: " + encoding + "\r\n\r\n" + body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(e.decoded())
		return string(out), err
	}
	for _, c := range []struct{ encoding, in, want string }{
		{"", "a\r\n\x00", "a\r\n\x00"}, {"binary", "a\n", "a\n"}, {"7bit", "a\n", "a\n"}, {"x-uuencode", "a", "a"},
		{"base64", "SGVs\r\nbG8=\r\n", "Hello"}, {"BASE64", " SGVs\n\tbG8= ", "Hello"}, {"quoted-printable", "H=65llo=\r\n!", "Hello!"},
	} {
		if got, err := decode(c.encoding, c.in); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.encoding, got, err)
		}
	}
	for _, c := range []struct{ encoding, in string }{{"base64", "SGV"}, {"base64", "SGVs?"}, {"quoted-printable", "a\x01"}} {
		if got, err := decode(c.encoding, c.in); !errors.Is(err, errMIME) {
			t.Errorf("%s %q: %q, %v", c.encoding, c.in, got, err)
		}
	}
}

// FuzzSplitter: parts are the same however the bytes come, and with their
// delimiters no more than the body.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("x\r\n--b\r\nA\r\n--b\r\n\r\n--b--\r\n"))
	f.Add([]byte("--b\n--b-\n\r\n--b --b"))
	f.Fuzz(func(t *testing.T, body []byte) {
		whole, err := partsOf(bytes.NewReader(body), "b")
		pieces, err2 := partsOf(iotest.OneByteReader(bytes.NewReader(body)), "b")
		if strings.Join(whole, "\x00|") != strings.Join(pieces, "\x00|") || (err == nil) != (err2 == nil) {
			t.Fatalf("whole %q, %v; in pieces %q, %v", whole, err, pieces, err2)
		}
		total := 0
		for _, p := range whole {
			if !bytes.Contains(body, []byte(p)) {
				t.Fatalf("part %q is not in %q", p, body)
			}
			total += len(p) + len("--b")
		}
		if total > len(body) {
			t.Fatalf("%d bytes of parts in %d", total, len(body))
		}
	})
}
