package as2

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/paklog/hub/edi/cms"
)

// The captures lie beside the checkout.
const corpus = "../../../shared/data/as2-corpus"

func corpusFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(corpus, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("../shared/data/as2-corpus is not there")
	}
	return dir
}

// partyOf reads certificate and key of the corpus.
func partyOf(t *testing.T, name string) (*x509.Certificate, cms.Key) {
	t.Helper()
	dir := corpusFolder(t, "keys")
	block := func(file string) []byte {
		b, _ := pem.Decode(readFile(t, filepath.Join(dir, file)))
		return b.Bytes
	}
	cert, err := x509.ParseCertificate(block(name + ".crt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(block(name + ".key"))
	if err != nil {
		t.Fatal(err)
	}
	return cert, cms.Key{Certificate: cert, Decrypter: key.(crypto.Decrypter)}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// headers reads a .headers file as net/http reads a request.
func headers(t *testing.T, name string) textproto.MIMEHeader {
	t.Helper()
	raw := append(readFile(t, name), "\r\n"...)
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A reading is one capture, as it was read here.
type reading struct {
	request  *Request
	received *Received
	payload  []byte
	err      error
}

func readCapture(t *testing.T, base string, key cms.Key, partner *x509.Certificate) reading {
	t.Helper()
	h := headers(t, base+".headers")
	req, err := ParseRequest(h)
	if err != nil {
		t.Errorf("%s: %v", base, err)
	}
	var payload bytes.Buffer
	body := readFile(t, base+".body")
	got, err := Read(h, bytes.NewReader(body), Reading{
		Keys: []cms.Key{key}, Certificates: []*x509.Certificate{partner}, Receipt: req.Receipt,
		Open: func(Document) (io.Writer, error) { return &payload, nil },
	})
	return reading{request: req, received: got, payload: payload.Bytes(), err: err}
}

// table prints what was read, a line each.
type table struct {
	bytes.Buffer
	w *tabwriter.Writer
}

func newTable(columns ...string) *table {
	t := &table{}
	t.w = tabwriter.NewWriter(&t.Buffer, 0, 0, 2, ' ', 0)
	t.row(columns...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t *table) log(tb testing.TB) {
	t.w.Flush()
	tb.Log("\n" + t.String())
}

func layers(r *Received) string {
	var out []string
	for _, l := range r.Layers {
		out = append(out, l.String())
	}
	return strings.Join(out, " > ")
}

func outcome(same bool) string {
	if same {
		return "equal"
	}
	return "DIFFERS"
}

// What OpenAS2 sent is read: the payload, the layers that were configured, the
// signer, and the MIC that pyas2-lib made of it.
func TestCorpusOfOpenAS2(t *testing.T) {
	dir := corpusFolder(t, "openas2-4.9.0-sent")
	_, key := partyOf(t, "alice")
	partner, _ := partyOf(t, "bob")
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) != 38 {
		t.Fatalf("%d captures, want 38, %v", len(names), err)
	}
	out := newTable("capture", "layers", "payload", "MIC", "disposition")
	for _, name := range names {
		var want struct {
			Encrypt, Sign, Compress string
			Payload                 string `json:"payload_sha256"`
			MIC                     string `json:"pyas2_mic"`
			Digest                  string `json:"pyas2_digest"`
		}
		if err := json.Unmarshal(readFile(t, name), &want); err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(name, ".json")
		got := readCapture(t, base, key, partner)
		sum := sha256.Sum256(got.payload)
		mic, micSame := "no MIC from pyas2-lib", true
		if want.MIC != "" {
			micSame = base64.StdEncoding.EncodeToString(got.received.MIC.Value) == want.MIC
			if d, ok := ParseDigest(want.Digest); !ok || d.Hash != got.received.MIC.Digest.Hash {
				micSame = false
			}
			mic = outcome(micSame)
		}
		payloadSame := hex.EncodeToString(sum[:]) == want.Payload
		out.row(filepath.Base(base), layers(got.received), outcome(payloadSame), mic, DispositionOf(got.err).String())
		if got.err != nil || !payloadSame || !micSame {
			t.Errorf("%s: %v", filepath.Base(base), got.err)
		}
		checkLayers(t, filepath.Base(base), got.received, want.Encrypt != "", want.Sign != "", want.Compress != "")
		// A bare request of OpenAS2 says "Content-Disposition: Attachment" and no name.
		if name := got.received.Documents[0].FileName; name != "orders.edi" && len(got.received.Layers) > 0 {
			t.Errorf("%s: file name %q", filepath.Base(base), name)
		}
	}
	out.log(t)
}

func checkLayers(t *testing.T, name string, r *Received, encrypted, signed, compressed bool) {
	t.Helper()
	isCompressed := slices.ContainsFunc(r.Layers, func(l Layer) bool { return l.Kind == cms.CompressedData })
	if r.Encrypted() != encrypted || (r.Signer() != nil) != signed || isCompressed != compressed {
		t.Errorf("%s: %s, want encrypted %v, signed %v, compressed %v", name, layers(r), encrypted, signed, compressed)
	}
}

// knownDisagreements are the captures whose MIC OpenAS2 makes of other bytes.
// RFC 5402 has the MIC of a message that is only compressed over the content
// with its MIME header; OpenAS2 leaves the header out, as RFC 4130 7.3.1 does
// for a message in no envelope at all. As sender we take both.
var knownDisagreements = map[string]string{
	"m064": "over the content without its header",
	"m065": "over the content without its header",
}

// What pyas2-lib sent is read, and OpenAS2's receipt for it is verified and
// judged against the MIC that is made here.
func TestCorpusOfPyas2(t *testing.T) {
	dir := corpusFolder(t, "pyas2lib-1.4.4-to-openas2-4.9.0")
	_, bobKey := partyOf(t, "bob")
	alice, aliceKey := partyOf(t, "alice")
	bob, _ := partyOf(t, "bob")
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) != 85 {
		t.Fatalf("%d captures, want 85, %v", len(names), err)
	}
	out := newTable("capture", "layers", "MIC of pyas2-lib", "MIC of OpenAS2", "receipt signed", "our disposition", "OpenAS2's", "judged")
	for _, name := range names {
		var want struct {
			Sign, Compress  int
			Encrypt, Digest any
			Signed          int     `json:"mdn_signed"`
			Algorithm       string  `json:"sig_alg"`
			MIC             *string `json:"mic"`
		}
		if err := json.Unmarshal(readFile(t, name), &want); err != nil {
			t.Fatal(err)
		}
		id := strings.TrimSuffix(filepath.Base(name), ".json")
		got := readCapture(t, filepath.Join(dir, id+".req"), bobKey, alice)
		resp := readCapture(t, filepath.Join(dir, id+".resp"), aliceKey, bob)
		if resp.err != nil || resp.received.MDN == nil {
			t.Errorf("%s: the receipt: %v", id, resp.err)
			continue
		}
		pss := want.Algorithm == "rsassa_pss"
		mine, theirs := got.received.MIC, resp.received.MDN.MIC
		pyas2 := "none"
		if want.MIC != nil {
			same := base64.StdEncoding.EncodeToString(mine.Value) == *want.MIC
			if pyas2 = outcome(same); !same {
				t.Errorf("%s: MIC %v, pyas2-lib has %s", id, mine, *want.MIC)
			}
		}
		openas2 := "none returned"
		disagreement := knownDisagreements[id]
		if len(theirs.Value) > 0 {
			openas2 = outcome(mine.Equal(theirs))
			if mine.Equal(theirs) != (disagreement == "") {
				t.Errorf("%s: MIC %v, OpenAS2 has %v", id, mine, theirs)
			}
			if disagreement != "" {
				openas2 += ": " + disagreement
				bare := theirs.Digest.Hash.New()
				bare.Write(got.payload)
				if !bytes.Equal(bare.Sum(nil), theirs.Value) {
					t.Errorf("%s: OpenAS2's MIC is not explained", id)
				}
			}
		}
		// The PSS captures name no parameters: nobody can verify them, and both
		// say so with the same words.
		if pss != (got.err != nil) {
			t.Errorf("%s: %v", id, got.err)
		}
		if pss && DispositionOf(got.err).Detail != resp.received.MDN.Disposition.Detail {
			t.Errorf("%s: %v, OpenAS2 said %v", id, got.err, resp.received.MDN.Disposition)
		}
		if !pss {
			checkLayers(t, id, got.received, want.Encrypt != 0.0, want.Sign == 1, want.Compress == 1)
		}
		if (resp.received.Signer() != nil) != (want.Signed == 1) {
			t.Errorf("%s: the receipt is signed by %v", id, resp.received.Signer())
		}
		sent := Sent{MessageID: got.request.MessageID, From: got.request.From, To: got.request.To, MICs: []MIC{mine}, Receipt: got.request.Receipt}
		judged, reason := sent.Judge(resp.request, resp.received)
		wantJudged := Delivered
		switch {
		case pss:
			wantJudged = Refused
		case disagreement != "":
			wantJudged = Mismatch
		}
		if judged != wantJudged {
			t.Errorf("%s: judged %s (%s), want %s", id, judged, reason, wantJudged)
		}
		if (want.Signed == 1 && !pss) != (len(theirs.Value) > 0) {
			t.Errorf("%s: a MIC in the receipt: %v", id, theirs)
		}
		if len(got.payload) == 0 || !bytes.HasPrefix(got.payload, []byte("UNB+UNOA")) {
			t.Errorf("%s: payload %.20q", id, got.payload)
		}
		out.row(id, layers(got.received), pyas2, openas2, fmt.Sprint(resp.received.Signer() != nil),
			strings.TrimPrefix(DispositionOf(got.err).String(), automatic+"; "), strings.TrimPrefix(resp.received.MDN.Disposition.String(), automatic+"; "), string(judged))
	}
	out.log(t)
}

// A wrong signer or a changed byte is told apart from what is right.
func TestCorpusIsRefusedWhereItIsNotRight(t *testing.T) {
	dir := corpusFolder(t, "openas2-4.9.0-sent")
	_, aliceKey := partyOf(t, "alice")
	bob, bobKey := partyOf(t, "bob")
	alice, _ := partyOf(t, "alice")
	var p *Problem
	if got := readCapture(t, filepath.Join(dir, "alice7"), aliceKey, alice); !errors.As(got.err, &p) || p.Word != AuthenticationFailed {
		t.Errorf("another's certificate: %v", got.err)
	}
	if got := readCapture(t, filepath.Join(dir, "alice47"), bobKey, bob); !errors.As(got.err, &p) || p.Word != DecryptionFailed {
		t.Errorf("another's key: %v", got.err)
	}
	h, body := headers(t, filepath.Join(dir, "alice7.headers")), readFile(t, filepath.Join(dir, "alice7.body"))
	changed := bytes.Replace(body, []byte("UNB+"), []byte("UNC+"), 1)
	_, err := Read(h, bytes.NewReader(changed), Reading{Certificates: []*x509.Certificate{bob}})
	if !errors.As(err, &p) || p.Word != IntegrityCheckFailed {
		t.Errorf("a changed byte: %v", err)
	}
}
