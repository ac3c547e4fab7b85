package as2

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
)

// A message bears the version that is agreed, is taken by a station whatever it says, and its receipt bears the same.
func TestMessagesBearTheVersionThatIsAgreed(t *testing.T) {
	t.Parallel()
	for agreed, want := range map[string]string{"": "1.2", Version11: "1.1", Version12: "1.2", Version13: "1.3"} {
		r := newRig(t)
		s, _, m := r.line(t, func(p *Profile) { p.Version, p.Restart = agreed, false })
		if got := m.Headers["As2-Version"]; len(got) != 1 || got[0] != want {
			t.Errorf("agreed %q: the message says %q, want %s", agreed, got, want)
		}
		if _, err := s.Send(t.Context(), "US", m, trust.Exchange{}); err != nil {
			t.Errorf("agreed %q: %v", agreed, err)
		}
	}
	for _, said := range []string{"1.0", "1.3", "2.0"} {
		r := newRig(t)
		h, body := r.message("<1@acme>", "ISA", func(m *as2.Message) { m.Version = said })
		if a := r.post(h, strings.NewReader(string(body))); a.header.Get("As2-Version") != said {
			t.Errorf("the receipt of a message of %s says %s", said, a.header.Get("As2-Version"))
		}
	}
}
