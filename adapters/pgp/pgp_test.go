package pgp

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

var day = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// pair makes a key that was made some days before and lives for so many; 0 is for ever.
func pair(t *testing.T, name string, age, days int) (private, public string) {
	t.Helper()
	made := day.AddDate(0, 0, -age)
	e, err := openpgp.NewEntity(name, "", name+"@example.com", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(days * 24 * 3600), DefaultCompressionAlgo: packet.CompressionZLIB, Time: func() time.Time { return made },
	})
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, write func(io.Writer) error) string {
		var b bytes.Buffer
		w, err := armor.Encode(&b, kind, nil)
		if err == nil {
			err = errors.Join(write(w), w.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	return text("PGP PRIVATE KEY BLOCK", func(w io.Writer) error { return e.SerializePrivateWithoutSigning(w, nil) }), text("PGP PUBLIC KEY BLOCK", e.Serialize)
}

// side is one of two who exchange files.
func side(t *testing.T, own []string, p Partner, change ...func(*Config)) *Keys {
	t.Helper()
	c := Config{Partners: map[string]Partner{"ACME": p}, Now: func() time.Time { return day }}
	for _, key := range own {
		c.Own = append(c.Own, OwnKey{Key: key})
	}
	for _, f := range change {
		f(&c)
	}
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed1(t *testing.T, k *Keys, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := k.Seal("ACME", "940.edi", &b)
	if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opens(k *Keys, data []byte) (string, error) {
	r, err := k.Open("ACME", bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(r)
	return string(out), err
}

const text = "ISA*00*          *00*          ~"

func TestFilesAreSealedAndOpened(t *testing.T) {
	ours, ourPublic := pair(t, "us", 10, 0)
	his, hisPublic := pair(t, "him", 10, 0)
	for name, p := range map[string]Partner{
		"both": {Encrypt: true, Sign: true}, "encrypted": {Encrypt: true}, "signed": {Sign: true}, "as text": {Encrypt: true, Sign: true, Armor: true},
	} {
		us, him := p, p
		us.Keys, him.Keys = []string{hisPublic}, []string{ourPublic}
		file := sealed1(t, side(t, []string{ours}, us), text)
		if p.Encrypt && bytes.Contains(file, []byte("ISA*")) || p.Armor != bytes.HasPrefix(file, []byte("-----BEGIN PGP MESSAGE-----")) {
			t.Errorf("%s: %q", name, file)
		}
		if got, err := opens(side(t, []string{his}, him), file); err != nil || got != text {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if got, err := opens(side(t, nil, Partner{Keys: []string{hisPublic}, Sign: true}, func(c *Config) { c.Partners = nil }), []byte(text)); err != nil || got != text {
		t.Errorf("a partner without OpenPGP: %q %v", got, err)
	}
}

// What is not as agreed is refused with its reason, and nothing of it counts.
func TestFilesThatAreNotAsAgreedAreRefused(t *testing.T) {
	ours, ourPublic := pair(t, "us", 10, 0)
	his, hisPublic := pair(t, "him", 200, 0)
	other, otherPublic := pair(t, "other", 10, 0)
	old, oldPublic := pair(t, "old", 100, 90)
	both := Partner{Encrypt: true, Sign: true}
	with := func(p Partner, keys ...string) Partner { p.Keys = keys; return p }
	him := side(t, []string{his}, with(both, ourPublic))
	good := sealed1(t, side(t, []string{ours}, with(both, hisPublic)), strings.Repeat(text, 1000))
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 1
	last := bytes.Clone(good)
	last[len(last)-1] ^= 1
	// The old key signed while it was valid; it is not any more.
	late := side(t, []string{old}, with(both, hisPublic), func(c *Config) { c.Now = func() time.Time { return day.AddDate(0, 0, -50) } })
	for name, c := range map[string]struct {
		file []byte
		by   *Keys
		want string
	}{
		"plain":                 {[]byte(text), him, "is no OpenPGP message"},
		"empty":                 {nil, him, "is no OpenPGP message"},
		"a public key":          {[]byte(ourPublic), him, "is a PGP PUBLIC KEY BLOCK and no message"},
		"nonsense":              {[]byte("\xff\xff\xff\xff\xff"), him, "is no OpenPGP message that can be read"},
		"not signed":            {sealed1(t, side(t, nil, Partner{Keys: []string{hisPublic}, Encrypt: true}), text), him, "not signed"},
		"not encrypted":         {sealed1(t, side(t, []string{ours}, with(Partner{Sign: true}, hisPublic)), text), him, "not encrypted"},
		"for another":           {sealed1(t, side(t, []string{ours}, with(both, otherPublic)), text), him, "none of these is a key of ours"},
		"by another":            {sealed1(t, side(t, []string{other}, with(both, hisPublic)), text), him, "signed by a key that is not his"},
		"by ourselves":          {sealed1(t, side(t, []string{his}, with(both, hisPublic)), text), him, "signed by a key that is not his"},
		"changed":               {changed, him, "changed on its way"},
		"changed at its end":    {last, him, "changed on its way"},
		"cut":                   {good[:len(good)/2], him, ""},
		"without its last byte": {good[:len(good)-1], him, ""},
		"by an expired key":     {sealed1(t, late, text), side(t, []string{his}, with(both, oldPublic)), "expired on 2026-11-20"},
		"larger than agreed":    {good, side(t, []string{his}, with(both, ourPublic), func(c *Config) { c.Max = 100 }), ""},
	} {
		got, err := opens(c.by, c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for name, k := range map[string]*Keys{
		"no key of ours":     side(t, nil, with(both, hisPublic)),
		"ours has expired":   side(t, []string{old}, with(both, hisPublic)),
		"his has expired":    side(t, []string{ours}, with(both, oldPublic)),
		"nothing was agreed": side(t, []string{ours}, with(both, hisPublic), func(c *Config) { c.Partners = nil }),
	} {
		if _, err := k.Seal("ACME", "x", io.Discard); err == nil {
			t.Errorf("%s: it was sealed", name)
		}
	}
}

// A file whose every byte is flipped, or that ends anywhere, is never taken as whole.
func TestNoDamageGoesUnseen(t *testing.T) {
	ours, ourPublic := pair(t, "us", 10, 0)
	his, hisPublic := pair(t, "him", 10, 0)
	file := sealed1(t, side(t, []string{ours}, Partner{Keys: []string{hisPublic}, Encrypt: true, Sign: true}), text)
	him := side(t, []string{his}, Partner{Keys: []string{ourPublic}, Encrypt: true, Sign: true})
	for i := range file {
		if got, err := opens(him, file[:i]); err == nil {
			t.Fatalf("cut after %d of %d bytes: %q", i, len(file), got)
		}
		bad := bytes.Clone(file)
		bad[i] ^= 0x40
		// A bit of the recipient's id or of a partial length may not matter; what is read must.
		if got, err := opens(him, bad); err == nil && got != text {
			t.Fatalf("byte %d changed: %q", i, got)
		}
	}
}

// Keys of both sides take each other's place without a moment that nothing goes.
func TestKeysRotate(t *testing.T) {
	old, oldPublic := pair(t, "us", 300, 320)
	fresh, freshPublic := pair(t, "us", 1, 400)
	his, hisPublic := pair(t, "him", 10, 0)
	p := Partner{Keys: []string{hisPublic}, Encrypt: true, Sign: true}
	before, during := side(t, []string{old}, p), side(t, []string{old, fresh}, p)
	him := func(keys ...string) *Keys {
		return side(t, []string{his}, Partner{Keys: keys, Encrypt: true, Sign: true})
	}
	for name, c := range map[string]struct {
		from, to *Keys
		fine     bool
	}{
		"he has the new one too":     {during, him(oldPublic, freshPublic), true},
		"ours of before":             {before, him(oldPublic, freshPublic), true},
		"he has not been told":       {during, him(oldPublic), false},
		"he encrypts for the old":    {him(oldPublic), during, true},
		"he encrypts for the new":    {him(oldPublic, freshPublic), during, true},
		"for one that we have not":   {him(freshPublic), before, false},
		"newest first, either order": {him(freshPublic, oldPublic), during, true},
	} {
		if got, err := opens(c.to, sealed1(t, c.from, text)); (err == nil) != c.fine || c.fine && got != text {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestKeysThatCannotBeUsedAreNamed(t *testing.T) {
	private, public := pair(t, "us", 10, 0)
	for want, c := range map[string]Config{
		"own[0]: is no OpenPGP key":     {Own: []OwnKey{{Key: "nonsense"}}},
		"own[0]: is a public key":       {Own: []OwnKey{{Key: public}}},
		"ACME.keys: none":               {Partners: map[string]Partner{"ACME": {Sign: true}}},
		"ACME.keys[0]: holds a private": {Partners: map[string]Partner{"ACME": {Sign: true, Keys: []string{private}}}},
		"ACME.keys[1]: is no OpenPGP":   {Partners: map[string]Partner{"ACME": {Sign: true, Keys: []string{public, "x"}}}},
		"ACME.encrypt: files are nei":   {Partners: map[string]Partner{"ACME": {Keys: []string{public}}}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestWhatDoesNotFitIsSaidInWords(t *testing.T) {
	ours, _ := pair(t, "us", 10, 0)
	ending, _ := pair(t, "us", 100, 110)
	_, old := pair(t, "old", 100, 90)
	_, his := pair(t, "him", 10, 0)
	both := Partner{Encrypt: true, Sign: true}
	for name, c := range map[string]struct {
		own, his []string
		want     string
		stops    bool
	}{
		"all is well":        {[]string{ours}, []string{his}, "", false},
		"his is over":        {[]string{ours}, []string{old}, "no key of ACME can be encrypted for now", true},
		"one of his is over": {[]string{ours}, []string{old, his}, "expired on 2026-11-20: take it out", false},
		"ours is not there":  {nil, []string{his}, "no key of ours can sign now", true},
		"ours ends soon":     {[]string{ending}, []string{his}, "the last key of ours that can sign ends on 2026-12-10", false},
	} {
		p := both
		p.Keys = c.his
		found := side(t, c.own, p).Check("ACME")
		var all strings.Builder
		stops := false
		for _, f := range found {
			fmt.Fprintln(&all, f.Place, f.Text)
			stops = stops || f.Stops
		}
		if stops != c.stops || !strings.Contains(all.String(), c.want) || c.want == "" && len(found) > 0 {
			t.Errorf("%s: stops %v\n%s", name, stops, all.String())
		}
	}
}

// endless is text that does not pack well, without end in memory.
type endless struct {
	r    *rand.ChaCha8
	left int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), e.left))
	_, _ = e.r.Read(b[:n])
	e.left -= int64(n)
	return n, nil
}

// A large file goes through in little memory, both ways.
func TestLargeFilesTakeLittleMemory(t *testing.T) {
	size := int64(256 << 20)
	if testing.Short() {
		size = 32 << 20
	}
	ours, ourPublic := pair(t, "us", 10, 0)
	his, hisPublic := pair(t, "him", 10, 0)
	large := func(c *Config) { c.Max = size }
	us := side(t, []string{ours}, Partner{Keys: []string{hisPublic}, Encrypt: true, Sign: true}, large)
	him := side(t, []string{his}, Partner{Keys: []string{ourPublic}, Encrypt: true, Sign: true}, large)
	r, w := io.Pipe()
	sum := sha256.New()
	go func() {
		s, err := us.Seal("ACME", "x", w)
		if err == nil {
			_, err = io.Copy(io.MultiWriter(s, sum), &endless{rand.NewChaCha8([32]byte{1}), size})
			err = errors.Join(err, s.Close())
		}
		w.CloseWithError(err)
	}()
	opened, err := him.Open("ACME", r)
	if err != nil {
		t.Fatal(err)
	}
	got, most := sha256.New(), uint64(0)
	buf := make([]byte, 1<<20)
	var total int64
	for step := 0; ; step++ {
		n, err := opened.Read(buf)
		got.Write(buf[:n])
		total += int64(n)
		if step%64 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != size || !bytes.Equal(got.Sum(nil), sum.Sum(nil)) {
		t.Errorf("%d of %d bytes", total, size)
	}
	if most > 24<<20 {
		t.Errorf("%d MB of heap for a file of %d MB", most>>20, size>>20)
	}
}

// A file that unpacks into far more than it is ends where the limit is.
func TestBombsDoNotGoOff(t *testing.T) {
	ours, ourPublic := pair(t, "us", 10, 0)
	his, hisPublic := pair(t, "him", 10, 0)
	us := side(t, []string{ours}, Partner{Keys: []string{hisPublic}, Encrypt: true, Sign: true}, func(c *Config) { c.Max = 1 << 30 })
	bomb := sealed1(t, us, strings.Repeat("0", 64<<20))
	if len(bomb) > 1<<20 {
		t.Fatalf("it is no bomb: %d bytes", len(bomb))
	}
	him := side(t, []string{his}, Partner{Keys: []string{ourPublic}, Encrypt: true, Sign: true}, func(c *Config) { c.Max = 1 << 20 })
	got, err := opens(him, bomb)
	if err == nil || len(got) > 2<<20 {
		t.Errorf("%d bytes came out: %v", len(got), err)
	}
}

// gpg is GnuPG with a key ring of its own.
type gpg struct {
	t    *testing.T
	home string
}

func newGPG(t *testing.T) gpg {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed: install gnupg")
	}
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // its agent's socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	g := gpg{t, home}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	return g
}

func (g gpg) run(in []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(g.t.Context(), "gpg", append([]string{"--homedir", g.home, "--batch", "--yes", "--trust-model", "always", "--pinentry-mode", "loopback"}, args...)...)
	var says bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &says
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, says.String())
	}
	return out, err
}

func (g gpg) must(in []byte, args ...string) []byte {
	g.t.Helper()
	out, err := g.run(in, args...)
	if err != nil {
		g.t.Fatalf("gpg %v: %v", args, err)
	}
	return out
}

// GnuPG reads what we write and writes what we read, in each form; what it would refuse we refuse.
func TestGnuPGAgrees(t *testing.T) {
	for name, kind := range map[string]string{"RSA": "rsa2048", "curve 25519": "future-default"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGPG(t)
			g.must(nil, "--passphrase", "", "--quick-gen-key", "him@example.com", kind, "default", "1y")
			if kind == "rsa2048" {
				fpr := strings.Split(string(g.must(nil, "--with-colons", "--list-keys", "him@example.com")), "\n")
				for _, line := range fpr {
					if f := strings.Split(line, ":"); f[0] == "fpr" {
						g.must(nil, "--passphrase", "", "--quick-add-key", f[9], "rsa2048", "encr", "1y")
						break
					}
				}
			}
			his := string(g.must(nil, "--armor", "--export", "him@example.com"))
			now := func(c *Config) { c.Now = time.Now }
			ours, ourPublic := pair(t, "us", 10, 0)
			locked := exportLocked(t, ours, "a passphrase")
			g.must([]byte(ourPublic), "--import")
			for form, p := range map[string]Partner{
				"both": {Encrypt: true, Sign: true}, "encrypted": {Encrypt: true}, "signed": {Sign: true}, "text": {Encrypt: true, Sign: true, Armor: true},
			} {
				p.Keys = []string{his}
				us := side(t, nil, p, now, func(c *Config) { c.Own = []OwnKey{{Key: locked, Passphrase: "a passphrase"}} })
				large := strings.Repeat(text, 20_000)
				if got := g.must(sealed1(t, us, large), "--decrypt"); string(got) != large {
					t.Errorf("%s: gpg read %d bytes", form, len(got))
				}
				args := []string{"--local-user", "him@example.com"}
				if p.Armor {
					args = append(args, "--armor")
				}
				if p.Sign {
					args = append(args, "--sign")
				}
				if p.Encrypt {
					args = append(args, "--encrypt", "--recipient", "us@example.com")
				}
				file := g.must([]byte(large), args...)
				if got, err := opens(us, file); err != nil || got != large {
					t.Errorf("%s: we read %d bytes of gpg's: %v", form, len(got), err)
				}
				bad := bytes.Clone(file)
				bad[len(bad)/2] ^= 1
				// In a text that repeats itself a changed distance of the compression may mean the same.
				if got, err := opens(us, bad); err == nil && (p.Encrypt || got != large) {
					t.Errorf("%s: what was changed is taken", form)
				}
			}
			us := side(t, nil, Partner{Keys: []string{his}, Sign: true, Encrypt: true}, now, func(c *Config) { c.Own = []OwnKey{{Key: ours}} })
			if keys := us.Of("ACME"); len(keys) != 1 || !keys[0].Encrypts || !keys[0].Signs || keys[0].Expires.IsZero() || keys[0].User != "him@example.com" {
				t.Errorf("%+v", keys)
			}
			file := g.must([]byte(text), "--encrypt", "--recipient", "him@example.com")
			if _, err := opens(us, file); err == nil || !strings.Contains(err.Error(), "none of these is a key of ours") {
				t.Errorf("for himself: %v", err)
			}
		})
	}
}

// exportLocked puts a passphrase on a private key.
func exportLocked(t *testing.T, key, passphrase string) string {
	t.Helper()
	list, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	if err := list[0].EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, "PGP PRIVATE KEY BLOCK", nil)
	if err == nil {
		err = errors.Join(list[0].SerializePrivateWithoutSigning(w, nil), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Own: []OwnKey{{Key: b.String(), Passphrase: "another"}}}); err == nil || !strings.Contains(err.Error(), "its passphrase does not open it") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	return b.String()
}
