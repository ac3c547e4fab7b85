// Package edifactgen makes valid, varied EDIFACT interchanges of warehouse
// messages for benchmarks, demos and tests, and plants errors in them. The same
// seed makes the same bytes. No message repeats another: repeated data would
// train the processor's branch predictor and flatter whatever reads it.
package edifactgen

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/edi/edifact"
)

// Config says what is made. The zero value is one interchange with one ORDERS
// from ACME to PAKLOG.
type Config struct {
	Seed     uint64
	Type     string // "ORDERS" (default), "DESADV" or "INVOIC"
	Messages int    // of the interchange; default 1
	MostLine int    // lines of a message vary from 1 to this; default 12
	Sender   string // default "ACME"
	Receiver string // default "PAKLOG"
	Facility string // of the warehouse; default "DC1"
	// Items are the SKUs ordered; empty makes them up.
	Items     []string
	Directory string    // "D96A" (default) or "D01B"
	Syntax    string    // of UNB: "UNOC:3" by default
	Now       time.Time // dates the documents; the zero time is 2026-11-23 09:15 UTC
	Control   int       // UNB's reference; default 1
	Grouped   bool      // the messages stand in a functional group
	// OrderPrefix begins the order numbers, which go on with Control and the
	// number of the message; default "ORD-".
	OrderPrefix string
	Options     edifact.WriterOptions
}

func (c Config) withDefaults() Config {
	def := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	def(&c.Type, "ORDERS")
	def(&c.Sender, "ACME")
	def(&c.Receiver, "PAKLOG")
	def(&c.Facility, "DC1")
	def(&c.Directory, "D96A")
	def(&c.Syntax, "UNOC:3")
	def(&c.OrderPrefix, "ORD-")
	c.Messages, c.Control = max(c.Messages, 1), max(c.Control, 1)
	if c.MostLine <= 0 {
		c.MostLine = 12
	}
	if c.Now.IsZero() {
		c.Now = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
	}
	return c
}

// Order is what one generated message asks for, so that a reader's result can be
// held against it.
type Order struct {
	Number string
	ShipTo string // name
	Lines  []Line
}

// Line is one line of an Order.
type Line struct {
	Item string
	Qty  int
}

// Write writes one interchange and returns what it orders.
func Write(w io.Writer, c Config) ([]Order, error) {
	c = c.withDefaults()
	g := &generator{r: rand.New(rand.NewPCG(c.Seed, uint64(c.Control))), c: c}
	body, known := map[string]func(Order) []edifact.Out{"ORDERS": g.orders, "DESADV": g.desadv, "INVOIC": g.invoic}[c.Type]
	if !known {
		return nil, fmt.Errorf("edifactgen: no generator for message %q", c.Type)
	}
	x := edifact.NewWriter(w, c.Options)
	level, version, _ := strings.Cut(c.Syntax, ":")
	day := c.Now.Format("060102")
	if version == "4" {
		day = c.Now.Format("20060102")
	}
	unb := edifact.UNB{Syntax: edifact.Charset(level), Version: version, Sender: edifact.Party{ID: c.Sender}, Recipient: edifact.Party{ID: c.Receiver},
		Date: day, Time: c.Now.Format("1504"), Control: strconv.Itoa(c.Control)}
	x.BeginInterchange(unb)
	if c.Grouped {
		x.BeginGroup(edifact.UNG{Type: c.Type, Sender: unb.Sender, Recipient: unb.Recipient, Date: unb.Date, Time: unb.Time, Control: "G" + unb.Control,
			Agency: "UN", Version: c.Directory[:1], Release: c.Directory[1:]})
	}
	all := []Order{}
	for i := range c.Messages {
		o := g.order(i + 1)
		h := edifact.UNH{Reference: strconv.Itoa(i + 1), Type: c.Type, Version: c.Directory[:1], Release: c.Directory[1:], Agency: "UN"}
		if err := x.WriteMessage(h, body(o)); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	if c.Grouped {
		x.EndGroup()
	}
	x.EndInterchange()
	return all, x.Close()
}

type generator struct {
	r *rand.Rand
	c Config
}

func (g *generator) pick(from ...string) string { return from[g.r.IntN(len(from))] }

// text is words of random letters, now and then with what has to be released.
func (g *generator) text(least, most int) string {
	n := least + g.r.IntN(most-least+1)
	var b strings.Builder
	word := 0
	for b.Len() < n {
		if word > 2 && b.Len() < n-1 && g.r.IntN(6) == 0 {
			b.WriteString(g.pick(" ", " ", " ", "'", "+", ":", "?"))
			word = 0
			continue
		}
		b.WriteByte(byte('A' + g.r.IntN(26)))
		word++
	}
	return b.String()
}

func (g *generator) number(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + g.r.IntN(10)))
	}
	return b.String()
}

