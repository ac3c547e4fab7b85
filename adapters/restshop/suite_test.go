package restshop_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/restshop"
	"github.com/paklog/hub/adapters/restshop/platformsim"
	"github.com/paklog/hub/core/shop/shoptest"
	connector "github.com/paklog/hub/transforms/restshop"
)

var ops = map[shoptest.Op]platformsim.Op{shoptest.Read: platformsim.OpOrder, shoptest.Changed: platformsim.OpOrders, shoptest.Ship: platformsim.OpShip}

func secret(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func newClient(t *testing.T, url string, now func() time.Time, change ...func(*restshop.Config)) *restshop.Client {
	t.Helper()
	cfg := restshop.Config{
		Connection: "shop.main", BaseURL: url, Connector: connector.Platform(), AccessToken: secret(platformsim.Key), ClientSecret: secret(platformsim.Secret),
		Timeout: time.Minute, PerSecond: 1_000_000, Now: now,
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := restshop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestACustomPlatformIsAShop(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, shoptest.Features{}, func(t *testing.T) shoptest.Rig {
		clk := simtest.NewClock()
		sim := platformsim.New(platformsim.Options{Now: clk.Now, SlowFor: time.Minute})
		url := simtest.Serve(t, sim)
		return shoptest.Rig{
			Shop:        newClient(t, url, clk.Now),
			Unreachable: newClient(t, simtest.Nobody(t), clk.Now),
			Impatient:   newClient(t, url, clk.Now, func(c *restshop.Config) { c.Timeout = time.Second }),
			BadSecret:   newClient(t, url, clk.Now, func(c *restshop.Config) { c.AccessToken = secret("wrong") }),
			Buy: func() (string, string) {
				p := sim.Buy(platformsim.Buyer{}, platformsim.Line{SKU: "MUG", Qty: 2}, platformsim.Line{SKU: "TRAY", Qty: 1})
				return p.Work(), p.Work()
			},
			Missing: "orders/o-999999", Now: clk.Now, Advance: clk.Advance,
			Trouble: func(op shoptest.Op, x shoptest.Trouble) { sim.Inject(ops[op], simtest.ShopFaults[x]) },
			Told: func(work string) (n int) {
				for _, f := range sim.Truth().Shipped {
					if "orders/"+f.Order == work {
						n++
					}
				}
				return n
			},
			Arrived: func(op shoptest.Op) int { return sim.Calls(ops[op]) },
		}
	})
}
