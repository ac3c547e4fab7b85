package grammar_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/grammar"
)

func TestEveryMessageHasAValidSampleAndMutationsThatAreFound(t *testing.T) {
	t.Parallel()
	for _, s := range grammar.Builtin().Sets() {
		sample, err := s.Sample()
		if err != nil {
			t.Errorf("%s %s: %v", s.ID, s.Release, err)
			continue
		}
		for _, g := range sample.Segments {
			if strings.Join(g.Elements, "") == "" {
				t.Errorf("%s %s: segment %s of the sample has no element", s.ID, s.Release, g.Tag)
			}
		}
		all, left := s.Mutate(sample)
		for _, m := range all {
			if !s.Finds(m) { // and nothing else
				t.Errorf("%s %s: %v is not found", s.ID, s.Release, m)
			}
		}
		if len(all) < 50 || 5*len(left) > len(all) {
			t.Errorf("%s %s: %d mutations, %d left out", s.ID, s.Release, len(all), len(left))
		}
	}
}

// A range of serial numbers has two ends, and the numbers beside the first have check
// digits too.
func TestCheckDigitsAreHeldWhereverTheyStand(t *testing.T) {
	t.Parallel()
	const head = "UNB+UNOC:3+A+B+261123:0915+1'UNH+1+DESADV:D:96A:UN'BGM+351+1+9'CPS+1'PAC+1'PCI+33E'"
	for _, c := range []struct{ name, body, want string }{
		{"right", "GIN+BJ+00123456789012345675:00123456789012345675'LIN+1++4012345000009:EN'PIA+1+4012345000009:EN+X:SA'", ""},
		{"the end of a range", "GIN+BJ+00123456789012345675:00123456789012345670'", "GIN-02-2"},
		{"the second number", "GIN+BJ+00123456789012345675+00123456789012345670'", "GIN-03-1"},
		{"a PIA", "LIN+1++4012345000009:EN'PIA+1+4012345000008:EN'", "PIA-02-1"},
		{"the second of a PIA", "LIN+1++4012345000009:EN'PIA+1+X:SA+4012345000008:SRV'", "PIA-03-1"},
		{"of another kind", "LIN+1++4012345000009:EN'PIA+1+4012345000008:SA'", ""},
	} {
		d, err := edifact.Parse([]byte(head+c.body+"UNT+1+1'UNZ+1+1'"), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range d.Parts {
			if p.Kind == edifact.Message {
				grammar.Builtin().Check(p)
				for _, f := range p.Findings {
					if f.Code == "check-digit" {
						got = append(got, f.Element)
					}
				}
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: check digits of %q are told wrong, want %q", c.name, got, c.want)
		}
	}
}

// A date that is too long is told as that, and not as no date besides.
func TestAWrongDateIsToldOnce(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"20261123:102": "", strings.Repeat("1", 36) + ":102": "element-too-long", "2026112:102": "element-date", "20261323:102": "element-date",
	} {
		d, err := edifact.Parse([]byte("UNB+UNOC:3+A+B+261123:0915+1'UNH+1+APERAK:D:96A:UN'BGM+305+1+9'DTM+137:"+date+"'UNT+4+1'UNZ+1+1'"), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range d.Parts {
			grammar.Builtin().Check(p)
			for _, f := range p.Findings {
				if f.Severity == edifact.Error {
					got = append(got, f.Code)
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %q", date, got, want)
		}
	}
}
