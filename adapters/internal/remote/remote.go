// Package remote exchanges files with partners in folders of theirs, whatever protocol leads there:
// it takes what lies in one once it no longer changes, and puts ours into another under a name of
// its own until it is whole.
package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
)

// Folders are what is agreed with one partner. Paths are of his server, "/"-separated.
type Folders struct {
	Partner string
	Server  string // as it is called in logs

	Pickup  string        // files of the partner's are here; "" is none
	Match   string        // pattern of their names (path.Match); "" is all
	Archive string        // where a file goes that the hub holds; "" removes it
	Keep    bool          // or leave it where it lies: for a folder that we may only read
	Drop    string        // ours go here; "" is none
	Poll    time.Duration // between two looks: 30 s
	Max     int64         // bytes of a file that is taken: 64 MiB

	Spool string // folder here for what is on its way; "" is that of temporary files
	Store dropped.Store
	Open  dropped.Open
}

// Prepare fills in what was left out, and says what does not fit, each at its place.
func (f *Folders) Prepare() (errs []error) {
	bad := func(place, text string) { errs = append(errs, fmt.Errorf("%s: %s", place, text)) }
	f.Poll = cmp.Or(max(f.Poll, 0), 30*time.Second)
	f.Max = cmp.Or(max(f.Max, 0), 64<<20)
	if f.Pickup == "" && f.Drop == "" {
		bad("pickup", "neither a folder to take files from nor one to drop them in is named")
	}
	if _, err := path.Match(f.Match, ""); err != nil {
		bad("match", err.Error())
	}
	if f.Archive != "" && path.Clean(f.Archive) == path.Clean(f.Pickup) {
		bad("archive", "is the folder that files are taken from: they would be taken again")
	}
	if f.Archive != "" && f.Keep {
		bad("keep", "files are either archived or kept where they lie")
	}
	if f.Drop != "" && path.Clean(f.Drop) == path.Clean(f.Pickup) {
		bad("drop", "is the folder that files are taken from: ours would come back")
	}
	return errs
}

// Viewer is what a session lets us see. Errors are those of io/fs where they can be.
type Viewer interface {
	List(dir string) ([]fs.FileInfo, error)
	// Stat does not follow links.
	Stat(name string) (fs.FileInfo, error)
	// Get writes a file from an offset on.
	Get(name string, from int64, to io.Writer) error
}

// Changer is what a session lets us do.
type Changer interface {
	// Put writes a file anew, durable where the server can be asked for it.
	Put(name string, data []byte) error
	Rename(from, to string) error
	Remove(name string) error
}

// Session is an open connection to a partner's server.
type Session interface {
	Viewer
	Changer
}

// Link leads to one partner's server. Its connection is kept, and made anew when it broke.
type Link interface {
	// Do runs one step, which moves so many bytes, in its time. Steps do not overlap, and none is
	// repeated. An error is classified (core/fault): Unavailable where nothing can have happened;
	// where a step that changes something for the partner broke off it is Unknown. It is an
	// [ErrLine] where the connection is what failed.
	Do(ctx context.Context, op string, changes bool, bytes int64, step func(Session) error) error
	Close() error
}

// ErrLine marks errors of a connection, as against answers that came over it.
var ErrLine = errors.New("the connection failed")

// Answer is what we found in an answer that came whole: the connection is as good as before.
type Answer string

func (a Answer) Error() string { return string(a) }

// Answered reports whether an error is an answer, or what we make of one.
func Answered(err error) bool {
	var found Answer
	return errors.As(err, &found) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrExist)
}
