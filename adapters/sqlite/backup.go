package sqlite

import (
	"context"
	"database/sql/driver"
)

func (s *Store) backup(ctx context.Context, conn driver.Conn, dst string) error { return nil }
