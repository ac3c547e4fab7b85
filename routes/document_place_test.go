package routes

import "testing"

func TestPlacesOfAnOrderAreNamedAsTheirSenderWroteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ doc, place, want string }{
		{"940", "lines[2].item", "W01-05 of line 3 (lines[2].item)"},
		{"850", "lines[0].uom", "PO1-03 of line 1 (lines[0].uom)"},
		{"940", "ship_to.city", "N1 of ST (ship_to.city)"},
		{"940", "number", "W05-02 (number)"},
		{"", "lines[2].item", "lines[2].item"},
		{"940", "lines[x].item", "lines[x].item"},
		{"940", "service.carrier", "service.carrier"},
		{"940", "", ""},
	} {
		if got := documentPlace(c.doc, c.place); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.doc, c.place, got, c.want)
		}
	}
}
