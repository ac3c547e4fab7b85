package journalaudit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/paklog/hub/core/journal"
)

// Digest tells two journals apart, whatever store they lie in: equal journals have equal digests.
type Digest struct {
	// Ranges cover the log in order; a unit belongs to the range that its first position is in.
	Ranges []RangeDigest `json:"ranges"`
	// Tables are the keyed tables, then "balance", "head" and "checkpoint".
	Tables []TableDigest `json:"tables"`
}

// RangeDigest is the units that begin from First up to Last, both included.
type RangeDigest struct {
	First  journal.Pos `json:"first"`
	Last   journal.Pos `json:"last"`
	Units  int         `json:"units"`
	SHA256 string      `json:"sha256"` // hexadecimal
}

// TableDigest is all rows of a table in key order.
type TableDigest struct {
	Table  string `json:"table"`
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// Differs says where two digests, of ranges of the same length, first differ; "" nowhere.
func Differs(d, o Digest) string {
	for i := range min(len(d.Ranges), len(o.Ranges)) {
		if a := d.Ranges[i]; a != o.Ranges[i] {
			return fmt.Sprintf("the logs differ between the positions %d and %d", a.First, max(a.Last, o.Ranges[i].Last))
		}
	}
	if a, b := len(d.Ranges), len(o.Ranges); a != b {
		return fmt.Sprintf("one log has %d ranges and the other %d", a, b)
	}
	for i := range min(len(d.Tables), len(o.Tables)) {
		if a, b := d.Tables[i], o.Tables[i]; a != b {
			return fmt.Sprintf("table %s has %d rows here and %d there, which are not the same", a.Table, a.Rows, b.Rows)
		}
	}
	if len(d.Tables) != len(o.Tables) {
		return "they have not the same tables"
	}
	return ""
}

const digestPage = 500

// Digests hashes the log in ranges of every positions (at least 1), and every table. Nothing may be
// written meanwhile.
func Digests(ctx context.Context, d journal.Driver, every journal.Pos) (Digest, error) {
	var out Digest
	if every < 1 {
		return out, fmt.Errorf("a range of %d positions: at least 1", every)
	}
	last, err := d.Last(ctx)
	if err != nil {
		return out, err
	}
	every = min(every, max(1, last))
	sum := newSum()
	var buf []byte
	at := RangeDigest{First: 1, Last: every}
	closeRange := func() {
		at.SHA256 = sum.hex()
		out.Ranges = append(out.Ranges, at)
		at, sum = RangeDigest{First: at.Last + 1, Last: at.Last + every}, newSum()
	}
	for from := journal.Pos(1); from <= last; {
		units, err := d.Units(ctx, from, digestPage)
		if err != nil {
			return out, err
		}
		if len(units) == 0 {
			return out, fmt.Errorf("no unit begins at or above %d, and the log ends at %d", from, last)
		}
		for i := range units {
			u := &units[i]
			for u.First > at.Last {
				closeRange()
			}
			buf = journal.AppendUnit(buf[:0], &u.Unit)
			sum.number(uint64(u.First))
			sum.field(buf)
			at.Units++
			from = u.First + journal.Pos(max(1, len(u.Unit.Records)))
		}
	}
	if last > 0 {
		at.Last = max(at.First, min(at.Last, last))
		closeRange()
	}
	err = out.tables(ctx, d)
	return out, err
}

func (out *Digest) tables(ctx context.Context, d journal.Driver) error {
	add := func(name string, page func(*sum) (int, error)) error {
		s, rows := newSum(), 0
		for {
			n, err := page(s)
			if err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			if rows += n; n < digestPage {
				break
			}
		}
		out.Tables = append(out.Tables, TableDigest{name, rows, s.hex()})
		return nil
	}
	for _, t := range journal.Tables {
		after := ""
		if err := add(string(t), func(s *sum) (int, error) {
			rows, err := d.Scan(ctx, t, "", after, digestPage)
			for _, r := range rows {
				s.field([]byte(r.Key))
				s.field(r.Value)
				after = r.Key
			}
			return len(rows), err
		}); err != nil {
			return err
		}
	}
	book, account := "", ""
	if err := add("balance", func(s *sum) (int, error) {
		rows, err := d.Balances(ctx, book, account, digestPage)
		for _, r := range rows {
			s.field([]byte(r.Book))
			s.field([]byte(r.Account))
			s.number(uint64(r.Amount))
			s.number(uint64(r.Floor))
			book, account = r.Book, r.Account
		}
		return len(rows), err
	}); err != nil {
		return err
	}
	stream := ""
	if err := add("head", func(s *sum) (int, error) {
		rows, err := d.Heads(ctx, stream, digestPage)
		for _, r := range rows {
			s.field([]byte(r.Stream))
			s.number(r.Version)
			s.number(uint64(r.Last))
			stream = r.Stream
		}
		return len(rows), err
	}); err != nil {
		return err
	}
	s := newSum()
	parts, err := d.Checkpoints(ctx, "")
	if err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	for _, c := range parts {
		s.field([]byte(c.Sub))
		s.number(uint64(c.Part))
		s.field(c.Append(nil))
	}
	out.Tables = append(out.Tables, TableDigest{"checkpoint", len(parts), s.hex()})
	return nil
}

// sum is a SHA-256 over fields that cannot run into one another.
type sum struct{ h hash.Hash }

func newSum() *sum { return &sum{sha256.New()} }

func (s *sum) number(n uint64) { s.h.Write(binary.BigEndian.AppendUint64(nil, n)) }

func (s *sum) field(b []byte) {
	s.number(uint64(len(b)))
	s.h.Write(b)
}

func (s *sum) hex() string { return hex.EncodeToString(s.h.Sum(nil)) }
