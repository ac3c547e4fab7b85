package edifact

import "strings"

// Identity is what makes a document the same document when it comes again: who
// sent it to whom, and the references on its three levels. Partners do reset
// their counters, so the same identity with other bytes is another document and
// has to be asked about, not dropped.
type Identity struct {
	SenderQualifier    string `json:"sender_qualifier"`    // S002 0007
	Sender             string `json:"sender"`              // S002 0004
	RecipientQualifier string `json:"recipient_qualifier"` // S003 0007
	Recipient          string `json:"recipient"`           // S003 0010
	Interchange        string `json:"interchange"`         // 0020
	Group              string `json:"group,omitempty"`     // 0048
	Message            string `json:"message,omitempty"`   // 0062, of a package 0800
}

// String is one unambiguous key: fields are joined by "/", and a "/" or "%" in
// a field is escaped. A message outside a group has an empty group; empty
// levels at the end are left out.
func (id Identity) String() string {
	fields := []string{id.SenderQualifier, id.Sender, id.RecipientQualifier, id.Recipient, id.Interchange, id.Group, id.Message}
	for len(fields) > 5 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	for i, f := range fields {
		fields[i] = strings.NewReplacer("%", "%25", "/", "%2F").Replace(f)
	}
	return strings.Join(fields, "/")
}
