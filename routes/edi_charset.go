package routes

import (
	"bytes"
	"unicode/utf8"
)

// charset is a document in the charset that the partner reads. EDIFACT says its own in the UNB.
func (p Partner) charset(text []byte) []byte {
	if !p.Latin1 || !bytes.HasPrefix(text, []byte("ISA")) {
		return text
	}
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

// noteCharset says in the log that a partner writes in another charset than he is answered in.
func (s *splitting) noteCharset() {
	if s.p.Latin1 || !bytes.HasPrefix(s.data, []byte("ISA")) || utf8.Valid(s.data) {
		return
	}
	at := 0
	for at < len(s.data) {
		r, n := utf8.DecodeRune(s.data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	s.m.hub.log.Warn("a document is not UTF-8: its text is read as Latin-1, and what goes back is UTF-8; if the partner reads Latin-1, say so",
		"partner", s.p.Name, "set", "edi.partners."+s.p.Name+".charset: latin-1", "file", s.m.Headers["name"], "byte", at)
}
