package routes

import (
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// documentElements are where in a document the parts of an order come from.
var documentElements = map[string]map[string]string{
	"940": {"item": "W01-05", "qty": "W01-01", "uom": "W01-02", "ref": "LX-01", "order": "W05-02", "number": "W05-02", "ship_to": "N1 of ST", "owner": "N1-04 of DE", "lot": "W01-05"},
	"850": {"item": "PO1-07", "qty": "PO1-02", "uom": "PO1-03", "number": "BEG-03", "ship_to": "N1 of ST", "owner": "N1-04 of DE"},
	"860": {"item": "POC-09", "qty": "POC-03", "uom": "POC-05", "ref": "POC-01", "order": "BCH-03", "number": "BCH-03", "ship_to": "N1 of ST", "owner": "N1-04 of DE"},

	"ORDERS": {"item": "LIN-03 or PIA", "qty": "QTY-01-2", "uom": "QTY-01-3", "ref": "LIN-01", "order": "BGM-02", "number": "BGM-02", "ship_to": "NAD of DP", "owner": "NAD of GO", "lot": "PIA"},
	"ORDCHG": {"item": "LIN-03 or PIA", "qty": "QTY-01-2", "uom": "QTY-01-3", "ref": "LIN-01", "order": "BGM-02", "number": "BGM-02", "ship_to": "NAD of DP", "owner": "NAD of GO", "lot": "PIA"},
}

// documentPlace names a place of an order the way its sender wrote it: "lines[2].item" of a
// 940 is "W01-05 of line 3 (lines[2].item)". A place with no such name is returned as it is.
func documentPlace(docType, place string) string {
	elements := documentElements[docType]
	part, line := place, -1
	if rest, ok := strings.CutPrefix(place, "lines["); ok {
		n, after, _ := strings.Cut(rest, "]")
		if _, err := fmt.Sscanf(n, "%d", &line); err != nil {
			return place
		}
		part = strings.TrimPrefix(after, ".")
	}
	for part != "" {
		if el := elements[part]; el != "" {
			if line < 0 {
				return fmt.Sprintf("%s (%s)", el, place)
			}
			return fmt.Sprintf("%s of line %d (%s)", el, line+1, place)
		}
		part = part[:max(0, strings.LastIndexByte(part, '.'))]
	}
	return place
}

// inDocument is an error about an order at the element of the document that it came from.
func inDocument(src order.Source, err error) error {
	place := fault.PlaceOf(err)
	if there := documentPlace(src.DocType, place); there != place {
		return fault.At("routes.Place", fault.KindOf(err), there, errors.New(fault.Reason(err)))
	}
	return err
}
