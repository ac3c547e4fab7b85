package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
)

// elsewhere is a shell of the same configuration on another folder.
func (s *shell) elsewhere() *shell {
	s.t.Helper()
	o := newShell(s.t)
	o.data = filepath.Join(filepath.Dir(o.config), "d")
	return o
}

func TestABackupOfARunningHubComesBackRight(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 1000)
	var orders sync.WaitGroup
	var mu sync.Mutex
	placed := 0
	for w := range 3 {
		orders.Go(func() {
			for i := range 10 {
				s.must(append([]string{"order", "add", "--number", fmt.Sprintf("B-%d-%d", w, i), "--line", "MUG=3"}, address...)...)
				mu.Lock()
				placed++
				mu.Unlock()
			}
		})
	}
	s.until("orders flow", func() bool { mu.Lock(); defer mu.Unlock(); return placed >= 8 })
	at := filepath.Join(filepath.Dir(s.config), "backup")
	s.must("backup", at)
	orders.Wait()
	s.refused(1, "not empty", "backup", at)

	report := decoded[auditReport](t, s.must("audit", at, "--json"))
	if report.Last == 0 || report.Books != 1 || report.Streams["order"] < 8 || report.Subscriptions < 10 {
		t.Errorf("the backup holds %+v", report)
	}
	s.must("audit") // of the running hub
	s.refused(1, "stop its hub and move the folder away first", "restore", at)

	o := s.elsewhere()
	if out := o.must("restore", at); !strings.Contains(out, "outward doors shut") {
		t.Errorf("restored:\n%s", out)
	}
	o.serve()
	if out := o.must("routes"); !strings.Contains(lineOf(out, "out.edi.ACME"), "by restore") {
		t.Errorf("a restored hub opens its doors:\n%s", out)
	}
	o.must("audit")
	o.must("routes", "resume", "out.edi.ACME")
}

func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 1)
	at := filepath.Join(filepath.Dir(s.config), "backup")
	s.must("backup", at)
	f, err := os.OpenFile(filepath.Join(at, "journal.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 20_000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s.refused(1, "is damaged", "audit", at)
	s.elsewhere().refused(1, "is damaged", "restore", at)
}

func TestABackupIntoTheDataFolderIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	for _, to := range []string{s.data, filepath.Join(s.data, "backup"), filepath.Join(s.data, "..", filepath.Base(s.data), "a", "b")} {
		s.refused(1, "name a folder elsewhere", "backup", to)
	}
	stop()
	s.refused(1, "name a folder elsewhere", "backup", filepath.Join(s.data, "backup")) // without a hub too
	s.must("backup", s.data+"-backup")
}

// TestARestoredHubShutsItsDoorsOnce restores a journal with a call under way and a counter.
func TestARestoredHubShutsItsDoorsOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	src := filepath.Join(filepath.Dir(s.config), "src")
	store, err := sqlite.Open(t.Context(), src, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	id := journal.NewID(now, [10]byte{1})
	effect := journal.EffectKey("out.edi.ACME", id, "publish")
	const counter = "control/ACME/isa13"
	refusals, err := store.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{{
		ID: id, At: now, Records: []journal.Record{{ID: id, Type: "x", Schema: 1, Topic: "documents-out.ACME", Key: "ACME", Time: now}},
		Effects: []journal.EffectOp{{Key: effect, From: journal.EffectNone, To: journal.EffectStarted, Effect: journal.Effect{Conn: "edi.ACME", Started: now}}},
		States:  []journal.StateOp{{Key: counter, Data: []byte("7")}},
	}}})
	if err != nil || refusals[0] != nil {
		t.Fatal(err, refusals)
	}
	at := filepath.Join(filepath.Dir(s.config), "backup")
	if err := store.Backup(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	s.must("restore", at)
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}

	// A command that opens the folder for itself leaves the mark for the hub.
	s.must("routes")
	for start := range 2 {
		a, err := openApp(t.Context(), cfg, slog.New(slog.DiscardHandler), whole)
		if err != nil {
			t.Fatal(err)
		}
		if first := a.restored != nil; first != (start == 0) {
			t.Errorf("start %d: restored is %v", start, a.restored)
		}
		if start == 0 && (a.restored.Unknown != 1 || a.restored.Advanced != 1 || strings.Join(a.restored.Paused, " ") != "out.edi.ACME") {
			t.Errorf("it did %+v", a.restored)
		}
		row := func(table journal.Table, key string) []byte {
			b, err := a.store.Row(t.Context(), table, key)
			if err != nil || b == nil {
				t.Fatalf("start %d: %s %s: %v", start, table, key, err)
			}
			return b
		}
		if f, err := journal.DecodeEffect(row(journal.TableEffect, effect)); err != nil || f.State != journal.EffectUnknown {
			t.Errorf("start %d: the effect is %v, %v", start, f.State, err)
		}
		st, err := journal.DecodeState(row(journal.TableState, counter))
		n := 0
		if err == nil {
			err = json.Unmarshal(st.Data, &n)
		}
		if err != nil || n != 7+controlGap {
			t.Errorf("start %d: the counter stands at %d, %v", start, n, err)
		}
		st, err = journal.DecodeState(row(journal.TableState, routes.PauseKey("out.edi.ACME")))
		if err != nil || string(st.Data) != "restore" {
			t.Errorf("start %d: paused by %q, %v", start, st.Data, err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
