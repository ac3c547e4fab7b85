package as2

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// long is a document that goes in more than one part.
var long = strings.Repeat("a line of a long document\n", 8000)

func restarting(_ *Config, p *Profile) { p.Restart = true }

// parts are the beginnings that a station keeps, by length.
func (r *rig) parts() (out []int64) {
	r.t.Helper()
	entries, err := r.station.partials.list()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		_, length, _ := strings.Cut(e.Name(), "-")
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

// part is the file of a beginning whose name begins so.
func (r *rig) part(key string) string {
	r.t.Helper()
	entries, err := r.station.partials.list()
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), key) {
			return filepath.Join(r.station.partials.dir, e.Name())
		}
	}
	r.t.Fatalf("no beginning %s: %v", key, err)
	return ""
}

// head asks how much of a transfer is here; -1 is no answer to that.
func (r *rig) head(h textproto.MIMEHeader, tag string) int64 {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodHead, r.server.URL, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = http.Header{"As2-From": h["As2-From"], "As2-To": h["As2-To"], "Etag": {tag}}
	res, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Etag") != tag {
		return -1
	}
	return res.ContentLength
}

// begin sends the beginning of a message over a connection of its own.
func (r *rig) begin(h textproto.MIMEHeader, sent []byte, length int) net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.server.Listener.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var b bytes.Buffer
	b.WriteString("POST /as2 HTTP/1.1\r\nHost: ours\r\n")
	_ = http.Header(h).Write(&b) // into memory
	if length < 0 {
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(sent), sent)
	} else {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", length, sent)
	}
	if _, err := conn.Write(b.Bytes()); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

// broken is begin where the sender goes away behind it; the status is what the station said.
func (r *rig) broken(h textproto.MIMEHeader, sent []byte, length int) string {
	r.t.Helper()
	conn := r.begin(h, sent, length)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		r.t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	status, _, _ := strings.Cut(string(said), "\r\n")
	return status
}

// rest is the header of what is missing from a byte on.
func rest(h textproto.MIMEHeader, first, total int) textproto.MIMEHeader {
	out := textproto.MIMEHeader{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", first, total-1, total)}}
	for name, values := range h {
		out[name] = values
	}
	return out
}

// again makes the station anew, as after a kill.
func (r *rig) again() {
	r.t.Helper()
	next, err := New(r.station.cfg, r.desk, r.store)
	if err != nil {
		r.t.Fatal(err)
	}
	r.station = next
	r.server.Config.Handler = next
}

func TestAMessageGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		r := newRig(t, restarting)
		h, body := r.message("<rest@acme>", long)
		h.Set("Etag", `"t-1"`)
		length := len(body)
		if chunked {
			length = -1
		}
		if n := r.head(h, `"t-1"`); n != 0 {
			t.Errorf("before anything came there are %d bytes", n)
		}
		if s := r.broken(h, body[:70_000], length); !strings.Contains(s, " 408 ") {
			t.Errorf("chunked %v: the half is answered %q", chunked, s)
		}
		for i, end := range []int{70_000, 90_000, 90_001} {
			if n := r.head(h, `"t-1"`); n != int64(end) {
				t.Fatalf("chunked %v: %d bytes are here of %d", chunked, n, end)
			}
			r.again() // what is here is on disk
			if next := []int{90_000, 90_001, 0}[i]; next > 0 {
				r.broken(rest(h, end, len(body)), body[end:next], len(body)-end)
				continue
			}
			if v := r.verdict(r.post(rest(h, end, len(body)), bytes.NewReader(body[end:]))); v != "processed" {
				t.Errorf("chunked %v: %s", chunked, v)
			}
		}
		if len(r.desk.documents) != 1 || r.desk.documents[0].Size != int64(len(long)) {
			t.Errorf("chunked %v: %d documents", chunked, len(r.desk.documents))
		}
		if left := r.parts(); len(left) != 0 || r.head(h, `"t-1"`) != 0 {
			t.Errorf("chunked %v: %v is left of a message that was answered", chunked, left)
		}
		// The receipt was lost, and the sender knows nothing better: it is the same.
		if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" || len(r.desk.documents) != 1 {
			t.Errorf("chunked %v: sent again it is %s, %d documents", chunked, v, len(r.desk.documents))
		}
	}
}

