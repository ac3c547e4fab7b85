package sftp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"github.com/paklog/hub/adapters/internal/dropped"
)

// What a partner sees: his folder's inbox and outbox. Uploads lie in staging until they are whole.
const (
	inbox   = "inbox"
	outbox  = "outbox"
	staging = ".staging"

	uploading = "up-" // what names of unfinished uploads begin with
)

// visit is one session of a partner.
type visit struct {
	s       *Server
	partner string
	root    *os.Root
	room    *allowance

	mu   sync.Mutex
	open map[*upload]struct{}
}

// end discards what was not closed.
func (v *visit) end() {
	v.mu.Lock()
	open := v.open
	v.open = nil
	v.mu.Unlock()
	for u := range open {
		u.TransferError(io.ErrUnexpectedEOF)
		_ = u.Close()
	}
	_ = v.root.Close()
}

// where is a path of the partner's below his folder: "." for the top, else a folder of two, or a
// file in one.
func where(name string) (folder, file string, err error) {
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	if clean == "" {
		return ".", "", nil
	}
	folder, file, _ = strings.Cut(clean, "/")
	if folder != inbox && folder != outbox || strings.Contains(file, "/") {
		return "", "", fs.ErrNotExist
	}
	if strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) || len(file) > 200 {
		return "", "", fs.ErrPermission
	}
	return folder, file, nil
}

// Fileread implements [sftp.FileReader].
func (v *visit) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	folder, file, err := where(r.Filepath)
	if err != nil || file == "" {
		return nil, errors.Join(err, sftp.ErrSSHFxPermissionDenied)
	}
	f, err := v.root.Open(path.Join(folder, file))
	if err != nil {
		return nil, said(err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	return f, nil
}

// Filewrite implements [sftp.FileWriter].
func (v *visit) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	folder, file, err := where(r.Filepath)
	flags := r.Pflags()
	if err != nil || folder != inbox || file == "" || flags.Append {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	// A file is written anew and whole: one that is there is not changed in part.
	switch _, err := v.root.Lstat(path.Join(inbox, file)); {
	case err == nil && (flags.Excl || !flags.Trunc):
		return nil, sftp.ErrSSHFxFailure
	case errors.Is(err, fs.ErrNotExist) && !flags.Creat:
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	lying, err := v.lying()
	if err != nil {
		return nil, said(err)
	}
	v.room.holds(lying)
	name := path.Join(staging, uploading+rand.Text()+".tmp")
	f, err := v.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		v.s.cfg.Log.Error("a file cannot be taken in", "partner", v.partner, "file", file, "err", err)
		return nil, sftp.ErrSSHFxFailure
	}
	u := &upload{v: v, f: f, staged: name, name: file}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[*upload]struct{}{}
	}
	v.open[u] = struct{}{}
	return u, nil
}

// lying is how many bytes lie in the inbox.
func (v *visit) lying() (n int64, err error) {
	d, err := v.root.Open(inbox)
	if err != nil {
		return 0, err
	}
	list, err := d.Readdir(-1)
	for _, i := range list {
		n += i.Size()
	}
	return n, errors.Join(err, d.Close())
}

// Filecmd implements [sftp.FileCmder].
func (v *visit) Filecmd(r *sftp.Request) error {
	folder, file, err := where(r.Filepath)
	if err != nil {
		return said(err)
	}
	switch r.Method {
	case "Setstat": // times and modes are ours, and a size is what was written
		if r.AttrFlags().Size && !v.has(folder, file, int64(r.Attributes().Size)) {
			return sftp.ErrSSHFxOpUnsupported
		}
		return nil
	case "Remove":
		if file == "" {
			return sftp.ErrSSHFxPermissionDenied
		}
		return said(v.remove(folder, file))
	case "Rename", "PosixRename":
		to, name, err := where(r.Target)
		if err != nil || file == "" || name == "" || folder != inbox || to != inbox {
			return sftp.ErrSSHFxPermissionDenied
		}
		return said(v.publish(path.Join(inbox, file), name))
	}
	return sftp.ErrSSHFxOpUnsupported
}

// has reports whether a file, or one that is being written, is of a size: scp ends each by setting
// the one that it has.
func (v *visit) has(folder, file string, size int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for u := range v.open {
		if u.name == file && u.size() == size {
			return true
		}
	}
	info, err := v.root.Lstat(path.Join(folder, file))
	return err == nil && info.Size() == size
}

func (v *visit) remove(folder, file string) error {
	at := path.Join(folder, file)
	info, err := v.root.Lstat(at)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fs.ErrPermission
	}
	return v.root.Remove(at)
}

