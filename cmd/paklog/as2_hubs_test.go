package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes"
)

const (
	warehouseName = "WAREHOUSE"
	depositorName = "DEPOSITOR"
)

// between is a warehouse and a depositor, each a hub in a process of its own, that speak AS2.
type between struct {
	t    *testing.T
	dir  string
	a, b stationSpec // the warehouse, the depositor
	sent int
}

func newBetween(t *testing.T, async bool) *between {
	t.Helper()
	dir := socketDir(t)
	sim, err := upssim.New(upssim.Options{TruthFile: filepath.Join(dir, "ups-truth.ndjson")})
	if err != nil {
		t.Fatal(err)
	}
	carrier := httptest.NewServer(sim)
	t.Cleanup(func() {
		carrier.Close()
		sim.Close()
	})
	ours, theirs := validPair(t, warehouseName), validPair(t, depositorName)
	a := stationSpec{Dir: dir, Name: warehouseName, Peer: depositorName, Listen: freeAddress(t), Call: freeAddress(t), UPS: carrier.URL, Own: ours, Theirs: theirs.Certificate, Async: async}
	b := stationSpec{Dir: dir, Name: depositorName, Peer: warehouseName, Listen: a.Call, Call: a.Listen, Own: theirs, Theirs: ours.Certificate, Async: async}
	return &between{t: t, dir: dir, a: a, b: b}
}

// stock makes the warehouse know an item and have it.
func (w *between) stock(h *hub) {
	w.t.Helper()
	for _, x := range []struct {
		path string
		body any
	}{
		{"/v1/items", map[string]any{"owner": partnerName, "sku": "MUG", "description": "a mug", "units": []any{
			map[string]any{"uom": "each", "factor": 1, "weight_mg": 300_000, "dims": map[string]any{"length_um": 120_000, "width_um": 110_000, "height_um": 90_000}},
			map[string]any{"uom": "case", "factor": 6},
		}}},
		{"/v1/locations", map[string]any{"location": "A-1", "zone": "A", "purpose": "pick"}},
		{"/v1/stock/receive", map[string]any{"owner": partnerName, "item": "MUG", "location": "A-1", "qty": 100_000, "reference": "opening"}},
	} {
		body, err := json.Marshal(x.body)
		if err != nil {
			w.t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+h.addr+x.path, bytes.NewReader(body))
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "opening"+x.path)
		res, err := (&http.Client{Timeout: time.Minute}).Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode >= 300 {
			w.t.Fatalf("%s: %s", x.path, res.Status)
		}
	}
}

// order writes a 940 into a file and returns it.
func (w *between) order() string {
	w.t.Helper()
	w.sent++
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: uint64(w.sent), Set: "940", Sets: 1, MostLine: 2, Sender: depositorName, Receiver: warehouseName, Control: 500_000 + w.sent, OrderPrefix: fmt.Sprintf("SO%d-", w.sent),
		Items: []string{"MUG"}, SCACs: []string{"UPSN"}, Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.dir, fmt.Sprintf("940-%d.edi", w.sent))
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// journalTold is what the journal of a hub that has stopped says.
type journalTold struct {
	documents map[string]int           // sets that came, by ST01
	names     map[string]int           // documents that came, by name
	received  map[string]door.Exchange // messages that were accepted, by id
	sent      map[string]routes.Proven // messages whose receipt is known, by id
	leaves    map[string]int           // document.Sent, by name
	letters   []string
}

