package as2

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
)

// Tried is what came of a message that was sent to see whether it arrives.
type Tried struct {
	MessageID string `json:"message_id"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason,omitempty"`
}

// Try sends a partner one line of text, with the receipt in the answer.
func (s *Station) Try(ctx context.Context, partner string) (Tried, error) {
	p, err := s.profile(partner)
	if err != nil {
		return Tried{}, err
	}
	p.ReceiptTo = ""
	m, err := s.packFor(ctx, partner, p, trust.Exchange{}, "test-"+rand.Text(), "PakLog test message", as2.File{
		ContentType: "text/plain", Name: "paklog-test.txt", Content: strings.NewReader("A test message of PakLog: nothing is to be done.\r\n"),
	})
	if err != nil {
		return Tried{}, err
	}
	proof, err := s.Send(ctx, partner, m, trust.Exchange{})
	return Tried{MessageID: m.MessageID, Outcome: proof.Outcome, Reason: proof.Reason}, err
}

// EncryptsFor is the certificate of his that is encrypted for.
func (p Profile) EncryptsFor(at time.Time) (Certificate, bool) {
	return certificates(p.Certificates).current(ForSecrecy, at)
}

// SignsWith is the certificate of ours that signs.
func SignsWith(own []Certificate, at time.Time) (Certificate, bool) {
	return certificates(own).current(ForSigning, at)
}
