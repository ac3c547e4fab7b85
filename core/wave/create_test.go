package wave_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/wave"
)

func TestEachOrderIsInOneWaveOrLeftWithAReason(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.Int64Range(0, 9)
		limit := func(name string) int64 { return q.Draw(t, name) * 2 }
		l := wave.Limits{
			Orders: q.Draw(t, "orders"), Lines: limit("lines"), Units: limit("units"), Volume: limit("volume"),
			Weight: measure.Mass(limit("weight")), Totes: limit("totes"), Labour: limit("labour"),
		}
		var orders []wave.Candidate
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			c := wave.Candidate{Order: wave.Order{
				Owner: "acme", Order: fmt.Sprint(i), Lines: q.Draw(t, "l"), Units: q.Draw(t, "u"), Volume: q.Draw(t, "v"),
				Weight: measure.Mass(q.Draw(t, "w")), Totes: q.Draw(t, "t"), Labour: q.Draw(t, "ms"),
			}, Priority: rapid.IntRange(0, 9).Draw(t, "priority")}
			if by := rapid.IntRange(0, 4).Draw(t, "by"); by > 0 {
				c.CutOff = at.Add(time.Duration(by) * time.Hour)
			}
			orders = append(orders, c)
		}
		waves, left := wave.Create(l, orders)
		seen := map[string]int{}
		for i, w := range waves {
			var sum wave.Limits
			for j, c := range w {
				seen[c.Order.Order]++
				sum = sum.Plus(c.Share())
				if j > 0 && wave.FirstToGo(w[j-1], c) > 0 {
					t.Fatalf("wave %d: order %s comes after one that is less urgent", i, c.Order.Order)
				}
			}
			for name, x := range map[string][2]int64{
				"orders": {sum.Orders, l.Orders}, "lines": {sum.Lines, l.Lines}, "units": {sum.Units, l.Units}, "volume": {sum.Volume, l.Volume},
				"weight": {int64(sum.Weight), int64(l.Weight)}, "totes": {sum.Totes, l.Totes}, "labour": {sum.Labour, l.Labour},
			} {
				if x[1] > 0 && x[0] > x[1] {
					t.Fatalf("wave %d has %d %s, the limit is %d", i, x[0], name, x[1])
				}
			}
			if len(w) == 0 {
				t.Fatalf("wave %d is empty", i)
			}
		}
		for _, x := range left {
			seen[x.Order]++
			i := slices.IndexFunc(orders, func(c wave.Candidate) bool { return c.Order.Order == x.Order })
			if s := orders[i].Share(); !strings.HasPrefix(x.Because, "limits.") || l.Room(wave.Limits{Orders: 1}, s) && l.Orders != 1 {
				t.Fatalf("order %s is left, though it fits: %s", x.Order, x.Because)
			}
		}
		for _, c := range orders {
			if seen[c.Order.Order] != 1 {
				t.Fatalf("order %s is %d times somewhere", c.Order.Order, seen[c.Order.Order])
			}
		}
	})
}

func TestTemplatesTakeWhatFitsEveryGivenField(t *testing.T) {
	order := wave.Candidate{Order: wave.Order{Owner: "acme"}, Carrier: "UPS", Service: "03", Route: "R7", Type: "SA", Zones: []string{"COLD", "FAST"}, Priority: 4, CutOff: at.Add(time.Hour)}
	for name, c := range map[string]struct {
		template wave.Template
		because  string
	}{
		"empty takes all":            {wave.Template{}, ""},
		"all fields":                 {wave.Template{Carriers: []string{"DHL", "UPS"}, Services: []string{"03"}, Routes: []string{"R7"}, Types: []string{"NE", "SA"}, Owners: []string{"acme"}, Zones: []string{"FAST"}, Priority: 4, Within: time.Hour}, ""},
		"all zones":                  {wave.Template{Zones: []string{"FAST", "COLD"}, AllZones: true}, ""},
		"another carrier":            {wave.Template{Carriers: []string{"DHL"}}, "carrier"},
		"another service":            {wave.Template{Services: []string{"01"}}, "service"},
		"another route":              {wave.Template{Routes: []string{"R8"}}, `route "R7" is not R8`},
		"another type":               {wave.Template{Types: []string{"NE"}}, "type"},
		"another owner":              {wave.Template{Owners: []string{"zen"}}, "owner"},
		"no zone of it":              {wave.Template{Zones: []string{"SLOW"}}, "nothing of it"},
		"one zone is not all":        {wave.Template{Zones: []string{"FAST"}, AllZones: true}, "not all of it"},
		"less urgent":                {wave.Template{Priority: 5}, "priority 4"},
		"its cut-off is too far off": {wave.Template{Within: 59 * time.Minute}, "farther than 59m"},
	} {
		if why := c.template.Fits(order, at); (why == "") != (c.because == "") || !strings.Contains(why, c.because) {
			t.Errorf("%s: %q", name, why)
		}
	}
	order.CutOff = time.Time{}
	if why := (wave.Template{Within: time.Hour}).Fits(order, at); why != "it has no cut-off" {
		t.Errorf("no cut-off: %q", why)
	}
}

func TestOrdersJoinPlannedWavesWithinTheirLimits(t *testing.T) {
	c := good
	c.Limits = wave.Limits{Lines: 5, Orders: 3}
	evs, err := wave.Wave{}.Plan(c, at)
	w := run(t, wave.Wave{}, evs, err)
	for place, o := range map[string]wave.Order{
		"limits.lines": {Owner: "acme", Order: "2", Lines: 3}, "owner": {Order: "2"}, "order": {Owner: "acme"}, "units": {Owner: "acme", Order: "2", Units: -1},
	} {
		if evs, err := w.Add(wave.Add{Order: o}, at); len(evs) != 0 || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	if evs, err := w.Add(wave.Add{Order: good.Orders[0]}, at); err != nil || len(evs) != 0 {
		t.Errorf("added again: %v, %v", evs, err)
	}
	evs, err = w.Add(wave.Add{Order: wave.Order{Owner: "acme", Order: "2", Lines: 2}}, at)
	w = run(t, w, evs, err)
	if w.Open != 3 || w.Share().Lines != 5 {
		t.Errorf("%+v", w)
	}
	if _, err := w.Add(wave.Add{Order: wave.Order{Owner: "acme", Order: "3"}}, at); fault.PlaceOf(err) != "limits.orders" {
		t.Errorf("a fourth: %v", err)
	}
	evs, err = w.Finish(wave.Finish{Owner: "acme", Order: "1", Outcome: wave.OutRemoved}, at)
	w = run(t, w, evs, err)
	evs, err = w.Add(wave.Add{Order: wave.Order{Owner: "acme", Order: "1", Lines: 1}}, at)
	if w = run(t, w, evs, err); w.Open != 3 || len(w.Orders) != 3 || w.Orders[2].Order.Order != "1" || w.Orders[2].Outcome != "" {
		t.Errorf("came back: %+v", w)
	}
	evs, err = w.Ask(wave.Ask{By: "jo"}, at)
	w = run(t, w, evs, err)
	evs, err = w.Release(wave.Release{}, at)
	w = run(t, w, evs, err)
	if _, err := w.Add(wave.Add{Order: wave.Order{Owner: "acme", Order: "3"}}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("joined a released wave: %v", err)
	}
	if _, err := w.Ask(wave.Ask{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("asked of a released wave: %v", err)
	}
}
