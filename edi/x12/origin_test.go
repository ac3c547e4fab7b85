package x12

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSetIsReadAgainWithTheSameFindings(t *testing.T) {
	t.Parallel()
	for _, seed := range uglySeeds {
		d, err := Parse([]byte(seed), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range d.Sets() {
			stored, err := json.Marshal(p.Origin())
			if err != nil {
				t.Fatal(err)
			}
			var o Origin
			if err := json.Unmarshal(stored, &o); err != nil {
				t.Fatal(err)
			}
			q, err := ReadSet([]byte(string(p.Raw)), o, Limits{})
			if err != nil {
				t.Fatalf("%v in %q", err, p.Raw)
			}
			var want []Finding
			for _, f := range p.Findings {
				if f.Code != CodeSetControlRepeated && f.Code != CodeUnterminated {
					want = append(want, f)
				}
			}
			var got []Finding
			for _, f := range q.Findings {
				if f.Code != CodeUnterminated {
					got = append(got, f)
				}
			}
			if q.ST != p.ST || q.Identity() != p.Identity() || !reflect.DeepEqual(got, want) {
				t.Errorf("read again\n%+v %+v\nwas\n%+v %+v", q.ST, got, p.ST, want)
			}
		}
	}
}

func TestWhatIsNotOneSetIsNotReadAsOne(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(plain), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o := d.Parts[2].Origin()
	two := plain[strings.Index(plain, "ST*940"):strings.Index(plain, "GE*")]
	for _, raw := range []string{"", "W05*N~", two, "GE*1*7~", "ISA*"} {
		if _, err := ReadSet([]byte(raw), o, Limits{}); !errors.Is(err, ErrNotOneSet) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if _, err := ReadSet([]byte(two), Origin{}, Limits{}); err == nil {
		t.Error("a set without delimiters was read")
	}
}

func TestIdentityTellsFieldsApart(t *testing.T) {
	t.Parallel()
	ids := []Identity{
		{"ZZ", "A", "ZZ", "B", "1", "2", "3"}, {"ZZ", "A", "ZZ", "B", "1", "2", ""}, {"ZZ", "A", "ZZ", "B", "1", "", "3"},
		{"ZZ", "A/ZZ", "ZZ", "B", "1", "2", "3"}, {"ZZ", "A%2FZZ", "ZZ", "B", "1", "2", "3"}, {"ZZ", "A", "01", "B", "1", "2", "3"},
	}
	seen := map[string]Identity{}
	for _, id := range ids {
		if other, ok := seen[id.String()]; ok {
			t.Errorf("%+v and %+v are both %s", other, id, id)
		}
		seen[id.String()] = id
	}
	if got := ids[0].String(); got != "ZZ/A/ZZ/B/1/2/3" {
		t.Errorf("identity %s", got)
	}
}
