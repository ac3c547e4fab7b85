package dlq_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/paklog/hub/dlq"
)

func TestWhatIsNoTextIsDumped(t *testing.T) {
	t.Parallel()
	random := make([]byte, 5000)
	_, _ = rand.NewChaCha8([32]byte{9}).Read(random) // never fails
	for name, c := range map[string]struct {
		bytes string
		dump  bool
	}{
		"nothing":                       {"", false},
		"a document":                    {"ISA*00*~\r\nGS*OW~", false},
		"separators of EDI":             {"ISA\x1d00\x1c\x1fGS\x1dOW\x1c", false},
		"the end of a file of old":      {"ISA*00*~\x1a", false},
		"a name in Latin-1":             {"N1*ST*Jos\xe9 Garc\xeda*92*4711~N3*Calle 1~", false},
		"random bytes":                  {string(random), true},
		"a terminal's sequences":        {"\x1b]0;own\x07\x1b[2J\x07\x07\x07", true},
		"a picture":                     {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", true},
		"UTF-16":                        {"I\x00S\x00A\x00", true},
		"controls of ISO 6429":          {"\u009b2J\u009b2J", true},
		"one byte that is none of text": {"\xff", true},
	} {
		got := dlq.Dump([]byte(c.bytes))
		if (got != "") != c.dump {
			t.Errorf("%s: %q", name, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
			t.Errorf("%s: the dump is no plain text: %q", name, got)
		}
	}
	if got := dlq.Dump(random); !strings.HasSuffix(got, "and 904 bytes more\n") || !strings.HasPrefix(got, "00000000  ") {
		t.Errorf("%q", got)
	}
}
