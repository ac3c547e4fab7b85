package routes

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// cancelling is the 940 that takes an order back, in an interchange of its own.
func cancelling(text string) string {
	text = strings.Replace(text, "W05*N*", "W05*F*", 1)
	for _, n := range []string{"000000001", "*1*X*"} {
		text = strings.ReplaceAll(text, n, map[string]string{"000000001": "000000002", "*1*X*": "*2*X*"}[n])
	}
	return strings.Replace(text, "GE*1*1", "GE*1*2", 1)
}

func TestA940CancelsAnOrder(t *testing.T) {
	for name, c := range map[string]struct {
		paused  string // where the order stands when it is cancelled
		status  order.Status
		letters int
		says    string
	}{
		"accepted":    {"order.allocate", order.StatusCancelled, 0, ""},
		"in a wave":   {"task", order.StatusCancelled, 0, ""},
		"packed":      {"label.choose", order.StatusCancelled, 0, ""},
		"shipped":     {"", order.StatusShipped, 1, "nothing of order"},
		"not there":   {"x12.orders", order.StatusNone, 1, "still on its way"},
		"sent twice":  {"pack", order.StatusCancelled, 0, ""},
		"somebody's":  {"pick", order.StatusPicked, 1, "no order"},
		"another (X)": {"pack", order.StatusPicked, 1, "neither asks for a new order nor changes or cancels one"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				text, orders := generated(t, x12gen.Config{Seed: 3, Sets: 1, MostLine: 2})
				number := orders[0].Number
				back := cancelling(text)
				if name == "not there" {
					text = "" // it never came
				} else if c.paused != "" {
					if err := r.hub.Pause(t.Context(), c.paused, "test"); err != nil {
						t.Fatal(err)
					}
				}
				if text != "" {
					r.drop("940.edi", text)
				}
				settle(time.Minute)
				switch name {
				case "somebody's":
					back = strings.ReplaceAll(back, number, "NOT-"+number)
				case "another (X)":
					back = strings.Replace(back, "W05*F*", "W05*X*", 1)
				}
				r.drop("cancel.edi", back)
				settle(time.Minute)
				if name == "sent twice" {
					again := strings.NewReplacer("000000002", "000000003", "*2*X*", "*3*X*", "GE*1*2", "GE*1*3").Replace(back)
					r.drop("cancel-again.edi", again)
					settle(time.Minute)
					if n := r.count(); n["order.Repeated"] != 1 || n["order.Cancelled"] != 1 {
						t.Errorf("%d repeated, %d cancelled", n["order.Repeated"], n["order.Cancelled"])
					}
				}
				if c.paused != "" && name != "not there" {
					if err := r.hub.Resume(t.Context(), c.paused, "test"); err != nil {
						t.Fatal(err)
					}
				}
				settle(3 * time.Hour)
				if c.status == order.StatusPicked {
					c.status = order.StatusShipped // nobody cancelled it
				}
				r.status(number, c.status)
				letters := r.letters()
				if len(letters) != c.letters {
					t.Fatalf("letters: %+v", letters)
				}
				for _, l := range letters {
					if !strings.Contains(l.Cause, c.says) || !strings.HasPrefix(l.Place, "W05-0") {
						t.Errorf("letter at %q: %s", l.Place, l.Cause)
					}
				}
				if n := len(box.sets(t, "945")); (n == 1) != (c.status == order.StatusShipped) {
					t.Errorf("%d 945s of an order that is %s", n, c.status)
				}
				if c.status == order.StatusCancelled && r.carrier.standing() > 0 {
					t.Error("a label stands")
				}
				r.books("SKU-1")
			})
		})
	}
}

// What is split off an order of a document is told to its sender under the number he knows.
func TestBothPartsOfASplitAreAdvisedUnderTheNumberThatTheSenderKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		if err := r.hub.Pause(t.Context(), "wave.plan", "test"); err != nil {
			t.Fatal(err)
		}
		text, orders := generated(t, x12gen.Config{Seed: 4, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		number := orders[0].Number
		qty := r.order(number).Totals().Ordered
		r.must(door.Orders, number, order.Split{To: number + "-B", Lines: []order.LineQty{{Line: 1, Qty: 1}}})
		if err := r.hub.Resume(t.Context(), "wave.plan", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		advices := box.sets(t, "945")
		if len(advices) != 2 {
			t.Fatalf("%d 945s", len(advices))
		}
		var shipments []string
		var left int64
		for _, a := range advices {
			if got := elements(a, "W06", 2); got[0] != number {
				t.Errorf("a 945 of order %v, want %s", got, number)
			}
			shipments = append(shipments, elements(a, "W06", 4)...)
			for _, n := range elements(a, "W12", 3) {
				qty, err := strconv.ParseInt(n, 10, 64)
				if err != nil {
					t.Error(err)
				}
				left += qty
			}
		}
		if slices.Sort(shipments); left != qty || len(slices.Compact(shipments)) != 2 {
			t.Errorf("%d of %d left in shipments %v", left, qty, shipments)
		}
		r.noLetters()
		r.once()
	})
}
