package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/view"
)

// page drives the handheld page in a real browser.
type page struct {
	t   *testing.T
	ctx context.Context
	hub string
}

func (p *page) run(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		p.shot("failed")
		p.t.Fatalf("%s: %v; the page says\n%s", what, err, text)
	}
}

// wedge types a code as a scanner does, with Enter behind it, and waits until the page says want.
func (p *page) wedge(code, want string) {
	p.t.Helper()
	p.run("scanning "+code, chromedp.SendKeys("#code", code+"\r"), says(want))
}

func says(want string) chromedp.Action[chromedp.Void] {
	return until(fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
}

func until(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](script, chromedp.WithPollingInterval(30*time.Millisecond))
}

func (p *page) press(text, want string) {
	p.t.Helper()
	p.run("pressing "+text, until(fmt.Sprintf(`(() => { const b = [...document.querySelectorAll('button')].find(b => b.textContent.startsWith(%q)); b?.click(); return !!b; })()`, text)), says(want))
}

// shot keeps a picture where PAKLOG_SCREENSHOTS names a folder.
func (p *page) shot(name string) {
	dir := os.Getenv("PAKLOG_SCREENSHOTS")
	if dir == "" {
		return
	}
	if png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot()); err == nil {
		_ = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
}

// radio is what lies between a handheld and the hub.
type radio struct {
	hub  *httputil.ReverseProxy
	mode atomic.Int32
	lost atomic.Int32 // answers that the hub gave and the handheld never got
}

const (
	near   = iota
	away   // nothing gets through
	fading // what is sent arrives, and its answer does not
)

func (r *radio) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch r.mode.Load() {
	case away:
		panic(http.ErrAbortHandler)
	case fading:
		r.hub.ServeHTTP(httptest.NewRecorder(), q)
		r.lost.Add(1)
		panic(http.ErrAbortHandler)
	}
	r.hub.ServeHTTP(w, q)
}

func (p *page) api(method, path, body string) []byte {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.hub+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		p.t.Fatalf("%s %s: %s, %v\n%s", method, path, res.Status, err, b)
	}
	return b
}

