package magento_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/magento"
	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/core/shop/shoptest"
)

var ops = map[shoptest.Op]magentosim.Op{shoptest.Read: magentosim.OpOrder, shoptest.Changed: magentosim.OpOrders, shoptest.Ship: magentosim.OpShip}

func secret(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// newClient is a connection that signs, unless a test says otherwise.
func newClient(t *testing.T, url string, now func() time.Time, change ...func(*magento.Config)) *magento.Client {
	t.Helper()
	cfg := magento.Config{
		Connection: "shop.main", BaseURL: url + "/rest/default", Source: magentosim.Source, Timeout: time.Minute, PerSecond: 1_000_000, Now: now,
		Secrets: magento.Secrets{ConsumerKey: magentosim.ConsumerKey, AccessToken: magentosim.AccessToken, ConsumerSecret: secret(magentosim.ConsumerSecret), TokenSecret: secret(magentosim.TokenSecret)},
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := magento.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newShop(t *testing.T, o magentosim.Options, change ...func(*magento.Config)) (*magentosim.Sim, *magento.Client, *simtest.Clock) {
	t.Helper()
	clk := simtest.NewClock()
	o.Now = clk.Now
	sim := magentosim.New(o)
	return sim, newClient(t, simtest.Serve(t, sim), clk.Now, change...), clk
}

func bearer(c *magento.Config) { c.Secrets = magento.Secrets{AccessToken: magentosim.AccessToken} }

// Signed and as a bearer, and with items that are told by what they are a part of.
func TestMagentoIsAShop(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]struct {
		options magentosim.Options
		auth    func(*magento.Config)
		lines   []magentosim.Line
	}{
		"signed": {magentosim.Options{}, func(*magento.Config) {}, []magentosim.Line{{SKU: "MUG", Qty: 2}, {SKU: "TRAY", Qty: 1}}},
		"bearer, put together": {magentosim.Options{Bearer: true}, bearer, []magentosim.Line{
			{SKU: "SHIRT-M", Qty: 2, Kind: "configurable"}, {SKU: "SET", Qty: 1, Kind: "bundle", Parts: []magentosim.Part{{SKU: "CUP", Qty: 1}}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shoptest.Run(t, shoptest.Features{}, func(t *testing.T) shoptest.Rig {
				clk := simtest.NewClock()
				o := o
				o.options.Now, o.options.SlowFor = clk.Now, time.Minute
				sim := magentosim.New(o.options)
				url := simtest.Serve(t, sim)
				return shoptest.Rig{
					Shop:        newClient(t, url, clk.Now, o.auth),
					Unreachable: newClient(t, simtest.Nobody(t), clk.Now, o.auth),
					Impatient:   newClient(t, url, clk.Now, o.auth, func(c *magento.Config) { c.Timeout = time.Second }),
					BadSecret: newClient(t, url, clk.Now, func(c *magento.Config) {
						c.Secrets.TokenSecret = secret("wrong")
						if o.options.Bearer {
							c.Secrets = magento.Secrets{AccessToken: "wrong"}
						}
					}),
					Buy: func() (string, string) {
						p := sim.Buy(magentosim.Buyer{}, o.lines...)
						return p.Work(), p.Work()
					},
					Missing: "orders/999999", Now: clk.Now, Advance: clk.Advance,
					Trouble: func(op shoptest.Op, x shoptest.Trouble) { sim.Inject(ops[op], simtest.ShopFaults[x]) },
					Told: func(work string) (n int) {
						for _, f := range sim.Truth().Shipped {
							if (magentosim.Placed{ID: f.Order}).Work() == work {
								n++
							}
						}
						return n
					},
					Arrived: func(op shoptest.Op) int { return sim.Calls(ops[op]) },
				}
			})
		})
	}
}
