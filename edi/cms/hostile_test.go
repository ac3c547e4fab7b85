package cms

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// enveloped builds an EnvelopedData from its parts, as a hostile sender would.
func enveloped(t *testing.T, p party, key, wrapped, ciphertext []byte) []byte {
	t.Helper()
	info, err := Recipient{Certificate: p.cert}.info(key)
	if err != nil {
		t.Fatal(err)
	}
	if wrapped != nil {
		info = der(tagSequence, derInt(0), name(p.cert, false), algorithm(oidRSA, derNull), der(tagOctets, wrapped))
	}
	return der(tagSequence, derOID(oidEnveloped), der(context0, der(tagSequence, derInt(0), der(tagSet, info),
		der(tagSequence, derOID(oidData), algorithm(AES128CBC.id(), der(tagOctets, payload(16))), der(primitive0, ciphertext)))))
}

// cbc encrypts blocks as they are, without padding them.
func cbc(t *testing.T, key, blocks []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	block, err := AES128CBC.block(key)
	if err != nil {
		t.Fatal(err)
	}
	prev := payload(16)
	for ; len(blocks) > 0; blocks = blocks[16:] {
		x := make([]byte, 16)
		for i := range x {
			x[i] = blocks[i] ^ prev[i]
		}
		block.Encrypt(x, x)
		out.Write(x)
		prev = x
	}
	return out.Bytes()
}

// Whatever is wrong with key, padding or ciphertext: one error, in one wording.
func TestOneErrorForEveryFailureToDecrypt(t *testing.T) {
	key := payload(16)
	pub := alice().cert.PublicKey.(*rsa.PublicKey)
	wrap := func(plain []byte) []byte {
		out, err := rsa.EncryptPKCS1v15(rand.Reader, pub, plain) //nolint:staticcheck // it is what is under test
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	good := append(bytes.Repeat([]byte("A"), 32), bytes.Repeat([]byte{16}, 16)...)
	last := func(b ...byte) []byte { return cbc(t, key, append(bytes.Repeat([]byte("A"), 48-len(b)), b...)) }
	gcm := encrypted(t, payload(5000), Encryption{Cipher: AES256GCM, Recipients: []Recipient{{Certificate: alice().cert}}})
	flip := func(raw []byte, at int) []byte {
		out := bytes.Clone(raw)
		out[at] ^= 0x10
		return out
	}
	whole := encrypted(t, payload(5000), Encryption{Cipher: AES256CBC, Recipients: []Recipient{{Certificate: alice().cert}}})
	if plain, err := decrypt(enveloped(t, alice(), key, nil, cbc(t, key, good)), Decryption{Keys: []Key{alice().decrypter()}}); err != nil || string(plain) != strings.Repeat("A", 32) {
		t.Fatalf("the form under test is broken: %q, %v", plain, err)
	}
	cases := map[string][]byte{
		"key under bad RSA padding":     enveloped(t, alice(), key, flip(wrap(key), 100), cbc(t, key, good)),
		"key of 15 bytes":               enveloped(t, alice(), key, wrap(key[:15]), cbc(t, key, good)),
		"key of 17 bytes":               enveloped(t, alice(), key, wrap(append(key, 1)), cbc(t, key, good)),
		"no key":                        enveloped(t, alice(), key, wrap(nil), cbc(t, key, good)),
		"a key that is short for RSA":   enveloped(t, alice(), key, []byte{1, 2, 3}, cbc(t, key, good)),
		"a key beyond the modulus":      enveloped(t, alice(), key, bytes.Repeat([]byte{255}, 256), cbc(t, key, good)),
		"padding of 0":                  enveloped(t, alice(), key, nil, last(0)),
		"padding of 17":                 enveloped(t, alice(), key, nil, last(17)),
		"padding of 255":                enveloped(t, alice(), key, nil, last(255)),
		"padding that differs":          enveloped(t, alice(), key, nil, last(3, 2, 3)),
		"padding that differs in front": enveloped(t, alice(), key, nil, last(append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)...)),
		"half a block":                  enveloped(t, alice(), key, nil, last(1)[:40]),
		"no ciphertext":                 enveloped(t, alice(), key, nil, nil),
		"end cut off":                   whole[:len(whole)-5],
		"ciphertext cut off":            whole[:len(whole)-1000],
		"GCM, end cut off":              gcm[:len(gcm)-3],
		"GCM, tag cut off":              gcm[:len(gcm)-20],
		"GCM, ciphertext changed":       flip(gcm, len(gcm)-1000),
		"GCM, tag changed":              flip(gcm, len(gcm)-8),
		"another's message":             encrypted(t, payload(5000), Encryption{Cipher: AES256CBC, Recipients: []Recipient{{Certificate: bob().cert}}}),
		"another's GCM":                 encrypted(t, payload(5000), Encryption{Cipher: AES128GCM, Recipients: []Recipient{{Certificate: bob().cert, OAEP: crypto.SHA256}}}),
		"a piece that is none":          flip(whole, bytes.Index(whole, []byte{0xA0, 0x80, tagOctets, 0x82})+2), // the first one within the content
	}
	for what, raw := range cases {
		plain, err := decrypt(raw, Decryption{Keys: []Key{alice().decrypter()}})
		if err != ErrDecrypt { //nolint:errorlint // not even wrapped
			// One in 256 random keys leaves padding that is right by chance.
			if err == nil && !bytes.Contains(plain, payload(5000)[:64]) && !bytes.Contains(plain, []byte("AAAA")) {
				continue
			}
			t.Errorf("%s: %v", what, err)
		}
		if strings.HasPrefix(what, "GCM") && len(plain) > 0 {
			t.Errorf("%s: %d bytes came out", what, len(plain))
		}
	}
}

