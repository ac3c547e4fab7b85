package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// Problem is an RFC 9457 problem. Detail says what to do next.
type Problem struct {
	Type        string             `json:"type" doc:"urn:paklog:problem: and the code"`
	Title       string             `json:"title"`
	Status      int                `json:"status"`
	Detail      string             `json:"detail,omitempty"`
	Code        string             `json:"code" doc:"for programs: it does not change"`
	Errors      []Item             `json:"errors,omitempty" doc:"each thing that is wrong, with its place"`
	Differences []order.Difference `json:"differences,omitempty" doc:"in what the order sent differs from the one that exists"`

	RetryAfter time.Duration `json:"-"`
}

// Item is one thing that is wrong.
type Item struct {
	Place   string `json:"place,omitempty" doc:"such as lines[2].qty"`
	Offset  *int   `json:"offset,omitempty" doc:"byte of the body, from 0"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// Codes of problems.
const (
	CodeMalformed   = "malformed"
	CodeInvalid     = "invalid"
	CodeRejected    = "rejected"
	CodeNotFound    = "not_found"
	CodeStale       = "stale"  // what it was decided on has moved on
	CodeUnseen      = "unseen" // it does not say what it was decided on
	CodeKeyReused   = "idempotency_key_reused"
	CodeKeyBusy     = "idempotency_key_in_use"
	CodeDiffers     = "order_differs"
	CodeUnauthor    = "unauthorized"
	CodeUnavailable = "unavailable"
	CodeThrottled   = "throttled"
	CodeUnknown     = "outcome_unknown"
	CodeInternal    = "internal"
)

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus is the HTTP status, as huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems, as huma asks for it.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// New is a problem of one sentence.
func New(status int, code, detail string) *Problem {
	return &Problem{
		Type: "urn:paklog:problem:" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail,
	}
}

// From says an error in HTTP. What is ours to know only (Internal) is not told: the
// caller logs it.
func From(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var (
		syntax  *strictjson.Error
		reused  *door.ReusedError
		differs *door.ConflictError
		exists  *order.ExistsError
		invalid *order.InvalidError
		status  *StatusError
	)
	switch {
	case errors.As(err, &status):
		return New(status.Status, CodeMalformed, innermost(status.Err))
	case errors.As(err, &syntax):
		p := New(http.StatusBadRequest, CodeMalformed, "the body cannot be read: correct it at the place named")
		p.Errors = []Item{{Place: syntax.Place, Offset: &syntax.Offset, Message: syntax.Reason}}
		return p
	case errors.As(err, &reused):
		return New(http.StatusUnprocessableEntity, CodeKeyReused, reused.Error())
	case errors.As(err, &differs):
		p := New(http.StatusConflict, CodeDiffers, differs.Error()+": change the order that exists, or use another number")
		p.Differences = differs.Differences
		return p
	case errors.As(err, &exists):
		p := New(http.StatusConflict, CodeDiffers, exists.Error())
		p.Differences = exists.Differences
		return p
	case errors.As(err, &invalid):
		p := New(http.StatusUnprocessableEntity, CodeInvalid, "correct the places named and send it again")
		for _, x := range invalid.Problems {
			p.Errors = append(p.Errors, Item{Place: x.Place, Code: x.Code, Message: x.Text})
		}
		if invalid.More > 0 {
			p.Detail = fmt.Sprintf("%s; %d more are not listed", p.Detail, invalid.More)
		}
		return p
	}
	return ofKind(err)
}

func ofKind(err error) *Problem {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		p := New(http.StatusServiceUnavailable, CodeUnavailable, "no answer in time: what was decided stands; ask again under the same key")
		p.RetryAfter = time.Second
		return p
	}
	item := Item{Place: fault.PlaceOf(err), Message: innermost(err)}
	var p *Problem
	switch fault.KindOf(err) {
	case fault.Invalid:
		p = New(http.StatusUnprocessableEntity, CodeInvalid, "correct the place named and send it again")
	case fault.Rejected:
		p = New(http.StatusConflict, CodeRejected, item.Message)
	case fault.Throttled:
		p = New(http.StatusTooManyRequests, CodeThrottled, "too much at once: come again after the time given")
		p.RetryAfter = max(fault.AfterOf(err), time.Second)
	case fault.Unavailable, fault.Transient:
		p = New(http.StatusServiceUnavailable, CodeUnavailable, "come again after the time given, under the same Idempotency-Key")
		p.RetryAfter = max(fault.AfterOf(err), time.Second)
	case fault.Unknown:
		p = New(http.StatusBadGateway, CodeUnknown, "it may have happened: ask for its state before it is sent again")
	default:
		return New(http.StatusInternalServerError, CodeInternal, "this is a defect of the hub; it is in its log")
	}
	p.Errors = []Item{item}
	return p
}

// innermost is the plain sentence of an error: its operations are for the log.
func innermost(err error) string {
	for {
		var e *fault.Error
		if !errors.As(err, &e) || e.Err == nil {
			return err.Error()
		}
		err = e.Err
	}
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", p.Seconds())
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // a Problem is JSON
	}
	b = append(b, '\n')
	// Whoever sends a body that nobody wants need not wait for the end of ours.
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // the connection is all there is to tell of a failed write
}

// Seconds is the wait for a Retry-After header, rounded up.
func (p *Problem) Seconds() string {
	return strconv.FormatInt(int64((p.RetryAfter+time.Second-1)/time.Second), 10)
}
