package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/adapters/internal/intake"
)

// Schemas are the types of events there are.
type Schemas struct {
	Items []SchemaName `json:"items" nullable:"false"`
}

// SchemaName is a type of event.
type SchemaName struct {
	Type    string `json:"type"`
	Topic   string `json:"topic"`
	Version int    `json:"version" doc:"the newest; every one from 1 on is described"`
	URN     string `json:"dataschema" doc:"what the events say"`
}

func (s *server) schemas() {
	const tag = "events"
	register(s, op[struct{}, Schemas](s, http.MethodGet, "/v1/schemas", "list-schemas", tag, "The types of events, by topic"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			var out Schemas
			for _, d := range eventschema.All() {
				out.Items = append(out.Items, SchemaName{d.Type, string(d.Topic), d.Version, eventschema.URN(d.Type, d.Version)})
			}
			return s.now(ctx, out)
		})
	register(s, op[struct{}, json.RawMessage](s, http.MethodGet, "/v1/schemas/{type}/{version}", "get-schema", tag, "JSON Schema (2020-12) of the data of an event"),
		func(ctx context.Context, in *struct {
			Type    string `path:"type" maxLength:"128"`
			Version int    `path:"version" minimum:"1" maximum:"65535"`
		}) (*answer, error) {
			d, known := eventschema.Find(in.Type)
			if !known {
				return nil, notFound("type of event")
			}
			doc, found, err := eventschema.Of(d, in.Version)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if !found {
				return nil, intake.New(http.StatusNotFound, intake.CodeNotFound, fmt.Sprintf("%s has the versions 1 to %d", d.Type, d.Version))
			}
			return &answer{Type: "application/schema+json", Position: s.position(), Body: append(doc, '\n')}, nil
		})
}
