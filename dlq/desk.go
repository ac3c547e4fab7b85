package dlq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Journal is what the desk needs of the running hub.
type Journal interface {
	Row(ctx context.Context, t journal.Table, key string) ([]byte, error)
	Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error)
	// Wake lets a parked message go again; Unparked says that one is gone.
	Wake(sub string, pos journal.Pos) (bool, error)
	Unparked(sub string, u *journal.Unit) error
}

// Log reads stored rows and units.
type Log interface {
	Scan(ctx context.Context, t journal.Table, prefix, after string, limit int) ([]journal.Row, error)
	Holding(ctx context.Context, pos journal.Pos) (journal.Stored, error)
	Last(ctx context.Context) (journal.Pos, error)
	Topics(ctx context.Context, topics []string, after journal.Pos, limit int) ([]journal.Record, error)
}

// Desk lists, shows, replays and drops letters. Its methods are safe for concurrent use, and
// for use from several processes: the journal decides who was first.
type Desk struct {
	Journal Journal
	Log     Log
	Now     func() time.Time
	// Index finds letters; nil finds none by anything but their ids.
	Index Index
	// Fields are the fields of a message's document, by name; nil where it has none. They stand in the place
	// of those of its data.
	Fields func(rec *journal.Record) map[string][]string
	// Lacks is what master data has to have for a message to go on; nil knows of none.
	Lacks func(rec *journal.Record) (Lack, bool)
	// Peers name, for a type of messages that all failed, what those are that did not.
	Peers map[string]Peer
	// ApproveAbove is the number of letters above which an operation waits for a second person;
	// 0 is never.
	ApproveAbove int
	// Editor reads messages as texts that people may change; nil is none.
	Editor Editor
	// EditAlone lets an edited message go without a second person.
	EditAlone bool

	wake chan struct{} // of [Desk.Run]
}

// Peer is a type of messages on a topic.
type Peer struct{ Topic, Type string }

// Errors of the desk.
var (
	ErrNone  = errors.New("no such letter")
	ErrState = errors.New("look at it as it stands now")
	// ErrStale: the letter was replayed and failed again since it was looked at.
	ErrStale = errors.New("look at it anew")
	// ErrCursor: a listing cannot begin there.
	ErrCursor = errors.New("send next of the page before, as it came")
	// ErrUnseen: nobody acts on a letter without saying what he saw of it.
	ErrUnseen = errors.New("name the opening of the letter that was seen")
)

// Entry is a letter with where it stands.
type Entry struct {
	State string `json:"state"`
	Letter
}

// Filter chooses letters. Zero fields choose all.
type Filter struct {
	State string // open, replaying, resolved, dropped, damaged or all; "" is open, replaying and damaged
	Route string
	After string // id behind which to go on; for [Desk.Came] its next
	Limit int    // 100
}

// List returns letters in order of their ids.
func (d *Desk) List(ctx context.Context, f Filter) ([]Entry, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var out []Entry
	after := f.After
	for {
		rows, err := d.Log.Scan(ctx, journal.TableLetter, "", after, 500)
		if err != nil {
			return nil, fmt.Errorf("reading letters: %w", err)
		}
		for _, r := range rows {
			after = r.Key
			if s, err := journal.DecodeLetter(r.Value); err == nil && !f.may(s.State.String()) {
				continue // and is not read further
			}
			e := entry(r.Key, r.Value)
			if !f.takes(e) {
				continue
			}
			if out = append(out, e); len(out) == f.Limit {
				return out, nil
			}
		}
		if len(rows) < 500 {
			return out, nil
		}
	}
}

// Count is how many letters of a route stand alike.
type Count struct {
	Route   string `json:"route"`
	State   string `json:"state"`
	Letters int    `json:"letters"`
}

