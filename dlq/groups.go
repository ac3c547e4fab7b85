package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// Index is what finds letters. It is folded from the journal beside the commits, so an answer may
// be a moment behind; what is acted on is read from the journal itself.
type Index interface {
	Letters(ctx context.Context, q view.DeskQuery) (view.DeskPage, error)
	// Groups are the letters by fingerprint, or those of one; their hours end with now's.
	Groups(ctx context.Context, fingerprint string, now time.Time) ([]view.DeskGroup, error)
}

// ErrNoGroup says that no letter ever had the fingerprint.
var ErrNoGroup = errors.New("no such group of letters")

// Care is what people have said of a group.
type Care struct {
	Notes    []Note     `json:"notes,omitempty"`
	Runbook  string     `json:"runbook,omitempty" doc:"what to do about this cause"`
	Assignee string     `json:"assignee,omitempty"`
	Snoozed  *time.Time `json:"snoozed,omitempty" doc:"not listed until then, unless it fails anew in a way of its own"`
	Archived *Archive   `json:"archived,omitempty"`
}

// Note is what somebody found out about a group.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Archive is a group that is put away. It comes back by itself when it fails again.
type Archive struct {
	At     time.Time  `json:"at"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until,omitempty" doc:"it comes back then, if letters of it are open still"`
}

// Group is letters of one cause, and what people said of it.
type Group struct {
	view.DeskGroup
	Care
	Status string `json:"status" doc:"open, snoozed, archived, or done where none of its letters waits"`
	// Remedy stands in a group that is looked at alone.
	Remedy []Remedy `json:"remedy,omitempty" nullable:"false" doc:"master data that its newest open letters lack, and the operation that adds it; in lists it is left out"`
}

// States of a group.
const (
	GroupOpen     = "open"
	GroupSnoozed  = "snoozed"
	GroupArchived = "archived"
	GroupDone     = "done"
)

// Limits of what people write.
const (
	mostNotes   = 200
	LongestNote = 4000  // bytes
	LongestBook = 16000 // of a runbook's text
)

func groupKey(fingerprint string) string { return "desk/group/" + fingerprint }

// Groups lists the groups in a state, "" for those that are open and "all" for all; those that failed last first.
func (d *Desk) Groups(ctx context.Context, state string) ([]Group, error) {
	list, err := d.Index.Groups(ctx, "", d.Now())
	if err != nil {
		return nil, err
	}
	cares, err := d.cares(ctx)
	if err != nil {
		return nil, err
	}
	out := []Group{}
	for _, g := range list {
		x := d.cared(g, cares[g.Fingerprint])
		if state == "all" || x.Status == state || state == "" && x.Status == GroupOpen {
			out = append(out, x)
		}
	}
	return out, nil
}

// Group is one group, with its remedy.
func (d *Desk) Group(ctx context.Context, fingerprint string) (Group, error) {
	g, err := d.group(ctx, fingerprint)
	if err == nil {
		g.Remedy, err = d.remedy(ctx, fingerprint)
	}
	return g, err
}

func (d *Desk) group(ctx context.Context, fingerprint string) (Group, error) {
	list, err := d.Index.Groups(ctx, fingerprint, d.Now())
	if err != nil {
		return Group{}, err
	}
	if fingerprint == "" || len(list) != 1 {
		return Group{}, fmt.Errorf("%q: %w", fingerprint, ErrNoGroup)
	}
	c, _, err := d.care(ctx, fingerprint)
	if err != nil {
		return Group{}, err
	}
	return d.cared(list[0], c), nil
}

func (d *Desk) cared(g view.DeskGroup, c Care) Group {
	x := Group{DeskGroup: g, Care: c, Status: GroupOpen}
	now := d.Now()
	switch a := c.Archived; {
	case a != nil && !g.Last.After(a.At) && (a.Until == nil || now.Before(*a.Until)):
		x.Status = GroupArchived
	case g.Open+g.Replaying == 0:
		x.Status = GroupDone
	case c.Snoozed != nil && now.Before(*c.Snoozed):
		x.Status = GroupSnoozed
	}
	return x
}

func (d *Desk) cares(ctx context.Context) (map[string]Care, error) {
	out := map[string]Care{}
	err := eachState(ctx, d.Log, groupKey(""), "what was said of groups", func(fingerprint string, c Care) error {
		out[fingerprint] = c
		return nil
	})
	return out, err
}

