package door

import (
	"errors"
	"time"
)

// Stations is what a station that speaks AS2 calls: with [Seen], [Arrival], [Awaiting] or
// [Settlement].
const Stations = "door.stations"

// ErrNoAnswer says that it is not known whether a partner has what was sent, for no answer came that
// tells.
var ErrNoAnswer = errors.New("no answer")

// Seen asks what is known of a message of a partner that was accepted. Nothing is written. The
// answer is an [Exchange]; its MessageID is empty where nothing is known.
type Seen struct{ Partner, MessageID string }

// Arrival is a message of a partner that was read and judged. One unit holds it, its documents
// and the receipt that it is answered with. The answer is a [Taken].
type Arrival struct {
	Exchange
	Documents []Document
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
	Body      string              `json:"body"`          // SHA-256 of the body as it came, in hex: payload of that name, or Raw
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
	SHA256 string `json:"sha256"`
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
	Body      string              `json:"body"` // payload, by its SHA-256 in hex
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
