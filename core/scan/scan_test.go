package scan_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	head = scan.Head{Scope: scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"}, Device: "HH-1", At: at}
)

func made(n int64) scan.Scan {
	return scan.Scan{Seq: n, At: at, Worker: "jo", Do: scan.Sight, Code: "L-1", Place: "A-1"}
}

func fold(t *testing.T, d scan.Device, evs ...event.Event) scan.Device {
	t.Helper()
	d, err := scan.Fold.Replay(d, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Whatever order scans come in and however often, they are taken in the order of their device,
// each once.
func TestScansAreTakenInTheirOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(12)
		var arrive []int64
		for i := range n {
			for range 1 + r.IntN(3) {
				arrive = append(arrive, int64(i+1))
			}
		}
		r.Shuffle(len(arrive), func(i, j int) { arrive[i], arrive[j] = arrive[j], arrive[i] })
		var d scan.Device
		var taken []int64
		take := func(s scan.Scan) {
			taken = append(taken, s.Seq)
			d = fold(t, d, scan.Taken{Head: head, Scan: s, Result: scan.Done})
		}
		for _, seq := range arrive {
			switch {
			case slices.Contains(taken, seq): // the claim answers
			case d.IsEarly(seq):
				evs, err := d.Keep(head, made(seq), at)
				if err != nil {
					t.Fatal(err)
				}
				d = fold(t, d, evs...)
			default:
				take(made(seq))
			}
			for ready := d.Ready(); ready != nil; ready = d.Ready() {
				take(ready.Scan)
			}
		}
		if len(taken) != n || !slices.IsSorted(taken) || len(d.Kept) != 0 || d.Last != int64(n) || d.Taken != int64(n) {
			t.Fatalf("seed %d: %v came, %v were taken: %+v", seed, arrive, taken, d)
		}
	}
}

func TestAGapIsGivenUpAfterAWhile(t *testing.T) {
	var d scan.Device
	for _, n := range []int64{5, 3, 7} {
		evs, err := d.Keep(head, made(n), at)
		if err != nil || len(evs) != 1 {
			t.Fatal(evs, err)
		}
		d = fold(t, d, evs...)
	}
	if evs := d.Skip(at.Add(scan.GapWait - time.Second)); len(evs) != 0 {
		t.Errorf("too early: %v", evs)
	}
	evs := d.Skip(at.Add(scan.GapWait))
	if len(evs) != 1 || evs[0].(scan.GapSkipped).From != 1 || evs[0].(scan.GapSkipped).To != 2 {
		t.Fatalf("%+v", evs)
	}
	d = fold(t, d, evs...)
	if d.Ready() == nil || d.Ready().Scan.Seq != 3 || len(d.Skip(at.Add(time.Hour))) != 0 {
		t.Fatalf("%+v", d)
	}
	d = fold(t, d, scan.Taken{Head: head, Scan: made(3)})
	if d.Ready() != nil || d.IsEarly(2) || !d.IsEarly(5) || d.Waits(5) == nil || d.Waits(6) != nil {
		t.Errorf("%+v", d)
	}
	// One that was given up is taken when it comes after all, and moves nothing back.
	if d = fold(t, d, scan.Taken{Head: head, Scan: made(1)}); d.Last != 3 {
		t.Errorf("%+v", d)
	}
}

func TestWhatCannotBeKept(t *testing.T) {
	evs, err := scan.Device{}.Keep(head, made(2), at)
	if err != nil {
		t.Fatal(err)
	}
	d := fold(t, scan.Device{}, evs...)
	if again, err := d.Keep(head, made(2), at); len(again) != 0 || err != nil {
		t.Errorf("the same again: %v, %v", again, err)
	}
	other := made(2)
	other.Code = "L-2"
	if _, err := d.Keep(head, other, at); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "seq" ||
		!strings.Contains(err.Error(), "L-1") || !strings.Contains(err.Error(), "L-2") {
		t.Errorf("another under the same number: %v", err)
	}
	for n := int64(3); len(d.Kept) < scan.MaxKept; n++ {
		d.Kept = append(d.Kept, scan.Early{Scan: made(n)})
	}
	if _, err := d.Keep(head, made(5000), at); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "send that first") {
		t.Errorf("one too many: %v", err)
	}
}

