// Package notifier sends notices to people: by mail (SMTP), to a partner's system (a signed
// webhook), to a room where staff talks (a chat's incoming webhook).
package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/notify"
)

// Hook tells a system: JSON of the notice in a POST, signed as Standard Webhooks says
// (https://www.standardwebhooks.com, version v1). The same notice always has the same webhook-id.
type Hook struct {
	client *partnerhttp.Client
	sign   *standardwebhooks.Webhook
	now    func() time.Time
}

// minSecret is 24 bytes in base64, the least that Standard Webhooks asks for.
const minSecret = 32

// NewHook makes a hook to an address. secret is what the other side verifies by, in base64 and
// with or without "whsec_".
func NewHook(name, address, secret string, timeout time.Duration, now func() time.Time) (*Hook, error) {
	if err := web(address); err != nil {
		return nil, err
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("secret: %d characters of base64 are needed", minSecret)
	}
	sign, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return &Hook{client: partnerhttp.New(partnerhttp.Config{Connection: name, BaseURL: address, Timeout: timeout, Now: now}), sign: sign, now: now}, nil
}

// Close drops kept connections.
func (h *Hook) Close() error { h.client.Close(); return nil }

// told is the body of a hook.
type told struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      toldData  `json:"data"`
}

type toldData struct {
	Rule    string        `json:"rule"`
	Subject string        `json:"subject"`
	Items   []notify.Item `json:"items"`
	More    int           `json:"more,omitempty"`
}

// Send implements [notify.Channel].
func (h *Hook) Send(ctx context.Context, n notify.Notice) error {
	const op = "notify.Hook"
	body := told{Type: "notice", Timestamp: n.At.UTC(), Data: toldData{Rule: n.Rule, Subject: n.Subject, Items: n.Items, More: n.More}}
	if len(n.Items) == 1 && n.More == 0 {
		body.Type = "order." + n.Items[0].What
		if n.Items[0].Group != "" {
			body.Type = "group." + n.Items[0].What
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fault.E(op, fault.Internal, err)
	}
	at := h.now()
	signature, err := h.sign.Sign(n.ID, at, raw)
	if err != nil {
		return fault.E(op, fault.Internal, err)
	}
	_, err = h.client.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Body: json.RawMessage(raw), Once: true, AnyAnswer: true,
		Header: http.Header{
			standardwebhooks.HeaderWebhookID: {n.ID}, standardwebhooks.HeaderWebhookTimestamp: {fmt.Sprint(at.Unix())},
			standardwebhooks.HeaderWebhookSignature: {signature},
		},
	})
	return err
}

// Chat tells a room, as the incoming webhooks of Slack, Mattermost, Rocket.Chat and Teams take it:
// JSON with a text.
type Chat struct{ client *partnerhttp.Client }

// NewChat makes a room of its webhook's address, which is a secret.
func NewChat(name, address string, timeout time.Duration, now func() time.Time) (*Chat, error) {
	if err := web(address); err != nil {
		return nil, err
	}
	return &Chat{partnerhttp.New(partnerhttp.Config{Connection: name, BaseURL: address, Timeout: timeout, Now: now})}, nil
}

// Close drops kept connections.
func (c *Chat) Close() error { c.client.Close(); return nil }

// Send implements [notify.Channel].
func (c *Chat) Send(ctx context.Context, n notify.Notice) error {
	_, err := c.client.Do(ctx, partnerhttp.Call{
		Op: "notify.Chat", Method: http.MethodPost, Once: true, AnyAnswer: true,
		Body: map[string]string{"text": n.Subject + "\n" + n.Text},
	})
	return err
}

func web(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("url: an address like https://chat.example/hooks/abc is needed")
	}
	return nil
}
