package cms

import (
	"errors"
	"fmt"
	"io"
)

// ErrDecrypt is the one error of everything that goes wrong once a private key
// has been used: a key that does not fit, padding, tag, truncated ciphertext.
// An error of the source itself (a connection that broke) is returned as it is.
var ErrDecrypt = errors.New("cms: the message could not be decrypted")

// A SyntaxError says where the bytes are not the structure they should be.
type SyntaxError struct {
	Offset  int64 // bytes from the beginning of the structure
	Message string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("cms: byte %d: %s", e.Offset, e.Message) }

// An UnsupportedError names an algorithm or form that this package does not take.
type UnsupportedError struct {
	What string // "digest", "content cipher", "key transport", ...
	Name string // its object identifier, or what stands in its place
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("cms: %s %s is not supported", e.What, e.Name)
}

// A LimitError names the field of [Limits] that the message went over.
type LimitError struct {
	Limit string // name of the field
	Max   int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("cms: over the limit %s of %d", e.Limit, e.Max)
}

// Limits bound what one structure may take, whoever sent it. A zero field
// means its default.
type Limits struct {
	Depth        int   // nested elements; default 32
	HeadBytes    int   // all that is kept besides the content: certificates, signers, recipients; default 1 MiB
	Recipients   int   // default 64
	Signers      int   // default 16
	Spooled      int64 // bytes of AES-GCM ciphertext kept in memory where no spool is given; default 16 MiB
	Decompressed int64 // bytes that a compressed content may become; default 4 GiB
	Ratio        int64 // decompressed to compressed bytes, past the first MiB; default 200
}

func (l Limits) withDefaults() Limits {
	set(&l.Depth, 32)
	set(&l.HeadBytes, 1<<20)
	set(&l.Recipients, 64)
	set(&l.Signers, 16)
	set(&l.Spooled, 16<<20)
	set(&l.Decompressed, 4<<30)
	set(&l.Ratio, 200)
	return l
}

func set[T int | int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// uniform hides what went wrong behind [ErrDecrypt], unless the source failed
// or a limit that the receiver set was met: both depend on public bytes alone.
func uniform(err error) error {
	var syntax *SyntaxError
	if err == nil || errors.Is(err, io.EOF) || !errors.As(err, &syntax) {
		return err
	}
	return ErrDecrypt
}
