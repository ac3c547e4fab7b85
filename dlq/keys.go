package dlq

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Key is a number that people know a message by.
type Key struct {
	Kind  string `json:"kind"` // order, po, asn, wave, lpn, sscc, tracking, customer, item, ...
	Value string `json:"value"`
}

const (
	mostKeys   = 64      // of one letter
	longestKey = 64      // bytes; longer ones are texts
	mostRead   = 1 << 20 // bytes of a payload that are looked through
)

// keyNames are the fields of our messages that hold business keys.
var keyNames = map[string]string{
	"order": "order", "order_number": "order", "number": "order", "orders": "order",
	"po": "po", "po_number": "po", "purchase_order": "po",
	"asn": "asn", "receipt": "asn", "shipment": "shipment", "shipment_id": "shipment", "bol": "bol", "load": "load", "manifest": "manifest",
	"wave": "wave", "task": "task", "lpn": "lpn", "sscc": "sscc", "carton": "carton", "tote": "tote", "pallet": "pallet", "tracking": "tracking",
	"customer": "customer", "customer_id": "customer", "owner": "owner", "partner": "partner", "item": "item", "sku": "item", "location": "location",
	"document": "document", "reference": "reference",
}

// KeysOf are the business keys in a message's own data. What is personal is not looked into.
func KeysOf(rec *journal.Record) []Key {
	var k keys
	k.read(rec)
	return k
}

// Know adds business keys that stand in the message's document.
func (l *Letter) Know(more ...Key) {
	k := keys(l.Keys)
	for _, x := range more {
		k.add(x.Kind, x.Value)
	}
	l.Keys = k
	if kind, ok := fault.ParseKind(l.Kind); ok {
		l.Fingerprint = Fingerprint(l.Route, kind, l.Cause, l.Place, l.Keys...)
	}
}

func (k *keys) read(rec *journal.Record) {
	k.add("partner", rec.Headers["partner"])
	k.add("document", rec.Headers["name"])
	if len(rec.Data) > mostRead {
		return
	}
	d := json.NewDecoder(bytes.NewReader(rec.Data))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		k.walk("", v, 0)
	}
}

type keys []Key

// add keeps a key that is one, once.
func (k *keys) add(kind, value string) {
	value = strings.TrimSpace(value)
	x := Key{kind, value}
	if value == "" || len(value) > longestKey || len(*k) >= mostKeys || slices.Contains(*k, x) {
		return
	}
	*k = append(*k, x)
}

// mostDeep bounds how far a payload is followed.
const mostDeep = 12

func (k *keys) walk(name string, v any, deep int) {
	if deep > mostDeep || len(*k) >= mostKeys {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		// A reference says itself of what kind it is.
		if kind, ok := v["kind"].(string); ok {
			if value, ok := v["value"].(string); ok && len(kind) <= longestKey {
				k.add(strings.ToLower(kind), value)
			}
		}
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names) // the same keys of the same message, whenever it is read
		for _, n := range names {
			k.walk(n, v[n], deep+1)
		}
	case []any:
		for _, e := range v {
			k.walk(name, e, deep+1)
		}
	case string:
		if kind := keyNames[strings.ToLower(name)]; kind != "" {
			k.add(kind, v)
		}
	case json.Number:
		if kind := keyNames[strings.ToLower(name)]; kind != "" {
			k.add(kind, v.String())
		}
	}
}