// Came returns letters in the order in which their messages came, which is that of positions, and
// how many the filter chooses by route and state, wherever it begins and however many it shows.
// next is the After to go on with, "" at the end. Each call looks at every letter, but
// reads only those it returns.
func (d *Desk) Came(ctx context.Context, f Filter) (list []Entry, counts []Count, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	type came struct {
		pos journal.Pos
		row journal.Row
	}
	order := func(a, b came) int { return cmp.Or(cmp.Compare(a.pos, b.pos), strings.Compare(a.row.Key, b.row.Key)) }
	var begin came
	if f.After != "" {
		p, id, ok := strings.Cut(f.After, ".")
		n, err := strconv.ParseUint(p, 10, 64)
		if err != nil || !ok {
			return nil, nil, "", fmt.Errorf("%q: %w", f.After, ErrCursor)
		}
		begin = came{journal.Pos(n), journal.Row{Key: id}}
	}
	var first []came
	more := false
	number := map[Count]int{}
	for after := ""; ; {
		rows, err := d.Log.Scan(ctx, journal.TableLetter, "", after, 500)
		if err != nil {
			return nil, nil, "", fmt.Errorf("reading letters: %w", err)
		}
		for _, r := range rows {
			after = r.Key
			e := Entry{State: Damaged}
			s, err := journal.DecodeLetter(r.Value)
			if err == nil {
				e.State, e.Route = s.State.String(), s.Sub
			}
			if !f.takes(e) {
				continue
			}
			number[Count{Route: e.Route, State: e.State}]++
			c := came{s.Pos, r}
			if f.After != "" && order(c, begin) <= 0 {
				continue
			}
			i, _ := slices.BinarySearchFunc(first, c, order)
			if i == f.Limit {
				more = true
				continue
			}
			if first = slices.Insert(first, i, c); len(first) > f.Limit {
				first, more = first[:f.Limit], true
			}
		}
		if len(rows) < 500 {
			break
		}
	}
	for _, c := range first {
		list = append(list, entry(c.row.Key, c.row.Value))
		if more {
			next = strconv.FormatUint(uint64(c.pos), 10) + "." + c.row.Key
		}
	}
	for c, n := range number {
		c.Letters = n
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(strings.Compare(a.State, b.State), strings.Compare(a.Route, b.Route))
	})
	return list, counts, next, nil
}

// may reports whether a letter that is stored in a state can be one that is taken: it can, too,
// where damaged ones are asked for.
func (f Filter) may(state string) bool {
	return f.State == "" || f.State == "all" || f.State == Damaged || f.State == state
}

func (f Filter) takes(e Entry) bool {
	if f.Route != "" && e.Route != f.Route && e.State != Damaged {
		return false
	}
	switch f.State {
	case "all":
		return true
	case "":
		return e.State == "open" || e.State == "replaying" || e.State == Damaged
	}
	return e.State == f.State
}

// Damaged is the state, for people, of a letter whose row cannot be read.
const Damaged = "damaged"

// entry reads a row. One that cannot be read hides none of the others: it says so itself.
func entry(id string, b []byte) Entry {
	s, err := journal.DecodeLetter(b)
	if err == nil {
		var l Letter
		if l, err = Decode(s.Data); err == nil {
			return Entry{s.State.String(), l}
		}
	}
	return Entry{Damaged, Letter{
		ID: id, Channel: Dead, Kind: fault.Internal.String(), Route: s.Sub, Attempts: []Attempt{}, Position: uint64(s.Pos), Key: s.Key, Opened: s.Opened,
		Cause: "this letter's row cannot be read: " + clip(err.Error(), 1024),
		Next:  "its message waits, unharmed: run paklog audit, and restore the folder from a backup",
	}}
}

func (d *Desk) get(ctx context.Context, id string) (journal.StoredLetter, Letter, error) {
	b, err := d.Journal.Row(ctx, journal.TableLetter, id)
	if err != nil {
		return journal.StoredLetter{}, Letter{}, err
	}
	if b == nil {
		return journal.StoredLetter{}, Letter{}, fmt.Errorf("%s: %w: paklog dlq list shows those there are", id, ErrNone)
	}
	s, err := journal.DecodeLetter(b)
	if err != nil {
		return s, Letter{}, fmt.Errorf("letter %s: %w", id, err)
	}
	l, err := Decode(s.Data)
	if err != nil {
		return s, l, fmt.Errorf("letter %s: %w", id, err)
	}
	return s, l, nil
}

