package shopify_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/edi/peer"
)

// Shopify's own client in Python, with questions that ours does not ask, meets at the simulator what it meets
// at a shop: it lists, holds, ships and counts, and is refused.
func TestShopifyAPIIsAtHomeAtTheSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and starts a client in Python")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	wheels, err := peer.Wheels(t.Context(), filepath.Join(home, "paklog", "bench"), "ShopifyAPI", "12.7.0")
	if err != nil {
		t.Skip(err)
	}
	clk := simtest.NewClock()
	sim := shopifysim.New(shopifysim.Options{Now: clk.Now})
	item := sim.Stock("MUG", 10)
	var bought shopifysim.Placed
	for range 3 {
		bought = sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", shopifyAPI, simtest.Serve(t, sim), shopifysim.ClientID, shopifysim.ClientSecret, bought.Order, bought.Work, item, sim.Location())
	cmd.Env = append(os.Environ(), "PYTHONPATH="+wheels)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"listed 3 in pages of 2 1", "order " + bought.Name + " MUG 2", "no such order None",
		"no such field undefinedField", "no token 401", "wrong token 401",
		"held ON_HOLD []", "shipped while held True None", "released OPEN []", "shipped SUCCESS 1Z999 []", "shipped twice True None",
		"counted [] 7", "counted by who saw ten CHANGE_FROM_QUANTITY_STALE", "counted below nothing INVALID_QUANTITY_NEGATIVE", "counted without a key BAD_REQUEST",
	} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	truth := sim.Truth()
	if len(truth.Shipped) != 1 || truth.Shipped[0].Order != bought.Name || truth.Shipped[0].Lines["MUG"] != 2 {
		t.Errorf("%+v", truth.Shipped)
	}
}

const shopifyAPI = `
import contextlib, io, json, sys, urllib.parse, urllib.request
import shopify
at, client, secret, order, work, item, place = sys.argv[1:]
grant = urllib.parse.urlencode({"client_id": client, "client_secret": secret, "grant_type": "client_credentials"}).encode()
token = json.load(urllib.request.urlopen(at + "/admin/oauth/access_token", grant))["access_token"]
shopify.ShopifyResource.site = at + "/admin/api/2026-07"

def ask(query, token=token, **variables):
    shopify.ShopifyResource.headers = {"X-Shopify-Access-Token": token} if token else {}
    return json.loads(shopify.GraphQL().execute(query, variables))

def refused(what, token):
    try:
        with contextlib.redirect_stdout(io.StringIO()): # the client prints what it was answered
            ask("{ shop { name } }", token)
        print(what, "taken")
    except urllib.error.HTTPError as e:
        print(what, e.code)

sizes, after = [], None
while True:
    page = ask("query($after: String) { orders(first: 2, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }", after=after)["data"]["orders"]
    sizes.append(len(page["edges"]))
    after = page["pageInfo"]["endCursor"]
    if not page["pageInfo"]["hasNextPage"]:
        break
print("listed", sum(sizes), "in pages of", *sizes)

one = "query($id: ID!) { order(id: $id) { name lineItems(first: 5) { nodes { sku quantity } } } }"
o = ask(one, id=order)["data"]["order"]
print("order", o["name"], *[w for l in o["lineItems"]["nodes"] for w in (l["sku"], l["quantity"])])
print("no such order", ask(one, id="gid://shopify/Order/1")["data"]["order"])
print("no such field", ask("{ shop { nothing } }")["errors"][0]["extensions"]["code"])
refused("no token", "")
refused("wrong token", "shpat_none")

def ship(what):
    got = ask("""mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) {
        fulfillment { status trackingInfo { number } } userErrors { field message } } }""",
        f={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": work}], "trackingInfo": {"number": "1Z999", "company": "UPS"}})["data"]["fulfillmentCreate"]
    done = got["fulfillment"]
    if done:
        print(what, done["status"], done["trackingInfo"][0]["number"], got["userErrors"])
    else:
        print(what, len(got["userErrors"]) > 0, done)

got = ask("""mutation($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: OTHER}) { fulfillmentOrder { status } userErrors { message } } }""", id=work)
print("held", got["data"]["fulfillmentOrderHold"]["fulfillmentOrder"]["status"], got["data"]["fulfillmentOrderHold"]["userErrors"])
ship("shipped while held")
got = ask("""mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) { fulfillmentOrder { status } userErrors { message } } }""", id=work)
print("released", got["data"]["fulfillmentOrderReleaseHold"]["fulfillmentOrder"]["status"], got["data"]["fulfillmentOrderReleaseHold"]["userErrors"])
ship("shipped")
ship("shipped twice")

def count(key, seen, to, keyed=True):
    return ask("mutation($in: InventorySetQuantitiesInput!" + (", $key: String!" if keyed else "") + ") { inventorySetQuantities(input: $in)" + (" @idempotent(key: $key)" if keyed else "") +
        " { userErrors { code } inventoryAdjustmentGroup { reason } } }", key=key,
        **{"in": {"name": "on_hand", "reason": "correction", "quantities": [{"inventoryItemId": item, "locationId": place, "quantity": to, "changeFromQuantity": seen}]}})

def on_hand():
    return ask("""query($id: ID!, $at: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $at) { quantities(names: ["on_hand"]) { quantity } } } }""",
        id=item, at=place)["data"]["inventoryItem"]["inventoryLevel"]["quantities"][0]["quantity"]

was = on_hand()
print("counted", count("k1", was, 7)["data"]["inventorySetQuantities"]["userErrors"], on_hand())
print("counted by who saw ten", *[e["code"] for e in count("k2", 10, 5)["data"]["inventorySetQuantities"]["userErrors"]])
print("counted below nothing", *[e["code"] for e in count("k3", 7, -1)["data"]["inventorySetQuantities"]["userErrors"]])
print("counted without a key", *[e["extensions"]["code"] for e in count("k4", 7, 5, keyed=False)["errors"]])
`
