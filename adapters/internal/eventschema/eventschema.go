// Package eventschema describes the data of events as JSON Schema (2020-12), made from the Go
// types that write them, so that a description cannot differ from what is written.
package eventschema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/dlq"
)

// URN names the schema of an event type's version: what CloudEvents call dataschema.
func URN(typ string, version int) string { return fmt.Sprintf("urn:paklog:schema:%s:%d", typ, version) }

// Described is a type of message that stands on a topic.
type Described struct {
	Type    string
	Topic   event.Topic
	Version int
	zero    any
}

// All are the types that are described, by topic and name: those of the core, what is told of
// people's commands, and of letters.
func All() []Described {
	var out []Described
	for _, s := range catalog.Schemas() {
		out = append(out, Described{s.Type, s.Topic, s.Version, s.Zero()})
	}
	out = append(out, Described{door.ActType, event.AuditEvents, 1, door.Act{}})
	for _, what := range []string{"letter.Opened", "letter.Replayed", "letter.Dropped"} {
		out = append(out, Described{what, event.ErrorEvents, 1, dlq.Notice{}})
	}
	for _, what := range dlq.GroupNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.GroupNotice{}})
	}
	for _, what := range dlq.OperationNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.OperationNotice{}})
	}
	out = append(out, Described{dlq.SeenType, event.AuditEvents, 1, dlq.SeenNotice{}})
	for _, what := range dlq.SessionNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.SessionNotice{}})
	}
	for _, what := range dlq.EditNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.EditNotice{}})
	}
	for _, what := range dlq.SearchNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.SearchNotice{}})
	}
	for _, what := range dlq.DraftNotices {
		out = append(out, Described{what, event.AuditEvents, 1, dlq.DraftNotice{}})
	}
	slices.SortFunc(out, func(a, b Described) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Type, b.Type)) })
	return out
}

// Find is the description of a type.
func Find(typ string) (Described, bool) {
	for _, d := range All() {
		if d.Type == typ {
			return d, true
		}
	}
	return Described{}, false
}

// Of is the JSON Schema of the data of one version of an event type. Every version that this
// program reads only added fields which may be missing, so an older one is described by the
// newest: whoever reads the events finds all of them in it. What is personal stands in no
// event's data. found is false where there is no such version.
func Of(s Described, version int) (doc []byte, found bool, err error) {
	if version < 1 || version > s.Version {
		return nil, false, nil
	}
	const defs = "#/$defs/"
	types := huma.NewMapRegistry(defs, name)
	root := types.Schema(reflect.TypeOf(s.zero), false, "")
	raw, err := json.Marshal(root)
	if err != nil {
		return nil, false, fmt.Errorf("describing %s: %w", s.Type, err)
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, false, fmt.Errorf("describing %s: %w", s.Type, err)
	}
	for k, v := range map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": URN(s.Type, version), "title": s.Type, "$defs": types.Map(),
	} {
		if out[k], err = json.Marshal(v); err != nil {
			return nil, false, fmt.Errorf("describing %s: %w", s.Type, err)
		}
	}
	doc, err = json.MarshalIndent(out, "", "  ")
	return doc, true, err
}

// name tells types of one name in several packages apart.
func name(t reflect.Type, hint string) string {
	n := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "." {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + n
	}
	return n
}
