package eventschema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/event"
)

// About says what stands on each topic, in a line.
var about = map[event.Topic]string{
	event.WaveEvents:      "Waves and the work planned for them.",
	event.OrderEvents:     "Orders from acceptance to shipment.",
	event.InventoryEvents: "Items, owners, buildings, locations, stock, receipts, returns and counts.",
	event.TaskEvents:      "Tasks and the people who do them.",
	event.PickEvents:      "Picks, short ones too.",
	event.PackEvents:      "Cartons, labels, loads, manifests and shipments.",
	event.TrackingEvents:  "License plates where they are, and scans.",
	event.ExternalEvents:  "Documents of partners, and what others told.",
	event.AuditEvents:     "Who did what.",
	event.ErrorEvents:     "Letters opened, replayed and dropped, without what they hold.",
}

type object = map[string]any

// AsyncAPI describes the ten topics as AsyncAPI 3.0: a channel a topic, a message a type of event with its
// newest version, as they stand in Kafka (CloudEvents in binary mode).
func AsyncAPI(version string) ([]byte, error) {
	channels, operations, messages, schemas := object{}, object{}, object{}, object{}
	header := func(about string) object { return object{"type": "string", "description": about} }
	for _, t := range event.Topics() {
		channels[string(t)] = object{
			"address": string(t), "description": about[t], "messages": object{},
			"bindings": object{"kafka": object{"topic": string(t), "bindingVersion": "0.5.0"}},
		}
		operations["send-"+string(t)] = object{
			"action": "send", "channel": object{"$ref": "#/channels/" + string(t)}, "summary": about[t],
		}
	}
	for _, d := range All() {
		doc, _, err := Of(d, d.Version)
		if err != nil {
			return nil, err
		}
		var schema object
		if err := json.Unmarshal(doc, &schema); err != nil {
			return nil, fmt.Errorf("describing %s: %w", d.Type, err)
		}
		// A schema of ours is a document of its own: what it defines is found from its own root, so
		// it is flattened into the components of this one.
		defs, _ := schema["$defs"].(object)
		delete(schema, "$defs")
		delete(schema, "$schema")
		place := func(name string) string { return d.Type + "." + name }
		for name, def := range defs {
			schemas[place(name)] = moved(def, place)
		}
		schemas[d.Type] = moved(schema, place)
		messages[d.Type] = object{
			"name": d.Type, "contentType": "application/json",
			"headers":  object{"$ref": "#/components/schemas/CloudEvent"},
			"payload":  object{"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": object{"$ref": "#/components/schemas/" + d.Type}},
			"bindings": object{"kafka": object{"key": object{"type": "string", "description": "Ordering key."}, "bindingVersion": "0.5.0"}},
		}
		channels[string(d.Topic)].(object)["messages"].(object)[d.Type] = object{"$ref": "#/components/messages/" + d.Type}
	}
	schemas["CloudEvent"] = object{
		"type": "object", "required": []string{"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_dataschema"},
		"properties": object{
			"ce_specversion": object{"const": "1.0"}, "ce_id": header("UUID of the event, the same however often it is read."), "ce_source": header("Route or door that wrote it."),
			"ce_type": header("Type of the event."), "ce_subject": header("Stream that it stands in."), "ce_time": header("RFC 3339."),
			"ce_dataschema": header("URN of the schema of its version."), "ce_partitionkey": header("Ordering key."),
			"ce_correlationid": header("Conversation."), "ce_causationid": header("Message that it was decided from."),
			"ce_paklogposition": header("Position in the journal."), "ce_paklogversion": header("Version in its stream, from 1."),
			"ce_traceparent": header("W3C trace context."), "traceparent": header("The same, as tracers read it."),
		},
	}
	return json.MarshalIndent(object{
		"asyncapi": "3.0.0", "info": object{"title": "PakLog", "version": version, "description": "The ten topics of the hub. Topics in Kafka have the prefix of its configuration before their name; read committed records alone."},
		"defaultContentType": "application/json", "channels": channels, "operations": operations,
		"components": object{"messages": messages, "schemas": schemas},
	}, "", "  ")
}

// moved is a part of a schema whose references lead to where its definitions stand now.
func moved(v any, place func(string) string) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			ref, isRef := x.(string)
			name, ours := strings.CutPrefix(ref, "#/$defs/")
			if k == "$ref" && isRef && ours {
				out[k] = "#/components/schemas/" + place(name)
				continue
			}
			out[k] = moved(x, place)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = moved(out[i], place)
		}
		return out
	}
	return v
}
