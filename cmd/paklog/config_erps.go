package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/sap"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes"
	mapping "github.com/paklog/hub/transforms/sap"
)

// ERPConfig is one ERP whose deliveries are orders and receipts here, and that is told what left and came.
type ERPConfig struct {
	Kind         string         `config:"kind" doc:"What ERP it is: sap (S/4HANA, OData V2)."`
	URL          string         `config:"url" doc:"Where its OData V2 services are, as https://s4.example:44300/sap/opu/odata/sap."`
	User         string         `config:"user" doc:"The communication user."`
	Password     configs.Secret `config:"password" doc:"Of the user. Give password_file, or ${NAME}."`
	Client       string         `config:"client" doc:"The client that the user is in, three digits; \"\" is the system's own."`
	Owner        string         `config:"owner" doc:"Whose orders are its deliveries; \"\" is the hub's."`
	Facility     string         `config:"facility" doc:"The building that its deliveries leave from; \"\" is the hub's."`
	Numbers      string         `config:"numbers" doc:"A regular expression of the order numbers that are numbers of its deliveries; \"\" is all."`
	Timeout      time.Duration  `config:"timeout" doc:"Deadline of one call."`
	ResolveAfter time.Duration  `config:"resolve_after" doc:"How long past a lost call's deadline the ERP's \"not posted\" is believed."`

	Reads    bool                         `config:"reads" doc:"Its deliveries become orders; else they come by another door under their numbers."`
	Points   map[string]string            `config:"points" doc:"Its shipping points, and which building of ours each is. A delivery from any other is not ours; empty takes all."`
	Receives bool                         `config:"receives" doc:"Its inbound deliveries become receipts, and their goods receipt is posted once the receipt is closed."`
	Plants   map[string]string            `config:"plants" doc:"Its plants, and which building of ours each is. An inbound delivery to any other is not ours; empty takes all."`
	Policy   string                       `config:"policy" doc:"partial or all_or_nothing."`
	Services map[string]ShopServiceConfig `config:"services" doc:"What its shipping conditions mean, by their codes."`
	Poll     time.Duration                `config:"poll" doc:"Time between two looks for what was made or changed."`
	Overlap  time.Duration                `config:"overlap" doc:"How far before the last look a look begins: it knows days alone, of its own zone."`
	First    time.Duration                `config:"first" doc:"How far back the first look goes."`
	// What it is told of our adjustments.
	Stocks    map[string]ERPStockConfig    `config:"stocks" doc:"Where in it the stock of each building is, by the building."`
	Movements map[string]ERPMovementConfig `config:"movements" doc:"What movement each kind of adjustment is there; a kind that is not named is not told."`
	Look      time.Duration                `config:"look" doc:"Time between two readings of a delivery without goods issue, by which one is found that was deleted."`
}

// ERPStockConfig is where a building's stock is.
type ERPStockConfig struct {
	Plant    string `config:"plant" doc:"Of SAP, 1 to 4 characters."`
	Location string `config:"location" doc:"Storage location, 1 to 4 characters."`
}

// ERPMovementConfig is a movement.
type ERPMovementConfig struct {
	Code string `config:"code" doc:"Goods movement code, two digits."`
	Type string `config:"type" doc:"Movement type, three digits."`
}

const kindSAP = "sap"

// SetDefaults fills what most ERPs agree on. A posting is several calls, each with the deadline of one.
func (c *ERPConfig) SetDefaults() {
	c.Kind, c.Timeout, c.ResolveAfter = kindSAP, 30*time.Second, 5*time.Minute
	c.Policy, c.Poll, c.Overlap, c.First, c.Look = order.Partial, 2*time.Minute, 36*time.Hour, 14*24*time.Hour, time.Hour
}

