package magentosim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

const notAllowed = "The consumer isn't authorized to access %resources."

// clockMay is how far a signed request's time may be from ours.
const clockMay = 10 * time.Minute

// stranger says why a request is refused, or nothing.
func (s *Sim) stranger(r *http.Request) string {
	given := r.Header.Get("Authorization")
	if token, ok := strings.CutPrefix(given, "Bearer "); ok {
		if s.opts.Bearer && token == AccessToken {
			return ""
		}
		return notAllowed
	}
	text, ok := strings.CutPrefix(given, "OAuth ")
	if !ok {
		return notAllowed
	}
	header := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		v, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			return "The OAuth header cannot be read"
		}
		header[name] = v
	}
	sent, err := strconv.ParseInt(header["oauth_timestamp"], 10, 64)
	at := time.Unix(sent, 0)
	switch now := s.opts.Now(); {
	case header["oauth_consumer_key"] != ConsumerKey || header["oauth_token"] != AccessToken:
		return "A consumer having the specified key does not exist"
	case header["oauth_signature_method"] != "HMAC-SHA256":
		return "Signature method is not supported"
	case err != nil || at.Before(now.Add(-clockMay)) || at.After(now.Add(clockMay)):
		return "The oauth_timestamp value in the request is out of range"
	case header["oauth_nonce"] == "" || s.nonces[header["oauth_nonce"]]:
		return "The nonce is already being used by the consumer"
	}
	s.nonces[header["oauth_nonce"]] = true
	want := header["oauth_signature"]
	delete(header, "oauth_signature")
	if !hmac.Equal([]byte(want), []byte(signature(r, header))) {
		return "The signature is invalid. Verify and try again."
	}
	return ""
}

// signature is what a request must be signed with.
func signature(r *http.Request, header map[string]string) string {
	var pairs []string
	for name, v := range header {
		pairs = append(pairs, enc(name)+"="+enc(v))
	}
	for name, vs := range r.URL.Query() {
		for _, v := range vs {
			pairs = append(pairs, enc(name)+"="+enc(v))
		}
	}
	sort.Strings(pairs)
	mac := hmac.New(sha256.New, []byte(enc(ConsumerSecret)+"&"+enc(TokenSecret)))
	mac.Write([]byte(r.Method + "&" + enc("http://"+r.Host+r.URL.EscapedPath()) + "&" + enc(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// enc escapes all but letters, digits and -._~
func enc(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(s))
}
