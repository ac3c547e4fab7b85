package papers

import (
	"bytes"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"

	"github.com/paklog/hub/core/ship"
)

// SlipText is the packing slip of an order as text, for line printers and mails.
func SlipText(o ship.OrderPaper) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "PACKING SLIP\n%s\n\n", heading(o))
	from, to := lines(o.From), lines(o.To)
	fmt.Fprintf(&b, "FROM\n  %s\nTO\n  %s\n\n", strings.Join(from, "\n  "), strings.Join(to, "\n  "))
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(slipHead, "\t"))
	for _, l := range o.Lines {
		fmt.Fprintln(t, strings.Join(cells(l), "\t"))
	}
	_ = t.Flush() // into memory
	for _, c := range o.Cartons {
		fmt.Fprintf(&b, "\n%s\n", cartonHead(c))
		for _, l := range c.Contents {
			fmt.Fprintf(&b, "  %s\n", contentLine(l))
		}
	}
	for i, n := range o.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s\n", plain(n))
	}
	return b.Bytes()
}

func heading(o ship.OrderPaper) string {
	return join("   ", "ORDER "+o.Order, prefixed("PO ", o.PO))
}

var slipHead = []string{"LINE", "ITEM", "DESCRIPTION", "UNIT", "ORDERED", "PACKED", "TO COME", "CANCELLED"}

func cells(l ship.OrderedLine) []string {
	n := func(q int64) string { return strconv.FormatInt(q, 10) }
	return []string{strconv.Itoa(l.Line), plain(l.Item), plain(l.Description), plain(l.UOM), n(l.Ordered), n(l.Packed), n(l.Waits), n(l.Gone)}
}

func cartonHead(c ship.CartonPaper) string {
	return join("   ", prefixed("CARTON ", count(c.No, c.Of)), "SSCC "+c.SSCC, kilograms(c.Weight), prefixed("TRACKING ", c.Tracking))
}

func contentLine(l ship.PaperLine) string {
	return join("  ", strconv.FormatInt(l.Qty, 10)+" "+l.UOM, l.Item, l.Description, prefixed("lot ", l.Lot), prefixed("serial ", strings.Join(l.Serials, ", ")))
}

var slipPage = template.Must(template.New("slip").Funcs(template.FuncMap{
	"head": func() []string { return slipHead }, "lines": lines, "cells": cells, "carton": cartonHead, "content": contentLine, "plain": plain,
}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Packing slip {{.Order}}</title>
<style>
body{font:11pt sans-serif;margin:12mm}h1{font-size:16pt;margin:0}
.parties{display:flex;gap:20mm;margin:6mm 0}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #999;padding:1mm 2mm;text-align:left}td.n,th.n{text-align:right}
h2{font-size:11pt;margin:5mm 0 1mm}ul{margin:0}
</style></head><body>
<h1>Packing slip</h1>
<p>Order {{.Order}}{{with .PO}}, PO {{.}}{{end}}</p>
<div class="parties"><div>From{{range lines .From}}<br>{{.}}{{end}}</div><div>To{{range lines .To}}<br>{{.}}{{end}}</div></div>
<table><tr>{{range $i, $h := head}}<th{{if ge $i 4}} class="n"{{end}}>{{$h}}</th>{{end}}</tr>
{{range .Lines}}<tr>{{range $i, $c := cells .}}<td{{if ge $i 4}} class="n"{{end}}>{{$c}}</td>{{end}}</tr>
{{end}}</table>
{{range .Cartons}}<h2>{{carton .}}</h2><ul>{{range .Contents}}<li>{{content .}}</li>{{end}}</ul>
{{end}}{{range .Notes}}<p>{{plain .}}</p>
{{end}}</body></html>
`))

// SlipHTML is the packing slip of an order as a page that prints.
func SlipHTML(o ship.OrderPaper) ([]byte, error) {
	var b bytes.Buffer
	if err := slipPage.Execute(&b, o); err != nil {
		return nil, fmt.Errorf("writing HTML: %w", err)
	}
	return b.Bytes(), nil
}

// A slip is on A4, in millimetres.
const (
	slipWide, slipHigh = 210, 297
	slipEdge           = 15
	slipRow            = 5.5
)

// slip is a packing slip as it is being filled, page by page.
type slip struct {
	*fpdf.Fpdf
	o    ship.OrderPaper
	y    float64
	page int
}

// SlipPDF is the packing slip of an order, on as many pages of A4 as it takes; each says
// whose it is.
func SlipPDF(o ship.OrderPaper) ([]byte, error) {
	s := &slip{Fpdf: pages(fpdf.SizeType{Wd: slipWide, Ht: slipHigh}), o: o}
	s.head()
	for i, a := range [...][]string{lines(o.From), lines(o.To)} {
		x := float64(slipEdge + i*90)
		s.put(x, s.y, 8, false, 85, [...]string{"FROM", "TO"}[i])
		for j, line := range a {
			s.put(x, s.y+4.5+float64(j)*4.5, 10, i == 1, 85, line)
		}
	}
	s.y += 36
	s.row(true, slipHead)
	for _, l := range o.Lines {
		s.row(false, cells(l))
	}
	for _, c := range o.Cartons {
		s.next(3 * slipRow)
		s.y += slipRow / 2
		s.put(slipEdge, s.y, 9, true, slipWide-2*slipEdge, cartonHead(c))
		s.y += slipRow
		for _, l := range c.Contents {
			s.next(slipRow)
			s.put(slipEdge+4, s.y, 9, false, slipWide-2*slipEdge-4, contentLine(l))
			s.y += slipRow - 1
		}
	}
	for _, n := range o.Notes {
		s.next(slipRow)
		s.put(slipEdge, s.y+2, 9, false, slipWide-2*slipEdge, plain(n))
		s.y += slipRow
	}
	return written(s.Fpdf)
}

func (s *slip) head() {
	s.page++
	s.put(slipEdge, slipEdge+6, 16, true, 100, "Packing slip")
	s.put(slipEdge, slipEdge+13, 10, false, 140, heading(s.o))
	s.put(slipWide-slipEdge-20, slipEdge+6, 9, false, 20, "page "+strconv.Itoa(s.page))
	s.y = slipEdge + 22
}

// next begins a page where less than so many millimetres are left of this one.
func (s *slip) next(need float64) {
	if s.y+need > slipHigh-slipEdge {
		s.AddPage()
		s.head()
	}
}

// put sets a text, smaller where it is wider than its room.
func (s *slip) put(x, y, size float64, bold bool, wide float64, text string) {
	s.SetFont(font, style(bold), size)
	if w := s.GetStringWidth(text); w > wide {
		s.SetFont(font, style(bold), max(4, size*wide/w))
	}
	for text != "" && s.GetStringWidth(text) > wide {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	s.Text(x, y, text)
}

var slipColumns = [...]float64{0, 12, 44, 104, 118, 134, 150, 165}

func (s *slip) row(bold bool, cells []string) {
	s.next(slipRow)
	for i, c := range cells {
		end := float64(slipWide - 2*slipEdge)
		if i+1 < len(slipColumns) {
			end = slipColumns[i+1]
		}
		s.put(slipEdge+slipColumns[i], s.y, 9, bold, end-slipColumns[i]-1, c)
	}
	s.y += 1.5
	s.Rect(slipEdge, s.y, slipWide-2*slipEdge, 0.1, "F")
	s.y += slipRow - 1.5
}
