package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	randv2 "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// as2Pair is a certificate with its key.
type as2Pair struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

// as2Sides makes a folder with the keys of a hub and of his partner.
func (c *config) as2Sides(name string) (dir string, ours, theirs as2Pair, err error) {
	if ours, err = newAS2Pair("PAKLOG"); err != nil {
		return "", ours, theirs, err
	}
	if theirs, err = newAS2Pair("BENCH"); err != nil {
		return "", ours, theirs, err
	}
	if dir, err = c.scratch(name); err != nil {
		return "", ours, theirs, err
	}
	for file, text := range map[string][]byte{"ours.crt": ours.certPEM(), "ours.key": ours.keyPEM(), "theirs.crt": theirs.certPEM()} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			return "", ours, theirs, err
		}
	}
	return dir, ours, theirs, nil
}

func newAS2Pair(name string) (as2Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return as2Pair{}, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return as2Pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return as2Pair{key, cert}, err
}

func (p as2Pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func (p as2Pair) keyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p.key)})
}

// rsaFloor is what no receiver that decrypts and signs can do without: one RSA-2048 decryption and one signature.
type rsaFloor struct {
	pair   as2Pair
	sealed []byte
	dur    time.Duration
}

func openRSA(_ context.Context, c *config) (probe, error) {
	pair, err := newAS2Pair("floor")
	if err != nil {
		return nil, err
	}
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &pair.key.PublicKey, make([]byte, 32), nil)
	return &rsaFloor{pair, sealed, c.length(1)}, err
}

func (p *rsaFloor) op() error {
	key, err := rsa.DecryptOAEP(sha256.New(), nil, p.pair.key, p.sealed, nil)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(key)
	_, err = rsa.SignPKCS1v15(nil, p.pair.key, crypto.SHA256, sum[:])
	return err
}

func (p *rsaFloor) round(ctx context.Context) (sample, error) {
	m := begin()
	n := 0
	for end := m.began.Add(p.dur); (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n++ {
		if err := p.op(); err != nil {
			return sample{}, err
		}
	}
	return perCPU(m.end(n)), ctx.Err()
}

func (p *rsaFloor) Close() error { return nil }

// perCPU makes the value operations a second of processor time.
func perCPU(s sample) sample {
	s.counts["rate"] = s.value
	s.value = 1e6 / s.counts["cpu_us_per_op"]
	return s
}

// bulkFloor is the same for ten megabytes: read, decrypt, two digests, write and fsync, RSA.
type bulkFloor struct {
	rsaFloor
	in, out string
}

func openBulk(ctx context.Context, c *config) (probe, error) {
	r, err := openRSA(ctx, c)
	if err != nil {
		return nil, err
	}
	dir, err := c.scratch("as2-bulk")
	if err != nil {
		return nil, err
	}
	p := &bulkFloor{*r.(*rsaFloor), filepath.Join(dir, "in"), filepath.Join(dir, "out")}
	return p, os.WriteFile(p.in, make([]byte, 10<<20), 0o600)
}

func (p *bulkFloor) copy() error {
	in, err := os.Open(p.in)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(p.out)
	if err != nil {
		return err
	}
	defer out.Close()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	mode := cipher.NewCBCDecrypter(block, make([]byte, 16))
	one, two := sha256.New(), sha256.New()
	buf := make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(in, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		one.Write(buf[:n])
		mode.CryptBlocks(buf[:n], buf[:n])
		two.Write(buf[:n])
		if _, err := out.Write(buf[:n]); err != nil {
			return err
		}
	}
	return out.Sync()
}

func (p *bulkFloor) round(ctx context.Context) (sample, error) {
	m := begin()
	n := 0
	for end := m.began.Add(p.dur); (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n++ {
		if err := errors.Join(p.copy(), p.op()); err != nil {
			return sample{}, err
		}
	}
	return perCPU(m.end(n)), ctx.Err()
}

// as2Plan is one size of message.
type as2Plan struct {
	bytes    int64
	messages int  // in each second that is asked for
	most     int  // at the same time
	gcm      bool // each second one is sealed by AES-GCM
}

// receive lets a partner's messages come to a hub, signed under SHA-256 and encrypted by AES-256, each answered by a
// signed receipt once it is durable. What they hold waits: the routes behind the door are paused.
type receive struct {
	c    *config
	plan as2Plan
}

func openReceive(plan as2Plan) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) { return &receive{c, plan}, nil }
}

func (p *receive) Close() error { return nil }

