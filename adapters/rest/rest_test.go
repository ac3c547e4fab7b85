package rest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/doormem"
	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

const placed = `{"number":"SO-1","lines":[{"item":"A-1","qty":3}],"ship_to":{"name":"Ada Lovelace","city":"London","country":"GB"}}`

// problem is what a client sees of one.
type problem struct {
	Type        string `json:"type"`
	Status      int    `json:"status"`
	Code        string `json:"code"`
	Detail      string `json:"detail"`
	Errors      []struct{ Place, Code, Message string }
	Differences []struct{ Place, Have, Want string }
}

type hub struct {
	t    *testing.T
	door *doormem.Door
	url  string
}

func serve(t *testing.T, cfg rest.Config, change func(*rest.Deps)) *hub {
	t.Helper()
	d := doormem.New()
	deps := rest.Deps{Door: d, Now: time.Now}
	if change != nil {
		change(&deps)
	}
	if cfg.Scope == (scope.Scope{}) {
		cfg.Scope = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}
	}
	h, err := rest.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	x := &hub{t, d, srv.URL}
	if len(cfg.Keys)+len(cfg.Users) == 0 {
		x.must(201, "POST", "/v1/items", `{"sku":"A-1","units":[{"uom":"each","factor":1}]}`)
	}
	return x
}

// response is what tests look at of one; its body was read.
type response struct {
	StatusCode int
	Header     http.Header
}

func (h *hub) send(method, path, body string, header ...string) (response, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return response{res.StatusCode, res.Header}, string(b)
}

func (h *hub) must(status int, method, path, body string, header ...string) (response, string) {
	h.t.Helper()
	res, got := h.send(method, path, body, header...)
	if res.StatusCode != status {
		h.t.Fatalf("%s %s: status %d, want %d: %s", method, path, res.StatusCode, status, got)
	}
	return res, got
}

func (h *hub) refused(status int, method, path, body string, header ...string) problem {
	h.t.Helper()
	res, got := h.must(status, method, path, body, header...)
	if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
		h.t.Fatalf("Content-Type is %q: %s", ct, got)
	}
	var p problem
	if err := json.Unmarshal([]byte(got), &p); err != nil {
		h.t.Fatalf("reading %s: %v", got, err)
	}
	if p.Status != status || p.Code == "" || p.Type == "" {
		h.t.Fatalf("not a whole problem: %s", got)
	}
	return p
}

func TestOrderIsPlacedHeldReleasedAndCancelled(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	res, body := h.must(201, "POST", "/v1/orders", placed)
	if got := res.Header.Get("Location"); got != "/v1/orders/ACME/SO-1" {
		t.Errorf("Location is %q", got)
	}
	if strings.Contains(body, "Lovelace") {
		t.Errorf("the answer tells who is shipped to: %s", body)
	}
	h.must(200, "POST", "/v1/orders/ACME/SO-1/hold", `{"reason":"credit"}`)
	h.must(200, "POST", "/v1/orders/ACME/SO-1/release", "")
	_, body = h.must(200, "POST", "/v1/orders/ACME/SO-1/cancel", `{"reason":"customer"}`)
	if !strings.Contains(body, `"cancelled":3`) {
		t.Errorf("not cancelled: %s", body)
	}
	if p := h.refused(409, "POST", "/v1/orders/ACME/SO-1/hold", `{"reason":"credit"}`); !strings.Contains(p.Errors[0].Message, "closed") {
		t.Errorf("got %+v", p)
	}
}

func TestSameKeySameBodyGetsTheStoredAnswer(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	_, first := h.must(201, "POST", "/v1/orders", placed, "Idempotency-Key", "k1")
	res, again := h.send("POST", "/v1/orders", placed, "Idempotency-Key", "k1")
	if res.StatusCode/100 != 2 || again != first || res.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("status %d, replayed %q: %s", res.StatusCode, res.Header.Get("Idempotency-Replayed"), again)
	}
	p := h.refused(422, "POST", "/v1/orders", strings.Replace(placed, `"qty":3`, `"qty":4`, 1), "Idempotency-Key", "k1")
	if p.Code != "idempotency_key_reused" {
		t.Errorf("got %+v", p)
	}
	// The same body on another path is another request.
	h.refused(422, "POST", "/v1/orders/ACME/SO-1/hold", `{"reason":"credit"}`, "Idempotency-Key", "k1")
}

