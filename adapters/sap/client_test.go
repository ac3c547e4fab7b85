package sap_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/sap"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/erp/erptest"
	"github.com/paklog/hub/core/fault"
)

func issue(t *testing.T, c *sap.Client, number string, lines ...erp.Line) error {
	t.Helper()
	_, err := c.Issue(t.Context(), erp.GoodsIssue{Key: "k", Order: number, Delivery: number, Lines: lines})
	return err
}

func line(no int, ref, sku string, ordered, qty int64) erp.Line {
	return erp.Line{No: no, Ref: ref, Item: sku, SKU: sku, Ordered: ordered, Qty: qty}
}

// A sales unit may be several base units, and a material stand in several items, which lines name by number.
func TestUnitsAndItemsAreTheDeliverys(t *testing.T) {
	t.Parallel()
	sim, c, _ := newSAP(t, sapsim.Options{})
	number := sim.Want(sapsim.Wanted{Material: "MUG", Qty: 2, Per: 6, Unit: "CS"}, sapsim.Wanted{Material: "MUG", Qty: 3}, sapsim.Wanted{Material: "000000000000004711", Qty: 1})
	d, _, err := c.Delivery(t.Context(), number)
	if err != nil || len(d.Items) != 3 || d.Items[0].Asked != 12 || d.Items[0].Qty != 12 || d.Items[0].Unit != "PC" {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := issue(t, c, number, line(1, "", "MUG", 15, 15), line(2, "", "4711", 1, 1)); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "line 1" {
		t.Errorf("a material that stands twice: %v", err)
	}
	if err := issue(t, c, number, line(1, "000020", "MUG", 3, 3), line(2, "10", "MUG", 12, 7), line(3, "x/1", "4711", 1, 1)); err != nil {
		t.Fatal(err)
	}
	truth := sim.Truth(number)
	if truth.Issues != 1 || !maps.Equal(truth.Left, map[string]int64{"MUG": 10, "000000000000004711": 1}) {
		t.Errorf("%+v", truth)
	}
}

// What was said of a short delivery before a call was lost is not said again, and the rest is.
func TestPickingGoesOnWhereItWasLost(t *testing.T) {
	t.Parallel()
	sim, c, _ := newSAP(t, sapsim.Options{})
	number := want(sim, 5, 5, 5)
	lines := []erp.Line{line(1, "", "A", 5, 4), line(2, "", "B", 5, 3), line(3, "", "C", 5, 2)}
	sim.Inject(sapsim.OpPickOne, "", "answer-lost")
	if err := issue(t, c, number, lines...); fault.KindOf(err) != fault.Transient {
		t.Error(err)
	}
	if err := issue(t, c, number, lines...); err != nil {
		t.Error(err)
	}
	if n := sim.Calls(sapsim.OpPickOne); n != 3 || sim.Truth(number).Left["C"] != 2 {
		t.Errorf("%d pickings, %+v", n, sim.Truth(number))
	}
}

func TestADeliveryThatSomebodyTakesInHand(t *testing.T) {
	t.Parallel()
	goods := []erp.Line{line(1, "", "A", 5, 5)}
	for name, x := range map[string]struct {
		at   sapsim.Op
		do   func(h *sapsim.Hand, number string)
		want fault.Kind
	}{
		"deleted before":              {sapsim.OpHeader, func(h *sapsim.Hand, n string) { h.Delete(n) }, fault.Rejected},
		"deleted while it is read":    {sapsim.OpItems, func(h *sapsim.Hand, n string) { h.Delete(n) }, fault.Rejected},
		"posted in part":              {sapsim.OpHeader, func(h *sapsim.Hand, n string) { h.Part(n) }, fault.Rejected},
		"cut down before":             {sapsim.OpHeader, func(h *sapsim.Hand, n string) { h.Set(n, "10", 4) }, fault.Rejected},
		"cut down before the picking": {sapsim.OpPick, func(h *sapsim.Hand, n string) { h.Set(n, "10", 4) }, fault.Transient},
		"cut down before the posting": {sapsim.OpIssue, func(h *sapsim.Hand, n string) { h.Set(n, "10", 4) }, fault.Transient},
		"posted before the posting":   {sapsim.OpIssue, func(h *sapsim.Hand, n string) { h.Issue(n) }, fault.Transient},
		"the service was taken away":  {sapsim.OpIssue, func(h *sapsim.Hand, _ string) { h.Deactivate(true) }, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c, _ := newSAP(t, sapsim.Options{})
			number := want(sim, 5)
			sim.Meanwhile(x.at, func(h *sapsim.Hand) { x.do(h, number) })
			if err := issue(t, c, number, goods...); fault.KindOf(err) != x.want || err == nil {
				t.Errorf("%v, want %v", err, x.want)
			}
			if !strings.HasPrefix(name, "deleted") && sim.Truth(number).Issues != 0 && name != "posted before the posting" {
				t.Errorf("%+v", sim.Truth(number))
			}
		})
	}
	sim, c, _ := newSAP(t, sapsim.Options{})
	number := want(sim, 5)
	sim.By(func(h *sapsim.Hand) { h.Part(number) })
	if _, found, err := c.Issued(t.Context(), erp.GoodsIssue{Order: number, Delivery: number, Lines: goods}); found || fault.KindOf(err) != fault.Unknown {
		t.Errorf("posted in part, asked for: %v", err)
	}
}

