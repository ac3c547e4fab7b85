package door

import (
	"errors"
	"time"

	"github.com/paklog/hub/core/trust"
)

// Stations is what a station that speaks AS2 calls: with [Seen], [Arrival], [Awaiting] or
// [Settlement].
const Stations = "door.stations"

// ErrNoAnswer says that it is not known whether a partner has what was sent, for no answer came that
// tells.
var ErrNoAnswer = errors.New("no answer")

// Seen asks what is known of a message of a partner that was accepted, and of his certificates.
// Nothing is written. The answer is a [Known].
type Seen struct{ Partner, MessageID string }

// Known is what is known when a message comes. The MessageID of Exchange is empty where the message
// is new.
type Known struct {
	Exchange
	Certificates trust.Exchange
}

// Arrival is a message of a partner that was read and judged. One unit holds it, its documents
// and the receipt that it is answered with. The answer is a [Taken].
type Arrival struct {
	Exchange
	Documents []Document
	// Offer and Answer are what a certificate exchange says, in place of documents.
	Offer  *CertificateOffer
	Answer *CertificateAnswer
}

// CertificateOffer asks us to trust certificates of the partner. It is signed by one that is trusted.
type CertificateOffer struct {
	Request, Signer string
	Certificates    []trust.Certificate
	Auto            bool // the partner's profile needs nobody to look
}

// CertificateAnswer is what the partner says of certificates of ours.
type CertificateAnswer struct {
	Request  string
	Verdicts []CertificateVerdict
}

// CertificateVerdict names a certificate as its issuer did.
type CertificateVerdict struct {
	Accepted               bool
	Reason, Issuer, Serial string
}

// Content is what a message of ours takes to a partner: a document, or what is said of certificates.
type Content struct {
	Name         string
	Document     []byte
	Certificates *CertificateMessage
}

// CertificateMessage asks the partner to trust certificates of ours, or answers his request.
type CertificateMessage struct {
	Request string        `json:"request"`
	Answer  bool          `json:"answer"`
	Entries []trust.Entry `json:"certificates"`
}

// Taken says what became of an [Arrival]. Exchange is the one that counts: of a message that was
// accepted before, its first with the receipt that was given then.
type Taken struct {
	Exchange
	Repeat bool
	// Other is set where the Message-ID belongs to a message of other content: Exchange is that one,
	// and nothing was written.
	Other bool
}

// Awaiting asks for a message of ours whose receipt comes by itself. The answer is a [Sent];
// its MessageID is empty where nothing is waited for.
type Awaiting struct{ Partner, MessageID string }

// Settlement is what a receipt proves about a message of ours. One unit ends the wait for it. The
// answer is true where the message was still waited for.
type Settlement struct {
	Partner, MessageID string
	Proof
}

// An Exchange is one message of a partner's station with all that proves later what was
// received and what was answered.
type Exchange struct {
	Partner   string              `json:"partner"`
	MessageID string              `json:"message_id"` // as sent
	From      string              `json:"from"`       // AS2 names
	To        string              `json:"to"`
	Headers   map[string][]string `json:"headers"`       // of the request
	Body      string              `json:"body"`          // digest of the body as it came, in hex: a payload's name (BLAKE3), or SHA-256 of Raw
	Raw       []byte              `json:"raw,omitempty"` // a short body itself
	Bytes     int64               `json:"bytes"`
	MIC       string              `json:"mic,omitempty"` // as the receipt says it
	Accepted  bool                `json:"accepted"`
	Verdict   string              `json:"verdict"`          // disposition
	Reason    string              `json:"reason,omitempty"` // for the own operator
	Layers    []string            `json:"layers,omitempty"` // signature, encryption, compression from the outside
	Files     []ExchangedFile     `json:"files,omitempty"`
	Signer    []byte              `json:"signer,omitempty"` // his certificate, DER
	Own       []byte              `json:"own,omitempty"`    // ours that signed the receipt, DER
	Receipt   *Receipt            `json:"receipt,omitempty"`
	At        time.Time           `json:"at"`
	// Reused says that the Message-ID was one of another message that was accepted: a person must
	// know.
	Reused bool `json:"reused,omitempty"`
}

// ExchangedFile is a document of an exchange, by its content.
type ExchangedFile struct {
	Name   string `json:"name,omitempty"`
	Media  string `json:"media"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
	BLAKE3 string `json:"blake3,omitempty"` // of a long one, in place of SHA-256
}

// A Receipt is an MDN as it goes over the wire.
type Receipt struct {
	Headers map[string][]string `json:"headers"`
	Body    []byte              `json:"body"`
	// To is the URL that it is sent to; "" is the answer of the request.
	To string `json:"to,omitempty"`
}

// Sent is a message of ours: what each try sends, and what its receipt is held against.
type Sent struct {
	MessageID string              `json:"message_id"`
	From      string              `json:"from"`
	To        string              `json:"to"`
	Headers   map[string][]string `json:"headers"`
	Body      string              `json:"body"` // payload
	Bytes     int64               `json:"bytes"`
	MICs      []string            `json:"mics"` // of the same content: any that comes back will do
	Wanted    bool                `json:"receipt_wanted"`
	Signed    bool                `json:"receipt_signed"`
	Async     bool                `json:"receipt_async,omitempty"`
	Media     string              `json:"media"`
	File      string              `json:"file"`     // name of the document
	Compress  string              `json:"compress"` // where in the layers
	Base64    bool                `json:"base64,omitempty"`
	Own       []byte              `json:"own,omitempty"`    // ours that signed, DER
	Theirs    []byte              `json:"theirs,omitempty"` // his that it is encrypted for, DER
}

// Proof is what a receipt says about a message of ours.
type Proof struct {
	Outcome string    `json:"outcome"` // delivered, unproven, refused, mismatch; "" where none was asked for
	Reason  string    `json:"reason,omitempty"`
	Receipt *Receipt  `json:"receipt,omitempty"`
	Signer  []byte    `json:"signer,omitempty"` // who signed the receipt, DER
	At      time.Time `json:"at"`
}
