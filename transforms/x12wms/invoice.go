package x12wms

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
)

// mostPer bounds what a price may be of: the product of quantity and price stays in reach.
const mostPer = 1_000_000

// priced reads a decimal, which is the price of so many: as that of one where millionths hold it. What is
// none, or is finer than a millionth, is no price: nothing else of the order depends on it.
func priced(decimal string, per int64, currency string) order.Price {
	whole, fraction, _ := strings.Cut(strings.Replace(decimal, ",", ".", 1), ".")
	fraction = strings.TrimRight(fraction, "0")
	if whole+fraction == "" || len(whole) > 12 || len(fraction) > 6 || strings.Trim(whole+fraction, "0123456789") != "" {
		return order.Price{}
	}
	n, err := strconv.ParseInt(whole+(fraction + "000000")[:6], 10, 64)
	currency, per = cmp.Or(currency, "USD"), max(per, 1)
	if err != nil || n == 0 || per > mostPer || len(currency) != 3 || otherHundredths[currency] {
		return order.Price{}
	}
	if n%per == 0 {
		return order.Price{Micros: n / per, Currency: currency}
	}
	return order.Price{Micros: n, Currency: currency, Per: per}
}

// Bill is what is charged for what left of an order.
type Bill struct {
	Number   string // of the invoice: the shipment's, and which supplement of it
	At       time.Time
	Currency string
	Lines    []BillLine
	Total    int64 // minor units: the sum of the lines
}

// BillLine is a line that something left of. Amount is quantity times price as they are told, rounded
// to the minor unit, half of it up: who reckons again comes to the same.
type BillLine struct {
	Line   order.Line
	Qty    int64
	Whole  bool  // Qty counts the unit that was ordered, not the smallest
	Price  int64 // of Per, in millionths
	Per    int64
	Amount int64
}

// Billed is what a confirmation of an order is charged for. The error, Rejected, names the line that has
// no price, or another currency.
func Billed(o order.Order, c ship.Confirmed) (Bill, error) {
	const op = "x12wms.Billed"
	b := Bill{Number: ShipmentNumber(c), At: c.At}
	shipped := map[int]int64{}
	for _, l := range c.Lines {
		shipped[l.Line] += l.Qty
	}
	total := new(big.Int)
	for _, l := range o.Lines {
		n := shipped[l.No]
		if n == 0 {
			continue
		}
		delete(shipped, l.No)
		switch {
		case l.Price == (order.Price{}):
			return b, fault.At(op, fault.Rejected, fmt.Sprintf("line %d", l.No), fmt.Errorf("line %d of order %s has no price: charge shipment %s by hand", l.No, o.Number, b.Number))
		case b.Currency != "" && l.Price.Currency != b.Currency:
			return b, fault.At(op, fault.Rejected, fmt.Sprintf("line %d", l.No), fmt.Errorf("line %d of order %s is in %s and others are in %s: charge shipment %s by hand", l.No, o.Number, l.Price.Currency, b.Currency, b.Number))
		}
		b.Currency = l.Price.Currency
		x := BillLine{Line: l, Qty: n, Price: l.Price.Micros, Per: max(l.Price.Per, 1)}
		factor := int64(1)
		if l.Qty > 0 && l.Ordered > 0 && l.Ordered%l.Qty == 0 {
			factor = l.Ordered / l.Qty
		}
		if x.Whole = n%factor == 0; x.Whole {
			x.Qty /= factor
		} else {
			x.Per *= factor // the price of a case is that of so many pieces
		}
		if x.Price%x.Per == 0 {
			x.Price, x.Per = x.Price/x.Per, 1
		}
		amount, of := new(big.Int).Mul(big.NewInt(x.Qty), big.NewInt(x.Price)), new(big.Int).Mul(big.NewInt(microsInMinor), big.NewInt(x.Per))
		amount.Add(amount, new(big.Int).Quo(of, big.NewInt(2))).Quo(amount, of)
		if total.Add(total, amount); !total.IsInt64() || total.Int64() > mostCharged {
			return b, fault.At(op, fault.Rejected, fmt.Sprintf("line %d", l.No), fmt.Errorf("shipment %s of order %s comes to more than an invoice can say", b.Number, o.Number))
		}
		x.Amount = amount.Int64()
		b.Lines = append(b.Lines, x)
	}
	if len(shipped) > 0 {
		return b, fault.E(op, fault.Internal, fmt.Errorf("the confirmation of order %s names lines that it does not have", o.Number))
	}
	b.Total = total.Int64()
	return b, nil
}

