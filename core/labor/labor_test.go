package labor_test

import (
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/labor"
)

func TestTheFirstStandardThatFitsCounts(t *testing.T) {
	s := labor.Standards{
		{Kind: labor.Pick, Zone: "COLD", Task: 1000, Line: 100, Unit: 10, Metre: 3},
		{Kind: labor.Pick, Line: 50},
		{Zone: "COLD", Carton: 7},
	}
	w := labor.Work{Tasks: 2, Lines: 3, Units: 4, Travel: 2_500_001, Cartons: 5}
	for _, c := range []struct {
		kind, zone string
		want       int64
	}{
		{labor.Pick, "COLD", 2000 + 300 + 40 + 6 + 2}, // 2.500001 m are 7.500003 ms, 8 begun
		{labor.Pick, "FAST", 150},
		{labor.Pack, "COLD", 35},
		{labor.Pack, "FAST", 0}, // nobody has said
	} {
		if got := s.Time(c.kind, c.zone, w); got != c.want {
			t.Errorf("%s in %s: %d ms, want %d", c.kind, c.zone, got, c.want)
		}
	}
	huge := labor.Work{Tasks: 1 << 62, Lines: 1 << 62, Units: 1 << 62, Travel: 1 << 62, Cartons: 1 << 62}
	if got := (labor.Standards{{Task: 86_400_000, Line: 86_400_000, Unit: 86_400_000, Metre: 86_400_000, Carton: 86_400_000}}).Time(labor.Pick, "", huge); got <= 0 {
		t.Errorf("much work takes %d ms", got)
	}
	if got := s.Time(labor.Pick, "COLD", labor.Work{Lines: -5, Travel: -1}); got != 0 {
		t.Errorf("work below nothing takes %d ms", got)
	}
}

func TestStandardsAreRefusedWithPlace(t *testing.T) {
	for place, s := range map[string]labor.Standard{
		"standards[0].kind":      {Kind: "sing"},
		"standards[0].line_ms":   {Line: -1},
		"standards[0].carton_ms": {Carton: 1 << 40},
	} {
		if err := (labor.Standards{s}).Validate(); fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
}
