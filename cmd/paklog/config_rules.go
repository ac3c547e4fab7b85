package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
)

// Validate reports what cannot work together. What serve would refuse to start with is
// refused here, so that config check tells it before the hub is stopped.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: names no folder"))
	}
	for _, part := range []struct{ key, value string }{{"tenant", c.Tenant}, {"owner", c.Owner}, {"facility", c.Facility}} {
		if err := scope.CheckPart(part.value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.key, err))
		}
	}
	keys := c.apiKeys()
	if err := rest.CheckListen(c.HTTP.Listen, keys); err != nil {
		errs = append(errs, fmt.Errorf("http.listen: %w", err))
	}
	if err := rest.CheckKeys(keys); err != nil {
		errs = append(errs, fmt.Errorf("http.keys: %w", err))
	}
	return errors.Join(errs...)
}

// Validate refuses a building that cannot work.
func (c WarehouseConfig) Validate() error {
	errs := []error{
		atLeast("wave_orders", c.WaveOrders, 1), positive("wave_wait", c.WaveWait), positive("task_lease", c.TaskLease),
		atLeast("auto_workers", c.AutoWorkers, 0), atLeast("short_one_in", c.ShortOneIn, 0),
	}
	if _, err := (pack.Numbering{Prefix: c.SSCCPrefix}).SSCC(); err != nil {
		errs = append(errs, fmt.Errorf("sscc_prefix: %q is not a GS1 company prefix of 4 to 12 digits", c.SSCCPrefix))
	}
	if len(c.Boxes) == 0 {
		errs = append(errs, errors.New("boxes: there is none, so nothing can be packed"))
	}
	for i, b := range c.Boxes {
		if b.Name == "" || slices.ContainsFunc(c.Boxes[:i], func(o BoxConfig) bool { return o.Name == b.Name }) {
			errs = append(errs, fmt.Errorf("boxes[%d].name: %q is empty or stands for another box too", i, b.Name))
		}
	}
	return errors.Join(errs...)
}

// Validate refuses a box that holds nothing.
func (b BoxConfig) Validate() error {
	return errors.Join(
		atLeast("length_mm", b.Length, 1), atLeast("width_mm", b.Width, 1), atLeast("height_mm", b.Height, 1),
		atLeast("max_weight_g", b.MaxWeight, 1), atLeast("tare_g", b.Tare, 0),
	)
}

// Validate refuses times that are none.
func (c EDIConfig) Validate() error {
	return errors.Join(positive("poll", c.Poll), positive("ack_within", c.AckWithin))
}

// Validate reports what does not fit.
func (c PartnerConfig) Validate() error {
	var errs []error
	for _, id := range []struct{ key, value string }{{"id", c.ID}, {"our_id", c.OurID}} {
		if id.value == "" || len(id.value) > 15 {
			errs = append(errs, fmt.Errorf("%s: has 1 to 15 characters", id.key))
		}
	}
	for _, q := range []struct{ key, value string }{{"qualifier", c.Qualifier}, {"our_qualifier", c.OurQualifier}} {
		if len(q.value) != 2 {
			errs = append(errs, fmt.Errorf("%s: has 2 characters", q.key))
		}
	}
	if len(c.Version) < 6 || len(c.Version) > 12 {
		errs = append(errs, errors.New("version: has 6 to 12 characters, as 004010"))
	}
	if c.Usage != "P" && c.Usage != "T" {
		errs = append(errs, errors.New("usage: is P or T"))
	}
	if c.Policy != order.Partial && c.Policy != order.AllOrNothing {
		errs = append(errs, fmt.Errorf("policy: %q is neither %s nor %s", c.Policy, order.Partial, order.AllOrNothing))
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		errs = append(errs, fmt.Errorf("zone: %w", err))
	}
	return errors.Join(errs...)
}

// Validate refuses a door that anybody could open.
func (c HookConfig) Validate() error {
	if !strings.HasPrefix(c.Secret.Reveal(), "whsec_") {
		return errors.New("secret: is needed and begins with whsec_; the platform shows it where its webhook is set up")
	}
	return nil
}

// Validate refuses half an account.
func (c UPSConfig) Validate() error {
	if c.URL == "" {
		return nil
	}
	var errs []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("url: %q is no address, as https://onlinetools.ups.com", c.URL))
	}
	if c.ClientID == "" {
		errs = append(errs, errors.New("client_id: is needed beside a url"))
	}
	if c.ClientSecret.Reveal() == "" {
		errs = append(errs, errors.New("client_secret: is needed beside a url"))
	}
	if len(c.Account) != 6 {
		errs = append(errs, fmt.Errorf("account: has six characters, not %d", len(c.Account)))
	}
	return errors.Join(append(errs, positive("timeout", c.Timeout), positive("resolve_after", c.ResolveAfter))...)
}

// Validate refuses limits that let nothing pass.
func (c LimitsConfig) Validate() error {
	errs := []error{atLeast("max_document", c.MaxDocument, 1), positive("drain", c.Drain)}
	if c.FreeDisk == 0 || c.FreeDisk > 99 {
		errs = append(errs, fmt.Errorf("free_disk_percent: is 1 to 99, or negative for never, not %d", c.FreeDisk))
	}
	return errors.Join(errs...)
}

func atLeast[T cmp.Ordered](key string, v, least T) error {
	if v < least {
		return fmt.Errorf("%s: is %v, and at least %v", key, v, least)
	}
	return nil
}

func positive(key string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s: is %v, and longer than nothing", key, d)
	}
	return nil
}