// eventually asks until the answer is right.
func (p *page) eventually(what string, ok func() bool) {
	p.t.Helper()
	for end := time.After(20 * time.Second); !ok(); {
		select {
		case <-end:
			p.shot("failed")
			p.t.Fatal(what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *page) list(path string) []view.Doc {
	p.t.Helper()
	var l struct{ Items []view.Doc }
	if err := json.Unmarshal(p.api("GET", path, ""), &l); err != nil {
		p.t.Fatal(err)
	}
	return l.Items
}

// TestTheHandheldPage leads through receiving, picking, packing and counting in a real browser:
// on line, off line, through a reload, and back; each scan is taken once.
func TestTheHandheldPage(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("the browser is not installed: chromium")
	}
	cfg := defaults()
	cfg.Data, cfg.HTTP.Listen, cfg.Warehouse.WaveWait, cfg.Owner = t.TempDir(), "127.0.0.1:0", 100*time.Millisecond, "ACME"
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, slog.New(slog.DiscardHandler), func(_ *app, a string) { addr <- a })
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(360, 740), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	alloc, endAlloc := chromedp.NewExecAllocator(ctx, options...)
	defer endAlloc()
	tab, endTab := chromedp.NewContext(alloc)
	defer endTab()
	if err := chromedp.Do(tab, chromedp.EmulateViewport(360, 740)); err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, ctx: tab}
	select {
	case a := <-addr:
		p.hub = "http://" + a
	case err := <-done:
		t.Fatal(err)
	}
	target, err := url.Parse(p.hub)
	if err != nil {
		t.Fatal(err)
	}
	air := &radio{hub: httputil.NewSingleHostReverseProxy(target)}
	front := httptest.NewServer(air)
	defer front.Close()

	p.api("POST", "/v1/items", `{"sku":"MUG","description":"Blue mug","units":[{"uom":"each","factor":1,"weight_mg":350000,"dims":{"length_um":120000,"width_um":90000,"height_um":100000}},{"uom":"case","factor":6}],
		"codes":[{"kind":"gtin","value":"9506000134352","uom":"each"},{"kind":"gtin","value":"19506000134359","uom":"case"}]}`)
	p.api("POST", "/v1/items", `{"sku":"CUP","units":[{"uom":"each","factor":1}],"codes":[{"kind":"upc","value":"614141000036"}]}`)
	p.api("POST", "/v1/locations", `{"location":"A-01","purpose":"pick"}`)
	var code struct{ Code string }
	if err := json.Unmarshal(p.api("POST", "/v1/devices", `{"device":"HH-1"}`), &code); err != nil {
		t.Fatal(err)
	}

	p.run("opening", chromedp.Navigate(front.URL+"/scan"), says("Enrol"))
	p.shot("enrol")
	p.wedge("HH-1.WRONGCODE", "the code is wrong")
	p.wedge(code.Code, "Scan your badge")
	p.wedge("jo", "Receive")
	p.run("keeping the page", until(`navigator.serviceWorker.controller !== null`))
	p.shot("menu")

	p.press("Receive", "Scan the place")
	p.wedge("A-01", "Scan the goods")
	p.wedge("]E09506000134352", "How many?")
	p.wedge("20", "20")
	p.press("Receive", "Scan the goods")
	p.eventually("nothing was received", func() bool {
		l := p.list("/v1/stock")
		return len(l) == 1 && strings.Contains(string(l[0].State), `"free":20`)
	})

	p.api("POST", "/v1/orders", `{"number":"SO-1","ship_to":{"name":"Jane Doe","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"},"lines":[{"item":"MUG","qty":3}]}`)
	p.api("POST", "/v1/counts", `{"count":"C-1","item":"MUG","location":"A-01"}`)
	p.eventually("no task", func() bool { return strings.Contains(string(p.api("GET", "/v1/scans/work?worker=jo", "")), `"left":3`) })

	p.press("←", "Pick")
	p.press("Pick", "Choose, or scan")
	p.shot("tasks")
	p.press("T1-SO-1", "Scan your tote")
	p.wedge("TOTE-1", "Go to")
	p.shot("go")
	air.mode.Store(away)
	p.wedge("B-09", "This is B-09")
	p.shot("wrong-place")
	p.wedge("A-01", "Scan 3 of")
	p.wedge("614141000036", "This is not MUG")
	p.wedge("9506000134352", "Into TOTE-1: 1")
	p.shot("pick")
	p.wedge("(01)09506000134352(10)L", "Into TOTE-1: 2")
	p.wedge("9506000134352", "Done")
	p.shot("done-off-line")
	p.press("Go on", "Receive")
	p.press("Move", "Scan the pallet")
	p.wedge("TOTE-1", "Scan where")
	p.wedge("A-01", "Scan the pallet")
	// The battery dies, and the page comes from the device.
	p.run("starting again off line", chromedp.Reload(), says("off line 2"))
	p.shot("off-line")
	if n := len(p.list("/v1/packs")); n != 0 {
		t.Fatalf("%d packings while off line", n)
	}
	// Answers get lost first, and then all of it comes again.
	air.mode.Store(fading)
	p.eventually("nothing was sent", func() bool {
		p.run("coming back", until(`(dispatchEvent(new Event('online')), true)`))
		return air.lost.Load() > 0
	})
	air.mode.Store(near)
	p.run("coming back", until(`(dispatchEvent(new Event('online')), true)`), says("on line"))
	p.eventually("no packing", func() bool { return len(p.list("/v1/packs?status=open")) == 1 })

	p.press("Pack", "P1-SO-1")
	p.wedge("TOTE-1", "Scan what goes")
	for i := range 3 {
		p.wedge("9506000134352", fmt.Sprintf("%d of 3", i+1))
	}
	p.shot("pack")
	p.press("Close the carton", "Scan the box")
	p.wedge("S", "Packed")
	p.press("Go on", "Count")
	p.press("Count", "A-01")
	p.press("A-01", "Go to")
	p.wedge("A-01", "How many lie here?")
	p.shot("count")
	p.wedge("17", "17")
	p.press("That is all", "Nothing to count")
	p.eventually("the count is open", func() bool { return len(p.list("/v1/counts?status=settled")) == 1 })
	p.eventually("no carton", func() bool { return len(p.list("/v1/packs?status=completed")) == 1 })

	taken := map[int64]int{}
	// What the hub refuses is shown until somebody has seen it.
	p.press("←", "Move")
	p.press("Move", "Scan the pallet")
	p.wedge("NOBODY-KNOWS", "Scan where")
	p.wedge("A-01", "refused: there is no LPN")
	p.shot("refused")
	p.press("1 refused", "Refused by the hub")
	p.press("Seen", "Receive")
	// A device that is revoked keeps its scans and says why nobody takes them.
	p.api("POST", "/v1/devices/HH-1/revoke", "")
	p.press("Move", "Scan the pallet")
	p.wedge("TOTE-1", "Scan where")
	p.wedge("A-01", "Scan the pallet")
	p.run("looking why", says("trouble"))
	p.press("trouble", "HH-1 is revoked")
	p.shot("revoked")

	var tail struct{ Items []rest.Event }
	if err := json.Unmarshal(p.api("GET", "/v1/events?topics=tracking-events&limit=1000", ""), &tail); err != nil {
		t.Fatal(err)
	}
	for _, e := range tail.Items {
		if e.Type == "scan.Taken" {
			var x scan.Taken
			if err := json.Unmarshal(e.Data, &x); err != nil {
				t.Fatal(err)
			}
			taken[x.Scan.Seq]++
			if x.Result != scan.Done && x.Scan.Code != "NOBODY-KNOWS" {
				t.Errorf("scan %d: %s %s", x.Scan.Seq, x.Result, x.Why)
			}
		}
	}
	const made = 6 // and one that came after the device was revoked
	for seq := int64(1); seq <= made; seq++ {
		if taken[seq] != 1 {
			t.Errorf("scan %d was taken %d times", seq, taken[seq])
		}
	}
	if len(taken) != made {
		t.Errorf("%d scans were taken, %d made: %v", len(taken), made, taken)
	}
}
