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
	busy *tally // jobs that were not answered yet

	partner *partner
	desk    *desk
	refuses sync.Map // people to whom the carrier does not deliver, by name
	undone  sync.Map // orders that are cancelled when the carrier is asked for their label, by number

	database string // PostgreSQL of the journal, "" for the folder

	mu       sync.Mutex
	truth    *os.File          // answers, one a line, each on the disk before anybody goes on
	answers  []answered        // in the order in which they were given
	first    map[string][]byte // what was answered first, by the key of the job
	orders   map[string]int64  // of any door but the folder, that were answered: what is expected of each
	events   []func()          // webhooks that were answered, to be delivered again
	merged   map[string]string // orders whose lines went to another one, by number
	cancels  map[string]bool   // orders that somebody wanted cancelled, and whether the hub said yes
	files    map[string]*file  // that are imported
	backups  map[string]time.Time
	received map[string]int64 // goods by item
	letters  int              // that the hub must have opened by now and nobody takes up
	shorts   int              // picks that found too little, by the journal
	wrong    []string         // what must not have happened
}

// tally counts what is under way. Unlike a wait group it may be waited for while what was done
// brings more.
type tally struct {
	mu   sync.Mutex
	n    int
	none sync.Cond // n is 0
}

func newTally() *tally {
	t := &tally{}
	t.none.L = &t.mu
	return t
}

func (t *tally) Add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n += n; t.n == 0 {
		t.none.Broadcast()
	}
}

func (t *tally) Done() { t.Add(-1) }

