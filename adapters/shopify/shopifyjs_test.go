package shopify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/edi/peer"
)

// delivered is a webhook as it came.
type delivered struct {
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// Webhooks of the simulator, with the headers of either family, are what Shopify's library for Node takes for
// Shopify's; one that was tampered with is none.
func TestShopifysLibraryForNodeTakesTheSimulatorsWebhooks(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and starts a client in Node")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := peer.Packages(t.Context(), filepath.Join(home, "paklog", "bench"), "@shopify/shopify-api", "13.1.0")
	if err != nil {
		t.Skip(err)
	}
	for family, newer := range map[string]bool{"X-Shopify-": false, "Shopify-": true} {
		hooks := told(t, newer)
		sent := len(hooks)
		if sent < 2 {
			t.Fatalf("%d webhooks came", sent)
		}
		first := hooks[0]
		add := func(change func(d *delivered)) {
			d := delivered{first.Header.Clone(), first.Body}
			change(&d)
			hooks = append(hooks, d)
		}
		add(func(d *delivered) { d.Body += " " })
		add(func(d *delivered) { d.Header.Del(family + "Hmac-Sha256") })
		add(func(d *delivered) { d.Header.Del(family + "Topic") })
		add(func(d *delivered) { d.Body = "" })
		said := strings.Split(strings.TrimSpace(judged(t, packages, shopifysim.ClientSecret, hooks)), "\n")
		if len(said) != len(hooks) {
			t.Fatalf("%q about %d webhooks", said, len(hooks))
		}
		for i, d := range hooks[:sent] {
			topic := strings.ToUpper(strings.NewReplacer("/", "_", ".", "_").Replace(d.Header.Get(family + "Topic")))
			if want := "valid " + topic + " " + shopifysim.Shop + " " + shopifysim.Version + " " + d.Header.Get(family+"Webhook-Id"); said[i] != want {
				t.Errorf("%s: %q, want %q", family, said[i], want)
			}
		}
		for i, want := range []string{"invalid invalid_hmac", "invalid missing_hmac", "invalid missing_headers", "invalid missing_body"} {
			if got := said[sent+i]; !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q, want %s", family, got, want)
			}
		}
		if got := judged(t, packages, "another-secret", hooks[:1]); !strings.HasPrefix(got, "invalid invalid_hmac") {
			t.Errorf("%s: by another secret it is %q", family, got)
		}
	}
}

// told are the webhooks of an order that is placed and held.
func told(t *testing.T, newer bool) []delivered {
	t.Helper()
	var mu sync.Mutex
	var hooks []delivered
	at := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		hooks = append(hooks, delivered{r.Header, string(body)})
	}))
	defer at.Close()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	sim := shopifysim.New(shopifysim.Options{Hooks: shopifysim.HookOptions{URL: at.URL, NewFamily: newer, Client: client}})
	sim.Stock("MUG", 10)
	p := sim.Buy(shopifysim.Buyer{First: "Zoë", Last: "Ærø", Address: "1 Main St", City: "Reno", Province: "NV", Zip: "89501", Country: "US"}, shopifysim.Line{SKU: "MUG", Qty: 2})
	sim.Hold(p.Work, "OTHER")
	sim.Cancel(p.Order)
	if left := sim.Send(t.Context()); left > 0 {
		t.Fatalf("%d webhooks were not taken", left)
	}
	mu.Lock()
	defer mu.Unlock()
	return hooks
}

// judged is what the library says of webhooks, a line each.
func judged(t *testing.T, packages, secret string, hooks []delivered) string {
	t.Helper()
	in, err := json.Marshal(hooks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", shopifyJS, secret, shopifysim.Shop)
	cmd.Env = append(os.Environ(), "NODE_PATH="+packages)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

const shopifyJS = `
require("@shopify/shopify-api/adapters/node");
const { shopifyApi, ApiVersion } = require("@shopify/shopify-api");
const http = require("http");
const [secret, shop] = process.argv.slice(1);
const api = shopifyApi({ apiKey: "sim-client", apiSecretKey: secret, apiVersion: "2026-07", hostName: shop, isEmbeddedApp: false, scopes: ["read_orders"], logger: { level: 0 } });
let input = "";
process.stdin.on("data", (d) => (input += d)).on("end", async () => {
  for (const { header, body } of JSON.parse(input)) {
    const rawHeaders = {};
    for (const [k, v] of Object.entries(header)) rawHeaders[k] = v.join(", ");
    const got = await api.webhooks.validate({ rawBody: body, rawRequest: { headers: rawHeaders, method: "POST", url: "/hook" }, rawResponse: {} });
    console.log(got.valid ? ["valid", got.topic, got.domain, got.apiVersion, got.webhookId].join(" ") : ["invalid", got.reason].join(" "));
  }
});
`
