package as2

import (
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// maxTag bounds an entity tag. Those seen are UUIDs.
const maxTag = 256

// A Part is what the headers of a request say of AS2 Restart (draft-harding-as2-restart): the rest of a message
// whose beginning is at the receiver already.
type Part struct {
	Tag string // the ETag, which names one transfer of one message; "" cannot be restarted
	// First is the offset of its first byte, and Total the length of the whole message; both are 0 where all of it
	// comes.
	First, Total int64
}

// ParsePart reads ETag and Content-Range. On error the request may not be taken for a whole message.
func ParsePart(h textproto.MIMEHeader) (Part, error) {
	p := Part{Tag: strings.TrimSpace(h.Get("Etag"))}
	if len(p.Tag) > maxTag || strings.ContainsFunc(p.Tag, func(r rune) bool { return r < ' ' || r > '~' }) {
		return Part{}, fmt.Errorf("an ETag of %d characters, or with some that it may not have", len(p.Tag))
	}
	text := strings.TrimSpace(h.Get("Content-Range"))
	if text == "" {
		return p, nil
	}
	if p.Tag == "" {
		return p, fmt.Errorf("Content-Range %.80q without an ETag", text)
	}
	// QUIRK: programs written after the draft's first version leave out the unit.
	span, total, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(text, "bytes")), "/")
	first, last, _ := strings.Cut(span, "-")
	var n [3]int64
	for i, s := range []string{first, last, total} {
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v < 0 || s[0] == '+' {
			return p, fmt.Errorf("Content-Range %.80q is not as bytes 1000-4999/5000", text)
		}
		n[i] = v
	}
	if n[0] > n[1] || n[1] != n[2]-1 {
		return p, fmt.Errorf("Content-Range %.80q is not the rest of a message", text)
	}
	p.First, p.Total = n[0], n[2]
	return p, nil
}

// ContentRange is the header of the rest of a message.
func (p Part) ContentRange() string {
	return fmt.Sprintf("bytes %d-%d/%d", p.First, p.Total-1, p.Total)
}
