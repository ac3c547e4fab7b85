// Package gs1 reads and writes what GS1 barcodes carry: element strings of application
// identifiers, the identification keys that stand in EAN, UPC and ITF-14 symbols alone, and
// GS1 Digital Link URIs.
//
// Sources: GS1 General Specifications release 25, section 3 (application identifiers), 4.14
// (pairs), 7.2.7 and 7.8 (separators and predefined lengths), 7.9 (check digits), 7.11
// (character sets), 7.12 (century); GS1 Digital Link URI Syntax 1.6; ISO/IEC 15424 (symbology
// identifiers).
package gs1

import (
	"fmt"
	"strconv"

	"github.com/paklog/hub/core/fault"
)

// FNC1 is how a reader transmits the separator after a value of variable length: GS, 0x1D.
const FNC1 = '\x1d'

// Element is one application identifier with its value.
type Element struct {
	AI    string `json:"ai"` // as in the symbol: "10", "3103"
	Value string `json:"value"`
	// Offset is the byte of what was read at which the AI begins.
	Offset int `json:"-"`
}

// Form says how a code was written.
type Form string

// Forms of a code.
const (
	FormElements  Form = "element_string"
	FormBracketed Form = "bracketed"    // (01)09506000134352(10)ABC, as printed below a symbol
	FormKey       Form = "key"          // the digits of a GTIN or SSCC alone
	FormLink      Form = "digital_link" // https://.../01/09506000134352
	FormText      Form = "text"         // nothing of GS1: a place, a number of our own
)

// Code is what a reader sent, understood.
type Code struct {
	Symbology string    `json:"symbology,omitempty"` // AIM identifier: "]C1"; "" where the reader sends none
	Form      Form      `json:"form"`
	Elements  []Element `json:"elements,omitempty"`
	Text      string    `json:"text,omitempty"` // of FormText
	// Doubt says why a text is no key although it looks like one: its check digit is wrong.
	Doubt string `json:"doubt,omitempty"`
}

// Get is the value of an AI.
func (c Code) Get(ai string) (string, bool) {
	for _, e := range c.Elements {
		if e.AI == ai {
			return e.Value, true
		}
	}
	return "", false
}

// first is the value of the first of the AIs that there is, or "".
func (c Code) first(ais ...string) string {
	for _, ai := range ais {
		if v, ok := c.Get(ai); ok {
			return v
		}
	}
	return ""
}

// SSCC is the logistic unit's number, AI (00), or "".
func (c Code) SSCC() string { return c.first("00") }

// GTIN is the trade item's number as 14 digits, or "": AI (01), or (02) for what a logistic
// unit contains.
func (c Code) GTIN() string { return c.first("01", "02") }

// Lot is AI (10), or "".
func (c Code) Lot() string { return c.first("10") }

// Serial is AI (21), or "".
func (c Code) Serial() string { return c.first("21") }

// Count is AI (37) or (30): how many trade items. 0 where neither is there.
func (c Code) Count() int64 {
	n, err := strconv.ParseInt(c.first("37", "30"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Error says what is wrong with a code: where, and about which application identifier.
type Error struct {
	AI      string // "" where none was recognised
	Offset  int    // in bytes, of what was read or of the list of elements that was to be written
	Problem string
}

func (e *Error) Error() string { return e.Problem }

// place names an error's place for [fault.PlaceOf].
func (e *Error) place() string {
	if e.AI == "" {
		return fmt.Sprintf("byte %d", e.Offset)
	}
	return fmt.Sprintf("(%s) at byte %d", e.AI, e.Offset)
}

func invalid(op string, e *Error) error {
	return fault.At(op, fault.Invalid, e.place(), e)
}
