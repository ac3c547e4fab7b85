// Package scope names things: whose they are (tenant, owner), where (facility),
// and the stream and stock book that they are kept in. The names are part of the
// stored format.
//
// A stream is "kind/tenant/owner/id", or "kind/tenant/owner/id@facility" for what
// exists in one building only. A book is "tenant/owner/item@facility". Parts are
// percent-escaped, so any part may hold any character.
package scope

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
)

// Shared stands in the owner's place for what belongs to the building and not to
// one depositor: locations, waves, tasks over several owners.
const Shared = "-"

// MaxPart is the most bytes that one part of a name may have.
const MaxPart = 128

// Scope says whose and where. Owner is the depositor whose goods they are.
type Scope struct {
	Tenant   string `json:"tenant"`
	Owner    string `json:"owner"`
	Facility string `json:"facility"`
}

// Validate refuses an empty, overlong or unprintable part.
func (s Scope) Validate() error {
	const op = "scope.Validate"
	for _, p := range [...]struct{ place, v string }{
		{"tenant", s.Tenant}, {"owner", s.Owner}, {"facility", s.Facility},
	} {
		if err := CheckPart(p.v); err != nil {
			return fault.At(op, fault.Invalid, p.place, err)
		}
	}
	return nil
}

// Building is the scope of what the whole facility shares.
func (s Scope) Building() Scope { return Scope{s.Tenant, Shared, s.Facility} }

// CheckPart says why v cannot be a part of a name, or nil. Identifiers from
// outside (order numbers, item codes) pass through here before they become keys.
func CheckPart(v string) error {
	switch {
	case v == "":
		return errors.New("is missing")
	case len(v) > MaxPart:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(v), MaxPart)
	case !utf8.ValidString(v):
		return errors.New("is not valid UTF-8")
	case v != strings.TrimSpace(v):
		return fmt.Errorf("%q begins or ends with white space", v)
	}
	for i, r := range v {
		if r < 0x20 || r == 0x7f {
			return fmt.Errorf("has a control character at byte %d", i)
		}
	}
	return nil
}

// CheckName says why v cannot be what an operator names a tenant, an owner or a building, or
// nil: people read it out of stream names and paths, where what separates it would be escaped.
func CheckName(v string) error {
	if err := CheckPart(v); err != nil {
		return err
	}
	if v == Shared {
		return fmt.Errorf("%q stands for what the whole building shares: take another name", v)
	}
	if i := strings.IndexAny(v, "/@%"); i >= 0 {
		return fmt.Errorf("%q has a %q, which separates the parts of stream names (kind/tenant/owner/id@facility): take it out", v, v[i])
	}
	return nil
}

// Stream names a stream. Facility is "" for what is not bound to a building.
type Stream struct{ Kind, Tenant, Owner, ID, Facility string }

func (s Stream) String() string {
	var b strings.Builder
	b.Grow(len(s.Kind) + len(s.Tenant) + len(s.Owner) + len(s.ID) + len(s.Facility) + 4)
	escape(&b, s.Kind)
	b.WriteByte('/')
	writeKey(&b, s.Tenant, s.Owner, s.ID, s.Facility)
	return b.String()
}

// Key is the name without its kind: what messages about the thing are ordered by.
func (s Stream) Key() string { return key(s.Tenant, s.Owner, s.ID, s.Facility) }

// ParseStream is the inverse of [Stream.String]. Any other spelling of a name is refused,
// so that one thing has one name.
func ParseStream(name string) (Stream, error) {
	const op = "scope.ParseStream"
	p := strings.Split(name, "/")
	if len(p) != 4 {
		return Stream{}, fault.At(op, fault.Invalid, name, fmt.Errorf("has %d parts, a stream has 4: kind/tenant/owner/id", len(p)))
	}
	id, facility, at := strings.Cut(p[3], "@")
	if at && facility == "" {
		return Stream{}, fault.At(op, fault.Invalid, name, errors.New("has an @ without a facility"))
	}
	s := Stream{p[0], p[1], p[2], id, facility}
	for _, part := range [...]*string{&s.Kind, &s.Tenant, &s.Owner, &s.ID, &s.Facility} {
		v, err := unescape(*part)
		if err != nil {
			return Stream{}, fault.At(op, fault.Invalid, name, err)
		}
		*part = v
	}
	if s.String() != name || s.Kind == "" || s.Tenant == "" || s.Owner == "" || s.ID == "" {
		return Stream{}, fault.At(op, fault.Invalid, name, errors.New("is not a stream name as PakLog writes it"))
	}
	return s, nil
}

// Book is the stock book of one item in one building: what postings are counted in.
func (s Scope) Book(item string) string { return key(s.Tenant, s.Owner, item, s.Facility) }

// ParseBook is the inverse of [Scope.Book].
func ParseBook(book string) (Scope, string, error) {
	st, err := ParseStream("stock/" + book)
	if err != nil || st.Facility == "" {
		return Scope{}, "", fault.At("scope.ParseBook", fault.Invalid, book, errors.New("is not tenant/owner/item@facility"))
	}
	return Scope{st.Tenant, st.Owner, st.Facility}, st.ID, nil
}

// Join escapes and joins parts with '/': account names are made so.
func Join(parts ...string) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('/')
		}
		escape(&b, p)
	}
	return b.String()
}

// Split is the inverse of [Join].
func Split(name string) ([]string, error) {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		v, err := unescape(p)
		if err != nil {
			return nil, fault.At("scope.Split", fault.Invalid, name, err)
		}
		parts[i] = v
	}
	return parts, nil
}

func key(tenant, owner, id, facility string) string {
	var b strings.Builder
	b.Grow(len(tenant) + len(owner) + len(id) + len(facility) + 3)
	writeKey(&b, tenant, owner, id, facility)
	return b.String()
}

func writeKey(b *strings.Builder, tenant, owner, id, facility string) {
	escape(b, tenant)
	b.WriteByte('/')
	escape(b, owner)
	b.WriteByte('/')
	escape(b, id)
	if facility != "" {
		b.WriteByte('@')
		escape(b, facility)
	}
}

const hex = "0123456789ABCDEF"

func special(c byte) bool { return c == '/' || c == '@' || c == '%' || c < 0x20 || c == 0x7f }

func escape(b *strings.Builder, s string) {
	from := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; special(c) {
			b.WriteString(s[from:i])
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			from = i + 1
		}
	}
	b.WriteString(s[from:])
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errors.New("has a cut escape")
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", fmt.Errorf("has a bad escape %q", s[i:i+3])
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), nil
}
