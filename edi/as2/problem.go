package as2

import (
	"errors"
	"fmt"

	"github.com/paklog/hub/edi/cms"
)

// Words that a disposition may give for what is wrong (RFC 4130 7.4.2 and 7.5,
// RFC 5402 6, rfc4130bis).
const (
	AuthenticationFailed        = "authentication-failed"
	DecryptionFailed            = "decryption-failed"
	DecompressionFailed         = "decompression-failed"
	IntegrityCheckFailed        = "integrity-check-failed"
	InsufficientMessageSecurity = "insufficient-message-security"
	UnexpectedProcessingError   = "unexpected-processing-error"
	UnknownTradingRelationship  = "unknown-trading-relationship"
	InvalidMessageID            = "invalid-message-id"
	IllegalFilename             = "illegal-filename"
	DuplicateFilename           = "duplicate-filename"
	DuplicateDocument           = "duplicate-document" // a warning
	UnsupportedFormat           = "unsupported format"
	UnsupportedMIC              = "unsupported MIC-algorithms"
)

// A Problem is what is wrong with a message that was received whole. Word is
// what its sender is told, Err is for the own operator.
type Problem struct {
	Word string
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("as2: %s: %v", p.Word, p.Err) }

func (p *Problem) Unwrap() error { return p.Err }

func problem(word, format string, args ...any) error {
	return &Problem{Word: word, Err: fmt.Errorf(format, args...)}
}

// judged makes a problem of an error that the bytes of the message are to blame
// for. What a source or a writer of the caller said stays as it is.
func judged(word string, err error) error {
	var (
		syntax      *cms.SyntaxError
		unsupported *cms.UnsupportedError
		limit       *cms.LimitError
		verify      *cms.VerifyError
		known       *Problem
	)
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &verify):
		if verify.Reason == cms.WrongSigner {
			word = AuthenticationFailed
		}
		return &Problem{Word: word, Err: err}
	case errors.Is(err, cms.ErrDecrypt), errors.As(err, &syntax), errors.As(err, &unsupported), errors.As(err, &limit), errors.Is(err, errMIME):
		return &Problem{Word: word, Err: err}
	default:
		return err
	}
}
