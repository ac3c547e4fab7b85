package eip_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

func throttled(change func(*eip.Throttle[message, out])) func(*routes.Hub) []routes.Route {
	th := eip.Throttle[message, out]{Step: "rate", To: eip.Topic("out"), Bucket: header("partner"), Every: eip.Every(time.Minute)}
	change(&th)
	return one(th.Handle)
}

func bucketInputs(partners string) (ins []input) {
	for i, p := range strings.Split(partners, "") {
		ins = append(ins, input{topic: "in", key: string(rune('a' + i)), headers: map[string]string{"partner": p}})
	}
	return ins
}

// sentAt is when each record was sent, from the start.
func sentAt(recs []journal.Record) string {
	var s []string
	for _, r := range recs {
		s = append(s, r.Key+"@"+r.Time.Truncate(time.Second).Format("4:05"))
	}
	return strings.Join(s, " ")
}

func TestThrottleKeepsTheRateOfEachBucketWhateverDies(t *testing.T) {
	s := scenario{outputs: []string{"out"}, until: time.Hour, inputs: bucketInputs("AABAA")}
	s.inputs = append(s.inputs, input{at: 30 * time.Minute, topic: "in", key: "f", headers: map[string]string{"partner": "A"}})
	s.routes = throttled(func(th *eip.Throttle[message, out]) { th.Burst = 2 })
	got := everyKill(t, s)
	// A may burst two, then one a minute; B waits for nobody.
	if when, want := sentAt(got.records["out"]), "a@0:00 b@0:00 c@0:00 d@1:00 e@2:00 f@30:00"; when != want {
		t.Errorf("sent %s, want %s", when, want)
	}
	if n := got.rows[journal.TableState]; n != 2 {
		t.Errorf("%d states are left, want one a bucket", n)
	}
}

func TestThrottleHoldsNoMoreThanItMay(t *testing.T) {
	s := scenario{outputs: []string{"out"}, until: time.Hour, inputs: bucketInputs("AAAA")}
	s.routes = throttled(func(th *eip.Throttle[message, out]) { th.Hold = 1 })
	got, _ := play(t, s, 0)
	// Those that found no room were parked by the hub, and none is lost.
	if n := len(got.of("out")); n != 4 || len(got.letters) != 0 {
		t.Errorf("%d sent and %d letters, want 4 and none: %s", n, len(got.letters), sentAt(got.records["out"]))
	}
	last := got.records["out"][3].Time
	if first := got.records["out"][0].Time; last.Sub(first) < 3*time.Minute {
		t.Errorf("four went in %s at one a minute", last.Sub(first))
	}
}

func TestThrottleKeepsBucketsOfStrangeNamesApart(t *testing.T) {
	s := scenario{outputs: []string{"out"}, until: time.Hour}
	// The second and third would meet the first's rows if names were only joined.
	for i, p := range []string{"A", "held/0/A", "held/1/A", "A", "A", "held/0/A"} {
		s.inputs = append(s.inputs, input{topic: "in", key: string(rune('a' + i)), headers: map[string]string{"partner": p}})
	}
	s.routes = throttled(func(*eip.Throttle[message, out]) {})
	got, _ := play(t, s, 0)
	when := strings.Fields(sentAt(got.records["out"]))
	slices.Sort(when) // two buckets have no order between them
	if want := strings.Fields("a@0:00 b@0:00 c@0:00 d@1:00 e@2:00 f@1:00"); !slices.Equal(when, want) || len(got.letters) > 0 {
		t.Errorf("sent %s, want %s; %d letters", when, want, len(got.letters))
	}
}

func delayed(*routes.Hub) []routes.Route {
	d := eip.Delay[message, out]{Step: "window", To: eip.Topic("out"), Until: func(m message) (time.Time, error) {
		wait, err := time.ParseDuration(m.Headers["wait"])
		if err != nil {
			return time.Time{}, errors.New("no window")
		}
		return m.Time.Add(wait), nil
	}}
	return one(d.Handle)(nil)
}

func TestDelaySendsAtItsTimeOnceWhateverDies(t *testing.T) {
	wait := func(d string) map[string]string { return map[string]string{"wait": d} }
	got := everyKill(t, scenario{routes: delayed, outputs: []string{"out"}, until: time.Hour, inputs: []input{
		{topic: "in", key: "late", headers: wait("10m")}, {topic: "in", key: "soon", headers: wait("2m")}, {topic: "in", key: "due", headers: wait("-1s")},
	}})
	if when, want := sentAt(got.records["out"]), "due@0:00 soon@2:00 late@10:00"; when != want {
		t.Errorf("sent %s, want %s", when, want)
	}
	if got.rows[journal.TableTimer] != 0 {
		t.Error("a timer is left")
	}
}

func TestDelayWithoutATimeIsALetter(t *testing.T) {
	got, _ := play(t, scenario{routes: delayed, outputs: []string{"out"}, inputs: []input{{topic: "in", key: "a"}}}, 0)
	wantLines(t, got, "out")
	wantLetter(t, got, "internal", "no window")
}

func TestExpirationGoesWhereItIsTold(t *testing.T) {
	to := func(topic string) eip.Handler[message, out] {
		return func(_ context.Context, m message) (out, error) { return m.Out().Send(eip.Copy(&m.Record, topic)), nil }
	}
	at := func(year string) map[string]string { return map[string]string{eip.Expires: year + "-01-01T00:00:00Z"} }
	got := everyKill(t, scenario{
		routes:  one(eip.Expire(eip.ExpiresAt, to("out"), to("expired"))),
		outputs: []string{"out", "expired"},
		inputs: []input{
			{topic: "in", key: "old", headers: at("1999")}, {topic: "in", key: "new", headers: at("2001")}, {topic: "in", key: "eternal"},
		},
	})
	wantLines(t, got, "expired", "in old null expires=1999-01-01T00:00:00Z")
	wantLines(t, got, "out", "in new null expires=2001-01-01T00:00:00Z", "in eternal null")
}
