package uspssim

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
)

type place struct {
	FirstName        string `json:"firstName"`
	LastName         string `json:"lastName"`
	Firm             string `json:"firm"`
	StreetAddress    string `json:"streetAddress"`
	SecondaryAddress string `json:"secondaryAddress"`
	City             string `json:"city"`
	State            string `json:"state"`
	ZIPCode          string `json:"ZIPCode"`
	ZIPPlus4         string `json:"ZIPPlus4"`
	Phone            string `json:"phone"`
	Email            string `json:"email"`
	IgnoreBadAddress bool   `json:"ignoreBadAddress"`
}

var (
	fiveDigits = regexp.MustCompile(`^\d{5}$`)
	fourDigits = regexp.MustCompile(`^\d{4}$`)
	tenDigits  = regexp.MustCompile(`^\d{10}$`)
	zipOrPlus4 = regexp.MustCompile(`^\d{5}(?:[-\s]\d{4})?$`)
	keyForm    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// address checks a place of a label; at is its name in the request.
func address(at string, p *place) *refusal {
	switch {
	case p == nil:
		return bad(at, "The address is required.")
	case !simcarrier.Within(p.StreetAddress, 1, 50):
		return bad(at+".streetAddress", "The street address has 1 to 50 characters.")
	case !simcarrier.Within(p.SecondaryAddress, 0, 50):
		return bad(at+".secondaryAddress", "The secondary address has 50 characters at most.")
	case !simcarrier.Within(p.City, 1, 28):
		return bad(at+".city", "The city has 1 to 28 characters.")
	case p.State != "PR" && !simcarrier.State(p.State):
		return bad(at+".state", "The state is not known.")
	case !fiveDigits.MatchString(p.ZIPCode):
		return bad(at+".ZIPCode", "The ZIP Code has five digits.")
	case p.ZIPPlus4 != "" && !fourDigits.MatchString(p.ZIPPlus4):
		return bad(at+".ZIPPlus4", "The ZIP+4 has four digits.")
	case p.Phone != "" && !tenDigits.MatchString(p.Phone):
		return bad(at+".phone", "The phone number has ten digits.")
	case p.Firm == "" && (p.FirstName == "" || p.LastName == ""), !simcarrier.Within(p.Firm+p.FirstName+p.LastName, 1, 150):
		return bad(at+".firstName", "The first and last name, or the firm, is required.")
	case p.State == "PR" && p.ZIPCode[:2] != "00", p.State != "PR" && !simcarrier.InState(p.State, p.ZIPCode):
		no := wrongState
		no.param = at + ".ZIPCode"
		return &no
	}
	return nil
}

type picture struct {
	ImageType        string `json:"imageType"`
	LabelType        string `json:"labelType"`
	ReceiptOption    string `json:"receiptOption"`
	SuppressPostage  *bool  `json:"suppressPostage"`
	SuppressMailDate *bool  `json:"suppressMailDate"`
}

// format is how the truth calls what a picture asks for.
func (p *picture) format(reprint bool) (string, *refusal) {
	if p == nil {
		return "PDF", nil
	}
	format, known := map[string]string{"": "PDF", "PDF": "PDF", "PNG": "PNG", "GIF": "GIF", "ZPL203DPI": "ZPL", "ZPL300DPI": "ZPL"}[p.ImageType]
	switch {
	case !known:
		return "", bad("imageInfo.imageType", "The image type is not drawn here.")
	case !slices.Contains([]string{"", "4X4LABEL", "4X5LABEL", "4X6LABEL", "6X4LABEL"}, p.LabelType):
		return "", bad("imageInfo.labelType", "The label type is not valid.")
	case reprint && p.ReceiptOption != "":
		return "", &malformed
	case !reprint && !slices.Contains([]string{"", "SAME_PAGE", "SEPARATE_PAGE", "NONE"}, p.ReceiptOption):
		return "", bad("imageInfo.receiptOption", "The receipt option is not valid.")
	case !reprint && format == "ZPL" && p.ReceiptOption != "NONE" && p.ReceiptOption != "SEPARATE_PAGE":
		return "", bad("imageInfo.receiptOption", "ZPL has no receipt on the same page.")
	}
	return format, nil
}

// mailed checks a mailing date: today where the mail leaves, or up to days later.
func mailed(at, date string, now time.Time, days int) *refusal {
	day, err := time.Parse(time.DateOnly, date)
	today := now.UTC().Add(-5 * time.Hour).Truncate(24 * time.Hour)
	if err != nil || day.Before(today) || day.After(today.AddDate(0, 0, days)) {
		return bad(at+"mailingDate", fmt.Sprintf("The mailing date is today or up to %d days in advance.", days))
	}
	return nil
}
