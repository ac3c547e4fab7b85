// Package x12gen makes valid, varied X12 interchanges of warehouse documents for
// benchmarks, demos and tests. The same seed makes the same bytes. No document
// repeats another: repeated data would train the processor's branch predictor
// and flatter whatever reads it.
package x12gen

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
)

// Config says what is made. The zero value is one 940 interchange of one set
// from ACME to PAKLOG on the day the config's Now says.
type Config struct {
	Seed     uint64
	Set      string // "940" (default) or "850"
	Sets     int    // transaction sets of one interchange; default 1
	MostLine int    // lines of an order vary from 1 to this; default 12
	Sender   string // ISA06; default "ACME"
	Receiver string // ISA08; default "PAKLOG"
	Facility string // N104 of the warehouse; default "DC1"
	// SCACs are the carriers asked for; empty takes some common ones.
	SCACs []string
	// Items are the SKUs ordered; empty makes them up.
	Items []string
	// Now dates the documents; the zero time is 2026-11-23 09:15 UTC.
	Now time.Time
	// Control is ISA13 and GS06; sets are numbered from 0001. Default 1.
	Control int
	// OrderPrefix begins the order numbers, which go on with Control and the
	// number of the set; default "ORD-".
	OrderPrefix string
	Options     x12.WriterOptions
}

func (c Config) withDefaults() Config {
	def := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	def(&c.Set, "940")
	def(&c.Sender, "ACME")
	def(&c.Receiver, "PAKLOG")
	def(&c.Facility, "DC1")
	def(&c.OrderPrefix, "ORD-")
	if len(c.SCACs) == 0 {
		c.SCACs = scacs
	}
	c.Sets, c.MostLine, c.Control = max(c.Sets, 1), max(c.MostLine, 0), max(c.Control, 1)
	if c.MostLine == 0 {
		c.MostLine = 12
	}
	if c.Now.IsZero() {
		c.Now = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
	}
	return c
}

// Order is what one generated set asks for, so that a reader's result can be
// held against it.
type Order struct {
	Number string
	PO     string
	ShipTo string // name
	Lines  []Line
}

// Line is one line of an Order.
type Line struct {
	Item string
	Qty  int
	UOM  string
}

// Write writes one interchange and returns what it orders.
func Write(w io.Writer, c Config) ([]Order, error) {
	c = c.withDefaults()
	g := &generator{r: rand.New(rand.NewPCG(c.Seed, uint64(c.Control))), c: c}
	group := map[string]string{"940": "OW", "850": "PO"}[c.Set]
	if group == "" {
		return nil, fmt.Errorf("x12gen: no generator for set %q", c.Set)
	}
	x := x12.NewWriter(w, c.Options)
	day, clock, control := c.Now.Format("20060102"), c.Now.Format("1504"), strconv.Itoa(c.Control)
	x.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: c.Sender, ReceiverQualifier: "ZZ", Receiver: c.Receiver,
		Date: day[2:], Time: clock, Version: "00401", Control: control, Usage: "P"})
	x.BeginGroup(x12.GS{FunctionalID: group, Sender: c.Sender, Receiver: c.Receiver, Date: day, Time: clock, Control: control, Agency: "X", Version: "004010"})
	orders := make([]Order, 0, c.Sets)
	for i := range c.Sets {
		o, body := g.order(i + 1)
		if err := x.WriteSet(x12.ST{ID: c.Set, Control: fmt.Sprintf("%04d", i+1)}, body); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	x.EndGroup()
	x.EndInterchange()
	return orders, x.Close()
}

type generator struct {
	r *rand.Rand
	c Config
}

var (
	uoms    = []string{"EA", "EA", "EA", "CA", "PK"}
	cities  = []string{"COLUMBUS/OH/43004", "RENO/NV/89501", "MEMPHIS/TN/37501", "DALLAS/TX/75201", "FRESNO/CA/93650", "SAINT PAUL/MN/55101", "BUTTE/MT/59701"}
	scacs   = []string{"UPSN", "FDEG", "USPS", "ODFL", "SAIA"}
	streets = []string{"MAIN ST", "OAK AVENUE", "INDUSTRIAL PKWY", "2ND ST", "HARBOR BOULEVARD SUITE 4", "RT 9"}
)

func (g *generator) pick(from []string) string { return from[g.r.IntN(len(from))] }