func TestSameKeyWhileUnderWayIs409(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	entered, leave := make(chan bool), make(chan bool)
	h.door.Before = func(context.Context, string, door.Ask) error {
		entered <- true
		<-leave
		return nil
	}
	done := make(chan int)
	go func() {
		res, _ := h.send("POST", "/v1/orders", placed, "Idempotency-Key", "k1")
		done <- res.StatusCode
	}()
	<-entered
	res, _ := h.must(409, "POST", "/v1/orders", placed, "Idempotency-Key", "k1")
	if res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(leave)
	if got := <-done; got != 201 {
		t.Errorf("the first got %d", got)
	}
}

func TestBusinessKeyIsUniqueByItself(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	h.must(201, "POST", "/v1/orders", placed, "Idempotency-Key", "k1")
	h.must(200, "POST", "/v1/orders", placed, "Idempotency-Key", "k2")
	h.must(200, "POST", "/v1/orders", placed)
	p := h.refused(409, "POST", "/v1/orders", strings.Replace(placed, `"qty":3`, `"qty":4`, 1))
	if p.Code != "order_differs" || len(p.Differences) != 1 || p.Differences[0].Place != "lines[0].qty" {
		t.Errorf("got %+v", p)
	}
	if n := len(h.door.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestBadOrdersAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{MaxBody: 64 << 10}, nil)
	with := func(old, now string) string { return strings.Replace(placed, old, now, 1) }
	for name, c := range map[string]struct {
		body        string
		status      int
		place, says string
	}{
		"truncated":                {placed[:40], 400, "lines[0]", "ends"},
		"not JSON":                 {"UNB+UNOC:3'", 400, "", "where an object"},
		"latin-1":                  {with("Ada", "M\xfcller"), 400, "", "Latin-1"},
		"utf-16 with a mark":       {"\xff\xfe{\x00\"\x00\xfc\x00\"\x00}\x00", 400, "", "UTF-16"},
		"utf-16 without one":       {"\x00{\x00\"\x00x\x00\"\x00}", 400, "", "UTF-16"},
		"an overlong form":         {with("Ada", "\xc0\xaf"), 400, "", "overlong"},
		"a lone surrogate":         {with("Ada", `\ud800`), 400, "ship_to.name", "surrogate"},
		"an unknown field":         {with(`"qty"`, `"quantity"`), 400, "lines[0]", `"quantity" is not known`},
		"a field twice":            {with(`"number":"SO-1"`, `"number":"SO-1","number":"SO-2"`), 400, "number", "twice"},
		"a number beyond floats":   {with(`:3}`, `:1e400}`), 400, "lines[0].qty", "whole number"},
		"NaN":                      {with(`:3}`, `:NaN}`), 400, "lines[0].qty", "whole number"},
		"a fraction":               {with(`:3}`, `:3.0}`), 400, "lines[0].qty", "whole number"},
		"a quantity as text":       {with(`:3}`, `:"3"}`), 400, "lines[0].qty", "a text where a whole number"},
		"deep":                     {`{"number":` + strings.Repeat("[", 5000), 400, "number", "a list where a text"},
		"a negative quantity":      {with(`:3}`, `:-3}`), 422, "lines[0].qty", "-3 is not between"},
		"no quantity":              {with(`:3}`, `:0}`), 422, "lines[0].qty", "0 is not between"},
		"no lines":                 {with(`[{"item":"A-1","qty":3}]`, `[]`), 422, "lines", "at least one line"},
		"no number":                {with(`"number":"SO-1",`, ``), 400, "number", "missing"},
		"an empty number":          {with(`"SO-1"`, `""`), 422, "number", "missing"},
		"a control character":      {with(`"SO-1"`, `"SO\u00011"`), 422, "number", "control character"},
		"nobody to ship to":        {with(`"name":"Ada Lovelace",`, ``), 422, "ship_to", "needs a name"},
		"a country that is none":   {with(`"GB"`, `"UK-"`), 422, "ship_to.country", "ISO 3166"},
		"two lines of one number":  {with(`"qty":3}`, `"qty":3,"no":1},{"item":"A-1","qty":1,"no":1}`), 422, "lines[1].no", "also the number"},
		"all or nothing, unknown":  {with(`"lines":[{"item":"A-1"`, `"policy":"all_or_nothing","lines":[{"item":"NONE"`), 422, "lines[0].item", "not known"},
		"a policy that is none":    {with(`"lines"`, `"policy":"maybe","lines"`), 422, "policy", "neither"},
		"more than fits":           {with("Ada", strings.Repeat("a", 70<<10)), 413, "", ""},
		"ten thousand and 1 lines": {with(`:3}`, `:3}`+strings.Repeat(`,{"item":"A","qty":1}`, 10_000)), 413, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.refused(c.status, "POST", "/v1/orders", c.body)
			if c.place == "" && c.says == "" {
				return
			}
			if len(p.Errors) != 1 || p.Errors[0].Place != c.place || !strings.Contains(p.Errors[0].Message, c.says) {
				t.Errorf("got %+v\nwant place %q and ...%s...", p.Errors, c.place, c.says)
			}
		})
	}
	if p := h.refused(422, "POST", "/v1/orders", `{"number":"","lines":[{"item":"","qty":-1},{"item":"A","qty":0}],"ship_to":{}}`); len(p.Errors) != 5 {
		t.Errorf("not everything at once: %+v", p.Errors)
	}
	if n := len(h.door.Orders()); n > 1 {
		t.Errorf("%d orders came of nonsense", n)
	}
}

