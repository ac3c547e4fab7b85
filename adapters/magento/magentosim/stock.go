package magentosim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

func (s *Sim) getStock(r *http.Request, _ []byte) simhttp.Answer {
	return found(r.URL.Query(), slices.Sorted(maps.Keys(s.stock)), map[string]func(string) string{
		"sku": func(sku string) string { return sku }, "source_code": func(string) string { return Source }, "source_item_id": func(sku string) string { return sku },
	}, func(sku string) any {
		status := 0
		if s.stock[sku] > 0 {
			status = 1
		}
		return map[string]any{"sku": sku, "source_code": Source, "quantity": s.stock[sku], "status": status}
	})
}

type sourceItems struct {
	Items []struct {
		SKU      *string         `json:"sku"`
		Source   *string         `json:"source_code"`
		Quantity *float64        `json:"quantity"`
		Status   *int            `json:"status"`
		Extra    json.RawMessage `json:"extension_attributes"`
	} `json:"sourceItems"`
}

// check says why items cannot be set, or nothing.
func (s *Sim) check(in sourceItems) *simhttp.Answer {
	no := func(message string, parameters ...any) *simhttp.Answer {
		a := refuse(http.StatusBadRequest, message, parameters...)
		return &a
	}
	if in.Items == nil {
		return no(missing, "sourceItems")
	}
	if s.opts.MostItems > 0 && len(in.Items) > s.opts.MostItems {
		return no("Maximum items of type \"%1\" is %2", "SourceItemInterface", s.opts.MostItems)
	}
	for _, x := range in.Items {
		switch {
		case x.SKU == nil || *x.SKU == "" || x.Source == nil || x.Quantity == nil || x.Status == nil:
			return no(missing, "sku")
		case *x.Source != Source:
			return no(`Source with source code "%1" does not exist.`, *x.Source)
		}
	}
	return nil
}

func (s *Sim) apply(in sourceItems) {
	s.set++
	for _, x := range in.Items {
		s.stock[*x.SKU] = *x.Quantity
	}
}

func (s *Sim) setStock(_ *http.Request, body []byte) simhttp.Answer {
	var in sourceItems
	if err := simhttp.Strict(body, &in); err != nil {
		return refuse(http.StatusBadRequest, unshaped, err.Error())
	}
	if bad := s.check(in); bad != nil {
		return *bad
	}
	s.apply(in)
	return simhttp.OK([]any{})
}

// bulk is what the queue was given.
type bulk struct {
	parts []sourceItems
	due   time.Time
	done  bool
	words []string // why a part failed
}

func (s *Sim) takeBulk(_ *http.Request, body []byte) simhttp.Answer {
	b := &bulk{due: s.opts.Now().Add(s.opts.QueueTakes)}
	if err := simhttp.Strict(body, &b.parts); err != nil || len(b.parts) == 0 {
		return refuse(http.StatusBadRequest, unshaped, fmt.Sprint(err))
	}
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.next())
	s.bulks[id] = b
	var items []any
	for i := range b.parts {
		items = append(items, map[string]any{"id": i, "data_hash": fmt.Sprintf("%064d", i), "status": "accepted"})
	}
	return simhttp.Answer{Status: http.StatusAccepted, Body: map[string]any{"bulk_uuid": id, "request_items": items, "errors": false}}
}

// work lets the queue do what is due.
func (s *Sim) work() {
	for _, b := range s.bulks {
		if b.done || s.opts.Now().Before(b.due) {
			continue
		}
		b.done = true
		for _, p := range b.parts {
			words := ""
			if bad := s.check(p); bad != nil {
				words = bad.Body.(map[string]any)["message"].(string)
			} else if s.opts.QueueFails {
				words = "The queue's worker failed"
			} else {
				s.apply(p)
			}
			b.words = append(b.words, words)
		}
	}
}

func (s *Sim) bulkState(r *http.Request, _ []byte) simhttp.Answer {
	id, _ := url.PathUnescape(r.PathValue("id"))
	b := s.bulks[id]
	if b == nil {
		return refuse(http.StatusNotFound, noEntity)
	}
	ops := []any{}
	for i := range b.parts {
		x := map[string]any{"id": i, "bulk_uuid": id, "status": 4, "result_message": "", "serialized_data": "", "result_serialized_data": "", "error_code": 0, "topic_name": "async.magento.inventoryapi.api.sourceitemssaveinterface.execute.post"}
		if b.done {
			x["status"] = 1
			if b.words[i] != "" {
				x["status"], x["result_message"] = 3, b.words[i]
			}
		}
		ops = append(ops, x)
	}
	return simhttp.OK(map[string]any{"operations_list": ops, "bulk_id": id, "operation_count": len(ops), "start_time": "", "user_id": 1, "user_type": 1, "description": ""})
}

func (s *Sim) getStores(*http.Request, []byte) simhttp.Answer {
	store := map[string]any{
		"id": 1, "code": "default", "website_id": 1, "locale": "en_US", "base_currency_code": "USD", "default_display_currency_code": "USD",
		"timezone": "America/Los_Angeles", "weight_unit": "lbs",
	}
	for _, kind := range []string{"base_url", "base_link_url", "base_static_url", "base_media_url"} {
		store[kind], store["secure_"+kind] = "http://shop.example/", "https://shop.example/"
	}
	return simhttp.OK([]any{store})
}

func (s *Sim) getSources(r *http.Request, _ []byte) simhttp.Answer {
	return found(r.URL.Query(), []string{"default", Source}, map[string]func(string) string{"source_code": func(c string) string { return c }}, func(c string) any {
		return map[string]any{"source_code": c, "name": "Source " + c, "enabled": c == Source, "country_id": "US", "postcode": "89501"}
	})
}
