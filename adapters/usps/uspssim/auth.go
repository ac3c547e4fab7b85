package uspssim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// token is the client-credentials grant, as JSON, or as the form of RFC 6749 §4.4.2 that other clients send.
func (s *Sim) token(r *http.Request, body []byte) simhttp.Answer {
	var doc struct {
		GrantType    string `json:"grant_type"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Scope        string `json:"scope"`
	}
	no := func(status int, code, words string) simhttp.Answer {
		return simhttp.Answer{Status: status, Body: map[string]string{
			"error": code, "error_description": words, "error_uri": "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2",
		}}
	}
	var err error
	switch r.Header.Get("Content-Type") {
	case "application/json":
		err = simhttp.Strict(body, &doc)
	case "application/x-www-form-urlencoded":
		var form url.Values
		form, err = url.ParseQuery(string(body))
		doc.GrantType, doc.ClientID, doc.ClientSecret = form.Get("grant_type"), form.Get("client_id"), form.Get("client_secret")
	default:
		err = errors.New("neither JSON nor a form")
	}
	switch {
	case err != nil:
		return no(http.StatusBadRequest, "invalid_request", "The request is not a grant.")
	case doc.GrantType != "client_credentials":
		return no(http.StatusBadRequest, "unsupported_grant_type", "Want client_credentials.")
	case doc.ClientID != s.opts.ClientID || doc.ClientSecret != s.opts.ClientSecret:
		return no(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	}
	return simhttp.OK(map[string]any{
		"access_token": s.Grant(s.opts.Now().Add(s.opts.TokenLife)), "token_type": "Bearer", "status": "approved",
		"expires_in": int(s.opts.TokenLife / time.Second), "issuer": "simulated", "client_id": doc.ClientID,
		"scope": "addresses payments shipments labels tracking",
	})
}

type party struct {
	RoleName      string `json:"roleName"`
	CRID          string `json:"CRID"`
	MID           string `json:"MID"`
	ManifestMID   string `json:"manifestMID"`
	AccountType   string `json:"accountType"`
	AccountNumber string `json:"accountNumber"`
	PermitNumber  string `json:"permitNumber"`
	PermitZIP     string `json:"permitZIP"`
}

// pay authorizes eight hours of purchases.
func (s *Sim) pay(_ *http.Request, body []byte) (simhttp.Answer, *refusal) {
	var doc struct {
		Roles []party `json:"roles"`
	}
	if err := simhttp.Strict(body, &doc); err != nil || len(doc.Roles) == 0 {
		return simhttp.Answer{}, &malformed
	}
	seen := map[string]bool{}
	for i, p := range doc.Roles {
		at := fmt.Sprintf("roles[%d].", i)
		if seen[p.RoleName] {
			return simhttp.Answer{}, bad(at+"roleName", "Each role must only be used once.")
		}
		seen[p.RoleName] = true
		switch p.RoleName {
		case "PAYER":
			if p.AccountType != "EPS" || p.AccountNumber != Account {
				return simhttp.Answer{}, bad(at+"accountNumber", "The account is not active.")
			}
		case "LABEL_OWNER":
			if p.MID != MID || p.ManifestMID != MID {
				return simhttp.Answer{}, bad(at+"MID", "The MID is not enrolled in USPS Ship Outbound.")
			}
		case "RATE_HOLDER", "SHIPPER", "MAIL_OWNER", "PLATFORM":
		default:
			return simhttp.Answer{}, bad(at+"roleName", "The role is not known.")
		}
		if p.CRID != CRID {
			return simhttp.Answer{}, bad(at+"CRID", "The CRID is not yours.")
		}
	}
	if !seen["PAYER"] || !seen["LABEL_OWNER"] {
		return simhttp.Answer{}, bad("roles", "PAYER and LABEL_OWNER are required.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value := fmt.Sprintf("sim-payment-%d", len(s.payments)+1)
	s.payments[value] = s.opts.Now().Add(8 * time.Hour)
	return simhttp.OK(map[string]any{"paymentAuthorizationToken": value, "roles": doc.Roles}), nil
}

// RevokePayments makes every payment authorization invalid at once.
func (s *Sim) RevokePayments() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for value := range s.payments {
		s.payments[value] = time.Time{}
	}
}
