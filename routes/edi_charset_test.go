package routes

import "testing"

func TestAPartnerIsWrittenToInHisCharset(t *testing.T) {
	t.Parallel()
	latin, utf := Partner{Latin1: true}, Partner{}
	for _, c := range []struct {
		p          Partner
		text, want string
	}{
		{latin, "ISA*R\u00e9no~", "ISA*R\xe9no~"},
		{latin, "ISA*\u0141\u00f3d\u017a~", "ISA*?\xf3d?~"},
		{latin, "UNB+UNOC+R\u00e9no'", "UNB+UNOC+R\u00e9no'"}, // says its own
		{utf, "ISA*R\u00e9no~", "ISA*R\u00e9no~"},
	} {
		if got := string(c.p.charset([]byte(c.text))); got != c.want {
			t.Errorf("%q is written as %q, want %q", c.text, got, c.want)
		}
	}
}
