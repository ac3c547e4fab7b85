package usps

import (
	"errors"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// Account is whose mail it is and who pays for it.
type Account struct {
	CRID        string // customer registration ID of the business at its place
	MID         string // mailer ID whose range the tracking numbers are of: six or nine digits
	ManifestMID string // mailer ID of the manifest
	Number      string // account of the Enterprise Payment System
}

// PaymentRequest is the body of POST /payments/v3/payment-authorization.
type PaymentRequest struct {
	Roles []role `json:"roles"`
}

type role struct {
	RoleName      string `json:"roleName"`
	CRID          string `json:"CRID"`
	MID           string `json:"MID"`
	ManifestMID   string `json:"manifestMID"`
	AccountType   string `json:"accountType,omitempty"`
	AccountNumber string `json:"accountNumber,omitempty"`
}

// FromAccount asks for the right to buy labels that a pays for and owns.
func FromAccount(a Account) PaymentRequest {
	one := role{CRID: a.CRID, MID: a.MID, ManifestMID: a.ManifestMID}
	payer, owner := one, one
	payer.RoleName, payer.AccountType, payer.AccountNumber = "PAYER", "EPS", a.Number
	owner.RoleName = "LABEL_OWNER"
	return PaymentRequest{[]role{payer, owner}}
}

// ToPayment reads the token of a payment authorization. It lives eight hours; the
// answer does not say so.
func ToPayment(body []byte) (string, error) {
	const op = "usps.ToPayment"
	var doc struct{ PaymentAuthorizationToken carrierdoc.Text }
	// The body may hold the token: keep it out of the error.
	if carrierdoc.Decode(op, body, &doc) != nil || doc.PaymentAuthorizationToken == "" {
		return "", fault.At(op, fault.Invalid, "paymentAuthorizationToken", errors.New("is not in the answer"))
	}
	return string(doc.PaymentAuthorizationToken), nil
}