// A connection that breaks is not the sender's fault, and is said as it is.
func TestSourceErrorsStayWhatTheyAre(t *testing.T) {
	broken := errors.New("connection reset")
	var signed, packed bytes.Buffer
	w, err := Sign(&signed, Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(payload(100_000))
	w.Close()
	if w, err = Compress(&packed); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(payload(100_000))
	w.Close()
	to := []Recipient{{Certificate: alice().cert}}
	for what, raw := range map[string][]byte{
		"signed":     signed.Bytes(),
		"compressed": packed.Bytes(),
		"cbc":        encrypted(t, payload(100_000), Encryption{Cipher: AES128CBC, Recipients: to}),
		"gcm":        encrypted(t, payload(100_000), Encryption{Cipher: AES128GCM, Recipients: to}),
	} {
		for _, n := range []int{0, 1, 20, 60, 500, len(raw) / 2, len(raw) - 1} {
			_, err := readAny(io.MultiReader(bytes.NewReader(raw[:n]), iotest.ErrReader(broken)), Limits{}, alice().decrypter())
			if !errors.Is(err, broken) {
				t.Errorf("%s, broken after %d bytes: %v", what, n, err)
			}
			if _, err := readAny(bytes.NewReader(raw[:n]), Limits{}, alice().decrypter()); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("%s, ends after %d bytes: %v", what, n, err)
			}
		}
	}
}

