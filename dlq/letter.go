// Package dlq is the desk of what failed: letters, why they are there, and how they
// come back. A letter is a row written in the commit that parks its message, so
// there is no message that failed and has none, and none without its message.
package dlq

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Channel tells what could not be delivered from what could not be understood.
type Channel string

// The two channels of letters.
const (
	Dead    Channel = "dead"    // Dead Letter Channel
	Invalid Channel = "invalid" // Invalid Message Channel
)

// Letter is the account of a message that failed for good.
type Letter struct {
	ID          string     `json:"id"`
	Channel     Channel    `json:"channel"`
	Kind        string     `json:"kind"` // fault kind
	Route       string     `json:"route"`
	MessageID   journal.ID `json:"message_id"`
	Position    uint64     `json:"position"`
	Type        string     `json:"type"`
	Key         string     `json:"key,omitempty"`
	Correlation string     `json:"correlation,omitempty"`
	Partner     string     `json:"partner,omitempty"`
	Keys        []Key      `json:"keys,omitempty"`  // business keys of the message
	Place       string     `json:"place,omitempty"` // "W01-05 (segment 8, byte 311)"
	Cause       string     `json:"cause"`           // in plain words
	Next        string     `json:"next"`            // what to do about it
	Stack       string     `json:"stack,omitempty"`
	Fingerprint string     `json:"fingerprint"` // the same for failures of one cause
	Attempts    []Attempt  `json:"attempts"`
	// Times is how often the cause was met, where one letter stands for several messages: for the looks
	// through a feed that cannot be read.
	Times  int       `json:"times,omitempty"`
	Opened time.Time `json:"opened"`
	// Opening counts how often the message failed for good: 1, and one more for each replay
	// that failed. Who replays or drops a letter names the opening that he saw.
	Opening int        `json:"opening"`
	Actor   string     `json:"actor,omitempty"`  // who replayed or dropped it last
	Acted   *time.Time `json:"acted,omitempty"`  // when
	Reason  string     `json:"reason,omitempty"` // why it was dropped, or which operation replayed it
}

// Name is the letter's id with the opening it stands at, as people name what they saw of it:
// "Lk3u5x2y7abcd" when it failed once, "Lk3u5x2y7abcd.2" when its replay failed too.
func (l Letter) Name() string {
	if l.Opening < 2 {
		return l.ID
	}
	return l.ID + "." + strconv.Itoa(l.Opening)
}

// ParseName takes a letter's name apart. opening is 0 where the name has none.
func ParseName(name string) (id string, opening int) {
	id, n, ok := strings.Cut(name, ".")
	if !ok {
		return name, 0
	}
	opening, err := strconv.Atoi(n)
	if err != nil || opening < 1 {
		return name, 0 // no letter has such an id, as whoever looks for it will be told
	}
	return id, opening
}

// Failed is when it was opened last.
func (l Letter) Failed() time.Time {
	if len(l.Attempts) == 0 {
		return l.Opened
	}
	return l.Attempts[len(l.Attempts)-1].At
}

