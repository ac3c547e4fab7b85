package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
)

type moved struct {
	Cm int64 `json:"cm"`
}

func (moved) EventType() string { return "thing.Moved" }

type named struct {
	ID   string `json:"id"`
	Name string `json:"-"`
}

func (named) EventType() string { return "thing.Named" }
func (n named) Personal() (string, any) {
	if n.Name == "" {
		return "", nil
	}
	return n.ID, n.Name
}
func (n named) WithPersonal(b []byte) (event.Event, error) {
	err := json.Unmarshal(b, &n.Name)
	return n, err
}

// metres is how schema 1 wrote it, halves and all forgotten.
func metres(data json.RawMessage) (json.RawMessage, error) {
	var old struct {
		M int64 `json:"m"`
	}
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(moved{old.M * 100})
}

func registry(t *testing.T) *event.Registry {
	t.Helper()
	r, err := event.NewRegistry(event.Of[moved](event.OrderEvents, metres), event.Of[named](event.OrderEvents))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnOldSchemaIsLifted(t *testing.T) {
	e, err := registry(t).Decode(event.Encoded{Type: "thing.Moved", Schema: 1, Data: []byte(`{"m":3}`)})
	if err != nil || e != (moved{300}) {
		t.Fatalf("%+v, %v", e, err)
	}
	x, err := registry(t).Encode(e)
	if err != nil || x.Schema != 2 || string(x.Data) != `{"cm":300}` {
		t.Fatalf("%+v, %v", x, err)
	}
}

func TestPersonalDataTravelsApart(t *testing.T) {
	r := registry(t)
	x, err := r.Encode(named{"7", "Jo"})
	if err != nil || strings.Contains(string(x.Data), "Jo") || string(x.Personal) != `"Jo"` || x.Subject != "7" {
		t.Fatalf("%+v, %v", x, err)
	}
	if e, err := r.Decode(x); err != nil || e != (named{"7", "Jo"}) {
		t.Fatalf("%+v, %v", e, err)
	}
	x.Personal = nil // erased
	if e, err := r.Decode(x); err != nil || e != (named{"7", ""}) {
		t.Fatalf("%+v, %v", e, err)
	}
}

func TestDecodeRefusesByTypeAndSchema(t *testing.T) {
	r := registry(t)
	for name, x := range map[string]event.Encoded{
		"unknown type":          {Type: "thing.Vanished", Schema: 1, Data: []byte(`{}`)},
		"newer schema":          {Type: "thing.Moved", Schema: 3, Data: []byte(`{}`)},
		"schema zero":           {Type: "thing.Moved", Schema: 0, Data: []byte(`{}`)},
		"broken JSON":           {Type: "thing.Moved", Schema: 2, Data: []byte(`{"cm":`)},
		"broken old JSON":       {Type: "thing.Moved", Schema: 1, Data: []byte(`{"m":"far"}`)},
		"fraction":              {Type: "thing.Moved", Schema: 2, Data: []byte(`{"cm":1.5}`)},
		"no data":               {Type: "thing.Moved", Schema: 2},
		"people where are none": {Type: "thing.Moved", Schema: 2, Data: []byte(`{}`), Personal: []byte(`"Jo"`)},
		"broken personal group": {Type: "thing.Named", Schema: 1, Data: []byte(`{}`), Personal: []byte(`{`)},
	} {
		e, err := r.Decode(x)
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.PlaceOf(err), x.Type+" schema ") {
			t.Errorf("%s: %+v, place %q, %v", name, e, fault.PlaceOf(err), err)
		}
	}
}

func TestEncodeRefusesWhatIsNotRegistered(t *testing.T) {
	r, err := event.NewRegistry(event.Of[moved](event.OrderEvents))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{nil, named{"7", "Jo"}} {
		if _, err := r.Encode(e); err == nil {
			t.Errorf("%v was written", e)
		}
	}
	r, _ = event.NewRegistry(event.Of[named](event.OrderEvents))
	if _, err := r.Encode(named{"", "Jo"}); err == nil {
		t.Error("people without a subject were written: nobody could erase them")
	}
}

func TestRegistryRefusesDoublesAndStrays(t *testing.T) {
	if _, err := event.NewRegistry(event.Of[moved](event.OrderEvents), event.Of[moved](event.WaveEvents)); err == nil {
		t.Error("two schemas of one type were taken")
	}
	if _, err := event.NewRegistry(event.Schema{Type: "x.Y"}); err == nil {
		t.Error("a schema without a decoder was taken")
	}
}

var counter = event.Fold[int]{Kind: "counter", Version: 2, Apply: func(n int, e event.Event) (int, error) {
	if m, ok := e.(moved); ok {
		return n + int(m.Cm), nil
	}
	return n, event.Unexpected("counter", e)
}}

func TestReplayStopsWhereItFails(t *testing.T) {
	n, err := counter.Replay(0, moved{1}, moved{2}, named{}, moved{4})
	if err == nil || n != 3 || !strings.Contains(err.Error(), "event 3") || !strings.Contains(err.Error(), "thing.Named") {
		t.Fatalf("%d, %v", n, err)
	}
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("kind %v", fault.KindOf(err))
	}
	if _, err := counter.Replay(0, nil); err == nil {
		t.Error("no event was folded")
	}
}

// Snapshots lie in the journal as JSON, and what has no personal data must come back from it.
func TestSnapshotWithoutPersonalDataComesBackFromJSON(t *testing.T) {
	x, err := counter.Snapshot(41)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []string{string(b), fmt.Sprintf(`{"Type":%q,"Schema":%d,"Data":41,"Subject":"","Personal":null}`, x.Type, x.Schema)} {
		var y event.Encoded
		if err := json.Unmarshal([]byte(stored), &y); err != nil {
			t.Fatal(err)
		}
		if n, err := counter.Restore(y); err != nil || n != 41 {
			t.Errorf("%s gives %v, %v", stored, n, err)
		}
	}
}

func TestRestoreRefusesOtherSnapshots(t *testing.T) {
	x, err := counter.Snapshot(41)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := counter.Restore(x); err != nil || n != 41 {
		t.Fatalf("%d, %v", n, err)
	}
	stale := x
	stale.Schema = 1
	if _, err := counter.Restore(stale); !errors.Is(err, event.ErrStaleSnapshot) {
		t.Errorf("stale: %v", err)
	}
	for name, change := range map[string]func(*event.Encoded){
		"other kind":  func(x *event.Encoded) { x.Type = "order" },
		"broken JSON": func(x *event.Encoded) { x.Data = []byte(`{`) },
		"people":      func(x *event.Encoded) { x.Personal = []byte(`"Jo"`) },
	} {
		bad := x
		change(&bad)
		if _, err := counter.Restore(bad); err == nil || errors.Is(err, event.ErrStaleSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
