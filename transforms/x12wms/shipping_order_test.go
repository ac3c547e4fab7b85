package x12wms_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/transforms/x12wms"
)

// inside writes a body as it would leave, and reads it.
func inside(t *testing.T, st01, gs01 string, body []x12.Out) *x12.Part {
	t.Helper()
	var text strings.Builder
	for _, s := range body {
		text.WriteString(strings.TrimRight(s.ID+"*"+strings.Join(s.Elements, "*"), "*") + "~\n")
	}
	p := set(t, strings.Replace(in(st01, text.String()), "GS*AR", "GS*"+gs01, 1))
	grammar.Builtin().Check(p)
	for _, f := range p.Findings {
		if f.Severity == x12.Error {
			t.Errorf("what we send has a finding: %v\n%s", f, text.String())
		}
	}
	return p
}

// Put-get: who is asked by 940 reads the order that was written.
func TestWhatA3PLIsAskedIsTheOrder(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		o.Service = order.Service{Carrier: rapid.SampledFrom([]string{"", "UPSN", "ROAD"}).Draw(r, "carrier"), Method: rapid.SampledFrom([]string{"", "parcel", "ltl", "air"}).Draw(r, "method"),
			Terms: rapid.SampledFrom([]string{"prepaid", "collect", "third_party"}).Draw(r, "terms")}
		read, err := p.Order(inside(t, "940", "OW", p.ShippingOrder(o, x12wms.Orders)))
		if err != nil {
			r.Fatal(err)
		}
		c := read.Command
		if c.Scope != o.Scope || c.Number != o.Number || c.Service != o.Service || !sameAddress(c.ShipTo, o.Parties.ShipTo) || !slices.Equal(c.Refs, o.Refs) || len(c.Lines) != len(o.Lines) {
			r.Fatalf("wrote\n%+v\nread\n%+v", o, c)
		}
		for i, l := range c.Lines {
			if want := o.Lines[i]; l.Item != want.Item || l.Qty != want.Qty || l.UOM != want.UOM || l.No != want.No {
				r.Fatalf("wrote line %+v, read %+v", want, l)
			}
		}
	})
}

func TestOfAnOrderThatChangedTheRestIsAsked(t *testing.T) {
	t.Parallel()
	line := func(no int, ordered, shipped, short, cancelled int64) order.Line {
		return order.Line{SKU: "A", AcceptedLine: order.AcceptedLine{No: no, Item: "A", Qty: ordered / 6, UOM: "case", Ordered: ordered}, Shipped: shipped, Short: short, Cancelled: cancelled}
	}
	held := line(4, 12, 0, 0, 0)
	held.Problem.Code = "unknown_item"
	o := order.Order{Scope: where, Number: "SO-1", Lines: []order.Line{line(1, 12, 6, 0, 0), line(2, 12, 0, 0, 6), line(3, 12, 0, 12, 0), held, line(5, 12, 0, 1, 0)}}
	o.Parties.ShipTo.Name, o.Parties.ShipTo.City = "Jo", "Rome"
	got := inside(t, "940", "OW", p940().ShippingOrder(o, x12wms.Replaces))
	if w := said940(got, "LX", "W01"); w != "LX*1 W01*2*CA**SK*A LX*2 W01*1*CA**SK*A LX*5 W01*11*EA**SK*A" {
		t.Error(w)
	}
	got = inside(t, "940", "OW", p940().ShippingOrderWithdrawn(o))
	if w := said940(got, "W05", "LX", "W01", "W76"); w != "W05*F*SO-1 LX*1 W01*6*EA**SK*A LX*2 W01*12*EA**SK*A LX*4 W01*12*EA**SK*A LX*5 W01*11*EA**SK*A W76*41" {
		t.Error(w)
	}
}

func p940() x12wms.Profile { return x12wms.Profile{Tenant: "t1"} }

func said940(p *x12.Part, tags ...string) string {
	var out []string
	for _, s := range p.Segments.All() {
		if slices.Contains(tags, s.ID()) {
			out = append(out, string(s.Body()))
		}
	}
	return strings.Join(out, " ")
}

