package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
)

// demoSecret signs the demonstration's webhooks; it opens nothing else.
const demoSecret = "whsec_cGFrbG9nLWRlbW8tc2VjcmV0LW5vdC1mb3ItdXNlIQ==" //nolint:gosec // known to everybody on purpose

// webhookOrders come from a shop that delivers each event twice.
const webhookOrders = 6

func (d *demo) webhooks(ctx context.Context) error {
	d.say("\n4. %d orders by signed webhook (Standard Webhooks), each delivered twice, and one with a wrong signature", webhookOrders)
	for i := range webhookOrders {
		body, err := json.Marshal(map[string]any{
			"type": "order.placed", "timestamp": time.Now().UTC(),
			"data": map[string]any{
				"number": fmt.Sprintf("SHOP-%03d", i+1), "ship_to": demoAddress,
				"lines": []any{map[string]any{"item": skus[i%5].sku, "qty": 2}},
			},
		})
		if err != nil {
			return err
		}
		id := fmt.Sprintf("msg_%03d", i+1)
		for range 2 {
			code, answer, err := d.hook(ctx, id, body, sign(id, body))
			if err != nil {
				return fmt.Errorf("sending webhook %s: %w", id, err)
			}
			if code/100 != 2 {
				return fmt.Errorf("webhook %s was answered with %d %s", id, code, answer)
			}
		}
		if i == 0 {
			code, _, err := d.hook(ctx, "msg_forged", body, "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
			if err != nil {
				return fmt.Errorf("sending a forged webhook: %w", err)
			}
			if code != http.StatusUnauthorized {
				return fmt.Errorf("a forged webhook was answered with %d", code)
			}
		}
	}
	return nil
}

// shopifyOrders are bought at a simulated Shopify.
const shopifyOrders = 3

// bought lets buyers order at Shopify, whose webhooks tell of it, and at Magento, which is looked through.
func (d *demo) bought(ctx context.Context) error {
	d.say("   and %d orders at Shopify: a webhook hints, the hub reads the fulfilment order; the first answer about a shipment is lost on purpose", shopifyOrders)
	d.shop.Inject("fulfillmentCreate", shopifysim.AnswerLost)
	for i := range shopifyOrders {
		d.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: skus[i].sku, Qty: 1 + i})
	}
	d.say("   and one at Magento, of a configurable item and a bundle of two: the shop is looked through, and is told of what it sells, which is not what is picked; here an answer is lost, too")
	d.other.Inject(magentosim.OpShip, magentosim.AnswerLost)
	d.other.Buy(magentosim.Buyer{}, magentosim.Line{SKU: skus[1].sku, Qty: 2, Kind: "configurable"},
		magentosim.Line{SKU: "TEA-SET", Qty: 1, Kind: "bundle", Parts: []magentosim.Part{{SKU: skus[3].sku, Qty: 1}, {SKU: skus[0].sku, Qty: 4}}})
	_, err := d.app.hub.Call(ctx, door.Shops, shop.Hint{Shop: "magento"})
	return err
}

// delivered lets the simulated SAP want a delivery, and the hub look for it.
func (d *demo) delivered(ctx context.Context) error {
	d.say("   and an outbound delivery of SAP: the hub looks for what was made there, and posts the goods issue once the goods have left; the answer about that is lost")
	d.sap.Inject(sapsim.OpIssue, sapsim.AnswerLost)
	d.sap.Want(sapsim.Wanted{Material: skus[0].sku, Qty: 3}, sapsim.Wanted{Material: skus[2].sku, Qty: 1})
	_, err := d.app.hub.Call(ctx, door.ERPs, erp.Hint{ERP: "sap"})
	return err
}

// sign is what the shop does: HMAC-SHA256 over id, timestamp and body.
func sign(id string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(demoSecret, "whsec_")) // a constant of ours
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, time.Now().Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (d *demo) hook(ctx context.Context, id string, body []byte, signature string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.addr+"/webhooks/shop", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", fmt.Sprint(time.Now().Unix()))
	req.Header.Set("webhook-signature", signature)
	res, err := demoClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, answer, err
}

// importedOrders are the good rows of the file; one more is bad.
const importedOrders = 30

func (d *demo) imports(ctx context.Context) error {
	d.say("\n5. a file of %d orders imported, then imported again; one row is wrong", importedOrders+1)
	var file bytes.Buffer
	for i := range importedOrders {
		row, err := json.Marshal(map[string]any{
			"number": fmt.Sprintf("FILE-%03d", i+1), "ship_to": demoAddress,
			"lines": []any{map[string]any{"item": skus[i%5].sku, "qty": 1}},
		})
		if err != nil {
			return err
		}
		file.Write(row)
		file.WriteByte('\n')
	}
	file.WriteString(`{"number":"FILE-BAD","ship_to":{"name":"x"},"lines":[{"item":"MUG-RED","qty":-1}]}` + "\n")
	for pass := range 2 {
		var bad []bulk.Result
		sum, err := bulk.Import(ctx, bytes.NewReader(file.Bytes()), d.app.hub, bulk.Config{
			Kind: "orders", Format: "ndjson", Name: "orders.ndjson", Now: time.Now,
			Scope: scope.Scope{Tenant: d.app.cfg.Tenant, Owner: "ACME", Facility: d.app.cfg.Facility},
		}, func(r bulk.Result) error {
			if r.Outcome == bulk.Refused || r.Outcome == bulk.Failed {
				bad = append(bad, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		d.say("   pass %d: %d rows, %d created, %d known already, %d refused", pass+1, sum.Rows, sum.Created, sum.Exists+sum.Repeated, sum.Refused)
		for _, r := range bad {
			if pass == 0 {
				d.say("     line %d, %s: %s", r.Line, r.Place, r.Message)
			}
		}
	}
	return nil
}