// Letter is one letter, as it stands.
func (d *Desk) Letter(ctx context.Context, id string) (Entry, error) {
	s, l, err := d.get(ctx, id)
	return Entry{s.State.String(), l}, err
}

// SeenNotice is what audit-events say of a look at personal data.
type SeenNotice struct {
	Actor string `json:"actor"`
	What  string `json:"what"` // letter/L..., message/POSITION
}

// SeenType is its type.
const SeenType = "personal.Seen"

// Seen writes down that somebody looks at what is personal, before he sees it.
func (d *Desk) Seen(ctx context.Context, actor, what string) error {
	at := d.Now().UTC()
	ref, err := d.Journal.Submit(ctx, &journal.Unit{Records: []journal.Record{auditOf(SeenType, what, SeenNotice{actor, what}, 0, at)}})
	if err != nil || ref != nil {
		return fmt.Errorf("writing down who sees %s: %w", what, errOr(ref, err))
	}
	return nil
}

// SessionNotice is what audit-events say of somebody who signs in, out, or guesses a password too often.
type SessionNotice struct {
	User    string `json:"user"`
	Address string `json:"address"`
}

// SessionNotices are their types.
var SessionNotices = []string{"session.Began", "session.Ended", "session.Refused"}

// Session writes down that somebody signed in, out, or guesses.
func (d *Desk) Session(ctx context.Context, typ, user, address string) error {
	at := d.Now().UTC()
	ref, err := d.Journal.Submit(ctx, &journal.Unit{Records: []journal.Record{auditOf(typ, "user/"+clip(user, 128), SessionNotice{clip(user, 128), address}, 0, at)}})
	if err != nil || ref != nil {
		return fmt.Errorf("writing down %s: %w", typ, errOr(ref, err))
	}
	return nil
}

// Detail is a letter with its message and what that message already did.
type Detail struct {
	Entry
	Message Message  `json:"message"`
	Effects []Effect `json:"effects,omitempty"`
	// Edit is what was proposed last in the place of its message.
	Edit *Edit `json:"edit,omitempty"`
	// InForce is where the message stands that goes in the place of the one that failed.
	InForce uint64 `json:"in_force,omitempty" doc:"position of the edited message that goes in the place of the one that failed"`
}

// Message is the message that failed.
type Message struct {
	Source   string            `json:"source,omitempty"`
	Time     time.Time         `json:"time"`
	Headers  map[string]string `json:"headers,omitempty"`
	Payload  string            `json:"payload"`
	Document string            `json:"document,omitempty"`
	Dump     string            `json:"dump,omitempty" doc:"in hexadecimal, in the place of a document or payload that is no text"`
	Sealed   bool              `json:"sealed,omitempty"`
}

// Effect is one call that the message made.
type Effect struct {
	Key     string          `json:"key"`
	State   string          `json:"state"`
	Conn    string          `json:"conn"`
	Ref     string          `json:"ref"`
	Started time.Time       `json:"started"`
	Outcome json.RawMessage `json:"outcome,omitempty"`
}

