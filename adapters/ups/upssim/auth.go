package upssim

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// token is the client-credentials grant. expires_in is a string, as at UPS.
func (s *Sim) token(r *http.Request, body []byte) simhttp.Answer {
	id, secret, basic := r.BasicAuth()
	form, err := url.ParseQuery(string(body))
	switch {
	case !basic || id != s.opts.ClientID || secret != s.opts.ClientSecret:
		return refuse(http.StatusUnauthorized, badClient)
	case err != nil || form.Get("grant_type") != "client_credentials":
		return refuse(http.StatusBadRequest, badGrant)
	}
	if m := r.Header.Get("X-Merchant-Id"); m != "" && m != s.opts.Account {
		return refuse(http.StatusForbidden, blockedMerchant)
	}
	now := s.opts.Now()
	return simhttp.OK(map[string]string{
		"token_type": "Bearer", "issued_at": strconv.FormatInt(now.UnixMilli(), 10),
		"client_id": id, "access_token": s.Grant(now.Add(s.opts.TokenLife)), "scope": "",
		"expires_in":    strconv.FormatInt(int64(s.opts.TokenLife/time.Second), 10),
		"refresh_count": "0", "status": "approved",
	})
}