// readAny reads whatever r holds to its end.
func readAny(r io.Reader, lim Limits, keys ...Key) ([]byte, error) {
	m, err := Open(r, lim)
	if err != nil {
		return nil, err
	}
	var content io.Reader
	switch m.Type {
	case SignedData:
		s, err := m.Signed()
		if err != nil {
			return nil, err
		}
		out, err := io.ReadAll(s)
		if err != nil {
			return out, err
		}
		signers, err := s.Signers()
		for _, sg := range signers {
			_, err = sg.Verify(append(s.Certificates(), alice().cert), nil)
		}
		return out, err
	case CompressedData:
		content, err = m.Decompress()
	default:
		content, err = m.Decrypt(Decryption{Keys: keys})
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(content)
}

func TestLimitsNameThemselves(t *testing.T) {
	bomb := func(n int) []byte {
		var out bytes.Buffer
		w, err := Compress(&out)
		if err != nil {
			t.Fatal(err)
		}
		zeros := make([]byte, 1<<20)
		for range n {
			_, _ = w.Write(zeros)
		}
		w.Close()
		return out.Bytes()
	}
	sign := func(embed int) []byte {
		s := Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA256}
		for range embed {
			s.Embed = append(s.Embed, alice().cert)
		}
		raw, err := SignDigest(make([]byte, 32), s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	many := Encryption{Cipher: AES128CBC}
	for range 65 {
		many.Recipients = append(many.Recipients, Recipient{Certificate: alice().cert})
	}
	nested := []byte{tagSequence, 0x80}
	nested = append(append(nested, derOID(oidCompressed)...), context0, 0x80, tagSequence, 0x80, tagInteger, 1, 0)
	nested = append(nested, bytes.Repeat([]byte{tagSequence, 0x80}, 200)...)
	signers := der(tagSequence, derOID(oidSigned), der(context0, der(tagSequence, derInt(1), der(tagSet), der(tagSequence, derOID(oidData)),
		der(tagSet, bytes.Repeat(signerInfo(t), 17)))))
	for want, c := range map[LimitError]struct {
		raw []byte
		lim Limits
	}{
		{"Ratio", 200}:               {bomb(64), Limits{}},
		{"Decompressed", 3 << 20}:    {bomb(4), Limits{Decompressed: 3 << 20, Ratio: 1 << 20}},
		{"Recipients", 64}:           {encrypted(t, nil, many), Limits{}},
		{"HeadBytes", 1000}:          {sign(1), Limits{HeadBytes: 1000}},
		{"HeadBytes", 1 << 20}:       {sign(2000), Limits{}},
		{"Depth", 32}:                {nested, Limits{}},
		{"Depth", 3}:                 {sign(0), Limits{Depth: 3}},
		{"Signers", 16}:              {signers, Limits{}},
		{"Spooled", int64(16 << 20)}: {encrypted(t, make([]byte, 17<<20), Encryption{Cipher: AES128GCM, Recipients: []Recipient{{Certificate: alice().cert}}}), Limits{}},
	} {
		_, err := readAny(bytes.NewReader(c.raw), c.lim, alice().decrypter())
		var limit *LimitError
		if !errors.As(err, &limit) || !reflect.DeepEqual(*limit, want) {
			t.Errorf("got %v, want %v", err, &want)
		}
	}
	// Below the limits the same forms are read.
	if out, err := readAny(bytes.NewReader(bomb(1)), Limits{}); err != nil || len(out) != 1<<20 {
		t.Errorf("a MiB of zeros: %d bytes, %v", len(out), err)
	}
}

func signerInfo(t *testing.T) []byte {
	t.Helper()
	info, err := Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA256}.info(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Broken structures are refused with the place; none is read as another.
func TestSyntaxErrors(t *testing.T) {
	id := derOID(oidCompressed)
	body := func(parts ...[]byte) []byte {
		return der(tagSequence, id, der(context0, der(tagSequence, append([][]byte{derInt(0), algorithm(oidZlib)}, parts...)...)))
	}
	info := func(content ...byte) []byte { return body(der(tagSequence, derOID(oidData), der(context0, content))) }
	for what, raw := range map[string][]byte{
		"nothing":                          {},
		"one byte":                         {tagSequence},
		"not a sequence":                   {tagSet, 0},
		"an empty sequence":                {tagSequence, 0},
		"text":                             []byte("MIME-Version: 1.0\r\n"),
		"a length that lies":               {tagSequence, 0x84, 0xff, 0xff, 0xff, 0xff, tagOID, 3, 1},
		"a length of nine bytes":           {tagSequence, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		"a length beyond 63 bits":          {tagSequence, 0x88, 0xff, 0, 0, 0, 0, 0, 0, 0},
		"a reserved length":                {tagSequence, 0xff},
		"a large tag number":               {0x3f, 0x81, 0, 0},
		"an end-of-contents on its own":    {0, 0},
		"an end in a definite element":     {tagSequence, 4, 0, 0, 0, 0},
		"an end with a length":             {tagSequence, 0x80, 0, 1, 0},
		"indefinite, but primitive":        {tagSequence, 0x80, tagOID, 0x80, 0, 0},
		"an inner element that sticks out": {tagSequence, 4, tagOID, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		"an identifier that is none":       der(tagSequence, der(tagOID)),
		"no content":                       der(tagSequence, id),
		"content that is no OCTET STRING":  info(tagUTCTime, 1, 'x'),
		"a piece that is no piece":         info(tagOctets|constructed, 3, tagUTCTime, 1, 'x'),
		"content that is not zlib":         info(tagOctets, 4, 1, 2, 3, 4),
		"zlib that ends early":             info(tagOctets, 2, 0x78, 0x9c),
		"zlib that is broken":              info(tagOctets, 7, 0x78, 0x9c, 0xff, 1, 2, 3, 4),
	} {
		for _, r := range []io.Reader{bytes.NewReader(raw), iotest.OneByteReader(bytes.NewReader(raw))} {
			_, err := readAny(r, Limits{})
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > int64(len(raw)) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// An OCTET STRING in nested pieces, empty ones among them, is one content.
func TestPiecesOfPieces(t *testing.T) {
	key := payload(16)
	text := cbc(t, key, append(bytes.Repeat([]byte("A"), 32), bytes.Repeat([]byte{16}, 16)...))
	piece := func(from, to int) []byte { return der(tagOctets, text[from:to]) }
	indefinitely := func(tag byte, parts ...[]byte) []byte {
		return append(append([]byte{tag, 0x80}, bytes.Join(parts, nil)...), 0, 0)
	}
	info, err := Recipient{Certificate: alice().cert}.info(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{
		"pieces":                 der(context0, piece(0, 7), piece(7, 48)),
		"indefinite pieces":      indefinitely(context0, piece(0, 1), piece(1, 48)),
		"empty pieces":           indefinitely(context0, piece(0, 0), piece(0, 0), piece(0, 48), piece(48, 48)),
		"pieces in pieces":       indefinitely(context0, indefinitely(0x24, piece(0, 3), der(0x24, piece(3, 20))), piece(20, 48)),
		"an empty set of pieces": indefinitely(context0, indefinitely(0x24), piece(0, 48)),
	} {
		// Everything around is indefinite too, also the recipients.
		raw := indefinitely(tagSequence, derOID(oidEnveloped), indefinitely(context0, indefinitely(tagSequence, derInt(0),
			indefinitely(tagSet, indefinitely(tagSequence, derContent(info))),
			indefinitely(tagSequence, derOID(oidData), algorithm(AES128CBC.id(), der(tagOctets, payload(16))), content))))
		got, err := decrypt(raw, Decryption{Keys: []Key{alice().decrypter()}})
		if err != nil || string(got) != strings.Repeat("A", 32) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestSignedAttributesMustBeRight(t *testing.T) {
	digest := sum(crypto.SHA256, []byte("content"))
	ok := []([]byte){attribute(oidContentType, derOID(oidData)), attribute(oidMessageDigest, der(tagOctets, digest))}
	build := func(attrs ...[]byte) []byte {
		sha := mustDigest(t, crypto.SHA256)
		set := der(tagSet, attrs...)
		sig, err := alice().key.Sign(rand.Reader, sum(crypto.SHA256, sortSet(set)), crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return der(tagSequence, derOID(oidSigned), der(context0, der(tagSequence, derInt(1), der(tagSet, sha), der(tagSequence, derOID(oidData)),
			der(tagSet, der(tagSequence, derInt(1), name(alice().cert, false), sha, der(context0, derContent(set)), algorithm(oidRSA, derNull), der(tagOctets, sig))))))
	}
	protect := func(digest, sig []byte) []byte {
		return attribute(oidProtection, der(tagSequence, digest, der(context1, derContent(sig))))
	}
	sha, sha512, rsaAlg := mustDigest(t, crypto.SHA256), mustDigest(t, crypto.SHA512), algorithm(oidRSA, derNull)
	for what, c := range map[string]struct {
		raw  []byte
		want VerifyReason
	}{
		"right":                          {build(ok...), 0},
		"signed sorted, sent unsorted":   {build(ok[1], ok[0]), 0},
		"an attribute that is not known": {build(append(ok, attribute(oidZlib, derNull))...), 0},
		"a time that is none":            {build(append(ok, attribute(oidSigningTime, derNull))...), 0},
		"protection":                     {build(append(ok, protect(sha, rsaAlg))...), 0},
		"protection of another digest":   {build(append(ok, protect(sha512, rsaAlg))...), WrongSignature},
		"protection of another scheme":   {build(append(ok, protect(sha, algorithm(oidPSS)))...), WrongSignature},
		"protection that is none":        {build(append(ok, attribute(oidProtection, derNull))...), WrongSignature},
		"no digest":                      {build(ok[0]), WrongDigest},
		"no content type":                {build(ok[1]), WrongSignature},
		"another content type":           {build(attribute(oidContentType, derOID(oidSigned)), ok[1]), WrongSignature},
		"two digests":                    {build(ok[0], ok[1], attribute(oidMessageDigest, der(tagOctets, digest[1:]))), WrongSignature},
		"two values":                     {build(ok[0], der(tagSequence, derOID(oidMessageDigest), der(tagSet, der(tagOctets, digest), der(tagOctets, digest)))), WrongSignature},
		"a digest of another type":       {build(ok[0], attribute(oidMessageDigest, derNull)), WrongSignature},
	} {
		_, _, err := readSigned(c.raw, []byte("content"), alice().cert)
		var wrong *VerifyError
		if c.want == 0 && err != nil || c.want != 0 && (!errors.As(err, &wrong) || wrong.Reason != c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func mustDigest(t *testing.T, h crypto.Hash) []byte {
	t.Helper()
	alg, err := digestAlgorithm(h)
	if err != nil {
		t.Fatal(err)
	}
	return alg
}

func TestWhatIsRefusedBeforeItIsWritten(t *testing.T) {
	ec := newParty("ec", 3000, ecKey(curve()))
	rsaTo := []Recipient{{Certificate: alice().cert}}
	for what, err := range map[string]error{
		"no recipient":      second(Encrypt(io.Discard, Encryption{Cipher: AES128CBC})),
		"no cipher":         second(Encrypt(io.Discard, Encryption{Recipients: rsaTo})),
		"an EC recipient":   second(Encrypt(io.Discard, Encryption{Cipher: AES128CBC, Recipients: []Recipient{{Certificate: ec.cert}}})),
		"OAEP under MD5":    second(Encrypt(io.Discard, Encryption{Cipher: AES128CBC, Recipients: []Recipient{{Certificate: alice().cert, OAEP: crypto.MD5}}})),
		"signing by SHA-1":  second(Sign(io.Discard, Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA1})),
		"another's key":     second(Sign(io.Discard, Signing{Certificate: alice().cert, Key: bob().key, Digest: crypto.SHA256})),
		"no digest":         second(Sign(io.Discard, Signing{Certificate: alice().cert, Key: alice().key})),
		"PSS by EC":         signError(Signing{Certificate: ec.cert, Key: ec.key, Digest: crypto.SHA256, PSS: true}),
		"a digest too long": secondOf(SignDigest(make([]byte, 33), Signing{Certificate: alice().cert, Key: alice().key, Digest: crypto.SHA256})),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

func second(_ io.Writer, err error) error { return err }
func secondOf(_ []byte, err error) error  { return err }
func signError(s Signing) error           { return secondOf(SignDigest(make([]byte, s.Digest.Size()), s)) }

// 64 MiB go through compression, signing, encryption and back in less memory
// than one of them would hold.
func TestMemoryStaysFlat(t *testing.T) {
	const size = 64 << 20
	for _, c := range []Cipher{AES256CBC, AES256GCM} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		pr, pw := io.Pipe()
		go func() { pw.CloseWithError(send(pw, c, size)) }()
		n, err := receive(pr)
		runtime.ReadMemStats(&after)
		if err != nil || n != size {
			t.Fatalf("%v: %d bytes, %v", c, n, err)
		}
		if total := after.TotalAlloc - before.TotalAlloc; total > 6<<20 {
			t.Errorf("%v: %d KiB were allocated for %d", c, total>>10, size>>10)
		}
	}
}

func send(w io.Writer, c Cipher, size int) error {
	enc, err := Encrypt(w, Encryption{Cipher: c, Recipients: []Recipient{{Certificate: alice().cert}}})
	if err != nil {
		return err
	}
	sig, err := Sign(enc, Signing{Certificate: bob().cert, Key: bob().key, Digest: crypto.SHA256})
	if err != nil {
		return err
	}
	z, err := Compress(sig)
	if err != nil {
		return err
	}
	for chunk := payload(1 << 16); size > 0; size -= len(chunk) {
		if _, err := z.Write(chunk); err != nil {
			return err
		}
	}
	return errors.Join(z.Close(), sig.Close(), enc.Close())
}

func receive(r io.Reader) (int64, error) {
	m, err := Open(r, Limits{})
	if err != nil {
		return 0, err
	}
	plain, err := m.Decrypt(Decryption{Keys: []Key{alice().decrypter()}, Spool: newDiscardSpool})
	if err != nil {
		return 0, err
	}
	if m, err = Open(plain, Limits{}); err != nil {
		return 0, err
	}
	s, err := m.Signed()
	if err != nil {
		return 0, err
	}
	if m, err = Open(s, Limits{}); err != nil {
		return 0, err
	}
	z, err := m.Decompress()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, z)
	if err != nil {
		return n, err
	}
	signers, err := s.Signers()
	if err != nil {
		return n, err
	}
	if _, err := signers[0].Verify([]*x509.Certificate{bob().cert}, nil); err != nil {
		return n, err
	}
	_, err = io.Copy(io.Discard, plain)
	return n, err
}

func TestCiphersHaveNames(t *testing.T) {
	for _, c := range encryptionCases {
		if got, err := ParseCipher(c.cipher.String()); err != nil || got != c.cipher {
			t.Errorf("%v: %v, %v", c.cipher, got, err)
		}
	}
	for _, name := range []string{"", "aes128", "rc2-cbc", Cipher(0).String()} {
		if got, err := ParseCipher(name); err == nil {
			t.Errorf("%q was taken as %v", name, got)
		}
	}
}