func TestScansThatSayTooLittle(t *testing.T) {
	good := map[string]scan.Scan{
		scan.Sight:   {Code: "L", Place: "A"},
		scan.Receive: {Code: "X", Place: "A"},
		scan.Pick:    {Task: "T", Step: 1, Code: "X", Tote: "T-1"},
		scan.Short:   {Task: "T", Step: 1, Reason: "not_found"},
		scan.Pack:    {Task: "P", Box: "S", Contents: []scan.Content{{Code: "X", Qty: 1}}},
		scan.Count:   {Task: "C", Place: "A"},
		scan.Move:    {Code: "L", Place: "A"},
	}
	for do, s := range good {
		s.Do, s.Seq, s.At, s.Worker = do, 1, at, "jo"
		if err := errors.Join(s.CheckHead(), s.Check()); err != nil {
			t.Errorf("%s: %v", do, err)
		}
	}
	with := func(do string, change func(*scan.Scan)) scan.Scan {
		s := good[do]
		s.Do, s.Seq, s.At, s.Worker = do, 1, at, "jo"
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		s     scan.Scan
		place string
	}{
		"no number":              {with(scan.Sight, func(s *scan.Scan) { s.Seq = 0 }), "seq"},
		"a negative number":      {with(scan.Sight, func(s *scan.Scan) { s.Seq = -4 }), "seq"},
		"no time":                {with(scan.Sight, func(s *scan.Scan) { s.At = time.Time{} }), "at"},
		"nobody":                 {with(scan.Sight, func(s *scan.Scan) { s.Worker = "" }), "worker"},
		"nothing to do":          {with(scan.Sight, func(s *scan.Scan) { s.Do = "" }), "do"},
		"a sighting of nothing":  {with(scan.Sight, func(s *scan.Scan) { s.Code = "" }), "code"},
		"a sighting nowhere":     {with(scan.Sight, func(s *scan.Scan) { s.Place = "" }), "place"},
		"a pick of no task":      {with(scan.Pick, func(s *scan.Scan) { s.Task = "" }), "task"},
		"a pick of no step":      {with(scan.Pick, func(s *scan.Scan) { s.Step = 0 }), "step"},
		"a pick into nothing":    {with(scan.Pick, func(s *scan.Scan) { s.Tote = "" }), "tote"},
		"a pick of nothing":      {with(scan.Pick, func(s *scan.Scan) { s.Code = "" }), "code"},
		"less than nothing":      {with(scan.Pick, func(s *scan.Scan) { s.Qty = -1 }), "qty"},
		"a short without reason": {with(scan.Short, func(s *scan.Scan) { s.Reason = "" }), "reason"},
		"an empty carton":        {with(scan.Pack, func(s *scan.Scan) { s.Contents = nil }), "contents"},
		"a carton of no box":     {with(scan.Pack, func(s *scan.Scan) { s.Box = "" }), "box"},
		"none of an item":        {with(scan.Pack, func(s *scan.Scan) { s.Contents = []scan.Content{{Code: "X"}} }), "contents[0]"},
		"a carton of too many":   {with(scan.Pack, func(s *scan.Scan) { s.Contents = make([]scan.Content, scan.MaxContents+1) }), "contents"},
		"a count nowhere":        {with(scan.Count, func(s *scan.Scan) { s.Place = "" }), "place"},
		"a move of nothing":      {with(scan.Move, func(s *scan.Scan) { s.Code = "" }), "code"},
	} {
		err := c.s.CheckHead()
		if err == nil {
			err = c.s.Check()
		}
		if fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v at %q, expected %q", name, err, fault.PlaceOf(err), c.place)
		}
	}
}

func TestMatch(t *testing.T) {
	it := item.Item{SKU: "MUG", Spec: item.Spec{
		Units: []item.Unit{{UOM: item.Each, Factor: 1}, {UOM: item.Case, Factor: 12}},
		Codes: []item.Code{{Kind: "upc", Value: "614141000036", UOM: item.Each}, {Kind: "gtin", Value: "10614141000033", UOM: item.Case}, {Kind: "vendor", Value: "BLUE-MUG"}},
	}}
	for name, c := range map[string]struct {
		code string
		want scan.Goods
		kind fault.Kind
		says string
	}{
		"its SKU":                  {code: "MUG", want: scan.Goods{Qty: 1}},
		"what a vendor calls it":   {code: "BLUE-MUG", want: scan.Goods{Qty: 1}},
		"its UPC":                  {code: "614141000036", want: scan.Goods{Qty: 1}},
		"its UPC as EAN-13":        {code: "]E00614141000036", want: scan.Goods{Qty: 1}},
		"a case of it":             {code: "]I110614141000033", want: scan.Goods{Qty: 12}},
		"three cases on a pallet":  {code: "]C100" + "106141412345678908" + "02" + "10614141000033" + "37" + "3", want: scan.Goods{Qty: 36, SSCC: "106141412345678908"}},
		"a lot and a serial":       {code: "(01)00614141000036(10)L-1(21)S-9", want: scan.Goods{Qty: 1, Lot: "L-1", Serial: "S-9"}},
		"a Digital Link":           {code: "https://id.gs1.org/01/00614141000036/10/L-1", want: scan.Goods{Qty: 1, Lot: "L-1"}},
		"another item":             {code: "9506000134352", kind: fault.Rejected, says: "is not item MUG"},
		"another SKU":              {code: "CUP", kind: fault.Rejected, says: "is not item MUG"},
		"a digit misread":          {code: "614141000037", kind: fault.Invalid, says: "expected 6"},
		"a digit of a symbol":      {code: "]E00614141000037", kind: fault.Invalid, says: "expected 6"},
		"more than can be counted": {code: "(02)10614141000033(37)99999999(00)106141412345678908", want: scan.Goods{Qty: 12 * 99999999, SSCC: "106141412345678908"}},
	} {
		g, err := scan.Match(c.code, it)
		if c.says == "" && (err != nil || g != c.want) || c.says != "" && (fault.KindOf(err) != c.kind || fault.PlaceOf(err) != "code" && fault.PlaceOf(err) == "" || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %+v, %v at %q", name, g, err, fault.PlaceOf(err))
		}
	}
}

func TestADeviceWhoseClockIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ made, sent, now, want time.Time }{
		"right":                   {at, at.Add(time.Minute), at.Add(time.Minute), at},
		"an hour behind":          {at.Add(-time.Hour), at.Add(-time.Hour), at, at},
		"an hour ahead, off line": {at.Add(time.Hour), at.Add(3 * time.Hour), at.Add(2 * time.Hour), at},
		"not told, in the future": {at.Add(time.Hour), time.Time{}, at, at},
		"made after it was sent":  {at.Add(time.Second), at, at, at},
		"years behind":            {time.Unix(0, 0), time.Unix(60, 0), at, at.Add(-time.Minute)},
	} {
		if got := scan.SeenAt(c.made, c.sent, c.now); !got.Equal(c.want) {
			t.Errorf("%s: %v, expected %v", name, got, c.want)
		}
	}
}
