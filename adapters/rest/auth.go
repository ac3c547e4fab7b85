package rest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
)

// Key is an API key and who is known by it.
type Key struct {
	Client string
	Secret string
	Rights
}

// minSecret is the least length of a key: 128 bits in base64 are 22 characters.
const minSecret = 22

// CheckKeys refuses keys that are too short, shared or nobody's.
func CheckKeys(keys []Key) error {
	_, err := hashKeys(keys)
	return err
}

// CheckSecret refuses a key that is too short to keep anybody out.
func CheckSecret(secret string) error {
	if len(secret) < minSecret {
		return fmt.Errorf("has %d characters, at least %d are needed: make one with openssl rand -base64 32", len(secret), minSecret)
	}
	return nil
}

// hashedKey is all that is kept of a key.
type hashedKey struct {
	client string
	sum    [32]byte
	rights Rights
}

func hashKeys(keys []Key) ([]hashedKey, error) {
	out := make([]hashedKey, len(keys))
	for i, k := range keys {
		if k.Client == "" {
			return nil, fmt.Errorf("API key %d has no client: name who it is for", i+1)
		}
		if err := CheckSecret(k.Secret); err != nil {
			return nil, fmt.Errorf("the API key of %s %w", k.Client, err)
		}
		if err := k.Rights.Validate(); err != nil {
			return nil, fmt.Errorf("the API key of %s: %w", k.Client, err)
		}
		out[i] = hashedKey{k.Client, sha256.Sum256([]byte(k.Secret)), k.Rights}
		for _, o := range out[:i] {
			if o.sum == out[i].sum {
				return nil, fmt.Errorf("%s and %s have the same API key", o.client, k.Client)
			}
		}
	}
	return out, nil
}

// CheckListen refuses an address that is none, and to open the door to a network without a key: both, where
// both are so, joined.
func CheckListen(addr string, keys []Key, users ...User) error {
	var errs []error
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr // a port that is left out changes nothing of whom it is open to
		errs = append(errs, fmt.Errorf("listen address %q: %w", addr, err))
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		errs = append(errs, fmt.Errorf("listen address %q: the port is a number up to 65535, 0 for a free one", addr))
	}
	if !loopback(host) && len(keys)+len(users) == 0 {
		errs = append(errs, fmt.Errorf("listen address %q is open to others and there is no API key: set one, or listen on 127.0.0.1", addr))
	}
	return errors.Join(errs...)
}

// loopback reports whether a host name can only mean this machine.
func loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// client is who asks, or why he may not.
func (s *server) client(r *http.Request) (*call, *intake.Problem) {
	given := r.Header.Get("X-API-Key")
	if auth := r.Header.Get("Authorization"); given == "" && len(auth) > 7 && strings.EqualFold(auth[:7], "Bearer ") {
		given = strings.TrimSpace(auth[7:])
	}
	if strings.HasPrefix(given, tokenPrefix) {
		e, p := s.deviceOf(r, given)
		return &call{client: "device/" + e.Device, device: e.Device, facility: e.Facility, bound: true}, p
	}
	enrols := r.URL.Path == enrolPath
	if enrols {
		if p := overTLS(r); p != nil {
			return nil, p
		}
	}
	if r.URL.Path == sessionPath && r.Method == http.MethodPost && s.sessions != nil {
		// Nor does a page from elsewhere sign anybody in.
		return &call{bound: true}, sameOrigin(r)
	}
	if given == "" && !enrols {
		if c, p := s.signedIn(r); c != nil || p != nil {
			return c, p
		}
	}
	if len(s.keys) == 0 && s.sessions == nil {
		// A page in a browser may be made to believe that its name is this machine
		// (DNS rebinding): only the machine's own names are served without a key.
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if host != "" && !loopback(host) {
			return nil, intake.New(http.StatusMisdirectedRequest, "wrong_host", "without API keys the hub answers to localhost only")
		}
		// Nor may a page from elsewhere send what needs no body and so no leave of ours: a
		// release, a replay, a block.
		if err := new(http.CrossOriginProtection).Check(r); err != nil {
			return nil, intake.New(http.StatusForbidden, "cross_origin", "a page of another site may not write here")
		}
		if s.people && s.cfg.Local != nil {
			if who := s.cfg.Local(r.Context()); who != "" {
				return &call{client: who}, nil
			}
		}
		return &call{client: "local"}, nil
	}
	if enrols {
		return &call{client: "enrolment", bound: true}, nil
	}
	sum := sha256.Sum256([]byte(given))
	found := -1
	for i := range s.keys {
		if subtle.ConstantTimeCompare(sum[:], s.keys[i].sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return nil, intake.New(http.StatusUnauthorized, intake.CodeUnauthor, "sign in, or send an API key as Authorization: Bearer or X-API-Key")
	}
	k := s.keys[found]
	if !k.rights.Expires.IsZero() && !s.deps.Now().Before(k.rights.Expires) {
		return nil, intake.New(http.StatusUnauthorized, intake.CodeUnauthor, "this API key has expired: ask for another")
	}
	return &call{client: k.client, rights: k.rights}, nil
}
