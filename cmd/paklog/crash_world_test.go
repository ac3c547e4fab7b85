package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/ups/upssim"
)

// world is everything around the hub: clients, the trading partner and the carrier. It lives
// in the process that is not killed and knows what was really answered, sent and bought.
type world struct {
	dir string
	sim *upssim.Sim
	url string // of the simulator

	addr atomic.Pointer[string] // of the hub, "" while there is none
	http *http.Client
	jobs chan job
	busy sync.WaitGroup // jobs that were not answered yet

	partner *partner

	mu       sync.Mutex
	answers  []answered       // in the order in which they were given
	orders   map[string]int64 // of HTTP, that were answered: what is expected of each
	received map[string]int64 // goods by item
	letters  int              // that the hub must have opened by now
	wrong    []string         // what must not have happened
}

// answered is a promise that the hub gave.
type answered struct {
	at   time.Time
	what string // "order WEB-1", "receipt opening-MUG"
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	sim, err := upssim.New(upssim.Options{TruthFile: filepath.Join(dir, "ups-truth.ndjson"), SlowFor: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	w := &world{
		dir: dir, sim: sim, url: srv.URL, jobs: make(chan job, 4096),
		http:   &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 8}},
		orders: map[string]int64{}, received: map[string]int64{},
	}
	none := ""
	w.addr.Store(&none)
	w.partner = newPartner(w, filepath.Join(dir, "partners", partnerName))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() { w.client(ctx) })
	}
	running.Go(func() { w.partner.run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		w.http.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func (w *world) promised(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, answered{time.Now(), what})
}

// job is a request that is repeated until it is answered, and then some.
type job struct {
	path, key string
	body      any
	again     int // repeats after the answer
	then      func(body []byte)
}

func (w *world) send(j job) {
	w.busy.Add(1)
	w.jobs <- j
}

func (w *world) client(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-w.jobs:
			w.serve(ctx, j)
			w.busy.Done()
		}
	}
}

// serve sends a job until it is answered. A repeat must get what the first got.
func (w *world) serve(ctx context.Context, j job) {
	body, err := json.Marshal(j.body)
	if err != nil {
		w.fail("%s: %v", j.key, err)
		return
	}
	var first []byte
	for sent := 0; sent <= j.again; {
		status, got, err := w.post(ctx, j.path, j.key, body)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil || status >= 500 || status == http.StatusConflict && bytes.Contains(got, []byte("idempotency_key_in_use")):
			w.pause(ctx)
			continue
		case status != http.StatusOK && status != http.StatusCreated:
			w.fail("POST %s %s was answered with %d: %s", j.path, j.key, status, got)
			return
		case first == nil:
			first = got
			if j.then != nil {
				j.then(got)
			}
		case !bytes.Equal(first, got):
			w.fail("POST %s %s was answered with %s, and repeated with %s", j.path, j.key, first, got)
		}
		sent++
	}
}

func (w *world) pause(ctx context.Context) {
	moment := time.NewTimer(5 * time.Millisecond)
	defer moment.Stop()
	select {
	case <-ctx.Done():
	case <-moment.C:
	}
}

var errDown = errors.New("there is no hub")

func (w *world) post(ctx context.Context, path, key string, body []byte) (int, []byte, error) {
	addr := *w.addr.Load()
	if addr == "" {
		return 0, nil, errDown
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := w.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, got, err
}

// receive brings goods in.
func (w *world) receive(key, item string, qty int64) {
	w.send(job{
		path: "/v1/stock/receive", key: key, again: 1,
		body: map[string]any{"item": item, "location": "A-" + item, "qty": qty, "reference": key},
		then: func([]byte) {
			w.promised("receipt " + key)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.received[item] += qty
		},
	})
}

// order places one over HTTP.
func (w *world) order(number, item string, qty int64, again int) {
	w.send(job{
		path: "/v1/orders", key: "key-" + number, again: again,
		body: map[string]any{
			"number": number, "lines": []any{map[string]any{"item": item, "qty": qty}},
			"ship_to": map[string]any{"name": "Jane Doe", "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
		},
		then: func(body []byte) {
			var got struct {
				Order string `json:"order"`
			}
			if err := json.Unmarshal(body, &got); err != nil || got.Order != number {
				w.fail("order %s was answered with %s", number, body)
			}
			w.promised("order " + number)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.orders[number] = qty
		},
	})
}

// goods that orders ask for. The scarce item is never had in full, nobody knows the ghost.
const (
	scarce = "SCARCE"
	bulky  = "BULKY"
	ghost  = "GHOST"
)

var plenty = []string{"MUG", "TRAY", "POT"}

// stockUp registers what there is and fills the shelves.
func (w *world) stockUp() {
	for _, sku := range slices.Concat(plenty, []string{scarce, bulky}) {
		side, grams := 10_000, 5
		if sku == bulky {
			side, grams = 100_000, 400
		}
		w.send(job{path: "/v1/items", key: "item-" + sku, body: map[string]any{
			"sku": sku, "units": []any{map[string]any{"uom": "each", "factor": 1, "weight_mg": grams * 1000,
				"dims": map[string]any{"length_um": side, "width_um": side, "height_um": side}}},
		}})
		w.send(job{path: "/v1/locations", key: "place-" + sku, body: map[string]any{"location": "A-" + sku, "zone": "A", "purpose": "pick"}})
	}
	w.busy.Wait()
	for _, sku := range append(slices.Clone(plenty), bulky) {
		w.receive("opening-"+sku, sku, 2_000_000)
	}
	w.receive("opening-"+scarce, scarce, 7)
	w.busy.Wait()
}

// inboxEmpty reports whether the hub took everything.
func (w *world) inboxEmpty() bool {
	entries, err := os.ReadDir(w.partner.inbox())
	return err == nil && len(entries) == 0
}
