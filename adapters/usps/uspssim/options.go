package uspssim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

// everything is the mail class of a question about all of them.
const everything = "ALL_OUTBOUND"

type optionsRequest struct {
	PricingOptions []struct {
		PriceType string `json:"priceType"`
	} `json:"pricingOptions"`
	OriginZIPCode                string `json:"originZIPCode"`
	DestinationZIPCode           string `json:"destinationZIPCode"`
	DestinationEntryFacilityType string `json:"destinationEntryFacilityType"`
	PackageDescription           *struct {
		Weight      simcarrier.Hundredths `json:"weight"`
		Length      simcarrier.Hundredths `json:"length"`
		Width       simcarrier.Hundredths `json:"width"`
		Height      simcarrier.Hundredths `json:"height"`
		MailClass   string                `json:"mailClass"`
		MailingDate string                `json:"mailingDate"`
	} `json:"packageDescription"`
}

// options prices a package in all the ways in which it may go.
func (s *Sim) options(_ *http.Request, body []byte) (simhttp.Answer, *refusal) {
	var doc optionsRequest
	if err := simhttp.Strict(body, &doc); err != nil || doc.PackageDescription == nil || len(doc.PricingOptions) == 0 {
		return simhttp.Answer{}, &malformed
	}
	d := doc.PackageDescription
	p := piece{int64(d.Weight), int64(d.Length), int64(d.Width), int64(d.Height)}
	const at = "packageDescription."
	_, known := classes[d.MailClass]
	switch {
	case !zipOrPlus4.MatchString(doc.OriginZIPCode):
		return simhttp.Answer{}, bad("originZIPCode", "The ZIP Code is not valid.")
	case !zipOrPlus4.MatchString(doc.DestinationZIPCode):
		return simhttp.Answer{}, bad("destinationZIPCode", "The ZIP Code is not valid.")
	case doc.DestinationEntryFacilityType != "" && doc.DestinationEntryFacilityType != "NONE":
		return simhttp.Answer{}, bad("destinationEntryFacilityType", "The simulator has no facilities.")
	case !known && d.MailClass != everything:
		return simhttp.Answer{}, bad(at+"mailClass", "The mail class is not valid.")
	}
	no := p.limits(at)
	if no == nil && d.MailingDate != "" {
		no = mailed(at, d.MailingDate, s.opts.Now(), 30)
	}
	if no != nil {
		return simhttp.Answer{}, no
	}
	var priced []any
	for i, o := range doc.PricingOptions {
		kind := cmp.Or(o.PriceType, "COMMERCIAL")
		if kind != "COMMERCIAL" && kind != "RETAIL" {
			return simhttp.Answer{}, bad(fmt.Sprintf("pricingOptions[%d].priceType", i), "The price type is not valid here.")
		}
		priced = append(priced, map[string]any{"priceType": kind, "shippingOptions": s.shipping(doc, kind, p)})
	}
	return simhttp.OK(map[string]any{
		"originZIPCode": doc.OriginZIPCode, "destinationZIPCode": doc.DestinationZIPCode, "pricingOptions": priced,
	}), nil
}

func (s *Sim) shipping(doc optionsRequest, kind string, p piece) []any {
	var names []string
	for name := range classes {
		if doc.PackageDescription.MailClass == everything || doc.PackageDescription.MailClass == name {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	all := []any{}
	for _, name := range names {
		var rates []any
		for _, indicator := range classes[name].indicators {
			for _, category := range []string{"MACHINABLE", "NONSTANDARD", "FLATS"} {
				// Retail has no cubic prices.
				if offered("", name, indicator, category, p) == nil && (kind != "RETAIL" || indicator != "CP") {
					rates = append(rates, s.rated(doc, kind, name, indicator, category, p))
				}
			}
		}
		if rates != nil {
			all = append(all, map[string]any{"mailClass": name, "rateOptions": rates})
		}
	}
	return all
}

func (s *Sim) rated(doc optionsRequest, kind, name, indicator, category string, p piece) any {
	c := classes[name]
	price := postage(name, indicator, kind, doc.OriginZIPCode, doc.DestinationZIPCode, p)
	total := price
	for _, f := range p.fees() {
		total += int64(f.Price)
	}
	return map[string]any{
		"commitment":     commitment(c, s.opts.Now()),
		"totalBasePrice": cents(total), "totalPrice": cents(total),
		"rates": []any{map[string]any{
			"description": c.name + " " + indicator, "startDate": "2026-07-12", "endDate": "", "price": cents(price), "fees": p.fees(),
			"zone": fmt.Sprintf("%02d", zone(doc.OriginZIPCode, doc.DestinationZIPCode)), "weight": cents(p.weight), "dimWeight": 0,
			"priceType": kind, "mailClass": name, "productName": c.name, "processingCategory": category, "rateIndicator": indicator,
			"destinationEntryFacilityType": "NONE", "SKU": "DXXX0XXXXC00000",
		}},
		"extraServices": []any{map[string]any{"name": "USPS Tracking", "price": 0, "extraService": "920", "priceType": kind, "warnings": []any{}, "SKU": "DXTP0EXXXCX0000"}},
	}
}

func commitment(c class, now time.Time) any {
	name := fmt.Sprintf("%d Days", c.days)
	if c.days == 1 {
		name = "1 Day"
	}
	day := now.UTC().AddDate(0, 0, c.days).Format(time.DateOnly)
	return map[string]any{"name": name, "scheduleDeliveryDate": day, "expectedDeliveryDate": day, "guaranteedDelivery": c.days == 1}
}
