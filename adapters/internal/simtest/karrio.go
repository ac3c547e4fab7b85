package simtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/peer"
)

// Karrio lets karrio, a client of many carriers, track and give back a label that was bought at a simulator
// of one ("ups", "fedex", "usps") by somebody else, and returns what it says of each, a line each. Where
// karrio cannot be had the test is skipped.
func Karrio(t *testing.T, carrier, url, clientID, secret, account, crid, mid string, l ship.Label) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: fetches and starts a client in Python")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	const version = "2026.1.32"
	wheels, err := peer.Wheels(t.Context(), filepath.Join(home, "paklog", "bench"), "karrio-"+carrier, version, "karrio=="+version)
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", karrio, carrier, url, clientID, secret, account, crid, mid, l.TrackingNumber, l.ShipmentID)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+wheels)
	var said, failed strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &said, &failed)
	}
	return said.String()
}

const karrio = `
import importlib, sys
from loguru import logger
logger.remove()
import karrio.sdk as karrio
logger.remove()
from karrio.core import models
which, url, client, secret, account, crid, mid, number, shipment = sys.argv[1:]
importlib.import_module(f"karrio.providers.{which}.utils").Settings.server_url = property(lambda s: url)
def gateway(secret):
    return karrio.gateway[which].create({
        "ups": dict(client_id=client, client_secret=secret, account_number=account, account_country_code="US"),
        "fedex": dict(api_key=client, secret_key=secret, track_api_key=client, track_secret_key=secret, account_number=account, account_country_code="US"),
        "usps": dict(client_id=client, client_secret=secret, account_number=account, account_type="EPS", CRID=crid, MID=mid, manifest_MID=mid),
    }[which])
def codes(messages):
    return sorted({str(m.code) for m in messages})
def track(g, number):
    found, said = karrio.Tracking.fetch(models.TrackingRequest(tracking_numbers=[number])).from_(g).parse()
    return found or [], codes(said)
def void(shipment):
    done, said = karrio.Shipment.cancel(models.ShipmentCancelRequest(shipment_identifier=shipment)).from_(good).parse()
    return bool(done and done.success), codes(said)
good = gateway(secret)
found, said = track(good, number)
print("tracked", *[(t.tracking_number == number, t.delivered, len(t.events) > 0) for t in found], *said)
print("unknown", *track(good, "1Z9999999999999999"))
print("stranger", *track(gateway("wrong"), number))
print("never sold", *void("1Z9999999999999999"))
print("voided", *void(shipment))
print("voided again", *void(shipment))
`
