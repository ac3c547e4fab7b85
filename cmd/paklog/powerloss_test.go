package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

// record traces a hub that takes orders, stops in order, starts again and takes some more.
func record(t *testing.T, seed uint64, s childSpec) (*torture, *disk) {
	t.Helper()
	tr := &torture{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 0x706f_7765)), seed: seed}
	var traces []string
	for run := range 2 {
		trace := filepath.Join(tr.dir, fmt.Sprintf("trace-%d", run))
		traces = append(traces, trace)
		c, err := tr.start(t.Context(), s, tracer(trace)...)
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			tr.stockUp()
		}
		for range 5 {
			tr.feed()
			tr.busy.Wait()
		}
		err = c.rest()
		if err == nil && !tr.desk.idle(t.Context()) { // letters that were found then
			err = c.rest()
		}
		if err != nil {
			c.kill()
			t.Fatalf("coming to rest: %v", err)
		}
		if err := c.stop(); err != nil {
			t.Fatalf("stopping: %v", err)
		}
	}
	for _, x := range tr.wrong {
		t.Error(x)
	}
	d, err := readTrace(tr.dir, traces...)
	if err != nil {
		t.Fatalf("reading the trace: %v", err)
	}
	return tr, d
}

// cuts are lines of the trace: a third of them anywhere; a third where a sync begins or ends, or a
// name changes, for there a promise has been made or is about to be; and a third
// while a name of the journal is not certain, which is seldom and matters most.
func (d *disk) cuts(r *rand.Rand, n int) []int {
	var edges []int
	var windows []span
	for _, f := range d.inodes {
		for _, s := range f.syncs {
			edges = append(edges, s.begun, s.end)
		}
	}
	for _, c := range d.names {
		edges = append(edges, c.begun, c.end)
		if strings.HasPrefix(c.from+c.to, "data/journal") {
			windows = append(windows, span{c.begun, min(c.safe, d.lines)})
		}
	}
	slices.Sort(edges) // inodes have an order, and so a seed the same cuts
	out := make([]int, n)
	for i := range out {
		switch i % 3 {
		case 0:
			out[i] = r.IntN(d.lines + 1)
		case 1:
			out[i] = edges[r.IntN(len(edges))]
		case 2:
			w := windows[r.IntN(len(windows))]
			out[i] = w.begun + r.IntN(w.end-w.begun+1)
		}
	}
	return out
}

// promises are what somebody outside was told before a line of the trace.
type promises struct {
	orders, receipts, cancelled, dropped, replayed []string
	files                                          []string
	refs                                           []string // of effects: labels that were sold, documents that were taken
}

// promisedBefore is what the doors had answered by a moment.
func (w *world) promisedBefore(t time.Time) promises {
	var p promises
	for _, a := range w.answers {
		kind, name, _ := strings.Cut(a.what, " ")
		name, _, _ = strings.Cut(name, " ")
		switch {
		case !a.at.Before(t):
		case kind == "order":
			p.orders = append(p.orders, name)
		case kind == "receipt":
			p.receipts = append(p.receipts, name)
		case kind == "cancelled":
			p.cancelled = append(p.cancelled, name)
		case kind == "dropped":
			p.dropped = append(p.dropped, name)
		case kind == "replayed":
			p.replayed = append(p.replayed, name)
		}
	}
	return p
}

func (l *ledger) missing(what string, names []string, have func(string) bool) {
	for _, n := range names {
		if !have(n) {
			l.wrong("%s %s is lost", what, n)
		}
	}
}

// keeps holds a journal against what the doors had answered.
func (l *ledger) keeps(p promises) {
	told := func(verb string) func(string) bool {
		return func(id string) bool {
			return len(l.paper(id).told["audit-events letter."+verb]) == 1 && len(l.paper(id).told["error-events letter."+verb]) == 1
		}
	}
	l.missing("order", p.orders, func(n string) bool { return l.accepted[n] == 1 })
	l.missing("receipt", p.receipts, func(n string) bool { return l.receipts[n] == 1 })
	l.missing("the cancellation of order", p.cancelled, func(n string) bool { return len(l.cancelled[n]) == 1 })
	l.missing("the drop of letter", p.dropped, told("Dropped"))
	l.missing("the replay of letter", p.replayed, told("Replayed"))
}

func (tr *torture) promisedBy(d *disk, cut int) promises {
	t := d.when(cut)
	p := tr.promisedBefore(t)
	for _, m := range d.moved {
		if m.begun <= cut && strings.HasPrefix(m.to, "partners/"+partnerName+"/archive/") {
			p.files = append(p.files, documentOf(filepath.Base(m.from)))
		}
	}
	for _, l := range tr.sim.Truth().Labels {
		if l.Bought.Before(t) {
			for _, r := range l.References {
				if _, err := hex.DecodeString(r); err == nil && len(r) == 32 {
					p.refs = append(p.refs, r)
				}
			}
		}
	}
	for _, x := range tr.partner.got {
		if x.at.Before(t) {
			p.refs = append(p.refs, x.name)
		}
	}
	return p
}