const (
	microsInMinor = 10_000
	mostCharged   = 999_999_999_999_999 // TDS-01
)

// Invoice is the body of the 810 for a bill, without ST and SE. TDS is the sum of all lines.
func (p Profile) Invoice(o order.Order, b Bill) ([]x12.Out, error) {
	if len(b.Number) > 22 {
		return nil, fault.At("x12wms.Invoice", fault.Rejected, "shipment", fmt.Errorf("invoice number %s has more than the 22 characters that an 810 holds: charge it by hand", b.Number))
	}
	day := b.At.In(p.zone()).Format("20060102")
	ordered, po := "", o.Told()
	if !o.Dates.Ordered.IsZero() {
		ordered = o.Dates.Ordered.In(p.zone()).Format("20060102")
	}
	for _, r := range o.Refs {
		if r.Kind == "po" {
			po = r.Value
			break
		}
	}
	all := o.Parties.Named
	body := []x12.Out{x12.Seg("BIG", day, b.Number, ordered, cut(po, 22)), x12.Seg("CUR", "SE", b.Currency)}
	body = append(body, shipTo(o.Parties)...)
	if a := o.Parties.BillTo; a.Name+a.Company+a.Code != "" {
		body = append(body, n1("BT", party.Named{Coded: party.Coded{Code: a.Code, List: List(all, a.Code)}, Name: cmp.Or(a.Name, a.Company)}))
	}
	if n, ok := Named(all, "BY"); ok {
		body = append(body, n1("BY", n))
	}
	if n, ok := Named(all, "SE", "SU", "VN"); ok {
		body = append(body, n1("SE", n))
	} else {
		body = append(body, n1("SE", p.Depositor(all, o.Scope.Owner, "DE")))
	}
	body = append(body, x12.Seg("DTM", "011", day))
	for _, l := range b.Lines {
		unit := p.code("each")
		if l.Whole {
			unit = p.code(l.Line.UOM)
		}
		price, basis := Decimal(l.Price, 6), basisOf[l.Per]
		if basis == "" { // no code for so many: that of one, rounded, and CTP says what it is exactly
			of := big.NewInt(l.Per)
			one := new(big.Int).Mul(big.NewInt(l.Price), big.NewInt(10_000))
			one.Add(one, new(big.Int).Quo(of, big.NewInt(2))).Quo(one, of)
			price, basis = Decimal(one.Int64(), 10), basisOf[1]
		}
		it1 := []string{cut(cmp.Or(l.Line.Ref, strconv.Itoa(l.Line.No)), 20), strconv.FormatInt(l.Qty, 10), unit, price, basis}
		body = append(body, x12.Out{ID: "IT1", Elements: append(it1, itemPairs(l.Line.AcceptedLine, 10)...)})
		if basisOf[l.Per] == "" {
			body = append(body, x12.Seg("CTP", "", "UCP", Decimal(l.Price, 6), strconv.FormatInt(l.Per, 10), unit))
		}
	}
	return append(body, x12.Seg("TDS", strconv.FormatInt(b.Total, 10)), x12.Seg("CTT", strconv.Itoa(len(b.Lines)))), nil
}

// basisOf is the basis (data element 639) of a price by how many it is of.
var basisOf = map[int64]string{1: "PE", 10: "PN", 12: "PD", 100: "HP", 1000: "TP"}

// Decimal is n with so many of its digits behind the point, the zeros at its end left out.
func Decimal(n int64, places int) string {
	s := fmt.Sprintf("%0*d", places+1, n)
	whole, fraction := s[:len(s)-places], strings.TrimRight(s[len(s)-places:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
