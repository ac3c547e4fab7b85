// Package journalaudit proves a journal: it folds the whole log again by [journal.Judge] and
// compares every table with what it gets, and it holds checkpoints against the marks of units.
// It reads through the port alone, so that it says the same of every driver, and changes
// nothing. The journal is not written meanwhile.
package journalaudit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

// Options of an audit. The zero value audits all but the deliveries of subscriptions.
type Options struct {
	// Subscriptions are those whose checkpoints are to be proved record by record.
	Subscriptions map[string]Subscription
	// Limit is the most findings that are kept. Default 100.
	Limit int
	// Page is how many units or rows are read at once. Default 500.
	Page int
}

// Subscription is what a subscription reads.
type Subscription struct {
	Topics []string
	// Types are the record types it takes, with the position each began behind; nil is all.
	// Records of the topic Timers it takes whatever their type.
	Types  map[string]journal.Pos
	Timers string
	Start  journal.Pos // it sees what stands after this position
	// Added are topics that it reads only from behind a later position.
	Added map[string]journal.Pos
}

// Report is what an audit found. The journal is right when Findings is empty.
type Report struct {
	Units   int
	Records int
	Last    journal.Pos
	Rows    int // of all tables
	// Unread says that a part of the log cannot be read: then nothing else was held against it.
	Unread   bool
	Findings []Finding
	Dropped  int // findings beyond the limit
}

// Finding is one thing that is not as it must be.
type Finding struct {
	Kind Kind
	Pos  journal.Pos // 0 where it is about no position
	Text string      // a plain sentence
}

func (f Finding) String() string { return f.Text }

// Kind sorts findings.
type Kind string

// Kinds of findings.
const (
	KindDamage     Kind = "damage"     // a unit that is not what was written
	KindLog        Kind = "log"        // a hole, an overlap, a log that cannot be read
	KindRule       Kind = "rule"       // a unit that the rule refuses: version, floor, double entry, transition
	KindLink       Kind = "link"       // a record whose version or stream or topic listing is wrong
	KindTable      Kind = "table"      // a table that differs from what the log says
	KindCheckpoint Kind = "checkpoint" // a record finished twice, never, or without being delivered
)

type auditor struct {
	d      journal.Driver
	opts   Options
	report Report
	tables journalmem.Tables
	marks  map[mark]journal.Pos // unit that finished it
	parts  map[mark]*journal.Checkpoint
	owed   []mark
	topics map[string]topicSum
	read   map[string][]string // subscriptions by topic
}

// mark is a record of a partition of a subscription; as a key of parts, Pos is 0.
type mark struct {
	sub  string
	part uint8
	pos  journal.Pos
}

// Audit reads the whole journal. An error means that it could not be read to its end; the
// report then holds what was found before.
func Audit(ctx context.Context, d journal.Driver, o Options) (Report, error) {
	o.Limit, o.Page = cmp.Or(o.Limit, 100), cmp.Or(o.Page, 500)
	a := &auditor{
		d: d, opts: o,
		marks: map[mark]journal.Pos{}, parts: map[mark]*journal.Checkpoint{},
		topics: map[string]topicSum{}, read: map[string][]string{},
	}
	for sub, s := range o.Subscriptions {
		for _, t := range s.Topics {
			a.read[t] = append(a.read[t], sub)
		}
	}
	for _, step := range [...]func(context.Context) error{a.checkpoints, a.log, a.listings, a.compareTables, a.open} {
		if err := step(ctx); err != nil {
			return a.report, fmt.Errorf("auditing the journal: %w", err)
		}
		if a.report.Unread {
			break
		}
	}
	return a.report, nil
}

func (a *auditor) find(kind Kind, pos journal.Pos, format string, args ...any) {
	if len(a.report.Findings) >= a.opts.Limit {
		a.report.Dropped++
		return
	}
	a.report.Findings = append(a.report.Findings, Finding{kind, pos, fmt.Sprintf(format, args...)})
}

// log folds every unit and holds positions and versions.
func (a *auditor) log(ctx context.Context) error {
	last, err := a.d.Last(ctx)
	if err != nil {
		return err
	}
	a.report.Last = last
	next := journal.Pos(1)
	from := journal.Pos(0)
	for {
		units, err := a.d.Units(ctx, from, a.opts.Page)
		for i := range units {
			u := &units[i]
			switch {
			case u.First > next:
				a.find(KindLog, next, "Positions %d to %d are in no unit.", next, u.First-1)
			case u.First < next:
				a.find(KindLog, u.First, "The unit at %d overlaps the one before it, which ends at %d.", u.First, next-1)
			}
			next = u.First + journal.Pos(max(1, len(u.Unit.Records)))
			a.unit(ctx, u)
			from = u.First + 1
		}
		if err != nil {
			// What is behind a unit that cannot be read is not known to follow from anything.
			a.report.Unread = true
			return a.damage(ctx, from, last, err)
		}
		if len(units) < a.opts.Page {
			break
		}
	}
	if next != last+1 {
		a.find(KindLog, last, "The log ends at position %d and the journal says %d.", next-1, last)
	}
	return nil
}

