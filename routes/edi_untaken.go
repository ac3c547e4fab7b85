package routes

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/routes/eip"
)

// topicUntaken is what came and was not taken: files that their door did not read, and interchanges
// whose control number was used before.
const topicUntaken = "documents-untaken"

// acceptedHeader marks a document that a person took although the control number of its interchange was
// used before.
const acceptedHeader = "accepted"

// untaken says why.
type untaken struct {
	Partner  string `json:"partner"`
	Document string `json:"document"` // file name
	Place    string `json:"place"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint,omitempty"`
	Bytes    int64  `json:"bytes"`
	Accept   bool   `json:"accept,omitempty"` // a replay takes a number that was used
}

// unread is a document that its door did not read.
func unread(d door.Document) untaken {
	return untaken{Partner: d.Partner, Document: d.Name, Place: d.Name, Reason: d.Refused, Bytes: d.Len()}
}

// reused is an interchange whose control number came before with other content.
func reused(partner, document string, raw []byte, f finding.Finding) untaken {
	return untaken{partner, document, placeOf(f), f.Message, f.Hint, int64(len(raw)), true}
}

// reusedHint is what can be done about one.
const reusedHint = "ask the sender whether he reset his counter: if he did, replay this letter, which takes the interchange after all, once; if he did not, drop it with a reason"

func (u untaken) fault() error {
	err := fault.At("edi", fault.Invalid, u.Place, fmt.Errorf("%s of %s: %s", u.Document, u.Partner, u.Reason))
	if u.Hint == "" && u.Bytes == 0 {
		return fault.Advise(err, nothingKept)
	}
	return fault.Advise(err, u.Hint)
}

// nothingKept is what can be done about a document of which there is nothing to try again.
const nothingKept = "there is nothing of it to try again: ask its sender for the document, which comes as a new one, and drop this letter with a reason"

// leftOut is the Invalid Message Channel of documents that nobody began to work on: each is a letter that
// keeps what came. Replayed, it is taken as if it had come now.
func (e *edi) leftOut() Route {
	return Route{
		Name: "edi.untaken", About: "files that cannot be read and interchanges whose control number was used before, each a letter; a replay takes it",
		Topics: []string{topicUntaken}, Writes: []string{topicDocuments}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameInvalid},
		Handle: func(_ context.Context, m *Message) (*Out, error) {
			var u untaken
			if err := m.Decode(&u); err != nil {
				return nil, err
			}
			switch {
			case m.Attempt == 0 || u.Bytes == 0:
				return nil, u.fault()
			case e.MaxDocument > 0 && u.Bytes > e.MaxDocument:
				return nil, fault.At("edi", fault.Invalid, u.Place, fmt.Errorf("%s of %s has %d bytes, at most %d are taken: raise limits.max_document, or ask its sender to split it", u.Document, u.Partner, u.Bytes, e.MaxDocument))
			}
			if _, err := e.partner(u.Partner); err != nil {
				return nil, err
			}
			r := m.Record
			r.ID, r.Type, r.Topic, r.Pos = m.ID.Child("edi.untaken", "taken", 0), "document.Received", topicDocuments, 0
			r.Headers = map[string]string{"partner": u.Partner, "name": u.Document}
			for _, h := range []string{eip.Ticket, handOnTo, handOnOnly} {
				if v := m.Headers[h]; v != "" {
					r.Headers[h] = v
				}
			}
			if u.Accept {
				r.Headers[acceptedHeader] = "a person took it"
			}
			return m.Out().Send(r), nil
		},
	}
}
