package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/paklog/hub/core/wave"
)

// TestTheHandheldPagePutsApart leads through a wall: goods of two orders from one tote into their
// slots, on line and off.
func TestTheHandheldPagePutsApart(t *testing.T) {
	p, air, front := openPage(t, func(c *Config) { c.Warehouse.Batches.Method, c.Warehouse.WaveOrders = wave.BatchPick, 2 })
	const mug, cup = "9506000134352", "614141000036"
	p.api("POST", "/v1/items", `{"sku":"MUG","units":[{"uom":"each","factor":1}],"codes":[{"kind":"gtin","value":"`+mug+`"}]}`)
	p.api("POST", "/v1/items", `{"sku":"CUP","units":[{"uom":"each","factor":1}],"codes":[{"kind":"upc","value":"`+cup+`"}]}`)
	for _, l := range []string{`"A-01","purpose":"pick"`, `"W-1","purpose":"staging"`, `"W-2","purpose":"staging"`} {
		p.api("POST", "/v1/locations", `{"location":`+l+`}`)
	}
	for _, item := range []string{"MUG", "CUP"} {
		p.api("POST", "/v1/stock/receive", `{"item":"`+item+`","location":"A-01","qty":9}`)
	}
	for i, of := range []string{`{"item":"MUG","qty":2}`, `{"item":"MUG","qty":1},{"item":"CUP","qty":1}`} {
		p.api("POST", "/v1/orders", fmt.Sprintf(`{"number":"SO-%d","ship_to":{"name":"Jane Doe","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"},"lines":[%s]}`, i+1, of))
	}
	work := func() string { return string(p.api("GET", "/v1/scans/work?worker=kim", "")) }

	p.run("opening", chromedp.Navigate(front+"/scan"), says("Enrol"))
	p.wedge(p.invite("HH-3"), "Scan your badge")
	p.wedge("kim", "Next task")
	p.press("Put apart", "Nothing to put apart")
	p.eventually("no batch", func() bool { return strings.Contains(work(), `"task":"B1.1-`) })
	p.press("←", "Next task")
	p.press("Next task", "Scan your tote")
	p.wedge("BIN-1", "Go to")
	for strings.Contains(p.text(), "Go to") {
		p.wedge("A-01", "Scan ")
		code, n := mug, 2
		if strings.Contains(p.text(), "CUP") {
			code = cup
		}
		if !strings.Contains(p.text(), "of 2") {
			n = 1
		}
		for i := range n {
			want := "Into BIN-1"
			if i == n-1 {
				want = "B1.1-"
			}
			p.wedge(code, want)
		}
		p.run("the next step", until(`!document.body.innerText.includes('from A-01')`))
	}
	p.press("Go on", "")
	p.eventually("nothing to put", func() bool { return strings.Contains(work(), `"totes":["BIN-1"]`) })

	p.press("←", "Put apart")
	p.press("Put apart", "BIN-1")
	p.shot("puts")
	p.wedge("BIN-9", "Nothing to put apart is in BIN-9")
	p.wedge("BIN-1", "Scan an article")
	p.wedge("NOTHING", "Nothing of it is to be put from BIN-1")
	p.wedge(cup, "Scan a free slot for SO-2")
	p.wedge(cup, "1 are enough")
	p.wedge("W-2", "slot W-2")
	p.shot("article")
	p.wedge(mug, "W-2")
	p.wedge("W-1", "SO-2 comes together in W-2")
	p.shot("slot")
	// Off line the rest is put by what is known.
	air.mode.Store(away)
	p.wedge("W-2", "2 for SO-1")
	p.wedge(mug, "Scan a free slot for SO-1")
	p.wedge(mug, "of 2 for SO-1")
	p.wedge("W-2", "W-2 is the slot of SO-2")
	p.wedge("W-1", "BIN-1 is empty")
	p.press("Go on", "Nothing to put apart")
	if strings.Contains(work(), `"puts":[]`) {
		t.Error("the hub knows what was put off line")
	}
	air.mode.Store(near)
	p.run("coming back", until(`(dispatchEvent(new Event('online')), true)`), says("on line"))
	p.eventually("not all is put", func() bool { return strings.Contains(work(), `"puts":[]`) })
	p.eventually("no packings", func() bool { return len(p.list("/v1/packs?status=open")) == 2 })
}

// text is what the page says.
func (p *page) text() string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}
