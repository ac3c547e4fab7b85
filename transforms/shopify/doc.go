// Package shopify says what Shopify's Admin GraphQL documents mean to us and ours to it, in
// version [Version]. A fulfilment order is the unit of work: what one order wants from one place.
package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// Version is the version of the Admin API that the documents are written for.
const Version = "2026-07"

// kind is the name in an id of Shopify: "Order" of "gid://shopify/Order/1".
func kind(id string) string {
	rest, ok := strings.CutPrefix(id, "gid://shopify/")
	if !ok {
		return ""
	}
	k, _, _ := strings.Cut(rest, "/")
	return k
}

// GID is the id of a thing of a kind by its number.
func GID(kind, number string) string { return "gid://shopify/" + kind + "/" + number }

// Number is the number at the end of an id, without what a query behind it says.
func Number(id string) string {
	n, _, _ := strings.Cut(id[strings.LastIndexByte(id, '/')+1:], "?")
	return n
}

// Throttle is what an answer says of the bucket that calls are paid from.
type Throttle struct {
	Requested int64   // points that the call asked for
	Maximum   float64 // as Shopify writes them: 2000.0
	Available float64
	Restore   float64 // a second
}

// Errors are what Shopify found wrong with a call as a whole.
type Errors []Error

// Error is one of them.
type Error struct {
	Message string `json:"message"`
	Code    string `json:"-"`
}

func (e Errors) Error() string {
	words := make([]string, 0, len(e))
	for _, one := range e {
		if one.Code != "" {
			words = append(words, fmt.Sprintf("%s (%s)", one.Message, one.Code))
		} else {
			words = append(words, one.Message)
		}
	}
	return strings.Join(words, "; ")
}

// Has reports whether one of the errors has a code.
func (e Errors) Has(code string) bool {
	for _, one := range e {
		if one.Code == code {
			return true
		}
	}
	return false
}

// Answer is the envelope of every answer.
type Answer struct {
	Data     json.RawMessage
	Errors   Errors
	Throttle *Throttle
}

// Did reports whether some of what was asked for was done, whatever the errors say of the rest: Shopify
// denies a field by itself.
func (a Answer) Did() bool {
	var fields map[string]json.RawMessage
	if a.Data == nil || json.Unmarshal(a.Data, &fields) != nil {
		return false
	}
	for _, v := range fields {
		if string(v) != "null" {
			return true
		}
	}
	return false
}

// ReadAnswer opens the envelope. An answer that is none is Invalid.
func ReadAnswer(body []byte) (Answer, error) {
	var wire struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message    string `json:"message"`
			Extensions struct {
				Code string `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
		Extensions struct {
			Cost *struct {
				Requested int64 `json:"requestedQueryCost"`
				Status    struct {
					Maximum   float64 `json:"maximumAvailable"`
					Available float64 `json:"currentlyAvailable"`
					Restore   float64 `json:"restoreRate"`
				} `json:"throttleStatus"`
			} `json:"cost"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return Answer{}, fault.E("shopify.ReadAnswer", fault.Invalid, fmt.Errorf("reading the answer: %w", err))
	}
	a := Answer{}
	if len(wire.Data) > 0 && string(wire.Data) != "null" {
		a.Data = wire.Data
	}
	for _, e := range wire.Errors {
		a.Errors = append(a.Errors, Error{e.Message, e.Extensions.Code})
	}
	if c := wire.Extensions.Cost; c != nil {
		a.Throttle = &Throttle{c.Requested, c.Status.Maximum, c.Status.Available, c.Status.Restore}
	}
	if a.Data == nil && a.Errors == nil {
		return a, fault.E("shopify.ReadAnswer", fault.Invalid, errors.New("the answer has neither data nor errors"))
	}
	return a, nil
}

// ReadError finds Shopify's words in the body of a refusal, which is no GraphQL: "errors" is a
// text there, or a list.
func ReadError(body []byte) (code, message string) {
	var wire struct {
		Errors json.RawMessage `json:"errors"`
		Error  string          `json:"error"`
		Words  string          `json:"error_description"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return "", ""
	}
	var text string
	var list []struct {
		Message string `json:"message"`
	}
	switch {
	case wire.Error != "":
		return wire.Error, wire.Error + ": " + wire.Words
	case json.Unmarshal(wire.Errors, &text) == nil && text != "":
		return "refused", text
	case json.Unmarshal(wire.Errors, &list) == nil && len(list) > 0:
		return "refused", list[0].Message
	}
	return "", ""
}

// userError is what Shopify says no with in an answer of success.
type userError struct {
	Field   []string `json:"field"`
	Message string   `json:"message"`
	Code    string   `json:"code"`
}

// RefusedError is Shopify's no to a mutation.
type RefusedError struct{ errs []userError }

func (e *RefusedError) Error() string {
	words := make([]string, 0, len(e.errs))
	for _, u := range e.errs {
		w := u.Message
		if u.Code != "" {
			w += " (" + u.Code + ")"
		}
		if len(u.Field) > 0 {
			w = strings.Join(u.Field, ".") + ": " + w
		}
		words = append(words, w)
	}
	return strings.Join(words, "; ")
}

// Code reports whether one of the errors has a code.
func (e *RefusedError) Code(code string) bool {
	for _, u := range e.errs {
		if u.Code == code {
			return true
		}
	}
	return false
}

// refused is Rejected with Shopify's words, nil where it had none.
func refused(op string, errs []userError) error {
	if len(errs) == 0 {
		return nil
	}
	return fault.At(op, fault.Rejected, strings.Join(errs[0].Field, "."), &RefusedError{errs})
}

// unreadable says that an answer of success is not what was asked for.
func unreadable(op string, err error) error {
	return fault.E(op, fault.Invalid, fmt.Errorf("reading the answer: %w", err))
}
