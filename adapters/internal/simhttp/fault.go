package simhttp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is one way to misbehave.
type Fault string

// Faults that strike before the call is acted on.
const (
	DropBefore  Fault = "drop-before"   // the connection ends, nothing was done
	ServerError Fault = "server-error"  // 500, nothing was done
	Outage      Fault = "outage"        // 503, nothing was done
	OutageHTML  Fault = "outage-html"   // 503 as a web page
	TooMany     Fault = "too-many"      // 429, without any header that says when
	Revoke      Fault = "token-revoked" // every token is invalid from this call on
)

// Faults that strike after the call was acted on.
const (
	None           Fault = ""
	AnswerLost     Fault = "answer-lost"      // done, and the connection ends without an answer
	Slow           Fault = "slow"             // done, and the answer comes after SlowFor
	LateError      Fault = "late-error"       // done, and 500
	GatewayError   Fault = "gateway-error"    // done, and 503 from a gateway that lost patience
	Truncated      Fault = "truncated"        // done, and half of the answer
	HTML           Fault = "html"             // done, and a web page with status 200
	Huge           Fault = "huge"             // done, and an answer that does not end before 64 MiB
	Doubled        Fault = "doubled"          // done, and the answer twice in one body
	LoneObjects    Fault = "lone-objects"     // arrays of one element become the element
	ExtraMembers   Fault = "extra-members"    // members nobody has heard of, everywhere
	Numbers        Fault = "numbers"          // texts that look like numbers become numbers
	NullResults    Fault = "null-results"     // done, and the results are null
	ObjectsForText Fault = "objects-for-text" // done, and every text is an object
)

// Inject makes the next calls of this kind meet these faults, one each, in
// order, before any that are drawn. [None] lets one call pass.
func (w *Wire) Inject(op Op, faults ...Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queued[op] = append(w.queued[op], faults...)
}

// arrive counts a call and picks its fault.
func (w *Wire) arrive(op Op) Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[op]++
	if q := w.queued[op]; len(q) > 0 {
		w.queued[op] = q[1:]
		return q[0]
	}
	if len(w.opts.Faults) == 0 {
		return None
	}
	names := make([]Fault, 0, len(w.opts.Faults))
	for f := range w.opts.Faults {
		names = append(names, f)
	}
	slices.Sort(names) // the same seed draws the same faults
	n := w.rng.IntN(1000)
	for _, f := range names {
		if n -= w.opts.Faults[f]; n < 0 {
			return f
		}
	}
	return None
}

const page = "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h1>We are working on it</h1></body></html>"

// before is the status of a fault that keeps the call from being acted on, 0 for others.
func (f Fault) before() int {
	switch f {
	case ServerError:
		return http.StatusInternalServerError
	case Outage, OutageHTML:
		return http.StatusServiceUnavailable
	case TooMany:
		return http.StatusTooManyRequests
	}
	return 0
}

// write sends a, bent by f.
func (w *Wire) write(rw http.ResponseWriter, r *http.Request, a Answer, f Fault) {
	if f == LateError {
		a = w.opts.Refuse(http.StatusInternalServerError)
	}
	var body []byte
	if text, isPage := a.Body.(string); isPage {
		body = []byte(text)
	} else {
		var err error
		if body, err = json.Marshal(w.bend(f, a.Body)); err != nil {
			panic(fmt.Sprintf("simhttp: answer cannot be encoded: %v", err)) // a mistake in the simulator
		}
	}
	for k, v := range a.Header {
		rw.Header()[k] = v
	}
	switch f {
	case AnswerLost:
		panic(http.ErrAbortHandler)
	case Slow:
		t := time.NewTimer(w.opts.SlowFor)
		defer t.Stop()
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-t.C:
		}
	case GatewayError:
		a.Status, body = http.StatusServiceUnavailable, []byte(page)
	case HTML:
		body = []byte(page)
	case Doubled:
		body = append(body, body...)
	case Huge:
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(a.Status)
		_, _ = io.Copy(rw, io.LimitReader(endless('['), 64<<20))
		return
	case Truncated:
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		rw.WriteHeader(a.Status)
		_, _ = rw.Write(body[:len(body)/2])
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
	kind := cmp.Or(a.Type, "application/json")
	if a.Type == "" && bytes.HasPrefix(body, []byte("<")) {
		kind = "text/html"
	}
	if a.After > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(a.After))
	}
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(a.Status)
	_, _ = rw.Write(body)
}

// endless is a reader of one byte for ever.
type endless byte

func (b endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// bend is the drift of an answer's shape.
func (w *Wire) bend(f Fault, v any) any {
	switch f {
	case LoneObjects, ExtraMembers, Numbers, NullResults, ObjectsForText:
		b, err := json.Marshal(v)
		if err != nil {
			return v
		}
		var tree any
		if json.Unmarshal(b, &tree) != nil {
			return v
		}
		return w.walk(f, tree)
	}
	return v
}

func (w *Wire) walk(f Fault, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if f == NullResults && w.opts.Results(k) {
				v[k] = nil
				continue
			}
			v[k] = w.walk(f, inner)
		}
		if f == ExtraMembers {
			v["NewIn2027"] = []any{map[string]any{"Code": "X"}, nil, 7}
		}
	case []any:
		for i := range v {
			v[i] = w.walk(f, v[i])
		}
		if f == LoneObjects && len(v) == 1 {
			return v[0]
		}
	case string:
		if f == ObjectsForText {
			return map[string]any{"Value": v}
		}
		if n, err := strconv.ParseFloat(v, 64); f == Numbers && err == nil && strconv.FormatFloat(n, 'f', -1, 64) == v {
			return json.Number(v)
		}
	}
	return v
}