// text is words of random letters, most bytes at most.
func (g *generator) text(least, most int) string {
	n := least + g.r.IntN(most-least+1)
	var b strings.Builder
	word := 0
	for b.Len() < n {
		if word > 2 && b.Len() < n-1 && g.r.IntN(6) == 0 {
			b.WriteByte(' ')
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

// upc is a trade item number of 12 digits.
func (g *generator) upc() string {
	n := g.number(11)
	return n + string(rune(grammar.CheckDigit([]byte(n))))
}

func (g *generator) day(ahead int) string { return g.c.Now.AddDate(0, 0, ahead).Format("20060102") }

func (g *generator) party(body []x12.Out, role, name, code string) []x12.Out {
	city := strings.Split(g.pick(cities), "/")
	body = append(body, x12.Seg("N1", role, name, "92", code))
	if g.r.IntN(4) == 0 {
		body = append(body, x12.Seg("N2", "ATTN "+g.text(4, 20)))
	}
	return append(body,
		x12.Seg("N3", strconv.Itoa(1+g.r.IntN(9999))+" "+g.pick(streets)),
		x12.Seg("N4", city[0], city[1], city[2], "US"))
}

func (g *generator) order(n int) (Order, []x12.Out) {
	o := Order{Number: fmt.Sprintf("%s%d-%d", g.c.OrderPrefix, g.c.Control, n), PO: "PO" + g.number(3+g.r.IntN(8)), ShipTo: g.text(5, 35)}
	for range 1 + g.r.IntN(g.c.MostLine) {
		l := Line{Item: "SKU-" + g.number(2+g.r.IntN(7)), Qty: 1 + g.r.IntN(1+g.r.IntN(400)), UOM: g.pick(uoms)}
		if len(g.c.Items) > 0 {
			l.Item, l.UOM = g.pick(g.c.Items), "EA"
		}
		o.Lines = append(o.Lines, l)
	}
	if g.c.Set == "850" {
		return o, g.po(o)
	}
	return o, g.shippingOrder(o)
}

func (g *generator) shippingOrder(o Order) []x12.Out {
	body := []x12.Out{x12.Seg("W05", "N", o.Number, o.PO)}
	body = g.party(body, "ST", o.ShipTo, g.number(4+g.r.IntN(6)))
	body = append(body, x12.Seg("N1", "WH", "", "92", g.c.Facility))
	if g.r.IntN(3) > 0 {
		body = append(body, x12.Seg("N9", "DP", g.number(3)))
	}
	body = append(body, x12.Seg("G62", "10", g.day(1+g.r.IntN(5))))
	if g.r.IntN(2) == 0 {
		body = append(body, x12.Seg("G62", "02", g.day(6+g.r.IntN(9))))
	}
	for range g.r.IntN(3) {
		body = append(body, x12.Seg("NTE", "WHI", g.text(5, 70)))
	}
	body = append(body, x12.Seg("W66", []string{"PP", "CC"}[g.r.IntN(2)], "M", "", "", g.pick(g.c.SCACs)+" GROUND", "", "", "", "", g.pick(g.c.SCACs)))
	total := 0
	for i, l := range o.Lines {
		body = append(body, x12.Seg("LX", strconv.Itoa(i+1)))
		w01 := []string{strconv.Itoa(l.Qty), l.UOM, "", "VN", l.Item}
		if g.r.IntN(2) == 0 {
			w01 = append(w01, "UP", g.upc())
		}
		body = append(body, x12.Out{ID: "W01", Elements: w01})
		if g.r.IntN(3) > 0 {
			body = append(body, x12.Seg("G69", g.text(4, 45)))
		}
		if g.r.IntN(3) == 0 {
			body = append(body, x12.Seg("N9", "LI", strconv.Itoa(1000*(i+1))))
		}
		if g.r.IntN(4) == 0 {
			body = append(body, x12.Seg("W20", "", "", "", strconv.Itoa(1+g.r.IntN(900)), "G", "L"))
		}
		total += l.Qty
	}
	return append(body, x12.Seg("W76", strconv.Itoa(total)))
}

func (g *generator) po(o Order) []x12.Out {
	body := []x12.Out{x12.Seg("BEG", "00", "SA", o.Number, "", g.day(0))}
	if g.r.IntN(2) == 0 {
		body = append(body, x12.Seg("CUR", "BY", "USD"))
	}
	for range g.r.IntN(4) {
		body = append(body, x12.Seg("REF", g.pick([]string{"DP", "IA", "CO"}), g.text(3, 20)))
	}
	body = append(body, x12.Seg("DTM", "010", g.day(2+g.r.IntN(9))))
	if g.r.IntN(2) == 0 {
		body = append(body, x12.Seg("TD5", "", "2", g.pick(g.c.SCACs), "M"))
	}
	if g.r.IntN(3) == 0 {
		body = append(body, x12.Seg("N9", "L1", "NOTES"), x12.Seg("MSG", g.text(10, 150)))
	}
	body = g.party(body, "ST", o.ShipTo, g.number(4+g.r.IntN(6)))
	for i, l := range o.Lines {
		po1 := []string{strconv.Itoa(i + 1), strconv.Itoa(l.Qty), l.UOM, fmt.Sprintf("%d.%02d", g.r.IntN(500), g.r.IntN(100)), "", "VN", l.Item}
		if g.r.IntN(2) == 0 {
			po1 = append(po1, "UP", g.upc())
		}
		body = append(body, x12.Out{ID: "PO1", Elements: po1})
		if g.r.IntN(3) > 0 {
			body = append(body, x12.Seg("PID", "F", "", "", "", g.text(4, 60)))
		}
	}
	return append(body, x12.Seg("CTT", strconv.Itoa(len(o.Lines))))
}
