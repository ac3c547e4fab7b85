package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/paklog/hub/core/journal"
)

// Manifest says what a backup holds. Restore believes nothing else.
type Manifest struct {
	Format int            `json:"format"`
	Last   journal.Pos    `json:"last"`
	Files  []ManifestFile `json:"files"` // the database first
}

// ManifestFile is one file of a backup. Name is relative and has forward slashes.
type ManifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

const manifestName = "manifest.json"

// Backup copies the running journal, as of one moment, into a new folder dst, with the
// files that its units name. The folder appears whole and durable or not at all.
func (s *Store) Backup(ctx context.Context, dst string) error {
	conn, err := (&sqlite.Driver{}).Open(s.dsn("wal_autocheckpoint(0)"))
	if err != nil {
		return advice(s.file, err)
	}
	defer conn.Close()
	if err := s.backup(ctx, conn, dst); err != nil {
		return fmt.Errorf("backing up %s to %s: %w", s.dir, dst, roomIn(dst, err))
	}
	return nil
}

// roomIn says what to do where a copy found no room.
func roomIn(dst string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || code(err)&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("the disk of %s is full: make room there, or name a folder on another disk; nothing is left of the copy: %w", dst, err)
	}
	return err
}

func (s *Store) backup(ctx context.Context, conn driver.Conn, dst string) error {
	return whole(dst, func(partial string) error {
		copied := filepath.Join(partial, fileName)
		if err := exec(ctx, conn, "VACUUM INTO ?", copied); err != nil {
			return err
		}
		m := Manifest{}
		if err := describe(ctx, copied, &m); err != nil {
			return err
		}
		if err := m.add(partial, fileName); err != nil {
			return err
		}
		// Files are older than the commits that name them and are never changed: those that
		// are there after the snapshot was taken hold all that it names.
		for _, folder := range s.opts.Files {
			err := filepath.WalkDir(filepath.Join(s.dir, folder), func(path string, d fs.DirEntry, err error) error {
				if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
					return nil
				}
				if err != nil {
					return err
				}
				name, err := filepath.Rel(s.dir, path)
				if err != nil {
					return err
				}
				switch _, err := copyFile(ctx, path, filepath.Join(partial, name)); {
				case errors.Is(err, fs.ErrNotExist):
					return nil // nothing names it: it was swept away meanwhile
				case err != nil:
					return err
				}
				return m.add(partial, name)
			})
			if err != nil {
				return err
			}
		}
		b, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(partial, manifestName), append(b, '\n'), 0o600)
	})
}

// describe reads format and last position out of a copied database.
func describe(ctx context.Context, file string, m *Manifest) error {
	conn, err := (&sqlite.Driver{}).Open(file)
	if err != nil {
		return err
	}
	w := &writer{s: &Store{file: file}, conn: conn}
	defer conn.Close()
	format, err := w.number(ctx, "PRAGMA user_version")
	if err != nil {
		return err
	}
	m.Format = int(format)
	m.Last, err = w.readLast(ctx)
	return err
}

func (m *Manifest) add(dir, name string) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	m.Files = append(m.Files, ManifestFile{filepath.ToSlash(name), n, hex.EncodeToString(h.Sum(nil))})
	return nil
}

// whole makes a folder by build in a folder beside it and renames it once it is durable.
func whole(dst string, build func(partial string) error) error {
	dst, err := filepath.Abs(dst)
	if err != nil {
		return err
	}
	switch names, err := os.ReadDir(dst); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(names) > 0:
		return fmt.Errorf("folder %s is not empty: name a new one", dst)
	}
	partial := dst + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return err
	}
	err = build(partial)
	if err == nil {
		err = syncTree(partial)
	}
	if err == nil {
		err = os.Rename(partial, dst)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	return syncDir(filepath.Dir(dst))
}

func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncDir(path) // files and folders alike
	})
}

// copyFile returns the SHA-256 of what it copied.
func copyFile(ctx context.Context, src, dst string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	in, err := os.Open(src)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(dst), 0o700); err != nil {
		return "", err
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}

// Restore puts a backup into the folder dir, which is empty or missing, after each file was
// found to be what the manifest says. The store in it says [Store.Restored] until it is told
// otherwise: what happened after the backup is not in it, and the world may have moved on.
func Restore(ctx context.Context, src, dir string) error {
	if err := restore(ctx, src, dir); err != nil {
		return fmt.Errorf("restoring %s into %s: %w", src, dir, roomIn(dir, err))
	}
	return nil
}

func restore(ctx context.Context, src, dir string) error {
	b, err := os.ReadFile(filepath.Join(src, manifestName))
	if err != nil {
		return fmt.Errorf("reading the manifest (is this the folder of a backup?): %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	if err := readable(m.Format, journal.Format, migrations); err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	if len(m.Files) == 0 || m.Files[0].Name != fileName {
		return fmt.Errorf("the manifest names no %s", fileName)
	}
	return whole(dir, func(partial string) error {
		for _, f := range m.Files {
			name, err := filepath.Localize(f.Name)
			if err != nil {
				return fmt.Errorf("the manifest names %q, which is outside the folder", f.Name)
			}
			sum, err := copyFile(ctx, filepath.Join(src, name), filepath.Join(partial, name))
			if err != nil {
				return err
			}
			if sum != f.SHA256 {
				return fmt.Errorf("%s is damaged: its SHA-256 is %s and the manifest says %s; use another backup", f.Name, sum, f.SHA256)
			}
		}
		file := filepath.Join(partial, fileName)
		var have Manifest
		if err := describe(ctx, file, &have); err != nil {
			return err
		}
		if have.Last != m.Last || have.Format != m.Format {
			return fmt.Errorf("%s ends at position %d and the manifest says %d", fileName, have.Last, m.Last)
		}
		return mark(ctx, file, m.Last)
	})
}

// mark notes in the restored database that it is one.
func mark(ctx context.Context, file string, last journal.Pos) error {
	conn, err := (&sqlite.Driver{}).Open(file)
	if err != nil {
		return err
	}
	return errors.Join(exec(ctx, conn, "REPLACE INTO meta (key, value) VALUES ('restored', ?)", int64(last)), conn.Close())
}

// Restored reports whether the store came from a backup and nobody has said yet that the
// world was brought in line with it: until then outward doors stay shut.
func (s *Store) Restored() bool { return s.restored.Load() }

// ClearRestored says so. It is called like Write: from one goroutine at a time.
func (s *Store) ClearRestored(ctx context.Context) error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	if err := exec(context.WithoutCancel(ctx), s.write.conn, "DELETE FROM meta WHERE key = 'restored'"); err != nil {
		return advice(s.file, fmt.Errorf("clearing the mark of a restored journal: %w", err))
	}
	s.restored.Store(false)
	return nil
}
