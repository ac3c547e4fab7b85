package inventory

import (
	"cmp"
	"slices"
)

// A Stock knows where the units lie that came in under serial numbers, as far as it was told: where
// they were named last, and whither goods went with which they must have gone along. No place has
// more of them than units. Who moves a part of a place's units by hand names them; where they moved
// otherwise and nobody named which, the first by name did; where one is taken from another place
// than it was known at, one of that other place is known here instead.

// LooseSerial is a unit in a tote or carton.
type LooseSerial struct {
	Serial string `json:"serial"`
	LPN    string `json:"lpn"`
}

// SerialAt is where a unit is that came in under a serial number. Stage is [SerialGood], [Held], which
// damaged ones are too, or [SerialLoose]; then LPN is the tote or carton.
type SerialAt struct {
	Serial string `json:"serial"`
	Stage  string `json:"stage"`
	Place
}

// Stages of units by their serial numbers.
const (
	SerialGood  = "good"
	SerialLoose = "loose"
)

// WhereSerials is where all units are that came in under serial numbers, sorted by those.
func (s Stock) WhereSerials() []SerialAt {
	out := []SerialAt{}
	for i := range s.Shelves {
		sh := &s.Shelves[i]
		for _, x := range sh.Serials {
			out = append(out, SerialAt{x, SerialGood, sh.Place})
		}
		for _, x := range sh.HeldSerials {
			out = append(out, SerialAt{x, Held, sh.Place})
		}
	}
	for _, x := range s.Loose {
		out = append(out, SerialAt{x.Serial, SerialLoose, Place{LPN: x.LPN}})
	}
	slices.SortFunc(out, func(a, b SerialAt) int { return cmp.Compare(a.Serial, b.Serial) })
	return out
}

// good reports whether a stage is of units that are neither held nor damaged.
func good(stage string) bool { return SerialOn(stage) == SerialShelf }

// serials are those of good units on a shelf, or of held and damaged ones, sorted. They are
// replaced, never changed: other states share them.
func (s *Shelf) serials(good bool) *[]string {
	if good {
		return &s.Serials
	}
	return &s.HeldSerials
}

func (s *Shelf) units(good bool) int64 {
	if good {
		return s.Total() - s.Held - s.Damaged
	}
	return s.Held + s.Damaged
}

// come knows units at a place.
func (s *Stock) come(p Place, good bool, serials []string) {
	if len(serials) == 0 {
		return
	}
	s.leave(p, good, serials)
	l := s.at(p).serials(good)
	*l = slices.Compact(slices.Sorted(slices.Values(slices.Concat(*l, serials))))
}

// leave forgets units that are taken from a place.
func (s *Stock) leave(p Place, good bool, serials []string) {
	if len(serials) == 0 {
		return
	}
	named := make(map[string]bool, len(serials))
	for _, x := range serials {
		named[x] = true
	}
	s.Loose = slices.DeleteFunc(slices.Clone(s.Loose), func(x LooseSerial) bool { return named[x.Serial] })
	here := s.at(p).serials(good)
	*here = slices.DeleteFunc(slices.Clone(*here), func(x string) bool {
		was := named[x]
		delete(named, x)
		return was
	})
	for _, x := range serials {
		if !named[x] {
			continue
		}
		for i := range s.Shelves {
			for _, there := range [...]*[]string{s.Shelves[i].serials(true), s.Shelves[i].serials(false)} {
				at, ok := slices.BinarySearch(*there, x)
				if !ok {
					continue
				}
				rest := slices.Delete(slices.Clone(*there), at, at+1)
				if here := s.at(p).serials(good); len(*here) > 0 && there != here {
					rest = append(rest, (*here)[0])
					slices.Sort(rest)
					*here = slices.Clone((*here)[1:])
				}
				*there = rest
			}
		}
	}
}

// over are the units of a place beyond those that it still has; they are forgotten there.
func (s *Stock) over(p Place, good bool) []string {
	sh := s.at(p)
	l := sh.serials(good)
	n := int64(len(*l)) - max(0, sh.units(good))
	if n <= 0 {
		return nil
	}
	out := slices.Clone((*l)[:n])
	*l = slices.Clone((*l)[n:])
	return out
}

// along knows units elsewhere whose goods were moved or became others: those named, or where nobody
// named any those that must have gone along.
func (s *Stock) along(from Place, wasGood bool, to Place, isGood bool, named []string) {
	if from == to && wasGood == isGood {
		return
	}
	s.leave(from, wasGood, named)
	rest := s.over(from, wasGood)
	if len(named) > 0 { // of these nobody knows where they are, if others were there than were known
		rest = named
	}
	s.come(to, isGood, rest)
}

// out knows units in a tote or carton, or with "" no more.
func (s *Stock) out(serials []string, lpn string) {
	if len(serials) == 0 {
		return
	}
	loose := slices.DeleteFunc(slices.Clone(s.Loose), func(x LooseSerial) bool { return slices.Contains(serials, x.Serial) })
	for _, x := range serials {
		if lpn != "" {
			loose = append(loose, LooseSerial{x, lpn})
		}
	}
	s.Loose = loose
}
