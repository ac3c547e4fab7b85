package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/core/inventory"
)

// want is an order that somebody asks for.
type want struct {
	number, item string
	qty          int64
	again        int    // repeats after the answer
	to           string // "" is somebody to whom every carrier delivers
	// then is called once with the answer, nil for nothing.
	then func()
}

func (o want) document() map[string]any {
	to := o.to
	if to == "" {
		to = "Jane Doe"
	}
	return map[string]any{
		"number": o.number, "lines": []any{map[string]any{"item": o.item, "qty": o.qty}},
		"ship_to": map[string]any{"name": to, "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
	}
}

func (w *world) placed(o want) func([]byte) {
	return func(body []byte) {
		w.ordered(o.number, o.qty, body)
		if o.then != nil {
			o.then()
		}
	}
}

// order places one over HTTP.
func (w *world) order(o want) {
	w.send(job{key: "order " + o.number, again: o.again, ask: w.rest("/v1/orders", "key-"+o.number, o.document()), then: w.placed(o)})
}

// orderByHand places one as `paklog order add` does, through the hub's socket.
func (w *world) orderByHand(o want) {
	body, err := json.Marshal(o.document())
	if err != nil {
		w.fail("%s: %v", o.number, err)
		return
	}
	w.send(job{key: "order " + o.number, again: o.again, then: w.placed(o), ask: func(ctx context.Context) (int, []byte, error) {
		c := attach(ctx, &Config{Data: w.data()})
		if c == nil {
			return 0, nil, errDown
		}
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		return told(out.Bytes, placeOrder(ctx, cmd, &global{json: true}, c, body, ""))
	}})
}

// told is the status of what a verb ended with.
func told(out func() []byte, err error) (int, []byte, error) {
	var p *problem
	if errors.As(err, &p) {
		return p.Status, []byte(p.Error()), nil
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, out(), nil
}

const (
	hookName = "shop"
	// hookSecret signs the shop's events; it opens nothing else.
	hookSecret = "whsec_cGFrbG9nLXRvcnR1cmUtc2hvcC1zZWNyZXQtMDAwMQ=="
)

// signed adds what Standard Webhooks demands: id, time and HMAC-SHA256 over both and the body.
func signed(id string) func(http.Header, []byte) {
	return func(h http.Header, body []byte) {
		stamp := fmt.Sprint(time.Now().Unix())
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_")) // a constant
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", stamp)
		h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
}

// orderByEvent places one as a shop does, which delivers its event at least twice, and goes on
// to deliver it now and then.
func (w *world) orderByEvent(o want) {
	event := map[string]any{"type": "order.placed", "timestamp": time.Now().UTC(), "data": o.document()}
	j := job{key: "event " + o.number, again: 1 + o.again, ask: w.post("/webhooks/"+hookName, event, signed("msg_"+o.number))}
	repeat := j
	j.then = func(body []byte) {
		w.placed(o)(body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, func() { w.send(repeat) })
	}
	w.send(j)
}

// redeliver delivers an event again that was answered long ago.
func (w *world) redeliver(pick func(int) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.events); n > 0 {
		w.events[pick(n)]()
	}
}

// cancel wants an order cancelled, through the API or by the shop's event. What has left, or was
// never taken, is not.
func (w *world) cancel(number string) {
	ask := w.rest("/v1/orders/"+partnerName+"/"+number+"/cancel", "cancel-"+number, map[string]any{"reason": cancelReason(number)})
	if strings.HasPrefix(number, "HOOK-") {
		ask = w.post("/webhooks/"+hookName, map[string]any{
			"type": "order.cancelled", "timestamp": time.Now().UTC(),
			"data": map[string]any{"number": number, "reason": cancelReason(number)},
		}, signed("msg_cancel_"+number))
	}
	verdict := func(yes bool) {
		word := map[bool]string{true: "cancelled ", false: "not cancelled "}[yes]
		w.promised(word + number)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cancels[number] = yes
	}
	w.send(job{
		key: "cancel " + number, again: 1, ask: ask,
		then: func([]byte) { verdict(true) },
		refused: func(status int, _ []byte) bool {
			w.mu.Lock()
			_, before := w.cancels[number]
			w.mu.Unlock()
			if before || status != http.StatusConflict && status != http.StatusNotFound {
				return false
			}
			verdict(false)
			return true
		},
	})
}

// wished asks for something about an order under a key of its own; done is called, with the lock
// held, once it was answered. What is past that, or was never taken, is refused.
func (w *world) wished(word, number, path, key string, body any, done func()) {
	w.send(job{
		key: key, again: 1, ask: w.rest("/v1/orders/"+partnerName+"/"+number+"/"+path, key, body),
		then: func([]byte) {
			w.promised(word + " " + number)
			w.mu.Lock()
			defer w.mu.Unlock()
			done()
		},
		refused: func(status int, _ []byte) bool {
			w.mu.Lock()
			_, before := w.first[key]
			w.mu.Unlock()
			if before || status != http.StatusConflict && status != http.StatusNotFound {
				return false
			}
			w.promised("past " + word + " " + number)
			return true
		},
	})
}

// change wants another quantity of an order's line.
func (w *world) change(number string, qty int64) {
	w.wished("changed", number, "change", "change-"+number, map[string]any{"lines": []any{map[string]any{"line": 1, "qty": qty}}}, func() { w.orders[number] = qty })
}

// split wants a part of an order as one of its own.
func (w *world) split(o want, qty int64) {
	to := o.number + "-B"
	w.wished("split", o.number, "split", "split-"+o.number, map[string]any{"to": to, "lines": []any{map[string]any{"line": 1, "qty": qty}}}, func() {
		w.orders[o.number], w.orders[to] = o.qty-qty, qty
	})
}

// merge wants another order to go with one.
func (w *world) merge(o, other want) {
	w.wished("merged", o.number, "merge", "merge-"+o.number, map[string]any{"from": []string{other.number}}, func() {
		w.orders[o.number], w.orders[other.number], w.merged[other.number] = o.qty+other.qty, 0, o.number
	})
}

// hold stops an order for two reasons and lets it go on, one by one.
func (w *world) hold(number string) {
	var next func(steps ...[2]string)
	next = func(steps ...[2]string) {
		if len(steps) > 0 {
			path, reason := steps[0][0], steps[0][1]
			w.wished("held", number, path, path+"-"+reason+"-"+number, map[string]any{"reason": reason}, func() { next(steps[1:]...) })
		}
	}
	next([2]string{"hold", "credit"}, [2]string{"hold", "fraud"}, [2]string{"release", "credit"}, [2]string{"release", "fraud"})
}

func cancelReason(number string) string { return "the customer of " + number + " called" }

// file is what is imported: rows, and what each was answered in each run.
type file struct {
	kind string
	rows []want // the last one of orders is spoilt
	path string
	said [][]string // outcomes by row
}

func (f *file) spoilt(row int) bool { return f.kind == bulk.Orders && row == len(f.rows)-1 }

// orderByFile lets the hub import a file of orders, until it went through, and once more.
func (w *world) orderByFile(name string, rows []want) {
	var b bytes.Buffer
	rows = append(slices.Clone(rows), want{number: name + "-spoilt", item: plenty[0], qty: -1})
	for _, o := range rows {
		line, err := json.Marshal(o.document())
		if err != nil {
			w.fail("%s: %v", o.number, err)
			return
		}
		b.Write(append(line, '\n'))
	}
	w.imports(name+".ndjson", &file{kind: bulk.Orders, rows: rows}, b.Bytes())
}

// receiveByFile brings goods in, by one line each.
func (w *world) receiveByFile(name string, rows []want) {
	var b bytes.Buffer
	b.WriteString("item,location,qty,reference\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s,%s,%d,%s\n", r.item, shelf("A", r.item), r.qty, r.number)
	}
	w.imports(name+".csv", &file{kind: bulk.Stock, rows: rows}, b.Bytes())
}

func (w *world) imports(name string, f *file, content []byte) {
	f.path = filepath.Join(w.dir, "files", name)
	f.said = make([][]string, len(f.rows))
	if err := errors.Join(os.MkdirAll(filepath.Dir(f.path), 0o750), os.WriteFile(f.path, content, 0o600)); err != nil {
		w.fail("writing %s: %v", name, err)
		return
	}
	w.mu.Lock()
	w.files[name] = f
	w.mu.Unlock()
	w.send(job{key: "import " + name, again: 1, ask: func(ctx context.Context) (int, []byte, error) { return w.runImport(ctx, f) }})
}

// runImport is one run. Each row that is answered is a promise, whatever becomes of the run.
func (w *world) runImport(ctx context.Context, f *file) (int, []byte, error) {
	c := attach(ctx, &Config{Data: w.data()})
	if c == nil {
		return 0, nil, errDown
	}
	in := importRequest{Path: f.path, Kind: f.kind, Format: formatOf(f.path)}
	var last importLine
	err := c.lines(ctx, "/control/import", in, func(line []byte) error {
		last = importLine{}
		if err := json.Unmarshal(line, &last); err != nil {
			return err
		}
		if r := last.Result; r != nil {
			w.imported(f, r)
		}
		return nil
	})
	switch {
	case err != nil:
		return told(nil, err)
	case last.Done == nil:
		return 0, nil, io.ErrUnexpectedEOF
	case last.Error != "" || last.Done.Failed > 0:
		return http.StatusServiceUnavailable, []byte(last.Error), nil
	}
	return http.StatusOK, fmt.Appendf(nil, "%d rows, %d refused", last.Done.Rows, last.Done.Refused), nil
}

func (w *world) imported(f *file, r *bulk.Result) {
	if r.Row < 1 || r.Row > len(f.rows) {
		w.fail("%s has no row %d", f.path, r.Row)
		return
	}
	w.mu.Lock()
	said := f.said[r.Row-1]
	f.said[r.Row-1] = append(said, r.Outcome)
	w.mu.Unlock()
	known := slices.ContainsFunc(said, func(x string) bool { return x == bulk.Created || x == bulk.Repeated })
	if known || r.Outcome != bulk.Created && r.Outcome != bulk.Repeated {
		return
	}
	o := f.rows[r.Row-1]
	if f.kind == bulk.Stock {
		w.receivedNow(o.number, o.item, o.qty)
		return
	}
	w.promised("order " + o.number)
	w.mu.Lock()
	w.orders[o.number] = o.qty
	w.mu.Unlock()
	if o.then != nil {
		o.then()
	}
}

// stocked are the items of which goods came in.
func (w *world) stocked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.received))
}

