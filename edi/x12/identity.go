package x12

import "strings"

// Identity is what makes a document the same document when it comes again:
// who sent it to whom, and the control numbers on its three levels. Partners do
// reset their counters, so the same identity with other bytes is another
// document and has to be asked about, not dropped.
type Identity struct {
	SenderQualifier   string `json:"sender_qualifier"`   // ISA05
	Sender            string `json:"sender"`             // ISA06
	ReceiverQualifier string `json:"receiver_qualifier"` // ISA07
	Receiver          string `json:"receiver"`           // ISA08
	Interchange       string `json:"isa13"`
	Group             string `json:"gs06,omitempty"`
	Set               string `json:"st02,omitempty"`
}

// String is one unambiguous key: fields are joined by "/", and a "/" or "%" in
// a field is escaped. Empty levels at the end are left out.
func (id Identity) String() string {
	fields := []string{id.SenderQualifier, id.Sender, id.ReceiverQualifier, id.Receiver, id.Interchange, id.Group, id.Set}
	for len(fields) > 5 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	for i, f := range fields {
		fields[i] = strings.NewReplacer("%", "%25", "/", "%2F").Replace(f)
	}
	return strings.Join(fields, "/")
}
