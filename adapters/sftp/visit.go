package sftp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"github.com/paklog/hub/adapters/internal/dropped"
)

// What a partner sees: his folder's inbox and outbox. Uploads lie in staging until they are whole.
const (
	inbox   = "inbox"
	outbox  = "outbox"
	staging = ".staging"

	uploading = "up-"   // what names of uploads under way begin with
	broken    = "half-" // and those of uploads that broke off

	mostBroken = 16             // of one partner
	brokenFor  = 24 * time.Hour // may he take one up again
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
	if err != nil || folder != inbox || file == "" {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	goesOn := !flags.Trunc && !flags.Excl
	there := v.size(file)
	switch _, err := v.root.Lstat(path.Join(inbox, file)); {
	case flags.Excl && err == nil:
		return nil, sftp.ErrSSHFxFailure
	case there < 0 && !flags.Creat:
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	if err := v.room.count(v.lying); err != nil {
		return nil, said(err)
	}
	name := path.Join(staging, uploading+rand.Text()+".tmp")
	f, err := v.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o640)
	if err != nil {
		v.s.cfg.Log.Error("a file cannot be taken in", "partner", v.partner, "file", file, "err", err)
		return nil, sftp.ErrSSHFxFailure
	}
	u := &upload{v: v, f: f, staged: name, name: file}
	if goesOn && there > 0 {
		if err := u.goOn(there); err != nil {
			v.s.cfg.Log.Warn("a file cannot be gone on with", "partner", v.partner, "file", file, "err", err)
			_, _ = f.Close(), v.root.Remove(name)
			return nil, sftp.ErrSSHFxFailure
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[*upload]struct{}{}
	}
	v.open[u] = struct{}{}
	return u, nil
}

// half is where an upload of a name lies that broke off.
func half(name string) string {
	sum := sha256.Sum256([]byte(name))
	return path.Join(staging, broken+hex.EncodeToString(sum[:16])+".tmp")
}

// size is how much the inbox holds of a file, or how much came of it before it broke off; negative
// is none.
func (v *visit) size(file string) int64 {
	most := int64(-1)
	for _, at := range []string{path.Join(inbox, file), half(file)} {
		if info, err := v.root.Lstat(at); err == nil && info.Mode().IsRegular() {
			most = max(most, info.Size())
		}
	}
	return most
}

// lying is how many bytes lie in the inbox, and wait to be gone on with.
func (v *visit) lying() (n int64, err error) {
	for _, folder := range []string{inbox, staging} {
		list, err := v.list(folder)
		if err != nil {
			return 0, err
		}
		for _, i := range list {
			if folder == inbox || strings.HasPrefix(i.Name(), broken) {
				n += i.Size()
			}
		}
	}
	return n, nil
}

func (v *visit) list(folder string) ([]fs.FileInfo, error) {
	d, err := v.root.Open(folder)
	if err != nil {
		return nil, err
	}
	list, err := d.Readdir(-1)
	return list, errors.Join(err, d.Close())
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
		if folder == inbox && file != "" {
			if h, missing := v.root.Lstat(half(file)); missing == nil && (err != nil || h.Size() > info.Size()) {
				info, err = named{h, file}, nil
			}
		}
		if err != nil {
			return nil, said(err)
		}
		if m := info.Mode(); !m.IsDir() && !m.IsRegular() {
			return nil, sftp.ErrSSHFxPermissionDenied
		}
		return listing{info}, nil
	case "List":
		list, err := v.list(at)
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

// named is a file under another name.
type named struct {
	fs.FileInfo

	name string
}

func (n named) Name() string { return n.name }

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

// publish gives a whole file its name in the inbox, or another one where that is taken by a file of
// other content, and says so. When it returns the file is there even if the power fails.
func (v *visit) publish(from, name string) error {
	name, err := v.place(from, name)
	if err != nil {
		return err
	}
	if err := v.room.sync(func() error { return v.syncDir(inbox) }); err != nil {
		return err
	}
	if f := v.s.cfg.Uploaded; f != nil {
		f(v.partner, name)
	}
	return nil
}

func (v *visit) syncDir(folder string) error {
	d, err := v.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// place renames a file into the inbox. One that waits there keeps its name, unless the new one is the
// same, or goes on where it ends: then it was cut off, and the new one stands for both. One that its
// partner names as unfinished is replaced.
func (v *visit) place(from, name string) (string, error) {
	v.room.naming.Lock()
	defer v.room.naming.Unlock()
	defer v.s.cfg.Lock(v.partner)()
	for i := 1; ; i++ {
		at := name
		if i > 1 {
			at = fmt.Sprintf("%s.%d", name, i)
		}
		to := path.Join(inbox, at)
		old, err := v.root.Lstat(to)
		if errors.Is(err, fs.ErrNotExist) || err == nil && dropped.Unfinished(name) {
			return at, v.root.Rename(from, to)
		}
		if err != nil {
			return "", err
		}
		if from == to || !old.Mode().IsRegular() {
			continue
		}
		same, err := v.begins(from, to)
		if err != nil {
			return "", err
		}
		if same {
			return at, v.root.Rename(from, to)
		}
	}
}

// begins reports whether a file begins with all of another one.
func (v *visit) begins(long, short string) (bool, error) {
	a, err := v.root.Open(long)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := v.root.Open(short)
	if err != nil {
		return false, err
	}
	defer b.Close()
	one, two := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(b, two)
		if m, _ := io.ReadFull(a, one[:n]); m < n || !bytes.Equal(one[:n], two[:n]) {
			return false, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
