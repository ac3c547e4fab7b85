package sap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/edi/peer"
)

// A client of SAP's own community reads the simulator's description of itself, lists, follows and changes by
// it: what it meets is what it meets at a real system.
func TestPyodataIsAtHomeAtTheSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and starts a client in Python")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, w := range [][2]string{{"pyodata", "1.12.1"}, {"requests", "2.32.5"}} {
		wheels, err := peer.Wheels(t.Context(), filepath.Join(home, "paklog", "bench"), w[0], w[1])
		if err != nil {
			t.Skip(err)
		}
		paths = append(paths, wheels)
	}
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now, PageSize: 2})
	number := want(sim, 5, 3)
	for range 3 {
		want(sim, 1)
	}
	at := simtest.Serve(t, sim) + "/sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV;v=0002/"
	cmd := exec.CommandContext(t.Context(), "python3", "-c", pyodata, at, sapsim.User, sapsim.Password, sapsim.Client, number)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.Join(paths, string(os.PathListSeparator)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"listed 4 of 4", "first page 2 more True", "items A 5 B 3", "ship-to GA US", "none 404", "bad filter 400", "without etag 428", "stale etag 412", "unpicked 400 VL/609",
		"issued C", "twice 400 VL/024",
	} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if truth := sim.Truth(number); truth.Issues != 1 || truth.Left["A"] != 4 || truth.Left["B"] != 3 {
		t.Errorf("%+v", truth)
	}
}

const pyodata = `
import sys
from decimal import Decimal
import pyodata, requests
at, user, password, mandant, number = sys.argv[1:]
s = requests.Session()
s.auth, s.headers["sap-client"] = (user, password), mandant
token = s.head(at, headers={"x-csrf-token": "fetch"}).headers["x-csrf-token"]
s.headers["x-csrf-token"] = token
c = pyodata.Client(at, s)
heads = c.entity_sets.A_OutbDeliveryHeader

page = heads.get_entities().filter("OverallGoodsMovementStatus ne 'C'").count(inline=True).execute()
print("first page", len(page), "more", page.next_url is not None)
seen, total = [h.DeliveryDocument for h in page], page.total_count
while page.next_url:
    page = heads.get_entities().next_url(at + "A_OutbDeliveryHeader?" + page.next_url.split("?", 1)[1]).execute()
    seen += [h.DeliveryDocument for h in page]
print("listed", len(set(seen)), "of", total)

head = heads.get_entity(number).execute()
items = head.nav("to_DeliveryDocumentItem").get_entities().execute()
print("items", *[w for i in items if i.IsNotGoodsMovementsRelevant == "" for w in (i.Material, int(Decimal(i.ActualDeliveredQtyInBaseUnit)))])
partners = head.nav("to_DeliveryDocumentPartner").get_entities().expand("to_Address2").execute()
to = [p.to_Address2 for p in partners if p.PartnerFunction == "SH"][0]
print("ship-to", to.Region, to.Country)

def refused(what, do):
    try:
        do()
        print(what, "taken")
    except pyodata.exceptions.HttpError as e:
        code = ""
        try:
            code = e.response.json()["error"]["code"]
        except ValueError:
            pass
        print(*[x for x in (what, str(e.response.status_code), code if not code.startswith("/") else "") if x])

refused("none", lambda: heads.get_entity("89999999").execute())
refused("bad filter", lambda: heads.get_entities().filter("Nothing eq 'x'").execute())

def call(name, etag, **params):
    r = getattr(c.functions, name)
    for k, v in params.items():
        r = r.parameter(k, v)
    # QUIRK(pyodata): it looks for an entity set where a collection of a complex type comes back.
    def handler(response):
        if response.status_code != 200:
            raise pyodata.exceptions.HttpError("refused", response)
        return response.json()["d"]["results"]
    r._handler = handler
    s.headers.pop("If-Match", None)
    if etag:
        s.headers["If-Match"] = etag
    try:
        return r.execute()
    finally:
        s.headers.pop("If-Match", None)

def etag():
    return heads.get_entity(number).execute().etag

refused("without etag", lambda: call("PickAllItems", None, DeliveryDocument=number))
refused("stale etag", lambda: call("PickAllItems", 'W/"old"', DeliveryDocument=number))
refused("unpicked", lambda: call("PostGoodsIssue", etag(), DeliveryDocument=number))
call("PickAllItems", etag(), DeliveryDocument=number)
# QUIRK(pyodata): it writes no suffix behind a decimal, which the service's description wants.
call("PickOneItemWithBaseQuantity", etag(), DeliveryDocument=number, DeliveryDocumentItem="10", ActualDeliveredQtyInBaseUnit="4M", BaseUnit="PC")
call("PostGoodsIssue", etag(), DeliveryDocument=number)
print("issued", heads.get_entity(number).execute().OverallGoodsMovementStatus)
refused("twice", lambda: call("PostGoodsIssue", etag(), DeliveryDocument=number))
`
