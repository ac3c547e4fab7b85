package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/transforms/mapping"
)

// mapsFolder is the folder of partners' maps.
func (c *Config) mapsFolder() string { return cmp.Or(c.EDI.Maps, filepath.Join(c.Data, "maps")) }

// mapsOf compiles the maps of a partner, by set and message: of what he sends, and of what is sent to him.
func (c *Config) mapsOf(partner string) (own, changes map[string]*mapping.Map, err error) {
	var errs []error
	compile := func(key string, files map[string]string, fits func(*mapping.Map, string) error) map[string]*mapping.Map {
		out := map[string]*mapping.Map{}
		for _, id := range slices.Sorted(maps.Keys(files)) {
			m, err := openMap(filepath.Join(c.mapsFolder(), files[id]))
			if err == nil {
				err = fits(m, id)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("edi.partners.%s.%s.%s: %w", partner, key, id, err))
			}
			out[id] = m
		}
		return out
	}
	p := c.EDI.Partners[partner]
	own, changes = compile("maps", p.Maps, fits), compile("outbound_maps", p.OutboundMaps, fitsOutbound)
	return own, changes, errors.Join(errs...)
}

// outside are the buildings that partners run.
func (c *Config) outside() []string {
	var out []string
	for _, p := range c.EDI.Partners {
		out = append(out, p.Runs...)
	}
	return out
}

// fits refuses a map that nothing could be done with where it stands.
func fits(m *mapping.Map, id string) error {
	switch {
	case !slices.Contains(m.Reads, id):
		return fmt.Errorf("map %s reads %s", m.ID, strings.Join(m.Reads, ", "))
	case m.Makes == mapping.MakesJSON:
		return fmt.Errorf("map %s makes JSON, of which no flow takes any", m.ID)
	case m.Makes == mapping.MakesChanges:
		return fmt.Errorf("map %s changes what is sent: it stands under outbound_maps", m.ID)
	}
	return nil
}

// fitsOutbound is the same of maps of what is sent.
func fitsOutbound(m *mapping.Map, id string) error {
	switch {
	case !slices.Contains(m.Reads, id):
		return fmt.Errorf("map %s reads %s", m.ID, strings.Join(m.Reads, ", "))
	case m.Makes != mapping.MakesChanges:
		return fmt.Errorf("map %s makes %s: what is sent is changed by maps that make changes", m.ID, m.Makes)
	case !slices.Contains(routes.WrittenSets(), id):
		return fmt.Errorf("no %s is sent that a map may change: there are %s", id, strings.Join(routes.WrittenSets(), ", "))
	}
	return nil
}
