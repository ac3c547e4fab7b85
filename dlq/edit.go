package dlq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Edited is what stands in the place of a message that failed: its text as somebody would have it.
type Edited struct {
	Format string `json:"format" enum:"json,x12,edifact"`
	Text   string `json:"text" doc:"of EDI each segment on a line of its own"`
	// Allowed are the fields that its route lets people change.
	Allowed  []string      `json:"allowed" nullable:"false" doc:"fields that the route lets people change"`
	Changes  []FieldChange `json:"changes" nullable:"false"`
	Problems []Problem     `json:"problems" nullable:"false" doc:"what keeps it from going: without any it may be proposed"`
	// Record is the message with that text. Only Data and Personal of it may differ.
	Record journal.Record `json:"-"`
}

// FieldChange is a field that another value stands in.
type FieldChange struct {
	Field string `json:"field" doc:"W01-05 (segment 8), order.Lines[0].Item"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// Problem is why a text cannot go.
type Problem struct {
	Place   string `json:"place,omitempty"`
	Message string `json:"message"`
}

// Editor reads a message of a route as a text, and makes of a text the message that stands in
// its place; nil is the text as it is. What is wrong with the text it says in Problems. An error is
// [ErrNoEdit], or of whoever was asked.
type Editor func(ctx context.Context, route string, rec *journal.Record, text *string) (Edited, error)

// Edit is what somebody proposed to let go in the place of a message. It is a message of its own, with an id and
// a position, and names in Replaces whose place it takes. What that one did outside counts as its own.
type Edit struct {
	Letter   string     `json:"letter"`
	Opening  int        `json:"opening"`
	State    EditState  `json:"state" enum:"waiting,approved,withdrawn"`
	Message  journal.ID `json:"message" doc:"id of the message as it was edited"`
	Replaces journal.ID `json:"replaces"`
	Position uint64     `json:"position" doc:"of it in the journal"`
	Fields   []string   `json:"fields" nullable:"false" doc:"that were changed"`
	Author   string     `json:"author"`
	Reason   string     `json:"reason"`
	At       time.Time  `json:"at"`
	By       string     `json:"by,omitempty" doc:"who approved of it, or withdrew it"`
	Ended    *time.Time `json:"ended,omitempty"`
}

// EditState is where an edit stands.
type EditState string

// States of edits.
const (
	EditWaiting   EditState = "waiting" // for a second person
	EditApproved  EditState = "approved"
	EditWithdrawn EditState = "withdrawn"
)

// edits are those of one letter, as a row of the journal.
type edits struct {
	Edit
	// InForce are the edits that somebody approved of, the newest last.
	InForce []approval `json:"in_force,omitempty"`
}

// approval is where a message that was edited stands, and how often each of its calls had begun by then: so it is
// known under which text each of them was made.
type approval struct {
	Position uint64            `json:"position"`
	Attempts map[string]uint32 `json:"attempts,omitempty"`
}

const (
	editPrefix = "desk/edit/"
	// LongestReason is of an edit.
	LongestReason = 1000 // bytes
	// LongestText is of a message that is edited: what is longer lies outside the journal.
	LongestText = 64 << 10 // bytes
	// ReplacesHeader names the message whose place another takes.
	ReplacesHeader = "replaces"
)

func editKey(letter string) string { return editPrefix + letter }

// Errors of edits.
var (
	// ErrNoEdit: messages of that kind, or on that route, are not edited.
	ErrNoEdit = errors.New("this message cannot be edited")
	// ErrProblems: the text cannot go as it is.
	ErrProblems = errors.New("the text cannot go")
	// ErrNoneWaits: there is no edit to be approved of.
	ErrNoneWaits = errors.New("no edit of the letter waits")
)

// EditNotice is what audit-events say of an edit. The values are in the record's sealed group where
// the message belongs to somebody.
type EditNotice struct {
	Letter   string        `json:"letter"`
	Route    string        `json:"route"`
	Message  string        `json:"message"`
	Replaces string        `json:"replaces"`
	Fields   []string      `json:"fields"`
	Author   string        `json:"author"`
	Actor    string        `json:"actor"`
	Reason   string        `json:"reason"`
	Changes  []FieldChange `json:"changes,omitempty"`
}

// EditNotices are the types of audit-events about edits.
var EditNotices = []string{"edit.Proposed", "edit.Approved", "edit.Withdrawn"}

// Draft is a letter's message as it may be edited, and the edit of it that was proposed last.
type Draft struct {
	Edited
	Edit *Edit `json:"edit,omitempty"`
	// Effects are inherited by what takes the message's place.
	Effects []Effect `json:"effects,omitempty" doc:"of the message: confirmed is not done again, unknown is asked for first"`
}

// Draft is the text of a letter's message, as it stands by now or as text would have it.
func (d *Desk) Draft(ctx context.Context, id string, text *string) (Draft, error) {
	s, l, err := d.get(ctx, id)
	if err != nil {
		return Draft{}, err
	}
	row, _, err := d.edits(ctx, id)
	if err != nil {
		return Draft{}, err
	}
	rec, err := d.standing(ctx, s.Pos, row)
	if err != nil {
		return Draft{}, fmt.Errorf("letter %s: %w", id, err)
	}
	x, err := d.edit(ctx, l.Route, rec, text)
	if err != nil {
		return Draft{}, err
	}
	out := Draft{Edited: x}
	if out.Effects, err = d.effects(ctx, s.Sub, l.MessageID); err != nil {
		return out, err
	}
	if row.State == "" {
		return out, nil
	}
	out.Edit = &row.Edit
	if text == nil && row.State == EditWaiting {
		// What waits is shown as it will go.
		waits, err := d.at(ctx, journal.Pos(row.Position))
		if err != nil {
			return out, err
		}
		as, err := d.edit(ctx, l.Route, waits, nil)
		if err != nil {
			return out, err
		}
		out.Edited, err = d.edit(ctx, l.Route, rec, &as.Text)
		return out, err
	}
	return out, nil
}

func (d *Desk) edit(ctx context.Context, route string, rec *journal.Record, text *string) (Edited, error) {
	if d.Editor == nil {
		return Edited{}, ErrNoEdit
	}
	if text != nil && len(*text) > LongestText {
		return Edited{}, fmt.Errorf("a text of more than %d bytes is not edited here: %w", LongestText, ErrWish)
	}
	x, err := d.Editor(ctx, route, rec, text)
	if err != nil {
		return x, err
	}
	if x.Changes == nil {
		x.Changes = []FieldChange{}
	}
	if x.Problems == nil {
		x.Problems = []Problem{}
	}
	return x, nil
}

// edits are those of a letter.
func (d *Desk) edits(ctx context.Context, letter string) (e edits, tag uint64, err error) {
	tag, err = d.state(ctx, editKey(letter), &e)
	return e, tag, err
}

// at is the record at a position.
func (d *Desk) at(ctx context.Context, pos journal.Pos) (*journal.Record, error) {
	stored, err := d.Log.Holding(ctx, pos)
	if err != nil {
		return nil, fmt.Errorf("reading the message at %d: %w", pos, err)
	}
	rec, ok := stored.At(pos)
	if !ok {
		return nil, fmt.Errorf("no message stands at position %d", pos)
	}
	return &rec, nil
}

// standing is the message at pos, or what took its place.
func (d *Desk) standing(ctx context.Context, pos journal.Pos, e edits) (*journal.Record, error) {
	if n := len(e.InForce); n > 0 {
		pos = journal.Pos(e.InForce[n-1].Position)
	}
	return d.at(ctx, pos)
}

// ProposeEdit proposes a text for a letter's message, as the letter was seen. It goes once somebody
// else approves of it, at once where the desk asks for nobody else.
func (d *Desk) ProposeEdit(ctx context.Context, id string, opening int, text, reason, actor string) (Edit, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > LongestReason {
		return Edit{}, fmt.Errorf("an edit needs a reason of at most %d bytes, which is kept with it: %w", LongestReason, ErrWish)
	}
	s, l, err := d.seen(ctx, id, opening)
	if err != nil {
		return Edit{}, err
	}
	row, tag, err := d.edits(ctx, id)
	if err != nil {
		return Edit{}, err
	}
	if row.State == EditWaiting && row.Opening == opening && row.Author != actor {
		return row.Edit, fmt.Errorf("letter %s: what %s proposed waits, approve of it or withdraw it first: %w", id, row.Author, ErrState)
	}
	before, err := d.standing(ctx, s.Pos, row)
	if err != nil {
		return Edit{}, fmt.Errorf("letter %s: %w", id, err)
	}
	x, err := d.edit(ctx, l.Route, before, &text)
	switch {
	case err != nil:
		return Edit{}, err
	case len(x.Problems) > 0:
		p := x.Problems[0]
		return Edit{}, fmt.Errorf("%s%s: %w", prefixed(p.Place), p.Message, ErrProblems)
	case len(x.Changes) == 0:
		return Edit{}, fmt.Errorf("nothing is changed, replay it instead: %w", ErrWish)
	}
	now := d.Now().UTC()
	rec := *before
	rec.Data, rec.Personal, rec.Event = x.Record.Data, x.Record.Personal, nil
	rec.ID, rec.Causation = before.ID.Child("desk", fmt.Sprintf("edit/%s/%d", actor, now.UnixNano()), opening), before.ID
	rec.Topic, rec.Pos, rec.Version, rec.Time, rec.Source = "", 0, 0, now, "dlq" // on no topic: it goes to the route of the letter and nowhere else
	rec.Headers = withHeader(before.Headers, ReplacesHeader, before.ID.String())
	// The message comes first and the row that names it second: a hub that dies in between
	// leaves a message that nobody refers to.
	u := &journal.Unit{Records: []journal.Record{rec}}
	if ref, err := d.Journal.Submit(ctx, u); err != nil || ref != nil {
		return Edit{}, fmt.Errorf("letter %s: keeping the text: %w", id, errOr(ref, err))
	}
	row.Edit = Edit{
		Letter: id, Opening: opening, State: EditWaiting, Message: rec.ID, Replaces: before.ID, Position: uint64(u.First),
		Author: actor, Reason: reason, At: now, Fields: []string{},
	}
	for _, c := range x.Changes {
		row.Fields = append(row.Fields, c.Field)
	}
	n := d.editNotice(EditNotices[0], l, row.Edit, actor, reason, tag)
	sealChanges(&n, x.Changes, before.Subject)
	if err := d.submit(ctx, id, &journal.Unit{States: []journal.StateOp{stateOp(editKey(id), tag, row)}, Records: []journal.Record{n}}); err != nil {
		return Edit{}, err
	}
	if d.EditAlone {
		return d.ApproveEdit(ctx, id, row.Message, actor)
	}
	return row.Edit, nil
}

func prefixed(place string) string {
	if place == "" {
		return ""
	}
	return place + ": "
}

func errOr(ref *journal.Refusal, err error) error {
	if err != nil {
		return err
	}
	return ref
}

func withHeader(h map[string]string, k, v string) map[string]string {
	out := make(map[string]string, len(h)+1)
	for k, v := range h {
		out[k] = v
	}
	out[k] = v
	return out
}

// sealChanges puts what was changed into the notice: where the message belongs to somebody, into his sealed group.
func sealChanges(r *journal.Record, changes []FieldChange, subject string) {
	if subject != "" {
		r.Subject = subject
		r.Personal, _ = json.Marshal(changes) // plain strings
		return
	}
	var n EditNotice
	_ = json.Unmarshal(r.Data, &n) // which was marshalled from one
	n.Changes = changes
	r.Data, _ = json.Marshal(n)
}

func (d *Desk) editNotice(typ string, l Letter, e Edit, actor, reason string, tag uint64) journal.Record {
	r := auditOf(typ, "letter/"+e.Letter, EditNotice{
		Letter: e.Letter, Route: l.Route, Message: e.Message.String(), Replaces: e.Replaces.String(), Fields: e.Fields, Author: e.Author, Actor: actor, Reason: reason,
	}, tag, d.Now().UTC())
	r.Correlation, r.Causation = l.Correlation, l.MessageID
	return r
}

// waiting reads an edit that somebody decides on, as he saw it.
func (d *Desk) waiting(ctx context.Context, id string, message journal.ID) (edits, uint64, error) {
	row, tag, err := d.edits(ctx, id)
	switch {
	case err != nil:
		return row, tag, err
	case row.State != EditWaiting:
		return row, tag, fmt.Errorf("letter %s: %w", id, ErrNoneWaits)
	case row.Message != message:
		return row, tag, fmt.Errorf("letter %s: another text waits by now: %w", id, ErrStale)
	}
	return row, tag, nil
}

// ApproveEdit lets an edited message go in the place of the one that failed. message is the one
// that was seen. Approval, replay and who did it are one unit: of two who approve, or of one who approves and one
// who replays the letter as it was, one is told that somebody was faster.
func (d *Desk) ApproveEdit(ctx context.Context, id string, message journal.ID, actor string) (Edit, error) {
	row, tag, err := d.waiting(ctx, id, message)
	if err != nil {
		return row.Edit, err
	}
	if actor == row.Author && !d.EditAlone {
		return row.Edit, fmt.Errorf("the edit of letter %s is yours: %w", id, ErrSecond)
	}
	s, l, err := d.seen(ctx, id, row.Opening)
	if err != nil {
		return row.Edit, err
	}
	effects, err := d.Log.Scan(ctx, journal.TableEffect, s.Sub+"/"+l.MessageID.String()+"/", "", 100)
	if err != nil {
		return row.Edit, fmt.Errorf("reading its effects: %w", err)
	}
	in := approval{Position: row.Position, Attempts: map[string]uint32{}}
	for _, r := range effects {
		f, err := journal.DecodeEffect(r.Value)
		if err != nil {
			return row.Edit, fmt.Errorf("effect %s: %w", r.Key, err)
		}
		in.Attempts[r.Key] = f.Attempt
	}
	now := d.Now().UTC()
	row.State, row.By, row.Ended, row.InForce = EditApproved, actor, &now, append(row.InForce, in)
	u := d.act(&s, &l, journal.LetterReplaying, "letter.Replayed", actor, "edited by "+row.Author+": "+row.Reason)
	u.States = []journal.StateOp{stateOp(editKey(id), tag, row)}
	u.Records = append(u.Records, d.editNotice(EditNotices[1], l, row.Edit, actor, row.Reason, tag))
	if err := d.submit(ctx, id, u); err != nil {
		return row.Edit, err
	}
	_, _ = d.Journal.Wake(s.Sub, s.Pos) // a route that does not run finds it when it does
	return row.Edit, nil
}

// WithdrawEdit takes back what waits: its author, or whoever does not approve of it.
func (d *Desk) WithdrawEdit(ctx context.Context, id string, message journal.ID, actor, reason string) (Edit, error) {
	row, tag, err := d.waiting(ctx, id, message)
	if err != nil {
		return row.Edit, err
	}
	if len(reason) > LongestReason {
		return row.Edit, fmt.Errorf("a reason has at most %d bytes: %w", LongestReason, ErrWish)
	}
	_, l, err := d.get(ctx, id)
	if err != nil {
		return row.Edit, err
	}
	now := d.Now().UTC()
	row.State, row.By, row.Ended = EditWithdrawn, actor, &now
	return row.Edit, d.submit(ctx, id, &journal.Unit{
		States:  []journal.StateOp{stateOp(editKey(id), tag, row)},
		Records: []journal.Record{d.editNotice(EditNotices[2], l, row.Edit, actor, cmp.Or(reason, row.Reason), tag)},
	})
}

// Edits are those that wait for somebody, the oldest first. What was overtaken by a replay of its letter is not
// among them.
func (d *Desk) Edits(ctx context.Context) ([]Edit, error) {
	out := []Edit{}
	err := eachState(ctx, d.Log, editPrefix, "edits", func(_ string, e edits) error {
		if e.State != EditWaiting {
			return nil
		}
		ls, l, err := d.get(ctx, e.Letter)
		if err == nil && ls.State == journal.LetterOpen && l.Opening == e.Opening {
			out = append(out, e.Edit)
		}
		return err
	})
	slices.SortFunc(out, func(a, b Edit) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Letter, b.Letter)) })
	return out, err
}

// Standing is what took the place of a letter's message.
type Standing struct {
	Record journal.Record
	desk   *Desk
	edits  edits
}

// Standing is what goes in the place of a letter's message; nil where that goes itself.
func (d *Desk) Standing(ctx context.Context, letter string) (*Standing, error) {
	row, _, err := d.edits(ctx, letter)
	if err != nil || len(row.InForce) == 0 {
		return nil, err
	}
	rec, err := d.at(ctx, journal.Pos(row.InForce[len(row.InForce)-1].Position))
	if err != nil {
		return nil, err
	}
	return &Standing{*rec, d, row}, nil
}

// Of puts the text of s into a message that failed, which keeps its place: its position, its key, its topic.
func (s *Standing) Of(rec journal.Record) journal.Record { return takePlace(rec, &s.Record) }

func takePlace(rec journal.Record, by *journal.Record) journal.Record {
	rec.ID, rec.Causation, rec.Headers, rec.Data, rec.Personal, rec.Event = by.ID, by.Causation, by.Headers, by.Data, by.Personal, nil
	return rec
}

// Begun is the message as it stood when a call was begun for the attempt-th time. same says that it
// is the one that stands now.
func (s *Standing) Begun(ctx context.Context, rec journal.Record, effect string, attempt uint32) (r journal.Record, same bool, err error) {
	at := -1
	for i, a := range s.edits.InForce {
		if a.Attempts[effect] < attempt {
			at = i
		}
	}
	switch at {
	case len(s.edits.InForce) - 1:
		return s.Of(rec), true, nil
	case -1:
		return rec, false, nil
	}
	by, err := s.desk.at(ctx, journal.Pos(s.edits.InForce[at].Position))
	if err != nil {
		return rec, false, err
	}
	return takePlace(rec, by), false, nil
}
