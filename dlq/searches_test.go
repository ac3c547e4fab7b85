package dlq_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paklog/hub/dlq"
)

func TestASearchIsSavedUnderItsName(t *testing.T) {
	d, h := newDesk()
	save := func(name, query string) {
		t.Helper()
		if err := d.SaveSearch(t.Context(), name, query, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	save("monday", "?partner=ACME&text=unknown+item&route=")
	save("all of ACME", "partner=ACME")
	save(" monday ", "text=unknown+item&partner=GLOBEX")
	list, err := d.Searches(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "all of ACME" || list[1].Query != "partner=GLOBEX&text=unknown+item" || list[1].By != "ann" {
		t.Fatalf("%+v, %v", list, err)
	}
	save("monday", "")
	if list, err = d.Searches(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("removed: %+v, %v", list, err)
	}
	var acts []string
	for _, r := range topic(t, h, "audit-events") {
		acts = append(acts, r.Type)
	}
	if got := strings.Join(acts, " "); got != "search.Saved search.Saved search.Saved search.Removed" {
		t.Errorf("audit: %s", got)
	}
}

func TestWhatIsNoSearchIsNotSaved(t *testing.T) {
	d, h := newDesk()
	for name, c := range map[string]struct{ name, query string }{
		"no name":            {" ", "partner=ACME"},
		"a name of two rows": {"a\nb", "partner=ACME"},
		"a long name":        {strings.Repeat("n", 65), "partner=ACME"},
		"a field of nobody":  {"x", "customer=ACME"},
		"a field twice":      {"x", "partner=ACME&partner=GLOBEX"},
		"no query":           {"x", "partner=%zz"},
		"all letters":        {"x", "partner="},
		"a long query":       {"x", "text=" + strings.Repeat("w", 2000)},
		"what is not there":  {"x", ""},
	} {
		if err := d.SaveSearch(t.Context(), c.name, c.query, "ann"); !errors.Is(err, dlq.ErrWish) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(topic(t, h, "audit-events")); n != 0 {
		t.Errorf("%d acts", n)
	}
}

func TestOfManyWhoSaveAtOnceNobodyIsLost(t *testing.T) {
	d, _ := newDesk()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := dlq.ErrState
			for errors.Is(err, dlq.ErrState) { // too many at once: again
				err = d.SaveSearch(t.Context(), fmt.Sprint("s", i), "partner=ACME", "ann")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, err := d.Searches(t.Context()); err != nil || len(list) != 8 {
		t.Errorf("%d are saved: %v", len(list), err)
	}
	for i := 8; i < 200; i++ {
		if err := d.SaveSearch(t.Context(), fmt.Sprint("s", i), "partner=ACME", "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SaveSearch(t.Context(), "one more", "partner=ACME", "ann"); !errors.Is(err, dlq.ErrWish) {
		t.Errorf("one more: %v", err)
	}
}
