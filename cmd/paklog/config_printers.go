package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/printer"
	"github.com/paklog/hub/routes"
)

// PrinterConfig is a network printer.
type PrinterConfig struct {
	URL        string        `config:"url" doc:"raw://host:9100, ipp://host/ipp/print or ipps://host/ipp/print."`
	Papers     []string      `config:"papers" doc:"What it prints by itself: carrier, carton, slip."`
	Format     string        `config:"format" doc:"zpl or pdf: what it takes."`
	Packers    []string      `config:"packers" doc:"Whose cartons; none is everybody's whom no other printer names."`
	Facilities []string      `config:"facilities" doc:"Of which buildings; none is all."`
	Timeout    time.Duration `config:"timeout" doc:"Of one paper; 0 is 30 s."`
}

// Validate refuses a printer that cannot be reached or cannot print what it should.
func (c PrinterConfig) Validate() error {
	p, err := c.printer("it")
	if c.Timeout < 0 {
		err = errors.Join(err, errors.New("timeout: below nothing"))
	}
	return errors.Join(err, p.Check())
}

func (c PrinterConfig) printer(name string) (routes.PrinterConfig, error) {
	port, err := printer.New(name, c.URL, c.Timeout)
	return routes.PrinterConfig{Name: name, Port: port, Papers: c.Papers, Format: c.Format, Packers: c.Packers, Facilities: c.Facilities, Timeout: c.Timeout}, err
}

// printers are in the order of their names.
func (a *app) printers() ([]routes.PrinterConfig, error) {
	var out []routes.PrinterConfig
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Printers)) {
		p, err := a.cfg.Printers[name].printer(name)
		if err != nil {
			return nil, fmt.Errorf("printers.%s: %w", name, err)
		}
		out = append(out, p)
	}
	return out, nil
}