func tell(t *testing.T, s stationSpec) journalTold {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	store, err := sqlite.Open(ctx, filepath.Join(s.Dir, s.Name), sqlite.Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	out := journalTold{documents: map[string]int{}, names: map[string]int{}, leaves: map[string]int{}}
	for from := journal.Pos(0); ; {
		units, err := store.Units(ctx, from, 500)
		if err != nil {
			t.Fatal(err)
		}
		for i := range units {
			from = units[i].First + 1
			for _, r := range units[i].Unit.Records {
				switch r.Type {
				case "document.Received":
					out.names[r.Headers["name"]]++
					doc, err := x12.Parse(r.Personal, x12.Limits{})
					if err != nil {
						t.Fatal(err)
					}
					for p := range doc.Sets() {
						out.documents[p.ST.ID]++
					}
				case "document.Sent":
					out.leaves[r.Headers["name"]]++
				case "letter.Opened":
					out.letters = append(out.letters, string(r.Data))
				}
			}
		}
		if len(units) == 0 {
			break
		}
	}
	out.received, out.sent = exchanges(t, store, s)
	return out
}

// exchanges are the messages of a journal that were accepted, and those whose receipt is known, by id.
func exchanges(t *testing.T, store journal.Scanner, s stationSpec) (map[string]door.Exchange, map[string]routes.Proven) {
	t.Helper()
	received, sent := map[string]door.Exchange{}, map[string]routes.Proven{}
	err := eachRow(t.Context(), store, journal.TableClaim, func(r journal.Row) error {
		c, err := journal.DecodeClaim(r.Value)
		if err != nil {
			return err
		}
		scope, id, _ := strings.Cut(r.Key, "\x00")
		switch scope {
		case routes.ReceivedBy(s.Peer):
			var x door.Exchange
			err = json.Unmarshal(c.Answer, &x)
			received[id] = x
		case routes.SentBy(s.Peer):
			var x routes.Proven
			err = json.Unmarshal(c.Answer, &x)
			sent[id] = x
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return received, sent
}

// holds says that everything that one side sent the other has once, with one and the same receipt.
func holds(t *testing.T, from, to stationSpec, sender, receiver journalTold) {
	t.Helper()
	if len(sender.sent) != len(receiver.received) {
		t.Errorf("%s has the proof of %d messages, %s accepted %d", from.Name, len(sender.sent), to.Name, len(receiver.received))
	}
	for id, p := range sender.sent {
		x, ok := receiver.received[id]
		switch {
		case !ok:
			t.Errorf("%s has the proof of %s, which %s does not know", from.Name, id, to.Name)
		case p.Proof.Outcome != "delivered" || p.Proof.Signer == nil:
			t.Errorf("%s is %s: %s", id, p.Proof.Outcome, p.Proof.Reason)
		case !bytes.Equal(p.Proof.Receipt.Body, x.Receipt.Body):
			t.Errorf("%s: the receipt that %s holds is not the one that %s gave", id, from.Name, to.Name)
		case x.Body != p.Sent.Body:
			t.Errorf("%s: other bytes came than were sent", id)
		}
	}
	for name, n := range sender.leaves {
		if n != 1 || receiver.names[name] != 1 {
			t.Errorf("%s left %s %d times and came to %s %d times", name, from.Name, n, to.Name, receiver.names[name])
		}
	}
}

// TestOrdersGoByAS2BetweenHubs sends 940s from one process to another by AS2; 945s come back, and 997s
// go both ways, each message with its signed receipt.
func TestOrdersGoByAS2BetweenHubs(t *testing.T) {
	t.Parallel()
	for _, async := range []bool{false, true} {
		t.Run(fmt.Sprintf("receipts by themselves %v", async), func(t *testing.T) {
			t.Parallel()
			w := newBetween(t, async)
			a, b := startHub(t, w.a), startHub(t, w.b)
			w.stock(a)
			const orders = 3
			for range orders {
				if err := b.do("send " + w.order()); err != nil {
					t.Fatal(err)
				}
			}
			w.quiet(a, b)
			a.stop(t)
			b.stop(t)
			w.proveAll(orders)
		})
	}
}

// quiet waits until neither hub has anything to do.
func (w *between) quiet(hubs ...*hub) {
	w.t.Helper()
	for range 2 { // what one is waiting for the other may still send
		for _, h := range hubs {
			if err := h.do("rest"); err != nil {
				w.t.Fatalf("%s: %v\n%s", h.spec.Name, err, tailOf([]byte(logOf(w.t, h.spec))))
			}
		}
	}
}

// proveAll holds both journals against each other.
func (w *between) proveAll(orders int) {
	w.t.Helper()
	a, b := tell(w.t, w.a), tell(w.t, w.b)
	holds(w.t, w.b, w.a, b, a)
	holds(w.t, w.a, w.b, a, b)
	if a.documents["940"] != orders || b.documents["945"] != orders || b.documents["997"] != orders || a.documents["997"] != orders {
		w.t.Errorf("the warehouse got %v, the depositor %v, of %d orders", a.documents, b.documents, orders)
	}
	if len(a.letters) != 0 {
		w.t.Errorf("the warehouse has letters: %s", a.letters)
	}
	if w.t.Failed() {
		for _, s := range []stationSpec{w.a, w.b} {
			log, _ := os.ReadFile(filepath.Join(s.Dir, s.Name+".log"))
			w.t.Logf("%s:\n%s", s.Name, tailOf(log))
		}
	}
}

func tailOf(log []byte) []byte { return log[max(0, len(log)-6000):] }
