package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/routes/bus"
)

func (p pair) der(t *testing.T) []byte {
	t.Helper()
	b, _ := pem.Decode([]byte(p.Certificate))
	if b == nil {
		t.Fatal("no PEM")
	}
	return b.Bytes
}

func (p pair) fingerprint(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256(p.der(t))
	return hex.EncodeToString(sum[:])
}

// certs asks a hub about certificates of its peer, by its API.
func (w *between) certs(h *hub, method, path string, body any) (x trust.Exchange, status int) {
	w.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+h.addr+"/v1/partners/"+h.spec.Peer+"/certificates"+path, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode < 300 {
		if err := json.Unmarshal(b, &x); err != nil {
			w.t.Fatalf("%v: %s", err, b)
		}
	}
	return x, res.StatusCode
}

// offer asks the peer of a hub to trust its next certificate.
func (w *between) offer(h *hub) {
	w.t.Helper()
	x, status := w.certs(h, http.MethodPost, "", map[string]any{"certificates": []string{h.spec.Next.fingerprint(w.t)[:12]}, "respond_by": time.Now().Add(time.Hour)})
	if status != http.StatusOK || len(x.Ours) != 1 || x.Ours[0].Status != trust.StatusPending {
		w.t.Fatalf("status %d, %+v", status, x)
	}
}

func (w *between) accepted(h *hub) func() bool {
	return func() bool {
		x, _ := w.certs(h, http.MethodGet, "", nil)
		return len(x.Ours) == 1 && x.Ours[0].Status == trust.StatusAccepted
	}
}

// goesBy says that what the warehouse sent after its first message n was signed by its next certificate, and what the
// depositor sent to it then is encrypted for that.
func (w *between) goesBy(next pair, orders int) {
	w.t.Helper()
	a, b := tell(w.t, w.a), tell(w.t, w.b)
	signed, encrypted := 0, 0
	for _, x := range b.received {
		if bytes.Equal(x.Signer, next.der(w.t)) {
			signed++
		}
	}
	for _, p := range b.sent {
		if bytes.Equal(p.Sent.Theirs, next.der(w.t)) {
			encrypted++
		}
		if p.Proof.Signer != nil && bytes.Equal(p.Proof.Signer, next.der(w.t)) {
			signed++ // a receipt
		}
	}
	// Of each order a 997 and a 945 come, and the receipt of the 940 and of the 997 that answers the 945.
	if signed < 4*orders || encrypted < 2*orders {
		w.t.Errorf("of %d orders %d messages and receipts are signed by the next certificate, %d encrypted for it", orders, signed, encrypted)
	}
	if len(a.letters) != 0 {
		w.t.Errorf("the warehouse has letters: %s", a.letters)
	}
}

// TestHubsExchangeCertificates: one hub offers its next certificate, a person at the other accepts it, and both
// go by it from then on, after a restart too.
func TestHubsExchangeCertificates(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	w.a.Next = validPair(t, warehouseName+" next")
	a, b := startHub(t, w.a), startHub(t, w.b)
	w.stock(a)
	if err := b.do("send " + w.order()); err != nil {
		t.Fatal(err)
	}
	w.quiet(a, b)
	w.offer(a)
	var offered trust.Exchange
	w.until("the offer is there", func() bool {
		offered, _ = w.certs(b, http.MethodGet, "", nil)
		return len(offered.Theirs) == 1
	})
	id := w.a.Next.fingerprint(t)
	if e := offered.Theirs[0]; e.ID != id || e.Status != trust.StatusPending || e.Wrong != "" || len(e.Usages) != 2 {
		t.Fatalf("%+v", e)
	}
	if x, _ := w.certs(a, http.MethodGet, "", nil); x.Ours[0].Status != trust.StatusPending {
		t.Fatalf("nobody has looked: %+v", x.Ours)
	}
	for path, want := range map[string]int{"/00000000/accept": http.StatusConflict, "/" + id[:4] + "/accept": http.StatusUnprocessableEntity} {
		if _, status := w.certs(b, http.MethodPost, path, nil); status != want && status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	// Before anybody has accepted it messages go by the one before.
	if err := b.do("send " + w.order()); err != nil {
		t.Fatal(err)
	}
	w.quiet(a, b)
	if x, status := w.certs(b, http.MethodPost, "/"+strings.ToUpper(id[:10])+"/accept", nil); status != http.StatusOK || x.Theirs[0].Status != trust.StatusAccepted {
		t.Fatalf("status %d, %+v", status, x)
	}
	w.until("the answer is there", w.accepted(a))
	a.stop(t)
	b.stop(t)
	for _, x := range tell(t, w.b).received {
		if bytes.Equal(x.Signer, w.a.Next.der(t)) {
			t.Error("a message was signed by a certificate that nobody had accepted")
		}
	}
	a, b = startHub(t, w.a), startHub(t, w.b)
	const orders = 2
	for range orders {
		if err := b.do("send " + w.order()); err != nil {
			t.Fatal(err)
		}
	}
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	w.proveAll(2 + orders)
	w.goesBy(w.a.Next, orders)
}

// TestHubsKilledWithinACertificateExchange ends the one who is asked, between receipt and answer, and the one who asks.
func TestHubsKilledWithinACertificateExchange(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a dozen processes")
	}
	t.Parallel()
	for _, step := range []bus.Step{stepJudged, stepTaken, bus.StepStarted, bus.StepCalled, bus.StepConcluded} {
		w := newBetween(t, false)
		w.a.Next, w.b.Exchange = validPair(t, warehouseName+" next"), as2.ExchangeAuto
		spec := w.b
		spec.Step = step
		a, b := startHub(t, w.a), startHub(t, spec)
		w.stock(a)
		w.offer(a)
		select {
		case <-b.gone:
		case <-time.After(time.Minute):
			t.Fatalf("it never came to %q", step)
		}
		b = startHub(t, w.b)
		w.until("the answer is there", w.accepted(a))
		if err := b.do("send " + w.order()); err != nil {
			t.Fatal(err)
		}
		w.quiet(a, b)
		if x, _ := w.certs(b, http.MethodGet, "", nil); len(x.Theirs) != 1 || x.Theirs[0].By != trust.ByAgreement {
			t.Errorf("%+v", x.Theirs)
		}
		a.stop(t)
		b.stop(t)
		w.proveAll(1)
		w.goesBy(w.a.Next, 1)
		if t.Failed() {
			t.Fatalf("killed at %q", step)
		}
	}
}
