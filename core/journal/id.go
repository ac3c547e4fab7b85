package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// ID is a UUID. At the doors it is a version 7 (RFC 9562), so that it sorts by
// time; a child's is a hash of its cause, so that a re-run makes the same.
type ID [16]byte

// NewID is a UUIDv7 of the given instant and 10 random bytes.
func NewID(at time.Time, random [10]byte) ID {
	var id ID
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint64(id[:8], ms<<16)
	copy(id[6:], random[:])
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// Child is the ID of the index-th thing that a step of a route made from cause
// (UUIDv8). Route and step names are part of the stored format.
func (id ID) Child(route, step string, index int) ID {
	b := make([]byte, 0, 64)
	b = append(b, id[:]...)
	b = append(b, route...)
	b = append(b, 0)
	b = append(b, step...)
	b = append(b, 0)
	b = binary.AppendUvarint(b, uint64(index))
	sum := sha256.Sum256(b)
	var c ID
	copy(c[:], sum[:16])
	c[6] = 0x80 | c[6]&0x0f
	c[8] = 0x80 | c[8]&0x3f
	return c
}

// IsZero reports whether the ID was never set.
func (id ID) IsZero() bool { return id == ID{} }

func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// ParseID reads the canonical form that [ID.String] writes.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("parsing id %.40q: not a UUID", s)
	}
	h := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(h)); err != nil {
		return ID{}, fmt.Errorf("parsing id %q: %w", s, err)
	}
	return id, nil
}

// MarshalText writes the canonical form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the canonical form.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// tag is what a pattern state written by the unit of this ID is known by.
func (id ID) tag() uint64 { return binary.BigEndian.Uint64(id[8:]) | 1 }
