package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/access"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/shopify"
)

// HookSource is one shop that sends webhooks.
type HookSource struct {
	Shop    string   // its domain
	Secrets []string // of the app; while one is replaced both are named
}

// HookDeps are what the door of webhooks speaks to.
type HookDeps struct {
	Door   door.Caller
	Now    func() time.Time
	Logger *slog.Logger
}

// Hooks is the door of the webhooks of shops by the name in the path: POST
// /webhooks/shopify/{shop}. A webhook is a hint: it is verified and made durable, the answer leaves,
// and what it is about is read again. Both families of Shopify's headers are taken.
func Hooks(sources map[string]HookSource, deps HookDeps) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			intake.New(http.StatusMethodNotAllowed, intake.CodeMethod, "webhooks are sent with POST").Write(w)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/webhooks/shopify/")
		err := take(w, r, name, sources[name], deps)
		if err == nil {
			w.WriteHeader(http.StatusOK)
			return
		}
		p := intake.From(err)
		deps.Logger.Warn("webhook refused", "partner", name, "msg_id", header(r.Header, "Webhook-Id"), "code", p.Code, "err", err)
		p.Write(w)
	})
}

// header is a header of either family.
func header(h http.Header, name string) string {
	if v := h.Get("X-Shopify-" + name); v != "" {
		return v
	}
	return h.Get("Shopify-" + name)
}

// maxHook is the most bytes of a webhook: an order of many lines.
const maxHook = 4 << 20

func take(w http.ResponseWriter, r *http.Request, name string, src HookSource, deps HookDeps) error {
	if src.Shop == "" {
		return intake.New(http.StatusNotFound, intake.CodeNotFound, "no such shop is configured")
	}
	access.Note(r.Context(), "/webhooks/shopify/{shop}", "")
	// Shopify gives up after five seconds.
	body, err := intake.SignedJSON(w, r, intake.Limits{MaxBody: maxHook, Timeout: 4 * time.Second}, deps.Now(), func(sent []byte) error {
		if !signed(sent, header(r.Header, "Hmac-Sha256"), src.Secrets) {
			return intake.New(http.StatusUnauthorized, "signature_invalid", "the HMAC does not fit the body as it was sent")
		}
		return nil
	})
	if err != nil {
		return err
	}
	access.Note(r.Context(), "", name)
	switch {
	case !strings.EqualFold(header(r.Header, "Shop-Domain"), src.Shop):
		return intake.New(http.StatusForbidden, "shop_unknown", "the webhook is of another shop")
	}
	hint, err := hintOf(r.Header, body)
	if err != nil {
		return err
	}
	if hint.About == "" {
		return nil // a topic that nothing is read for
	}
	hint.Shop = name
	_, err = deps.Door.Call(r.Context(), door.Shops, hint)
	return err
}

// signed compares with each secret, in constant time.
func signed(body []byte, given string, secrets []string) bool {
	sum, err := base64.StdEncoding.DecodeString(given)
	found := false
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write(body)
		if err == nil && s != "" && hmac.Equal(mac.Sum(nil), sum) {
			found = true
		}
	}
	return found
}

// hintOf is what a webhook hints at. Deliveries are told apart by their webhook id.
func hintOf(h http.Header, body []byte) (shop.Hint, error) {
	hint := shop.Hint{ID: header(h, "Webhook-Id"), Hash: sha256.Sum256(body), Topic: strings.ToLower(header(h, "Topic"))}
	if hint.ID == "" || len(hint.ID) > 128 || hint.Topic == "" {
		return hint, intake.New(http.StatusBadRequest, "headers_missing", "a webhook names its topic and its id")
	}
	about, err := shopify.About(hint.Topic, header(h, "Resource-Id"), body)
	if err != nil {
		return hint, fault.At("shopify.Hooks", fault.Invalid, hint.Topic, err)
	}
	hint.About = about
	return hint, nil
}
