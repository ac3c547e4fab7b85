package as2

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// A Digest is a hash in the spelling that a partner uses: "sha-256", "sha256",
// "SHA1". An answer repeats the spelling of its question.
type Digest struct {
	Hash crypto.Hash
	Name string
}

var hashNames = []struct {
	hash crypto.Hash
	name string // without hyphen
}{
	{crypto.SHA1, "sha1"}, {crypto.SHA224, "sha224"}, {crypto.SHA256, "sha256"}, {crypto.SHA384, "sha384"}, {crypto.SHA512, "sha512"},
}

// NewDigest is h as RFC 5751 spells it.
func NewDigest(h crypto.Hash) Digest { return Digest{Hash: h, Name: strings.ToLower(h.String())} }

var withoutHyphens = strings.NewReplacer("-", "", "_", "")

// ParseDigest reads a digest's name in any spelling.
func ParseDigest(name string) (Digest, bool) {
	name = strings.Trim(name, "\" \t")
	plain := withoutHyphens.Replace(strings.ToLower(name))
	plain = strings.TrimPrefix(plain, "rsa") // rsa-sha1, of RFC 3335's time
	for _, h := range hashNames {
		if h.name == plain {
			return Digest{Hash: h.hash, Name: name}, true
		}
	}
	return Digest{}, false
}

// A MIC is the message integrity check: a digest of the content as both sides see it.
type MIC struct {
	Digest Digest
	Value  []byte
}

// String is the MIC as a receipt has it: base64, a comma, the digest.
func (m MIC) String() string {
	return base64.StdEncoding.EncodeToString(m.Value) + ", " + m.Digest.Name
}

// ParseMIC reads a Received-Content-MIC.
func ParseMIC(s string) (MIC, error) {
	value, name, _ := strings.Cut(s, ",")
	d, ok := ParseDigest(strings.TrimSpace(name))
	if !ok {
		return MIC{}, fmt.Errorf("MIC under %q", strings.TrimSpace(name))
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil || len(raw) != d.Hash.Size() {
		return MIC{}, fmt.Errorf("MIC %q is no digest under %s", strings.TrimSpace(value), d.Name)
	}
	return MIC{Digest: d, Value: raw}, nil
}

// Equal reports whether both are the same digest of the same bytes.
func (m MIC) Equal(o MIC) bool {
	return m.Digest.Hash == o.Digest.Hash && len(m.Value) > 0 && bytes.Equal(m.Value, o.Value)
}

// digests reads a list such as micalg's.
func digestList(list string) []crypto.Hash {
	var out []crypto.Hash
	for name := range strings.SplitSeq(list, ",") {
		if d, ok := ParseDigest(name); ok && !slices.Contains(out, d.Hash) {
			out = append(out, d.Hash)
		}
	}
	return out
}

// A digester hashes content as it is and, from the first bare line feed on, as
// it would be with CR LF: some partners sign text in that form and send it in
// the other (RFC 8551 3.1.1).
type digester struct {
	hashes []crypto.Hash
	exact  []hash.Hash
	lines  []hash.Hash // nil as long as both are the same
	text   bool        // whether line ends may have been changed
	last   byte
}

func newDigester(hashes []crypto.Hash, text bool) *digester {
	d := &digester{hashes: hashes, text: text}
	for _, h := range hashes {
		d.exact = append(d.exact, h.New())
	}
	return d
}

// Write implements io.Writer and cannot fail.
func (d *digester) Write(p []byte) (int, error) {
	d.write(p)
	return len(p), nil
}

func (d *digester) write(p []byte) {
	if d.text && d.lines == nil {
		at := bareLF(p, d.last)
		if at < 0 {
			d.to(d.exact, p)
			d.remember(p)
			return
		}
		d.to(d.exact, p[:at])
		d.remember(p[:at])
		for _, h := range d.exact {
			d.lines = append(d.lines, clone(h))
		}
		p = p[at:]
	}
	d.to(d.exact, p)
	last := d.last
	d.remember(p)
	if d.lines == nil {
		return
	}
	for len(p) > 0 {
		at := bareLF(p, last)
		if at < 0 {
			d.to(d.lines, p)
			return
		}
		d.to(d.lines, p[:at])
		d.to(d.lines, []byte("\r\n"))
		last = '\n'
		p = p[at+1:]
	}
}

func (d *digester) to(hashes []hash.Hash, p []byte) {
	for _, h := range hashes {
		h.Write(p)
	}
}

func (d *digester) remember(p []byte) {
	if len(p) > 0 {
		d.last = p[len(p)-1]
	}
}

// bareLF is where p has a line feed without a carriage return in front, or -1.
func bareLF(p []byte, last byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			return -1
		}
		if i += from; i > 0 {
			last = p[i-1]
		}
		if last != '\r' {
			return i
		}
		from = i + 1
	}
}

func clone(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(errors.Join(errors.New("as2: a hash of the standard library without a copy"), err))
	}
	return c
}

// sums are the digests of the content under h: as it is, and with CR LF where
// that is another one.
func (d *digester) sums(h crypto.Hash) [][]byte {
	i := slices.Index(d.hashes, h)
	if i < 0 {
		return nil
	}
	out := [][]byte{d.exact[i].Sum(nil)}
	if d.lines != nil {
		out = append(out, d.lines[i].Sum(nil))
	}
	return out
}
