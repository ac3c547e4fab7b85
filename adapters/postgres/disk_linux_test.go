package postgres_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/internal/disktest"
	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/core/journal"
)

// TestADiskThatIsFull fills the disk of the server's tables: the batch that finds no room is refused
// whole, and the same one is written when there is room again.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	dir := disktest.Mount(t, "8m")
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), server.Own(dir)); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE TABLESPACE small LOCATION '" + dir + "'", "ALTER ROLE paklog SET default_tablespace = small"} {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := open(t, postgres.Options{URL: server.URL})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	big := func() *journal.Batch {
		u := unit("o/1", uint64(n))
		u.Records[0].Data = make([]byte, 200<<10)
		return &journal.Batch{Units: []*journal.Unit{u}}
	}
	for ; n < 100; n++ {
		if _, err = s.Write(t.Context(), big()); err != nil {
			break
		}
	}
	if !errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrBroken) {
		t.Fatalf("Write after %d batches: %v, want ErrFull alone", n, err)
	}
	stands(t, s, n)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Write(t.Context(), big()); err != nil || r[0] != nil {
		t.Errorf("the same batch with room again: %v, %v", r, err)
	}
	stands(t, s, n+1)
}
