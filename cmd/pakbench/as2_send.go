package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// send lets a hub take documents of about 1 KB from a partner's folder and hand each on to another by AS2, signed and
// encrypted; his station, which is in this process, answers each by a signed receipt.
type send struct {
	c        *config
	messages int // in each second that is asked for
}

func openSend(messages int) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) { return &send{c, messages}, nil }
}

func (p *send) Close() error { return nil }

func (p *send) round(ctx context.Context) (_ sample, err error) {
	dir, ours, theirs, err := p.c.as2Sides("as2-send")
	if err != nil {
		return sample{}, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	n := max(1, int(float64(p.messages)*p.c.seconds))
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return sample{}, err
	}
	there := &as2Station{own: theirs, his: ours.cert, most: int64(n), all: make(chan struct{}), bad: make(chan error, 1)}
	srv := &http.Server{Handler: there, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }() // ends with Close
	defer srv.Close()
	h, err := p.c.serve(ctx, serveOptions{more: fmt.Sprintf(`owner: BENCH
as2: {id: PAKLOG, certificates: [{certificate_file: %s, private_key_file: %s}]}
edi:
  root: %s
  poll: 200ms
  partners:
    SHED: {id: SHED, our_id: PAKLOG, hands_on: {to: BENCH, only: true}}
    BENCH: {id: BENCH, our_id: PAKLOG, as2: {id: BENCH, url: "http://%s/as2", certificates: [{certificate_file: %s}]}}
`, in("ours.crt"), in("ours.key"), in("partners"), l.Addr(), in("theirs.crt"))})
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	inbox := filepath.Join(in("partners"), "SHED", "inbox")
	for i := range n {
		var b bytes.Buffer
		if _, err := x12gen.Write(&b, x12gen.Config{
			Seed: uint64(i), Set: "940", Sets: 1, MostLine: 4, Sender: "SHED", Receiver: "PAKLOG", Control: 1 + i, OrderPrefix: fmt.Sprintf("B%d-", i), Options: x12.WriterOptions{LineEnd: "\r\n"},
		}); err != nil {
			return sample{}, err
		}
		if err := os.WriteFile(filepath.Join(inbox, fmt.Sprintf("%06d.tmp", i)), b.Bytes(), 0o600); err != nil {
			return sample{}, err
		}
	}
	idle, cpu, mine, began := rss(h.pid()), h.cpu(), cpuTime(), time.Now()
	for i := range n {
		name := filepath.Join(inbox, fmt.Sprintf("%06d", i))
		if err := os.Rename(name+".tmp", name+".edi"); err != nil {
			return sample{}, err
		}
	}
	select {
	case <-there.all:
	case err := <-there.bad:
		return sample{}, err
	case <-time.After(2*time.Minute + time.Duration(n)*100*time.Millisecond):
		return sample{}, fmt.Errorf("%d of %d messages came: %s", there.came.Load(), n, h.log.last())
	case <-ctx.Done():
		return sample{}, ctx.Err()
	}
	us := float64((h.cpu() - cpu).Microseconds()) / float64(n)
	return sample{value: 1e6 / us, counts: map[string]float64{
		"cpu_us_per_op": us, "rate": float64(n) / time.Since(began).Seconds(), "generator_cpu_us_per_op": float64((cpuTime() - mine).Microseconds()) / float64(n),
		"idle_rss_mb": idle, "peak_rss_mb": peakRSS(h.pid()), "messages": float64(n),
	}}, ctx.Err()
}

// as2Station takes messages: each is decrypted and verified, and answered by a signed receipt.
type as2Station struct {
	own  as2Pair
	his  *x509.Certificate
	most int64
	came atomic.Int64
	all  chan struct{} // closed once most have come
	bad  chan error
}

// ServeHTTP implements [http.Handler].
func (s *as2Station) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers, body, err := s.answer(textproto.MIMEHeader(r.Header), r)
	if err != nil {
		select {
		case s.bad <- err:
		default: // the first is told
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for name, v := range headers {
		w.Header()[name] = v
	}
	_, _ = w.Write(body) //nolint:gosec // a receipt, which no browser reads; who hung up comes again
	if s.came.Add(1) == s.most {
		close(s.all)
	}
}

func (s *as2Station) answer(h textproto.MIMEHeader, r *http.Request) (textproto.MIMEHeader, []byte, error) {
	req, err := as2.ParseRequest(h)
	if err != nil {
		return nil, nil, err
	}
	got, err := as2.Read(h, r.Body, as2.Reading{
		Keys: []cms.Key{{Certificate: s.own.cert, Decrypter: s.own.key}}, Certificates: []*x509.Certificate{s.his}, Receipt: req.Receipt, RequireSigned: true, RequireEncrypted: true,
	})
	if err != nil {
		return nil, nil, err
	}
	return as2.Answer{
		To: req, MessageID: "<receipt-" + strings.TrimPrefix(req.MessageID, "<"), Date: time.Now(), MIC: got.MIC, Disposition: as2.Processed,
		Sign: &cms.Signing{Certificate: s.own.cert, Key: s.own.key, Digest: crypto.SHA256},
	}.Write()
}
