package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPercentilesAreWithinTwoPercent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []float64
	for range 20_000 {
		d := time.Duration(r.ExpFloat64() * float64(20*time.Millisecond))
		h.add(d)
		all = append(all, float64(d.Microseconds())/1000)
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		want := all[int(q*float64(len(all)))-1]
		if got := h.at(q); got < want*0.98-0.001 || got > want*1.02+0.001 {
			t.Errorf("p%v is %v ms, want %v", 100*q, got, want)
		}
	}
}

func TestEveryBucketHoldsItsValues(t *testing.T) {
	for us := uint64(0); us < 1<<40; us += us/97 + 1 {
		b := bucketOf(us)
		if up := upper(b); up < us || float64(up) > float64(us)*1.02+1 {
			t.Fatalf("%d us is counted as %d", us, up)
		}
		if b > 0 && upper(b-1) >= us {
			t.Fatalf("%d us is in bucket %d, and also below it", us, b)
		}
	}
}

func TestAnEmptyHistogramSaysNothing(t *testing.T) {
	var h histogram
	if got := h.at(0.99); got != 0 {
		t.Errorf("p99 of nothing is %v", got)
	}
	h.add(-time.Second)
	if got := h.at(1); got != 0 {
		t.Errorf("a clock that went back counts as %v ms", got)
	}
}

// A server that stops for a second in the middle delays a tenth of the calls of ten
// seconds. A generator that waits for answers would have seen one late call in a thousand.
func TestAStallIsSeenByAllWhoWereDueInIt(t *testing.T) {
	stalling := func(workers int) *loaded {
		var out *loaded
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			out = openLoop{perSecond: 100, length: 10 * time.Second, workers: workers, call: func(context.Context, int, int) error {
				at := time.Since(began)
				if from, to := 5*time.Second, 6*time.Second; at >= from && at < to {
					<-time.After(to - at)
				}
				return nil
			}}.run(t.Context())
		})
		return out
	}
	for name, workers := range map[string]int{"workers for all that wait": 200, "one worker, whose calls start late": 1} {
		got := stalling(workers)
		if got.sent != 1000 || got.failed != 0 {
			t.Fatalf("%s: %d calls, %d failed, want 1000 and none", name, got.sent, got.failed)
		}
		if p99, p85 := got.latency.at(0.99), got.latency.at(0.85); p99 < 850 || p99 > 1000 || p85 > 1 {
			t.Errorf("%s: p99 %v ms and p85 %v ms, want about 900 and 0", name, p99, p85)
		}
	}
}

func TestTheRateIsHeldWhileAnswersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := openLoop{perSecond: 200, length: 5 * time.Second, workers: 500, call: func(context.Context, int, int) error {
			<-time.After(2 * time.Second)
			return nil
		}}.run(t.Context())
		if got.took > 7*time.Second || got.lateStart > 0 {
			t.Errorf("1000 calls of 2 s took %v and started %v late: they waited for each other", got.took, got.lateStart)
		}
	})
}

func TestTooFewWorkersAreToldAsLateStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := openLoop{perSecond: 100, length: time.Second, workers: 1, call: func(context.Context, int, int) error {
			<-time.After(20 * time.Millisecond)
			return nil
		}}.run(t.Context())
		if got.lateStart < 900*time.Millisecond {
			t.Errorf("the last call started %v late, want about a second", got.lateStart)
		}
	})
}

func TestFailedCallsAreCountedWithTheirFirstReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := errors.New("503")
		got := openLoop{perSecond: 10, length: time.Second, workers: 2, call: func(_ context.Context, _, n int) error {
			if n%2 == 1 {
				return wrong
			}
			return nil
		}}.run(t.Context())
		if got.failed != 5 || !errors.Is(got.firstErr, wrong) {
			t.Errorf("%d failed with %v, want 5 with 503", got.failed, got.firstErr)
		}
	})
}