// What stands behind the length in its file's name is of a process that was killed, or of a power cut.
func TestAPartIsAsLongAsItWasSynced(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting)
	h, body := r.message("<torn@acme>", long)
	h.Set("Etag", `"torn"`)
	r.broken(h, body[:70_000], len(body))
	f, err := os.OpenFile(r.part(partialKey("ACME", `"torn"`)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	r.again()
	if n := r.head(h, `"torn"`); n != 70_000 {
		t.Fatalf("%d bytes", n)
	}
	// And one that was cut off and had its old name still is as long as it is.
	if err := os.Truncate(r.part(partialKey("ACME", `"torn"`)), 69_000); err != nil {
		t.Fatal(err)
	}
	if n := r.head(h, `"torn"`); n != 69_000 {
		t.Fatalf("%d bytes", n)
	}
	r.broken(rest(h, 69_000, len(body)), body[69_000:70_000], len(body)-69_000)
	if v := r.verdict(r.post(rest(h, 70_000, len(body)), bytes.NewReader(body[70_000:]))); v != "processed" {
		t.Error(v)
	}
}

// A message that came whole while the hub could not take it needs its last byte again, not all.
func TestOneByteIsLeftOfAMessageThatNobodyTook(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting)
	h, body := r.message("<down@acme>", long)
	h.Set("Etag", `"down"`)
	r.desk.down = fault.E("hub", fault.Unavailable, errors.New("down"))
	if a := r.post(h, bytes.NewReader(body)); a.status != http.StatusServiceUnavailable {
		t.Fatalf("status %d", a.status)
	}
	r.desk.down = nil
	if n := r.head(h, `"down"`); n != int64(len(body)-1) {
		t.Fatalf("%d bytes of %d", n, len(body))
	}
	if v := r.verdict(r.post(rest(h, len(body)-1, len(body)), bytes.NewReader(body[len(body)-1:]))); v != "processed" || len(r.desk.documents) != 1 {
		t.Errorf("%s, %d documents", v, len(r.desk.documents))
	}
}

func TestWhatIsNoRestIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting, func(c *Config, p *Profile) { c.MaxBytes, p.Door.MaxBytes = 1<<20, 400_000 })
	h, body := r.message("<bad@acme>", long)
	h.Set("Etag", `"bad"`)
	r.broken(h, body[:70_000], len(body))
	with := func(span string) textproto.MIMEHeader {
		out := rest(h, 0, 1)
		out.Set("Content-Range", span)
		return out
	}
	end := len(body) - 1
	for _, c := range []struct {
		span   string
		body   []byte
		status int
	}{
		{fmt.Sprintf("bytes 70001-%d/%d", end, end+1), body[70_001:], http.StatusRequestedRangeNotSatisfiable},
		{fmt.Sprintf("bytes 70000-%d/%d", end, end+1), body[70_001:], http.StatusBadRequest}, // one byte too few
		{fmt.Sprintf("bytes 70000-80000/%d", end+1), body[70_000:80_001], http.StatusBadRequest},
		{"bytes 70000-400000/400001", make([]byte, 330_001), http.StatusRequestEntityTooLarge},
		{"bytes 70000-9223372036854775806/9223372036854775807", body[70_000:], http.StatusBadRequest},
		{"bytes x-y/z", body, http.StatusBadRequest},
	} {
		if a, err := r.attempt(with(c.span), bytes.NewReader(c.body)); err == nil && a.status != c.status {
			t.Errorf("%s: status %d, not %d: %s", c.span, a.status, c.status, a.body)
		}
		if n := r.head(h, `"bad"`); n != 70_000 {
			t.Fatalf("%s: %d bytes are left", c.span, n)
		}
	}
	// More bytes than said, in chunks: nothing of it is to be trusted.
	a, err := r.attempt(rest(h, 70_000, len(body)), io.MultiReader(bytes.NewReader(body[70_000:]), strings.NewReader("more")))
	if err == nil && a.status != http.StatusBadRequest {
		t.Errorf("status %d", a.status)
	}
	if left := r.parts(); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	if a, err := r.attempt(h, io.MultiReader(bytes.NewReader(make([]byte, 400_001)))); err == nil && a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", a.status)
	}
	if left := r.parts(); len(left) != 0 || len(r.desk.documents) != 0 || *r.used != 0 {
		t.Errorf("%v is left, %d documents were taken, a key was used %d times", left, len(r.desk.documents), *r.used)
	}
	// A rest that overlaps what is here counts; another beginning under the same name is judged as it is.
	r.broken(h, body[:90_000], len(body))
	if v := r.verdict(r.post(rest(h, 80_000, len(body)), bytes.NewReader(body[80_000:]))); v != "processed" {
		t.Error(v)
	}
	h2, body2 := r.message("<bad2@acme>", long)
	h2.Set("Etag", `"bad2"`)
	r.broken(h2, body[:90_000], len(body2))
	if v := r.verdict(r.post(rest(h2, 90_000, len(body2)), bytes.NewReader(body2[90_000:]))); !strings.HasSuffix(v, "-failed") {
		t.Error(v)
	}
	if len(r.desk.documents) != 1 {
		t.Errorf("%d documents", len(r.desk.documents))
	}
}

