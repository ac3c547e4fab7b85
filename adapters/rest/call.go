package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/paklog/hub/adapters/internal/access"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
)

// call is a request that was let in.
type call struct {
	client string
	// device and its building, where an enrolled handheld asks
	device, facility string
	bound            bool   // to what is a device's work, and to nothing else
	rights           Rights // of who calls; the zero value may do all
	csrf, token      string // of his session
	address          string // where it comes from
	tls              bool
	what             string // method and path, for keys and logs
	body             []byte
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// admit lets a request in: who asks, and the body whole and within its bounds.
func (s *server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, p := s.client(r)
		pattern := chi.RouteContext(r.Context()).RoutePattern()
		if p != nil {
			access.Note(r.Context(), pattern, "")
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="paklog"`)
			}
			p.Write(w)
			return
		}
		access.Note(r.Context(), pattern, c.client)
		if keys, given := r.Header["Idempotency-Key"]; given && (len(keys) > 1 || keys[0] == "" || !visible(keys[0])) {
			p := intake.New(http.StatusBadRequest, intake.CodeInvalid, "a request has one Idempotency-Key of printable ASCII, which is not empty, or none")
			p.Errors = []intake.Item{{Place: "header.Idempotency-Key", Message: "is empty, comes several times, or has another character than printable ASCII"}}
			p.Write(w)
			return
		}
		c.what, c.address, c.tls = r.Method+" "+r.URL.EscapedPath(), addressOf(r), r.TLS != nil
		if r.Method == http.MethodPost || r.Method == http.MethodPut {
			var err error
			if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
				c.body = nil // commands without a body
			} else if c.body, err = intake.JSONBody(w, r, s.limits, s.deps.Now()); err != nil {
				intake.From(err).Write(w)
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// visible reports whether a text is of visible ASCII and blanks, as header fields are: what else is sent
// there means one thing in one charset and another in the next.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// decode reads the body of the call.
func decode[T any](ctx context.Context) (T, error) {
	var v T
	err := strictjson.Decode(callOf(ctx).body, &v)
	return v, err
}

// Keyed is the input of every write.
type Keyed struct {
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"the same key and body again get the stored answer; another body 422; while the first is under way 409"`
}

// reply is the answer to a write.
type reply struct {
	Status   int
	Type     string `header:"Content-Type"`
	Position string `header:"Paklog-Position"`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed"`
	Cache    string `header:"Cache-Control"`
	Body     []byte
}

// do asks a door. location is where what it makes is found from now on, "" where nothing is
// made. thing is the kind and key of what the command is about: when nobody knows it, the
// refusal is a 404.
func (s *server) do(ctx context.Context, name string, ask door.Ask, in Keyed, location string, thing ...string) (*reply, error) {
	c := callOf(ctx)
	ask.Actor = c.client
	if in.Key != "" {
		busy := c.client + "\x00" + in.Key
		if _, taken := s.busy.LoadOrStore(busy, true); taken {
			p := intake.New(http.StatusConflict, intake.CodeKeyBusy, "the first request under this Idempotency-Key is still under way")
			p.RetryAfter = time.Second
			return nil, s.problem(ctx, p)
		}
		defer s.busy.Delete(busy)
		h := sha256.New()
		h.Write([]byte(c.what + "\n"))
		h.Write(c.body)
		key := door.Key{Scope: "http/" + c.client, ID: in.Key}
		h.Sum(key.Hash[:0])
		ask.Key = &key
	}
	got, err := s.deps.Door.Call(ctx, name, ask)
	if err != nil {
		return nil, s.problem(ctx, s.missing(ctx, err, thing))
	}
	a, ok := got.(door.Reply)
	if !ok {
		return nil, s.problem(ctx, fault.E("rest.do", fault.Internal, fmt.Errorf("door %s answered %T", name, got)))
	}
	if p := rejected(a.Body); p != nil {
		return nil, p
	}
	out := &reply{Status: http.StatusOK, Type: "application/json", Position: s.position(), Body: a.Body}
	if a.Created && location != "" {
		out.Status = http.StatusCreated
		out.Location = location
	}
	if a.Repeat {
		out.Replayed = "true"
	}
	return out, nil
}

// missing turns the refusal of a thing that nobody knows into a 404.
func (s *server) missing(ctx context.Context, err error, thing []string) error {
	if len(thing) != 2 || fault.KindOf(err) != fault.Rejected || s.deps.Views == nil {
		return err
	}
	s.catchUp(ctx)
	if s.built() != nil {
		return err
	}
	doc, _, verr := s.deps.Views.Get(ctx, thing[0], thing[1])
	if verr != nil || doc != nil {
		return err
	}
	return notFound(thing[0])
}

func notFound(kind string) *intake.Problem {
	return intake.New(http.StatusNotFound, intake.CodeNotFound, "there is no such "+kind)
}

// rejected is the problem of an order that was refused whole: it is durable, and not
// what was asked for.
func rejected(body json.RawMessage) *intake.Problem {
	if !bytes.Contains(body, []byte(`"rejected":true`)) {
		return nil
	}
	var o struct {
		Refused  bool            `json:"rejected"`
		Problems []order.Problem `json:"problems"`
	}
	if err := json.Unmarshal(body, &o); err == nil && !o.Refused {
		return nil
	}
	p := intake.New(http.StatusUnprocessableEntity, "order_rejected", "the order is rejected as a whole: correct it, or the master data, and place it again")
	for _, x := range o.Problems {
		p.Errors = append(p.Errors, intake.Item{Place: x.Place, Code: x.Code, Message: x.Text})
	}
	return p
}

// problem is what an error is answered with; what only we should know is logged.
func (s *server) problem(ctx context.Context, err error) error {
	p := intake.From(err)
	if p.Code == intake.CodeInternal {
		c := callOf(ctx)
		s.deps.Logger.Error("request", "call", c.what, "err", err)
	}
	if p.RetryAfter > 0 {
		return &waitProblem{p}
	}
	return p
}

// waitProblem adds Retry-After to a problem that huma writes.
type waitProblem struct{ *intake.Problem }

// GetHeaders implements huma.HeadersError.
func (p *waitProblem) GetHeaders() http.Header {
	return http.Header{"Retry-After": {p.Seconds()}}
}

// Unwrap shows huma the problem itself.
func (p *waitProblem) Unwrap() error { return p.Problem }

// MarshalJSON writes the problem alone.
func (p *waitProblem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

func (s *server) position() string {
	if s.deps.Last == nil {
		return ""
	}
	return strconv.FormatUint(uint64(s.deps.Last()), 10)
}

// catchUp waits, for a moment, until the views see what is durable now. That they do not is
// no failure: the answer says where it stands.
func (s *server) catchUp(ctx context.Context) {
	if s.deps.Wait == nil || s.deps.Last == nil || s.cfg.Catch < 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Catch)
	defer cancel()
	if err := s.deps.Wait(ctx, s.deps.Last()); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		s.deps.Logger.Warn("views do not catch up", "err", err)
	}
}

func pos(p journal.Pos) string { return strconv.FormatUint(uint64(p), 10) }
