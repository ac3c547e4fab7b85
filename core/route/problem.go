package route

import (
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
)

// Problem is an order to be picked where an article may lie in several places: a tour is
// sought that passes enough of each.
type Problem struct {
	Warehouse Warehouse
	Demand    []int64 // by article; 0 asks for nothing
	Stock     []Stock
}

// Stock is what a place holds of an article, an index into [Problem.Demand].
type Stock struct {
	Position
	Article int
	Qty     int64
}

// Check says everything that is wrong with p, as Rejected.
func (p Problem) Check() error {
	if err := p.Warehouse.Check(); err != nil {
		return err
	}
	var wrong []error
	have := make([]int64, len(p.Demand))
	for i, s := range p.Stock {
		switch {
		case !p.Warehouse.Inside(s.Position):
			wrong = append(wrong, fmt.Errorf("stock %d: aisle %d, cell %d is outside the warehouse", i, s.Aisle, s.Cell))
		case s.Article < 0 || s.Article >= len(p.Demand):
			wrong = append(wrong, fmt.Errorf("stock %d: article %d has no demand", i, s.Article))
		case s.Qty < 0 || s.Qty > MaxQty:
			wrong = append(wrong, fmt.Errorf("stock %d: quantity %d is not between 0 and %d", i, s.Qty, MaxQty))
		default:
			have[s.Article] += s.Qty
		}
	}
	for a, d := range p.Demand {
		if d < 0 || d > have[a] {
			wrong = append(wrong, fmt.Errorf("article %d: %d demanded, and all its positions hold %d", a, d, have[a]))
		}
	}
	if len(wrong) > 0 {
		return fault.At("route.Check", fault.Rejected, "problem", errors.Join(wrong...))
	}
	return nil
}