// Without an agreement nothing of it is there.
func TestNothingIsRestartedUnasked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, body := r.message("<off@acme>", long)
	h.Set("Etag", `"off"`)
	r.broken(h, body[:70_000], len(body))
	if n, left := r.head(h, `"off"`), r.parts(); n != -1 || len(left) != 0 {
		t.Errorf("%d bytes, %v is left", n, left)
	}
	if a, err := r.attempt(rest(h, 70_000, len(body)), bytes.NewReader(body[70_000:])); err == nil && a.status != http.StatusBadRequest {
		t.Errorf("status %d", a.status)
	}
	if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" {
		t.Error(v)
	}
	p := Profile{ID: "ACME AS2", OurID: "OURS", URL: r.server.URL, Receipt: ReceiptSigned, Sign: crypto.SHA256}
	if m, err := r.station.packFor(t.Context(), "ACME", p, trust.Exchange{}, "1", "s", as2.File{ContentType: "text/plain", Content: strings.NewReader(long)}); err != nil || m.Headers["Etag"] != nil {
		t.Errorf("%v, %v", m.Headers["Etag"], err)
	}
	// Nor for who is no partner, or does not say what he asks for.
	r = newRig(t, restarting)
	for _, from := range []string{"NOBODY", ""} {
		if n := r.head(textproto.MIMEHeader{"As2-From": {from}, "As2-To": {"OURS"}}, `"off"`); n != -1 {
			t.Errorf("%q is told of %d bytes", from, n)
		}
	}
	if n := r.head(h, ""); n != -1 {
		t.Errorf("without a tag there are %d bytes", n)
	}
	// What is short goes whole.
	h, body = r.message("<short@acme>", order)
	h.Set("Etag", `"short"`)
	r.broken(h, body[:len(body)/2], len(body))
	if left := r.parts(); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// A partner learns nothing of what another one began.
func TestPartsAreTheirPartnersOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting)
	h, body := r.message("<own@acme>", long)
	h.Set("Etag", `"own"`)
	r.broken(h, body[:70_000], len(body))
	cfg := r.station.cfg
	p := cfg.Partners["ACME"]
	p.ID = "OTHER"
	cfg.Partners = map[string]Profile{"ACME": cfg.Partners["ACME"], "OTHER": p}
	s, err := New(cfg, r.desk, r.store)
	if err != nil {
		t.Fatal(err)
	}
	r.server.Config.Handler = s
	h["As2-From"] = []string{"OTHER"}
	if n := r.head(h, `"own"`); n != 0 {
		t.Errorf("%d bytes", n)
	}
	if a, err := r.attempt(rest(h, 70_000, len(body)), bytes.NewReader(body[70_000:])); err == nil && a.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("status %d", a.status)
	}
	h["As2-From"] = []string{`"ACME AS2"`}
	if n := r.head(h, `"own"`); n != 70_000 {
		t.Errorf("of his own he has %d bytes", n)
	}
}

