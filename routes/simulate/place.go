package simulate

import "fmt"

// place is a cell of the building: an aisle, how far down it, and on which side.
type place struct{ aisle, cell, side int }

// Distances of the building, in mm: aisle to aisle, cell to cell, and from the first and the
// last cell to the cross-aisles.
const (
	aisleStep = 5_000
	cellStep  = 1_000
	toCross   = 1_500
)

// Speed and handling of people, in ms.
const (
	msPerMetre = 800 // 1.25 m/s
	msPerStop  = 8_000
	msPerUnit  = 2_000
	msPerBox   = 45_000
	msPerPack  = 3_000
	msPerCount = 30_000
)

func (p place) aisleName() string { return fmt.Sprintf("%02d", p.aisle+1) }

func (p place) String() string {
	return fmt.Sprintf("A%02d-%03d-%c", p.aisle+1, p.cell+1, 'L'+6*rune(p.side))
}

// sequence orders places as a serpent: up one aisle and down the next.
func (p place) sequence(cells int) int64 {
	n := p.cell
	if p.aisle%2 == 1 {
		n = cells - 1 - p.cell
	}
	return int64((p.aisle*cells+n)*2 + p.side)
}

func parsePlace(code string) (place, bool) {
	var p place
	var side rune
	if n, err := fmt.Sscanf(code, "A%02d-%03d-%c", &p.aisle, &p.cell, &side); n != 3 || err != nil {
		return place{}, false
	}
	p.aisle--
	p.cell--
	if side == 'R' {
		p.side = 1
	}
	return p, true
}

// walk is the way between two cells in mm: along the aisle, or by the nearer of the two
// cross-aisles.
func walk(a, b place, cells int) int64 {
	if a.aisle == b.aisle {
		return int64(abs(a.cell-b.cell)) * cellStep
	}
	front := int64(a.cell+b.cell)*cellStep + 2*toCross
	back := int64(2*(cells-1)-a.cell-b.cell)*cellStep + 2*toCross
	return int64(abs(a.aisle-b.aisle))*aisleStep + min(front, back)
}

func abs(n int) int { return max(n, -n) }