// eachState calls take with each row of the desk's own whose key begins with prefix, by what follows it. The error
// says what was read.
func eachState[T any](ctx context.Context, log Log, prefix, what string, take func(name string, v T) error) error {
	const page = 500
	for after := ""; ; {
		rows, err := log.Scan(ctx, journal.TableState, prefix, after, page)
		if err != nil {
			return fmt.Errorf("reading %s: %w", what, err)
		}
		for _, r := range rows {
			after = r.Key
			s, err := journal.DecodeState(r.Value)
			var v T
			if err == nil {
				err = json.Unmarshal(s.Data, &v)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", r.Key, err)
			}
			if err := take(strings.TrimPrefix(r.Key, prefix), v); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
	}
}

func (d *Desk) care(ctx context.Context, fingerprint string) (c Care, tag uint64, err error) {
	tag, err = d.state(ctx, groupKey(fingerprint), &c)
	return c, tag, err
}

// state reads a row of the desk's own; v stays as it is where there is none.
func (d *Desk) state(ctx context.Context, key string, v any) (tag uint64, err error) {
	b, err := d.Journal.Row(ctx, journal.TableState, key)
	if err != nil || b == nil {
		return 0, err
	}
	s, err := journal.DecodeState(b)
	if err == nil {
		err = json.Unmarshal(s.Data, v)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return s.Tag, nil
}

// GroupAct is what somebody does about a group. Exactly one field is set.
type GroupAct struct {
	Note    string
	Runbook *string
	Assign  *string
	Snooze  *time.Time // zero ends it
	Archive *Archive   // At and By are filled in
	Restore bool
}

// GroupNotice is what audit-events say of an act.
type GroupNotice struct {
	Fingerprint string     `json:"fingerprint"`
	Actor       string     `json:"actor"`
	Text        string     `json:"text,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
}

// apply changes what is said of a group; typ is the event that tells of it.
func (a GroupAct) apply(c *Care, actor string, now time.Time) (typ string, n GroupNotice, err error) {
	n.Actor = actor
	switch {
	case a.Note != "":
		if len(c.Notes) >= mostNotes {
			return "", n, fmt.Errorf("a group has at most %d notes: %w", mostNotes, ErrWish)
		}
		c.Notes = append(c.Notes, Note{now, actor, a.Note})
		n.Text, typ = a.Note, "group.Noted"
	case a.Runbook != nil:
		c.Runbook, n.Text, typ = *a.Runbook, *a.Runbook, "group.Documented"
	case a.Assign != nil:
		c.Assignee, n.Text, typ = *a.Assign, *a.Assign, "group.Assigned"
	case a.Snooze != nil:
		c.Snoozed, typ = nil, "group.Woken"
		if !a.Snooze.IsZero() {
			at := a.Snooze.UTC()
			c.Snoozed, n.Until, typ = &at, &at, "group.Snoozed"
		}
	case a.Archive != nil:
		if strings.TrimSpace(a.Archive.Reason) == "" {
			return "", n, fmt.Errorf("archiving needs a reason, which is kept with the group: %w", ErrWish)
		}
		c.Archived = &Archive{At: now, By: actor, Reason: a.Archive.Reason, Until: a.Archive.Until}
		n.Text, n.Until, typ = a.Archive.Reason, a.Archive.Until, "group.Archived"
	case a.Restore:
		if c.Archived == nil {
			return "", n, fmt.Errorf("the group is not archived: %w", ErrState)
		}
		c.Archived, typ = nil, "group.Restored"
	default:
		return "", n, fmt.Errorf("say what to do about the group: %w", ErrWish)
	}
	return typ, n, nil
}

// GroupNotices are the types of audit-events about groups.
var GroupNotices = []string{"group.Noted", "group.Documented", "group.Assigned", "group.Woken", "group.Snoozed", "group.Archived", "group.Restored"}

// tries is how often an act is made again when somebody else acted at the same time.
const tries = 10

// Tend does something about a group. Of several who act at once, all are heard.
func (d *Desk) Tend(ctx context.Context, fingerprint, actor string, act GroupAct) (Group, error) {
	g, err := d.group(ctx, fingerprint)
	if err != nil {
		return g, err
	}
	for range tries {
		c, tag, err := d.care(ctx, fingerprint)
		if err != nil {
			return g, err
		}
		now := d.Now().UTC()
		typ, n, err := act.apply(&c, actor, now)
		if err != nil {
			return g, err
		}
		n.Fingerprint = fingerprint
		u := &journal.Unit{
			States:  []journal.StateOp{stateOp(groupKey(fingerprint), tag, c)},
			Records: []journal.Record{auditOf(typ, "group/"+fingerprint, n, tag, now)},
		}
		ref, err := d.Journal.Submit(ctx, u)
		if err != nil {
			return g, fmt.Errorf("group %s: %w", fingerprint, err)
		}
		if ref == nil {
			return d.cared(g.DeskGroup, c), nil
		}
	}
	return g, fmt.Errorf("group %s: too many act on it at once: %w", fingerprint, ErrState)
}

func stateOp(key string, tag uint64, v any) journal.StateOp {
	b, err := json.Marshal(v)
	if err != nil {
		panic("dlq: the desk's rows are plain data: " + err.Error())
	}
	return journal.StateOp{Key: key, Tag: tag, Data: b}
}

// auditOf is the record of an act; of one key and state there is one.
func auditOf(typ, key string, v any, tag uint64, at time.Time) journal.Record {
	data, err := json.Marshal(v)
	if err != nil {
		panic("dlq: a notice is plain data: " + err.Error())
	}
	return journal.Record{
		ID: journal.ID{}.Child("desk", fmt.Sprintf("%s %s %d %d", key, typ, tag, at.UnixNano()), 0), Type: typ, Schema: 1, Topic: "audit-events", Key: key, Time: at, Source: "dlq", Data: data,
	}
}

// Search finds letters, newest first.
func (d *Desk) Search(ctx context.Context, q view.DeskQuery) (view.DeskPage, error) {
	if q.States == nil {
		q.States = []string{"open", "replaying"}
	} else if slices.Contains(q.States, "all") {
		q.States = nil
	}
	return d.Index.Letters(ctx, q)
}