// keyed is a number with GS1's check digit behind it.
func (g *generator) keyed(n int) string {
	s := g.number(n - 1)
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

func (g *generator) day(ahead int) string { return g.c.Now.AddDate(0, 0, ahead).Format("20060102") }

func (g *generator) order(n int) Order {
	o := Order{Number: fmt.Sprintf("%s%d-%d", g.c.OrderPrefix, g.c.Control, n), ShipTo: g.text(5, 30)}
	for range 1 + g.r.IntN(g.c.MostLine) {
		l := Line{Item: "SKU-" + g.number(2+g.r.IntN(7)), Qty: 1 + g.r.IntN(1+g.r.IntN(400))}
		if len(g.c.Items) > 0 {
			l.Item = g.pick(g.c.Items...)
		}
		o.Lines = append(o.Lines, l)
	}
	return o
}

var towns = []string{"COLUMBUS/OH/43004/US", "RENO/NV/89501/US", "LYON//69001/FR", "MAINZ//55116/DE", "LEEDS//LS1 4DY/GB"}

func (g *generator) party(body []edifact.Out, role, name, code string) []edifact.Out {
	town := strings.Split(g.pick(towns...), "/")
	return append(body, edifact.Seg("NAD", role, edifact.C(code, "", "92"), "", name, strconv.Itoa(1+g.r.IntN(9999))+" MAIN ST", town[0], town[1], town[2], town[3]))
}

func (g *generator) orders(o Order) []edifact.Out {
	body := []edifact.Out{edifact.Seg("BGM", "220", o.Number, "9"), edifact.Seg("DTM", edifact.C("137", g.day(0), "102")), edifact.Seg("DTM", edifact.C("10", g.day(1+g.r.IntN(5)), "102"))}
	if g.r.IntN(2) == 0 {
		body = append(body, edifact.Seg("DTM", edifact.C("2", g.day(6+g.r.IntN(9))+"1200", "203")))
	}
	for range g.r.IntN(3) {
		body = append(body, edifact.Seg("FTX", g.pick("AAI", "DEL"), "", "", edifact.C(g.text(5, 60), g.text(3, 40))))
	}
	if g.r.IntN(2) == 0 {
		body = append(body, edifact.Seg("RFF", edifact.C("CT", g.number(6))))
	}
	body = g.party(body, "DP", o.ShipTo, g.number(4+g.r.IntN(6)))
	if g.r.IntN(2) == 0 {
		body = append(body, edifact.Seg("CTA", "OC", edifact.C("", g.text(4, 20))), edifact.Seg("COM", edifact.C(g.number(9), "TE")))
	}
	body = append(body, edifact.Seg("NAD", "WH", edifact.C(g.c.Facility, "", "92")))
	if g.r.IntN(3) > 0 {
		body = append(body, edifact.Seg("TDT", "20", "", "30", "", "UPSN"))
	}
	total := 0
	for i, l := range o.Lines {
		body = append(body, edifact.Seg("LIN", strconv.Itoa(i+1), "", edifact.C(g.keyed(13), "EN")), edifact.Seg("PIA", "5", edifact.C(l.Item, "SA")))
		if g.r.IntN(3) > 0 {
			body = append(body, edifact.Seg("IMD", "F", "", edifact.C("", "", "", g.text(4, 35))))
		}
		body = append(body, edifact.Seg("QTY", edifact.C("21", strconv.Itoa(l.Qty), g.pick("PCE", ""))))
		if g.r.IntN(3) == 0 {
			body = append(body, edifact.Seg("PRI", edifact.C("AAA", fmt.Sprintf("%d.%02d", g.r.IntN(500), g.r.IntN(100)))))
		}
		if g.r.IntN(3) == 0 {
			body = append(body, edifact.Seg("RFF", edifact.C("LI", strconv.Itoa(1000*(i+1)))))
		}
		total += l.Qty
	}
	return append(body, edifact.Seg("UNS", "S"), edifact.Seg("CNT", edifact.C("1", strconv.Itoa(total))), edifact.Seg("CNT", edifact.C("2", strconv.Itoa(len(o.Lines)))))
}

func (g *generator) desadv(o Order) []edifact.Out {
	body := []edifact.Out{edifact.Seg("BGM", "351", o.Number, "9"), edifact.Seg("DTM", edifact.C("11", g.day(0)+"1500", "203")), edifact.Seg("RFF", edifact.C("ON", g.number(8)))}
	body = g.party(body, "DP", o.ShipTo, g.number(6))
	body = append(body, edifact.Seg("TDT", "20", "", "30", "", "UPSN"), edifact.Seg("CPS", "1"), edifact.Seg("PAC", strconv.Itoa(len(o.Lines))))
	for i, l := range o.Lines {
		body = append(body, edifact.Seg("CPS", strconv.Itoa(i+2), "1"), edifact.Seg("PAC", "1", "", "CT"))
		if g.r.IntN(2) == 0 {
			body = append(body, edifact.Seg("MEA", "PD", "AAB", edifact.C("KGM", fmt.Sprintf("%d.%d", g.r.IntN(30), g.r.IntN(10)))))
		}
		body = append(body, edifact.Seg("PCI", "33E"), edifact.Seg("GIN", "BJ", g.keyed(18)),
			edifact.Seg("LIN", strconv.Itoa(i+1), "", edifact.C(g.keyed(13), "EN")), edifact.Seg("PIA", "1", edifact.C(l.Item, "SA")), edifact.Seg("QTY", edifact.C("12", strconv.Itoa(l.Qty))))
		if g.r.IntN(3) == 0 {
			body = append(body, edifact.Seg("GIN", "BX", g.text(3, 12)), edifact.Seg("DTM", edifact.C("361", g.day(300), "102")))
		}
	}
	return append(body, edifact.Seg("CNT", edifact.C("2", strconv.Itoa(len(o.Lines)))))
}

func (g *generator) invoic(o Order) []edifact.Out {
	body := []edifact.Out{edifact.Seg("BGM", "380", o.Number, "9"), edifact.Seg("DTM", edifact.C("137", g.day(0), "102")), edifact.Seg("RFF", edifact.C("DQ", g.number(8)))}
	body = g.party(body, "BY", o.ShipTo, g.number(6))
	body = append(body, edifact.Seg("RFF", edifact.C("VA", "DE"+g.number(9))), edifact.Seg("CUX", edifact.C("2", "EUR", "4")))
	for i, l := range o.Lines {
		body = append(body, edifact.Seg("LIN", strconv.Itoa(i+1), "", edifact.C(g.keyed(13), "EN")), edifact.Seg("QTY", edifact.C("47", strconv.Itoa(l.Qty))),
			edifact.Seg("MOA", edifact.C("203", fmt.Sprintf("%d.%02d", g.r.IntN(9000), g.r.IntN(100)))), edifact.Seg("PRI", edifact.C("AAA", fmt.Sprintf("%d.%02d", g.r.IntN(500), g.r.IntN(100)))))
		if g.r.IntN(2) == 0 {
			body = append(body, edifact.Seg("TAX", "7", "VAT", "", "", edifact.C("", "", "", "19")))
		}
	}
	return append(body, edifact.Seg("UNS", "S"), edifact.Seg("CNT", edifact.C("2", strconv.Itoa(len(o.Lines)))), edifact.Seg("MOA", edifact.C("77", g.number(4)+".10")))
}