// Show returns a letter with its message and effects. Personal data other than the
// document itself is not shown.
func (d *Desk) Show(ctx context.Context, id string) (Detail, error) {
	s, l, err := d.get(ctx, id)
	if err != nil {
		return Detail{}, err
	}
	out := Detail{Entry: Entry{s.State.String(), l}}
	row, _, err := d.edits(ctx, id)
	if err != nil {
		return out, err
	}
	if row.State != "" {
		out.Edit = &row.Edit
	}
	if n := len(row.InForce); n > 0 {
		out.InForce = row.InForce[n-1].Position
	}
	rec, err := d.standing(ctx, s.Pos, row)
	if err != nil {
		return out, fmt.Errorf("letter %s: %w", id, err)
	}
	out.Message = Message{
		Source: rec.Source, Time: rec.Time, Headers: rec.Headers,
		Payload: string(rec.Data), Sealed: rec.Subject != "" && len(rec.Personal) > 0,
	}
	// A transaction set is a part of its document.
	if strings.HasPrefix(rec.Type, "document.") || strings.HasPrefix(rec.Type, "x12.") {
		out.Message.Document, out.Message.Sealed = string(rec.Personal), false
		if out.Message.Dump = Dump(rec.Personal); out.Message.Dump != "" {
			out.Message.Document = ""
		}
	} else if out.Message.Dump = Dump(rec.Data); out.Message.Dump != "" {
		out.Message.Payload = ""
	}
	if out.Effects, err = d.effects(ctx, s.Sub, l.MessageID); err != nil {
		return out, fmt.Errorf("letter %s: %w", id, err)
	}
	return out, nil
}

// effects are the calls that a message made on a route.
func (d *Desk) effects(ctx context.Context, route string, msg journal.ID) ([]Effect, error) {
	rows, err := d.Log.Scan(ctx, journal.TableEffect, route+"/"+msg.String()+"/", "", 100)
	if err != nil {
		return nil, fmt.Errorf("reading its effects: %w", err)
	}
	var out []Effect
	for _, r := range rows {
		f, err := journal.DecodeEffect(r.Value)
		if err != nil {
			return nil, fmt.Errorf("effect %s: %w", r.Key, err)
		}
		x := Effect{Key: r.Key, State: f.State.String(), Conn: f.Conn, Ref: f.Ref, Started: f.Started}
		if json.Valid(f.Outcome) {
			x.Outcome = f.Outcome
		}
		out = append(out, x)
	}
	return out, nil
}

// whatBecame says how a letter stands that is not open.
func whatBecame(state journal.LetterState, l Letter) string {
	by := ""
	if l.Actor != "" {
		by = " by " + l.Actor
	}
	switch state {
	case journal.LetterReplaying:
		return "is being replayed" + by
	case journal.LetterResolved:
		return "is resolved: its message went through"
	case journal.LetterDropped:
		return "was dropped" + by + " (" + l.Reason + ")"
	case journal.LetterOpen, journal.LetterNone:
	}
	return "is " + state.String()
}

// seen reads a letter that somebody acts on, as he saw it.
func (d *Desk) seen(ctx context.Context, id string, opening int) (journal.StoredLetter, Letter, error) {
	s, l, err := d.get(ctx, id)
	if err != nil {
		return s, l, err
	}
	switch {
	case s.State != journal.LetterOpen:
		return s, l, fmt.Errorf("letter %s %s, and only an open one is replayed or dropped: %w", id, whatBecame(s.State, l), ErrState)
	case opening < 1:
		return s, l, fmt.Errorf("letter %s stands at opening %d: %w", id, l.Opening, ErrUnseen)
	case opening > l.Opening:
		return s, l, fmt.Errorf("letter %s stands at opening %d, there is no %d yet: %w", id, l.Opening, opening, ErrStale)
	case opening < l.Opening:
		return s, l, Stale(l)
	}
	return s, l, nil
}

// Stale is the [ErrStale] of whoever acts on what a letter was before its last opening.
func Stale(l Letter) error {
	by := ""
	if l.Actor != "" && l.Acted != nil {
		by = fmt.Sprintf(" by %s at %s", l.Actor, l.Acted.Format(time.RFC3339))
	}
	return fmt.Errorf("letter %s was replayed meanwhile%s, and failed again at %s: %w", l.ID, by, l.Failed().UTC().Format(time.RFC3339), ErrStale)
}

// Replay lets the message of an open letter go again, under its own id: what it already
// did is not done twice. opening is the one that the asker saw: asked often, or from several
// shells, each opening is replayed or dropped once. Those who came later get [ErrState], or
// [ErrStale] when the message failed again by then.
func (d *Desk) Replay(ctx context.Context, id string, opening int, actor string) error {
	return d.replay(ctx, id, opening, actor, "")
}