func (p *receive) round(ctx context.Context) (_ sample, err error) {
	dir, ours, theirs, err := p.c.as2Sides("as2")
	if err != nil {
		return sample{}, err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return sample{}, err
	}
	h, err := p.c.serve(ctx, serveOptions{more: fmt.Sprintf(`owner: BENCH
as2:
  listen: %q
  id: PAKLOG
  max_message: 1200 MiB
  certificates: [{certificate_file: %s, private_key_file: %s}]
edi:
  partners:
    BENCH: {id: BENCH, as2: {id: BENCH, certificates: [{certificate_file: %s}]}}
`, addr, filepath.Join(dir, "ours.crt"), filepath.Join(dir, "ours.key"), filepath.Join(dir, "theirs.crt"))})
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.pauseFlows(ctx); err != nil {
		return sample{}, err
	}
	sender := &as2Sender{url: "http://" + addr + "/as2", from: "BENCH", to: "PAKLOG", ours: theirs, theirs: ours, client: h.client, plan: p.plan}
	sender.client.Timeout = 20 * time.Minute
	n := max(p.plan.most, int(float64(p.plan.messages)*p.c.seconds))
	ready := sender.made(ctx, n)
	if err := sender.send(ctx, -1, nil); err != nil { // the first opens what stays open
		return sample{}, err
	}
	idle := rss(h.pid())
	cpu, mine, began := h.cpu(), cpuTime(), time.Now()
	if err := sender.flood(ctx, 0, n, ready); err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	us := float64((h.cpu() - cpu).Microseconds()) / float64(n)
	return sample{value: 1e6 / us, counts: map[string]float64{
		"cpu_us_per_op": us, "rate": float64(n) / took.Seconds(), "mb_per_s": float64(n) * float64(p.plan.bytes) / 1e6 / took.Seconds(),
		"generator_cpu_us_per_op": float64((cpuTime() - mine).Microseconds()) / float64(n),
		"idle_rss_mb":             idle, "peak_rss_mb": peakRSS(h.pid()), "messages": float64(n),
	}}, ctx.Err()
}

// as2Sender is the partner.
type as2Sender struct {
	url          string
	from, to     string // AS2 names
	ours, theirs as2Pair
	client       *http.Client
	plan         as2Plan
}

// preparedMost is what is made before the clock runs; a longer message is made while it is sent.
const preparedMost = 16 << 20

type as2Wire struct {
	header http.Header
	body   []byte
}

func (s *as2Sender) prepare(i int, size int64) (*as2.Writing, error) {
	var seed [32]byte
	copy(seed[:], fmt.Sprint(i))
	c := cms.AES256CBC
	if s.plan.gcm && i%2 == 1 {
		c = cms.AES256GCM
	}
	return as2.Message{
		From: s.from, To: s.to, MessageID: fmt.Sprintf("<%d@bench>", i), Subject: "bench", Date: time.Now(), ReplyTo: "bench",
		Receipt: as2.Receipt{Wanted: true, Signed: true, Digests: []as2.Digest{as2.NewDigest(crypto.SHA256)}},
		Sign:    &cms.Signing{Certificate: s.ours.cert, Key: s.ours.key, Digest: crypto.SHA256},
		Encrypt: &cms.Encryption{Cipher: c, Recipients: []cms.Recipient{{Certificate: s.theirs.cert}}},
	}.Prepare(as2.File{ContentType: "application/EDI-X12", Name: fmt.Sprintf("%d.edi", i), Content: io.LimitReader(randv2.NewChaCha8(seed), size)})
}

// made are the first n messages where they are short, and nil where they are made on their way.
func (s *as2Sender) made(ctx context.Context, n int) []as2Wire {
	if s.plan.bytes > preparedMost {
		return nil
	}
	var out []as2Wire
	for i := range n {
		w, err := s.prepare(i, s.plan.bytes)
		var b bytes.Buffer
		if err == nil {
			_, err = w.Body(&b)
		}
		if err != nil || ctx.Err() != nil {
			return nil
		}
		out = append(out, as2Wire{http.Header(w.Header), b.Bytes()})
	}
	return out
}

// flood sends messages from on until to, as many at once as the plan says.
func (s *as2Sender) flood(ctx context.Context, from, to int, ready []as2Wire) (err error) {
	var next atomic.Int64
	next.Store(int64(from))
	group := make(chan error, s.plan.most)
	for range s.plan.most {
		go func() {
			for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
				if err := s.send(ctx, i, ready); err != nil {
					group <- err
					return
				}
			}
			group <- nil
		}()
	}
	for range s.plan.most {
		err = errors.Join(err, <-group)
	}
	return err
}

// processed is how a receipt says that all is well. Camel leaves the blank out.
var processed = regexp.MustCompile(`; ?processed\r?\n`)

func (s *as2Sender) send(ctx context.Context, i int, ready []as2Wire) error {
	var header http.Header
	var body io.Reader
	if i >= 0 && i < len(ready) {
		header, body = ready[i].header, bytes.NewReader(ready[i].body)
	} else {
		size := s.plan.bytes
		if i < 0 {
			size = 1 << 10
		}
		w, err := s.prepare(i, size)
		if err != nil {
			return err
		}
		out, in := io.Pipe()
		go func() {
			_, err := w.Body(in)
			in.CloseWithError(err)
		}()
		header, body = http.Header(w.Header), out
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
	if err != nil {
		return err
	}
	req.Header = header
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !processed.Match(answer)) {
		err = fmt.Errorf("message %d: %s: %.300s", i, res.Status, answer)
	}
	return err
}
