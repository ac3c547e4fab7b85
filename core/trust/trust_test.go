package trust

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/scope"
)

var (
	site = scope.Scope{Tenant: "t", Owner: "o", Facility: "f"}
	now  = time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
)

func cert(id string) Certificate {
	return Certificate{ID: strings.Repeat(id, 64), Subject: "CN=" + id, NotAfter: now.AddDate(1, 0, 0), Usages: []string{"digitalSignature"}}
}

func folded(t *testing.T, x Exchange, events []event.Event, err error) Exchange {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	x, err = Fold.Replay(x, events...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func offer(t *testing.T, x Exchange, auto bool, request string, certs ...Certificate) Exchange {
	t.Helper()
	events, err := x.Offer(Offer{Scope: site, Partner: "ACME", Request: request, Certificates: certs, Auto: auto}, now)
	return folded(t, x, events, err)
}

func judge(t *testing.T, x Exchange, c Judge) Exchange {
	t.Helper()
	events, err := x.Judge(c, now)
	return folded(t, x, events, err)
}

func TestARequestIsAnsweredOnceEachCertificateHasAVerdict(t *testing.T) {
	x := offer(t, Exchange{}, false, "r1", cert("a"), cert("b"))
	if _, due := x.Due("r1"); due {
		t.Fatal("it is answered before anybody looked")
	}
	x = judge(t, x, Judge{ID: "AA:AA:AA:AA", Accept: true, By: "ann"})
	if _, due := x.Due("r1"); due {
		t.Fatal("it is answered with one verdict of two")
	}
	x = judge(t, x, Judge{ID: cert("b").ID, Reason: "not his", By: "ann"})
	all, due := x.Due("r1")
	if !due || all[0].Status != StatusAccepted || all[0].By != "ann" || all[1].Status != StatusRejected || all[1].Reason != "not his" {
		t.Errorf("%v %+v", due, all)
	}
	if events, err := x.Judge(Judge{ID: "aaaaaaaa", Accept: true}, now); len(events) != 0 || err != nil {
		t.Errorf("the same verdict again: %v %v", events, err)
	}
}

func TestByAgreementNobodyNeedsToLook(t *testing.T) {
	wrong := cert("b")
	wrong.Wrong = "expired"
	x := offer(t, Exchange{}, true, "r1", cert("a"), wrong)
	all, due := x.Due("r1")
	if !due || all[0].Status != StatusAccepted || all[0].By != ByAgreement || all[1].Status != StatusRejected || all[1].Reason != "expired" {
		t.Errorf("%v %+v", due, all)
	}
}

// TestWhatIsGrantedIsNotAskedAgain: a partner who lost our answer asks anew.
func TestWhatIsGrantedIsNotAskedAgain(t *testing.T) {
	x := judge(t, offer(t, Exchange{}, false, "r1", cert("a")), Judge{ID: cert("a").ID, Accept: true, By: "ann"})
	x = offer(t, x, false, "r2", cert("a"))
	if all, due := x.Due("r2"); !due || all[0].By != "ann" {
		t.Errorf("%v %+v", due, all)
	}
	more := cert("a")
	more.Usages = append(more.Usages, "tlsServer")
	y := offer(t, x, false, "r3", more)
	if _, due := y.Due("r3"); due {
		t.Error("another usage was granted unseen")
	}
	if len(y.Theirs) != 2 || y.Theirs[0].Status != StatusAccepted {
		t.Errorf("what was granted is gone before the verdict: %+v", y.Theirs)
	}
	if z := judge(t, y, Judge{ID: more.ID, Accept: true}); len(z.Theirs) != 1 || z.Theirs[0].Request != "r3" {
		t.Errorf("%+v", z.Theirs)
	}
	if z := judge(t, y, Judge{ID: more.ID, Reason: "no TLS"}); len(z.Theirs) != 2 || z.Theirs[0].Status != StatusAccepted || z.Theirs[1].Status != StatusRejected {
		t.Errorf("%+v", z.Theirs)
	}
	if z := judge(t, x, Judge{ID: more.ID, Reason: "stolen"}); z.Theirs[0].Status != StatusRejected {
		t.Errorf("one that was accepted cannot be taken back: %+v", z.Theirs)
	}
	gone := cert("a")
	gone.Wrong = "expired"
	if _, due := offer(t, x, false, "r3", gone).Due("r3"); due {
		t.Error("one that has expired was granted again")
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	x := offer(t, Exchange{}, false, "r1", cert("a"), cert("b"))
	if events, err := x.Offer(Offer{Scope: site, Partner: "ACME", Request: "r1", Certificates: []Certificate{cert("b"), cert("a")}}, now); err != nil || len(events) != 0 {
		t.Errorf("the same again: %v %v", events, err)
	}
	for name, certs := range map[string][]Certificate{"another": {cert("a"), cert("c")}, "fewer": {cert("a")}, "more": {cert("a"), cert("b"), cert("c")}} {
		if events, err := x.Offer(Offer{Scope: site, Partner: "ACME", Request: "r1", Certificates: certs, Auto: true}, now); err == nil {
			t.Errorf("%s under the same id: %v", name, events)
		}
	}
	var many []Certificate
	for i := range MaxPending + 1 {
		c := cert("a")
		c.ID = strings.Repeat(string(rune('A'+i)), 64)
		many = append(many, c)
	}
	if _, err := x.Offer(Offer{Scope: site, Partner: "ACME", Request: "r2", Certificates: many}, now); err == nil {
		t.Error("any number may wait")
	}
}

func TestVerdictsThatAreRefused(t *testing.T) {
	wrong, old, twin := cert("b"), cert("c"), cert("a")
	wrong.Wrong, old.NotAfter = "its key usage", now.Add(-time.Hour)
	twin.ID = strings.Repeat("a", 63) + "f"
	x := offer(t, Exchange{}, false, "r1", cert("a"), twin, wrong, old, cert("d"))
	x = judge(t, x, Judge{ID: cert("d").ID, Reason: "no"})
	for name, c := range map[string]struct {
		Judge
		why string
	}{
		"too short":        {Judge{ID: "bbbb", Accept: true}, "too short"},
		"unknown":          {Judge{ID: "eeeeeeee", Accept: true}, "0 certificates"},
		"two":              {Judge{ID: "aaaaaaaa", Accept: true}, "2 certificates"},
		"wrong":            {Judge{ID: "bbbbbbbb", Accept: true}, "its key usage"},
		"expired since":    {Judge{ID: "cccccccc", Accept: true}, "expired"},
		"without a reason": {Judge{ID: "cccccccc"}, "reason"},
		"another verdict":  {Judge{ID: "dddddddd", Accept: true}, "rejected since"},
	} {
		if events, err := x.Judge(c.Judge, now); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, error %v", name, events, err)
		}
	}
}

func TestAnAnswerIsOfARequestOfOurs(t *testing.T) {
	var x Exchange
	if _, err := x.Answer("r1", []Verdict{{ID: cert("a").ID, Accepted: true}}, now); err == nil {
		t.Error("an answer that nobody waits for was taken")
	}
	events, err := x.Ask(Ask{Scope: site, Partner: "ACME", Request: "r1", Certificates: []Certificate{cert("a"), cert("b")}, By: "ann"}, now)
	x = folded(t, x, events, err)
	events, err = x.Answer("r1", []Verdict{{ID: cert("a").ID, Accepted: true}, {ID: cert("c").ID, Accepted: true}}, now)
	x = folded(t, x, events, err)
	if got := x.Asking("r1"); len(got) != 2 || got[0].Status != StatusAccepted || got[1].Status != StatusPending {
		t.Errorf("%+v", got)
	}
	if events, err := x.Answer("r1", []Verdict{{ID: cert("a").ID, Reason: "changed my mind"}}, now); err != nil || len(events) != 0 {
		t.Errorf("a second answer: %v %v", events, err)
	}
	if _, err := x.Ask(Ask{Scope: site, Partner: "ACME", Request: "r2", Certificates: []Certificate{cert("a")}}, now); err == nil {
		t.Error("what he has accepted was asked again")
	}
	if _, err := x.Ask(Ask{Scope: site, Partner: "ACME", Request: "r2"}, now); err == nil {
		t.Error("a request of nothing")
	}
}
