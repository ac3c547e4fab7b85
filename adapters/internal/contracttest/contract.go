// Package contracttest holds what passes between a connector and its simulator
// against the partner's official OpenAPI description: what both refuse, both
// refuse, and neither sends a member that the description does not know. The
// descriptions are not ours to publish: where they are absent, tests skip.
package contracttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// Operation is one call of a description, and what we call it.
type Operation struct{ File, Path, Method, Op string }

// Contract is the description of each operation, by what we call it.
type Contract map[string]*openapi3.Operation

// Load reads the operations from the descriptions in folder, or skips the test
// where there is no such folder.
func Load(t *testing.T, folder string, operations []Operation) Contract {
	t.Helper()
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the official contract is not in %s: nothing to compare with", folder)
	}
	docs := map[string]*openapi3.T{}
	c := Contract{}
	for _, o := range operations {
		if docs[o.File] == nil {
			doc, err := loadFile(filepath.Join(folder, o.File))
			if err != nil {
				t.Fatalf("%s: %v", o.File, err)
			}
			docs[o.File] = doc
		}
		item := docs[o.File].Paths.Value(o.Path)
		if item == nil || item.GetOperation(o.Method) == nil {
			t.Fatalf("%s has no %s %s", o.File, o.Method, o.Path)
		}
		c[o.Op] = item.GetOperation(o.Method)
	}
	return c
}

// loadFile reads a description in OpenAPI 3, or in Swagger 2.
func loadFile(path string) (*openapi3.T, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !regexp.MustCompile(`(?m)^swagger:`).Match(b) {
		return openapi3.NewLoader().LoadFromFile(path)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	// Magento's holds what is no text.
	tree["info"] = map[string]any{"title": filepath.Base(path), "version": "0"}
	if b, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	var old openapi2.T
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&old)
}

// Request is the schema of an operation's body.
func (c Contract) Request(op string) *openapi3.Schema {
	return c[op].RequestBody.Value.Content["application/json"].Schema.Value
}

// Answer is the schema of an operation's success.
func (c Contract) Answer(op string) *openapi3.Schema {
	return c[op].Responses.Status(http.StatusOK).Value.Content["application/json"].Schema.Value
}

// At is the schema of a member below s, arrays passed through, to be mended where
// the description is wrong.
func At(t *testing.T, s *openapi3.Schema, path ...string) *openapi3.Schema {
	t.Helper()
	for _, p := range path {
		if s.Items != nil {
			s = s.Items.Value
		}
		ref := s.Properties[p]
		if ref == nil {
			t.Fatalf("the contract has no %s any more: look through the patches", strings.Join(path, "."))
		}
		s = ref.Value
	}
	return s
}

// Check holds a JSON document against a schema: its rules, and that it has no
// member which the schema does not know.
func Check(s *openapi3.Schema, doc []byte) error {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return err
	}
	if err := s.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		return brief(err)
	}
	if names := strangers(s, v, ""); len(names) > 0 {
		return fmt.Errorf("members that the contract does not know: %s", strings.Join(names, ", "))
	}
	return nil
}

// brief leaves out the schemas that kin-openapi prints.
func brief(err error) error {
	if many, ok := errors.AsType[openapi3.MultiError](err); ok {
		var all []error
		for _, one := range many {
			all = append(all, brief(one))
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return fmt.Errorf("/%s: %s", strings.Join(e.JSONPointer(), "/"), e.Reason)
	}
	return err
}

func strangers(s *openapi3.Schema, v any, at string) (names []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			ref := s.Properties[k]
			if ref == nil && slices.Contains(s.Required, k) {
				continue // Rating requires RequestOption and does not describe it
			}
			if ref == nil {
				names = append(names, at+"."+k)
				continue
			}
			names = append(names, strangers(ref.Value, inner, at+"."+k)...)
		}
	case []any:
		for i, inner := range v {
			if s.Items != nil {
				names = append(names, strangers(s.Items.Value, inner, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	}
	sort.Strings(names)
	return names
}

// Customs stands between client and simulator and holds all that passes against the contract.
type Customs struct {
	T        *testing.T
	Contract Contract
	Inner    http.Handler
	Op       func(r *http.Request) string // the operation of a request; "" is none
	// Query is the name that the description has for a parameter; nil is the same.
	Query func(name string) string

	mu     sync.Mutex
	passed map[string]int
	good   map[string]sent // the first request of each operation that succeeded
}

type sent struct {
	req  *http.Request
	body []byte
}

// Passed is how often an operation was answered with a status: "rate 200".
func (c *Customs) Passed(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed[what]
}

// ServeHTTP implements [http.Handler].
func (c *Customs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := c.Op(r)
	spec := c.Contract[op]
	if spec == nil {
		c.T.Errorf("%s %s is not in the contract", r.Method, r.URL.Path)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.T.Error(err)
	}
	if len(body) > 0 && r.Header.Get("Content-Type") == "application/json" {
		if err := Check(c.Contract.Request(op), body); err != nil {
			c.T.Errorf("request %s: %v\n%s", op, err, body)
		}
	}
	for _, p := range spec.Parameters {
		if p.Value.In == "header" && p.Value.Required && r.Header.Get(p.Value.Name) == "" {
			c.T.Errorf("request %s has no header %s", op, p.Value.Name)
		}
	}
	for name := range r.URL.Query() {
		if c.Query != nil {
			name = c.Query(name)
		}
		if spec.Parameters.GetByInAndName("query", name) == nil {
			c.T.Errorf("request %s has a query %s, which the contract does not know", op, name)
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	c.Inner.ServeHTTP(rec, r)
	res := spec.Responses.Status(rec.Code)
	if res == nil && rec.Code >= 400 {
		res = spec.Responses.Default()
	}
	if res == nil {
		c.T.Errorf("answer %s has status %d, which the contract does not have", op, rec.Code)
	} else if err := Check(res.Value.Content["application/json"].Schema.Value, rec.Body.Bytes()); err != nil {
		c.T.Errorf("answer %s %d: %v\n%s", op, rec.Code, err, rec.Body)
	}
	c.mu.Lock()
	if c.passed == nil {
		c.passed, c.good = map[string]int{}, map[string]sent{}
	}
	if _, known := c.good[op]; !known && rec.Code == http.StatusOK && r.Header.Get("Content-Type") == "application/json" {
		c.good[op] = sent{r, body}
	}
	c.passed[fmt.Sprintf("%s %d", op, rec.Code)]++
	c.mu.Unlock()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// RefuseMistakes makes each mistake that can be made in the requests which have
// passed, and says where the contract refuses one and what stands behind c does
// not. It returns how many the contract refuses, by operation.
func (c *Customs) RefuseMistakes() map[string]int {
	c.T.Helper()
	refused := map[string]int{}
	for op, good := range c.good {
		for _, m := range Mutations(c.T, good.body) {
			if Check(c.Contract.Request(op), m.Doc) == nil {
				continue
			}
			refused[op]++
			req := httptest.NewRequest(good.req.Method, good.req.URL.RequestURI(), bytes.NewReader(m.Doc))
			req.Header = good.req.Header.Clone()
			rec := httptest.NewRecorder()
			c.Inner.ServeHTTP(rec, req)
			if rec.Code != http.StatusBadRequest {
				c.T.Errorf("%s %s: answered %d: %s", op, m.Name, rec.Code, m.Doc)
			}
		}
	}
	return refused
}