func TestUnknownItemIsHeldUnderThePartialPolicy(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	_, body := h.must(201, "POST", "/v1/orders", strings.Replace(placed, "A-1", "NEW", 1))
	if !strings.Contains(body, `"unknown_item"`) {
		t.Errorf("the line is not held: %s", body)
	}
	h.refused(422, "POST", "/v1/orders/ACME/SO-1/release", `{"line":7}`)
	h.must(201, "POST", "/v1/items", `{"sku":"NEW","units":[{"uom":"each","factor":1}]}`)
	_, body = h.must(200, "POST", "/v1/orders/ACME/SO-1/release", `{"line":1}`)
	if strings.Contains(body, `"unknown_item"`) {
		t.Errorf("the line is still held: %s", body)
	}
}

func TestBodiesAreBoundedAndOfTheRightType(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{MaxBody: 4 << 10}, nil)
	h.refused(415, "POST", "/v1/orders", placed, "Content-Type", "text/plain")
	h.refused(415, "POST", "/v1/orders", placed, "Content-Type", "application/x-www-form-urlencoded")
	h.refused(415, "POST", "/v1/orders", placed, "Content-Type", "application/json; charset=iso-8859-1")
	h.refused(415, "POST", "/v1/orders", placed, "Content-Type", "application/json", "Content-Encoding", "br")
	h.refused(400, "POST", "/v1/orders", placed, "Content-Encoding", "gzip")
	h.refused(400, "POST", "/v1/orders", "")
	pack := func(b []byte) string {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		w.Close()
		return z.String()
	}
	h.refused(413, "POST", "/v1/orders", pack(make([]byte, 3<<20)), "Content-Encoding", "gzip")
	cut := pack([]byte(placed))
	h.refused(400, "POST", "/v1/orders", cut[:len(cut)-6], "Content-Encoding", "gzip")
	h.must(201, "POST", "/v1/orders", pack([]byte(placed)), "Content-Encoding", "gzip")
}

func TestSlowBodyTimesOut(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{BodyTimeout: 50 * time.Millisecond}, nil)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(conn)
	if !bytes.Contains(got, []byte(" 408 ")) {
		t.Errorf("got %s", got)
	}
}

