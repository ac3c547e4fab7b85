package shopify

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// OwnHold is the handle of the one hold that we put on a fulfilment order.
const OwnHold = "paklog"

const (
	accept = `mutation PakLogAccept($id: ID!, $message: String) {
  answer: fulfillmentOrderAcceptFulfillmentRequest(id: $id, message: $message) { userErrors { field message } }
}`
	reject = `mutation PakLogReject($id: ID!, $message: String) {
  answer: fulfillmentOrderRejectFulfillmentRequest(id: $id, message: $message) { userErrors { field message } }
}`
	acceptCancel = `mutation PakLogAcceptCancel($id: ID!, $message: String) {
  answer: fulfillmentOrderAcceptCancellationRequest(id: $id, message: $message) { userErrors { field message } }
}`
	rejectCancel = `mutation PakLogRejectCancel($id: ID!, $message: String) {
  answer: fulfillmentOrderRejectCancellationRequest(id: $id, message: $message) { userErrors { field message } }
}`
	holdWork = `mutation PakLogHold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  answer: fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) { userErrors { field message code } }
}`
	releaseWork = `mutation PakLogRelease($id: ID!, $holds: [ID!]) {
  answer: fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { userErrors { field message code } }
}`
)

// ReadStanding reads where a fulfilment order stands; variables: id.
const ReadStanding = `query PakLogStanding($id: ID!) {
  fulfillmentOrder(id: $id) { id status requestStatus fulfillmentHolds { id handle } }
}`

// Standing is where a fulfilment order stands.
type Standing struct {
	status, request string
	own             []string // our holds
}

// ToStanding reads the answer to [ReadStanding].
func ToStanding(data []byte) (Standing, error) {
	const op = "shopify.ToStanding"
	var d struct {
		One *struct {
			Status  string `json:"status"`
			Request string `json:"requestStatus"`
			Holds   []struct {
				ID     string `json:"id"`
				Handle string `json:"handle"`
			} `json:"fulfillmentHolds"`
		} `json:"fulfillmentOrder"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Standing{}, unreadable(op, err)
	}
	if d.One == nil {
		return Standing{}, fault.E(op, fault.Rejected, errors.New("the fulfilment order is not there"))
	}
	s := Standing{status: d.One.Status, request: d.One.Request}
	for _, h := range d.One.Holds {
		if h.Handle == OwnHold {
			s.own = append(s.own, h.ID)
		}
	}
	return s, nil
}

// Is reports whether the fulfilment order stands as an answer wants it to: it was given before.
func (s Standing) Is(do string) bool {
	switch do {
	case shop.Accept:
		return s.request == "ACCEPTED"
	case shop.Reject:
		return s.request == "REJECTED"
	case shop.AcceptCancel:
		return s.request == "CANCELLATION_ACCEPTED"
	case shop.RejectCancel:
		return s.request == "CANCELLATION_REJECTED"
	case shop.Hold:
		return len(s.own) > 0
	}
	return len(s.own) == 0
}

// FromAnswer is the call that gives an answer to a fulfilment order that stands so.
func FromAnswer(a shop.Answer, s Standing) (document string, variables map[string]any, err error) {
	const op = "shopify.FromAnswer"
	if kind(a.Work) != "FulfillmentOrder" {
		return "", nil, fault.At(op, fault.Invalid, "work", fmt.Errorf("%q is no fulfilment order", a.Work))
	}
	variables = map[string]any{"id": a.Work}
	switch a.Do {
	case shop.Hold:
		variables["hold"] = map[string]any{"reason": "OTHER", "reasonNotes": clip(a.Reason, 255), "handle": OwnHold}
		return holdWork, variables, nil
	case shop.Release:
		variables["holds"] = s.own
		return releaseWork, variables, nil
	}
	document = map[string]string{shop.Accept: accept, shop.Reject: reject, shop.AcceptCancel: acceptCancel, shop.RejectCancel: rejectCancel}[a.Do]
	if document == "" {
		return "", nil, fault.At(op, fault.Invalid, "do", fmt.Errorf("%q is no answer to a fulfilment order", a.Do))
	}
	if a.Reason != "" {
		variables["message"] = clip(a.Reason, 255)
	}
	return document, variables, nil
}

// ToAnswered reads the answer to a call of [FromAnswer].
func ToAnswered(data []byte) error {
	const op = "shopify.ToAnswered"
	var d struct {
		Answer *struct {
			Errors []userError `json:"userErrors"`
		} `json:"answer"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return unreadable(op, err)
	}
	if d.Answer == nil {
		return unreadable(op, errors.New("it says nothing of the answer"))
	}
	return refused(op, d.Answer.Errors)
}
