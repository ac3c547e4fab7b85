package partnerhttp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The base string of RFC 5849, 3.4.1.1.
func TestBaseStringIsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
	if err != nil {
		t.Fatal(err)
	}
	got := base("post", u, url.Values{
		"c2": {""}, "a3": {"2 q"}, "oauth_consumer_key": {"9djdj82h48djs9d2"}, "oauth_token": {"kkk9d7dh3k39sjv7"},
		"oauth_signature_method": {"HMAC-SHA1"}, "oauth_timestamp": {"137131201"}, "oauth_nonce": {"7d8f3e4a"},
	})
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEachSignatureIsItsOwnAndBearsNoSecret(t *testing.T) {
	t.Parallel()
	o := OAuth1{
		ConsumerKey: "k", Token: "t", Now: func() time.Time { return time.Unix(1, 0) },
		ConsumerSecret: func() (string, error) { return "one secret", nil }, TokenSecret: func() (string, error) { return "another", nil },
	}
	seen := map[string]bool{}
	for range 3 {
		r, err := http.NewRequest(http.MethodGet, "https://shop.example/rest/all/V1/orders?a=b%20c", nil)
		if err == nil {
			err = o.Sign(r)
		}
		h := r.Header.Get("Authorization")
		if err != nil || !strings.HasPrefix(h, "OAuth oauth_consumer_key=\"k\", oauth_nonce=") || strings.Contains(h, "secret") || seen[h] {
			t.Errorf("%s, %v", h, err)
		}
		seen[h] = true
	}
	o.TokenSecret = func() (string, error) { return "", errors.New("the file is gone") }
	r, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Sign(r); err == nil || r.Header.Get("Authorization") != "" {
		t.Errorf("signed without a secret: %v", err)
	}
}