// certain does for one goods issue what the port's contract asks of its caller.
func certain(t *testing.T, c *sap.Client, clk *simtest.Clock, g erp.GoodsIssue) error {
	for range 200 {
		_, err := c.Issue(t.Context(), g)
		switch fault.KindOf(err) {
		case fault.Transient, fault.Throttled, fault.Unavailable:
			clk.Advance(max(fault.AfterOf(err), time.Second))
			continue
		case fault.Unknown:
		default:
			return err
		}
		for asked := 0; asked < 2; {
			_, found, err := c.Issued(t.Context(), g)
			switch {
			case found:
				return nil
			case err == nil:
				asked++
				clk.Advance(2 * time.Minute)
			case fault.KindOf(err) == fault.Unknown, fault.KindOf(err) == fault.Rejected:
				return err
			default:
				clk.Advance(max(fault.AfterOf(err), time.Second))
			}
		}
	}
	return fmt.Errorf("%s: no end in sight", g.Delivery)
}

func TestOneGoodsIssueWhateverSAPDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			sim, c, clk := newSAP(t, sapsim.Options{Seed: seed, Faults: simtest.Often, SessionLife: 3 * time.Minute})
			for i := range int64(12) {
				asked, left := []int64{5 + i, 3}, []int64{5, 3 - i%3}
				number := want(sim, asked...)
				if err := certain(t, c, clk, erptest.Goods(number, asked, left)); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				if truth := sim.Truth(number); truth.Issues != 1 || truth.Left["A"] != left[0] || truth.Left["B"] != left[1] {
					t.Errorf("seed %d: %+v, want %v", seed, truth, left)
				}
			}
		})
	}
}

// Success that does not stand is no success: who says what became of it?
func TestAPostingThatDoesNotStandYetIsUnknown(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		answer string
		want   fault.Kind
	}{
		"no message":  {`{"d":{"results":[{"SystemMessageType":"S"}]}}`, fault.Unknown},
		"an error":    {`{"d":{"results":[{"SystemMessageType":"S"},{"SystemMessageType":"E","SystemMessageIdentification":"M7","SystemMessageNumber":"021"}]}}`, fault.Rejected},
		"no results":  {`{"d":{}}`, fault.Unknown},
		"not a thing": {``, fault.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clk := simtest.NewClock()
			sim := sapsim.New(sapsim.Options{Now: clk.Now})
			var posts atomic.Int64
			c := newClient(t, simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/PostGoodsIssue") {
					posts.Add(1)
					_, _ = w.Write([]byte(x.answer))
					return
				}
				sim.ServeHTTP(w, r)
			})), clk.Now)
			number := want(sim, 5)
			err := issue(t, c, number, line(1, "", "A", 5, 5))
			if fault.KindOf(err) != x.want || err == nil || posts.Load() != 1 {
				t.Errorf("%v after %d postings", err, posts.Load())
			}
			if x.want == fault.Rejected && !strings.Contains(err.Error(), "M7 021") {
				t.Error(err)
			}
		})
	}
}

func TestAPageThatComesAgainIsNoDelivery(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now, PageSize: 2})
	c := newClient(t, simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = "" // the first page, always
		sim.ServeHTTP(w, r)
	})), clk.Now)
	if d, _, err := c.Delivery(t.Context(), want(sim, 5, 4, 3)); fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAPageOfAListThatComesAgainEndsTheLook(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]int{"in pages of SAP's": 2, "in pages of ours": 0} {
		clk := simtest.NewClock()
		sim := sapsim.New(sapsim.Options{Now: clk.Now, PageSize: page})
		c := newClient(t, simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			q.Del("$skip")
			q.Del("$skiptoken")
			r.URL.RawQuery = q.Encode()
			sim.ServeHTTP(w, r)
		})), clk.Now)
		for range 250 {
			sim.Want(sapsim.Wanted{Material: "A", Qty: 1})
		}
		p, err := c.Changed(t.Context(), clk.Now(), "")
		if err != nil || p.Next == "" {
			t.Fatalf("%s: %+v, %v", name, p, err)
		}
		if p, err = c.Changed(t.Context(), clk.Now(), p.Next); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s: %d deliveries, %v", name, len(p.Deliveries), err)
		}
	}
}

