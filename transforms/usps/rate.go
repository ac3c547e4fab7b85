package usps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// OptionsRequest is the body of POST /shipments/v3/options/search.
type OptionsRequest struct {
	PricingOptions []pricing      `json:"pricingOptions"`
	Origin         string         `json:"originZIPCode"`
	Destination    string         `json:"destinationZIPCode"`
	EntryFacility  string         `json:"destinationEntryFacilityType"`
	Package        optionsPackage `json:"packageDescription"`
}

type pricing struct {
	PriceType string `json:"priceType"`
}

type optionsPackage struct {
	Weight      json.Number `json:"weight"`
	Length      int64       `json:"length"`
	Width       int64       `json:"width"`
	Height      int64       `json:"height"`
	MailClass   string      `json:"mailClass"`
	MailingDate string      `json:"mailingDate"`
}

// Price types: who has an account pays the first, anybody the second.
const (
	commercial = "COMMERCIAL"
	retail     = "RETAIL"
)

const noFacility = "NONE"

// FromRate asks for p's price when it is mailed on day, with its service or, where
// it names none, with all. Both price types are asked for in one call: USPS counts calls.
func FromRate(p ship.Parcel, day time.Time) (OptionsRequest, error) {
	e := newChecker()
	e.within(p)
	m := e.measures(p)
	class := "ALL_OUTBOUND"
	if p.Service != "" {
		class = e.offer(p, m).class
	}
	req := OptionsRequest{
		PricingOptions: []pricing{{commercial}, {retail}}, EntryFacility: noFacility,
		Package: optionsPackage{
			Weight: hundredths(m.Weight), Length: m.Length, Width: m.Width, Height: m.Height,
			MailClass: class, MailingDate: day.Format(time.DateOnly),
		},
	}
	req.Origin, _ = e.zip("from", p.From)
	req.Destination, _ = e.zip("to", p.To)
	return req, e.Err("usps.FromRate")
}

// offer is p's service.
func (e *checker) offer(p ship.Parcel, m carrierdoc.Measures) offer {
	o, sold := offerOf(p.Service, m)
	if !sold {
		e.Add("service", "is %q, want a mail class such as %s", p.Service, groundMail)
	}
	return o
}

type rateOption struct {
	TotalBasePrice carrierdoc.Text
	Commitment     struct{ Name, ScheduleDeliveryDate, ExpectedDeliveryDate carrierdoc.Text }
	Rates          carrierdoc.List[struct {
		MailClass, RateIndicator, ProcessingCategory, DestinationEntryFacilityType, ProductName, Description carrierdoc.Text
	}]
}

type priced struct {
	PriceType       carrierdoc.Text
	ShippingOptions carrierdoc.List[struct {
		MailClass   carrierdoc.Text
		RateOptions carrierdoc.List[rateOption]
	}]
}

// ToRates reads the prices of an answer, cheapest first: of parcels in p's own
// carton alone, and with p's service where it has one.
func ToRates(body []byte, p ship.Parcel, connection string) ([]ship.Rate, error) {
	const op = "usps.ToRates"
	var doc struct{ PricingOptions carrierdoc.List[priced] }
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return nil, err
	}
	e := newChecker()
	m := e.measures(p)
	paid, listed := map[offer]ship.Rate{}, map[offer]ship.Rate{}
	for i, one := range doc.PricingOptions {
		into := paid
		if one.PriceType == retail {
			into = listed
		}
		for j, s := range one.ShippingOptions {
			for k, r := range s.RateOptions {
				at := fmt.Sprintf("pricingOptions[%d].shippingOptions[%d].rateOptions[%d]", i, j, k)
				if len(r.Rates) == 0 {
					return nil, carrierdoc.Invalid(op, at+".rates", "are none")
				}
				o := offer{string(cmp.Or(r.Rates[0].MailClass, s.MailClass)), string(r.Rates[0].RateIndicator), string(r.Rates[0].ProcessingCategory)}
				if o.class == "" {
					return nil, carrierdoc.Invalid(op, at+".rates[0].mailClass", "is missing")
				}
				if !wanted(o, string(r.Rates[0].DestinationEntryFacilityType), p, m) {
					continue
				}
				cost, err := carrierdoc.Money("USD", r.TotalBasePrice)
				if err != nil {
					return nil, carrierdoc.Invalid(op, at+".totalBasePrice", "%w", err)
				}
				if have, twice := into[o]; twice && have.Cost.Minor <= cost.Minor {
					continue
				}
				into[o] = r.rate(o, cost, m, connection)
			}
		}
	}
	return merge(paid, listed, p.Service), nil
}

// wanted reports whether p can go as o.
func wanted(o offer, facility string, p ship.Parcel, m carrierdoc.Measures) bool {
	if facility != "" && facility != noFacility {
		return false // it is for who brings mail to a facility near its destination
	}
	if p.Service != "" {
		asked, sold := offerOf(p.Service, m)
		return sold && o == asked
	}
	return slices.Contains(forAnything, o.class) && slices.Contains(ownCartons, o.indicator) && (o.category == machinable || o.category == nonstandard)
}

func (r rateOption) rate(o offer, cost measure.Money, m carrierdoc.Measures, connection string) ship.Rate {
	name := strings.TrimSpace(string(cmp.Or(r.Rates[0].ProductName, r.Rates[0].Description)))
	return ship.Rate{
		Connection: connection, Service: ship.Service{Code: o.code(m), Name: cmp.Or(name, services[o.class])},
		Cost: cost, List: cost, TransitDays: days(r.Commitment.Name),
		Arrives: string(cmp.Or(r.Commitment.ExpectedDeliveryDate, r.Commitment.ScheduleDeliveryDate)),
	}
}

// merge puts what anybody pays beside what is paid; what has one of them alone has it twice.
func merge(paid, listed map[offer]ship.Rate, service string) []ship.Rate {
	rates := make([]ship.Rate, 0, len(paid))
	for o, r := range paid {
		if l, known := listed[o]; known && l.Cost.Minor > r.Cost.Minor {
			r.List = l.Cost
		}
		rates = append(rates, r)
	}
	for o, r := range listed {
		if _, known := paid[o]; !known {
			rates = append(rates, r)
		}
	}
	for i := range rates {
		if service != "" {
			rates[i].Service.Code = service
		}
	}
	slices.SortFunc(rates, func(a, b ship.Rate) int {
		return cmp.Or(cmp.Compare(a.Cost.Minor, b.Cost.Minor), cmp.Compare(a.Service.Code, b.Service.Code))
	})
	return rates
}

// days reads "2 Days"; what it cannot read is 0, for not said.
func days(name carrierdoc.Text) int {
	count, _, _ := strings.Cut(strings.Replace(string(name), "-", " ", 1), " ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 99 {
		return 0
	}
	return n
}