// Validate refuses an ERP that cannot be reached.
func (c ERPConfig) Validate() error {
	var errs []error
	if c.Kind != kindSAP {
		errs = append(errs, fmt.Errorf("kind: %q is no ERP that is known; there is %s", c.Kind, kindSAP))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("url: %q is none: want https://s4.example:44300/sap/opu/odata/sap", c.URL))
	}
	if c.User == "" || c.Password.Reveal() == "" {
		errs = append(errs, errors.New("user, password: are needed; the communication arrangement names the user"))
	}
	if c.Client != "" && (len(c.Client) != 3 || strings.Trim(c.Client, "0123456789") != "") {
		errs = append(errs, fmt.Errorf("client: %q is none: want three digits", c.Client))
	}
	if c.Owner != "" {
		errs = append(errs, goodName("owner", c.Owner))
	}
	if _, err := regexp.Compile(c.Numbers); err != nil {
		errs = append(errs, fmt.Errorf("numbers: %w", err))
	}
	if c.Timeout < time.Second || c.ResolveAfter < time.Second {
		errs = append(errs, fmt.Errorf("timeout, resolve_after: %s and %s: each is a second at least", c.Timeout, c.ResolveAfter))
	}
	for _, building := range slices.Sorted(maps.Keys(c.Stocks)) {
		if err := mapping.Stock(c.Stocks[building]).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("stocks.%s: %w", building, err))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Movements)) {
		if err := mapping.MovementType(c.Movements[kind]).Validate(kind); err != nil {
			errs = append(errs, fmt.Errorf("movements.%s: %w", kind, err))
		}
	}
	if len(c.Movements) > 0 && len(c.Stocks) == 0 {
		errs = append(errs, errors.New("movements: need stocks, which say where the goods are there"))
	}
	if c.Policy != order.Partial && c.Policy != order.AllOrNothing {
		errs = append(errs, fmt.Errorf("policy: %q is neither %s nor %s", c.Policy, order.Partial, order.AllOrNothing))
	}
	if c.Poll < time.Second || c.Look < time.Minute || c.First < 0 || c.Overlap < 26*time.Hour {
		errs = append(errs, errors.New("poll, look, first, overlap: looks are a second apart at least, readings a minute, and a look begins 26h before the last at least: it knows days alone, of any zone"))
	}
	return errors.Join(errs...)
}

func (c ERPConfig) open(name string) (*sap.Client, error) {
	stocks, movements := map[string]mapping.Stock{}, map[string]mapping.MovementType{}
	for building, s := range c.Stocks {
		stocks[building] = mapping.Stock(s)
	}
	for kind, m := range c.Movements {
		movements[kind] = mapping.MovementType(m)
	}
	return sap.New(sap.Config{
		Receives: c.Receives, Stocks: stocks, Movements: movements,
		Connection: "erp." + name, BaseURL: c.URL, User: c.User, Client: c.Client, Timeout: c.Timeout, Now: time.Now,
		Password: func() (string, error) { return c.Password.Reveal(), nil },
	})
}

// erps hosts the connections to ERPs, where there are any.
func (a *app) erps(flows *routes.Flows) error {
	if len(a.cfg.ERPs) == 0 {
		return nil
	}
	var all []routes.ERPConfig
	for _, name := range slices.Sorted(maps.Keys(a.cfg.ERPs)) {
		c := a.cfg.ERPs[name]
		port, err := c.open(name)
		if err != nil {
			return fmt.Errorf("erps.%s: %w", name, err)
		}
		a.close = append(a.close, func() error { port.Close(); return nil })
		rc := routes.ERPConfig{
			Name: name, Port: port, Reverser: port, Owner: cmp.Or(c.Owner, a.cfg.Owner), Facility: cmp.Or(c.Facility, a.cfg.Facility),
			Timeout: erpCalls * c.Timeout, ResolveAfter: c.ResolveAfter,
			Tenant: a.cfg.Tenant, Points: c.Points, Policy: c.Policy, Services: map[string]order.Service{},
			Poll: c.Poll, Overlap: c.Overlap, First: c.First, Look: c.Look, Queued: a.cfg.Queue == queueRabbit,
		}
		if c.Reads {
			rc.Source = port
		}
		if c.Receives {
			rc.Receiver, rc.Plants = port, c.Plants
		}
		if len(c.Movements) > 0 {
			rc.Mover, rc.Moves = port, map[string]bool{}
		}
		for kind := range c.Movements {
			rc.Moves[kind] = true
		}
		for code, s := range c.Services {
			rc.Services[code] = order.Service{Carrier: s.Carrier, Level: s.Service}
		}
		if c.Numbers != "" {
			if rc.Numbers, err = regexp.Compile(c.Numbers); err != nil {
				return fmt.Errorf("erps.%s.numbers: %w", name, err)
			}
		}
		all = append(all, rc)
	}
	return routes.AddERPs(a.hub, flows, all)
}

// erpCalls is how many deadlines of calls a posting may take in all: it reads, picks and reads again.
const erpCalls = 4

// checkERP says what does not fit at an ERP of a name; false is none.
func checkERP(cmd *cobra.Command, g *global, name string) (known bool, err error) {
	cfg, _, err := load(g.config)
	if err != nil {
		return false, err
	}
	c, known := cfg.ERPs[name]
	if !known {
		return false, nil
	}
	found, err := c.ask(cmd.Context(), name)
	if err != nil {
		return true, err
	}
	return true, tellFindings(cmd, g, name+" is an ERP, SAP", found)
}

// ask has the ERP say what does not fit there.
func (c ERPConfig) ask(ctx context.Context, name string) ([]shop.Finding, error) {
	port, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer port.Close()
	return port.Check(ctx), nil
}
