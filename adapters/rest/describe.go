package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/transforms/custom"
)

// describe is the head of the OpenAPI description.
func (s *server) describe() huma.Config {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "PakLog", Version: s.cfg.Version,
				Description: "Orders in, work and stock, letters and events. 2xx to a write means durable. Every error is an RFC 9457 problem with the places that are wrong.",
			},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer"},
					"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key"},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
	if len(s.keys) > 0 || s.sessions != nil {
		c.OpenAPI.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}}
	}
	return c
}

// schemaName tells types of one name in several packages apart.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "rest" && pkg != "." {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// op describes an operation whose body we read ourselves: In is the type of the body
// (struct{} for none), Out that of the answer.
func op[In, Out any](s *server, method, path, id, tag, summary string, statuses ...int) huma.Operation {
	schemas := s.api.OpenAPI().Components.Schemas
	o := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag},
		Responses: map[string]*huma.Response{},
	}
	if in := reflect.TypeFor[In](); in != reflect.TypeFor[struct{}]() {
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(in, true, "")},
		}}
	}
	if len(statuses) == 0 {
		statuses = []int{http.StatusOK}
	}
	o.DefaultStatus = statuses[0]
	for _, st := range statuses {
		r := &huma.Response{Description: http.StatusText(st)}
		if out := reflect.TypeFor[Out](); out != reflect.TypeFor[struct{}]() {
			r.Content = map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(out, true, "")}}
		}
		o.Responses[strconv.Itoa(st)] = r
	}
	o.Responses["default"] = &huma.Response{
		Description: "Problem (RFC 9457)",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[intake.Problem](), true, "")}},
	}
	return o
}

// register adds an operation. Its body stays out of huma's hands: huma would read it again
// and validate it by reflection, after we have read it more strictly.
func register[I, O any](s *server, o huma.Operation, handle func(context.Context, *I) (*O, error)) {
	body := o.RequestBody
	o.RequestBody = nil
	o.Extensions = map[string]any{roleExtension: needs(&o)}
	huma.Register(s.api, o, handle)
	if body == nil {
		return
	}
	p := s.api.OpenAPI().Paths[o.Path]
	switch o.Method {
	case http.MethodPost:
		p.Post.RequestBody = body
	case http.MethodPut:
		p.Put.RequestBody = body
	}
}

// webhooks describes the door of signed events, which another handler serves beside this one.
func (s *server) webhooks() {
	o := op[struct{}, order.Order](s, http.MethodPost, "/webhooks/{source}", "send-event", "webhooks", "A signed event of a shop, as Standard Webhooks has them")
	o.Description = "Signed by HMAC-SHA256 of webhook-id.webhook-timestamp.body, the body as it is sent, packed or not. The same webhook-id and body again get the stored answer, another body 422. The answer leaves when the decision is durable."
	schemas := s.api.OpenAPI().Components.Schemas
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{
		schemas.Schema(reflect.TypeFor[custom.Placed](), true, ""), schemas.Schema(reflect.TypeFor[custom.Cancelled](), true, ""),
	}}}}}
	text := &huma.Schema{Type: huma.TypeString}
	o.Parameters = []*huma.Param{
		{Name: "source", In: "path", Required: true, Description: "as it is called under webhooks in the configuration", Schema: text},
		{Name: "webhook-id", In: "header", Required: true, Description: "of the event, the same at each delivery", Schema: text},
		{Name: "webhook-timestamp", In: "header", Required: true, Description: "seconds since 1970, within five minutes of now", Schema: text},
		{Name: "webhook-signature", In: "header", Required: true, Description: "v1, and base64; several with blanks between them", Schema: text},
	}
	o.Security = []map[string][]string{{}}
	s.api.OpenAPI().AddOperation(&o)
}

// setProblems makes huma's own refusals (parameters) ours. Its hook is one per process.
var setProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := intake.New(status, intake.CodeInvalid, msg)
		for _, err := range errs {
			item := intake.Item{Message: err.Error()}
			if d, ok := err.(huma.ErrorDetailer); ok {
				item = intake.Item{Place: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
			}
			p.Errors = append(p.Errors, item)
		}
		return p
	}
})

// docs serves the descriptions and their page, all from the binary. A description is made
// when somebody asks for it first: a hub is there sooner without.
func (s *server) docs(mux chi.Router) {
	mux.Get("/openapi.json", described("application/vnd.oai.openapi+json;version=3.1", func() ([]byte, error) {
		return json.Marshal(s.api.OpenAPI())
	}))
	mux.Get("/asyncapi.json", described("application/vnd.aai.asyncapi+json;version=3.0.0", func() ([]byte, error) {
		return eventschema.AsyncAPI(s.cfg.Version)
	}))
	page := v5emb.NewHandlerWithConfig(swgui.Config{Title: "PakLog", SwaggerJSON: "/openapi.json", BasePath: "/docs"})
	secured := func(w http.ResponseWriter, r *http.Request) {
		// The page and its scripts come from here and from nowhere else.
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path != path.Clean(r.URL.Path) && r.URL.Path != "/docs/" {
			http.Error(w, "", http.StatusNotFound) // no redirection to what is meant
			return
		}
		page.ServeHTTP(w, r)
	}
	answered := intake.Problems(http.HandlerFunc(secured)).ServeHTTP
	mux.Get("/docs", answered)
	mux.Get("/docs/*", answered)
}

// described serves what render makes, once.
func described(contentType string, render func() ([]byte, error)) http.HandlerFunc {
	once := sync.OnceValues(render)
	return func(w http.ResponseWriter, _ *http.Request) {
		doc, err := once()
		if err != nil {
			intake.From(err).Write(w)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(doc) // nowhere left to tell
	}
}
