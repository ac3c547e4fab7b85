// Package payload is how payloads are named, wherever they lie: by a hash of their content in lower-case hex,
// SHA-256, or BLAKE3 where the name of the file or object ends in [Fast].
package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/zeebo/blake3"

	"github.com/paklog/hub/core/fault"
)

// Fast ends the names of files and objects whose payload is named by its BLAKE3.
const Fast = ".b3"

// Hash is the one that names what has this suffix, "" or [Fast].
func Hash(suffix string) hash.Hash {
	if suffix == Fast {
		return blake3.New()
	}
	return sha256.New()
}

// Check refuses what names no payload: 32 bytes in lower-case hex do.
func Check(name string) error {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != name {
		return fault.E("payload.Check", fault.Invalid, fmt.Errorf("%.80q is no hash in lower-case hex", name))
	}
	return nil
}

// Held reads r, which what names ("the file"). The last Read is an error where the content is not that of the name:
// until then nothing of it is to be trusted.
func Held(r io.ReadCloser, what, name string, h hash.Hash) io.ReadCloser {
	return &held{r, what, name, h}
}

type held struct {
	r          io.ReadCloser
	what, name string
	hash       hash.Hash
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	if err != nil && err != io.EOF {
		return n, fault.E("payload.Read", fault.Transient, err)
	}
	if err == io.EOF && hex.EncodeToString(h.hash.Sum(nil)) != h.name {
		return n, fault.E("payload.Read", fault.Internal, fmt.Errorf("%s of payload %s is torn or changed: bring it back from a backup, then replay", h.what, h.name))
	}
	return n, err
}

func (h *held) Close() error { return h.r.Close() }

// Size is how long the payload is, 0 where that is not known: for who makes room for it.
func (h *held) Size() int64 {
	if f, ok := h.r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil {
			return info.Size()
		}
	}
	return 0
}
