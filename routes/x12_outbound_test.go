package routes

import "testing"

func TestInterchangeVersionIsThatOfItsGroup(t *testing.T) {
	t.Parallel()
	for gs08, want := range map[string]string{
		"004010": "00401", "005010": "00501", "004030": "00403", "003040": "00304", "004010VICS": "00401", "": "00401", "4010": "00401",
	} {
		if got := isaVersion(gs08); got != want {
			t.Errorf("GS08 %q: ISA12 %q, want %q", gs08, got, want)
		}
	}
}
