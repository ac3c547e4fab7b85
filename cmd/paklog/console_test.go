package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// evil is a text that would run where a page took it for more than a text.
const evil = `<img src=x onerror=window.pwned=1><script>window.pwned=1</script>`

// axeVersion is the checker of accessibility, from npm.
const axeVersion = "4.14.1"

// axe is the text of axe-core, fetched once; the test that wants it skips where it cannot be had.
func axe(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("PAKLOG_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Skipf("axe-core cannot be had: %v", err)
		}
		cache = filepath.Join(dir, "paklog")
	}
	dir := filepath.Join(cache, "axe-core-"+axeVersion)
	file := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			t.Skipf("axe-core cannot be had: %v", err)
		}
		if out, err := exec.CommandContext(t.Context(), npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, "axe-core@"+axeVersion).CombinedOutput(); err != nil {
			t.Skipf("axe-core cannot be had: %v: %s", err, out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// partnerSends puts a file with 940s into the inbox of partner ACME.
func partnerSends(t *testing.T, data, name string, control, sets int, change func(string) string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := x12gen.Write(&b, x12gen.Config{
		Seed: uint64(control), Set: "940", Sets: sets, MostLine: 1, Control: control, OrderPrefix: fmt.Sprintf("SO-%d-", control), Items: []string{"MUG"}, SCACs: []string{"UPSN"},
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "partners", "ACME", "inbox", name), []byte(change(b.String())), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTheConsole does in a real browser what support staff do: finds why an order has not shipped
// and mends it, replays a group, pauses a route. Nothing that stands in a letter runs, and
// axe-core finds nothing serious on any page.
func TestTheConsole(t *testing.T) {
	var data string
	p, _, front := openPage(t, func(cfg *Config) {
		data = cfg.Data
		cfg.EDI.Poll = 50 * time.Millisecond
		cfg.EDI.Partners = map[string]PartnerConfig{"ACME": {ID: "ACME", Owner: "ACME"}}
	})
	p.run("a wide window", chromedp.EmulateViewport(1280, 900))
	p.api("POST", "/v1/items", `{"sku":"MUG","units":[{"uom":"each","factor":1}]}`)
	p.api("POST", "/v1/locations", `{"location":"A-01","purpose":"pick"}`)
	p.api("POST", "/v1/stock/receive", `{"item":"MUG","location":"A-01","qty":1000}`)
	order := func(number, item string) string {
		b, err := json.Marshal(map[string]any{
			"number": number, "lines": []any{map[string]any{"item": item, "qty": 3}}, "refs": []any{map[string]any{"kind": "po", "value": "PO-4711"}},
			"ship_to": map[string]any{"name": evil, "lines": []string{evil}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	p.api("POST", "/v1/orders", order("SO-4711", "KETTLE"))
	p.api("POST", "/v1/orders", order("SO-<b>", evil))
	partnerSends(t, data, "good.edi", 1, 3, func(s string) string { return s })
	partnerSends(t, data, "bad.edi", 2, 12, func(s string) string {
		s = strings.ReplaceAll(s, "\nW01*", "\nW01*MANY*0*")
		return strings.Replace(s, "MANY", `<img src=x onerror=pwned=1>`, 1)
	})
	var groups struct{ Items []dlq.Group }
	p.eventually("the failures are not grouped", func() bool {
		if err := json.Unmarshal(p.api("GET", "/v1/letter-groups", ""), &groups); err != nil {
			t.Fatal(err)
		}
		open := 0
		for _, g := range groups.Items {
			open += g.Open
		}
		return open >= 14
	})

	// Why has PO 4711 not shipped? Somebody types what the customer said.
	p.run("opening", chromedp.Navigate(front+"/console"), says("letters wait"), says("live"))
	p.shot("console-overview")
	p.run("searching", chromedp.SendKeys("#key", "PO-4711\r"), says("Journey of PO-4711"), says("What is still awaited"), says("KETTLE"))
	p.shot("console-journey")
	p.run("following the letter", until(`(() => { const a = [...document.querySelectorAll('li.awaited a')].find(a => a.textContent.includes('KETTLE')); a?.click(); return !!a; })()`), says("What it already did outside"), says("all of it is still to come"))
	p.shot("console-letter")
	letter, err := chromedp.Run(p.ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	// It is mended at its source, by the form of its group; the letter, if it did not come back by itself, by its button.
	i := slices.IndexFunc(groups.Items, func(g dlq.Group) bool { return g.Route == "order.held_line" })
	if i < 0 || groups.Items[i].Remedy != nil {
		t.Fatalf("groups: %+v", groups.Items)
	}
	p.run("opening its group", chromedp.Navigate(front+"/console/#/group/"+groups.Items[i].Fingerprint), says("What is missing"), says("KETTLE"))
	p.shot("console-remedy")
	p.run("adding the item", chromedp.SetValue(`[aria-label="Add item KETTLE"] input`, "each"), chromedp.Click(`[aria-label="Add item KETTLE"] button`), says("KETTLE is known"))
	p.run("going back to the letter", chromedp.Navigate(letter))
	p.run("replaying", until(`(() => { [...document.querySelectorAll('button')].find(b => b.textContent === 'Replay this letter')?.click(); return true; })()`))
	p.eventually("the order did not go on", func() bool {
		var found struct{ Items []view.DeskLetter }
		if err := json.Unmarshal(p.api("GET", "/v1/letters/search?state=resolved&key=SO-4711", ""), &found); err != nil {
			t.Fatal(err)
		}
		return len(found.Items) == 1
	})
	p.run("looking again", chromedp.Reload(), says("resolved"))

	// A group: what its failures share, a note, a runbook, and its replay, which fails again and stops.
	bad := ""
	for _, g := range groups.Items {
		if g.Route == "x12.refused" && g.Open >= 11 {
			bad = g.Fingerprint
		}
	}
	if bad == "" {
		t.Fatalf("no group of the bad sets: %+v", groups.Items)
	}
	p.run("the groups", chromedp.Navigate(front+"/console/#/groups"), says("What fails, by cause"))
	p.shot("console-groups")
	p.run("the group", chromedp.Navigate(front+"/console/#/group/"+bad), says("What the failures have in common"), says("of 3"))
	p.shot("console-group")
	p.run("a note", chromedp.SendKeys(`textarea[aria-label="Note"]`, "ACME changed its map"), until(`(() => { [...document.querySelectorAll('button')].find(b => b.textContent === 'Add the note').click(); return true; })()`), says("ACME changed its map\n"))
	p.run("planning", until(`(() => { [...document.querySelectorAll('details')].find(d => d.textContent.includes('Replay this group')).open = true; return true; })()`),
		chromedp.SendKeys(`input[name="reason"]`, "map mended\r"), says("Letters, in the order in which they leave"), says("Start it"))
	p.shot("console-replay")
	p.press("Start it", "stopped")
	p.run("it says why", says("failed again"))
	p.press("Cancel", "cancelled")

	// A search is saved, under a name that is a text whatever it holds.
	p.run("saving a search", chromedp.Navigate(front+"/console/#/letters?partner=ACME&state=all"), says("Saved searches"),
		until(`(() => { [...document.querySelectorAll('details')].find(d => d.textContent.includes('Saved searches')).open = true; return true; })()`),
		chromedp.SendKeys(`input[name="name"]`, "<b><b>acme\r"), until(`[...document.querySelectorAll('main details a')].some(a => a.textContent === '<b><b>acme' && a.hash === '#/letters?partner=ACME&state=all')`))

	// A route pauses for a night.
	p.run("the map", chromedp.Navigate(front+"/console/#/map?route=x12.split"), until(`document.querySelectorAll('svg a').length > 3`))
	p.press("Pause", "paused: by")
	p.shot("console-map")
	p.press("Resume", "running")

	// Nothing of all this ran, wherever it stood.
	pages := []string{"", "map?only=all", "groups?status=all", "group/" + bad, "letters?state=all", "trace/PO-4711", "trace/SO-%3Cb%3E", "trace/bad.edi", "replays", "partners", "floor/orders", "floor/stock", "floor/tasks", "floor/waves"}
	for _, l := range p.list("/v1/letters/search?state=all") {
		pages = append(pages, "letter/"+l.ID)
		if len(pages) > 20 {
			break
		}
	}
	checker := axe(t)
	for _, scheme := range []string{"light", "dark"} {
		p.run("the colours", chromedp.EmulateViewport(1280, 900))
		for i, page := range pages {
			if scheme == "dark" && i > 8 {
				break
			}
			p.run("opening "+page, chromedp.Navigate("about:blank"), emulate(scheme), chromedp.Navigate(front+"/console/#/"+page), until(`document.querySelector('main h1') !== null`), says("live"))
			p.wait("nothing of a letter runs on "+page, `window.pwned === undefined && !document.querySelector('main img, main script, main iframe, main b > b')`)
			p.accessible(page+" in the "+scheme, checker)
		}
	}
	// On a phone, and as wide as at 200 % zoom, nothing needs to be scrolled sideways but tables.
	for _, page := range pages[:9] {
		p.run("a phone", chromedp.EmulateViewport(360, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(front+"/console/#/"+page), until(`document.querySelector('main h1') !== null`))
		p.wait(page+" fits a phone", `document.documentElement.scrollWidth <= innerWidth`)
	}
	p.shot("console-phone")
	// Without a pointer: g and a letter, / to the search.
	p.run("the keyboard", chromedp.KeyEvent("gr"), says("Routes as they run"), chromedp.KeyEvent("gf"), says("What fails, by cause"), chromedp.KeyEvent("/"), until(`document.activeElement.id === 'key'`))
}

// emulate has the browser prefer a scheme of colours.
func emulate(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// wait holds what a page must be against it.
func (p *page) wait(what, script string) {
	p.t.Helper()
	p.run(what, until(script))
}

// accessible lets axe-core look at the page.
func (p *page) accessible(page, checker string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](checker+`;0`)); err != nil {
		p.t.Fatal(err)
	}
	p.run("axe-core on "+page, until(`(window.axed ||= axe.run(document, {resultTypes: ['violations']}).then(r => { window.found = r.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html).join(' | ')); }), window.found !== undefined)`))
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`window.found`))
	if err != nil {
		p.t.Fatal(err)
	}
	if len(found) > 0 {
		p.t.Errorf("%s: %s", page, strings.Join(found, "\n"))
	}
}
