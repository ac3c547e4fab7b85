package platformsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// HookOptions say where webhooks go and what befalls them, drawn from the seed.
type HookOptions struct {
	URL string // "" sends none
	// Doubled and Lost are how many in a thousand are sent twice or never.
	Doubled, Lost int
	Secret        string // "" is Secret
}

var client = &http.Client{Timeout: 5 * time.Second}

// maxTries is how often a webhook is sent that is not taken.
const maxTries = 8

type hooks struct {
	opts   HookOptions
	rng    *rand.Rand
	serial int
	queue  []*hook
	waker  chan struct{}
	taken  int
}

type hook struct {
	id    string
	body  []byte
	tries int
}

func (h *hooks) init(o HookOptions, seed uint64) {
	if o.Secret == "" {
		o.Secret = Secret
	}
	h.opts, h.rng, h.waker = o, rand.New(rand.NewPCG(seed, 0x706c6174)), make(chan struct{}, 1)
}

// HookTo says where webhooks go from now on.
func (s *Sim) HookTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.opts.URL = url
}

// tell queues a hint about an order.
func (s *Sim) tell(what, id string) {
	h := &s.hooks
	if h.opts.URL == "" || h.rng.IntN(1000) < h.opts.Lost {
		return
	}
	body, err := json.Marshal(map[string]any{"type": what, "timestamp": s.opts.Now().UTC().Format(time.RFC3339), "data": map[string]any{"id": id}})
	if err != nil {
		panic(err) // plain values
	}
	h.serial++
	one := hook{id: fmt.Sprintf("msg-%d", h.serial), body: body}
	h.queue = append(h.queue, &one)
	if h.rng.IntN(1000) < h.opts.Doubled {
		again := one
		h.queue = append(h.queue, &again)
	}
	select {
	case h.waker <- struct{}{}:
	default:
	}
}

// Send sends what waits, each once. What is not taken waits for the next time.
func (s *Sim) Send(ctx context.Context) {
	s.mu.Lock()
	due := s.hooks.queue
	s.hooks.queue = nil
	to, secret := s.hooks.opts.URL, s.hooks.opts.Secret
	s.mu.Unlock()
	for _, h := range due {
		taken := s.post(ctx, to, secret, h)
		s.mu.Lock()
		if taken {
			s.hooks.taken++
		} else if h.tries++; h.tries < maxTries {
			s.hooks.queue = append(s.hooks.queue, h)
		}
		s.mu.Unlock()
	}
}

func (s *Sim) post(ctx context.Context, to, secret string, h *hook) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(h.body))
	if err != nil {
		return false
	}
	at := strconv.FormatInt(s.opts.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", h.id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", signature(secret, h.id, at, h.body))
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode < 300
}

// Run sends webhooks until ctx ends: each at once, and what was not taken a second later.
func (s *Sim) Run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hooks.waker:
		case <-t.C:
		}
		s.Send(ctx)
	}
}