// damage finds every unit from there on that cannot be read. err is of the first.
func (a *auditor) damage(ctx context.Context, from, last journal.Pos, err error) error {
	for ctx.Err() == nil && from <= last {
		d, ok := errors.AsType[*journal.DamageError](err)
		if !ok {
			a.find(KindLog, from, "The log cannot be read from position %d on: %v.", from, err)
			break
		}
		if d.First >= from {
			a.find(KindDamage, d.First, "The unit stored at position %d is damaged: %v.", d.First, d.Cause)
			from = d.First
		}
		// Damage may be wider than a unit: what is told again is passed over step by step.
		for from, err = from+1, nil; err == nil; {
			var units []journal.Stored
			if units, err = a.d.Units(ctx, from, a.opts.Page); err == nil && len(units) < a.opts.Page {
				return nil
			}
			if n := len(units); n > 0 {
				from = units[n-1].First + 1
			}
		}
	}
	return ctx.Err()
}

func (a *auditor) unit(ctx context.Context, u *journal.Stored) {
	a.report.Units++
	a.report.Records += len(u.Unit.Records)
	stored := make([]uint64, len(u.Unit.Records))
	for i := range u.Unit.Records {
		stored[i] = u.Unit.Records[i].Version
	}
	if err := a.tables.Fold(ctx, u); err != nil {
		if r, ok := errors.AsType[*journal.Refusal](err); ok {
			a.find(KindRule, u.First, "The unit at %d (%s) breaks the rule: %v.", u.First, u.Unit.ID, r)
		} else {
			a.find(KindRule, u.First, "The unit at %d (%s) cannot be folded: %v.", u.First, u.Unit.ID, err)
		}
		return
	}
	for i := range u.Unit.Records {
		r := &u.Unit.Records[i]
		if r.Version != stored[i] {
			a.find(KindLink, r.Pos, "The event at %d is stored as version %d of stream %s and is its version %d.", r.Pos, stored[i], r.Stream, r.Version)
		}
		if r.Topic != "" {
			t := a.topics[r.Topic]
			a.topics[r.Topic] = t.add(r.Pos)
		}
		a.due(r)
	}
	a.mark(u)
}

// Takes reports whether the subscription is given r.
func (s Subscription) Takes(r *journal.Record) bool {
	if !slices.Contains(s.Topics, r.Topic) || r.Pos <= s.Start || r.Pos <= s.Added[r.Topic] {
		return false
	}
	if s.Types == nil || r.Topic == s.Timers {
		return true
	}
	from, ok := s.Types[r.Type]
	return ok && r.Pos > from
}

// topicSum says enough of a topic's positions to know that a listing is another.
type topicSum struct {
	n   int
	sum uint64
}

func (t topicSum) add(p journal.Pos) topicSum {
	return topicSum{t.n + 1, (t.sum ^ uint64(p)) * 1099511628211}
}

// listings reads each topic and each stream as subscriptions and folds do.
func (a *auditor) listings(ctx context.Context) error {
	for topic, want := range a.topics {
		var got topicSum
		for after, more := journal.Pos(0), true; more; {
			records, err := a.d.Topics(ctx, []string{topic}, after, a.opts.Page)
			if err != nil {
				a.find(KindLink, after, "Topic %s cannot be read after position %d: %v.", topic, after, err)
				break
			}
			for _, r := range records {
				got = got.add(r.Pos)
				after = r.Pos
			}
			more = len(records) == a.opts.Page
		}
		if got != want {
			a.find(KindLink, 0, "Topic %s lists %d records and the log holds %d, or others.", topic, got.n, want.n)
		}
	}
	// Short pages, so that whatever a driver keeps to begin in the middle of a long stream is
	// made use of.
	page := min(a.opts.Page, streamPage)
	return eachHead(ctx, &a.tables, a.opts.Page, func(h journal.HeadRow) error {
		n := uint64(0)
		for {
			records, err := a.d.Stream(ctx, h.Stream, n, page)
			if err != nil {
				a.find(KindLink, h.Last, "Stream %s cannot be read after version %d: %v.", h.Stream, n, err)
				return ctx.Err()
			}
			for _, r := range records {
				if r.Version != n+1 {
					a.find(KindLink, r.Pos, "Stream %s has version %d where %d is next.", h.Stream, r.Version, n+1)
					return nil
				}
				n++
			}
			if len(records) < page {
				break
			}
		}
		if n != h.Version {
			a.find(KindLink, h.Last, "Stream %s reads to version %d and the log holds %d.", h.Stream, n, h.Version)
		}
		return nil
	})
}

