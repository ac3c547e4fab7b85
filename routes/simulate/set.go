package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/wave"
)

// A knob is something of a configuration that a person may name.
type knob struct {
	name string
	set  func(c *Config, v string) error
}

// number is a count of least or more. Of what zero would mean the default, the least is 1.
func number(least int, at func(c *Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least {
			return fmt.Errorf("%q is no whole number from %d on", v, least)
		}
		*at(c) = n
		return nil
	}
}

func span(at func(c *Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no time like 10m", v)
		}
		*at(c) = d
		return nil
	}
}

var policies = []knob{
	{"shorts", func(c *Config, v string) error {
		if v != order.Wait && v != order.Close {
			return fmt.Errorf("%q is neither %s nor %s", v, order.Wait, order.Close)
		}
		c.Policy.Shorts = v
		return nil
	}},
	{"steal", func(c *Config, v string) (err error) {
		c.Policy.Steal, err = strconv.ParseBool(v)
		return err
	}},
	{"strategy", func(c *Config, v string) error {
		c.Policy.Strategy = v
		return inventory.CheckStrategy(v)
	}},
	{"wave.method", func(c *Config, v string) error {
		if !slices.Contains(wave.Methods(), v) {
			return fmt.Errorf("%q is none of %s", v, strings.Join(wave.Methods(), ", "))
		}
		c.Policy.WaveMethod = v
		return nil
	}},
	{"wave.size", number(1, func(c *Config) *int { return &c.Policy.WaveSize })},
	{"wave.timeout", span(func(c *Config) *time.Duration { return &c.Policy.WaveTimeout })},
	{"wave.urgent", span(func(c *Config) *time.Duration { return &c.Policy.WaveUrgent })},
	{"workers", number(1, func(c *Config) *int { return &c.Workers })},
}

var faultKnobs = []knob{
	{"changes", number(0, func(c *Config) *int { return &c.Faults.Changes })},
	{"crash", number(0, func(c *Config) *int { return &c.Faults.Crashes })},
	{"duplicate", number(0, func(c *Config) *int { return &c.Faults.Duplicates })},
	{"jump", number(0, func(c *Config) *int { return &c.Faults.Jumps })},
	{"late", number(0, func(c *Config) *int { return &c.Faults.Late })},
	{"lost-label", number(0, func(c *Config) *int { return &c.Faults.LostLabel })},
	{"refused", number(0, func(c *Config) *int { return &c.Faults.Refusals })},
	{"short", number(0, func(c *Config) *int { return &c.Faults.Short })},
	{"twice-scan", number(0, func(c *Config) *int { return &c.Faults.TwiceScan })},
	{"wrong-scan", number(0, func(c *Config) *int { return &c.Faults.WrongScan })},
}

func names(of []knob) []string {
	out := make([]string, len(of))
	for i, k := range of {
		out[i] = k.name
	}
	return out
}

// Policies are the names that [Config.SetPolicy] takes.
func Policies() []string { return names(policies) }

// FaultNames are the names that [Config.SetFaults] takes, beside all, floor and none.
func FaultNames() []string { return append([]string{"all", "floor", "none"}, names(faultKnobs)...) }

// SetPolicy takes "name=value".
func (c *Config) SetPolicy(setting string) error { return set(c, policies, setting) }

func set(c *Config, of []knob, setting string) error {
	name, v, _ := strings.Cut(setting, "=")
	i := slices.IndexFunc(of, func(k knob) bool { return k.name == name })
	if i < 0 {
		return fmt.Errorf("%q is none of %s", name, strings.Join(names(of), ", "))
	}
	if err := of[i].set(c, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// SetFaults takes a list of "name=count", after "none", "floor" (what people do) or "all".
func (c *Config) SetFaults(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		switch s {
		case "", "none":
			c.Faults = Faults{}
		case "floor":
			c.Faults = FloorFaults()
		case "all":
			c.Faults = AllFaults()
		default:
			if err := set(c, faultKnobs, s); err != nil {
				return err
			}
		}
	}
	return nil
}
