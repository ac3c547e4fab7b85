package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/magento"
	"github.com/paklog/hub/adapters/restshop"
	"github.com/paklog/hub/adapters/shopify"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes"
	connectors "github.com/paklog/hub/transforms/restshop"
)

// ShopConfig is one app at one shop.
type ShopConfig struct {
	Kind         string                       `config:"kind" doc:"What shop it is: shopify, magento, platform (one that keeps our own contract) or rest (one that a connector describes)."`
	Connector    string                       `config:"connector" doc:"Rest: the file that says how the shop's API is spoken, below the data folder's connectors unless its path is whole."`
	Domain       string                       `config:"domain" doc:"Shopify: the shop's own domain, as example.myshopify.com."`
	URL          string                       `config:"url" doc:"Where its API listens. Shopify: \"\" is https:// and the domain. Magento: with the store's code, as https://shop.example/rest/default. Platform, rest: what the paths of its API stand behind."`
	ClientID     string                       `config:"client_id" doc:"Shopify: of the app. Magento: the consumer key; \"\" sends the access token as a bearer. Rest: where the connector's auth is basic or oauth2."`
	ClientSecret configs.Secret               `config:"client_secret" doc:"Shopify: of the app; it signs webhooks too. Magento: the consumer secret. Platform: the Standard Webhooks secret (whsec_...) that both sides sign with. Rest: as the connector's auth and sign want it. Give client_secret_file, or ${NAME}."`
	OldSecret    configs.Secret               `config:"old_secret" doc:"The secret before of what signs webhooks, while it is being rotated."`
	AccessToken  configs.Secret               `config:"access_token" doc:"Magento: of the integration. Platform: the key that we are known by. Rest: where the connector's auth is bearer or header. Give access_token_file, or ${NAME}."`
	TokenSecret  configs.Secret               `config:"token_secret" doc:"Magento: the access token's secret. Give token_secret_file, or ${NAME}."`
	Source       string                       `config:"source" doc:"Magento: the inventory source that goods leave from; \"\" is default."`
	Ships        []string                     `config:"ships" doc:"Magento: the states of orders that are to be shipped; without any, processing."`
	Owner        string                       `config:"owner" doc:"Whose orders it sends; \"\" is the hub's."`
	Facility     string                       `config:"facility" doc:"The building that ships them; \"\" is the hub's."`
	Locations    map[string]string            `config:"locations" doc:"The shop's places by their numbers, and which building of ours each is. Work at any other place is not ours; empty takes all."`
	Policy       string                       `config:"policy" doc:"partial or all_or_nothing."`
	Services     map[string]ShopServiceConfig `config:"services" doc:"What the shop's ways of delivery mean, by their names."`
	Stock        ShopStockConfig              `config:"stock" doc:"What the shop is told of the stock; it needs locations."`
	Drift        ShopDriftConfig              `config:"drift" doc:"When the shop's books are held against ours, and what is no difference."`
	Notify       bool                         `config:"notify" doc:"The shop writes to the buyer when goods leave."`
	Poll         time.Duration                `config:"poll" doc:"Time between two looks for what no webhook told."`
	Overlap      time.Duration                `config:"overlap" doc:"How far before the last change that was seen a look begins."`
	First        time.Duration                `config:"first" doc:"How far back the first look goes."`
	Timeout      time.Duration                `config:"timeout" doc:"Deadline of one call."`
	ResolveAfter time.Duration                `config:"resolve_after" doc:"How long past a lost call's deadline the shop's \"not there\" is believed."`
}

// ShopServiceConfig is what a way of delivery means to us.
type ShopServiceConfig struct {
	Carrier string `config:"carrier" doc:"\"\" compares prices."`
	Service string `config:"service" doc:"In the carrier's own code; \"\" is the carrier's."`
}

// ShopStockConfig is what a shop is told of the stock.
type ShopStockConfig struct {
	Within time.Duration `config:"within" doc:"How long a change waits for others before the shop is told; 0 is none."`
	Every  time.Duration `config:"every" doc:"Time between two tellings of all stock; 0 is none."`
	Buffer int64         `config:"buffer" doc:"Units of each item that are kept back."`
}

// ShopDriftConfig says when books are compared.
type ShopDriftConfig struct {
	Every time.Duration `config:"every" doc:"Time between two looks; 0 is none but those that are asked for."`
	Back  time.Duration `config:"back" doc:"How far back orders are looked at."`
	Late  time.Duration `config:"late" doc:"What changed at the shop less long ago is on its way, and no difference."`
	Stock int64         `config:"stock" doc:"Units by which stock may differ."`
}