const streamPage = 64

func eachHead(ctx context.Context, s journal.Scanner, page int, f func(journal.HeadRow) error) error {
	for after := ""; ; {
		rows, err := s.Heads(ctx, after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			after = r.Stream
		}
		if len(rows) < page {
			return nil
		}
	}
}

// row is one row of any table in comparable form.
type row struct {
	key   string
	value []byte
	text  string
}

// pager reads a table page by page.
type pager func(after row, limit int) ([]row, error)

// compareTables holds each table against the fold.
func (a *auditor) compareTables(ctx context.Context) error {
	if err := a.compare("heads", headPager(ctx, a.d), headPager(ctx, &a.tables)); err != nil {
		return err
	}
	if err := a.compare("balances", balancePager(ctx, a.d), balancePager(ctx, &a.tables)); err != nil {
		return err
	}
	for _, t := range journal.Tables {
		if err := a.compare(string(t), rowPager(ctx, a.d, t), rowPager(ctx, &a.tables, t)); err != nil {
			return err
		}
	}
	return nil
}

func rowPager(ctx context.Context, s journal.Scanner, t journal.Table) pager {
	return func(after row, limit int) ([]row, error) {
		rows, err := s.Scan(ctx, t, "", after.key, limit)
		out := make([]row, len(rows))
		for i, r := range rows {
			out[i] = row{r.Key, r.Value, ""}
		}
		return out, err
	}
}

func headPager(ctx context.Context, s journal.Scanner) pager {
	return func(after row, limit int) ([]row, error) {
		rows, err := s.Heads(ctx, after.key, limit)
		out := make([]row, len(rows))
		for i, r := range rows {
			text := fmt.Sprintf("version %d at position %d", r.Version, r.Last)
			out[i] = row{r.Stream, []byte(text), text}
		}
		return out, err
	}
}

func balancePager(ctx context.Context, s journal.Scanner) pager {
	return func(after row, limit int) ([]row, error) {
		book, account, _ := cutNUL(after.key)
		rows, err := s.Balances(ctx, book, account, limit)
		out := make([]row, len(rows))
		for i, r := range rows {
			text := fmt.Sprintf("%d with floor %d", r.Amount, r.Floor)
			out[i] = row{r.Book + "\x00" + r.Account, []byte(text), text}
		}
		return out, err
	}
}

func cutNUL(k string) (string, string, bool) {
	before, after, ok := bytes.Cut([]byte(k), []byte{0})
	return string(before), string(after), ok
}

// compare walks both sides in key order.
func (a *auditor) compare(table string, have, want pager) error {
	h, w := &walk{next: have, page: a.opts.Page}, &walk{next: want, page: a.opts.Page}
	for {
		x, okX, err := h.peek()
		if err != nil {
			a.find(KindTable, 0, "Table %s cannot be read: %v.", table, err)
			return nil
		}
		y, okY, err := w.peek()
		if err != nil {
			return err
		}
		switch {
		case !okX && !okY:
			return nil
		case !okY || okX && x.key < y.key:
			a.find(KindTable, 0, "Table %s has a row %q that the log does not say.", table, x.key)
			h.take()
		case !okX || y.key < x.key:
			a.find(KindTable, 0, "Table %s has no row %q, and the log says there is one.", table, y.key)
			w.take()
		default:
			a.report.Rows++
			if !bytes.Equal(x.value, y.value) {
				if x.text == "" {
					x.text, y.text = fmt.Sprintf("%.80x", x.value), fmt.Sprintf("%.80x", y.value)
				}
				a.find(KindTable, 0, "Row %q of table %s is %s, and the log says %s.", x.key, table, x.text, y.text)
			}
			h.take()
			w.take()
		}
	}
}

type walk struct {
	next pager
	page int
	rows []row
	last row
	end  bool
}

func (w *walk) peek() (row, bool, error) {
	if len(w.rows) == 0 && !w.end {
		rows, err := w.next(w.last, w.page)
		if err != nil {
			return row{}, false, err
		}
		w.rows, w.end = rows, len(rows) < w.page
	}
	if len(w.rows) == 0 {
		return row{}, false, nil
	}
	return w.rows[0], true, nil
}

func (w *walk) take() { w.last, w.rows = w.rows[0], w.rows[1:] }