// SAP cuts a page of ours into pages of its own, and each delivery comes once.
func TestAListIsReadWholeHoweverItIsCut(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 7, 199, 200, 201} {
		clk := simtest.NewClock()
		sim := sapsim.New(sapsim.Options{Now: clk.Now, PageSize: size})
		c := newClient(t, simtest.Serve(t, sim), clk.Now)
		for range 451 {
			sim.Want(sapsim.Wanted{Material: "A", Qty: 1})
		}
		seen := map[string]int{}
		for after, pages := "", 0; ; pages++ {
			p, err := c.Changed(t.Context(), clk.Now(), after)
			if err != nil || pages > 500 {
				t.Fatalf("in pages of %d: %v", size, err)
			}
			for _, d := range p.Deliveries {
				seen[d.Number]++
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if len(seen) != 451 {
			t.Errorf("in pages of %d: %d deliveries", size, len(seen))
		}
		for number, n := range seen {
			if n != 1 {
				t.Errorf("in pages of %d: %s comes %d times", size, number, n)
			}
		}
	}
}

// A user who goes on with a wrong password is locked, with all who use it.
func TestAWrongPasswordIsNotTriedOn(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now})
	password := "wrong"
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *sap.Config) { c.Password = func() (string, error) { return password, nil } })
	number := want(sim, 5)
	for hour := range 24 {
		for range 60 {
			if _, _, err := c.Delivery(t.Context(), number); fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("hour %d: %v", hour, err)
			}
			clk.Advance(time.Minute)
		}
	}
	if n := sim.Calls(sapsim.OpHeader); n != 5 { // at 0, 1, 3, 7 and 15 o'clock
		t.Errorf("%d calls within a day", n)
	}
	password = sapsim.Password
	for range 2 {
		if _, found, err := c.Delivery(t.Context(), number); !found || err != nil {
			t.Errorf("with another password: %v", err)
		}
	}
}

func TestCheckSaysWhatToDo(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now})
	url := simtest.Serve(t, sim)
	bare := simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // a proxy that takes headers away
		rec := httptest.NewRecorder()
		sim.ServeHTTP(rec, r)
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	away := sapsim.New(sapsim.Options{Now: clk.Now})
	away.By(func(h *sapsim.Hand) { h.Deactivate(true) })
	receives := func(c *sap.Config) { c.Receives = true }
	outboundAlone := simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.Replace(r.URL.Path, "INBOUND", "SOMETHING", 1)
		sim.ServeHTTP(w, r)
	}))
	for name, x := range map[string]struct {
		c     *sap.Client
		want  string
		stops bool
	}{
		"well":        {newClient(t, url, clk.Now), "deliveries: PAKLOG may read them", false},
		"inbound":     {newClient(t, url, clk.Now, receives), "inbound deliveries: PAKLOG may read them", false},
		"no inbound":  {newClient(t, outboundAlone, clk.Now, receives), "activate API_INBOUND_DELIVERY_SRV", true},
		"secret":      {newClient(t, url, clk.Now, func(c *sap.Config) { c.Password = func() (string, error) { return "x", nil } }), "see user, password and client", true},
		"client":      {newClient(t, url, clk.Now, func(c *sap.Config) { c.Client = "200" }), "see user, password and client", true},
		"address":     {newClient(t, simtest.Nobody(t), clk.Now), "see url, and whether this machine reaches it", true},
		"path":        {newClient(t, url+"/other", clk.Now), "activate API_OUTBOUND_DELIVERY_SRV", true},
		"deactivated": {newClient(t, simtest.Serve(t, away), clk.Now), "activate API_OUTBOUND_DELIVERY_SRV", true},
		"proxy":       {newClient(t, bare, clk.Now), "does a proxy take headers or cookies away?", true},
		"clock":       {newClient(t, url, func() time.Time { return clk.Now().Add(-time.Hour) }), "SAP's clock is 1h0m0s from ours", false},
	} {
		var said []string
		stops := false
		for _, f := range x.c.Check(t.Context()) {
			said, stops = append(said, f.Place+": "+f.Text), stops || f.Stops
		}
		if all := strings.Join(said, "\n"); !strings.Contains(all, x.want) || stops != x.stops {
			t.Errorf("%s: %s", name, all)
		}
	}
}

func TestAConfigurationThatCannotWorkIsSaidWhole(t *testing.T) {
	t.Parallel()
	_, err := sap.New(sap.Config{BaseURL: "ftp://x", Client: "1"})
	for _, want := range []string{"connection:", "url:", "user, password:", "client:", "now:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
}
