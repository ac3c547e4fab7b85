package routes

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/trust"
)

// ours is a certificate of ours, of whose key nobody asks here.
var ours = sync.OnceValue(func() trust.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "ours"}, NotAfter: time.Now().AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(der)
	return trust.Certificate{ID: hex.EncodeToString(sum[:]), DER: der, Subject: "CN=ours", NotAfter: c.NotAfter, Usages: []string{"digitalSignature", "keyEncipherment"}}
})

// courier is a partner's station that gives its receipts in the answer, and what it was sent of certificates.
type courier struct {
	postbox
	said map[string]door.CertificateMessage // by message id
}

func (c *courier) Pack(_ context.Context, _, id string, x door.Content, _ trust.Exchange) (door.Sent, error) {
	said, err := json.Marshal(x.Certificates)
	return door.Sent{MessageID: "<" + id + "@paklog>", Body: id, File: string(said), Wanted: true, Signed: true}, err
}

func (c *courier) Send(_ context.Context, _ string, s door.Sent, _ trust.Exchange) (door.Proof, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var m door.CertificateMessage
	if err := json.Unmarshal([]byte(s.File), &m); err != nil {
		return door.Proof{}, err
	}
	c.said[s.MessageID] = m
	return door.Proof{Outcome: "delivered"}, nil
}

// answers are those to a request of the partner, or those who ask.
func (c *courier) heard(answer bool) (out []door.CertificateMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.said {
		if m.Answer == answer {
			out = append(out, m)
		}
	}
	return out
}

func courierRig(t *testing.T) (*rig, *courier) {
	t.Helper()
	r, _ := ediRig(t, func(p *Partner) { p.Station = true })
	c := &courier{said: map[string]door.CertificateMessage{}}
	r.edi.Stations = c
	r.restart()
	return r, c
}

func theirs(c string) trust.Certificate {
	return trust.Certificate{ID: strings.Repeat(c, 64), DER: []byte(c), Subject: "CN=" + c, NotAfter: time.Now().AddDate(10, 0, 0), Usages: []string{"digitalSignature"}}
}

func (r *rig) arrives(id string, offer *door.CertificateOffer, answer *door.CertificateAnswer) error {
	_, err := r.hub.Call(context.Background(), door.Stations, door.Arrival{
		Exchange: door.Exchange{Partner: "ACME", MessageID: id, MIC: id, Accepted: true, At: r.hub.Now()}, Offer: offer, Answer: answer,
	})
	return err
}

func (r *rig) exchange() trust.Exchange {
	return foldOf(r, trust.Fold, trust.StreamOf(site, "ACME"))
}

func (r *rig) judges(id string, accept bool, reason string) error {
	_, err := r.ask(door.Certificates, door.Ask{ID: "ACME", Cmd: trust.Judge{ID: id, Accept: accept, Reason: reason}, Actor: "ann"})
	return err
}

// What a partner offers is a letter until somebody has looked at each certificate; then he is answered, once.
func TestAnOfferWaitsForAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := courierRig(t)
		offer := &door.CertificateOffer{Request: "r1", Certificates: []trust.Certificate{theirs("a"), theirs("b")}}
		if err := r.arrives("<1@acme>", offer, nil); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(r.lettersText()[0], "asks to trust 2 certificates") {
			t.Fatalf("letters %v", r.lettersText())
		}
		if err := r.judges("aaaaaaaa", true, ""); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got := c.heard(true); len(got) != 0 {
			t.Fatalf("he is answered with one verdict of two: %v", got)
		}
		if err := r.judges("bbbbbbbb", false, "not his"); err != nil {
			t.Fatal(err)
		}
		if err := r.judges("aaaaaaaa", true, ""); err != nil { // again
			t.Fatal(err)
		}
		settle(time.Minute)
		got := c.heard(true)
		if len(got) != 1 || got[0].Request != "r1" || got[0].Entries[0].Status != trust.StatusAccepted || got[0].Entries[1].Reason != "not his" {
			t.Fatalf("%+v", got)
		}
		r.replayOnly()
		settle(time.Minute)
		if l := r.letters(); len(l) != 0 {
			t.Errorf("a replay after the verdicts leaves %v", r.lettersText())
		}
		acts := 0
		r.each(func(rec *journal.Record) {
			if rec.Type == door.ActType && strings.Contains(string(rec.Data), `"trust.Judge"`) && strings.Contains(string(rec.Data), `"ann"`) {
				acts++
			}
		})
		if acts != 2 {
			t.Errorf("%d acts of ann are told", acts)
		}
		// Who lost the answer asks again, in another message.
		if err := r.arrives("<2@acme>", offer, nil); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got := c.heard(true); len(got) != 2 || got[1].Request != "r1" {
			t.Errorf("who asks again gets %v", got)
		}
		// One that was accepted may be taken back; he is told nothing.
		if err := r.judges("aaaaaaaa", false, "stolen"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got, x := c.heard(true), r.exchange(); len(got) != 2 || x.Theirs[0].Status != trust.StatusRejected {
			t.Errorf("%d answers, %+v", len(got), x.Theirs)
		}
	})
}

func TestWhatHasNoEffectIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := courierRig(t)
		auto := func(request string, certs ...trust.Certificate) *door.CertificateOffer {
			return &door.CertificateOffer{Request: request, Certificates: certs, Auto: true}
		}
		serial := &door.CertificateAnswer{Request: "nobody's", Verdicts: []door.CertificateVerdict{{Accepted: true, Issuer: "CN=ours", Serial: "4711"}}}
		for i, said := range []struct {
			offer  *door.CertificateOffer
			answer *door.CertificateAnswer
		}{{auto("r1", theirs("a")), nil}, {auto("r1", theirs("c")), nil}, {nil, serial}} {
			if err := r.arrives(fmt.Sprintf("<%d@acme>", i), said.offer, said.answer); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Minute)
		text := strings.Join(r.lettersText(), "\n")
		if len(r.letters()) != 2 || !strings.Contains(text, "other certificates under the id") || !strings.Contains(text, "which nobody sent") {
			t.Errorf("letters %s", text)
		}
		if x := r.exchange(); len(x.Theirs) != 1 || x.Theirs[0].ID != theirs("a").ID || len(x.Ours) != 0 {
			t.Errorf("%+v", x)
		}
		if got := c.heard(true); len(got) != 1 {
			t.Errorf("%d answers", len(got))
		}
	})
}

func TestOursAreOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := courierRig(t)
		ask := func(p trust.Propose) error {
			_, err := r.ask(door.Certificates, door.Ask{ID: "ACME", Cmd: p, Actor: "ann"})
			return err
		}
		for name, p := range map[string]trust.Propose{
			"nothing":            {},
			"not ours":           {IDs: []string{strings.Repeat("x", 64)}},
			"not for this":       {IDs: []string{ours().ID}, Usages: []string{"tlsServer"}},
			"a day that is over": {IDs: []string{ours().ID}, RespondBy: time.Now().Add(-time.Hour)},
		} {
			if err := ask(p); err == nil {
				t.Errorf("%s was offered", name)
			}
		}
		if _, err := r.ask(door.Certificates, door.Ask{ID: "NOBODY", Cmd: trust.Look{}}); err == nil {
			t.Error("there is a partner NOBODY")
		}
		if err := ask(trust.Propose{IDs: []string{ours().ID[:8]}, RespondBy: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		asked := c.heard(false)
		if len(asked) != 1 || len(asked[0].Entries) != 1 || asked[0].Entries[0].ID != ours().ID {
			t.Fatalf("%+v", asked)
		}
		verdict := door.CertificateVerdict{Accepted: true, Issuer: "CN=ours", Serial: "4712"}
		for i, serial := range []string{"4712", "x", "4711", "4711"} { // another's, none, ours, again
			verdict.Serial, verdict.Accepted = serial, i < 3
			if err := r.arrives(fmt.Sprintf("<%d@acme>", i), nil, &door.CertificateAnswer{Request: asked[0].Request, Verdicts: []door.CertificateVerdict{verdict}}); err != nil {
				t.Fatal(err)
			}
			want := trust.StatusPending
			if i >= 2 {
				want = trust.StatusAccepted
			}
			if x := r.exchange(); x.Ours[0].Status != want {
				t.Errorf("after verdict %d on serial number %s it is %s", i, serial, x.Ours[0].Status)
			}
		}
		settle(time.Minute)
		r.noLetters()
	})
}

// Whatever dies between receipt and answer: the certificate is accepted once, and the partner has one answer.
func TestACrashAfterAnyUnitOfACertificateExchangeAnswersOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, c := courierRig(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				offer := &door.CertificateOffer{Request: "r1", Certificates: []trust.Certificate{theirs("a")}}
				work := func() error {
					if err := r.arrives("<1@acme>", offer, nil); err != nil {
						return err
					}
					settle(time.Minute)
					err := r.judges("aaaaaaaa", true, "")
					settle(time.Minute)
					return err
				}
				err := work()
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					err = work()
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := c.heard(true); len(got) != 1 || len(got[0].Entries) != 1 || got[0].Entries[0].Status != trust.StatusAccepted {
					t.Errorf("answers %+v", got)
				}
				if k := r.count(); k["certificate.Offered"] != 1 || k["certificate.Judged"] != 1 {
					t.Errorf("%v", k)
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 5 {
		t.Errorf("it died %d times only", died)
	}
}
