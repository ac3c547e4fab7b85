package fedexsim

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// token is the client-credentials grant, with the credentials in the form.
func (s *Sim) token(r *http.Request, body []byte) simhttp.Answer {
	if !s.patient() {
		return refuse(http.StatusForbidden, forbidden)
	}
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || form.Get("grant_type") != "client_credentials":
		return refuse(http.StatusBadRequest, badGrant)
	case form.Get("client_id") != s.opts.ClientID || form.Get("client_secret") != s.opts.ClientSecret:
		return refuse(http.StatusUnauthorized, badClient)
	}
	return simhttp.OK(map[string]any{
		"access_token": s.Grant(s.opts.Now().Add(s.opts.TokenLife)), "token_type": "bearer",
		"expires_in": int(s.opts.TokenLife / time.Second), "scope": "CXS",
	})
}

// patient counts a call for a token. Three a second for five seconds, or one a
// second for two minutes, are punished with ten minutes without any, from the
// last call on.
func (s *Sim) patient() bool {
	now := s.opts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = slices.DeleteFunc(append(s.asked, now), func(at time.Time) bool { return now.Sub(at) > 2*time.Minute })
	burst := 0
	for _, at := range s.asked {
		if now.Sub(at) <= 5*time.Second {
			burst++
		}
	}
	if now.Before(s.blocked) || burst > 15 || len(s.asked) > 120 {
		s.blocked = now.Add(10 * time.Minute)
		return false
	}
	return true
}