func TestAPlantedOversellIsFound(t *testing.T) {
	sound := books{received: 100, granted: 100, promised: 100, atp: 0, reserved: 100, reserves: 100}
	if n := sound.oversold(); n != 0 {
		t.Fatalf("sound books are oversold by %d", n)
	}
	if n := (books{received: 100, granted: 40, promised: 40, atp: 60, reserved: 40, reserves: 40}).oversold(); n != 0 {
		t.Errorf("books that are not exhausted are oversold by %d", n)
	}
	for name, plant := range map[string]func(*books){
		"a writer was told twice":                  func(b *books) { b.granted++ },
		"an event more than goods":                 func(b *books) { b.reserved++; b.reserves++; b.promised++; b.granted++ },
		"an event without a posting":               func(b *books) { b.reserved++; b.reserves++ },
		"a posting without an event":               func(b *books) { b.promised++; b.atp-- },
		"available to promise below zero":          func(b *books) { b.atp-- },
		"an answer without an event":               func(b *books) { b.reserved--; b.reserves--; b.promised--; b.atp++ },
		"promised goods that nobody received":      func(b *books) { b.promised++ },
		"a granted reservation that is not in any": func(b *books) { b.reserves-- },
	} {
		b := sound
		plant(&b)
		if b.oversold() == 0 {
			t.Errorf("%s: not found in %+v", name, b)
		}
	}
}

func TestALineOfJSONHasWhatItsNameSays(t *testing.T) {
	r := result{
		bench: "hop/sqlite", unit: "msg/s", value: 40123.4, floorName: "floor/sqlite-insert", floor: 80_000, ratio: 0.50154,
		peerName: "hop/one-commit-each", peer: 1234.5, peerRatio: 32.5, counts: map[string]float64{"syncs_per_msg": 0.0012345, "oversold": 0},
	}
	const want = `{"bench":"hop/sqlite","value":40123,"unit":"msg/s","floor":80000,"floor_bench":"floor/sqlite-insert","ratio":0.5015,` +
		`"peer":1235,"peer_bench":"hop/one-commit-each","peer_ratio":32.5,"oversold":0,"syncs_per_msg":0.001235}` + "\n"
	var out bytes.Buffer
	if err := writeJSON(&out, []result{r}); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
}

