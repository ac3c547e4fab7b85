package cms

import (
	"crypto/elliptic"
	"io"
	"os"
)

func curve() elliptic.Curve { return elliptic.P256() }

// newDiscardSpool is a spool in a file that has no name any more.
func newDiscardSpool() (io.ReadWriteSeeker, error) {
	f, err := os.CreateTemp("", "spool")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
