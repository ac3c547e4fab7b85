package inventory_test

import (
	"fmt"
	"slices"

	"github.com/paklog/hub/core/journal"
)

// ledger is a small reference: postings with floors, judged after the whole unit.
type ledger struct {
	balance map[string]int64
	floor   map[string]int64
}

func newLedger() *ledger { return &ledger{map[string]int64{}, map[string]int64{}} }

func (l *ledger) of(book, account string) int64 { return l.balance[book+"|"+account] }

func (l *ledger) clone() *ledger {
	c := newLedger()
	for k, v := range l.balance {
		c.balance[k] = v
	}
	for k, v := range l.floor {
		c.floor[k] = v
	}
	return c
}

// post applies a unit whole or refuses it; a unit that does not balance, or that
// gives an account a second floor, panics: no decision may make one.
func (l *ledger) post(posts []journal.Posting) error {
	next, sum := map[string]int64{}, map[string]int64{}
	for _, p := range posts {
		k := p.Book + "|" + p.Account
		if f, ok := l.floor[k]; ok && f != p.Floor {
			panic(fmt.Sprintf("%s has floor %d and %d", k, f, p.Floor))
		}
		l.floor[k] = p.Floor
		if _, ok := next[k]; !ok {
			next[k] = l.balance[k]
		}
		next[k] += p.Amount
		sum[p.Book] += p.Amount
	}
	for book, n := range sum {
		if n != 0 {
			panic(fmt.Sprintf("%s is out of balance by %d: %+v", book, n, posts))
		}
	}
	keys := make([]string, 0, len(next))
	for k := range next {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if next[k] < l.floor[k] {
			return fmt.Errorf("%s would have %d", k, next[k])
		}
	}
	for k, v := range next {
		l.balance[k] = v
	}
	return nil
}
