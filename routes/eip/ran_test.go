package eip_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes/eip"
)

func TestRanKeepsEachBlockOnce(t *testing.T) {
	var ran eip.Ran
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, p := range eip.Catalog() {
				ran.Note(p.Name)
			}
		})
	}
	all.Wait()
	var want []string
	for _, p := range eip.Catalog() {
		want = append(want, p.Name)
	}
	slices.Sort(want)
	if got := ran.Names(); !slices.Equal(got, want) {
		t.Errorf("ran %q", got)
	}
	(*eip.Ran)(nil).Note("nobody listens")
	if n := testing.AllocsPerRun(100, func() { ran.Note(eip.NameFilter) }); n > 0 {
		t.Errorf("%v allocations to note what is noted", n)
	}
}

func ExampleAskAll() {
	price := func(name string, cents int, err error) eip.Question[int] {
		return eip.Question[int]{Of: name, Ask: func(context.Context) (int, error) { return cents, err }}
	}
	for _, a := range eip.AskAll(context.Background(), eip.In{}, time.Second, []eip.Question[int]{
		price("ups", 795, nil), price("dhl", 0, errors.New("does not ship there")),
	}) {
		fmt.Println(a.Of, a.Value, a.Err)
	}
	// Output:
	// ups 795 <nil>
	// dhl 0 does not ship there
}

// TestAskAllWaitsForNobodyPastTheDeadline asks one that never answers.
func TestAskAllWaitsForNobodyPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		answers := eip.AskAll(t.Context(), eip.In{}, time.Minute, []eip.Question[int]{
			{Of: "mute", Ask: func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, fault.E("mute", fault.Transient, ctx.Err())
			}},
			{Of: "quick", Ask: func(context.Context) (int, error) { return 7, nil }},
		})
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %v", took)
		}
		if answers[0].Of != "mute" || !errors.Is(answers[0].Err, context.DeadlineExceeded) || answers[1].Value != 7 {
			t.Errorf("answers: %+v", answers)
		}
		if none := eip.AskAll[int](t.Context(), eip.In{}, time.Minute, nil); len(none) != 0 {
			t.Errorf("nobody was asked and answers %v", none)
		}
	})
}
