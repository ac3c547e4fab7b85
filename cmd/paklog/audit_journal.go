package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// auditReport is what an audit of the journal and of the warehouse in it found.
type auditReport struct {
	Folder  string      `json:"folder"`
	Read    string      `json:"read"` // from where
	Last    journal.Pos `json:"last"`
	Units   int         `json:"units"`
	Records int         `json:"records"`
	Rows    int         `json:"rows"`
	// Payloads are the files beside the journal that it names.
	Payloads int `json:"payloads"`

	Subscriptions int            `json:"subscriptions"`
	Streams       map[string]int `json:"streams"` // by kind
	Books         int            `json:"books"`
	Tours         int            `json:"tours"`   // of waves, measured
	Effects       map[string]int `json:"effects"` // by state
	Letters       map[string]int `json:"letters"` // by state
	OpenEffects   []openEffect   `json:"open_effects"`

	Digest *journalaudit.Digest `json:"digest,omitempty"`

	Findings []auditFinding `json:"findings"`
	Dropped  int            `json:"dropped,omitempty"` // findings beyond those kept
}

// auditFinding is one thing that is not as it must be.
type auditFinding struct {
	Kind     string      `json:"kind"`
	Position journal.Pos `json:"position,omitempty"`
	Text     string      `json:"text"`
}

// openEffect is a call whose outcome is not known yet: the hub asks the partner.
type openEffect struct {
	Key   string `json:"key"`
	State string `json:"state"`
	Conn  string `json:"connection"`
	Ref   string `json:"ref"`
}

// mostFindings are kept of each part of an audit.
const mostFindings = 100

func (r *auditReport) find(kind string, pos journal.Pos, format string, a ...any) {
	if len(r.Findings) >= 2*mostFindings {
		r.Dropped++
		return
	}
	r.Findings = append(r.Findings, auditFinding{kind, pos, fmt.Sprintf(format, a...)})
}

// auditJournal proves the log and its tables, the payloads that it names, then
// what the warehouse says in it.
func auditJournal(ctx context.Context, d journal.Driver, look lookup, progress io.Writer) (*auditReport, error) {
	r := &auditReport{Findings: []auditFinding{}, OpenEffects: []openEffect{}}
	subs, err := declaredSubscriptions(ctx, d)
	r.unread(err)
	watched := &watched{Driver: d, progress: progress, seen: map[journal.ID]journal.Pos{}, subs: subs, parts: map[part]*journal.Checkpoint{}, payloads: map[string]journal.Pos{}}
	if watched.last, err = d.Last(ctx); err != nil {
		return nil, err
	}
	checkpoints, err := d.Checkpoints(ctx, "")
	r.unread(err)
	for _, c := range checkpoints {
		watched.parts[part{c.Sub, c.Part}] = c.Checkpoint
	}
	w := &warehouse{d: d, r: r, where: watched.seen}
	r.unread(w.readEffects(ctx))
	got, err := journalaudit.Audit(ctx, watched, journalaudit.Options{Subscriptions: subs, Limit: mostFindings})
	watched.done()
	if err != nil {
		return nil, err
	}
	r.Last, r.Units, r.Records, r.Rows, r.Subscriptions = got.Last, got.Units, got.Records, got.Rows, len(subs)
	r.Dropped += got.Dropped
	for _, f := range got.Findings {
		r.Findings = append(r.Findings, auditFinding{string(f.Kind), f.Pos, f.Text})
	}
	r.auditPayloads(ctx, look, watched.payloads)
	if !got.Unread {
		w.busy = watched.busy
		r.unread(w.audit(ctx))
	}
	return r, ctx.Err()
}

// auditPayloads holds each payload that the journal names against its hash.
func (r *auditReport) auditPayloads(ctx context.Context, look lookup, named map[string]journal.Pos) {
	r.Payloads = len(named)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if ctx.Err() != nil {
			return
		}
		if err := look.verify(ctx, name); err != nil {
			r.find("payload", named[name], "Payload %s, which the unit at %d names, is not there as it was: %v.", name, named[name], err)
		}
	}
}

// unread notes that something could not be read, which is a finding like others: the rest is
// still to be looked at.
func (r *auditReport) unread(err error) {
	if err != nil {
		r.find("damage", 0, "What the journal holds cannot be read: %v.", err)
	}
}

