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
	"slices"
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
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
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

// until waits until a script is true, on the page that is there by then: it may be another one than
// when the waiting began.
func until(script string) chromedp.Action[chromedp.Void] {
	poll := chromedp.Poll[chromedp.Void](script, chromedp.WithPollingInterval(30*time.Millisecond))
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		for {
			v, err := poll(ctx, t)
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "context with specified id") && !strings.Contains(err.Error(), "context was destroyed") {
				return v, err
			}
		}
	}
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
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
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
	for end := time.After(time.Minute); !ok(); {
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

// openPage starts a hub and a browser on its handheld page, with a radio between them.
func openPage(t *testing.T, change ...func(*Config)) (*page, *radio, string) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("the browser is not installed: chromium")
	}
	cfg := defaults()
	cfg.Data, cfg.HTTP.Listen, cfg.Warehouse.WaveWait, cfg.Owner = t.TempDir(), "127.0.0.1:0", 100*time.Millisecond, "ACME"
	for _, c := range change {
		c(cfg)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, slog.New(slog.DiscardHandler), func(_ *app, a string) { addr <- a })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(360, 740), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	alloc, endAlloc := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(endAlloc)
	tab, endTab := chromedp.NewContext(alloc)
	t.Cleanup(endTab)
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
	t.Cleanup(func() {
		front.CloseClientConnections() // a page that listens never ends by itself
		front.Close()
	})
	return p, air, front.URL
}

// invite is the code that a handheld enrols with.
func (p *page) invite(device string) string {
	p.t.Helper()
	var code struct{ Code string }
	if err := json.Unmarshal(p.api("POST", "/v1/devices", `{"device":"`+device+`"}`), &code); err != nil {
		p.t.Fatal(err)
	}
	return code.Code
}