// afterCut opens a rebuilt folder and returns what is wrong with it.
func afterCut(ctx context.Context, dir string, p promises) []string {
	s, err := sqlite.Open(ctx, filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		return []string{fmt.Sprintf("it does not open: %v", err)}
	}
	defer s.Close()
	l, err := readLedger(ctx, s)
	if err != nil {
		return []string{fmt.Sprintf("it cannot be read: %v", err)}
	}
	l.keeps(p)
	l.missing("file", p.files, func(n string) bool { return l.docs[n] > 0 })
	refs := map[string]bool{}
	err = eachRow(ctx, s, journal.TableEffect, func(r journal.Row) error {
		f, err := journal.DecodeEffect(r.Value)
		if f.State < journal.EffectStarted {
			return err
		}
		refs[f.Ref] = true
		if strings.HasPrefix(r.Key, "out.edi.") {
			l.held(dir, f.Ref)
		}
		return err
	})
	if err != nil {
		l.wrong("the effects cannot be read: %v", err)
	}
	l.missing("the start of effect", p.refs, func(n string) bool { return refs[n] })
	return l.problems
}

// held: a document whose sending began lies whole where the hub or the partner finds it.
func (l *ledger) held(dir, name string) {
	for _, folder := range []string{".staging", "outbox"} {
		b, err := os.ReadFile(filepath.Join(dir, "partners", partnerName, folder, name))
		if err != nil {
			continue
		}
		if d, err := readTaken(b); err != nil || d.isa != isaOf(name) {
			l.wrong("document %s is damaged: %v", name, err)
		}
		return
	}
	l.wrong("document %s was about to be sent and is lost", name)
}

// opens reports whether the whole hub, its views included, opens a folder.
func opens(ctx context.Context, dir string) error {
	cfg := childSpec{Dir: dir, UPS: "http://127.0.0.1:1"}.config()
	a, err := openApp(ctx, cfg, slog.New(slog.DiscardHandler), doorsOnly)
	if err != nil {
		return err
	}
	return a.Close(context.WithoutCancel(ctx))
}

// powerLoss rebuilds folders from a trace and returns what is wrong with them, by the cut.
func (tr *torture) powerLoss(t *testing.T, d *disk, folders int) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(tr.seed, 0x6375_7473))
	cuts := d.cuts(r, folders)
	seeds := make([]uint64, folders)
	for i := range seeds {
		seeds[i] = r.Uint64()
	}
	var mu sync.Mutex
	var wrong []string
	var wg sync.WaitGroup
	const workers = 2
	for w := range workers {
		wg.Go(func() {
			for i := w; i < folders; i += workers {
				dir := filepath.Join(t.TempDir(), strconv.Itoa(i))
				if err := d.rebuild(dir, cuts[i], newLuck(rand.New(rand.NewPCG(seeds[i], 0)))); err != nil {
					t.Error(err)
					return
				}
				found := afterCut(t.Context(), dir, tr.promisedBy(d, cuts[i]))
				if i%4 == 0 {
					if err := opens(t.Context(), dir); err != nil {
						found = append(found, fmt.Sprintf("the hub does not open: %v", err))
					}
				}
				mu.Lock()
				for _, x := range found {
					wrong = append(wrong, fmt.Sprintf("folder %d, cut behind line %d of %d: %s", i, cuts[i], d.lines, x))
				}
				mu.Unlock()
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return wrong
}

func needTracer(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("traces processes")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: power cuts cannot be rebuilt from a trace")
	}
}

// TestPowerLoss rebuilds folders as power cuts could have left them: each opens, its audit is
// clean, and what anybody outside was told before the cut is there.
func TestPowerLoss(t *testing.T) {
	needTracer(t)
	tr, d := record(t, seedOf(t), childSpec{WALLimit: 256 << 10})
	tr.report(t, tr.powerLoss(t, d, max(200, rounds(t))))
	t.Logf("%d calls traced, %d names, %d files, %d answers", d.lines, len(d.names), len(d.inodes), len(tr.answers))
}

// TestPowerLossFindsMissingSyncs runs the same over a store that syncs nothing.
func TestPowerLossFindsMissingSyncs(t *testing.T) {
	needTracer(t)
	tr, d := record(t, seedOf(t), childSpec{WALLimit: 256 << 10, NoSync: true})
	wrong := tr.powerLoss(t, d, 40)
	if len(wrong) == 0 {
		t.Error("nobody noticed that nothing was synced")
	}
	for _, x := range wrong[:min(len(wrong), 5)] {
		t.Logf("found: %s", x)
	}
}
