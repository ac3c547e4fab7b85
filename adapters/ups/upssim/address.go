package upssim

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

type addressQuestion struct {
	XAVRequest *struct {
		AddressKeyFormat *struct {
			ConsigneeName, AttentionName, Region, Urbanization string
			AddressLine                                        []string
			PoliticalDivision2, PoliticalDivision1             string
			PostcodePrimaryLow, PostcodeExtendedLow            string
			CountryCode                                        string
		}
	}
}

// checkAddress is street level validation. Which places exist is authored: a
// street with a house number in a state that has the postal code does, one
// without a number is ambiguous, and nothing else is known.
func (s *Sim) checkAddress(r *http.Request, body []byte) simhttp.Answer {
	var doc addressQuestion
	if err := simhttp.Strict(body, &doc); err != nil || doc.XAVRequest == nil || doc.XAVRequest.AddressKeyFormat == nil {
		return refuse(http.StatusBadRequest, malformed)
	}
	if o := r.PathValue("option"); o != "1" && o != "2" && o != "3" {
		return refuse(http.StatusBadRequest, badOption)
	}
	k := doc.XAVRequest.AddressKeyFormat
	for _, f := range []struct {
		v    string
		most int
	}{{k.PoliticalDivision2, 30}, {k.PoliticalDivision1, 30}, {k.PostcodePrimaryLow, 10}, {k.PostcodeExtendedLow, 10}} {
		if utf8.RuneCountInString(f.v) > f.most {
			return refuse(http.StatusBadRequest, malformed)
		}
	}
	if k.CountryCode != "US" && k.CountryCode != "PR" || len(k.AddressLine) == 0 || len(k.AddressLine) > 3 {
		return refuse(http.StatusBadRequest, malformed)
	}
	for _, l := range k.AddressLine {
		if n := utf8.RuneCountInString(l); n == 0 || n > 100 {
			return refuse(http.StatusBadRequest, malformed)
		}
	}
	out := map[string]any{"Response": map[string]any{"ResponseStatus": map[string]string{"Code": "1", "Description": "Success"}}}
	if !simcarrier.InState(k.PoliticalDivision1, k.PostcodePrimaryLow) {
		out["NoCandidatesIndicator"] = ""
		return simhttp.OK(map[string]any{"XAVResponse": out})
	}
	var lines []string
	for _, l := range k.AddressLine {
		lines = append(lines, strings.ToUpper(l))
	}
	use := map[string]string{"Code": "2", "Description": "Residential"}
	if strings.Contains(strings.Join(lines, " "), "STE ") {
		use = map[string]string{"Code": "1", "Description": "Commercial"}
	}
	if strings.ContainsAny(lines[0], "0123456789") {
		out["ValidAddressIndicator"] = ""
	} else {
		out["AmbiguousAddressIndicator"] = ""
	}
	out["Candidate"] = []any{map[string]any{"AddressClassification": use, "AddressKeyFormat": map[string]any{
		"AddressLine": lines, "PoliticalDivision2": strings.ToUpper(k.PoliticalDivision2), "PoliticalDivision1": k.PoliticalDivision1,
		"PostcodePrimaryLow": k.PostcodePrimaryLow, "PostcodeExtendedLow": "0001", "CountryCode": k.CountryCode,
	}}}
	return simhttp.OK(map[string]any{"XAVResponse": out})
}
