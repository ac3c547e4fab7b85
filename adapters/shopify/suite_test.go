package shopify_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/shopify"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/shop/shoptest"
)

var ops = map[shoptest.Op]shopifysim.Op{shoptest.Read: "fulfillmentOrder", shoptest.Changed: "fulfillmentOrders", shoptest.Ship: "fulfillmentCreate"}

func TestShopifyIsAShop(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, shoptest.Features{Tokens: true}, func(t *testing.T) shoptest.Rig {
		clk := simtest.NewClock()
		sim := shopifysim.New(shopifysim.Options{Now: clk.Now, Bucket: 1_000_000, SlowFor: time.Minute})
		url := simtest.Serve(t, sim)
		return shoptest.Rig{
			Shop:        newClient(t, url, clk.Now),
			Unreachable: newClient(t, simtest.Nobody(t), clk.Now),
			Impatient:   newClient(t, url, clk.Now, func(c *shopify.Config) { c.Timeout = time.Second }),
			BadSecret:   newClient(t, url, clk.Now, func(c *shopify.Config) { c.ClientSecret = func() (string, error) { return "wrong", nil } }),
			Buy: func() (string, string) {
				p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2}, shopifysim.Line{SKU: "TRAY", Qty: 1})
				return p.Order, p.Work
			},
			Missing: "gid://shopify/FulfillmentOrder/1", Now: clk.Now, Advance: clk.Advance, TokenLife: 86399 * time.Second,
			Trouble: func(op shoptest.Op, x shoptest.Trouble) { sim.Inject(ops[op], simtest.ShopFaults[x]) },
			Told: func(work string) (n int) {
				for _, f := range sim.Truth().Shipped {
					if f.Work == work {
						n++
					}
				}
				return n
			},
			Arrived: func(op shoptest.Op) int { return sim.Calls(ops[op]) },
			Grants:  func() int { return sim.Calls(shopifysim.OpToken) },
		}
	})
}
