package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// BatchesConfig is how the orders of a wave are put together for picking.
type BatchesConfig struct {
	Method     string `config:"method" doc:"discrete, batch, cluster, zone or bulk."`
	Orders     int64  `config:"orders" doc:"Orders of a batch at most, or slots of a put wall; 0 is no bound, as for the others."`
	Lines      int64  `config:"lines" doc:"Places with something to take, a line of an order each."`
	Units      int64  `config:"units" doc:"In the items' smallest units."`
	Volume     int64  `config:"volume_cm3"`
	Weight     int64  `config:"weight_g"`
	Totes      int64  `config:"totes" doc:"An order fills one at least."`
	ToteVolume int64  `config:"tote_cm3" doc:"What a tote holds; 0 is any order."`
	Effort     int64  `config:"effort" doc:"Steps of the optimizer for a wave; some millions are a second."`
}

func batchDefaults() BatchesConfig {
	return BatchesConfig{Method: wave.Discrete, Lines: 40, Effort: 1_000_000}
}

// Validate refuses what no wave could be put together by.
func (c BatchesConfig) Validate() error {
	var errs []error
	if !slices.Contains(wave.Methods(), c.Method) {
		errs = append(errs, fmt.Errorf("method: %q is none of %s", c.Method, strings.Join(wave.Methods(), ", ")))
	}
	for _, n := range []struct {
		key string
		v   int64
	}{
		{"orders", c.Orders}, {"lines", c.Lines}, {"units", c.Units}, {"volume_cm3", c.Volume}, {"weight_g", c.Weight}, {"totes", c.Totes}, {"tote_cm3", c.ToteVolume},
	} {
		errs = append(errs, atLeast(n.key, n.v, 0), atMost(n.key, n.v, 1<<40))
	}
	return errors.Join(append(errs, atLeast("effort", c.Effort, 1), atMost("effort", c.Effort, routes.MaxEffort))...)
}

func (c BatchesConfig) flow() routes.BatchConfig {
	const mm3 = 1_000 // of a cm3
	return routes.BatchConfig{
		Method: c.Method, ToteVolume: c.ToteVolume * mm3, Effort: c.Effort,
		Limits: wave.Limits{
			Orders: c.Orders, Lines: c.Lines, Units: c.Units, Volume: c.Volume * mm3, Weight: measure.Mass(c.Weight) * measure.Gram, Totes: c.Totes,
		},
	}
}

// WaveConfig is a template that waves are made by.
type WaveConfig struct {
	Name     string        `config:"name" doc:"Letters and digits; what its waves are named by."`
	Carriers []string      `config:"carriers" doc:"Orders of these carriers; none is any, as for the others."`
	Services []string      `config:"services"`
	Routes   []string      `config:"routes" doc:"Delivery routes."`
	Types    []string      `config:"types" doc:"Types of order."`
	Owners   []string      `config:"owners"`
	Zones    []string      `config:"zones" doc:"Some part of the order lies in one of them."`
	AllZones bool          `config:"all_zones" doc:"All of it does."`
	Priority int           `config:"priority" doc:"At least this."`
	Within   time.Duration `config:"cut_off_within" doc:"Its cut-off is nearer than this; 0 is any."`

	Max   LimitConfig `config:"max" doc:"What a wave has at most; what does not fit goes into the next."`
	Fill  LimitConfig `config:"fill" doc:"So much in any of these makes a wave."`
	Floor LimitConfig `config:"floor" doc:"What may be on the floor at a time; waves wait until there is room."`

	Share int64 `config:"share" doc:"Percent of the next hour of who is on shift that released waves may take; 0 is no bound."`
	Free  int   `config:"free_workers" doc:"So many must have asked for work and got none for a wave to be released; 0 is any."`

	Wait   time.Duration `config:"wait" doc:"The first order waits for others so long; 0 is no bound."`
	At     []string      `config:"at" doc:"Times of day that waves are planned at, in the zone of the building."`
	Every  time.Duration `config:"every" doc:"Waves are planned so often, from midnight in the zone of the building."`
	Manual bool          `config:"manual" doc:"A person releases its waves."`
}

// LimitConfig bounds work; 0 is no bound.
type LimitConfig struct {
	Orders int64         `config:"orders"`
	Lines  int64         `config:"lines"`
	Units  int64         `config:"units"`
	Volume int64         `config:"volume_cm3"`
	Weight int64         `config:"weight_g"`
	Totes  int64         `config:"totes"`
	Labour time.Duration `config:"labour" doc:"One worker's time, by the labour standards."`
}

func (c LimitConfig) limits() wave.Limits {
	return wave.Limits{
		Orders: c.Orders, Lines: c.Lines, Units: c.Units, Volume: c.Volume * 1_000, Weight: measure.Mass(c.Weight) * measure.Gram,
		Totes: c.Totes, Labour: c.Labour.Milliseconds(),
	}
}

// Validate refuses limits below nothing.
func (c LimitConfig) Validate() error {
	if err := c.limits().Validate(); err != nil {
		return errors.New(fault.Reason(err))
	}
	return nil
}

// Validate refuses a template that makes no wave.
func (c WaveConfig) Validate() error { return c.flow().Check() }

