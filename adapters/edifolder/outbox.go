package edifolder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/paklog/hub/core/fault"
)

// Outbox publishes our files to partners. A file is staged whole and synced first, then
// moved into the outbox by one rename: so a file that is no longer staged was published,
// whether the partner has taken it since or not.
type Outbox struct{ root string }

// NewOutbox prepares the outboxes.
func NewOutbox(root string, partners []string) (*Outbox, error) {
	if err := Prepare(root, partners); err != nil {
		return nil, err
	}
	return &Outbox{root}, nil
}

func (o *Outbox) paths(partner, name string) (staged, out string, err error) {
	if !safe(partner) || !safe(name) {
		return "", "", fault.E("edifolder.Outbox", fault.Internal, fmt.Errorf("partner %q and file %q must be plain names", partner, name))
	}
	dir := filepath.Join(o.root, partner)
	return filepath.Join(dir, ".staging", name), filepath.Join(dir, "outbox", name), nil
}

// Stage writes a file for Publish. It may be called again with the same content; it must not be
// once Publish was begun.
func (o *Outbox) Stage(_ context.Context, partner, name string, data []byte) error {
	const op = "edifolder.Stage"
	staged, _, err := o.paths(partner, name)
	if err != nil {
		return err
	}
	tmp := staged + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return fault.E(op, fault.Transient, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fault.E(op, fault.Transient, err)
	}
	if err := os.Rename(tmp, staged); err != nil {
		return fault.E(op, fault.Transient, err)
	}
	if err := syncDir(filepath.Dir(staged)); err != nil {
		return fault.E(op, fault.Transient, err)
	}
	return nil
}

// Publish moves a staged file into the outbox. Errors before the move are Transient: it
// surely did not happen.
func (o *Outbox) Publish(_ context.Context, partner, name string) error {
	const op = "edifolder.Publish"
	staged, out, err := o.paths(partner, name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(out); err == nil {
		return fault.E(op, fault.Unknown, fmt.Errorf("outbox has a file %s already", name))
	}
	if err := os.Rename(staged, out); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fault.E(op, fault.Unknown, err)
		}
		return fault.E(op, fault.Transient, err)
	}
	if err := errors.Join(syncDir(filepath.Dir(out)), syncDir(filepath.Dir(staged))); err != nil {
		return fault.E(op, fault.Unknown, err)
	}
	return nil
}

// Staged reports whether a file still waits to be published. Of a file that was staged,
// false means that it was.
func (o *Outbox) Staged(_ context.Context, partner, name string) (bool, error) {
	staged, _, err := o.paths(partner, name)
	if err != nil {
		return false, err
	}
	_, err = os.Lstat(staged)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.E("edifolder.Staged", fault.Transient, err)
	}
	return true, nil
}
