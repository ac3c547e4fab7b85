package upssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Op is a kind of call.
type Op string

// The calls that UPS takes.
const (
	OpToken    Op = "token"
	OpRate     Op = "rate"
	OpShip     Op = "ship"
	OpVoid     Op = "void"
	OpRecovery Op = "recovery"
	OpTrack    Op = "track"
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
func (s *Sim) Inject(op Op, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued[op] = append(s.queued[op], faults...)
}

// Calls is how many calls of this kind arrived, refused ones included.
func (s *Sim) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// arrive counts a call and picks its fault.
func (s *Sim) arrive(op Op) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if q := s.queued[op]; len(q) > 0 {
		s.queued[op] = q[1:]
		return q[0]
	}
	if len(s.opts.Faults) == 0 {
		return None
	}
	names := make([]Fault, 0, len(s.opts.Faults))
	for f := range s.opts.Faults {
		names = append(names, f)
	}
	slices.Sort(names) // the same seed draws the same faults
	n := s.rng.IntN(1000)
	for _, f := range names {
		if n -= s.opts.Faults[f]; n < 0 {
			return f
		}
	}
	return None
}

const page = "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h1>We are working on it</h1></body></html>"

// before is the answer of a fault that keeps the call from being acted on.
func (f Fault) before() (answer, bool) {
	switch f {
	case ServerError:
		return refuse(http.StatusInternalServerError, internal), true
	case Outage:
		return refuse(http.StatusServiceUnavailable, unavailable), true
	case OutageHTML:
		return answer{http.StatusServiceUnavailable, page}, true
	case TooMany:
		return refuse(http.StatusTooManyRequests, tooMany), true
	}
	return answer{}, false
}

// write sends a, bent by f.
func (s *Sim) write(w http.ResponseWriter, r *http.Request, a answer, f Fault) {
	var body []byte
	if text, isPage := a.body.(string); isPage {
		body = []byte(text)
	} else {
		var err error
		if body, err = json.Marshal(f.bend(a.body)); err != nil {
			panic(fmt.Sprintf("upssim: answer cannot be encoded: %v", err)) // a mistake in this package
		}
	}
	switch f {
	case AnswerLost:
		panic(http.ErrAbortHandler)
	case Slow:
		t := time.NewTimer(s.opts.SlowFor)
		defer t.Stop()
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-t.C:
		}
	case LateError:
		a, _ = ServerError.before()
		body, _ = json.Marshal(a.body)
	case GatewayError:
		a.status, body = http.StatusServiceUnavailable, []byte(page)
	case HTML:
		body = []byte(page)
	case Doubled:
		body = append(body, body...)
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = io.Copy(w, io.LimitReader(endless('['), 64<<20))
		return
	case Truncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(a.status)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	kind := "application/json"
	if bytes.HasPrefix(body, []byte("<")) {
		kind = "text/html"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
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
func (f Fault) bend(v any) any {
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
		return f.walk(tree)
	}
	return v
}

func (f Fault) walk(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if f == NullResults && (strings.HasSuffix(k, "Results") || strings.HasSuffix(k, "Result") || k == "RatedShipment" || k == "shipment") {
				v[k] = nil
				continue
			}
			v[k] = f.walk(inner)
		}
		if f == ExtraMembers {
			v["NewIn2027"] = []any{map[string]any{"Code": "X"}, nil, 7}
		}
	case []any:
		for i := range v {
			v[i] = f.walk(v[i])
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