// Filelist implements [sftp.FileLister].
func (v *visit) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	folder, file, err := where(r.Filepath)
	if err != nil {
		return nil, said(err)
	}
	at := path.Join(folder, file)
	switch r.Method {
	case "Stat", "Lstat":
		info, err := v.root.Lstat(at)
		if err != nil {
			return nil, said(err)
		}
		if m := info.Mode(); !m.IsDir() && !m.IsRegular() {
			return nil, sftp.ErrSSHFxPermissionDenied
		}
		return listing{info}, nil
	case "List":
		d, err := v.root.Open(at)
		if err != nil {
			return nil, said(err)
		}
		defer func() { _ = d.Close() }()
		list, err := d.Readdir(-1)
		if err != nil {
			return nil, said(err)
		}
		list = slices.DeleteFunc(list, func(i fs.FileInfo) bool {
			top := folder == "." && i.Name() != inbox && i.Name() != outbox
			return top || !i.IsDir() && !i.Mode().IsRegular()
		})
		slices.SortFunc(list, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		return listing(list), nil
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

// listing is a list as it was when it was asked for, given page by page: an answer of more than
// 256 KiB breaks clients.
type listing []fs.FileInfo

// ListAt implements [sftp.ListerAt].
func (l listing) ListAt(out []fs.FileInfo, from int64) (int, error) {
	if from >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(out[:min(len(out), 100)], l[from:])
	if from+int64(n) == int64(len(l)) {
		return n, io.EOF
	}
	return n, nil
}

// said is what a partner is told of an error of ours.
func said(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return sftp.ErrSSHFxPermissionDenied
	}
	return sftp.ErrSSHFxFailure
}

// publish gives a whole file its name in the inbox, or another one where that is taken, and says
// so. When it returns the file is there even if the power fails.
func (v *visit) publish(from, name string) error {
	v.room.naming.Lock()
	defer v.room.naming.Unlock()
	name, err := v.free(name)
	if err != nil {
		return err
	}
	if err := v.root.Rename(from, path.Join(inbox, name)); err != nil {
		return err
	}
	d, err := v.root.Open(inbox)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return err
	}
	if f := v.s.cfg.Uploaded; f != nil {
		f(v.partner, name)
	}
	return nil
}

// free is a name of the inbox that nothing has: a file that waits there is never replaced, but one
// that its partner has not finished is.
func (v *visit) free(name string) (string, error) {
	if dropped.Unfinished(name) {
		return name, nil
	}
	for i := 1; ; i++ {
		at := name
		if i > 1 {
			at = fmt.Sprintf("%s.%d", name, i)
		}
		if _, err := v.root.Lstat(path.Join(inbox, at)); errors.Is(err, fs.ErrNotExist) {
			return at, nil
		} else if err != nil {
			return "", err
		}
	}
}

// upload is a file that a partner writes, in pieces of any order.
type upload struct {
	v      *visit
	f      *os.File
	staged string
	name   string

	mu     sync.Mutex
	pieces []piece // that were written, in order, none beside another
	held   int64   // of the partner's room
	failed error
}

type piece struct{ from, to int64 }

var errTooLarge = errors.New("larger than files may be")

// WriteAt implements [io.WriterAt].
func (u *upload) WriteAt(b []byte, off int64) (int, error) {
	end := off + int64(len(b))
	u.mu.Lock()
	if off < 0 || end > u.v.s.cfg.MaxBytes {
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
	u.failed = errors.Join(u.failed, err)
}

// Close publishes the file once it is durable, or discards it.
func (u *upload) Close() error {
	u.v.mu.Lock()
	delete(u.v.open, u)
	u.v.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.v.room.give(u.held)
	err := u.failed
	if err == nil && (len(u.pieces) > 1 || len(u.pieces) == 1 && u.pieces[0].from != 0) {
		err = errors.New("it has holes")
	}
	if err == nil {
		err = u.f.Sync()
	}
	err = errors.Join(err, u.f.Close())
	if err == nil {
		err = u.v.publish(u.staged, u.name)
	}
	if err != nil {
		_ = u.v.root.Remove(u.staged)
		u.v.s.cfg.Log.Warn("a file that a partner sent is discarded: he was told, or went away", "partner", u.v.partner, "file", u.name, "err", err)
		return sftp.ErrSSHFxFailure
	}
	return nil
}

// allowance is the room that a partner's files take in his inbox, and while they are written.
type allowance struct {
	naming sync.Mutex // held while a file gets its name

	mu                sync.Mutex
	used, lies, bound int64
}

// holds notes how much lies in the inbox.
func (a *allowance) holds(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lies = n
}

func (a *allowance) take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used+a.lies+n > a.bound {
		return false
	}
	a.used += n
	return true
}

func (a *allowance) give(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
}
