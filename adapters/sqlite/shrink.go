package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// Shrink gives back the memory that the store only keeps to be fast: pages of the file, and what
// the writer knows of streams, balances and rows. It is for a hub at rest; what is asked
// for again is read again.
func (s *Store) Shrink(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.broken.Load(); err != nil {
		return *err
	}
	w := s.write
	w.state, w.staged, w.heads, w.byName = newState(w), journal.Staged{}, nil, map[string]*stream{}
	w.packer = stretch.Packer{Size: stretchSize}
	errs := []error{shrink(ctx, w.conn), s.look.shrink(ctx), s.pages.shrink(ctx)}
	s.read.SetMaxIdleConns(0) // closes those that nobody uses
	s.read.SetMaxIdleConns(s.opts.Readers)
	return errors.Join(errs...)
}

func shrink(ctx context.Context, c driver.Conn) error { return exec(ctx, c, "PRAGMA shrink_memory") }

// shrink passes by the connections that are in use.
func (p *lookups) shrink(ctx context.Context) error {
	var errs []error
	for range p.all {
		select {
		case l := <-p.idle:
			errs = append(errs, shrink(ctx, l.conn))
			p.idle <- l
		default:
		}
	}
	return errors.Join(errs...)
}