func TestWhatCannotRunPrintsNoNumber(t *testing.T) {
	r := result{bench: "intake/http", unit: "orders/s", err: cannot("no binary at %s", "bin/paklog"), value: 7, counts: map[string]float64{"p99_ms": 3}}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if _, ok := got["value"]; ok || got["p99_ms"] != nil || !strings.Contains(got["error"].(string), "bin/paklog") {
		t.Errorf("a bench that did not run prints %s", line)
	}
	var page bytes.Buffer
	if err := writePage(&page, []result{r}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "cannot run: no binary at bin/paklog") || strings.Contains(page.String(), "p99") {
		t.Errorf("the page says\n%s", page.String())
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	of := func(vs ...float64) (out []sample) {
		for _, v := range vs {
			out = append(out, sample{value: v, counts: map[string]float64{"oversold": v - 10, "syncs_per_msg": v}})
		}
		return out
	}
	b := &bench{name: "x", floor: "f", peer: "p"}
	// The machine was twice as fast in the second round, for both.
	r := conclude(b, map[string][]sample{"x": of(10, 20, 10), "f": of(20, 40, 20), "p": of(5)}, map[string]error{})
	if r.value != 10 || r.ratio != 0.5 || r.peerRatio != 2 || r.counts["syncs_per_msg"] != 10 {
		t.Errorf("got value %v, ratio %v, peer ratio %v, %v", r.value, r.ratio, r.peerRatio, r.counts)
	}
	if r.counts["oversold"] != 10 {
		t.Errorf("oversold %v: the worst round is to be told, not the median", r.counts["oversold"])
	}
	r = conclude(b, map[string][]sample{"x": of(10), "f": of(20)}, map[string]error{"f": errCannot})
	if r.err != nil || r.ratio != 0 || r.peerRatio != 0 {
		t.Errorf("a floor that cannot run gives ratio %v, a peer that did not %v", r.ratio, r.peerRatio)
	}
	if r = conclude(b, map[string][]sample{"x": of(10)}, map[string]error{"x": errCannot}); r.err == nil {
		t.Error("a bench that failed in its second round has a value")
	}
}

func TestMedian(t *testing.T) {
	for want, vs := range map[float64][]float64{0: nil, 3: {9, 3, 1}, 2.5: {4, 1, 2, 3}, 7: {7}} {
		if got := median(vs); got != want {
			t.Errorf("median of %v is %v, want %v", vs, got, want)
		}
	}
}

func TestChoosing(t *testing.T) {
	for _, c := range []struct {
		only string
		want string
	}{
		{"hop/sqlite", "hop/sqlite"},
		{"floor/", "floor/fsync floor/sqlite-insert floor/postgres-copy floor/rsa floor/bulk"},
		{"hop/gochannel,floor/fsync", "floor/fsync hop/gochannel"},
	} {
		bs, err := choose(strings.Split(c.only, ","))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range bs {
			names = append(names, b.name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("-only %s chooses %s", c.only, got)
		}
	}
	for _, only := range []string{"hop/sqlit", "nothing/", "hop"} {
		if _, err := choose([]string{only}); err == nil || !strings.Contains(err.Error(), "-list") {
			t.Errorf("-only %s: %v", only, err)
		}
	}
}

func TestFloorsAndPeersAreMeasuredWithWhatNeedsThem(t *testing.T) {
	asked, err := choose([]string{"hop/sqlite"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range withNeeded(asked) {
		names = append(names, b.name)
	}
	if got := strings.Join(names, " "); got != "floor/sqlite-insert hop/sqlite hop/one-commit-each" {
		t.Errorf("hop/sqlite is measured with %s", got)
	}
	for _, b := range benches {
		for _, other := range []string{b.floor, b.peer} {
			if other != "" && !slices.ContainsFunc(benches, func(o *bench) bool { return o.name == other }) {
				t.Errorf("%s is divided by %s, which is no measurement", b.name, other)
			}
		}
	}
}

func TestEveryNameOfTheContractIsListed(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-list"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`floor/fsync floor/sqlite-insert hop/sqlite hop/sqlite-onekey hop/sqlite-event hop/sqlite-backlog
		hop/gochannel hop/one-commit-each intake/http reserve/hot start/replay hub/idle floor/rsa floor/bulk as2/receive-1k as2/receive-100k as2/receive-10m as2/receive-100m as2/receive-8x1g as2/send-1k as2/openas2-1k as2/camel-1k as2/phax-1k
		sftp/small sftp/large desk/search desk/group desk/replay partners/webhook partners/rateshop partners/stocksync`) {
		if !strings.Contains("\n"+out.String(), "\n"+name+" ") {
			t.Errorf("-list has no %s", name)
		}
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-seconds", "0"}, {"-rounds", "0"}, {"-only", "x"}, {"stray"}, {"-seconds", "soon"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, io.Discard); err == nil || out.Len() > 0 {
			t.Errorf("%v: error %v, output %q", args, err, out.String())
		}
	}
}

func TestPayloadsDifferAndFit(t *testing.T) {
	gen, seen := newPayloads(7), map[string]bool{}
	for range 1000 {
		b := gen.next()
		if len(b) != payloadSize || !json.Valid(b) {
			t.Fatalf("a payload of %d bytes, valid %v: %s", len(b), json.Valid(b), b)
		}
		seen[string(b[:40])] = true
	}
	if len(seen) < 990 {
		t.Errorf("only %d of 1000 payloads begin in their own way", len(seen))
	}
}

func TestThePageStatesItsNoise(t *testing.T) {
	var page bytes.Buffer
	err := writePage(&page, []result{
		{bench: control, unit: "rows/s", value: 123456, counts: map[string]float64{"aa_ratio": 0.88, "cores_others": 1.2}},
		{bench: "hop/sqlite", unit: "msg/s", value: 50_000, floorName: control, ratio: 0.405, peerName: "hop/one-commit-each", peerRatio: 15.4, counts: map[string]float64{"cores_others": 1.4, "syncs_per_msg": 0.001}, notes: []string{"a note"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"123,456", "40 % of " + control, "15.4x hop/one-commit-each", "syncs_per_msg 0.001", "a note", "differs by 12 %", "others used 1.3 of"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q:\n%s", want, page.String())
		}
	}
	if strings.Contains(page.String(), "cores_others") {
		t.Errorf("the page is too wide:\n%s", page.String())
	}
}
