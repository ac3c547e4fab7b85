package upssim

import (
	"net/http"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// refusal is a UPS error: its code and its words.
type refusal struct{ code, message string }

// Seen in public reports or recorded answers.
var (
	badToken     = refusal{"250002", "Invalid Authentication Information."}
	badClient    = refusal{"10401", "ClientId is Invalid"}
	tooMany      = refusal{"10429", "Too Many Requests"}
	badInquiry   = refusal{"TV1002", "Invalid inquiry number"}
	refNotHere   = refusal{"120541", "Shipment/ReferenceNumber is not allowed for this shipment"}
	badService   = refusal{"121100", "The requested service is invalid for the shipment origin"}
	badShipperNo = refusal{"120100", "Missing or invalid shipper number"}
)

// Seen in production by others, in September 2026.
var (
	noLabel    = refusal{"9801031", "No label was found for the tracking or reference number"}
	voidedSale = refusal{"9801040", "The shipment whose label is asked for has been voided"}
)

// Authored: the contract gives the shape of an error and no list of them.
var (
	badGrant        = refusal{"10400", "Invalid/Missing grant_type"}
	blockedMerchant = refusal{"10403", "Blocked Merchant"}
	badVersion      = refusal{"9210000", "The version in the request is not supported"}
	malformed       = refusal{"9380216", "Missing or invalid request: the body is not the document that is expected"}
	internal        = refusal{"10001", "Internal server error"}
	unavailable     = refusal{"10003", "The service is temporarily unavailable"}
	badAddressCheck = refusal{"120802", "Address Validation Error on ShipTo address"}
	badRateService  = refusal{"111100", "The requested service is invalid from the selected origin."}
	badOption       = refusal{"110002", "Missing or invalid request option"}
	unknownShipment = refusal{"190102", "No shipment found within the allowed void period"}
	tooLateToVoid   = refusal{"190101", "Time for voiding has expired."}
	voidedBefore    = refusal{"190117", "The shipment has already been voided"}
	labelFormat     = refusal{"300102", "Missing or invalid label image format"}
	badLookup       = refusal{"300100", "Either a tracking number or a reference number with a shipper number is required"}
	missingTransID  = refusal{"TV0001", "Missing transId or transactionSrc"}
)

func bad(code, what string) *refusal { return &refusal{code, "Missing or invalid " + what} }

// refuse is an answer in the shape that every UPS API shares.
func refuse(status int, rs ...refusal) simhttp.Answer {
	errs := make([]map[string]string, 0, len(rs))
	for _, r := range rs {
		errs = append(errs, map[string]string{"code": r.code, "message": r.message})
	}
	return simhttp.Answer{Status: status, Body: map[string]any{"response": map[string]any{"errors": errs}}}
}

// plainly is UPS's answer with a status that no operation gives by itself.
func plainly(status int) simhttp.Answer {
	return refuse(status, map[int]refusal{
		http.StatusBadRequest: malformed, http.StatusTooManyRequests: tooMany,
		http.StatusInternalServerError: internal, http.StatusServiceUnavailable: unavailable,
	}[status])
}