// SetDefaults fills what most shops agree on.
func (c *ShopConfig) SetDefaults() {
	c.Kind, c.Policy = kindShopify, order.Partial
	c.Poll, c.Overlap, c.First = 2*time.Minute, 10*time.Minute, 24*time.Hour
	c.Timeout, c.ResolveAfter = 30*time.Second, 2*time.Minute
	c.Drift = ShopDriftConfig{Every: 24 * time.Hour, Back: 7 * 24 * time.Hour, Late: 15 * time.Minute}
}

// Kinds of shops.
const (
	kindShopify  = "shopify"
	kindMagento  = "magento"
	kindPlatform = "platform"
	kindREST     = "rest"
)

// Validate refuses a shop that cannot be reached.
func (c ShopConfig) Validate() error {
	var errs []error
	switch c.Kind {
	case kindShopify:
		errs = c.shopify()
	case kindMagento:
		errs = c.magento()
	case kindPlatform, kindREST:
		errs = c.described()
	default:
		errs = append(errs, fmt.Errorf("kind: %q is no shop that is known; there are %s, %s, %s and %s", c.Kind, kindShopify, kindMagento, kindPlatform, kindREST))
	}
	if c.Owner != "" {
		errs = append(errs, goodName("owner", c.Owner))
	}
	if c.Policy != order.Partial && c.Policy != order.AllOrNothing {
		errs = append(errs, fmt.Errorf("policy: %q is neither %s nor %s", c.Policy, order.Partial, order.AllOrNothing))
	}
	if c.Drift.Every < 0 || c.Drift.Every > 0 && c.Drift.Every < time.Minute || c.Drift.Back < time.Minute || c.Drift.Late < 0 || c.Drift.Stock < 0 {
		errs = append(errs, errors.New("drift: looks are a minute apart at least and go back as long, and nothing of it is below 0"))
	}
	if c.Stock.Within < 0 || c.Stock.Every < 0 || c.Stock.Buffer < 0 {
		errs = append(errs, errors.New("stock: nothing of it is below 0"))
	}
	if len(c.Locations) == 0 && (c.Stock.Within > 0 || c.Stock.Every > 0) {
		errs = append(errs, errors.New("stock: name the shop's places in locations first"))
	}
	for _, x := range []struct {
		name  string
		d     time.Duration
		least time.Duration
	}{{"poll", c.Poll, time.Second}, {"overlap", c.Overlap, 0}, {"first", c.First, 0}, {"timeout", c.Timeout, time.Second}, {"resolve_after", c.ResolveAfter, time.Second}} {
		if x.d < x.least {
			errs = append(errs, fmt.Errorf("%s: %s is less than %s", x.name, x.d, x.least))
		}
	}
	return errors.Join(errs...)
}

func (c ShopConfig) shopify() (errs []error) {
	if c.Domain == "" || strings.ContainsAny(c.Domain, "/: ") {
		errs = append(errs, fmt.Errorf("domain: %q is none: want the one that ends in .myshopify.com", c.Domain))
	}
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs = append(errs, fmt.Errorf("url: %q is none", c.URL))
	}
	if c.ClientID == "" || c.ClientSecret.Reveal() == "" {
		errs = append(errs, errors.New("client_id, client_secret: are needed; Shopify shows them with the app"))
	}
	for place := range c.Locations {
		if strings.Trim(place, "0123456789") != "" {
			errs = append(errs, fmt.Errorf("locations: %q is no number of a place", place))
		}
	}
	return errs
}

func (c ShopConfig) magento() (errs []error) {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Path, "/rest/") {
		errs = append(errs, fmt.Errorf("url: %q is none: want https://shop.example/rest/default", c.URL))
	}
	if c.AccessToken.Reveal() == "" || (c.ClientID != "") != (c.ClientSecret.Reveal() != "") || (c.ClientID != "") != (c.TokenSecret.Reveal() != "") {
		errs = append(errs, errors.New("access_token: is needed, and beside client_id both client_secret and token_secret; Magento shows them with the integration"))
	}
	if _, mapped := c.Locations[cmp.Or(c.Source, "default")]; len(c.Locations) > 0 && !mapped {
		errs = append(errs, fmt.Errorf("source: %q is none of locations: nothing would be ours", cmp.Or(c.Source, "default")))
	}
	return errs
}

