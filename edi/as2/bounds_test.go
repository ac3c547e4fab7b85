package as2

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"net/textproto"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/cms"
)

// 64 MiB are written and read, signed, compressed and encrypted, in memory that
// does not grow with them.
func TestMemoryStaysFlat(t *testing.T) {
	const size = 64 << 20
	for _, c := range []cms.Cipher{cms.AES256CBC, cms.AES256GCM} {
		for _, compress := range []Compression{Uncompressed, CompressBeforeSign} {
			m := message()
			m.Sign, m.Compress = us().signing(crypto.SHA256), compress
			m.Encrypt = &cms.Encryption{Cipher: c, Recipients: []cms.Recipient{{Certificate: them().cert}}}
			w, err := m.Prepare(File{ContentType: "application/octet-stream", Content: io.LimitReader(&repeated{noise(1 << 20), 0}, size)})
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			pr, pw := io.Pipe()
			sent := make(chan Sent, 1)
			go func() {
				s, err := w.Body(pw)
				pw.CloseWithError(err)
				sent <- s
			}()
			n := counter(0)
			read := theirs(m.Receipt, nil)
			read.Open = func(Document) (io.Writer, error) { return &n, nil }
			read.Spool = func() (io.ReadWriteSeeker, error) {
				f, err := os.Create(t.TempDir() + "/spool")
				if err == nil {
					t.Cleanup(func() { f.Close() })
				}
				return f, err
			}
			r, err := Read(w.Header, pr, read)
			runtime.ReadMemStats(&after)
			if err != nil || n != size || !(<-sent).MICs[0].Equal(r.MIC) {
				t.Fatalf("%v: %d bytes, %v", c, n, err)
			}
			if total := after.TotalAlloc - before.TotalAlloc; total > 6<<20 {
				t.Errorf("%v, compressed %d: %d KiB were allocated for %d", c, compress, total>>10, size>>10)
			}
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// repeated is a block without end.
type repeated struct {
	block []byte
	at    int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

// A bomb, an onion and a flood of parts are refused by name, with little read.
func TestHostileMessages(t *testing.T) {
	bomb := send(t, Message{From: "a", To: "b", MessageID: "<1@a>", Compress: CompressBeforeSign}, edi(make([]byte, 64<<20)))
	onion := wire{header: textproto.MIMEHeader{"Content-Type": {"application/octet-stream"}}, body: []byte("core")}
	for range maxLayers {
		var out bytes.Buffer
		w, err := cms.Compress(&out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "Content-Type: "+onion.header.Get("Content-Type")+"\r\n\r\n"+string(onion.body)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		onion = wire{header: textproto.MIMEHeader{"Content-Type": {"application/pkcs7-mime"}}, body: out.Bytes()}
	}
	parts := wire{header: textproto.MIMEHeader{"Content-Type": {"multipart/related; boundary=b"}}, body: []byte(strings.Repeat("--b\r\n\r\n", 100_000) + "--b--")}
	for what, c := range map[string]struct {
		wire wire
		word string
	}{
		"a bomb": {bomb, DecompressionFailed}, "an onion": {onion, UnexpectedProcessingError}, "a flood of parts": {parts, UnexpectedProcessingError},
	} {
		n := counter(0)
		_, err := Read(c.wire.header, bytes.NewReader(c.wire.body), Reading{Open: func(Document) (io.Writer, error) { return &n, nil }})
		var p *Problem
		if !errors.As(err, &p) || p.Word != c.word || n > 20<<20 {
			t.Errorf("%s: %d bytes, %v", what, n, err)
		}
		var limit *cms.LimitError
		if what == "a bomb" && (!errors.As(err, &limit) || limit.Limit != "Ratio") {
			t.Errorf("a bomb: %v", err)
		}
	}
}
