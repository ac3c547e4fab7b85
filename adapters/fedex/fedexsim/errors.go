package fedexsim

import (
	"net/http"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// refusal is a FedEx error: its code and its words.
type refusal struct{ code, message string }

// In the contract's examples, or seen in public reports and recorded answers.
var (
	badToken    = refusal{"NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again."}
	badClient   = refusal{"NOT.AUTHORIZED.ERROR", "The given client credentials were not valid. Please modify your request and try again."}
	forbidden   = refusal{"FORBIDDEN.ERROR", "We could not authorize your credentials. Please check your permissions and try again."}
	internal    = refusal{"INTERNAL.SERVER.ERROR", "We encountered an unexpected error and are working to resolve the issue."}
	unavailable = refusal{"SERVICE.UNAVAILABLE.ERROR", "The service is currently unavailable and we are working to resolve the issue."}
	mismatch    = refusal{"ACCOUNT.NUMBER.MISMATCH", "The account number does not belong to these credentials."}
	noService   = refusal{"SERVICETYPE.NOT.ALLOWED", "The service type is not allowed between these places."}
	badPhone    = refusal{"RECIPIENTCONTACT.PHONENUMBER.INVALID", "Please provide a valid phone number."}
	noNumber    = refusal{"TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number."}
	unknownTN   = refusal{"TRACKING.TRACKINGNUMBER.NOTFOUND", "Tracking number cannot be found. Please correct the tracking number and try again."}
	unknownRef  = refusal{"TRACKING.REFERENCENUMBER.NOTFOUND", "Reference number cannot be found. Please correct the reference number and try again."}
	badRefType  = refusal{"TRACKING.REFERENCETYPE.INVALID", "Please provide a valid reference/associated type"}
)

// Authored: the contract gives the shape of an error and no list of them.
var (
	tooMany      = refusal{"TOO.MANY.REQUESTS", "We have received too many requests in a short time."}
	badGrant     = refusal{"BAD.REQUEST.ERROR", "Missing or invalid grant_type."}
	malformed    = refusal{"INVALID.INPUT.EXCEPTION", "Invalid field value in the input"}
	postalState  = refusal{"RECIPIENT.POSTALSTATE.MISMATCH", "The recipient's postal code is not in the recipient's state."}
	unknownShip  = refusal{"SHIPMENT.TRACKINGNUMBER.NOTFOUND", "The shipment to cancel cannot be found."}
	tendered     = refusal{"SHIPMENT.ALREADY.TENDERED", "The shipment was tendered to FedEx and cannot be cancelled."}
	voidedBefore = refusal{"SHIPMENT.ALREADY.CANCELLED", "The shipment was cancelled before."}
	badDates     = refusal{"TRACKING.SHIPDATE.INVALID", "Please provide a valid range of ship dates."}
	noAccount    = refusal{"TRACKING.ACCOUNTNUMBER.EMPTY", "Please provide the account number, or the destination's country and postal code."}
)

// bad is the refusal of a member, authored.
func bad(member, what string) *refusal { return &refusal{member + ".INVALID", what} }

const transaction = "5f0c1a9e-0000-4000-8000-000000000001"

// refuse is an answer in the shape that every FedEx API shares.
func refuse(status int, no refusal) simhttp.Answer {
	return simhttp.Answer{Status: status, Body: map[string]any{
		"transactionId": transaction, "errors": []map[string]string{{"code": no.code, "message": no.message}},
	}}
}

// plainly is FedEx's answer with a status that no operation gives by itself.
func plainly(status int) simhttp.Answer {
	return refuse(status, map[int]refusal{
		http.StatusBadRequest: malformed, http.StatusTooManyRequests: tooMany,
		http.StatusInternalServerError: internal, http.StatusServiceUnavailable: unavailable,
	}[status])
}
