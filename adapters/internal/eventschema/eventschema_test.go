package eventschema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/core/catalog"
)

func compiled(t *testing.T, s eventschema.Described, version int) *jsonschema.Schema {
	t.Helper()
	doc, found, err := eventschema.Of(s, version)
	if err != nil || !found {
		t.Fatalf("%s %d: found %v, %v", s.Type, version, found, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	urn := eventschema.URN(s.Type, version)
	if err := c.AddResource(urn, v); err != nil {
		t.Fatal(err)
	}
	out, err := c.Compile(urn)
	if err != nil {
		t.Fatalf("%s %d is no JSON Schema: %v\n%s", s.Type, version, err, doc)
	}
	return out
}

// Every golden event, of old versions too, is as its schema says, and is not once a field of it
// is unknown, of another type, or, where it must be there, missing.
func TestGoldenEventsAreAsTheirSchemasSay(t *testing.T) {
	files, err := filepath.Glob("../../../core/catalog/testdata/events/*.json")
	if err != nil || len(files) < len(catalog.Schemas()) {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	refused := 0
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var g struct {
			Type   string          `json:"type"`
			Schema int             `json:"schema"`
			Data   json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		s, ok := eventschema.Find(g.Type)
		if !ok {
			t.Fatalf("%s is of no known type", path)
		}
		schema := compiled(t, s, g.Schema)
		read := func() map[string]any {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(g.Data))
			if err != nil {
				t.Fatal(err)
			}
			return v.(map[string]any)
		}
		if err := schema.Validate(read()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		strange := read()
		strange["nobody_knows_this"] = 1
		if schema.Validate(strange) == nil {
			t.Errorf("%s: an unknown field passes", path)
		}
		for field := range read() {
			other := read()
			other[field] = map[string]any{"no": "such thing"}
			if schema.Validate(other) == nil {
				t.Errorf("%s: %s may be anything", path, field)
			}
			missing := read()
			delete(missing, field)
			if schema.Validate(missing) != nil {
				refused++
			}
		}
	}
	if refused < len(files) {
		t.Errorf("only %d fields of %d events must be there", refused, len(files))
	}
}

func TestThereIsNoSchemaOfAVersionThatIsNotThere(t *testing.T) {
	for _, s := range eventschema.All() {
		compiled(t, s, s.Version)
		for _, v := range []int{-1, 0, s.Version + 1} {
			if doc, found, err := eventschema.Of(s, v); doc != nil || found || err != nil {
				t.Errorf("%s %d: found %v, %v", s.Type, v, found, err)
			}
		}
	}
}