// Attempt is one run that failed.
type Attempt struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`
	Error string    `json:"error"`
}

// maxAttempts are kept in a letter: the first and the newest.
const maxAttempts = 20

// ID is the letter's id: short, for people to say, and the same whenever the same message
// fails on the same route.
func ID(route string, msg journal.ID) string {
	h := msg.Child(route, "letter", 0)
	return "L" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:8]))
}

// New writes up a failure. runs is how often the handler ran, this one included.
func New(route string, rec *journal.Record, err error, runs int, at time.Time) Letter {
	kind := fault.KindOf(err)
	cause := strings.ToValidUTF8(clip(fault.Reason(err), 4096), "\uFFFD") // as it will be read again
	l := Letter{
		ID: ID(route, rec.ID), Channel: channel(kind), Kind: kind.String(), Route: route,
		MessageID: rec.ID, Position: uint64(rec.Pos), Type: rec.Type, Key: rec.Key, Correlation: rec.Correlation,
		Place: fault.PlaceOf(err), Cause: cause, Next: cmp.Or(fault.NextOf(err), next(kind)), Opened: at, Opening: 1,
	}
	l.Partner, l.Keys = rec.Headers["partner"], KeysOf(rec)
	l.Fingerprint = Fingerprint(route, kind, l.Cause, l.Place, l.Keys...)
	l.Attempts = []Attempt{{at, l.Kind, failure(runs, l.Cause)}}
	return l
}

func channel(k fault.Kind) Channel {
	if k == fault.Invalid {
		return Invalid
	}
	return Dead
}

// failure is what a run that failed of cause says.
func failure(run int, cause string) string { return clip(fmt.Sprintf("run %d: %s", run, cause), 1024) }

// Again notes a further failure of a letter that was replayed.
func (l *Letter) Again(n Letter) {
	n.Attempts = bounded(append(l.Attempts, n.Attempts...))
	n.Times, n.Opened, n.Opening, n.Actor, n.Acted = l.Times, l.Opened, l.Opening+1, l.Actor, l.Acted
	*l = n
}

func bounded(list []Attempt) []Attempt {
	if len(list) > maxAttempts {
		return append(list[:1:1], list[len(list)-maxAttempts+1:]...)
	}
	return list
}

// Met counts another message that failed of the letter's cause, and whose letter it is, too.
func (l *Letter) Met(n Letter) {
	l.Times = max(1, l.Times) + 1
	l.Attempts = bounded(append(l.Attempts, Attempt{n.Opened, n.Kind, failure(l.Times, n.Cause)}))
}

// Fingerprint groups failures of one cause: digits and quoted values do not count, and of the
// place only which element or field it is. An apostrophe within a word, and a quote that
// nothing closes, quote nothing.
//
// What the message is known by (an order, a document; not its partner) does not count either.
func Fingerprint(route string, kind fault.Kind, cause, place string, keys ...Key) string {
	cause = without(cause, keys)
	var b strings.Builder
	b.WriteString(route + "|" + kind.String() + "|")
	for i := 0; i < len(cause); i++ {
		c := cause[i]
		switch {
		case c == '"' || c == '\'' && (i == 0 || !isWord(cause[i-1])):
			b.WriteByte(c)
			if n := strings.IndexByte(cause[i+1:], c); n >= 0 {
				b.WriteByte(c)
				i += n + 1
			}
		case c >= '0' && c <= '9':
			if i == 0 || cause[i-1] < '0' || cause[i-1] > '9' {
				b.WriteByte('#')
			}
		default:
			b.WriteByte(c)
		}
	}
	if f := field(place); f != "" {
		b.WriteString("|" + f)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:6])
}

// shortKey is the length below which a key is not looked for in a text: it stands in other words.
const shortKey = 3

// without takes the keys of one message out of a text, the longest first.
func without(text string, keys []Key) string {
	var values []string
	for _, k := range keys {
		if k.Kind != "partner" && len(k.Value) >= shortKey && strings.Contains(text, k.Value) {
			values = append(values, k.Value)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, v := range values {
		text = strings.ReplaceAll(text, v, "?")
	}
	return text
}

// An element of EDI ("W01-05") and a path of JSON ("lines[3].item") name a field; what else
// stands as a place may be a number of its own in each message.
var (
	element = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,2}-?[0-9]{2}(-[0-9]+)?$`)
	pointer = regexp.MustCompile(`^[a-z_]+(\[[0-9]+\]|\.[a-z_]+)+$`)
	ordinal = regexp.MustCompile(`\[[0-9]+\]`)
)