func TestBeginningsAreFewAndGetOld(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ahead := time.Duration(0)
	r := newRig(t, restarting, func(c *Config, _ *Profile) {
		c.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(ahead)
		}
	})
	h, body := r.message("<many@acme>", long)
	begin := func(i int) {
		h.Set("Etag", fmt.Sprintf("%q", strconv.Itoa(i)))
		r.broken(h, body[:66_000+i], len(body))
	}
	for i := range partialsEach + 3 {
		begin(i)
		at := time.Now().Add(time.Duration(i-100) * time.Second)
		if err := os.Chtimes(r.part(partialKey("ACME", h.Get("Etag"))), at, at); err != nil {
			t.Fatal(err)
		}
	}
	left := r.parts()
	if len(left) != partialsEach || r.head(h, `"2"`) != 0 || r.head(h, `"3"`) != 66_003 {
		t.Errorf("%v is left", left)
	}
	mu.Lock()
	ahead = partialAge + time.Hour
	mu.Unlock()
	begin(50)
	if left := r.parts(); len(left) != 1 || left[0] != 66_050 {
		t.Errorf("%v is left after a day", left)
	}
	mu.Lock()
	ahead *= 3
	mu.Unlock()
	r.again()
	if left := r.parts(); len(left) != 0 {
		t.Errorf("%v is left at a station that began again", left)
	}
}

// A sender whose connection broke without our knowing comes by another one: what we still wait for is cut off, though
// it has the last place.
func TestWhoComesAgainIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting, func(c *Config, _ *Profile) { c.AtOnce, c.Patience = 1, time.Hour })
	h, body := r.message("<again@acme>", long)
	h.Set("Etag", `"again"`)
	hangs := r.begin(h, body[:70_000], len(body))
	r.station.partials.waitUnder(t, partialKey("ACME", `"again"`))
	n := r.head(h, `"again"`)
	if n < 0 || n > 70_000 {
		t.Fatalf("%d bytes", n)
	}
	if v := r.verdict(r.post(rest(h, int(n), len(body)), bytes.NewReader(body[n:]))); v != "processed" {
		t.Error(v)
	}
	if said, err := io.ReadAll(hangs); err != nil || !bytes.Contains(said, []byte(" 408 ")) {
		t.Errorf("who hung was told %q, %v", said, err)
	}
}

// waitUnder waits until a transfer is under way.
func (p *partials) waitUnder(t *testing.T, key string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		p.mu.Lock()
		_, here := p.under[key]
		p.mu.Unlock()
		if here {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}

// cutting is a partner's station whose line breaks.
type cutting struct {
	mu     sync.Mutex
	next   http.Handler
	breaks int64 // bytes of the next message that come; 0 is all
	seen   []string
	head   func(w http.ResponseWriter) bool // answers in place of the station
	ranged func(w http.ResponseWriter) bool
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen = append(c.seen, fmt.Sprintf("%s %d %s", r.Method, r.ContentLength, r.Header.Get("Content-Range")))
	n := c.breaks
	if r.Method == http.MethodPost {
		c.breaks = 0
	}
	c.mu.Unlock()
	if r.Method == http.MethodHead && c.head != nil && c.head(w) || r.Header.Get("Content-Range") != "" && c.ranged != nil && c.ranged(w) {
		return
	}
	if r.Method == http.MethodPost && n > 0 {
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, n), broken{}))
	}
	c.next.ServeHTTP(w, r)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// line is our station, whose partner's is r behind a line that breaks, and a message for it.
