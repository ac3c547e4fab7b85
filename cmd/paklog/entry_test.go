package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/paklog/hub/dlq"
)

// fill types into the field of that name as a person would, so that the page hears of it.
func (p *page) fill(label, text string) {
	p.t.Helper()
	p.run("filling in "+label, until(fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll('main input, main textarea, main select')].filter(e => e.getAttribute('aria-label') === %[1]q || e.closest('label')?.firstChild.textContent === %[1]q).pop();
		if (!e) return false;
		e.focus(); e.value = %[2]q; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); e.blur();
		return true; })()`, label, text)))
}

// An order is written by hand: what is wrong is said as it is typed, a draft outlives the page, the order is
// placed once, and a copy of it asks for the same again.
func TestAnOrderIsWrittenInTheConsole(t *testing.T) {
	p, _, front := openPage(t)
	p.run("a wide window", chromedp.EmulateViewport(1280, 900))
	p.api("POST", "/v1/items", `{"sku":"MUG","description":"a blue mug","units":[{"uom":"each","factor":1},{"uom":"case","factor":12}]}`)
	p.api("POST", "/v1/locations", `{"location":"A-01","purpose":"pick"}`)
	p.api("POST", "/v1/stock/receive", `{"item":"MUG","location":"A-01","qty":30}`)

	p.run("opening", chromedp.Navigate(front+"/console/#/floor/orders"), until(`(() => { const a = [...document.querySelectorAll('main a')].find(a => a.textContent === 'New order'); a?.click(); return !!a; })()`), says("Ship to"), says("missing or wrong"))
	p.wait("nothing is marked before it is typed", `document.querySelectorAll('[aria-invalid]').length === 0`)
	p.fill("Item", "KETTEL")
	p.run("an unknown item", says("has no item KETTEL"))
	p.fill("Item", "MUG")
	p.run("a known one", says("a blue mug"), says("30 each available"))
	p.fill("Unit", "pallet")
	p.fill("Quantity", "3")
	p.run("an unknown unit", says("MUG is counted in each, case"))
	p.fill("Unit", "case")
	p.run("more than there is", says("30 each can be had now, the rest waits for stock"))
	p.fill("Country (US)", "XX")
	p.run("no such country", says("is not an ISO 3166-1 alpha-2 code"))
	p.fill("Country (US)", "US")
	p.fill("Name", evil)
	p.fill("Street", "1 Main St")
	p.fill("City", "Reno")
	p.fill("Postal code", "89501")
	p.fill("Purchase order", "PO-77")
	p.press("Place the order", "1 thing is missing or wrong")
	p.wait("the missing field has the focus", `document.activeElement.getAttribute('aria-invalid') === 'true' && document.activeElement.closest('label').firstChild.textContent === 'Order number'`)
	p.shot("console-entry-wrong")
	p.press("Keep as a draft", "Saved by")
	var drafts struct{ Items []dlq.OrderDraft }
	if err := json.Unmarshal(p.api("GET", "/v1/order-drafts", ""), &drafts); err != nil || len(drafts.Items) != 1 {
		t.Fatalf("%v: %+v", err, drafts)
	}

	// The page is closed and opened anew; somebody else saved the draft meanwhile.
	p.run("opening the draft", chromedp.Navigate("about:blank"), chromedp.Navigate(front+"/console/#/entry?draft="+drafts.Items[0].ID), says("a blue mug"))
	p.wait("it stands as it was typed", fmt.Sprintf(`[...document.querySelectorAll('main input')].some(e => e.value === %q)`, evil))
	var d dlq.OrderDraft
	if err := json.Unmarshal(p.api("GET", "/v1/order-drafts/"+drafts.Items[0].ID, ""), &d); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"version": d.Version, "order": d.Order})
	if err != nil {
		t.Fatal(err)
	}
	p.api("PUT", "/v1/order-drafts/"+d.ID, string(b))
	p.fill("Order number", "SO-77")
	p.press("Keep the draft", "look at it anew")
	p.run("opening it anew", chromedp.Navigate("about:blank"), chromedp.Navigate(front+"/console/#/entry?draft="+d.ID), says("a blue mug"))
	p.fill("Order number", "SO-77")
	p.run("it can be placed", says("It can be placed."))
	p.accessible("an order that is written", axe(t))
	p.shot("console-entry")
	p.press("Place the order", "Journey of SO-77")
	orders := p.list("/v1/orders?begins=SO-77")
	if len(orders) != 1 {
		t.Fatalf("%+v", orders)
	}
	if err := json.Unmarshal(p.api("GET", "/v1/order-drafts", ""), &drafts); err != nil || len(drafts.Items) != 0 {
		t.Errorf("the draft of an order that is placed: %v: %+v", err, drafts)
	}

	// Its copy is another order, to the same place, and its number is taken.
	p.run("copying", until(`(() => { const a = [...document.querySelectorAll('main a')].find(a => a.textContent === 'Copy SO-77'); a?.click(); return !!a; })()`), says("Copy of SO-77"), says("a blue mug"))
	p.fill("Order number", "SO-77")
	p.run("the number is taken", says("ACME has an order SO-77"))
	p.fill("Order number", "SO-78")
	p.run("the new one is not", says("It can be placed."))
	p.press("Place the order", "Journey of SO-78")
	p.wait("nothing ran", `window.pwned === undefined && !document.querySelector('main img, main script')`)
	var seen struct {
		ShipTo struct{ Name string } `json:"ship_to"`
		Lines  []struct {
			Item, UOM string
			Qty       int
		}
	}
	if err := json.Unmarshal(p.api("GET", "/v1/orders/ACME/SO-78/copy", ""), &seen); err != nil || seen.ShipTo.Name != evil || len(seen.Lines) != 1 || seen.Lines[0].UOM != "case" || seen.Lines[0].Qty != 3 {
		t.Errorf("%v: %+v", err, seen)
	}

	// By the keyboard, and on a phone.
	p.run("g e", chromedp.Navigate("about:blank"), chromedp.EmulateViewport(360, 740), chromedp.Navigate(front+"/console/"), says("live"), chromedp.KeyEvent("ge"), says("New order"), says("missing or wrong"))
	p.wait("it fits a phone", `document.documentElement.scrollWidth <= innerWidth`)
}

// A page of another site changes no drafts.
func TestAnotherSiteChangesNoDrafts(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	p := s.serves()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.addr+"/v1/order-drafts/D1/remove", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := demoClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %d", res.StatusCode)
	}
}
