package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
)

const priced850 = "BEG*00*SA*PO-1**20000101~\nCUR*BY*USD~\nTD5**2*UPSN~\nN1*ST*Jo Doe~\nN3*1 Main Street~\nN4*Springfield*IL*62701*US~\n" +
	"PO1*1*10*EA*1.255*PE*SK*SKU-1~\nPO1*2*3*CA*7*PE*SK*SKU-1~\nCTT*2~\n"

const pricedOrders = "BGM+220+PO-2+9'\nDTM+137:20000101:102'\nNAD+DP+S1::92++JO+1 MAIN ST+RENO+NV+89501+US'\nCUX+2:EUR:9'\nLIN+1++SKU-1:SA'\nQTY+21:3:PCE'\nPRI+AAA:2.5'\nUNS+S'\nCNT+2:1'\n"

func orders(control, body string) string {
	return strings.Replace(desadv(control, body), "DESADV", "ORDERS", 1)
}

func invoiceRig(t *testing.T) (*rig, *mailbox) {
	t.Helper()
	return ediRig(t, func(p *Partner) { p.Invoices, p.SendAnswers = true, false })
}

func TestWhatShipsIsChargedByThePricesOfItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := invoiceRig(t)
		r.drop("850", purchase("850", "11", priced850))
		r.drop("850 again", purchase("850", "12", priced850))
		r.drop("orders", orders("13", pricedOrders))
		settle(time.Minute)
		r.noLetters()
		r.status("PO-1", order.StatusShipped)
		bills := box.sets(t, "810")
		if len(bills) != 1 || said(bills, "BIG", 2, 4) != "PO-1 PO-1" || said(bills, "IT1", 2, 3, 4) != "10 EA 1.255, 3 CA 7" || said(bills, "TDS", 1) != "3355" || said(bills, "CUR", 2) != "USD" {
			t.Errorf("%d 810s: %s / %s", len(bills), said(bills, "IT1", 2, 3, 4), said(bills, "TDS", 1))
		}
		if m := box.messages(t, "INVOIC"); len(m) != 1 || strings.Join(values(m[0], "MOA", 1, 2), " ") != "7.5 7.5 7.5" || values(m[0], "CUX", 1, 2)[0] != "EUR" {
			t.Errorf("%d INVOICs", len(m))
		}
		names, _ := box.left("810")
		if d := r.paper(names[0]); d.Status() != "sent" || d.About[0] != "PO-1" {
			t.Errorf("%+v", d)
		}
	})
}

func TestAShipmentThatCannotBeChargedIsALetterAndShipsAllTheSame(t *testing.T) {
	for name, c := range map[string]struct{ old, new, place, says string }{
		"no price":        {"*7*PE*", "***", "line 2", "line 2 of order PO-1 has no price"},
		"a price of what": {"*7*PE*", "*7*WD*", "line 2", "has no price"},
		"no cents":        {"CUR*BY*USD", "CUR*BY*JPY", "line 1", "has no price"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := invoiceRig(t)
				r.drop("850", purchase("850", "11", strings.Replace(priced850, c.old, c.new, 1)))
				settle(time.Minute)
				r.status("PO-1", order.StatusShipped)
				if l := r.letters(); len(l) != 1 || l[0].Route != "edi.invoices" || l[0].Place != c.place || !strings.Contains(l[0].Cause, c.says) || len(box.sets(t, "810")) != 0 {
					t.Errorf("%+v", l)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // nor is one who did not ask for it
		r, box := ediRig(t)
		r.drop("850", purchase("850", "11", priced850))
		settle(time.Minute)
		r.noLetters()
		if len(box.sets(t, "810")) != 0 {
			t.Error("he is charged")
		}
	})
}

// Whatever dies, a shipment is charged once.
func TestACrashAfterAnyUnitOfAShipmentChargesOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := invoiceRig(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				text := purchase("850", "11", priced850)
				_, _ = r.document("850", text)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("850", text)
					settle(time.Hour)
				}
				r.noLetters()
				if bills := box.sets(t, "810"); len(bills) != 1 || said(bills, "TDS", 1) != "3355" {
					t.Errorf("%d 810s", len(bills))
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 15 {
		t.Errorf("it died %d times only", died)
	}
}
