package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/paklog/hub/transforms/mapping"
)

// mapsFolder is the folder of partners' maps.
func (c *Config) mapsFolder() string { return cmp.Or(c.EDI.Maps, filepath.Join(c.Data, "maps")) }

// mapsOf compiles the maps of a partner, by set and message.
func (c *Config) mapsOf(partner string) (map[string]*mapping.Map, error) {
	out := map[string]*mapping.Map{}
	files := c.EDI.Partners[partner].Maps
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(files)) {
		m, err := openMap(filepath.Join(c.mapsFolder(), files[id]))
		if err == nil {
			err = fits(m, id)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("edi.partners.%s.maps.%s: %w", partner, id, err))
		}
		out[id] = m
	}
	return out, errors.Join(errs...)
}

// fits refuses a map that nothing could be done with where it stands.
func fits(m *mapping.Map, id string) error {
	switch {
	case !slices.Contains(m.Reads, id):
		return fmt.Errorf("map %s reads %s", m.ID, strings.Join(m.Reads, ", "))
	case m.Makes == mapping.MakesJSON:
		return fmt.Errorf("map %s makes JSON, of which no flow takes any", m.ID)
	case m.Makes == mapping.MakesReceipt && isMessageType(id):
		return fmt.Errorf("map %s makes a receipt: EDIFACT messages become orders alone", m.ID)
	}
	return nil
}
