package partnerhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
)

const hidden = "<redacted>"

// Attempt is one request and what came of it, fit to be kept: no token, no
// secret, no personal data of the kinds named in Config.RedactKeys.
type Attempt struct {
	Connection string
	Op         string
	Method     string
	Path       string
	Started    time.Time
	Took       time.Duration
	Sent       bool   // some of the request may have left
	Status     int    // 0: no answer
	Kind       string // of the fault, "" for a success
	Request    string
	Response   string
}

func (c *Client) capture(a Attempt, req *http.Request, body []byte, res *http.Response, answer []byte, sent bool, err error) {
	if c.cfg.Capture == nil {
		return
	}
	a.Method, a.Path, a.Sent = req.Method, req.URL.Path, sent
	a.Took = c.cfg.Now().Sub(a.Started)
	a.Request = c.redact.body(body)
	if res != nil {
		a.Status = res.StatusCode
		a.Response = c.redact.body(answer)
	}
	if err != nil {
		a.Kind = fault.KindOf(err).String()
	}
	c.cfg.Capture(a)
}

// redactor hides the values of named JSON members, at any depth.
type redactor map[string]bool

func newRedactor(keys []string) redactor {
	r := redactor{}
	for _, k := range append(keys, "access_token", "refresh_token", "client_secret", "password", "token", "authorization") {
		r[strings.ToLower(k)] = true
	}
	return r
}

// body is b with its secrets hidden. What is not JSON is not shown at all, for
// nobody can say what it holds.
func (r redactor) body(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return fmt.Sprintf("<%d bytes, not JSON>", len(b))
	}
	out, err := json.Marshal(r.value(v))
	if err != nil {
		return fmt.Sprintf("<%d bytes>", len(b))
	}
	return string(out)
}

func (r redactor) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if r[strings.ToLower(k)] {
				v[k] = hidden
			} else {
				v[k] = r.value(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	}
	return v
}
