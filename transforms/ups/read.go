package ups

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// ReadError finds the code and the words of a UPS error document. All of
// several errors are told; the code is the first one's.
func ReadError(body []byte) (string, string) {
	var doc struct {
		Response struct {
			Errors carrierdoc.List[struct{ Code, Message carrierdoc.Text }]
		}
	}
	if json.Unmarshal(body, &doc) != nil || len(doc.Response.Errors) == 0 {
		return "", ""
	}
	errs := doc.Response.Errors
	words := make([]string, 0, len(errs))
	for _, e := range errs[:min(len(errs), 10)] {
		words = append(words, strings.TrimSpace(string(e.Message)))
	}
	return string(errs[0].Code), strings.Join(words, "; ")
}

// image is the printable bytes of a label.
func image(format, graphic carrierdoc.Text) (ship.Format, []byte, error) {
	f := ship.Format(strings.ToUpper(string(format)))
	switch f {
	case ship.ZPL, ship.PDF, ship.PNG, ship.GIF:
	default:
		return "", nil, fmt.Errorf("label format is %q", format)
	}
	b, err := carrierdoc.Image(graphic)
	return f, b, err
}

type charge struct {
	CurrencyCode  carrierdoc.Text
	MonetaryValue carrierdoc.Text
}

func (c charge) money() (measure.Money, error) {
	return carrierdoc.Money(c.CurrencyCode, c.MonetaryValue)
}