// described is what is wrong with a shop that a connector describes, but for the connector itself.
func (c ShopConfig) described() (errs []error) {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("url: %q is none: want https://shop.example/api", c.URL))
	}
	if (c.Kind == kindREST) != (c.Connector != "") {
		errs = append(errs, fmt.Errorf("connector: is needed with kind %s, and with no other", kindREST))
	}
	if c.Kind != kindPlatform {
		return errs
	}
	if c.AccessToken.Reveal() == "" {
		errs = append(errs, errors.New("access_token: is needed: the key that the platform knows us by"))
	}
	for name, secret := range map[string]configs.Secret{"client_secret": c.ClientSecret, "old_secret": c.OldSecret} {
		if name == "old_secret" && secret.Reveal() == "" {
			continue
		}
		if err := restshop.CheckSecret(secret.Reveal()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errs
}

// connector is how the shop's API is spoken, of a shop that a connector describes.
func (c ShopConfig) connector(data string) (*connectors.Connector, error) {
	if c.Kind == kindPlatform {
		return connectors.Platform(), nil
	}
	file := c.Connector
	if !filepath.IsAbs(file) {
		file = filepath.Join(data, "connectors", file)
	}
	folder, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	raw, err := folder.ReadFile(filepath.Base(file))
	if err != nil {
		return nil, err
	}
	return connectors.Open(filepath.Base(file), raw, folder.ReadFile)
}

// connectorRules refuse connectors that cannot be read, or that want what is not given.
func (c *Config) connectorRules() (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(c.Shops)) {
		s := c.Shops[name]
		if s.Kind != kindREST || s.Validate() != nil {
			continue // what is wrong with it alone is told where it stands
		}
		port, err := s.openDescribed(name, c.Data)
		if err != nil {
			errs = append(errs, fmt.Errorf("shops.%s.connector: %w", name, err))
			continue
		}
		port.Close()
		if how, err := s.connector(c.Data); err == nil && !how.Has("set.path") && (s.Stock.Within > 0 || s.Stock.Every > 0) {
			errs = append(errs, fmt.Errorf("shops.%s.stock: connector %s says nothing of levels and set", name, s.Connector))
		}
	}
	return errs
}

// openDescribed opens a shop that a connector describes.
func (c ShopConfig) openDescribed(name, data string) (shopPort, error) {
	how, err := c.connector(data)
	if err != nil {
		return nil, err
	}
	cfg := restshop.Config{
		Connection: "shop." + name, BaseURL: c.URL, Connector: how, ClientID: c.ClientID, TokenDir: filepath.Join(data, "tokens"), Timeout: c.Timeout, Now: time.Now,
	}
	if c.ClientSecret.Reveal() != "" {
		cfg.ClientSecret = func() (string, error) { return c.ClientSecret.Reveal(), nil }
	}
	if c.AccessToken.Reveal() != "" {
		cfg.AccessToken = func() (string, error) { return c.AccessToken.Reveal(), nil }
	}
	client, err := restshop.New(cfg)
	if err != nil {
		return nil, err
	}
	if how.Has("answer.path") {
		return restshop.Answering{Client: client}, nil
	}
	return client, nil
}

// shopPort is a shop whose connections are held open.
type shopPort interface {
	shop.Shop
	shop.Checker
	Close()
}

// location is how the shop's adapter names a place.
func (c ShopConfig) location(place string) string {
	if c.Kind == kindShopify {
		return shopify.LocationID(place)
	}
	return place
}

// open opens a shop; data is the data folder.
func (c ShopConfig) open(name, data string, warn func(string)) (shopPort, error) {
	switch c.Kind {
	case kindPlatform, kindREST:
		return c.openDescribed(name, data)
	case kindMagento:
		return magento.New(magento.Config{
			Connection: "shop." + name, BaseURL: c.URL, Source: c.Source, Ships: c.Ships, Timeout: c.Timeout, Now: time.Now,
			Secrets: magento.Secrets{
				ConsumerKey: c.ClientID, AccessToken: c.AccessToken.Reveal(),
				ConsumerSecret: func() (string, error) { return c.ClientSecret.Reveal(), nil }, TokenSecret: func() (string, error) { return c.TokenSecret.Reveal(), nil },
			},
		})
	}
	return shopify.New(shopify.Config{
		Connection: "shop." + name, Shop: c.Domain, BaseURL: c.URL, ClientID: c.ClientID,
		ClientSecret: func() (string, error) { return c.ClientSecret.Reveal(), nil },
		TokenDir:     filepath.Join(data, "tokens"), Timeout: c.Timeout, Now: time.Now, Warn: warn,
	})
}

// shops hosts the connections to shops, where there are any.
func (a *app) shops(flows *routes.Flows) error {
	if len(a.cfg.Shops) == 0 {
		return nil
	}
	var all []routes.ShopConfig
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Shops)) {
		c := a.cfg.Shops[name]
		port, err := c.open(name, a.cfg.Data, func(words string) { a.log.Warn("the shop's API", "adapter", "shop."+name, "why", words) })
		if err != nil {
			return fmt.Errorf("shops.%s: %w", name, err)
		}
		a.close = append(a.close, func() error { port.Close(); return nil })
		rc := routes.ShopConfig{
			Name: name, Port: port, Policy: c.Policy, Notify: c.Notify, Stock: routes.ShopStock(c.Stock), Drift: routes.ShopDrift(c.Drift), Poll: c.Poll, Overlap: c.Overlap, First: c.First,
			Timeout: c.Timeout, ResolveAfter: c.ResolveAfter, Services: map[string]order.Service{}, Locations: map[string]string{},
			Scope: scope.Scope{Tenant: a.cfg.Tenant, Owner: cmp.Or(c.Owner, a.cfg.Owner), Facility: cmp.Or(c.Facility, a.cfg.Facility)},
		}
		for place, facility := range c.Locations {
			rc.Locations[c.location(place)] = facility
		}
		for method, s := range c.Services {
			rc.Services[method] = order.Service{Carrier: s.Carrier, Level: s.Service}
		}
		all = append(all, rc)
	}
	return routes.AddShops(a.hub, flows, all)
}

