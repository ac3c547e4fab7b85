package as2

import (
	"fmt"
	"strings"
)

// Sent is what a sender keeps of a message until its receipt.
type Sent struct {
	MessageID string
	From, To  string
	MICs      []MIC // of the same content, all that may come back
	Receipt   Receipt
}

// An Outcome is what a receipt proves.
type Outcome string

const (
	// Delivered: the partner has the message; signed and with our MIC, it is proof.
	Delivered Outcome = "delivered"
	// Unproven: the partner says so, without signature or MIC as asked for.
	Unproven Outcome = "unproven"
	// Refused: the partner has not taken it.
	Refused Outcome = "refused"
	// Mismatch: the partner took other bytes than were sent.
	Mismatch Outcome = "mismatch"
	// Foreign: the receipt is not for this message, or not from this partner.
	Foreign Outcome = "foreign"
)

// Judge decides what the receipt r, read from a request or response that says
// to be from and to whom h says, proves about the message. The reason is for a
// person; of Delivered it is a warning, or empty.
func (s Sent) Judge(h *Request, r *Received) (Outcome, string) {
	m := r.MDN
	switch {
	case m == nil:
		return Foreign, "it is not a receipt"
	case bare(m.OriginalMessageID) != bare(s.MessageID):
		return Foreign, fmt.Sprintf("it is for message %s", m.OriginalMessageID)
	case (h.From != "" || h.To != "") && (!names(h.From, s.To) || !names(h.To, s.From)): // Camel's that come by themselves have no names
		return Foreign, fmt.Sprintf("it goes from %q to %q", h.From, h.To)
	case !m.Disposition.Accepted():
		// A refusal without signature is believed: the message is sent again or
		// looked after, neither of which harms.
		return Refused, m.Disposition.String()
	case m.MICUnread:
		return Mismatch, "its MIC cannot be read"
	}
	if len(m.MIC.Value) == 0 {
		return s.withoutMIC(r)
	}
	outcome, reason := Unproven, fmt.Sprintf("the MIC is under %s, which was not asked for", m.MIC.Digest.Name)
	for _, mic := range s.MICs {
		if mic.Digest.Hash != m.MIC.Digest.Hash {
			continue
		}
		if mic.Equal(m.MIC) {
			return s.proof(r)
		}
		outcome, reason = Mismatch, fmt.Sprintf("the MIC is %v, that of the message %v", m.MIC, mic)
	}
	return outcome, reason
}

// withoutMIC is what a receipt without one is worth. A MIC is due where a signed receipt was asked
// for (RFC 4130 7.3), and not of who knows the message already and says no more than that.
func (s Sent) withoutMIC(r *Received) (Outcome, string) {
	outcome, reason := s.proof(r)
	if s.Receipt.Signed && outcome == Delivered && r.MDN.Disposition.Detail != DuplicateDocument {
		return Unproven, "it has no MIC"
	}
	return outcome, reason
}

// proof is what a receipt is worth whose MIC is right or not due.
func (s Sent) proof(r *Received) (Outcome, string) {
	if s.Receipt.Signed && r.Signer() == nil {
		return Unproven, "it is not signed"
	}
	if d := r.MDN.Disposition; d.Modifier != "" {
		return Delivered, d.String()
	}
	return Delivered, ""
}

// names reports whether a name of a receipt is the one that is meant; some quote again what they
// were sent in quotes (pyas2-lib 1.4).
func names(got, meant string) bool {
	if got == meant {
		return true
	}
	again, err := ParseName(got)
	return err == nil && again == meant
}

// bare is a message id without brackets, which some leave out.
func bare(id string) string {
	id = strings.TrimSpace(id)
	return strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
}
