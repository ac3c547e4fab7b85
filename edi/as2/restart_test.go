package as2

import (
	"net/textproto"
	"strings"
	"testing"
)

func TestPartOfAMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tag, span string
		want      Part
		err       string
	}{
		{want: Part{}},
		{tag: ` "a-1" `, want: Part{Tag: `"a-1"`}},
		{tag: `"a"`, span: "bytes 10-99/100", want: Part{Tag: `"a"`, First: 10, Total: 100}},
		{tag: `"a"`, span: "10-99/100", want: Part{Tag: `"a"`, First: 10, Total: 100}},
		{tag: `"a"`, span: "bytes 0-99/100", want: Part{Tag: `"a"`, Total: 100}},
		{tag: `"a"`, span: "bytes 99-99/100", want: Part{Tag: `"a"`, First: 99, Total: 100}},
		{span: "bytes 10-99/100", err: "without an ETag"},
		{tag: `"a"`, span: "bytes 10-98/100", err: "is not the rest"},
		{tag: `"a"`, span: "bytes 10-100/100", err: "is not the rest"},
		{tag: `"a"`, span: "bytes 100-99/100", err: "is not the rest"},
		{tag: `"a"`, span: "bytes 10-99/*", err: "is not as"},
		{tag: `"a"`, span: "bytes */100", err: "is not as"},
		{tag: `"a"`, span: "bytes 10-99", err: "is not as"},
		{tag: `"a"`, span: "bytes -10-99/100", err: "is not as"},
		{tag: `"a"`, span: "bytes +10-99/100", err: "is not as"},
		{tag: `"a"`, span: "bytes 10-99999999999999999999/99999999999999999999", err: "is not as"},
		{tag: `"a"`, span: "lines 1-2/3", err: "is not as"},
		{tag: `"a"`, span: "bytes 0-9/10, bytes 0-9/10", err: "is not as"},
		{tag: strings.Repeat("a", 257), err: "257 characters"},
		{tag: "a\x00b", err: "may not have"},
		{tag: "ä", err: "may not have"},
	} {
		h := textproto.MIMEHeader{}
		if c.tag != "" {
			h.Set("ETag", c.tag)
		}
		if c.span != "" {
			h.Set("Content-Range", c.span)
		}
		got, err := ParsePart(h)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%q %q: %+v, %v", c.tag, c.span, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q %q: %v, not %q", c.tag, c.span, err, c.err)
		case got.Total > 0 && err == nil:
			h.Set("Content-Range", got.ContentRange())
			if again, err := ParsePart(h); err != nil || again != got {
				t.Errorf("%q is written as %q", c.span, got.ContentRange())
			}
		}
	}
}
