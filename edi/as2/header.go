package as2

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
)

// A Request is what the headers of a message or receipt say.
type Request struct {
	From, To  string // without quotes
	MessageID string // as sent, brackets included where there are any
	Subject   string
	Version   string // AS2-Version; "1.0" if it is not said
	Receipt   Receipt
}

// A Receipt is the MDN that a message asks for.
type Receipt struct {
	Wanted   bool
	Signed   bool     // else unsigned
	Required bool     // a signed one or none
	Digests  []Digest // of the MIC, best first; none if any will do
	Unknown  []string // named as Digests, but not known here
	AsyncTo  string   // URL for an asynchronous receipt; empty for the answer of the request
}

// ParseRequest reads the headers of a request. On error the Request still holds
// what could be read, so that a refusal can be told to somebody.
func ParseRequest(h textproto.MIMEHeader) (*Request, error) {
	r := &Request{MessageID: strings.TrimSpace(h.Get("Message-Id")), Subject: h.Get("Subject"), Version: strings.TrimSpace(h.Get("As2-Version"))}
	if r.Version == "" {
		r.Version = "1.0"
	}
	var problems []error
	for _, n := range []struct {
		field string
		into  *string
	}{{"As2-From", &r.From}, {"As2-To", &r.To}} {
		values := h.Values(n.field)
		if len(values) != 1 {
			problems = append(problems, fmt.Errorf("%d headers %s", len(values), n.field))
			continue
		}
		name, err := ParseName(values[0])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", n.field, err))
		}
		*n.into = name
	}
	// Letters beyond US-ASCII and blanks have no place in an id, nor 999 of any.
	if id := r.MessageID; id == "" || len(id) > 998 || !fieldName(strings.ReplaceAll(id, ":", "")) {
		problems = append(problems, &Problem{Word: InvalidMessageID, Err: fmt.Errorf("message id %q", id[:min(len(id), 80)])})
	}
	r.Receipt = receipt(h)
	return r, errors.Join(problems...)
}

// maxName is the length of an AS2 name (RFC 4130 6.2).
const maxName = 128

// ParseName reads an AS2-From or AS2-To: quoted or not, compared as it stands.
func ParseName(value string) (string, error) {
	s := strings.TrimSpace(value)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		var b strings.Builder
		inner := s[1 : len(s)-1]
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				i++
			}
			b.WriteByte(inner[i])
		}
		s = b.String()
	}
	if s == "" || len(s) > maxName {
		return s, fmt.Errorf("a name of %d characters, 1 to %d are allowed", len(s), maxName)
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			return s, fmt.Errorf("character %U in a name", r)
		}
	}
	return s, nil
}

// QuoteName writes an AS2 name, with quotes where it needs them.
func QuoteName(name string) string {
	if strings.ContainsAny(name, ` "\`) {
		return quoted(name)
	}
	return name
}

// receipt reads what is asked for, from options in all the forms they come in:
// without importance, with a semicolon at the end, folded, with odd blanks.
func receipt(h textproto.MIMEHeader) Receipt {
	r := Receipt{Wanted: strings.TrimSpace(h.Get("Disposition-Notification-To")) != ""}
	if !r.Wanted {
		return r
	}
	r.AsyncTo = strings.TrimSpace(h.Get("Receipt-Delivery-Option"))
	for option := range strings.SplitSeq(h.Get("Disposition-Notification-Options"), ";") {
		name, values, _ := strings.Cut(option, "=")
		list := strings.FieldsFunc(values, func(c rune) bool { return strings.ContainsRune(", \t\r\n\"", c) })
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signed-receipt-protocol":
			for _, v := range list {
				switch strings.ToLower(v) {
				case "required":
					r.Required = true
				case "pkcs7-signature", "x-pkcs7-signature":
					r.Signed = true
				}
			}
		case "signed-receipt-micalg":
			for _, v := range list {
				if d, ok := ParseDigest(v); ok {
					r.Digests = append(r.Digests, d)
				} else if v = strings.ToLower(v); v != "required" && v != "optional" && v != "pkcs7-signature" {
					r.Unknown = append(r.Unknown, v)
				}
			}
		}
	}
	// A digest list without a protocol has only one meaning.
	r.Signed = r.Signed || len(r.Digests) > 0 && !strings.Contains(strings.ToLower(h.Get("Disposition-Notification-Options")), "signed-receipt-protocol")
	return r
}

// options writes Disposition-Notification-Options; empty for an unsigned receipt.
func (r Receipt) options() string {
	if !r.Signed {
		return ""
	}
	importance := "optional"
	if r.Required {
		importance = "required"
	}
	s := "signed-receipt-protocol=" + importance + ", pkcs7-signature"
	if len(r.Digests) > 0 {
		s += "; signed-receipt-micalg=" + importance
		for _, d := range r.Digests {
			s += ", " + d.Name
		}
	}
	return s
}
