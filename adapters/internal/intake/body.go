// Package intake is what the doors that take bodies over HTTP have in common: a body is
// bounded before it is read, unpacked within bounds, and refused with a problem
// (RFC 9457) that names the place.
package intake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
)

// Limits of one body.
type Limits struct {
	MaxBody int64         // bytes, packed and unpacked; 1 MiB
	Timeout time.Duration // for the whole body; 10 s
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.MaxBody <= 0 {
		l.MaxBody = 1 << 20
	}
	if l.Timeout <= 0 {
		l.Timeout = 10 * time.Second
	}
	return l
}

// A StatusError is a refusal that HTTP has a status of its own for.
type StatusError struct {
	Status int
	Err    error
}

func (e *StatusError) Error() string { return e.Err.Error() }

func (e *StatusError) Unwrap() error { return e.Err }

func refuse(status int, format string, a ...any) error {
	return &StatusError{status, fault.E("intake.Body", fault.Invalid, fmt.Errorf(format, a...))}
}

// JSONBody reads the body of a request that must be JSON. The error is for [From].
func JSONBody(w http.ResponseWriter, r *http.Request, l Limits, started time.Time) ([]byte, error) {
	if err := isJSON(r); err != nil {
		return nil, err
	}
	return Body(w, r, l, started)
}

// SignedJSON reads the body of a request that must be JSON, as it was sent: what a signature is of. The
// second is what it holds once it is unpacked, within the limits too; signed is asked in between.
func SignedJSON(w http.ResponseWriter, r *http.Request, l Limits, started time.Time, signed func(sent []byte) error) ([]byte, error) {
	if err := isJSON(r); err != nil {
		return nil, err
	}
	packed := r.Clone(r.Context())
	packed.Header.Del("Content-Encoding")
	sent, err := Body(w, packed, l, started)
	if err == nil {
		err = signed(sent)
	}
	if err != nil || r.Header.Get("Content-Encoding") == "" {
		return sent, err
	}
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	return Body(w, again, l, started)
}

func isJSON(r *http.Request) error {
	ct := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(ct)
	switch {
	case ct == "":
		return refuse(http.StatusUnsupportedMediaType, "the Content-Type is missing: send application/json")
	case err != nil || media != "application/json" && (!strings.HasPrefix(media, "application/") || !strings.HasSuffix(media, "+json")):
		return refuse(http.StatusUnsupportedMediaType, "Content-Type %.64q: send application/json", ct)
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return refuse(http.StatusUnsupportedMediaType, "charset %.32q: JSON is UTF-8", params["charset"])
	}
	return nil
}

// Body reads a body within its limits, unpacking gzip.
func Body(w http.ResponseWriter, r *http.Request, l Limits, started time.Time) ([]byte, error) {
	if r.ContentLength > l.MaxBody {
		return nil, tooLarge(l)
	}
	// A writer without deadlines (a test's recorder) has nobody slow behind it.
	_ = http.NewResponseController(w).SetReadDeadline(started.Add(l.Timeout))
	var src io.Reader = http.MaxBytesReader(w, r.Body, l.MaxBody)
	size := r.ContentLength
	switch enc := strings.ToLower(r.Header.Get("Content-Encoding")); enc {
	case "", "identity":
	case "gzip":
		zr, err := gzip.NewReader(src)
		if err != nil {
			return nil, readError(err, l)
		}
		// One byte more than allowed tells a bomb from a body that just fits.
		src, size = io.LimitReader(zr, l.MaxBody+1), -1
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding %.32q: send the body plain or as gzip", enc)
	}
	var b []byte
	var err error
	if size >= 0 {
		b = make([]byte, size)
		_, err = io.ReadFull(src, b)
	} else {
		b, err = io.ReadAll(src)
	}
	if err != nil {
		return nil, readError(err, l)
	}
	if int64(len(b)) > l.MaxBody {
		return nil, tooLarge(l)
	}
	return b, nil
}

func tooLarge(l Limits) error {
	return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes: split it, or use the bulk import", l.MaxBody)
}

func readError(err error, l Limits) error {
	var big *http.MaxBytesError
	var slow interface{ Timeout() bool }
	switch {
	case errors.As(err, &big):
		return tooLarge(l)
	case errors.As(err, &slow) && slow.Timeout():
		return refuse(http.StatusRequestTimeout, "the body did not arrive within %s", l.Timeout)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return refuse(http.StatusBadRequest, "Content-Encoding is gzip and the body is not: %w", err)
	default:
		return refuse(http.StatusBadRequest, "reading the body: %w", err)
	}
}