// count looks after what pickers did not find of some items: it lies where it should. found is
// told of each shelf.
func (w *world) count(name string, items []string, found func()) {
	for _, sku := range items {
		w.send(job{
			key: "look-" + name + "-" + sku, ask: w.get("/v1/stock/" + partnerName + "/" + sku),
			then: func(body []byte) {
				var doc struct {
					State inventory.Stock `json:"state"`
				}
				if err := json.Unmarshal(body, &doc); err != nil {
					w.fail("the stock of %s: %v", sku, err)
				}
				for _, sh := range doc.State.Shelves {
					if sh.Suspect > 0 {
						w.counted("count-"+name+"-"+sh.Location, sku, sh)
						found()
					}
				}
			},
			refused: func(status int, _ []byte) bool { return status == http.StatusNotFound }, // views come later
		})
	}
}

func (w *world) counted(key, sku string, sh inventory.Shelf) {
	w.send(job{
		key: key, again: 1,
		ask: w.rest("/v1/stock/status", key, map[string]any{
			"item": sku, "location": sh.Location, "from": inventory.Suspect, "to": inventory.Free, "qty": sh.Suspect, "reason": "counted",
		}),
		// Of two who count one shelf, one is faster.
		refused: func(status int, _ []byte) bool { return status == http.StatusConflict },
	})
}

