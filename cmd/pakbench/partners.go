package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/ship"
)

// hooks sends the signed events of a shop to a running hub whose routes behind the door are paused.
type hooks struct{ c *config }

const (
	hookBurst  = 5000 // events a second
	hookSource = "bench"
)

func openHooks(_ context.Context, c *config) (probe, error) { return &hooks{c}, nil }

func (p *hooks) Close() error { return nil }

func (p *hooks) round(ctx context.Context) (s sample, err error) {
	s.counts = map[string]float64{}
	dir, err := p.c.scratch("hooks")
	if err != nil {
		return s, err
	}
	secret := []byte("pakbench signs what it sends it")
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("whsec_"+base64.StdEncoding.EncodeToString(secret)), 0o600); err != nil {
		return s, err
	}
	h, err := p.c.serve(ctx, serveOptions{more: fmt.Sprintf("webhooks:\n  %s:\n    secret_file: %q\n", hookSource, file)})
	if err != nil {
		return s, err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, h.Close())
		}
	}()
	orders, err := stocked(ctx, h, 14)
	if err != nil {
		return s, err
	}
	if err := h.pauseFlows(ctx); err != nil {
		return s, err
	}
	var sent atomic.Int64
	clients := h.callers(connected)
	send := func(ctx context.Context, worker, _ int) error {
		id := "evt-" + strconv.FormatInt(sent.Add(1), 10)
		body := fmt.Appendf(nil, `{"type":"order.placed","data":%s}`, orders.next())
		_, err := clients[worker].send(ctx, "/webhooks/"+hookSource, signed(secret, id, body, time.Now()), body)
		return err
	}
	if err := closedLoop(ctx, 32, 500*time.Millisecond, send).held(); err != nil {
		return s, err
	}
	burst := openLoop{perSecond: hookBurst, length: p.c.all(0.4), workers: connected, call: send}.run(ctx)
	if err := burst.held(); err != nil {
		return s, err
	}
	burst.into(s.counts, "burst_")
	cpu, mine := h.cpu(), cpuTime()
	l := closedLoop(ctx, connected, p.c.all(0.6), send)
	if err := errors.Join(l.held(), ctx.Err()); err != nil {
		return s, err
	}
	s.value = float64(l.sent) / l.took.Seconds()
	s.counts["cpu_us_per_op"] = float64((h.cpu() - cpu).Microseconds()) / float64(l.sent)
	s.counts["generator_cpu_us_per_op"] = float64((cpuTime() - mine).Microseconds()) / float64(l.sent)
	s.counts["peak_rss_mb"] = peakRSS(h.pid())
	open = false
	if err := h.Close(); err != nil {
		return s, err
	}
	s.counts["answered"] = float64(sent.Load())
	return s, durable(ctx, h.data, sent.Load())
}

// signed are the headers of an event as Standard Webhooks wants them.
func signed(secret []byte, id string, body []byte, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "webhook-id: " + id + "\r\nwebhook-timestamp: " + stamp + "\r\nwebhook-signature: v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)) + "\r\n"
}

