package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/core/wave"
)

type pinned struct {
	Version int    `json:"version"`
	Hash    string `json:"hash"`
}

// TestFoldVersions folds the recorded streams of testdata/streams and hashes the
// state after each event. A hash that moves without its fold's Version would let a
// snapshot of the old code be taken for one of the new. -update refuses that too.
func TestFoldVersions(t *testing.T) {
	const path = "testdata/folds.json"
	want := map[string]pinned{}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]pinned{
		"item":        hash(t, item.Fold),
		"location":    hash(t, location.Fold),
		"document":    hash(t, document.Fold),
		"tender":      hash(t, tender.Fold),
		"owner":       hash(t, owner.Fold),
		"crossref":    hash(t, crossref.Fold),
		"facility":    hash(t, facility.Fold),
		"stock":       hash(t, inventory.Fold),
		"reservation": hash(t, reservation.Fold),
		"return":      hash(t, returns.Fold),
		"receipt":     hash(t, receiving.Fold),
		"count":       hash(t, count.Fold),
		"order":       hash(t, order.Fold),
		"wave":        hash(t, wave.Fold),
		"workload":    hash(t, labor.Fold),
		"task":        hash(t, task.Fold),
		"worker":      hash(t, crew.Fold),
		"pick":        hash(t, pick.Fold),
		"pack":        hash(t, pack.Fold),
		"label":       hash(t, label.Fold),
		"ship":        hash(t, ship.ConfirmFold),
		"postage":     hash(t, ship.PostageFold),
		"lpn":         hash(t, tracking.Fold),
		"scans":       hash(t, scan.Fold),
		"device":      hash(t, device.Fold),
		"pallet":      hash(t, pallet.Fold),
		"load":        hash(t, load.Fold),
		"manifest":    hash(t, manifest.Fold),
		"certificate": hash(t, trust.Fold),
	}
	for kind, g := range got {
		w, known := want[kind]
		if known && w.Version == g.Version && w.Hash != g.Hash {
			t.Errorf("the %s fold leads to another state under the same version %d: raise its Version", kind, g.Version)
			got[kind] = w
		}
		if (!known || w.Version != g.Version) && !*update {
			t.Errorf("%s fold version %d is not pinned: run with -update", kind, g.Version)
		}
	}
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// hash folds a recorded stream; each fold must meet every one of its event types.
func hash[S any](t *testing.T, f event.Fold[S]) pinned {
	t.Helper()
	var s S
	h := sha256.New()
	for i, e := range recorded(t, f.Kind) {
		before, err := f.Snapshot(s)
		if err != nil {
			t.Fatal(err)
		}
		next, err := f.Apply(s, e)
		if err != nil {
			t.Fatalf("%s event %d: %v", f.Kind, i+1, err)
		}
		if after, _ := f.Snapshot(s); !reflect.DeepEqual(before, after) {
			t.Fatalf("%s changed the input of its fold", e.EventType())
		}
		x, err := f.Snapshot(next)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s|%s\n", x.Data, x.Personal)
		back, err := f.Restore(x)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := f.Snapshot(back); !reflect.DeepEqual(x, again) {
			t.Fatalf("a %s snapshot does not come back as it was:\n%s\n%s", f.Kind, x.Data, again.Data)
		}
		s = next
	}
	if _, err := f.Apply(s, stranger{}); err == nil {
		t.Errorf("the %s fold swallows an event it does not know", f.Kind)
	}
	return pinned{f.Version, hex.EncodeToString(h.Sum(nil)[:16])}
}

type stranger struct{}

func (stranger) EventType() string { return "stranger.Came" }

// recorded reads testdata/streams/<kind>.ndjson: one stored event a line. It was
// written once and is added to, never changed: it stands for what is in journals.
func recorded(t *testing.T, kind string) []event.Event {
	t.Helper()
	reg := registry(t)
	b, err := os.ReadFile(filepath.Join("testdata", "streams", kind+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, s := range reg.Schemas() {
		if streamKind(s) == kind {
			missing[s.Type] = true
		}
	}
	var out []event.Event
	for i, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatalf("%s.ndjson:%d: %v", kind, i+1, err)
		}
		e, err := reg.Decode(event.Encoded{Type: g.Type, Schema: g.Schema, Data: g.Data, Subject: g.Subject, Personal: g.Personal})
		if err != nil {
			t.Fatalf("%s.ndjson:%d: %v", kind, i+1, err)
		}
		delete(missing, g.Type)
		out = append(out, e)
	}
	for name := range missing {
		t.Errorf("%s.ndjson has no %s", kind, name)
	}
	return out
}

func streamKind(s event.Schema) string {
	name := s.Zero().(event.Streamed).Stream()
	for i := range name {
		if name[i] == '/' {
			return name[:i]
		}
	}
	return name
}
