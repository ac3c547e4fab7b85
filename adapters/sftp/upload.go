package sftp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"io/fs"

	"github.com/pkg/sftp"
)

// upload is a file that a partner writes, in pieces of any order.
type upload struct {
	v      *visit
	f      *os.File
	staged string
	name   string

	mu     sync.Mutex
	pieces []piece // that were written, in order, none beside another
	from   int64   // what came before it broke off: that is not written again
	held   int64   // of the partner's room
	failed error
	broke  bool // the line did, or the partner went away
}

type piece struct{ from, to int64 }

var errTooLarge = errors.New("larger than files may be")

// WriteAt implements [io.WriterAt].
func (u *upload) WriteAt(b []byte, off int64) (int, error) {
	end := off + int64(len(b))
	u.mu.Lock()
	if off < u.from {
		u.failed = errors.New("what came before is not written again")
	} else if end > u.v.s.cfg.MaxBytes {
		u.failed = errTooLarge
	} else if end > u.held && !u.v.room.take(end-u.held) {
		u.failed = errors.New("no room is left for the partner's files")
	} else {
		u.held = max(u.held, end)
	}
	err := u.failed
	u.mu.Unlock()
	if err != nil {
		return 0, sftp.ErrSSHFxFailure
	}
	n, err := u.f.WriteAt(b, off)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		u.failed = err
		return n, sftp.ErrSSHFxFailure
	}
	u.wrote(piece{off, end})
	return n, nil
}

// size is how far the file was written.
func (u *upload) size() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pieces) == 0 {
		return 0
	}
	return u.pieces[len(u.pieces)-1].to
}

// wrote joins a piece with those that it touches.
func (u *upload) wrote(p piece) {
	i, _ := slices.BinarySearchFunc(u.pieces, p.from, func(x piece, from int64) int { return int(min(1, max(-1, x.to-from))) })
	j := i
	for ; j < len(u.pieces) && u.pieces[j].from <= p.to; j++ {
		p.from, p.to = min(p.from, u.pieces[j].from), max(p.to, u.pieces[j].to)
	}
	u.pieces = slices.Replace(u.pieces, i, j, p)
}

// TransferError implements [sftp.TransferError]: what breaks off is not published.
func (u *upload) TransferError(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed == nil {
		u.failed, u.broke = err, true
	}
}

// goOn begins with what came of a file before.
func (u *upload) goOn(size int64) error {
	at := half(u.name)
	if info, err := u.v.root.Lstat(at); err != nil || info.Size() < size {
		at = path.Join(inbox, u.name) // his client ended properly what he had interrupted
	}
	old, err := u.v.root.Open(at)
	if err != nil {
		return err
	}
	defer old.Close()
	if n, err := io.Copy(u.f, io.LimitReader(old, size)); err != nil || n != size {
		return errors.Join(err, fmt.Errorf("%d of %d bytes are there", n, size))
	}
	if !u.v.room.take(size) {
		return errors.New("no room is left for the partner's files")
	}
	u.from, u.held = size, size
	u.pieces = []piece{{0, size}}
	return nil
}

// keep lays what came of a file aside, for a partner who goes on where it broke off.
func (u *upload) keep() error {
	if len(u.pieces) == 0 || u.pieces[0].from != 0 {
		return errors.New("nothing came from its beginning")
	}
	// It may lie beside what came at an earlier try: the longer one stays.
	if info, err := u.v.root.Lstat(half(u.name)); err == nil && info.Size() > u.pieces[0].to {
		return errors.New("more of it came before")
	}
	if err := errors.Join(u.f.Truncate(u.pieces[0].to), u.f.Sync(), u.f.Close()); err != nil {
		return err
	}
	u.v.room.naming.Lock()
	defer u.v.room.naming.Unlock()
	if err := u.v.root.Rename(u.staged, half(u.name)); err != nil {
		return err
	}
	return u.v.forget()
}

// forget removes what nobody went on with.
func (v *visit) forget() error {
	list, err := v.list(staging)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(i fs.FileInfo) bool { return !strings.HasPrefix(i.Name(), broken) })
	slices.SortFunc(list, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for n, i := range list {
		if n >= mostBroken || time.Since(i.ModTime()) > brokenFor {
			err = errors.Join(err, v.root.Remove(path.Join(staging, i.Name())))
		}
	}
	return err
}

// Close publishes the file once it is durable, or discards it.
func (u *upload) Close() (err error) {
	u.v.mu.Lock()
	delete(u.v.open, u)
	u.v.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	lies := false
	defer func() { u.v.room.give(u.held, lies) }()
	err = u.failed
	if err == nil && (len(u.pieces) > 1 || len(u.pieces) == 1 && u.pieces[0].from != 0) {
		err = errors.New("it has holes")
	}
	if err == nil {
		err = u.f.Sync()
	}
	if err == nil {
		err = u.f.Close()
	}
	if err == nil {
		err = u.v.publish(u.staged, u.name)
	}
	if lies = err == nil || u.broke && u.keep() == nil; lies && err != nil {
		u.v.s.cfg.Log.Info("an upload broke off: its partner may go on with it for a day", "partner", u.v.partner, "file", u.name, "bytes", u.pieces[0].to)
		return sftp.ErrSSHFxFailure
	}
	if err != nil {
		_ = u.f.Close()
		_ = u.v.root.Remove(u.staged)
		u.v.s.cfg.Log.Warn("a file that a partner sent is discarded: he was told, or went away", "partner", u.v.partner, "file", u.name, "err", err)
		return sftp.ErrSSHFxFailure
	}
	_ = u.v.root.Remove(half(u.name)) // it has come whole since
	return nil
}