// TestTheHandheldPage leads through receiving, picking, packing and counting in a real browser:
// on line, off line, through a reload, and back; each scan is taken once.
func TestTheHandheldPage(t *testing.T) {
	p, air, front := openPage(t)
	p.api("POST", "/v1/items", `{"sku":"MUG","description":"Blue mug","units":[{"uom":"each","factor":1,"weight_mg":350000,"dims":{"length_um":120000,"width_um":90000,"height_um":100000}},{"uom":"case","factor":6}],
		"codes":[{"kind":"gtin","value":"9506000134352","uom":"each"},{"kind":"gtin","value":"19506000134359","uom":"case"}]}`)
	p.api("POST", "/v1/items", `{"sku":"CUP","units":[{"uom":"each","factor":1}],"codes":[{"kind":"upc","value":"614141000036"}]}`)
	p.api("POST", "/v1/locations", `{"location":"A-01","purpose":"pick"}`)
	code := p.invite("HH-1")

	p.run("opening", chromedp.Navigate(front+"/scan"), says("Enrol"))
	p.shot("enrol")
	p.wedge("HH-1.WRONGCODE", "the code is wrong")
	p.wedge(code, "Scan your badge")
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

// TestTheHandheldPageLeadsToTheNextTask leads through a receipt with serial numbers, put-aways, a
// replenishment, and a pick that the hub hands out, on line and off; what is refused on the page is
// never sent.
func TestTheHandheldPageLeadsToTheNextTask(t *testing.T) {
	p, air, front := openPage(t)
	const pallet, lamp, mug = "106141412345678908", "614141000036", "9506000134352"
	p.api("POST", "/v1/items", `{"sku":"MUG","rotation":"by_unit","units":[{"uom":"each","factor":1}],"codes":[{"kind":"gtin","value":"`+mug+`"}]}`)
	p.api("POST", "/v1/items", `{"sku":"LAMP","units":[{"uom":"each","factor":1}],"codes":[{"kind":"upc","value":"`+lamp+`"}],"tracking":{"serial":true}}`)
	for _, l := range []string{`"DK","purpose":"dock"`, `"F-01","purpose":"pick","slot":{"owner":"ACME","item":"MUG","min":5,"max":10}`, `"B-01","purpose":"bulk","capacity":{"lpns":1},"mix":"item"`, `"C-01","purpose":"pick"`, `"C-02","purpose":"pick"`} {
		p.api("POST", "/v1/locations", `{"location":`+l+`}`)
	}
	p.api("POST", "/v1/receipts", `{"receipt":"ASN-1","lines":[{"item":"MUG","qty":24,"lpn":"`+pallet+`"},{"item":"MUG","qty":6},{"item":"LAMP","qty":3}]}`)
	onHand := func(item string) string {
		var out strings.Builder
		for _, d := range p.list("/v1/stock") {
			if strings.Contains(string(d.State), `"item":"`+item+`"`) {
				out.Write(d.State)
			}
		}
		return out.String()
	}

	p.run("opening", chromedp.Navigate(front+"/scan"), says("Enrol"))
	p.wedge(p.invite("HH-2"), "Scan your badge")
	p.wedge("kim", "Next task")
	p.press("Next task", "Nothing to do now")
	p.press("←", "Receive")
	p.press("Receive", "ASN-1")
	p.press("ASN-1", "Scan the place")
	p.wedge("DK", "Scan the goods")
	p.wedge("(00)"+pallet, "Scan the goods")
	p.wedge(mug, "How many?")
	p.wedge("6", "6")
	p.press("Receive", "Scan the goods")
	p.wedge(lamp, "each with its serial number")
	p.wedge("3", "3")
	p.press("Receive", "Scan serial number 1")
	p.wedge("S-1", "Scan serial number 2")
	p.wedge("S-1", "S-1 was scanned already")
	p.wedge(lamp, "scan the unit's serial number")
	p.shot("serials")
	p.wedge("(01)00614141000036(21)S-2", "Scan serial number 3")
	p.wedge("S-3", "Scan the goods")
	p.eventually("three put-aways", func() bool {
		return strings.Count(string(p.api("GET", "/v1/scans/work?worker=kim", "")), `"kind":"putaway"`) == 3
	})

	// A put-away is found by what is scanned, and ends at its place or at another for a reason.
	p.press("←", "Put away")
	p.press("Put away", "DK")
	p.shot("putaway")
	p.wedge("NOTHING", "Nothing of it waits")
	p.wedge("(00)"+pallet, "all on "+pallet)
	p.wedge("C-01", "This is C-01. Go to DK")
	p.wedge("DK", "Scan "+pallet)
	p.wedge(mug, "This is not "+pallet)
	p.wedge(pallet, "Bring to")
	p.wedge("B-01", "24 at B-01")
	p.eventually("the pallet is not away", func() bool { return strings.Contains(onHand("MUG"), `"location":"B-01"`) })
	p.press("Go on", "F-01")
	p.wedge(mug, "6 to F-01")
	p.wedge("DK", "Scan 6 of")
	p.wedge(mug, "Take 6")
	p.press("Take 6", "Bring to")
	p.wedge("F-01", "6 at F-01")
	p.press("Go on", "Choose, or scan")

	// The hub hands out what is left, and the page leads there.
	p.press("←", "Next task")
	p.press("Next task", "3 to C-0")
	p.press("Give it back", "Choose, or scan")
	p.press("It is blocked", "Nothing to do now")
	p.press("←", "Put away") // it is there for who takes it by himself
	p.press("Put away", "DK")
	p.wedge(lamp, "3 to C-0")
	p.wedge("DK", "Scan 3 of")
	p.wedge(lamp, "Take 3")
	p.press("Take 3", "Bring to")
	p.wedge("C-02", "Why does it lie there?")
	p.press("It is blocked", "3 at C-02")
	p.eventually("the lamps lie nowhere", func() bool { return strings.Contains(onHand("LAMP"), `"location":"C-02"`) })
	p.press("Go on", "Nothing to put away")
	p.press("←", "Next task")
	p.press("Next task", "Nothing to do now")

	p.api("POST", "/v1/orders", `{"number":"SO-1","ship_to":{"name":"Jane Doe","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"},"lines":[{"item":"LAMP","qty":2}]}`)
	p.eventually("no pick", func() bool {
		return strings.Contains(string(p.api("GET", "/v1/scans/work?worker=kim", "")), `"left":2`)
	})
	p.run("asking for the pick", until(`(() => {
		[...document.querySelectorAll('button')].find(b => b.textContent === 'Ask again')?.click();
		return document.body.innerText.includes('Scan your tote');
	})()`))
	p.wedge("TOTE-9", "Go to")
	// Off line nobody is handed anything, and what was handed out goes on.
	air.mode.Store(away)
	p.wedge("C-02", "Scan 2 of")
	p.wedge("2", "then its serial number")
	p.wedge(lamp, "Scan serial number 1")
	p.wedge("S-1", "Scan 2 of")
	p.wedge("]C1010061414100003621S-1", "S-1 was scanned already")
	p.wedge("]C1010061414100003621S-3", "Done")
	p.run("ending the pick", says("Bring the tote to packing"))
	p.press("Go on", "Scans wait to be sent")
	air.mode.Store(near)
	p.run("coming back", until(`(dispatchEvent(new Event('online')), true)`), says("on line"))
	p.eventually("no packing", func() bool { return len(p.list("/v1/packs?status=open")) == 1 })

	// Where an order leaves three and five should lie, the face is filled from the pallet.
	p.api("POST", "/v1/orders", `{"number":"SO-2","ship_to":{"name":"Jane Doe","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"},"lines":[{"item":"MUG","qty":3}]}`)
	p.eventually("no replenishment", func() bool {
		return strings.Contains(string(p.api("GET", "/v1/scans/work?worker=kim", "")), `"kind":"replenish"`)
	})
	p.press("←", "Replenish")
	p.press("Replenish", "B-01 → F-01")
	p.press(pallet, "7 to F-01")
	p.shot("replenish")
	p.wedge("B-01", "Scan "+pallet)
	p.wedge(pallet, "Bring to")
	p.wedge("C-01", "Bring it to F-01")
	p.wedge("F-01", "at F-01")

	p.press("Go on", "Nothing to replenish")

	// Of what nobody announced the page learns from the hub's refusal that it asks for serial numbers.
	p.press("←", "Receive")
	p.press("Receive", "Not announced")
	p.press("Not announced", "Scan the place")
	p.wedge("C-01", "Scan the goods")
	p.wedge(lamp, "How many?")
	p.press("Receive", "1 refused")
	p.wedge(lamp, "each with its serial number")
	p.press("Receive", "Scan serial number 1")
	p.wedge("S-4", "Scan the goods")
	p.press("1 refused", "is tracked by serial number")
	p.press("Seen", "Next task")

	// What is packed with a serial number is scanned with it.
	p.press("Pack", "P1-SO-1")
	p.wedge("TOTE-9", "Scan what goes")
	p.wedge(lamp, "Scan serial number 1")
	p.wedge("S-3", "1 of 2")
	p.wedge("(01)00614141000036(21)S-1", "2 of 2")
	p.press("Close the carton", "Scan the box")
	p.wedge("S", "Packed")
	p.eventually("no carton", func() bool { return len(p.list("/v1/packs?status=completed")) == 1 })

	var tail struct{ Items []rest.Event }
	if err := json.Unmarshal(p.api("GET", "/v1/events?topics=tracking-events&limit=1000", ""), &tail); err != nil {
		t.Fatal(err)
	}
	var done []string
	refused := 0
	for _, e := range tail.Items {
		if e.Type == "scan.Taken" {
			var x scan.Taken
			if err := json.Unmarshal(e.Data, &x); err != nil {
				t.Fatal(err)
			}
			if x.Result == scan.Refused && x.Where == "serials" && x.Scan.Do == scan.Receive {
				refused++
				continue
			}
			if x.Result != scan.Done {
				t.Errorf("scan %d: %s %s", x.Scan.Seq, x.Result, x.Why)
			}
			done = append(done, x.Scan.Do)
		}
	}
	slices.Sort(done)
	if want := "move move move move pack pick receive receive receive receive"; strings.Join(done, " ") != want || refused != 1 {
		t.Errorf("%v and %d refused, want %s and 1", done, refused, want)
	}
}
