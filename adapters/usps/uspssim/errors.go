package uspssim

import (
	"net/http"
	"strconv"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// refusal is a USPS error: its status, the code of the fault, its words and the
// part of the request that it is about.
type refusal struct {
	status             int
	code, words, param string
}

// Seen in production by others, in September 2026.
var (
	unknownKey = refusal{http.StatusBadRequest, "160412", "No label was made under the key for a mailing date of the last 7 days", "Header: X-Idempotency-Key"}
	cancelled  = refusal{http.StatusBadRequest, "160979", "A cancelled label is not printed again", "trackingNumber"}
	unknownTN  = refusal{http.StatusBadRequest, "160378", "No label was made under the tracking number", "trackingNumber"}
)

// SpentCode is the code of a label that was printed three times more. Authored.
const SpentCode = "160990"

// Authored: the contracts give the shape of an error, and of these no code.
var (
	badToken    = refusal{http.StatusUnauthorized, "401", "The access token is not valid", "Header: Authorization"}
	badPayment  = refusal{http.StatusUnauthorized, "160001", "The payment authorization is not valid", "Header: X-Payment-Authorization-Token"}
	tooMany     = refusal{http.StatusTooManyRequests, "429", "Too many requests in this hour", ""}
	malformed   = refusal{http.StatusBadRequest, "010005", "The document does not fit the contract", ""}
	internal    = refusal{http.StatusInternalServerError, "500", "An unexpected error occurred", ""}
	unavailable = refusal{http.StatusServiceUnavailable, "503", "The service is not available", ""}
	unknownSale = refusal{http.StatusBadRequest, "160500", "Order not found", "trackingNumber"}
	disputed    = refusal{http.StatusBadRequest, "160501", "A refund was asked for already today", "trackingNumber"}
	spent       = refusal{http.StatusBadRequest, SpentCode, "The label was printed again three times", "trackingNumber"}
	late        = refusal{http.StatusBadRequest, "160991", "The mailing date of the label is past", "trackingNumber"}
	otherBody   = refusal{http.StatusBadRequest, "160992", "The key was used with another request", "Header: X-Idempotency-Key"}
	notTracked  = refusal{http.StatusNotFound, "150001", "There is no tracking information yet", "trackingNumber"}
	wrongState  = refusal{http.StatusBadRequest, "160200", "The ZIP Code is not in the state", "toAddress.ZIPCode"}
)

// bad is the refusal of a member, authored.
func bad(param, words string) *refusal {
	return &refusal{http.StatusBadRequest, "010004", words, param}
}

// refuse is an answer in the shape that every USPS service shares.
func refuse(service string, no refusal) simhttp.Answer {
	one := map[string]any{"title": http.StatusText(no.status), "detail": no.words, "code": no.code}
	if no.param != "" {
		one["source"] = map[string]string{"parameter": no.param}
	}
	return simhttp.Answer{Status: no.status, Body: map[string]any{
		"apiVersion": service, "error": map[string]any{
			"code": strconv.Itoa(no.status), "message": http.StatusText(no.status), "errors": []any{one},
		},
	}}
}

// plainly is USPS's answer with a status that no operation gives by itself.
func plainly(status int) simhttp.Answer {
	a := refuse("", map[int]refusal{
		http.StatusBadRequest: malformed, http.StatusTooManyRequests: tooMany,
		http.StatusInternalServerError: internal, http.StatusServiceUnavailable: unavailable,
	}[status])
	if status == http.StatusTooManyRequests {
		a.After = 30
	}
	return a
}
