package eventschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/core/event"
)

// at follows a reference within a document; nil where it leads nowhere.
func at(doc any, ref string) any {
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := doc.(map[string]any)
		if !ok {
			return nil
		}
		doc = m[part]
	}
	return doc
}

// refs calls f for each reference below v.
func refs(v any, f func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "$ref" {
				f(s)
			}
			refs(x, f)
		}
	case []any:
		for _, x := range v {
			refs(x, f)
		}
	}
}

func TestAsyncAPIDescribesEachEventOnItsTopic(t *testing.T) {
	text, err := eventschema.AsyncAPI("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc["asyncapi"] != "3.0.0" || at(doc, "#/info/version") != "1.2.3" {
		t.Errorf("%v, %v", doc["asyncapi"], doc["info"])
	}
	n := 0
	refs(doc, func(ref string) {
		n++
		if !strings.HasPrefix(ref, "#/") || at(doc, ref) == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	if n < 500 {
		t.Errorf("%d references", n)
	}
	on := map[string]int{}
	for _, topic := range event.Topics() {
		channel := "#/channels/" + string(topic)
		if at(doc, channel+"/address") != string(topic) || at(doc, channel+"/description") == "" || at(doc, channel+"/description") == nil {
			t.Errorf("topic %s: %v", topic, at(doc, channel))
		}
		if at(doc, "#/operations/send-"+string(topic)+"/action") != "send" {
			t.Errorf("nobody sends on %s", topic)
		}
		messages, _ := at(doc, channel+"/messages").(map[string]any)
		for typ := range messages {
			on[typ+" "+string(topic)]++
		}
	}
	for _, d := range eventschema.All() {
		if on[d.Type+" "+string(d.Topic)] != 1 {
			t.Errorf("%s does not stand on %s", d.Type, d.Topic)
		}
		schema, _ := at(doc, "#/components/schemas").(map[string]any)[d.Type].(map[string]any)
		if schema["$id"] != eventschema.URN(d.Type, d.Version) || schema["$defs"] != nil {
			t.Errorf("%s: %v", d.Type, schema["$id"])
		}
	}
	if len(on) != len(eventschema.All()) {
		t.Errorf("%d messages, %d types", len(on), len(eventschema.All()))
	}
}