func (t *tally) Wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.n > 0 {
		t.none.Wait()
	}
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
	truth, err := os.OpenFile(filepath.Join(dir, "answers.ndjson"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		dir: dir, sim: sim, jobs: make(chan job, 4096), busy: newTally(), truth: truth,
		http:  &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 8}},
		first: map[string][]byte{}, orders: map[string]int64{}, cancels: map[string]bool{}, merged: map[string]string{}, files: map[string]*file{},
		backups: map[string]time.Time{}, received: map[string]int64{},
	}
	srv := httptest.NewServer(w.carrier())
	w.url = srv.URL
	none := ""
	w.addr.Store(&none)
	w.partner = newPartner(w, filepath.Join(dir, "partners", partnerName))
	w.desk = &desk{w: w}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() { w.client(ctx) })
	}
	running.Go(func() { w.partner.run(ctx) })
	for i := range w.desk.passes {
		running.Go(func() { w.desk.work(ctx, i) })
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		w.http.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
		if err := errors.Join(sim.Close(), truth.Close()); err != nil {
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

// promised notes what the hub answered, in the file first: whoever looks at a run that failed
// reads there what was promised and when.
func (w *world) promised(what string) {
	a := answered{time.Now(), what}
	line, err := json.Marshal(map[string]any{"at": a.at, "answered": a.what})
	if err != nil {
		panic(err) // plain strings
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err = w.truth.Write(append(line, '\n')); err == nil {
		err = w.truth.Sync()
	}
	if err != nil {
		w.wrong = append(w.wrong, fmt.Sprintf("writing what was answered: %v", err))
	}
	w.answers = append(w.answers, a)
}

// job is a request that is repeated until it is answered, and then some. A repeat must get
// what the first got, be it jobs later.
type job struct {
	key   string
	ask   func(context.Context) (status int, body []byte, err error)
	again int // repeats after the answer
	then  func(body []byte)
	// refused says whether an answer that is no success is one that may be given; nil is none.
	refused func(status int, body []byte) bool
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

// serve asks until a job is answered.
func (w *world) serve(ctx context.Context, j job) {
	for sent := 0; sent <= j.again; {
		status, got, err := j.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil || status >= 500 || status == http.StatusConflict && bytes.Contains(got, []byte("idempotency_key_in_use")):
			w.pause(ctx)
			continue
		case status != http.StatusOK && status != http.StatusCreated:
			if j.refused == nil || !j.refused(status, got) {
				w.fail("%s was answered with %d: %s", j.key, status, got)
			}
			return
		}
		w.mu.Lock()
		first, before := w.first[j.key]
		if !before {
			w.first[j.key] = got
		}
		w.mu.Unlock()
		switch {
		case !before && j.then != nil:
			j.then(got)
		case before && !bytes.Equal(first, got):
			w.fail("%s was answered with %s, and repeated with %s", j.key, first, got)
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

// rest is a call of the API under an Idempotency-Key.
func (w *world) rest(path, key string, body any) func(context.Context) (int, []byte, error) {
	return w.post(path, body, func(h http.Header, _ []byte) { h.Set("Idempotency-Key", key) })
}

// post is a call of the hub's address; with adds the headers that go with a body.
func (w *world) post(path string, body any, with func(http.Header, []byte)) func(context.Context) (int, []byte, error) {
	b, err := json.Marshal(body)
	return func(ctx context.Context) (int, []byte, error) {
		addr := *w.addr.Load()
		if addr == "" {
			return 0, nil, errDown
		}
		req, rerr := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(b))
		if err = errors.Join(err, rerr); err != nil {
			return 0, nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		with(req.Header, b)
		return w.do(req)
	}
}

func (w *world) get(path string) func(context.Context) (int, []byte, error) {
	return func(ctx context.Context) (int, []byte, error) {
		addr := *w.addr.Load()
		if addr == "" {
			return 0, nil, errDown
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return 0, nil, err
		}
		return w.do(req)
	}
}

func (w *world) do(req *http.Request) (int, []byte, error) {
	res, err := w.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, got, err
}

// receive brings goods in.
func (w *world) receive(key, item, place string, qty int64) { w.send(w.receipt(key, item, place, qty)) }

func (w *world) receipt(key, item, place string, qty int64) job {
	return job{
		key: "receipt " + key, again: 1,
		ask:  w.rest("/v1/stock/receive", key, map[string]any{"item": item, "location": place, "qty": qty, "reference": key}),
		then: func([]byte) { w.receivedNow(key, item, qty) },
	}
}

func (w *world) receivedNow(key, item string, qty int64) {
	w.promised("receipt " + key)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received[item] += qty
}

// ordered notes that an order was answered.
func (w *world) ordered(number string, qty int64, body []byte) {
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
}

// goods that orders ask for. The scarce item is never had in full, nobody knows the ghost.
const (
	scarce = "SCARCE"
	bulky  = "BULKY"
	ghost  = "GHOST"
)

var plenty = []string{"MUG", "TRAY", "POT"}

// shelf is a place where an item lies; the items that are plenty lie in two.
func shelf(aisle, sku string) string { return aisle + "-" + sku }

// known registers an item and where it lies.
func (w *world) known(sku string, aisles ...string) []job {
	side, grams := 10_000, 5
	if sku == bulky {
		side, grams = 100_000, 400
	}
	jobs := []job{{key: "item " + sku, ask: w.rest("/v1/items", "item-"+sku, map[string]any{
		"sku": sku, "units": []any{map[string]any{"uom": "each", "factor": 1, "weight_mg": grams * 1000,
			"dims": map[string]any{"length_um": side, "width_um": side, "height_um": side}}},
	})}}
	for _, a := range aisles {
		place := shelf(a, sku)
		jobs = append(jobs, job{key: "place " + place, ask: w.rest("/v1/locations", "place-"+place, map[string]any{"location": place, "zone": a, "purpose": "pick"})})
	}
	return jobs
}

// stockUp registers what there is and fills the shelves.
func (w *world) stockUp() {
	for _, sku := range slices.Concat(plenty, []string{scarce, bulky}) {
		for _, j := range w.known(sku, "A", "B") {
			w.send(j)
		}
	}
	w.busy.Wait()
	for _, sku := range append(slices.Clone(plenty), bulky) {
		w.receive("opening-"+sku, sku, shelf("A", sku), 2_000_000)
		w.receive("spare-"+sku, sku, shelf("B", sku), 1_000_000)
	}
	w.receive("opening-"+scarce, scarce, shelf("A", scarce), 7)
	w.busy.Wait()
}

// inboxEmpty reports whether the hub took everything.
func (w *world) inboxEmpty() bool {
	entries, err := os.ReadDir(w.partner.inbox())
	return err == nil && len(entries) == 0
}
