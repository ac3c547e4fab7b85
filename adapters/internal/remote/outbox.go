package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/paklog/hub/core/fault"
)

// Outbox drops our files at a partner. A file is staged whole beside its place under a hidden
// name, its size is looked at, and one rename publishes it: so a file that was staged and is not
// any more was published, whether the partner has taken it since or not.
type Outbox struct {
	link Link
	dir  string
}

// NewOutbox drops files over a link.
func NewOutbox(link Link, at Folders) *Outbox { return &Outbox{link, at.Drop} }

func (o *Outbox) paths(name string) (staged, out string, err error) {
	if name == "" || name != path.Base(name) || name[0] == '.' {
		return "", "", fault.E("remote.Outbox", fault.Internal, fmt.Errorf("file %q must be a plain name", name))
	}
	return path.Join(o.dir, "."+name+".tmp"), path.Join(o.dir, name), nil
}

// Stage writes a file for Publish. It may be called again with the same content; it must not be
// once Publish was begun.
func (o *Outbox) Stage(ctx context.Context, _, name string, data []byte) error {
	staged, _, err := o.paths(name)
	if err != nil {
		return err
	}
	return o.link.Do(ctx, "remote.Stage", false, int64(len(data)), func(s Session) error {
		if err := s.Put(staged, data); err != nil {
			return fmt.Errorf("writing %s: %w", staged, err)
		}
		info, err := s.Stat(staged)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", staged, err)
		}
		if info.Size() != int64(len(data)) {
			return Answer(fmt.Sprintf("%s has %d bytes at the server, %d were written", staged, info.Size(), len(data)))
		}
		return nil
	})
}

// Publish gives a staged file its name, never over another one.
func (o *Outbox) Publish(ctx context.Context, _, name string) error {
	staged, out, err := o.paths(name)
	if err != nil {
		return err
	}
	return o.link.Do(ctx, "remote.Publish", true, 0, func(s Session) error {
		if _, err := s.Stat(out); err == nil {
			return Answer(out + " is there already: its name is ours to give, ask the partner what it is")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.Rename(staged, out); err != nil {
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
	err = o.link.Do(ctx, "remote.Staged", false, 0, func(s Session) error {
		switch _, err := s.Stat(staged); {
		case err == nil:
			there = true
			return nil
		case errors.Is(err, fs.ErrNotExist):
			_, err = s.Stat(o.dir) // the folder itself may be away: then nothing is known
			return err
		default:
			return err
		}
	})
	return there, err
}
