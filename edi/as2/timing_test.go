package as2

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// forged are messages of one size that fail to decrypt, each for a reason of
// its own.
func forged(t *testing.T, size int) map[string]wire {
	t.Helper()
	m := message()
	m.Sign = us().signing(crypto.SHA256)
	m.Encrypt = &cms.Encryption{Cipher: cms.AES128CBC, Recipients: []cms.Recipient{{Certificate: them().cert}}}
	good := send(t, m, edi(noise(size)))
	at := bytes.Index(good.body, []byte{4, 0x82, 1, 0}) + 4 // the encrypted content key
	content := bytes.Index(good.body, []byte{0xa0, 0x80, 4, 0x82}) + 6
	with := func(change func(body []byte)) wire {
		w := good
		w.body = bytes.Clone(good.body)
		change(w.body)
		return w
	}
	key := func(plain []byte) wire {
		sealed, err := rsa.EncryptPKCS1v15(rand.Reader, &them().key.PublicKey, plain) //nolint:staticcheck // it is what is under test
		if err != nil {
			t.Fatal(err)
		}
		return with(func(body []byte) { copy(body[at:], sealed) })
	}
	return map[string]wire{
		"padding of the key":      with(func(body []byte) { body[at+100] ^= 1 }),
		"another key":             key(make([]byte, 16)),
		"a key that is too short": key(make([]byte, 15)),
		"a key of another cipher": key(make([]byte, 32)),
		"the first block":         with(func(body []byte) { body[content+3] ^= 1 }),
		// Ten bytes end what is around the content, and the block before its last one is XORed to
		// that one's plain text: its last byte counts the padding, of which there are 16 at most.
		"the padding of the content": with(func(body []byte) { body[len(body)-10-16-1] ^= 0x80 }),
	}
}

// medians runs each kind n times, in turns, and returns how much the slowest
// median is above the fastest, in parts of it.
func medians(n int, kinds map[string]func()) (spread float64, took map[string]time.Duration) {
	names := slices.Sorted(maps.Keys(kinds))
	all := map[string][]time.Duration{}
	for i := range n {
		for j := range names {
			name := names[(i+j)%len(names)]
			start := time.Now()
			kinds[name]()
			all[name] = append(all[name], time.Since(start))
		}
	}
	took = map[string]time.Duration{}
	for name, times := range all {
		slices.Sort(times)
		took[name] = times[len(times)/2]
	}
	least, most := slices.Min(slices.Collect(maps.Values(took))), slices.Max(slices.Collect(maps.Values(took)))
	return float64(most-least) / float64(least), took
}

// Why a message does not decrypt shows neither in the answer nor in the time
// that it takes: medians of 1,000 are within 5 %. A receiver that stopped at
// the key would be found out.
func TestFailuresToDecryptTakeEqualTime(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: measures time")
	}
	const size, n = 1 << 10, 1000
	read := theirs(Receipt{}, nil)
	read.Open = func(Document) (io.Writer, error) { return io.Discard, nil }
	kinds, early := map[string]func(){}, map[string]func(){}
	for name, w := range forged(t, size) {
		kinds[name] = func() {
			if _, err := Read(w.header, bytes.NewReader(w.body), read); DispositionOf(err).Detail != DecryptionFailed {
				t.Errorf("%s: %v", name, err)
			}
		}
		early[name] = kinds[name]
	}
	w := forged(t, size)["padding of the key"]
	early["padding of the key"] = func() {
		m, err := cms.Open(bytes.NewReader(w.body), cms.Limits{})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := m.Decrypt(cms.Decryption{Keys: them().decrypter()}); err != nil {
			t.Error(err)
		}
	}
	// Others share the machine: what is equal shows in one of three tries, what
	// is not in none.
	worst := []string{}
	for range 3 {
		spread, took := medians(n, kinds)
		t.Logf("%.1f %%: %v", 100*spread, took)
		if worst = append(worst, fmt.Sprintf("%.1f %%", 100*spread)); spread <= 0.05 {
			worst = nil
			break
		}
	}
	if worst != nil {
		t.Errorf("medians differ by %v", worst)
	}
	if spread, took := medians(n/4, early); spread <= 0.05 {
		t.Errorf("stopping at the key is not seen: %.1f %%, %v", 100*spread, took)
	}
}
