package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
)

// Headers of Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// Codes of refusals, for programs.
const (
	codeSignature = "signature_invalid"
	codeStale     = "timestamp_outside_window"
)

const (
	maxID         = 128
	maxSignatures = 16
	// minSecret and maxSecret bound the bytes of a secret, as Standard Webhooks does.
	minSecret, maxSecret = 24, 64
)

// CheckSecret says why a text is no secret that events can be verified with, or nil. It does
// not repeat the text.
func CheckSecret(text string) error {
	_, err := parseSecret(text)
	return err
}

func parseSecret(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		return nil, errors.New("is not whsec_ and base64") // not what it is: it is a secret
	}
	if len(b) < minSecret || len(b) > maxSecret {
		return nil, fmt.Errorf("has %d bytes, %d to %d are needed", len(b), minSecret, maxSecret)
	}
	return b, nil
}

// verify returns the event's id, once its signature and its time are right. What is signed
// is id.timestamp.body, each as it was sent.
func (s *source) verify(h http.Header, body []byte, now time.Time, window time.Duration) (string, error) {
	id, stamp := h.Get(headerID), h.Get(headerTimestamp)
	for _, name := range [...]string{headerID, headerTimestamp, headerSignature} {
		if len(h.Values(name)) != 1 || h.Get(name) == "" {
			return id, intake.New(http.StatusUnauthorized, codeSignature, "the header "+name+" is needed, once")
		}
	}
	if len(id) > maxID || strings.ContainsAny(id, " .") {
		return "", intake.New(http.StatusUnauthorized, codeSignature, fmt.Sprintf("%s has at most %d characters, none of them a space or a dot", headerID, maxID))
	}
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return id, intake.New(http.StatusUnauthorized, codeSignature, headerTimestamp+" is not a number of seconds since 1970")
	}
	if !s.signed(id+"."+stamp+".", body, h.Get(headerSignature)) {
		return id, intake.New(http.StatusUnauthorized, codeSignature, "no v1 signature fits the id, the timestamp and the body as it was sent")
	}
	if off := now.Sub(time.Unix(sec, 0)); off > window || off < -window {
		return id, intake.New(http.StatusUnauthorized, codeStale,
			fmt.Sprintf("%s is %s from now, at most %s are allowed: set the clock, and sign anew what is sent again", headerTimestamp, off.Abs().Round(time.Second), window))
	}
	return id, nil
}

// signed reports whether one of the signatures is of one of the secrets. All are compared,
// in constant time each.
func (s *source) signed(prefix string, body []byte, header string) bool {
	given := strings.Fields(header)
	if len(given) > maxSignatures {
		return false
	}
	found := false
	for _, secret := range s.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(prefix))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, g := range given {
			version, sig, ok := strings.Cut(g, ",")
			if !ok || version != "v1" {
				continue
			}
			b, err := base64.StdEncoding.DecodeString(sig)
			if err == nil && hmac.Equal(b, want) {
				found = true
			}
		}
	}
	return found
}