func (r *rig) line(t *testing.T, change ...func(*Profile)) (*Station, *cutting, door.Sent) {
	t.Helper()
	c := &cutting{next: r.station}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	public := r.ours
	public.Key = nil
	p := Profile{ID: "OURS", OurID: "ACME AS2", URL: server.URL, Certificates: []Certificate{public}, Sign: crypto.SHA256, Encrypt: cms.AES128CBC, Receipt: ReceiptSigned, Restart: true}
	for _, f := range change {
		f(&p)
	}
	s, err := New(Config{Own: []Certificate{r.theirs}, Now: time.Now, Spool: t.TempDir(), Partners: map[string]Profile{"US": p}, Log: slog.New(slog.DiscardHandler)}, &desk{}, shelf{t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	m, err := s.Pack(context.Background(), "US", "1", door.Content{Name: "long.edi", Document: []byte(long)}, trust.Exchange{})
	if err != nil {
		t.Fatal(err)
	}
	return s, c, m
}

func TestTheRestOfAMessageGoesAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting)
	s, c, m := r.line(t)
	for _, n := range []int64{70_000, 10} { // broken twice
		c.breaks = n
		if _, err := s.Send(t.Context(), "US", m, trust.Exchange{}); !errors.Is(err, door.ErrNoAnswer) {
			t.Fatalf("the line broke, and it is %v", err)
		}
	}
	proof, err := s.Send(t.Context(), "US", m, trust.Exchange{})
	if err != nil || proof.Outcome != string(as2.Delivered) {
		t.Fatalf("%+v, %v", proof, err)
	}
	want := []string{
		"HEAD 0 ", fmt.Sprintf("POST %d ", m.Bytes),
		"HEAD 0 ", fmt.Sprintf("POST %d bytes 70000-%d/%d", m.Bytes-70_000, m.Bytes-1, m.Bytes),
		"HEAD 0 ", fmt.Sprintf("POST %d bytes 70010-%d/%d", m.Bytes-70_010, m.Bytes-1, m.Bytes),
	}
	if fmt.Sprint(c.seen) != fmt.Sprint(want) {
		t.Errorf("%q came, not %q", c.seen, want)
	}
	for _, x := range r.desk.first {
		if x.Headers["Content-Range"] != nil || x.Headers["Etag"] == nil {
			t.Errorf("of a whole message %v is kept", x.Headers)
		}
	}
	if len(r.desk.documents) != 1 || len(r.parts()) != 0 {
		t.Errorf("%d documents, %v is left", len(r.desk.documents), r.parts())
	}
}

// A line that breaks while it is asked costs no second transfer.
func TestAStationIsAskedTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, restarting)
	s, c, m := r.line(t)
	c.breaks = 70_000
	if _, err := s.Send(t.Context(), "US", m, trust.Exchange{}); err == nil {
		t.Fatal("the line did not break")
	}
	asked := 0
	c.head = func(http.ResponseWriter) bool {
		if asked++; asked == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	if proof, err := s.Send(t.Context(), "US", m, trust.Exchange{}); err != nil || proof.Outcome != string(as2.Delivered) {
		t.Errorf("%+v, %v", proof, err)
	}
	if last := c.seen[len(c.seen)-1]; asked != 2 || !strings.Contains(last, " bytes 70000-") {
		t.Errorf("asked %d times, and %q came last", asked, last)
	}
}

// A station that says no, or anything, of HEAD and parts gets all of it.
func TestAStationThatDoesNotRestartGetsAll(t *testing.T) {
	t.Parallel()
	says := func(status int, length string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			w.WriteHeader(status)
			return true
		}
	}
	for name, set := range map[string]func(*rig, *cutting){
		"no HEAD":            func(_ *rig, c *cutting) { c.head = says(http.StatusMethodNotAllowed, "") },
		"no length":          func(_ *rig, c *cutting) { c.head = says(http.StatusOK, "") },
		"more than it is":    func(_ *rig, c *cutting) { c.head = says(http.StatusOK, "999999999") },
		"a page":             func(_ *rig, c *cutting) { c.head = says(http.StatusNotFound, "70000") },
		"nothing":            func(_ *rig, c *cutting) { c.head = func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) } },
		"more than is there": func(_ *rig, c *cutting) { c.head = says(http.StatusOK, "80000") },
		"no rest": func(_ *rig, c *cutting) {
			c.head, c.ranged = says(http.StatusOK, "70000"), says(http.StatusBadRequest, "")
		},
		"another beginning": func(r *rig, c *cutting) {
			if err := os.WriteFile(r.part(""), make([]byte, 70_000), 0o600); err != nil {
				t.Error(err)
			}
		},
	} {
		r := newRig(t, restarting)
		s, c, m := r.line(t)
		c.breaks = 70_000
		if _, err := s.Send(t.Context(), "US", m, trust.Exchange{}); err == nil {
			t.Fatalf("%s: the line did not break", name)
		}
		set(r, c)
		proof, err := s.Send(t.Context(), "US", m, trust.Exchange{})
		if err != nil || proof.Outcome != string(as2.Delivered) || len(r.desk.documents) != 1 {
			t.Errorf("%s: %+v, %v, %d documents", name, proof, err, len(r.desk.documents))
		}
		if last := c.seen[len(c.seen)-1]; last != fmt.Sprintf("POST %d ", m.Bytes) {
			t.Errorf("%s: %q came last", name, last)
		}
	}
}