// declaredSubscriptions are those that the journal itself says were read.
func declaredSubscriptions(ctx context.Context, d journal.Driver) (map[string]journalaudit.Subscription, error) {
	subs := map[string]journalaudit.Subscription{}
	prefix := bus.DeclaredKey("")
	err := scanRows(ctx, d, journal.TableState, prefix, func(row journal.Row) error {
		name := strings.TrimPrefix(row.Key, prefix)
		st, err := journal.DecodeState(row.Value)
		if err != nil {
			return err
		}
		starts, err := bus.DeclaredTopics(name, st.Data)
		if err != nil {
			return err
		}
		types, err := bus.DeclaredTypes(st.Data)
		if err != nil {
			return err
		}
		subs[name] = journalaudit.Subscription{
			Topics: slices.Collect(maps.Keys(starts)), Added: starts, Types: types, Timers: bus.TimerTopic(name),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the declared subscriptions: %w", err)
	}
	return subs, nil
}

// scanRows calls f for each row of a table whose key begins with prefix.
func scanRows(ctx context.Context, s journal.Scanner, t journal.Table, prefix string, f func(journal.Row) error) error {
	for after := ""; ; {
		rows, err := s.Scan(ctx, t, prefix, after, 500)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return fmt.Errorf("%s: %w", row.Key, err)
			}
			after = row.Key
		}
		if len(rows) < 500 {
			return nil
		}
	}
}

// part is a partition of a subscription.
type part struct {
	sub string
	n   uint8
}

// watched is a driver whose log is read once, by the auditor: it tells how far that is, where
// the messages stand that are looked for, and whether work was under way.
type watched struct {
	journal.Driver
	last     journal.Pos
	progress io.Writer
	told     journal.Pos
	seen     map[journal.ID]journal.Pos // 0 until it is seen
	subs     map[string]journalaudit.Subscription
	parts    map[part]*journal.Checkpoint
	busy     bool                   // a subscription has not finished all that is its
	payloads map[string]journal.Pos // the unit that named each first
}

func (w *watched) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	units, err := w.Driver.Units(ctx, from, limit)
	for i := range units {
		for _, name := range routes.PayloadsNamed(&units[i].Unit) {
			if _, known := w.payloads[name]; !known {
				w.payloads[name] = units[i].First
			}
		}
		for j := range units[i].Unit.Records {
			r := &units[i].Unit.Records[j]
			if _, wanted := w.seen[r.ID]; wanted {
				w.seen[r.ID] = r.Pos
			}
			w.busy = w.busy || w.owed(r)
		}
	}
	if w.progress != nil && (from == 0 || from-w.told > 5000) {
		w.told = from
		fmt.Fprintf(w.progress, "\raudit: position %d of %d", from, w.last)
	}
	return units, err
}

// owed reports whether a record waits for one of its subscriptions.
func (w *watched) owed(r *journal.Record) bool {
	if r.Topic == "" {
		return false
	}
	for name, s := range w.subs {
		if !s.Takes(r) {
			continue
		}
		c := w.parts[part{name, journal.PartitionOf(r.Key)}]
		if c == nil || r.Pos > c.High || c.IsOpen(r.Pos) {
			return true
		}
	}
	return false
}

func (w *watched) done() {
	if w.progress != nil {
		fmt.Fprintf(w.progress, "\r%60s\r", "")
	}
}

// print tells the report to people.
func (r *auditReport) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, read from %s\n", clean(r.Folder), r.Read)
	fmt.Fprintf(&b, "%d units, %d records up to position %d, %d rows, %d subscriptions\n", r.Units, r.Records, r.Last, r.Rows, r.Subscriptions)
	fmt.Fprintf(&b, "streams: %s; %d books of stock; %d tours of waves; %d payload files\n", counts(r.Streams), r.Books, r.Tours, r.Payloads)
	fmt.Fprintf(&b, "effects: %s\nletters: %s\n", counts(r.Effects), counts(r.Letters))
	for _, e := range r.OpenEffects {
		fmt.Fprintf(&b, "open effect: %s is %s (%s through %s)\n", clean(e.Key), e.State, clean(e.Ref), clean(e.Conn))
	}
	if r.Digest != nil {
		for _, x := range r.Digest.Ranges {
			fmt.Fprintf(&b, "digest: %d to %d, %d units, %s\n", x.First, x.Last, x.Units, x.SHA256)
		}
		for _, x := range r.Digest.Tables {
			fmt.Fprintf(&b, "digest: table %s, %d rows, %s\n", x.Table, x.Rows, x.SHA256)
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "FINDING %-10s %s\n", f.Kind, clean(f.Text))
	}
	switch {
	case len(r.Findings) == 0:
		b.WriteString("the journal is right\n")
	case r.Dropped > 0:
		fmt.Fprintf(&b, "and %d findings more\n", r.Dropped)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], clean(k)))
	}
	return strings.Join(parts, ", ")
}