func (d *Desk) replay(ctx context.Context, id string, opening int, actor, reason string) error {
	s, l, err := d.seen(ctx, id, opening)
	if err != nil {
		return err
	}
	u := d.act(&s, &l, journal.LetterReplaying, "letter.Replayed", actor, reason)
	if err := d.submit(ctx, id, u); err != nil {
		return err
	}
	if _, err := d.Journal.Wake(s.Sub, s.Pos); err != nil {
		// Its route is not running: the replay is durable and goes when it does.
		return nil //nolint:nilerr // see above
	}
	return nil
}

// Drop gives up an open letter, as it was seen: its message is never handled, and what waited
// behind it goes on. The reason is kept, and who gave it.
func (d *Desk) Drop(ctx context.Context, id string, opening int, actor, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errors.New("dropping a letter needs a reason: it is kept with the letter")
	}
	s, l, err := d.seen(ctx, id, opening)
	if err != nil {
		return err
	}
	u := d.act(&s, &l, journal.LetterDropped, "letter.Dropped", actor, reason)
	u.Parks = []journal.ParkOp{{Sub: s.Sub, Key: s.Key, Pos: s.Pos, Remove: true}}
	if err := d.submit(ctx, id, u); err != nil {
		return err
	}
	_ = d.Journal.Unparked(s.Sub, u) // a route that is not running reads it when it starts
	return nil
}

// openings is the scope of the claims on what was seen of a letter. The state alone cannot
// tell an opening from the next: between the look and the commit the letter may be
// replayed, fail and stand open again.
const openings = "dlq"

// act is the unit that moves an open letter on.
func (d *Desk) act(s *journal.StoredLetter, l *Letter, to journal.LetterState, typ, actor, reason string) *journal.Unit {
	now := d.Now().UTC()
	l.Actor, l.Acted, l.Reason = actor, &now, reason
	s.Data = l.Encode()
	return &journal.Unit{
		Claims:  []journal.ClaimOp{{Scope: openings, ID: l.ID + "." + strconv.Itoa(l.Opening)}},
		Letters: []journal.LetterOp{{ID: l.ID, From: journal.LetterOpen, To: to, Letter: s.Letter}},
		Records: []journal.Record{
			d.notice(typ, *l, actor, reason),
			d.audit(typ, *l, actor, reason),
		},
	}
}

func (d *Desk) submit(ctx context.Context, id string, u *journal.Unit) error {
	r, err := d.Journal.Submit(ctx, u)
	if err != nil {
		return fmt.Errorf("letter %s: %w", id, err)
	}
	if r != nil {
		return fmt.Errorf("letter %s: somebody was faster: %w", id, ErrState)
	}
	return nil
}

// Notice is what error-events say of a letter: no payload.
type Notice struct {
	Letter      string `json:"letter"`
	Route       string `json:"route"`
	Channel     string `json:"channel"`
	Kind        string `json:"kind"`
	Fingerprint string `json:"fingerprint"`
	Actor       string `json:"actor,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// NoticeOf is the record on error-events about a letter.
func NoticeOf(typ string, l Letter, actor, reason string, at time.Time) journal.Record {
	data, _ := json.Marshal(Notice{l.ID, l.Route, string(l.Channel), l.Kind, l.Fingerprint, actor, reason}) // plain strings
	return journal.Record{
		ID: l.MessageID.Child(l.Route, typ, int(at.UnixNano()&0x7fffffff)), Type: typ, Schema: 1,
		Topic: "error-events", Key: l.ID, Time: at, Correlation: l.Correlation, Causation: l.MessageID, Source: "dlq", Data: data,
	}
}

func (d *Desk) notice(typ string, l Letter, actor, reason string) journal.Record {
	return NoticeOf(typ, l, actor, reason, d.Now().UTC())
}

func (d *Desk) audit(typ string, l Letter, actor, reason string) journal.Record {
	r := d.notice(typ, l, actor, reason)
	r.ID, r.Topic = r.ID.Child("dlq", "audit", 0), "audit-events"
	return r
}
