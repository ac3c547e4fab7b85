// Package sap maps what SAP S/4HANA and the warehouse tell each other over its OData V2 services:
// deliveries, outbound and inbound, with their goods movements, and material documents. Its contracts are
// SAP's API_OUTBOUND_DELIVERY_SRV and API_INBOUND_DELIVERY_SRV, version 0002, and API_MATERIAL_DOCUMENT_SRV.
package sap

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

type text = carrierdoc.Text

// results is a list as OData V2 wraps it; next is where it goes on.
type results[T any] struct {
	List carrierdoc.List[T] `json:"results"`
	Next text               `json:"__next"`
}

// read takes the wrapping of OData V2 off an answer.
func read[T any](op string, data []byte) (v T, err error) {
	var wrapped struct {
		D *T `json:"d"`
	}
	if err := json.Unmarshal(data, &wrapped); err != nil {
		return v, unreadable(op, err)
	}
	if wrapped.D == nil {
		return v, unreadable(op, errors.New("there is no d in it"))
	}
	return *wrapped.D, nil
}

func unreadable(op string, err error) error {
	return fault.E(op, fault.Transient, fmt.Errorf("reading SAP's answer: %w", err))
}

// Quoted is s as a string literal (OData 2.0, Overview, section 6.1).
func Quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// decimal is n as a literal of Edm.Decimal.
func decimal(n int64) string { return strconv.FormatInt(n, 10) + "M" }

// bare is a number without the zeros that SAP keeps in front of it, and shows or not.
func bare(s string) string {
	if strings.Trim(s, "0123456789") != "" {
		return s
	}
	return strings.TrimLeft(s, "0")
}

// units are whole units of a quantity. A part of one is none that can be picked by the piece.
func units(t text) (int64, error) {
	whole, part, _ := strings.Cut(string(t), ".")
	if whole == "" && part == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || strings.Trim(part, "0") != "" {
		return 0, fmt.Errorf("%.40q is no whole number of units", string(t))
	}
	return n, nil
}

// day is a date as OData V2 writes it in JSON, "/Date(1492098664000)/"; nothing is no day.
func day(t text) (time.Time, error) {
	if t == "" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(string(t), "/Date("), ")/"), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no date", string(t))
	}
	return time.UnixMilli(ms).UTC(), nil
}

// ReadError is SAP's own code and words in the body of a refusal.
func ReadError(body []byte) (code, message string) {
	var e struct {
		Error struct {
			Code    text `json:"code"`
			Message struct {
				Value text `json:"value"`
			} `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return string(e.Error.Code), string(e.Error.Message.Value)
}

// onward is the query of the next page.
func onward(next text) (url.Values, error) {
	if next == "" {
		return nil, nil
	}
	u, err := url.Parse(string(next))
	if err != nil {
		return nil, err
	}
	return u.Query(), nil
}

// times is n * top / bottom, exactly.
func times(n, top, bottom int64) (int64, error) {
	if top == 0 || bottom == 0 { // the base unit itself
		return n, nil
	}
	if n > math.MaxInt64/top || n*top%bottom != 0 {
		return 0, fmt.Errorf("%d times %d/%d is no whole number of base units", n, top, bottom)
	}
	return n * top / bottom, nil
}
