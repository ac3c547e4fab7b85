package ftps

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/jlaffaye/ftp"
)

var errNotExist, errPermission = fs.ErrNotExist, fs.ErrPermission

// session implements [remote.Session].
type session struct {
	c      *ftp.ServerConn
	home   string
	broken bool // an answer may still come that belongs to nothing
}

// List implements [remote.Viewer]. The folder is entered first: servers list one that is not there
// as an empty one, and read names with blanks in it as options.
func (s *session) List(dir string) (out []fs.FileInfo, err error) {
	if err := s.c.ChangeDir(dir); err != nil {
		return nil, said(err)
	}
	list, err := s.c.List("")
	if back := s.c.ChangeDir(s.home); back != nil {
		s.broken = true
		err = errors.Join(err, back)
	}
	for _, e := range list {
		if e.Name != "." && e.Name != ".." {
			out = append(out, entry{e})
		}
	}
	return out, said(err)
}

// Stat implements [remote.Viewer].
func (s *session) Stat(name string) (fs.FileInfo, error) {
	clean := path.Clean(name)
	if base := path.Base(clean); base == "." || base == "/" || base == ".." {
		if _, err := s.List(clean); err != nil {
			return nil, err
		}
		return entry{&ftp.Entry{Name: base, Type: ftp.EntryTypeFolder}}, nil
	}
	list, err := s.List(path.Dir(clean))
	if err != nil {
		return nil, err
	}
	for _, info := range list {
		if info.Name() == path.Base(clean) {
			return info, nil
		}
	}
	// Some servers hide what begins with a dot.
	size, err := s.c.FileSize(clean)
	if err != nil {
		if err = said(err); errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return nil, err
	}
	return entry{&ftp.Entry{Name: path.Base(clean), Type: ftp.EntryTypeFile, Size: uint64(max(size, 0))}}, nil
}

// Get implements [remote.Viewer].
func (s *session) Get(name string, from int64, to io.Writer) error {
	r, err := s.c.RetrFrom(name, uint64(max(from, 0)))
	if err != nil {
		return said(err)
	}
	_, err = io.Copy(to, r)
	if end := r.Close(); err != nil || end != nil {
		s.broken = true
		if err == nil {
			return end // the server says that it was not whole
		}
	}
	return err
}

// Put implements [remote.Changer]. FTP has no way to ask for what is durable.
func (s *session) Put(name string, data []byte) error {
	if err := s.c.Stor(name, bytes.NewReader(data)); err != nil {
		s.broken = true // or an answer to the next command would be that to this one
		return said(err)
	}
	return nil
}

// Rename implements [remote.Changer].
func (s *session) Rename(from, to string) error { return said(s.c.Rename(from, to)) }

// Remove implements [remote.Changer].
func (s *session) Remove(name string) error { return said(s.c.Delete(name)) }

// entry is a line of a listing. Its time is as precise as the server writes it, and good for
// comparing with itself.
type entry struct{ e *ftp.Entry }

func (i entry) Name() string       { return i.e.Name }
func (i entry) Size() int64        { return int64(min(i.e.Size, 1<<62)) }
func (i entry) ModTime() time.Time { return i.e.Time }
func (i entry) IsDir() bool        { return i.e.Type == ftp.EntryTypeFolder }
func (i entry) Sys() any           { return nil }

// Mode implements [fs.FileInfo].
func (i entry) Mode() fs.FileMode {
	switch i.e.Type {
	case ftp.EntryTypeFolder:
		return fs.ModeDir
	case ftp.EntryTypeLink:
		return fs.ModeSymlink
	case ftp.EntryTypeFile:
	}
	return 0
}
