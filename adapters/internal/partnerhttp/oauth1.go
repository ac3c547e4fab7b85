package partnerhttp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OAuth1 signs requests by OAuth 1.0a (RFC 5849) with HMAC-SHA256, which the RFC does not have and
// partners ask for. Secrets are asked for at each request, so that they may rotate.
type OAuth1 struct {
	ConsumerKey, Token          string
	ConsumerSecret, TokenSecret func() (string, error)
	Now                         func() time.Time
}

// Sign is for [Config.Sign]. Bodies are JSON, which is not signed (RFC 5849, 3.4.1.3.1).
func (o OAuth1) Sign(req *http.Request) error {
	consumer, err := o.ConsumerSecret()
	if err != nil {
		return fmt.Errorf("reading the consumer's secret: %w", err)
	}
	token, err := o.TokenSecret()
	if err != nil {
		return fmt.Errorf("reading the token's secret: %w", err)
	}
	params := url.Values{
		"oauth_consumer_key": {o.ConsumerKey}, "oauth_token": {o.Token}, "oauth_signature_method": {"HMAC-SHA256"},
		"oauth_timestamp": {strconv.FormatInt(o.Now().Unix(), 10)}, "oauth_nonce": {rand.Text()}, "oauth_version": {"1.0"},
	}
	mac := hmac.New(sha256.New, []byte(percent(consumer)+"&"+percent(token)))
	mac.Write([]byte(base(req.Method, req.URL, params)))
	params.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	var parts []string
	for name := range params {
		parts = append(parts, name+`="`+percent(params.Get(name))+`"`)
	}
	slices.Sort(parts)
	req.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
	return nil
}

// base is the signature base string (RFC 5849, 3.4.1).
func base(method string, u *url.URL, params url.Values) string {
	var pairs []string
	for _, from := range []url.Values{u.Query(), params} {
		for name, values := range from {
			for _, v := range values {
				pairs = append(pairs, percent(name)+"="+percent(v))
			}
		}
	}
	slices.Sort(pairs)
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.ToUpper(method) + "&" + percent(u.Scheme+"://"+host+u.EscapedPath()) + "&" + percent(strings.Join(pairs, "&"))
}

// percent encodes as RFC 5849, 3.6 wants it.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
