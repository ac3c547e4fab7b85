package sqlite

import (
	"context"
	"database/sql"
	"hash/maphash"
	"sync/atomic"
)

// names is a Bloom filter over the streams, or the claims, that there are. Most of what a unit asks for
// is a stream that it begins, or an outside id that is new: the filter knows without a look into the file
// that there is none. It is filled beside the work after the journal is opened, and until then answers
// nothing.
//
// A name is in it before the commit that makes the row. One too many costs a look; one missing would
// begin a stream or take an id twice, which the file refuses.
type names struct {
	seed  maphash.Seed
	bits  []atomic.Uint64 // a power of two of words
	ready atomic.Bool
}

// Bits for each name: one in a hundred that are not there is looked for all the same. Where
// there are many times more than room was made for, all are.
const (
	nameBits   = 10
	nameProbes = 5
	minNames   = 1 << 20
)

func newNames(there int64) *names {
	words := 1
	for words*64 < nameBits*int(max(minNames, 2*there)) {
		words *= 2
	}
	return &names{seed: maphash.MakeSeed(), bits: make([]atomic.Uint64, words)}
}

// probes calls f with each place of a name until it returns false.
func (n *names) probes(name []byte, f func(word, bit uint64) bool) {
	h := maphash.Bytes(n.seed, name)
	step := h>>32 | 1
	for range nameProbes {
		at := h & uint64(64*len(n.bits)-1)
		if !f(at/64, 1<<(at%64)) {
			return
		}
		h += step
	}
}

func (n *names) add(name []byte) {
	n.probes(name, func(word, bit uint64) bool {
		n.bits[word].Or(bit)
		return true
	})
}

// absent reports that there is surely none of that name.
func (n *names) absent(name []byte) bool {
	if !n.ready.Load() {
		return false
	}
	missing := false
	n.probes(name, func(word, bit uint64) bool {
		missing = n.bits[word].Load()&bit == 0
		return !missing
	})
	return missing
}

// fill takes in what the file holds, a page at a time so that others read between. What is
// committed meanwhile the writer adds by itself.
func (n *names) fill(ctx context.Context, page *sql.Stmt) error {
	after := []byte{}
	for {
		last, found, err := n.page(ctx, page, after)
		if err != nil {
			return err
		}
		if found < namesPage {
			n.ready.Store(true)
			return nil
		}
		after = last
	}
}

// page takes in the names behind after, and returns the last of them and how many there were.
func (n *names) page(ctx context.Context, page *sql.Stmt, after []byte) (last []byte, found int, err error) {
	rows, err := page.QueryContext(ctx, after, namesPage)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var name sql.RawBytes
	for ; rows.Next(); found++ {
		if err := rows.Scan(&name); err != nil {
			return nil, 0, err
		}
		n.add(name)
		last = append(last[:0], name...)
	}
	return last, found, rows.Err()
}

const namesPage = 4096