func (c WaveConfig) flow() routes.WaveTemplate {
	return routes.WaveTemplate{
		Template: wave.Template{
			Name: c.Name, Carriers: c.Carriers, Services: c.Services, Routes: c.Routes, Types: c.Types, Owners: c.Owners, Zones: c.Zones, AllZones: c.AllZones,
			Priority: c.Priority, Within: c.Within, Limits: c.Max.limits(), Fill: c.Fill.limits(),
		},
		Wait: c.Wait, At: c.At, Every: c.Every, Manual: c.Manual, Floor: c.Floor.limits(), Share: c.Share, Free: c.Free,
	}
}

// StandardConfig is how long work takes.
type StandardConfig struct {
	Kind   string        `config:"kind" doc:"pick or pack; \"\" is both."`
	Zone   string        `config:"zone" doc:"\"\" is any."`
	Task   time.Duration `config:"task" doc:"To begin and end a tour, or a packing."`
	Line   time.Duration `config:"line" doc:"At each place."`
	Unit   time.Duration `config:"unit"`
	Metre  time.Duration `config:"metre" doc:"Of way."`
	Carton time.Duration `config:"carton"`
}

func (c StandardConfig) standard() labor.Standard {
	return labor.Standard{
		Kind: c.Kind, Zone: c.Zone, Task: c.Task.Milliseconds(), Line: c.Line.Milliseconds(), Unit: c.Unit.Milliseconds(),
		Metre: c.Metre.Milliseconds(), Carton: c.Carton.Milliseconds(),
	}
}

// Validate refuses a standard that takes no time, or years.
func (c StandardConfig) Validate() error {
	if err := (labor.Standards{c.standard()}).Validate(); err != nil {
		key := strings.TrimSuffix(strings.TrimPrefix(fault.PlaceOf(err), "standards[0]."), "_ms")
		return fmt.Errorf("%s: in milliseconds %s", key, fault.Reason(err))
	}
	return nil
}

func (c WarehouseConfig) standards() (out labor.Standards) {
	for _, s := range c.Labour {
		out = append(out, s.standard())
	}
	return out
}

// unique refuses templates and shifts of one name.
func (c WarehouseConfig) unique() error {
	var errs []error
	seen := map[string]bool{}
	once := func(key, name string) {
		if at := key + " " + name; seen[at] {
			errs = append(errs, fmt.Errorf("%s: %q is the name of two", key, name))
		} else {
			seen[at] = true
		}
	}
	for _, w := range c.Waves {
		once("waves", w.Name)
	}
	for _, s := range c.Shifts {
		once("shifts", s.Name)
	}
	return errors.Join(errs...)
}

func (c WarehouseConfig) templates() (out []routes.WaveTemplate) {
	for _, w := range c.Waves {
		out = append(out, w.flow())
	}
	return out
}

// labourDefaults is what one who begins without standards plans by.
func labourDefaults() []StandardConfig {
	return []StandardConfig{
		{Kind: labor.Pick, Task: 30 * time.Second, Line: 10 * time.Second, Unit: time.Second, Metre: 900 * time.Millisecond},
		{Kind: labor.Pack, Task: 30 * time.Second, Line: 5 * time.Second, Unit: 2 * time.Second, Carton: 20 * time.Second},
	}
}

// ShiftConfig is when people work.
type ShiftConfig struct {
	Name  string        `config:"name"`
	Start string        `config:"start" doc:"By the clock of the building: 06:00."`
	End   string        `config:"end" doc:"At or before the start, it is on the day after."`
	Staff []StaffConfig `config:"staff"`
}

// StaffConfig is how many people do what.
type StaffConfig struct {
	Kind    string `config:"kind" doc:"pick or pack; \"\" is any that no other entry is for, as for the zone."`
	Zone    string `config:"zone"`
	Workers int64  `config:"workers"`
}

// Validate refuses a shift that nobody could work in.
func (c ShiftConfig) Validate() error {
	s, err := c.shift()
	if err != nil {
		return err
	}
	if err := labor.CheckShifts([]labor.Shift{s}); err != nil {
		return fmt.Errorf("%s: %s", strings.TrimPrefix(fault.PlaceOf(err), "shifts[0]."), fault.Reason(err))
	}
	return nil
}

func (c ShiftConfig) shift() (labor.Shift, error) {
	out := labor.Shift{Code: c.Name}
	for _, x := range []struct {
		key, v string
		to     *int
	}{{"start", c.Start, &out.Start}, {"end", c.End, &out.End}} {
		at, err := time.Parse("15:04", x.v)
		if err != nil {
			return out, fmt.Errorf("%s: %q is no time of day like 06:00", x.key, x.v)
		}
		*x.to = at.Hour()*60 + at.Minute()
	}
	for _, s := range c.Staff {
		out.Staff = append(out.Staff, labor.Staff(s))
	}
	return out, nil
}

func (c WarehouseConfig) shifts() (out []labor.Shift) {
	for _, x := range c.Shifts {
		if s, err := x.shift(); err == nil { // which Validate has seen to
			out = append(out, s)
		}
	}
	return out
}