// durable holds the orders in a journal against how many events were answered with 2xx: each made one.
func durable(ctx context.Context, data string, answered int64) (err error) {
	store, err := sqlite.Open(ctx, data, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	const page = 4096
	var there int64
	for after := journal.Pos(0); ; {
		recs, err := store.Topics(ctx, []string{"order-events"}, after, page)
		if err != nil {
			return fmt.Errorf("counting orders: %w", err)
		}
		for i := range recs {
			after = recs[i].Pos
			if recs[i].Type == "order.Accepted" {
				there++
			}
		}
		if len(recs) < page {
			break
		}
	}
	if there != answered {
		return fmt.Errorf("%d events were answered with 2xx, and the journal has %d orders", answered, there)
	}
	return nil
}

// rateShop asks a running hub what a parcel costs at three carriers, of which each takes its time.
type rateShop struct{ c *config }

func openRateShop(_ context.Context, c *config) (probe, error) { return &rateShop{c}, nil }

func (p *rateShop) Close() error { return nil }

const rateAsks = 20 // a second

// carriersTake is how long each carrier takes for a price.
var carriersTake = map[string]time.Duration{"ups": 60 * time.Millisecond, "fedex": 90 * time.Millisecond, "usps": 120 * time.Millisecond}

// slow lets an answer to anything but the wish for a token leave after d.
func slow(h http.Handler, d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "oauth") {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.Context().Done():
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

func (p *rateShop) round(ctx context.Context) (s sample, err error) {
	s.counts = map[string]float64{}
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, ups.Close()) }()
	fedex, err := fedexsim.New(fedexsim.Options{CallsPer10s: 1 << 30})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, fedex.Close()) }()
	usps, err := uspssim.New(uspssim.Options{CallsPerHour: 1 << 30})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, usps.Close()) }()
	at := map[string]string{}
	for name, sim := range map[string]http.Handler{"ups": ups, "fedex": fedex, "usps": usps} {
		srv := httptest.NewServer(slow(sim, carriersTake[name]))
		defer srv.Close()
		at[name] = srv.URL
	}
	dir, err := p.c.scratch("rateshop")
	if err != nil {
		return s, err
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(upssim.ClientSecret), 0o600); err != nil { // the three have the same
		return s, err
	}
	more := "carriers:\n"
	for name, account := range map[string]string{
		"ups": upssim.Account, "fedex": fedexsim.Account, "usps": uspssim.Account + "\"\n    crid: \"" + uspssim.CRID + "\"\n    calls_per_hour: 1000000\n    mid: \"" + uspssim.MID,
	} {
		more += fmt.Sprintf("  %s:\n    url: %s\n    client_id: %s\n    client_secret_file: %q\n    account: \"%s\"\n    service: \"\"\n", name, at[name], upssim.ClientID, secret, account)
	}
	h, err := p.c.serve(ctx, serveOptions{more: more})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	clients := h.callers(connected)
	ask := func(ctx context.Context, worker, n int) error {
		answer, err := clients[worker].send(ctx, "/v1/rates", "", fmt.Appendf(nil,
			`{"weight_mg":%d,"dims":{"length_um":300000,"width_um":200000,"height_um":100000},"to":{"name":"Jane Doe","lines":["%d Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"}}`,
			500_000+n%1000*1000, 1+n%9999))
		if err != nil {
			return err
		}
		return shopped(answer, slices.Sorted(maps.Keys(carriersTake)))
	}
	// Tokens are had and connections are open before anything is counted.
	if err := closedLoop(ctx, 4, 500*time.Millisecond, ask).held(); err != nil {
		return s, err
	}
	before := [...]int{ups.Calls(upssim.OpRate), fedex.Calls(fedexsim.OpRate), usps.Calls(uspssim.OpOptions)}
	cpu := h.cpu()
	l := openLoop{perSecond: rateAsks, length: max(p.c.all(1), 4*time.Second/rateAsks), workers: connected, call: ask}.run(ctx)
	if err := errors.Join(l.held(), ctx.Err()); err != nil {
		return s, err
	}
	slowest := float64(carriersTake["usps"].Milliseconds())
	s.value = l.latency.at(0.5)
	l.into(s.counts, "")
	s.counts["slowest_ms"] = slowest
	s.counts["over_slowest_ms"] = s.value - slowest
	s.counts["cpu_us_per_op"] = float64((h.cpu() - cpu).Microseconds()) / float64(l.sent)
	for i, now := range [...]int{ups.Calls(upssim.OpRate), fedex.Calls(fedexsim.OpRate), usps.Calls(uspssim.OpOptions)} {
		if calls := now - before[i]; calls != int(l.sent) {
			return s, fmt.Errorf("%d wishes for prices made %d calls to carrier %d of three", l.sent, calls, i+1)
		}
	}
	return s, nil
}

// shopped says whether prices are of each of these connections, and none was silent.
func shopped(answer []byte, want []string) error {
	var q ship.Quotes
	if err := json.Unmarshal(answer, &q); err != nil {
		return fmt.Errorf("reading prices: %w", err)
	}
	if len(q.Silent) > 0 {
		return fmt.Errorf("%s gave no price: %s", q.Silent[0].Connection, q.Silent[0].Reason)
	}
	for _, name := range want {
		if !slices.ContainsFunc(q.Rates, func(r ship.Rate) bool { return r.Connection == name }) {
			return fmt.Errorf("no price is of %s", name)
		}
	}
	return nil
}