func TestFaultsBecomeStatuses(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	secret := errors.New("disk sdb1 is gone")
	for kind, want := range map[fault.Kind]int{
		fault.Internal: 500, fault.Transient: 503, fault.Throttled: 429, fault.Unavailable: 503,
		fault.Rejected: 409, fault.Invalid: 422, fault.Unknown: 502,
	} {
		h.door.Before = func(context.Context, string, door.Ask) error { return fault.E("door", kind, secret) }
		res, body := h.must(want, "POST", "/v1/orders", placed)
		if (want == 503 || want == 429) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After is %q", kind, res.Header.Get("Retry-After"))
		}
		if kind == fault.Internal && strings.Contains(body, "sdb1") {
			t.Errorf("an internal failure is told: %s", body)
		}
	}
}

func TestKeysAreNeededOffLoopback(t *testing.T) {
	t.Parallel()
	key := []rest.Key{{Client: "shop", Secret: strings.Repeat("k", 32)}}
	for addr, open := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.7:80": false, "hub.example.com:80": false,
	} {
		if err := rest.CheckListen(addr, nil); (err == nil) != open {
			t.Errorf("%s without a key: %v", addr, err)
		}
		if err := rest.CheckListen(addr, key); err != nil {
			t.Errorf("%s with a key: %v", addr, err)
		}
	}
	if err := rest.CheckListen("8080", key); err == nil {
		t.Error("an address without a port is taken")
	}
	deps := rest.Deps{Door: doormem.New(), Now: time.Now}
	for name, keys := range map[string][]rest.Key{
		"short":   {{Client: "a", Secret: "short"}},
		"unnamed": {{Secret: strings.Repeat("k", 32)}},
		"twice":   {{Client: "a", Secret: strings.Repeat("k", 32)}, {Client: "b", Secret: strings.Repeat("k", 32)}},
	} {
		if _, err := rest.New(rest.Config{Keys: keys}, deps); err == nil {
			t.Errorf("a key that is %s is taken", name)
		}
	}
}

func TestKeysOpenTheDoor(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("k", 32)
	h := serve(t, rest.Config{Keys: []rest.Key{{Client: "erp", Secret: strings.Repeat("e", 32)}, {Client: "shop", Secret: secret}}}, nil)
	res, _ := h.must(401, "POST", "/v1/orders", placed)
	if res.Header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}
	h.refused(401, "POST", "/v1/orders", placed, "Authorization", "Bearer "+secret[:31])
	h.refused(401, "POST", "/v1/orders", placed, "Authorization", "Basic "+secret)
	h.must(201, "POST", "/v1/orders", placed, "Authorization", "bearer "+secret)
	h.must(200, "POST", "/v1/orders", placed, "X-API-Key", secret)
	h.must(200, "GET", "/healthz", "")
	for _, o := range h.door.Orders() {
		if o.Source.Partner != "shop" {
			t.Errorf("the order came from %q", o.Source.Partner)
		}
	}
}

func TestWithoutKeysOnlyLocalNamesAreServed(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/v1/orders", strings.NewReader(placed))
	req.Host = "evil.example.com"
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestWithoutKeysAPageFromElsewhereWritesNothing(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	for _, c := range []struct {
		method, header, value string
		status                int
	}{
		{http.MethodPost, "Origin", "http://evil.example.com", http.StatusForbidden},
		{http.MethodPost, "Origin", "null", http.StatusForbidden},
		{http.MethodPost, "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{http.MethodPost, "Sec-Fetch-Site", "same-site", http.StatusForbidden},
		{http.MethodPost, "Sec-Fetch-Site", "same-origin", http.StatusConflict}, // our own page; there is no such order
		{http.MethodPost, "X-Any", "a client that is no browser", http.StatusConflict},
		{http.MethodGet, "Sec-Fetch-Site", "cross-site", http.StatusServiceUnavailable}, // it could not read the answer; here are no views
	} {
		path := "/v1/orders/o/SO-1"
		if c.method == http.MethodPost {
			path += "/release"
		}
		req, _ := http.NewRequestWithContext(t.Context(), c.method, h.url+path, nil)
		req.Header.Set(c.header, c.value)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s with %s: %s: status %d, want %d", c.method, c.header, c.value, res.StatusCode, c.status)
		}
	}
}

func TestUnknownPathsMethodsAndParametersAreProblems(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	h.refused(404, "GET", "/v1/nothing", "")
	h.refused(405, "DELETE", "/v1/orders", "")
	if res, _ := h.send("DELETE", "/v1/orders", ""); res.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", res.Header.Get("Allow"))
	}
	h.refused(422, "GET", "/v1/orders?limit=many", "")
	h.refused(422, "GET", "/v1/orders?limit=0", "")
	h.refused(422, "GET", "/v1/orders?colour=red", "")
	h.refused(422, "POST", "/v1/orders", placed, "Idempotency-Key", strings.Repeat("k", 200))
	h.refused(503, "GET", "/v1/orders", "")
}

