package partnerhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
)

// till is a partner that wants two tokens: the second is asked for with the first.
type till struct {
	t             *testing.T
	who, pay      int // granted so far
	brokenGrant   string
	closedForGood bool
}

func (p *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, pay := fmt.Sprintf("Bearer who-%d", p.who), fmt.Sprintf("pay-%d", p.pay)
	switch {
	case r.URL.Path == "/who":
		p.grant(r, `{"id":"id","secret":"s"}`)
		p.who++
		fmt.Fprintf(w, `{"access_token":"who-%d","expires_in":1000}`, p.who)
	case r.URL.Path == "/pay" && (p.closedForGood || r.Header.Get("Authorization") != who):
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/pay":
		p.grant(r, `{"account":7}`)
		p.pay++
		if p.brokenGrant != "" {
			fmt.Fprint(w, p.brokenGrant)
			return
		}
		fmt.Fprintf(w, `{"right":"pay-%d"}`, p.pay)
	case r.Header.Get("Authorization") != who, r.Header.Get("X-Pay") != pay && r.URL.Path == "/paid":
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/free" && r.Header.Get("X-Pay") != "":
		p.t.Error("the right to pay went along with a call that costs nothing")
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (p *till) grant(r *http.Request, want string) {
	var got any
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		p.t.Error(err)
	}
	if b, err := json.Marshal(got); err != nil || string(b) != want || r.Header.Get("Content-Type") != "application/json" {
		p.t.Errorf("%s was asked with %s, %v", r.URL.Path, b, err)
	}
}

func shop(t *testing.T, p *till, clk *clock) *partnerhttp.Client {
	t.Helper()
	p.t = t
	base := serve(t, p.ServeHTTP)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	who := partnerhttp.OAuth{
		Connection: "main", TokenURL: base + "/who", ClientID: "id", ClientSecret: func() (string, error) { return "s", nil },
		Body:      func(secret string) any { return map[string]string{"id": "id", "secret": secret} },
		Transport: tr, Now: clk.Now, RetryDelay: time.Microsecond,
	}
	pay := who
	pay.Connection, pay.TokenURL, pay.ClientSecret = "main.payment", base+"/pay", nil
	pay.Body = func(secret string) any {
		if secret != "" {
			t.Error("the secret of another grant is told")
		}
		return map[string]int{"account": 7}
	}
	pay.Read = func(body []byte, asked time.Time) (partnerhttp.Token, error) {
		var doc struct{ Right string }
		err := json.Unmarshal(body, &doc)
		return partnerhttp.Token{Value: doc.Right, Issued: asked, Expires: asked.Add(8000 * time.Second)}, err
	}
	first := partnerhttp.NewTokens(who)
	pay.Under = first
	return newClient(t, partnerhttp.Config{BaseURL: base, Tokens: first, Payment: partnerhttp.NewTokens(pay), PaymentHeader: "X-Pay", Now: clk.Now})
}

func call(path string) partnerhttp.Call {
	return partnerhttp.Call{Op: "test.Call", Method: http.MethodPost, Path: path, Once: true, Paid: path == "/paid"}
}

func TestPaidCallsBringTwoTokens(t *testing.T) {
	t.Parallel()
	p, clk := &till{}, newClock()
	c := shop(t, p, clk)
	for step, s := range []struct {
		path     string
		before   func()
		kind     fault.Kind // 0 is success
		who, pay int        // granted by then
	}{
		{"/free", nil, 0, 1, 0},
		{"/paid", nil, 0, 1, 1},
		{"/paid", func() { clk.Advance(1000 * time.Second) }, 0, 2, 1}, // the first has expired
		{"/paid", func() { p.pay++ }, fault.Transient, 2, 2},           // the second was revoked
		{"/paid", nil, 0, 3, 3},
		{"/paid", func() { p.who++; clk.Advance(7000 * time.Second) }, 0, 5, 4}, // the first, and the second is old
		{"/paid", func() { p.who++ }, fault.Transient, 6, 4},
		{"/paid", nil, 0, 7, 5},
	} {
		if s.before != nil {
			s.before()
		}
		_, err := c.Do(t.Context(), call(s.path))
		if (err == nil) != (s.kind == 0) || err != nil && fault.KindOf(err) != s.kind || p.who != s.who || p.pay != s.pay {
			t.Errorf("step %d: %v, granted %d and %d, want %v, %d and %d", step, err, p.who, p.pay, s.kind, s.who, s.pay)
		}
	}
}

// Nothing is sold without the right to pay, and no message is to blame.
func TestWithoutTheRightToPayNothingLeaves(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*till{
		"refused":               {closedForGood: true},
		"not the document":      {brokenGrant: `<html>`},
		"the document, half":    {brokenGrant: `{"right":`},
		"another form of grant": {brokenGrant: `{"right":{}}`},
	} {
		c := shop(t, p, newClock())
		if _, err := c.Do(t.Context(), call("/paid")); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.Do(t.Context(), call("/free")); err != nil {
			t.Errorf("%s: what costs nothing: %v", name, err)
		}
	}
}

// An answer in parts is taken where it is asked for, under its own media type.
func TestAnswerInParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  string
		parts bool
		want  fault.Kind
	}{
		{"multipart/form-data; boundary=b", true, 0}, {"multipart/mixed; boundary=b", true, 0},
		{"multipart/form-data; boundary=b", false, fault.Unknown}, {"text/html", true, fault.Unknown}, {"application/json", true, fault.Unknown},
	} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			fmt.Fprint(w, "--b\r\n\r\nx\r\n--b--\r\n"+r.Header.Get("Accept"))
		})
		cl := newClient(t, partnerhttp.Config{BaseURL: base})
		ans, err := cl.Do(t.Context(), partnerhttp.Call{
			Op: "test.Call", Method: http.MethodPost, Path: "/x", Once: true, Multipart: c.parts, Header: http.Header{"Accept": {"application/vnd.x+json"}},
		})
		if (err == nil) != (c.want == 0) || err != nil && fault.KindOf(err) != c.want || err == nil && !strings.HasSuffix(string(ans.Body), "application/vnd.x+json") {
			t.Errorf("%+v: %q, %v", c, ans.Body, err)
		}
	}
}
