package simulate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/routes"
)

// nextJob asks the hub for the best task that the worker may do, from where he stands. Nil is none
// that he can begin now.
func (w *worker) nextJob() *job {
	f := w.f
	flows := f.r.flows()
	s := scope.Scope{Tenant: flows.Tenant, Owner: scope.Shared, Facility: flows.Facility}
	body, err := f.answer(door.Floor, s, w.name, task.Next{Worker: w.name, Lease: lease})
	if err != nil {
		return nil
	}
	var got routes.Assignment
	if err := json.Unmarshal(body, &got); err != nil {
		f.r.fail("%s asks for work and is answered %s: %v", w.name, body, err)
		return nil
	}
	if got.Task == nil {
		return nil
	}
	if got.Task.Worker != w.name {
		f.r.fail("%s asks for work and is given task %s, which is %s's", w.name, got.Task.Task, got.Task.Worker)
	}
	j := f.jobs[got.Task.Stream()]
	if j == nil || j.taken || !j.ready || j.done() {
		w.giveBack(got.Task.Scope, got.Task.Task)
		return nil
	}
	return j
}

// giveBack gives a task back that the worker holds and does not do now.
func (w *worker) giveBack(s scope.Scope, id string) {
	f := w.f
	t := f.r.check.tasks[task.StreamOf(s, id)]
	if t == nil || t.worker != w.name || !f.r.now.Before(t.until) {
		return
	}
	f.must(door.Floor, s, id, task.Release{Worker: w.name, Claim: t.claims, Reason: "later"})
}

// done reports whether nothing of a job is left to be fetched.
func (j *job) done() bool {
	for _, n := range j.left {
		if n > 0 {
			return false
		}
	}
	return true
}

// putAway brings goods from the dock to their place. Some scan it, others tell it at a screen.
func (w *worker) putAway(j *job) {
	to := j.steps[0].To.Location
	if w.f.r.cfg.Fork == nil && w.f.one(2) {
		w.scans(j, scan.Scan{Do: scan.Move, Task: j.id, Owner: j.scope.Owner, Place: to})
		return
	}
	w.told(j, w.f.ask(door.Floor, j.scope, j.id, putaway.Put{Worker: w.name, Claim: w.f.r.check.claims(j.key), Location: to}))
}

// count tells what really lies there.
func (w *worker) count(j *job) {
	st := j.steps[0]
	n := w.f.really(j.scope.Book(st.Item), st.From)
	if w.f.r.cfg.Fork == nil && w.f.one(3) {
		w.scans(j, scan.Scan{Do: scan.Count, Task: w.f.counts[j.key], Owner: j.scope.Owner, Place: st.From.Location, Qty: n})
		return
	}
	w.told(j, w.f.ask(door.Stock, j.scope, w.f.counts[j.key], count.Tally{Counted: n, By: w.name}))
}

// told goes on after a job was told of, or refused.
func (w *worker) told(j *job, err error) {
	if err != nil {
		w.gone(j, err)
		return
	}
	w.after(0, w.look)
}

// scans sends a scan of the worker's handheld, which ends a job. One in four is overtaken by
// the scan after it.
func (w *worker) scans(j *job, sc scan.Scan) {
	f := w.f
	w.seq++
	if sc.Seq = w.seq; f.r.cfg.Faults.TwiceScan > 0 && f.one(4) {
		w.seq++
		sc.Seq = w.seq
	}
	here := scope.Scope{Tenant: tenant, Owner: scope.Shared, Facility: building}
	early := sc.Seq > w.sent+1
	got := w.send(here, sc)
	if early && f.r.err == nil {
		if got.Result != scan.Waiting {
			f.r.fail("scan %d of %s came before scan %d and is %s", sc.Seq, w.name, sc.Seq-1, got.Result)
			return
		}
		w.send(here, scan.Scan{Seq: sc.Seq - 1, Do: scan.Sight, Code: "PALLET", Place: dock})
	}
	if w.sent = sc.Seq; early {
		f.kept["H-"+w.name] = sc.Seq
	}
	if early || got.Result != scan.Done { // it waits for one before it, or was refused
		w.later(j)
		return
	}
	w.after(0, w.look)
}

// mayScan is when a worker takes his handheld: one time in four, and not while a scan of it waits
// for one before it.
func (w *worker) mayScan() bool {
	return w.f.r.cfg.Fork == nil && w.f.kept["H-"+w.name] == 0 && w.f.one(4)
}

// scanned sends a scan in its turn. The error is what it was refused for.
func (w *worker) scanned(sc scan.Scan) error {
	w.seq++
	sc.Seq, w.sent = w.seq, w.seq
	got := w.send(scope.Scope{Tenant: tenant, Owner: scope.Shared, Facility: building}, sc)
	switch got.Result {
	case scan.Done:
		return nil
	case scan.Refused:
		if got.Where == "code" {
			w.f.r.fail("scan %d of %s is of the right goods, and refused: %s", sc.Seq, w.name, got.Why)
		}
		return fault.At("scan", fault.Rejected, got.Where, errors.New(got.Why))
	}
	w.f.r.fail("scan %d of %s is %s", sc.Seq, w.name, got.Result)
	return w.f.r.err
}

// send sends one scan until it is answered, and sometimes once more.
func (w *worker) send(s scope.Scope, sc scan.Scan) scan.Answer {
	f := w.f
	sc.At, sc.Worker = f.r.now, w.name
	a := door.Ask{Scope: s, ID: "H-" + w.name, Cmd: scan.Send{Scan: sc, Sent: sc.At}, Actor: w.name}
	var first *scan.Answer
	for {
		v, err := f.call(door.Scans, a)
		got, ok := v.(scan.Answer)
		if err != nil || !ok {
			f.r.fail("the door of scans answers scan %d of %s with %v (%v)", sc.Seq, w.name, err, fault.KindOf(err))
			return got
		}
		if first != nil {
			if first.Result != got.Result && first.Result != scan.Waiting {
				f.r.fail("scan %d of %s was %s, and is %s when it comes again", sc.Seq, w.name, first.Result, got.Result)
			}
			return *first
		}
		if !f.r.faults.repeats(door.Scans) {
			return got
		}
		first = &got
	}
}

// comesBack lets a customer send back what he was sent: it is sold again, kept or thrown away.
func (f *floor) comesBack(e inventory.StockShipped) {
	f.returned++
	sku, id := e.Item, fmt.Sprintf("RET-%d", f.returned)
	f.r.agenda.add(f.minutes(60, 600), func() {
		f.must(door.Receipts, e.Scope, id, returns.Authorize{Order: e.Order, Reason: "too small", Lines: []returns.Line{{OrderLine: e.Line, Qty: 1}}})
		c := returns.Receive{Place: inventory.Place{Location: dock}, Line: 1, Item: sku, Qty: 1, Entry: "1"}
		f.must(door.Receipts, e.Scope, id, c)
		f.put(e.Scope.Book(sku), c.Place, 1)
		to := []string{returns.Restock, returns.Restock, returns.Quarantine, returns.Scrap}[f.rng.IntN(4)]
		f.must(door.Receipts, e.Scope, id, returns.Dispose{Line: 1, To: to, Reason: "looked at"})
		if to == returns.Scrap {
			f.put(e.Scope.Book(sku), c.Place, -1)
		}
		f.may(door.Receipts, e.Scope, id, returns.Close{})
	})
}
