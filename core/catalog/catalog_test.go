package catalog_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
)

var update = flag.Bool("update", false, "write golden files that are missing or differ")

func registry(t *testing.T) *event.Registry {
	t.Helper()
	r, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEveryEventTypeIsListed reads the source of core: an EventType method that
// the catalog does not list would be an event that cannot be written.
func TestEveryEventTypeIsListed(t *testing.T) {
	reg := registry(t)
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "EventType" {
				continue
			}
			ret, ok := f.Body.List[len(f.Body.List)-1].(*ast.ReturnStmt)
			if !ok {
				return fmt.Errorf("%s: EventType does not just return its name", path)
			}
			lit, ok := ret.Results[0].(*ast.BasicLit)
			if !ok {
				return fmt.Errorf("%s: EventType does not return a literal", path)
			}
			name, err := strconv.Unquote(lit.Value)
			if err != nil {
				return err
			}
			if found[name] {
				t.Errorf("%s: %q is the name of two events", path, name)
			}
			found[name] = true
			if _, ok := reg.Lookup(name); !ok {
				t.Errorf("%s: %q is not in the catalog", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range reg.Schemas() {
		if !found[s.Type] {
			t.Errorf("%q is in the catalog and no source declares it", s.Type)
		}
	}
}

// TestTopics holds DESIGN section 3: the word before the dot decides the topic.
func TestTopics(t *testing.T) {
	want := map[string]event.Topic{
		"wave": event.WaveEvents, "workload": event.WaveEvents, "order": event.OrderEvents,
		"stock": event.InventoryEvents, "location": event.InventoryEvents, "item": event.InventoryEvents,
		"receipt": event.InventoryEvents, "count": event.InventoryEvents,
		"task": event.TaskEvents, "pick": event.PickEvents,
		"pack": event.PackEvents, "label": event.PackEvents, "ship": event.PackEvents,
		"lpn": event.TrackingEvents, "scan": event.TrackingEvents, "device": event.AuditEvents, "certificate": event.AuditEvents, "document": event.ExternalEvents, "crossref": event.ExternalEvents, "tender": event.ExternalEvents,
	}
	for _, s := range catalog.Schemas() {
		kind, verb, ok := strings.Cut(s.Type, ".")
		if !ok || verb == "" || verb[0] < 'A' || verb[0] > 'Z' {
			t.Errorf("%q is not kind.PastTense", s.Type)
		}
		if s.Topic != want[kind] {
			t.Errorf("%s goes to %q, expected %q", s.Type, s.Topic, want[kind])
		}
		if !slices.Contains(event.Topics(), s.Topic) {
			t.Errorf("%s: %q is not one of the topics", s.Type, s.Topic)
		}
	}
}

// personal are values that sample puts into the fields of people; none of them may
// show up outside the sealed group.
var personal = []string{"Jo Doe", "1 Elm Street", "jo@example.com", "+1 555 0100"}

// sample fills every field of an event with a value that depends on its name, so
// that a field that is added, renamed or retyped changes the golden file.
func sample(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 12, 30, 0, 250_000_000, time.UTC)))
			return
		}
		for i := range v.NumField() {
			sample(v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[[]byte]() { // a label, which bears a name
			v.SetBytes([]byte("Jo Doe"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			sample(v.Index(i), name)
		}
	case reflect.String:
		switch name {
		case "Name":
			v.SetString("Jo Doe")
		case "Lines": // street lines
			v.SetString("1 Elm Street")
		case "Email":
			v.SetString("jo@example.com")
		case "Phone":
			v.SetString("+1 555 0100")
		default:
			v.SetString(strings.ToLower(name) + "/1")
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(len(name)))
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprintf("an event has a field %s of kind %v: events hold integers, texts, times, lists", name, v.Kind()))
	}
}

func sampleOf(s event.Schema) event.Event {
	v := reflect.New(reflect.TypeOf(s.Zero())).Elem()
	sample(v, "")
	return v.Interface().(event.Event)
}

// golden is how a golden file shows an event.
type golden struct {
	Type     string          `json:"type"`
	Schema   int             `json:"schema"`
	Stream   string          `json:"stream"`
	Key      string          `json:"key"`
	Data     json.RawMessage `json:"data"`
	Subject  string          `json:"subject,omitempty"`
	Personal json.RawMessage `json:"personal,omitempty"`
}

// TestGoldenEvents pins the JSON of every event version. A difference means that
// the stored format moves: write an upcaster and a new version instead, unless the
// change only adds what old readers may ignore.
func TestGoldenEvents(t *testing.T) {
	reg := registry(t)
	for _, s := range reg.Schemas() {
		e := sampleOf(s)
		x, err := reg.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		st := e.(event.Streamed)
		got, err := json.MarshalIndent(golden{x.Type, x.Schema, st.Stream(), st.Key(), x.Data, x.Subject, x.Personal}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "events", fmt.Sprintf("%s.v%d.json", s.Type, s.Version))
		want, err := os.ReadFile(path)
		if string(want) != string(got)+"\n" {
			if !*update {
				t.Errorf("%s differs (%v); -update writes it. Got:\n%s", path, err, got)
				continue
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOldEventsStayReadable decodes every golden file, of old versions too.
func TestOldEventsStayReadable(t *testing.T) {
	reg := registry(t)
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) < len(catalog.Schemas()) {
		t.Fatalf("%d golden files for %d events: %v", len(files), len(catalog.Schemas()), err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		e, err := reg.Decode(event.Encoded{Type: g.Type, Schema: g.Schema, Data: g.Data, Subject: g.Subject, Personal: g.Personal})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		s, _ := reg.Lookup(g.Type)
		if g.Schema == s.Version && !reflect.DeepEqual(e, sampleOf(s)) {
			t.Errorf("%s does not come back as it was written:\n%#v", path, e)
		}
		if got := e.(event.Streamed).Stream(); got != g.Stream {
			t.Errorf("%s: stream %s, expected %s", path, got, g.Stream)
		}
	}
}

// TestPersonalDataIsSealed looks for people in the open part of every event.
func TestPersonalDataIsSealed(t *testing.T) {
	reg := registry(t)
	sealed := 0
	for _, s := range reg.Schemas() {
		x, err := reg.Encode(sampleOf(s))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range personal {
			if strings.Contains(string(x.Data), p) {
				t.Errorf("%s shows %q outside its sealed group: %s", s.Type, p, x.Data)
			}
			if strings.Contains(string(x.Personal), p) {
				sealed++
			}
		}
		if len(x.Personal) > 0 && x.Subject == "" {
			t.Errorf("%s has personal data and no subject", s.Type)
		}
		// After an erasure the event is still read, without its people.
		x.Personal = nil
		if e, err := reg.Decode(x); err != nil {
			t.Errorf("%s cannot be read after an erasure: %v", s.Type, err)
		} else if back, _ := reg.Encode(e); string(back.Data) != string(x.Data) {
			t.Errorf("%s loses more than its people in an erasure", s.Type)
		}
	}
	if sealed < len(personal) {
		t.Errorf("only %d of %d values were found in sealed groups: the sample no longer reaches them", sealed, len(personal))
	}
}
