package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scan"
)

func TestAHandheldReceivesAndPutsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := floor(t)
		r.must(door.Master, "DK", location.Register{Spec: location.Spec{Purpose: location.Dock}})
		r.shelves(location.Bulk, "S-1", 40)
		c := expects("A", 24, "A", 6)
		c.Lines[0].LPN = palletA
		r.must(door.Receipts, "ASN-1", c)
		// The pallet is scanned: all that was announced on it came, once.
		h.done(scan.Scan{Do: scan.Receive, Code: "(00)" + palletA, Place: "DK", Task: "ASN-1"})
		h.done(scan.Scan{Do: scan.Receive, Code: "(00)" + palletA, Place: "DK", Task: "ASN-1"})
		h.done(scan.Scan{Do: scan.Receive, Code: "9506000134352", Place: "DK", Task: "ASN-1", Qty: 6})
		for name, x := range map[string]struct {
			scan  scan.Scan
			place string
		}{
			"more than was announced":  {scan.Scan{Do: scan.Receive, Code: "9506000134352", Place: "DK", Task: "ASN-1"}, "qty"},
			"a pallet that nobody has": {scan.Scan{Do: scan.Receive, Code: "(00)006141410000000029", Place: "DK", Task: "ASN-1"}, "code"},
		} {
			if a := h.scan(x.scan); a.Result != scan.Refused || a.Where != x.place {
				t.Errorf("%s: %+v", name, a)
			}
		}
		settle(time.Minute)
		if x := r.receipt("ASN-1"); x.Lines[0].Good != 24 || x.Lines[1].Good != 6 {
			t.Fatalf("%+v", x.Lines)
		}
		tasks := r.putAways()
		if len(tasks) != 2 {
			t.Fatalf("%+v", tasks)
		}
		for _, x := range tasks {
			code, other := "9506000134352", "(00)"+palletA
			if x.Steps[0].From.LPN != "" {
				code, other = other, code
			}
			if a := h.scan(scan.Scan{Do: scan.Move, Task: x.Task, Code: other, Place: x.Steps[0].To.Location}); a.Result != scan.Refused || a.Where != "code" {
				t.Errorf("other goods: %+v", a)
			}
			another := "S-1"
			if x.Steps[0].To.Location == another {
				another = "P-2"
			}
			if a := h.scan(scan.Scan{Do: scan.Move, Task: x.Task, Code: code, Place: another}); a.Result != scan.Refused || a.Where != "reason" {
				t.Errorf("another place without why: %+v", a)
			}
			h.done(scan.Scan{Do: scan.Move, Task: x.Task, Code: code, Place: x.Steps[0].To.Location})
		}
		// What comes back is scanned on its return.
		r.must(door.Receipts, "B-1", blind("A", 1, ""))
		h.done(scan.Scan{Do: scan.Receive, Code: "9506000134352", Place: "DK", Task: "B-1", Qty: 2, Reason: "opened"})
		settle(time.Minute)
		if x := r.returned("B-1"); x.Lines[0].Got != 3 || r.receipt("ASN-1").Status != receiving.StatusReceiving {
			t.Errorf("%+v", x)
		}
		if s := r.stockOf("A"); s.OnHand() != 33 || s.AvailableToPromise() != 30 || len(r.putAways()) != 0 {
			t.Errorf("%+v", s)
		}
		r.books("A")
		r.noLetters()
	})
}