// lookThrough lets shops and ERPs be looked through now. Looks that an earlier start set go on in any case.
func (a *app) lookThrough(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Shops)) {
		if _, err := a.hub.Call(ctx, door.Shops, shop.Hint{Shop: name}); err != nil {
			a.log.Warn("the shop is not looked through at the start", "adapter", "shop."+name, "err", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.cfg.ERPs)) {
		if c := a.cfg.ERPs[name]; !c.Reads && !c.Receives {
			continue
		}
		if _, err := a.hub.Call(ctx, door.ERPs, erp.Hint{ERP: name}); err != nil {
			a.log.Warn("the ERP is not looked through at the start", "adapter", "erp."+name, "err", err)
		}
	}
	return nil
}

// shopHooks is the door of shops' webhooks.
func (a *app) shopHooks(cfg *Config) http.Handler {
	sources := map[string]shopify.HookSource{}
	for name, c := range cfg.Shops {
		if c.Kind != kindShopify {
			continue // it sends none
		}
		sources[name] = shopify.HookSource{Shop: c.Domain, Secrets: []string{c.ClientSecret.Reveal(), c.OldSecret.Reveal()}}
	}
	return shopify.Hooks(sources, shopify.HookDeps{Door: a.hub, Now: time.Now, Logger: a.log})
}

// platformHooks is the door of the webhooks of custom platforms, and of shops whose connector takes some.
func (a *app) platformHooks(cfg *Config) (http.Handler, error) {
	sources := map[string]restshop.HookSource{}
	for name, c := range cfg.Shops {
		if c.Kind != kindPlatform && c.Kind != kindREST {
			continue
		}
		how, err := c.connector(cfg.Data)
		if err != nil {
			return nil, fmt.Errorf("shops.%s: %w", name, err)
		}
		if how.Has("hook.id") {
			sources[name] = restshop.HookSource{Connector: how, Secrets: []string{c.ClientSecret.Reveal(), c.OldSecret.Reveal()}}
		}
	}
	return restshop.Hooks(sources, restshop.HookDeps{Door: a.hub, Now: time.Now, Logger: a.log}), nil
}

// checkShop says what does not fit at a shop of a name; false is none.
func checkShop(cmd *cobra.Command, g *global, name string) (known bool, err error) {
	cfg, _, err := load(g.config)
	if err != nil {
		return false, err
	}
	c, known := cfg.Shops[name]
	if !known {
		return false, nil
	}
	found, err := c.ask(cmd.Context(), name, cfg.Data)
	if err != nil {
		return true, err
	}
	where := map[string]string{kindShopify: "at Shopify", kindMagento: "at Magento", kindPlatform: "of a platform of its own", kindREST: "by connector " + c.Connector}[c.Kind]
	return true, tellFindings(cmd, g, name+" is a shop "+where, found)
}

// ask has the shop say what does not fit there.
func (c ShopConfig) ask(ctx context.Context, name, data string) ([]shop.Finding, error) {
	port, err := c.open(name, data, nil)
	if err != nil {
		return nil, err
	}
	defer port.Close()
	return port.Check(ctx, shop.Wanted{
		Locations: slices.Sorted(maps.Keys(c.Locations)), Stock: c.Stock.Within > 0 || c.Stock.Every > 0, Hooks: "/webhooks/shopify/" + name, Poll: c.Poll,
	}), nil
}

// tellFindings shows what does not fit at somebody who was asked, under a title.
func tellFindings(cmd *cobra.Command, g *global, title string, found []shop.Finding) (err error) {
	stops := slices.ContainsFunc(found, func(f shop.Finding) bool { return f.Stops })
	if g.json {
		err = writeJSON(cmd.OutOrStdout(), found)
	} else {
		fmt.Fprintln(cmd.OutOrStdout(), title)
		for _, f := range found {
			mark := "  note  "
			if f.Stops {
				mark = "  fails "
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s%s: %s\n", mark, f.Place, clean(f.Text))
		}
	}
	if err == nil && stops {
		err = exitFindings
	}
	return err
}