func (w *world) backupFolder(name string) string { return filepath.Join(w.dir, "backups", name) }

// backup lets the running hub copy itself into a new folder. One that was killed over it left
// nothing, or the whole.
func (w *world) backup(name string) {
	to := w.backupFolder(name)
	w.mu.Lock()
	w.backups[name] = time.Now()
	w.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		w.fail("backup: %v", err)
		return
	}
	w.send(job{key: "backup " + name, ask: func(ctx context.Context) (int, []byte, error) {
		if exists(to) {
			return http.StatusOK, nil, nil // the answer was lost
		}
		c := attach(ctx, &Config{Data: w.data()})
		if c == nil {
			return 0, nil, errDown
		}
		return told(func() []byte { return nil }, c.do(ctx, http.MethodPost, "/control/backup", map[string]string{"to": to}, nil))
	}})
}

// undecided is how people are called who cancel when their label is bought.
const undecided = "Undecided "

// carrier is the simulator behind a desk of its own, which refuses to deliver to some people until
// it was talked to. Others cancel at the moment when it is asked for a label.
func (w *world) carrier() http.Handler {
	return http.HandlerFunc(func(res http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/ship") {
			body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
			if err != nil {
				panic(http.ErrAbortHandler) // whoever asked is gone
			}
			var doc struct {
				ShipmentRequest struct {
					Shipment struct{ ShipTo struct{ Name string } }
				}
			}
			_ = json.Unmarshal(body, &doc) // what is no request the simulator refuses
			name := doc.ShipmentRequest.Shipment.ShipTo.Name
			if number, found := strings.CutPrefix(name, undecided); found {
				if _, once := w.undone.LoadAndDelete(number); once {
					w.cancel(number)
				}
			}
			if _, no := w.refuses.Load(name); no {
				res.Header().Set("Content-Type", "application/json")
				res.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(res, `{"response":{"errors":[{"code":"120206","message":"The ShipTo address is on hold."}]}}`)
				return
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		w.sim.ServeHTTP(res, req)
	})
}