// Put-get: what a 945 of ours says is what is read from it.
func TestWhatA945SaysIsRead(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		c := wholly(o)
		c.Cartons[0].Tracking = "1Z" + word(1, 20).Draw(r, "tracking")
		for i := range c.Cartons[0].Contents {
			x := &c.Cartons[0].Contents[i]
			if left := rapid.Int64Range(1, x.Qty).Draw(r, "left"); left < x.Qty {
				o.Lines[i].Short, x.Qty = x.Qty-left, left
			}
			if rapid.Bool().Draw(r, "lot") {
				x.Lot = word(1, 30).Draw(r, "of")
			}
		}
		c.Shorts = shortsOf(o)
		body, err := p.ShippingAdvice(o, c, nil)
		if err != nil {
			r.Fatal(err)
		}
		a, err := p.Shipped(inside(t, "945", "SW", body))
		if err != nil {
			r.Fatal(err)
		}
		if a.Order.Value != o.Number || a.Shipment.Value != "S-1" || a.Warehouse.Value != "W1" || len(a.Cartons) != 1 || a.Cartons[0].SSCC.Value != c.Cartons[0].Carton || a.Cartons[0].Tracking != c.Cartons[0].Tracking {
			r.Fatalf("%+v", a)
		}
		for i, x := range a.Cartons[0].Lines {
			want := c.Cartons[0].Contents[i]
			if x.Ref.Value != itoa(want.Line) || x.Qty != want.Qty || x.Short != o.Lines[i].Short || x.Lot != want.Lot || x.UOM != "each" || x.Codes[0].Value.Value != o.Lines[i].Item {
				r.Fatalf("wrote %+v, read %+v", want, x)
			}
		}
	})
}

func TestHowCartonsAreNamedIn945(t *testing.T) {
	const sscc, line = "001234567890123452", "W12*CC*1*1**EA**SK*A~"
	for name, c := range map[string]struct{ body, want string }{
		"by GM with its application identifier": {"LX*1~MAN*GM*00" + sscc + "~" + line, sscc + "/"},
		"by AA":                                 {"LX*1~MAN*AA*" + sscc + "~" + line, sscc + "/"},
		"the carrier's number beside it":        {"LX*1~MAN*GM*" + sscc + "**CP*1Z9~" + line, sscc + "/1Z9"},
		"the carrier's number first":            {"LX*1~MAN*CP*1Z9~MAN*GM*" + sscc + "~" + line, sscc + "/1Z9"},
		"the carrier's number alone":            {"LX*1~MAN*CP*1Z9~" + line, "/1Z9"},
		"a number for all in the head":          {"N9*2I*PRO-1~LX*1~" + line + "LX*2~N9*2I*1Z9~" + line, "/PRO-1 /1Z9"},
		"a mark of another kind":                {"LX*1~MAN*W*114X~" + line, "/"},
		"no LX at all":                          {line, "/"},
		"an SSCC that is none":                  {"LX*1~MAN*AA*4711~" + line, "MAN-02"},
		"one in the second place":               {"LX*1~MAN*CP*1Z9**GM*4711~" + line, "MAN-05"},
	} {
		text := "ISA*00*          *00*          *ZZ*A              *ZZ*B              *000101*0000*U*00401*000000001*0*P*>~GS*SW*A*B*20000101*0000*1*X*004010~ST*945*0001~W06*F*SO-1~" + c.body + "SE*9*0001~GE*1*1~IEA*1*000000001~"
		doc, err := x12.Parse([]byte(text), x12.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for part := range doc.Sets() {
			got := ""
			a, err := x12wms.Profile{Tenant: "t"}.Shipped(part)
			for _, carton := range a.Cartons {
				got += " " + carton.SSCC.Value + "/" + carton.Tracking
			}
			var x *x12wms.Error
			if errors.As(err, &x) {
				got = x.Findings[0].Element
			}
			if strings.TrimSpace(got) != c.want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
			}
		}
	}
}

func shortsOf(o order.Order) (out []ship.ShortLine) {
	for _, l := range o.Lines {
		if l.Short > 0 {
			out = append(out, ship.ShortLine{Line: l.No, Item: l.SKU, Qty: l.Short})
		}
	}
	return out
}

// The last day that is meant is the last day that is told, where days end earlier too.
func TestABoundIsToldByTheDayThatIsMeant(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 12, 5, 23, 59, 59, 0, chicago)
	for name, c := range map[string]struct {
		zone *time.Location
		at   time.Time
		want string
	}{
		"the same zone":        {chicago, end, "20261205"},
		"where it ends before": {time.UTC, end, "20261205"},
		"where it ends later":  {time.FixedZone("", -11*3600), end, "20261205"},
		"an hour of the day":   {time.UTC, time.Date(2026, 12, 5, 15, 0, 0, 0, time.UTC), "20261205"},
	} {
		o := someOrder()
		o.Dates = order.Dates{ShipBy: c.at}
		got := ""
		for _, s := range (x12wms.Profile{Zone: c.zone}).ShippingOrder(o, x12wms.Orders) {
			if s.ID == "G62" {
				got += s.Elements[1]
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
