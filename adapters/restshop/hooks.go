package restshop

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/internal/access"
	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/restshop"
)

// HookSource is one shop that sends webhooks.
type HookSource struct {
	Connector *restshop.Connector
	Secrets   []string // while one is replaced both are named
}

// HookDeps are what the door of webhooks speaks to.
type HookDeps struct {
	Door   door.Caller
	Now    func() time.Time
	Logger *slog.Logger
}

// Bounds of webhooks.
const (
	maxHook    = 1 << 20
	hookWindow = 5 * time.Minute // how far a timestamp may be from now, either way
)

// Hooks is the door of the webhooks of custom platforms by the name in the path: POST
// /webhooks/platform/{shop}. A webhook is a hint: it is verified and made durable, the answer leaves, and
// the order that it is about is read again.
func Hooks(sources map[string]HookSource, deps HookDeps) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/platform/{shop}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("shop")
		src, known := sources[name]
		err := error(intake.New(http.StatusNotFound, intake.CodeNotFound, "no such shop is configured, or it sends none"))
		if known {
			err = take(w, r, name, src, deps)
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		p := intake.From(err)
		deps.Logger.Warn("webhook refused", "partner", name, "msg_id", r.Header.Get(standardwebhooks.HeaderWebhookID), "code", p.Code, "err", err)
		p.Write(w)
	})
	return mux
}

func take(w http.ResponseWriter, r *http.Request, name string, src HookSource, deps HookDeps) error {
	access.Note(r.Context(), "/webhooks/platform/{shop}", "")
	body, err := intake.JSONBody(w, r, intake.Limits{MaxBody: maxHook, Timeout: 10 * time.Second}, deps.Now())
	if err != nil {
		return err
	}
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)
	sec, err := strconv.ParseInt(r.Header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	off := deps.Now().Sub(time.Unix(sec, 0))
	switch {
	case id == "" || len(id) > 128 || err != nil || !signed(body, r.Header, src.Secrets):
		return intake.New(http.StatusUnauthorized, "signature_invalid", "no signature fits webhook-id, webhook-timestamp and the body as it was sent")
	case off > hookWindow || off < -hookWindow:
		return intake.New(http.StatusUnauthorized, "timestamp_outside_window", "webhook-timestamp is too far from now: set the clock, and sign anew what is sent again")
	}
	access.Note(r.Context(), "", name)
	about, err := src.Connector.About(body)
	if err != nil {
		return fault.At("restshop.Hooks", fault.Invalid, "body", err)
	}
	if about == "" {
		return nil // of something that is not read
	}
	_, err = deps.Door.Call(r.Context(), door.Shops, shop.Hint{Shop: name, ID: id, Hash: sha256.Sum256(body), Topic: "order", About: about})
	return err
}

// signed reports whether a signature is of one of the secrets.
func signed(body []byte, h http.Header, secrets []string) bool {
	for _, s := range secrets {
		with, err := standardwebhooks.NewWebhook(s)
		if err == nil && s != "" && with.VerifyIgnoringTimestamp(body, h) == nil {
			return true
		}
	}
	return false
}