// field is the field that a place names, "" for none.
func field(place string) string {
	first, rest, _ := strings.Cut(place, " ")
	switch {
	case element.MatchString(first) && strings.HasPrefix(rest, "("):
		return first
	case rest == "" && pointer.MatchString(first):
		return ordinal.ReplaceAllString(first, "[]")
	}
	return ""
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

func next(k fault.Kind) string {
	switch k {
	case fault.Invalid:
		return "correct the document at the place named, or ask its sender for a correct one; then replay, or drop with a reason"
	case fault.Rejected:
		return "mend what was refused (master data, address, agreement with the partner); then replay"
	case fault.Unknown:
		return "ask the partner whether it happened; then replay to have it resolved, or drop with a reason"
	case fault.Transient, fault.Throttled, fault.Unavailable:
		return "it was tried for as long as the route allows; replay once the cause is gone"
	default:
		return "this is a defect of the hub: keep the stack, report it, replay after the update"
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " [cut]"
}

// stored is a letter as the journal keeps it, in the unit and in its row: what follows from its
// other fields is left out, so that a document of bad sets does not become many times its size.
type stored struct {
	Letter
	ID          string          `json:"id,omitempty"`
	Channel     Channel         `json:"channel,omitempty"`
	Next        string          `json:"next,omitempty"`
	Fingerprint string          `json:"fingerprint,omitempty"`
	Attempts    []storedAttempt `json:"attempts"`
}

// storedAttempt leaves out what is the letter's own: when it was opened, its kind, and its cause,
// in whose place stands the run.
type storedAttempt struct {
	At    time.Time `json:"at,omitzero"`
	Kind  string    `json:"kind,omitempty"`
	Error string    `json:"error,omitempty"`
	Run   int       `json:"run,omitempty"`
}

// Encode is the letter as the journal keeps it.
func (l Letter) Encode() []byte {
	s := stored{Letter: l, Attempts: make([]storedAttempt, 0, len(l.Attempts))}
	of := derived(l)
	s.ID, s.Channel, s.Next, s.Fingerprint = unless(l.ID, of.ID), unless(l.Channel, of.Channel), unless(l.Next, of.Next), unless(l.Fingerprint, of.Fingerprint)
	for _, a := range l.Attempts {
		k := storedAttempt{At: a.At, Kind: unless(a.Kind, l.Kind), Error: a.Error}
		if a.At.Equal(l.Opened) {
			k.At = time.Time{}
		}
		var run int
		if _, err := fmt.Sscanf(a.Error, "run %d:", &run); err == nil && a.Error == failure(run, l.Cause) {
			k.Run, k.Error = run, ""
		}
		s.Attempts = append(s.Attempts, k)
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic("dlq: a letter is plain data: " + err.Error())
	}
	return b
}

// derived is what follows from a letter's other fields.
func derived(l Letter) Letter {
	kind, ok := fault.ParseKind(l.Kind)
	if !ok {
		return Letter{}
	}
	return Letter{ID: ID(l.Route, l.MessageID), Channel: channel(kind), Next: next(kind), Fingerprint: Fingerprint(l.Route, kind, l.Cause, l.Place, l.Keys...)}
}

// unless is v, or nothing where it is known.
func unless[T comparable](v, known T) T {
	if v == known {
		var none T
		return none
	}
	return v
}

// Decode reads what [Letter.Encode] wrote.
func Decode(b []byte) (Letter, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return Letter{}, fmt.Errorf("reading a letter: %w", err)
	}
	l := s.Letter
	of := derived(l)
	l.ID, l.Channel = cmp.Or(s.ID, of.ID), cmp.Or(s.Channel, of.Channel)
	l.Next, l.Fingerprint = cmp.Or(s.Next, of.Next), cmp.Or(s.Fingerprint, of.Fingerprint)
	l.Attempts = make([]Attempt, 0, len(s.Attempts))
	for _, a := range s.Attempts {
		k := Attempt{At: a.At, Kind: cmp.Or(a.Kind, l.Kind), Error: a.Error}
		if k.At.IsZero() {
			k.At = l.Opened
		}
		if a.Run != 0 {
			k.Error = failure(a.Run, l.Cause)
		}
		l.Attempts = append(l.Attempts, k)
	}
	if l.Opening == 0 { // written before openings were counted
		l.Opening = max(1, len(l.Attempts))
	}
	return l, nil
}
