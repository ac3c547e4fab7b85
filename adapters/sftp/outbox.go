package sftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pkg/sftp"

	"github.com/paklog/hub/core/fault"
)

// Outbox drops our files at partners. A file is staged whole beside its place under a hidden
// name, its size is looked at, and one rename publishes it: so a file that was staged and is not
// any more was published, whether the partner has taken it since or not.
type Outbox struct{ conn *Conn }

// NewOutbox drops files over a connection.
func NewOutbox(c *Conn) *Outbox { return &Outbox{c} }

func (o *Outbox) paths(name string) (staged, out string, err error) {
	if name == "" || name != path.Base(name) || name[0] == '.' {
		return "", "", fault.E("sftp.Outbox", fault.Internal, fmt.Errorf("file %q must be a plain name", name))
	}
	dir := o.conn.cfg.Drop
	return path.Join(dir, "."+name+".tmp"), path.Join(dir, name), nil
}

// Stage writes a file for Publish. It may be called again with the same content; it must not be
// once Publish was begun.
func (o *Outbox) Stage(ctx context.Context, _, name string, data []byte) error {
	const op = "sftp.Stage"
	staged, _, err := o.paths(name)
	if err != nil {
		return err
	}
	return o.conn.do(ctx, op, false, int64(len(data)), func(c *sftp.Client) error {
		f, err := c.OpenFile(staged, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return fmt.Errorf("making %s: %w", staged, err)
		}
		_, err = f.ReadFrom(bytes.NewReader(data))
		if err == nil {
			err = f.Sync()
			var status *sftp.StatusError
			if errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported {
				err = nil // then the server syncs when it likes
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("writing %s: %w", staged, err)
		}
		info, err := c.Stat(staged)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", staged, err)
		}
		if info.Size() != int64(len(data)) {
			return fmt.Errorf("%w%s has %d bytes at the server, %d were written", errAnswer, staged, info.Size(), len(data))
		}
		return nil
	})
}

// Publish gives a staged file its name, never over another one.
func (o *Outbox) Publish(ctx context.Context, _, name string) error {
	const op = "sftp.Publish"
	staged, out, err := o.paths(name)
	if err != nil {
		return err
	}
	return o.conn.do(ctx, op, true, 0, func(c *sftp.Client) error {
		if _, err := c.Lstat(out); err == nil {
			return fmt.Errorf("%w%s is there already: its name is ours to give, ask the partner what it is", errAnswer, out)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := c.Rename(staged, out); err != nil {
			return fmt.Errorf("renaming %s to %s: %w", staged, out, err)
		}
		return nil
	})
}

// Staged reports whether a file still waits to be published. Of a file that was staged, false
// means that it was.
func (o *Outbox) Staged(ctx context.Context, _, name string) (there bool, err error) {
	staged, _, err := o.paths(name)
	if err != nil {
		return false, err
	}
	err = o.conn.do(ctx, "sftp.Staged", false, 0, func(c *sftp.Client) error {
		switch _, err := c.Lstat(staged); {
		case err == nil:
			there = true
			return nil
		case errors.Is(err, fs.ErrNotExist):
			_, err = c.Lstat(o.conn.cfg.Drop) // the folder itself may be away: then nothing is known
			return err
		default:
			return err
		}
	})
	return there, err
}
