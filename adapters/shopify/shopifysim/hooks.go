package shopifysim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// HookOptions say where webhooks go and what befalls them, drawn from the simulator's seed.
type HookOptions struct {
	URL string // "" sends none
	// Doubled, Late and Lost are how many in a thousand are sent twice, sent a while later, or never.
	Doubled, Late, Lost int
	// NewFamily sends the newer headers, without the X.
	NewFamily bool
	// Secret signs; "" is the client secret.
	Secret string
	Client *http.Client // nil is one of five seconds
}

// maxHookTries is how often a webhook is sent that is not taken.
const maxHookTries = 8

type hooks struct {
	opts   HookOptions
	rng    *rand.Rand
	serial int
	queue  []*hook
	waker  chan struct{}
	taken  int
}

type hook struct {
	id, event, topic string
	body             []byte
	at               time.Time // when it happened
	due              time.Time
	tries            int
}

func (h *hooks) init(o HookOptions, secret string, seed uint64) {
	if o.Secret == "" {
		o.Secret = secret
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 5 * time.Second}
	}
	h.opts, h.rng, h.waker = o, rand.New(rand.NewPCG(seed, 0x686f6f6b)), make(chan struct{}, 1)
}

// wake tells [Sim.Run] that there may be webhooks.
func (h *hooks) wake() {
	select {
	case h.waker <- struct{}{}:
	default:
	}
}

// tell queues a webhook about an order, or about one of its fulfilment orders. The body is as it
// was when it happened, however late it is sent.
func (s *Sim) tell(topic string, o *order, f *fulfilmentOrder) {
	h := &s.hooks
	if h.opts.URL == "" {
		return
	}
	var doc obj
	switch {
	case topic == "orders/edited":
		doc = obj{"order_edit": obj{"id": s.store.serial, "order_id": json.Number(digits(o.id))}}
	case f == nil || topic == "orders/updated":
		doc = obj{"id": json.Number(digits(o.id)), "admin_graphql_api_id": o.id, "name": o.name, "updated_at": stamp(o.updated), "cancelled_at": stamp(o.cancelledAt)}
	default:
		doc = obj{"fulfillment_order": obj{"id": f.id, "status": f.status, "request_status": f.request}}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err) // plain values
	}
	h.serial++
	one := &hook{fmt.Sprintf("hook-%d", h.serial), fmt.Sprintf("event-%d", h.serial), topic, body, s.now(), s.now(), 0}
	draw := h.rng.IntN(1000)
	if draw < h.opts.Lost {
		return
	}
	if draw < h.opts.Lost+h.opts.Late {
		one.due = one.due.Add(time.Duration(1+h.rng.IntN(90)) * time.Minute)
	}
	h.queue = append(h.queue, one)
	if h.rng.IntN(1000) < h.opts.Doubled {
		again := *one
		again.due = again.due.Add(time.Duration(h.rng.IntN(60)) * time.Second)
		h.queue = append(h.queue, &again)
	}
}

// Send sends the webhooks that are due, each once, and reports how many are left for later.
func (s *Sim) Send(ctx context.Context) (left int) {
	s.mu.Lock()
	var due, later []*hook
	for _, h := range s.hooks.queue {
		if h.due.After(s.now()) {
			later = append(later, h)
		} else {
			due = append(due, h)
		}
	}
	s.hooks.queue = later
	s.mu.Unlock()
	for _, h := range due {
		if s.post(ctx, h) {
			s.mu.Lock()
			s.hooks.taken++
			s.mu.Unlock()
			continue
		}
		if h.tries++; h.tries < maxHookTries {
			h.due = s.now().Add(time.Duration(1<<h.tries) * 10 * time.Second)
			s.mu.Lock()
			s.hooks.queue = append(s.hooks.queue, h)
			s.mu.Unlock()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hooks.queue)
}

// Run sends webhooks until ctx ends.
func (s *Sim) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s.Send(ctx)
		select {
		case <-ctx.Done():
			return
		case <-s.hooks.waker:
		case <-tick.C:
		}
	}
}

func (s *Sim) post(ctx context.Context, h *hook) bool {
	o := s.hooks.opts
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL, bytes.NewReader(h.body))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(o.Secret))
	mac.Write(h.body)
	family := "X-Shopify-"
	if o.NewFamily {
		family = "Shopify-"
	}
	for name, v := range map[string]string{
		"Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Topic": h.topic, "Shop-Domain": Shop, "Api-Version": Version,
		"Webhook-Id": h.id, "Event-Id": h.event, "Triggered-At": h.at.Format(time.RFC3339Nano),
	} {
		req.Header.Set(family+name, v)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := o.Client.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode/100 == 2
}

// HookTo sets where webhooks go.
func (s *Sim) HookTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.opts.URL = url
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// tellStock queues a webhook about a stock level.
func (s *Sim) tellStock(i *item, p *place) {
	h := &s.hooks
	if h.opts.URL == "" {
		return
	}
	h.serial++
	body, err := json.Marshal(obj{
		"inventory_item_id": json.Number(digits(i.id)), "location_id": json.Number(digits(p.id)), "available": i.levels[p.id]["available"],
		"updated_at": stamp(s.now()), "admin_graphql_api_id": levelID(i, p),
	})
	if err != nil {
		panic(err) // plain values
	}
	h.queue = append(h.queue, &hook{fmt.Sprintf("hook-%d", h.serial), fmt.Sprintf("event-%d", h.serial), "inventory_levels/update", body, s.now(), s.now(), 0})
}