func TestStockIsReceivedOnce(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	in := `{"item":"A-1","location":"P-01","qty":10,"reference":"ASN-7"}`
	h.must(201, "POST", "/v1/stock/receive", in, "Idempotency-Key", "asn-7")
	_, body := h.send("POST", "/v1/stock/receive", in, "Idempotency-Key", "asn-7")
	if !strings.Contains(body, `"in":10`) {
		t.Errorf("received twice: %s", body)
	}
	p := h.refused(422, "POST", "/v1/stock/receive", strings.Replace(in, "10", "-10", 1))
	if p.Errors[0].Place != "qty" {
		t.Errorf("got %+v", p)
	}
}

func TestALeaseIsASecondToADay(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	for _, path := range []string{"/v1/tasks/next", "/v1/tasks/ACME/T-1/claim"} {
		for _, seconds := range []string{"-1", "86401"} {
			if p := h.refused(422, "POST", path, `{"worker":"kim","lease_seconds":`+seconds+`}`); p.Errors[0].Place != "lease_seconds" {
				t.Errorf("%s for %s: %+v", path, seconds, p)
			}
		}
	}
}

// What is refused unread is answered all the same: a client that still sends is not cut off before
// it could read why.
func TestALargeBodyIsAnsweredAndNotReset(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 30<<20)
	h := serve(t, rest.Config{}, nil)
	keyed := serve(t, rest.Config{Keys: []rest.Key{{Client: "shop", Secret: strings.Repeat("k", 40)}}}, nil)
	for range 3 {
		if p := h.refused(413, "POST", "/v1/orders", large); !strings.Contains(p.Detail, "1048576 bytes") {
			t.Errorf("%+v", p)
		}
		h.refused(413, "POST", "/v1/orders", large, "Content-Encoding", "identity")
		h.refused(415, "POST", "/v1/orders", large, "Content-Type", "text/csv")
		h.refused(404, "POST", "/v1/nothing", large)
		keyed.refused(401, "POST", "/v1/orders", large)
	}
	h.must(201, "POST", "/v1/items", `{"sku":"A-2","units":[{"uom":"each","factor":1}]}`)

	// One who asks first is not made to send.
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, " 413 ") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestAnIdempotencyKeyThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	const order = `{"number":"S-1","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1}]}`
	if p := h.refused(400, "POST", "/v1/orders", order, "Idempotency-Key", ""); len(p.Errors) != 1 || p.Errors[0].Place != "header.Idempotency-Key" {
		t.Errorf("%+v", p)
	}
	if n := len(h.door.Orders()); n != 0 {
		t.Errorf("%d orders", n)
	}
	h.must(201, "POST", "/v1/orders", order)
}

// Who says that he will send too much is told at once, whether or not he sends it.
func TestATooLargeBodyIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{MaxBody: 1 << 10}, nil)
	for _, size := range []string{"2000000", "999999999999"} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		began := time.Now()
		if _, err := io.WriteString(c, "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "+size+"\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Fatalf("%s bytes: %v, %v", size, res, err)
		}
		res.Body.Close()
		// The wait for a body is 10 s.
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s bytes: it took %s", size, took)
		}
	}
}

func TestAnIdempotencyKeyIsPrintable(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	for _, key := range []string{"\xff\xfe", "caf\u00e9", "a\tb"} {
		if p := h.refused(400, "POST", "/v1/orders", placed, "Idempotency-Key", key); len(p.Errors) != 1 || p.Errors[0].Place != "header.Idempotency-Key" {
			t.Errorf("%q: %+v", key, p)
		}
	}
	h.must(201, "POST", "/v1/orders", placed, "Idempotency-Key", "order 1/a~")
}
