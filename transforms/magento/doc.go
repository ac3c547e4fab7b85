// Package magento maps what a Magento 2.4 (Adobe Commerce) shop and the warehouse tell each other over
// REST V1: orders with simple, configurable and bundle items, shipments, and source items of its
// inventory (MSI). Its contract is the shop's own schema, 2.4.9.
package magento

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
)

// ordersPath begins the ids of work: an order is one work.
const ordersPath = "orders/"

// WorkID is the id of an order's work.
func WorkID(entity int64) string { return ordersPath + strconv.FormatInt(entity, 10) }

// Entity is the shop's number of a work, or fault.Invalid.
func Entity(work string) (int64, error) {
	number, ok := strings.CutPrefix(work, ordersPath)
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 1 || WorkID(n) != work {
		return 0, fault.At("magento.Entity", fault.Invalid, "id", fmt.Errorf("%.64q is no order: want %s1", work, ordersPath))
	}
	return n, nil
}

// stamp is how the shop writes a time, in UTC.
const stamp = "2006-01-02 15:04:05"

// Stamp is t as the shop writes it.
func Stamp(t time.Time) string { return t.UTC().Format(stamp) }

// Filter is one condition of a search.
type Filter struct{ Field, Is, Value string }

// Search are the criteria of a search: all filters hold.
func Search(page, size int, sort []string, filters ...Filter) url.Values {
	q := url.Values{}
	for i, f := range filters {
		at := fmt.Sprintf("searchCriteria[filterGroups][%d][filters][0]", i)
		q.Set(at+"[field]", f.Field)
		q.Set(at+"[conditionType]", f.Is)
		q.Set(at+"[value]", f.Value)
	}
	for i, s := range sort {
		q.Set(fmt.Sprintf("searchCriteria[sortOrders][%d][field]", i), s)
		q.Set(fmt.Sprintf("searchCriteria[sortOrders][%d][direction]", i), "ASC")
	}
	q.Set("searchCriteria[pageSize]", strconv.Itoa(size))
	q.Set("searchCriteria[currentPage]", strconv.Itoa(page))
	return q
}

// page is the answer to a search. QUIRK(Magento): behind the last page the last comes again, so the end
// is told by Total alone.
type page[T any] struct {
	Items list[T] `json:"items"`
	Total *int    `json:"total_count"`
}

func readPage[T any](op string, data []byte) (page[T], error) {
	var p page[T]
	if err := json.Unmarshal(data, &p); err != nil {
		return p, unreadable(op, err)
	}
	if p.Total == nil || p.Items == nil && *p.Total > 0 {
		return p, unreadable(op, errors.New("there is no list"))
	}
	return p, nil
}

// list is an array; QUIRK(Magento): extensions of shops answer one element without its array.
type list[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] != '[' && string(b) != "null" {
		var one T
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*l = list[T]{one}
		return nil
	}
	return json.Unmarshal(b, (*[]T)(l))
}

// amount is a quantity, which the shop writes with decimals, as a number or a text.
type amount struct{ text string }

// UnmarshalJSON implements [json.Unmarshaler].
func (a *amount) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" {
		return nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("%.40s is no quantity", b)
	}
	a.text = text
	return nil
}

// units are whole units. A part of one is none: what is sold by weight cannot be picked by the piece.
func (a amount) units() (int64, error) {
	whole, part, _ := strings.Cut(a.text, ".")
	if whole == "" && part == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(part, "0") != "" {
		return 0, fmt.Errorf("%s is no whole number of units", a.text)
	}
	return n, nil
}

// ReadError is the shop's own words in the body of a refusal, with their parameters put in.
func ReadError(body []byte) (code, message string) {
	var e struct {
		Message    string          `json:"message"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return "", ""
	}
	var byPlace []any
	var byName map[string]any
	if json.Unmarshal(e.Parameters, &byPlace) == nil {
		for i := len(byPlace) - 1; i >= 0; i-- { // %10 before %1
			e.Message = strings.ReplaceAll(e.Message, "%"+strconv.Itoa(i+1), fmt.Sprint(byPlace[i]))
		}
	} else if json.Unmarshal(e.Parameters, &byName) == nil {
		for name, v := range byName {
			e.Message = strings.ReplaceAll(e.Message, "%"+name, fmt.Sprint(v))
		}
	}
	return "message", e.Message
}

func unreadable(op string, err error) error {
	return fault.E(op, fault.Transient, fmt.Errorf("reading the shop's answer: %w", err))
}

// clip is at most n bytes of s, whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimSpace(strings.ToValidUTF8(s[:n], ""))
}
