package ups

import (
	"strings"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// AddressRequest is the body of POST /addressvalidation/v2/3.
type AddressRequest struct {
	XAVRequest struct{ AddressKeyFormat addressKey }
}

type addressKey struct {
	AddressLine         []string
	PoliticalDivision2  string `json:",omitempty"` // city
	PoliticalDivision1  string `json:",omitempty"` // state
	PostcodePrimaryLow  string `json:",omitempty"`
	PostcodeExtendedLow string `json:",omitempty"` // the four of ZIP+4
	CountryCode         string
}

// FromAddress asks about a. UPS checks streets of the US and Puerto Rico alone.
func FromAddress(a party.Address) (AddressRequest, error) {
	e := carrierdoc.Checker{Carrier: "UPS"}
	if a.Country != "US" && a.Country != "PR" {
		e.Add("country", "UPS checks addresses of the US and Puerto Rico, not of %q", a.Country)
	}
	if len(a.Lines) == 0 {
		e.Add("lines", "names no street")
	}
	var req AddressRequest
	k := &req.XAVRequest.AddressKeyFormat
	k.AddressLine = e.Lines("lines", a.Lines, 3, 100)
	k.PoliticalDivision2 = e.Length("city", a.City, 30)
	k.PoliticalDivision1 = e.Length("region", a.Region, 30)
	zip := e.Length("postal_code", carrierdoc.Postal(a.PostalCode), 9)
	k.PostcodePrimaryLow = zip
	if len(zip) == 9 {
		k.PostcodePrimaryLow, k.PostcodeExtendedLow = zip[:5], zip[5:]
	}
	if zip == "" && (a.City == "" || a.Region == "") {
		e.Add("postal_code", "is empty, and so is the city or the region: UPS needs one or the other")
	}
	k.CountryCode = a.Country
	return req, e.Err("ups.FromAddress")
}

// ToAddressCheck reads UPS's answer. Exactly one of its three indicators must be
// there: an answer with none or several says nothing.
func ToAddressCheck(body []byte, connection string) (ship.AddressCheck, error) {
	const op = "ups.ToAddressCheck"
	var doc struct {
		XAVResponse *struct {
			ValidAddressIndicator, AmbiguousAddressIndicator, NoCandidatesIndicator *carrierdoc.Text

			Candidate carrierdoc.List[struct {
				AddressClassification struct{ Code carrierdoc.Text }
				AddressKeyFormat      struct {
					AddressLine carrierdoc.List[carrierdoc.Text]

					PoliticalDivision2, PoliticalDivision1, PostcodePrimaryLow, PostcodeExtendedLow, CountryCode carrierdoc.Text
				}
			}]
		}
	}
	out := ship.AddressCheck{Connection: connection, Candidates: []ship.AddressCandidate{}}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return out, err
	}
	if doc.XAVResponse == nil {
		return out, carrierdoc.Invalid(op, "XAVResponse", "is missing")
	}
	said := 0
	for _, v := range []struct {
		there   *carrierdoc.Text
		verdict ship.Verdict
	}{
		{doc.XAVResponse.ValidAddressIndicator, ship.Deliverable},
		{doc.XAVResponse.AmbiguousAddressIndicator, ship.Ambiguous},
		{doc.XAVResponse.NoCandidatesIndicator, ship.Undeliverable},
	} {
		if v.there != nil {
			out.Verdict = v.verdict
			said++
		}
	}
	if said != 1 {
		return out, carrierdoc.Invalid(op, "XAVResponse", "has %d of the indicators valid, ambiguous and no candidates, want one", said)
	}
	for _, c := range doc.XAVResponse.Candidate {
		k := c.AddressKeyFormat
		a := ship.AddressCandidate{
			Lines: []string{}, City: string(k.PoliticalDivision2), Region: string(k.PoliticalDivision1),
			PostalCode: strings.TrimSuffix(string(k.PostcodePrimaryLow)+"-"+string(k.PostcodeExtendedLow), "-"), Country: string(k.CountryCode),
			Use: map[carrierdoc.Text]string{"1": "commercial", "2": "residential"}[c.AddressClassification.Code],
		}
		for _, l := range k.AddressLine {
			a.Lines = append(a.Lines, string(l))
		}
		out.Candidates = append(out.Candidates, a)
	}
	return out, nil
}
