package papers

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/paklog/hub/core/ship"
)

// font is the one that papers are set in: it has Latin, Greek and Cyrillic letters.
const font = "go"

// pages begins a document that says nothing of when and by whom it was made, so that the
// same paper is the same file.
func pages(size fpdf.SizeType) *fpdf.Fpdf {
	d := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: size})
	d.SetCatalogSort(true)
	d.SetCreationDate(time.Unix(0, 0).UTC())
	d.SetModificationDate(time.Unix(0, 0).UTC())
	d.SetProducer("PakLog", true)
	d.SetMargins(0, 0, 0)
	d.SetAutoPageBreak(false, 0)
	d.AddUTF8FontFromBytes(font, "", goregular.TTF)
	d.AddUTF8FontFromBytes(font, "B", gobold.TTF)
	d.AddPage()
	return d
}

func written(d *fpdf.Fpdf) ([]byte, error) {
	var b bytes.Buffer
	if err := d.Output(&b); err != nil {
		return nil, fmt.Errorf("writing PDF: %w", err)
	}
	return b.Bytes(), nil
}

// mm is dots in millimetres.
func mm(dots int) float64 { return float64(dots) / dotsPerMM }

// points is a letter's height in dots as a size of type.
func points(dots int) float64 { return mm(dots) / 25.4 * 72 }

func style(bold bool) string {
	if bold {
		return "B"
	}
	return ""
}

// LabelPDF is the logistic label of a carton, 4 by 6 inches.
func LabelPDF(c ship.CartonPaper) ([]byte, error) {
	s, err := layout(c)
	if err != nil {
		return nil, err
	}
	d := pages(fpdf.SizeType{Wd: mm(width), Ht: mm(height)})
	for _, m := range s.marks {
		switch {
		case m.symbol != nil:
			m.symbol.runs(func(at, wide int) {
				d.Rect(mm(m.x+at*module), mm(m.y), mm(wide*module), mm(bars), "F")
			})
		case m.rule > 0:
			d.Rect(mm(m.x), mm(m.y), mm(m.rule), mm(2), "F")
		default:
			d.SetFont(font, style(m.bold), points(m.size))
			fit(d, m)
		}
	}
	return written(d)
}

// fit sets a text that stands where the letters' upper edge is to be; one that is wider than
// the rest of the label is set smaller.
func fit(d *fpdf.Fpdf, m mark) {
	room := mm(width-margin/2) - mm(m.x)
	if w := d.GetStringWidth(m.text); w > room {
		d.SetFont(font, style(m.bold), points(m.size)*room/w)
	}
	d.Text(mm(m.x), mm(m.y+m.size*8/10), m.text)
}
