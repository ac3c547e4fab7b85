package main

import (
	"cmp"
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
	"github.com/paklog/hub/routes"
)

// ERPConfig is one ERP that is told what left.
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
}

const kindSAP = "sap"

// SetDefaults fills what most ERPs agree on. A posting is several calls, each with the deadline of one.
func (c *ERPConfig) SetDefaults() {
	c.Kind, c.Timeout, c.ResolveAfter = kindSAP, 30*time.Second, 5*time.Minute
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
	return errors.Join(errs...)
}

func (c ERPConfig) open(name string) (*sap.Client, error) {
	return sap.New(sap.Config{
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
			Name: name, Port: port, Owner: cmp.Or(c.Owner, a.cfg.Owner), Facility: cmp.Or(c.Facility, a.cfg.Facility),
			Timeout: erpCalls * c.Timeout, ResolveAfter: c.ResolveAfter,
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
	port, err := c.open(name)
	if err != nil {
		return true, err
	}
	defer port.Close()
	return true, tellFindings(cmd, g, name+" is an ERP, SAP", port.Check(cmd.Context()))
}
