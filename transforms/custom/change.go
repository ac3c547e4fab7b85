package custom

import (
	"github.com/paklog/hub/core/order"
)

// Change alters an order that exists. What is left out stays as it is; service and dates are
// replaced as a whole.
type Change struct {
	Reason   string       `json:"reason,omitempty" doc:"kept with the order"`
	Lines    []ChangeLine `json:"lines,omitempty" maxItems:"2000" nullable:"false" doc:"lines of another quantity"`
	Add      []Line       `json:"add,omitempty" maxItems:"2000" nullable:"false" doc:"new lines, each with the number it gets"`
	Remove   []int        `json:"remove,omitempty" maxItems:"2000" nullable:"false" doc:"numbers of lines to take out; what was picked of them is put back"`
	ShipTo   *Address     `json:"ship_to,omitempty"`
	Service  *Service     `json:"service,omitempty"`
	Dates    *Dates       `json:"dates,omitempty" doc:"all of them: one that is left out is no bound any more"`
	Priority *int         `json:"priority,omitempty" minimum:"0" maximum:"9" doc:"9 is most urgent"`
}

// ChangeLine is another quantity of a line.
type ChangeLine struct {
	Line int    `json:"line" minimum:"1"`
	Qty  int64  `json:"qty" minimum:"1"`
	UOM  string `json:"uom,omitempty" doc:"the line's own where it is left out"`
}

// Split moves a part of an order to a new one.
type Split struct {
	To     string      `json:"to" doc:"number of the new order"`
	Lines  []SplitLine `json:"lines" minItems:"1" maxItems:"2000" nullable:"false"`
	Reason string      `json:"reason,omitempty"`
}

// SplitLine is what of a line moves.
type SplitLine struct {
	Line int   `json:"line" minimum:"1"`
	Qty  int64 `json:"qty" minimum:"1" doc:"in the item's smallest unit"`
}

// Change is the command that the document means.
func (c *Change) Change(by string) order.Change {
	out := order.Change{Reason: c.Reason, By: by, Remove: c.Remove, Priority: c.Priority}
	for _, l := range c.Lines {
		out.Lines = append(out.Lines, order.ChangeLine(l))
	}
	for _, l := range c.Add {
		out.Add = append(out.Add, l.place())
	}
	if c.ShipTo != nil {
		a := c.ShipTo.Party()
		out.ShipTo = &a
	}
	if c.Service != nil {
		s := order.Service(*c.Service)
		out.Service = &s
	}
	if c.Dates != nil {
		d := order.Dates(*c.Dates)
		out.Dates = &d
	}
	return out
}

// Split is the command that the document means.
func (s *Split) Split(by string) order.Split {
	out := order.Split{To: s.To, Reason: s.Reason, By: by}
	for _, l := range s.Lines {
		out.Lines = append(out.Lines, order.LineQty(l))
	}
	return out
}
