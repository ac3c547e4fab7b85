package upssim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// token is the client-credentials grant. expires_in is a string, as at UPS.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	f := s.arrive(OpToken)
	if f == DropBefore {
		panic(http.ErrAbortHandler)
	}
	if a, ok := f.before(); ok {
		s.write(w, r, a, None)
		return
	}
	id, secret, basic := r.BasicAuth()
	switch {
	case !basic || id != s.opts.ClientID || secret != s.opts.ClientSecret:
		s.write(w, r, refuse(http.StatusUnauthorized, badClient), None)
		return
	case r.PostFormValue("grant_type") != "client_credentials":
		s.write(w, r, refuse(http.StatusBadRequest, badGrant), None)
		return
	}
	if m := r.Header.Get("X-Merchant-Id"); m != "" && m != s.opts.Account {
		s.write(w, r, refuse(http.StatusForbidden, blockedMerchant), None)
		return
	}
	now := s.opts.Now()
	s.mu.Lock()
	s.serial++
	value := fmt.Sprintf("sim-token-%d-%016x", s.serial, s.rng.Uint64())
	s.tokens[value] = now.Add(s.opts.TokenLife)
	s.mu.Unlock()
	s.write(w, r, ok(map[string]string{
		"token_type": "Bearer", "issued_at": strconv.FormatInt(now.UnixMilli(), 10),
		"client_id": id, "access_token": value, "scope": "",
		"expires_in":    strconv.FormatInt(int64(s.opts.TokenLife/time.Second), 10),
		"refresh_count": "0", "status": "approved",
	}), f)
}

func (s *Sim) authorized(r *http.Request) bool {
	value, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	until, known := s.tokens[value]
	return bearer && known && s.opts.Now().Before(until)
}

// Revoke makes every token invalid at once.
func (s *Sim) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}
