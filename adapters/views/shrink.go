package views

import (
	"context"
	"errors"

	"github.com/paklog/hub/adapters/internal/sqlrows"
)

// Shrink gives back the memory of pages that are only kept to be fast. It is for a hub at rest.
func (s *Store) Shrink(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.current
	if f == nil {
		return nil
	}
	f.write.SetMaxIdleConns(0) // closes those that nobody uses
	f.write.SetMaxIdleConns(1)
	f.read.SetMaxIdleConns(0)
	f.read.SetMaxIdleConns(readers)
	return f.apply.shrink(ctx)
}

func (a *applier) shrink(ctx context.Context) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		return nil
	}
	st, err := sqlrows.Prepare(ctx, a.conn, "PRAGMA shrink_memory")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return sqlrows.Run(ctx, st)
}
