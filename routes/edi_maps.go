package routes

import (
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// mapped reports whether the partner of a message has a map of his own for its set or message, which
// makes what is asked for.
func (e *edi) mapped(makes string) func(*Message) bool {
	return func(m *Message) bool {
		own := e.Partners[m.Headers["partner"]].Maps
		for _, header := range [...]string{"st01", "message"} {
			if is, ok := own[m.Headers[header]]; ok && is.Makes == makes {
				return true
			}
		}
		return false
	}
}

// order translates a set by the partner's own map where he has one that is for it, else as all are.
func (p Partner) order(part *x12.Part) (x12wms.Order, error) {
	if own := p.Maps[part.ST.ID]; own != nil {
		if o, ok, err := own.Order(p.Profile, mapping.OfX12(part)); ok || err != nil {
			return o, err
		}
	}
	return p.Profile.Order(part)
}

// messageOrder is [Partner.order] for EDIFACT.
func (p Partner) messageOrder(part *edifact.Part) (x12wms.Order, error) {
	if own := p.Maps[part.UNH.Type]; own != nil {
		if o, ok, err := own.Order(p.Profile, mapping.OfEDIFACT(part)); ok || err != nil {
			return o, err
		}
	}
	return edifactwms.Order(p.Profile, part)
}

// expected is [Partner.order] for receipts.
func (p Partner) expected(part *x12.Part) (x12wms.Expected, error) {
	if own := p.Maps[part.ST.ID]; own != nil {
		if x, ok, err := own.Expected(p.Profile, mapping.OfX12(part)); ok || err != nil {
			return x, err
		}
	}
	return p.Profile.Expected(part)
}

// messageExpected is [Partner.expected] for EDIFACT.
func (p Partner) messageExpected(part *edifact.Part) (x12wms.Expected, error) {
	if own := p.Maps[part.UNH.Type]; own != nil {
		if x, ok, err := own.Expected(p.Profile, mapping.OfEDIFACT(part)); ok || err != nil {
			return x, err
		}
	}
	return edifactwms.Expected(p.Profile, part)
}
