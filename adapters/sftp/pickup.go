package sftp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/paklog/hub/adapters/internal/dropped"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// Pickup takes a partner's files into the hub. A file is read once it stood the same at two looks
// in a row, and leaves its folder once the hub holds it. What comes again, here or by another
// door, is taken once: by its bytes.
type Pickup struct {
	conn *Conn
	hub  door.Caller
	log  *slog.Logger

	seen map[string]sight // by name, at the last look
	away bool             // the last look failed
}

type stamp struct {
	size int64
	mod  time.Time
}

// sight is how a file stood, at how many looks in a row, and whether it is done with: what cannot
// be taken stays where it is, and is looked at again when it changes.
type sight struct {
	stamp
	looks int
	done  bool
}

// enough is at how many looks in a row a file stands the same before it is read; patience is that
// of an empty one, whose bytes may follow.
const enough, patience = 2, 10

// NewPickup takes files over a connection.
func NewPickup(c *Conn, hub door.Caller, log *slog.Logger) *Pickup {
	return &Pickup{conn: c, hub: hub, log: log.With("partner", c.cfg.Partner, "server", c.cfg.Addr), seen: map[string]sight{}}
}

// Run looks at the folder until ctx ends.
func (p *Pickup) Run(ctx context.Context) error {
	tick := time.NewTicker(p.conn.cfg.Poll)
	defer tick.Stop()
	for {
		if err := p.Poll(ctx); ctx.Err() == nil {
			p.tell(err)
		}
		select {
		case <-ctx.Done():
			return p.conn.Close()
		case <-tick.C:
		}
	}
}

// tell says once that a partner's server is away, and once that it is back.
func (p *Pickup) tell(err error) {
	switch {
	case err != nil && !p.away:
		p.log.Error("a partner's folder cannot be read: it is tried again at each look", "err", err)
	case err == nil && p.away:
		p.log.Info("a partner's folder can be read again")
	}
	p.away = err != nil
}

// Poll looks at the folder once. What fails for one file is logged and tried again at the next
// look; it never stops another file. The error is that of the folder.
func (p *Pickup) Poll(ctx context.Context) error {
	var list []fs.FileInfo
	err := p.conn.do(ctx, "sftp.Poll", false, 0, func(c *sftp.Client) (err error) {
		list, err = c.ReadDirContext(ctx, p.conn.cfg.Pickup)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	next := make(map[string]sight, len(list))
	for i, info := range list {
		if !info.Mode().IsRegular() || p.skip(info.Name()) {
			continue
		}
		at := p.look(info)
		if at.done || at.looks < enough || at.size == 0 && at.looks < patience {
			next[info.Name()] = at
			continue
		}
		left, err := p.take(ctx, info)
		switch {
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			p.log.Warn("a file stays where it is and is tried again", "file", info.Name(), "kind", fault.KindOf(err).String(), "err", err)
			next[info.Name()] = at
		case !left:
			at.done = true
			next[info.Name()] = at
		}
		if fault.KindOf(err) == fault.Unavailable && !answered(err) { // those behind it wait their turn
			for _, rest := range list[i+1:] {
				next[rest.Name()] = p.look(rest)
			}
			p.seen = next
			return err
		}
	}
	p.seen = next
	return nil
}

// look is how a file stands now, after the looks before.
func (p *Pickup) look(info fs.FileInfo) sight {
	s := stamp{info.Size(), info.ModTime()}
	was := p.seen[info.Name()]
	if was.stamp != s {
		return sight{s, 1, false}
	}
	return sight{s, min(was.looks+1, patience), was.done}
}

// skip are names of files that are being written, and of those that are not meant for us.
func (p *Pickup) skip(name string) bool {
	if dropped.Unfinished(name) || name != path.Base(name) {
		return true
	}
	match := cmp.Or(p.conn.cfg.Match, "*")
	ok, err := path.Match(match, name)
	return err != nil || !ok
}

// take hands one file to the hub, and takes it out of the folder once the hub holds it. It reports
// whether the file has left.
func (p *Pickup) take(ctx context.Context, info fs.FileInfo) (left bool, err error) {
	cfg, name := p.conn.cfg, info.Name()
	switch {
	case info.Size() > cfg.Max:
		p.log.Error("a file is too large and stays where it is", "file", name, "bytes", info.Size(), "at_most", cfg.Max)
		return false, nil
	case info.Size() == 0:
		p.log.Error("a file is empty and stays where it is", "file", name)
		return false, nil
	}
	from := path.Join(cfg.Pickup, name)
	data, err := p.read(ctx, from, info)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(data)
	_, err = p.hub.Call(ctx, door.Documents, door.Document{
		Partner: cfg.Partner, Name: name, Media: dropped.Media(data), Bytes: data,
		Key: door.Key{Scope: "folder/" + cfg.Partner, ID: hex.EncodeToString(sum[:]), Hash: sum},
	})
	if err != nil {
		return false, err
	}
	if cfg.Keep {
		return false, nil
	}
	return true, p.leave(ctx, from, name, info, hex.EncodeToString(sum[:4]))
}

// read reads a file whole; one that changes meanwhile is no answer.
func (p *Pickup) read(ctx context.Context, from string, info fs.FileInfo) ([]byte, error) {
	var into bytes.Buffer
	err := p.conn.do(ctx, "sftp.Read", false, info.Size(), func(c *sftp.Client) error {
		into.Reset()
		f, err := c.Open(from)
		if err != nil {
			return err
		}
		_, err = f.WriteTo(&limited{&into, info.Size()})
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		return same(c, from, info, int64(into.Len()))
	})
	return into.Bytes(), err
}

// limited takes so many bytes.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(b []byte) (int, error) {
	if int64(len(b)) > l.left {
		return 0, fmt.Errorf("%wit grew while it was read", errAnswer)
	}
	n, err := l.w.Write(b)
	l.left -= int64(n)
	return n, err
}

// same reports, as nil, that a file stands as it was seen, with so many bytes read of it.
func same(c *sftp.Client, from string, was fs.FileInfo, read int64) error {
	is, err := c.Lstat(from)
	if err != nil {
		return err
	}
	if is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()) || read != was.Size() {
		return fmt.Errorf("%wit changed while it was taken (%d bytes, then %d; %d were read)", errAnswer, was.Size(), is.Size(), read)
	}
	return nil
}

// leave archives or removes a file that the hub holds. When that breaks off, the file is taken
// again, which the hub knows, and leaves then.
func (p *Pickup) leave(ctx context.Context, from, name string, info fs.FileInfo, mark string) error {
	return p.conn.do(ctx, "sftp.Leave", false, 0, func(c *sftp.Client) error {
		if err := same(c, from, info, info.Size()); err != nil {
			return err
		}
		if p.conn.cfg.Archive == "" {
			return c.Remove(from)
		}
		to := path.Join(p.conn.cfg.Archive, name)
		for i := 0; ; i++ {
			_, err := c.Lstat(to)
			if errors.Is(err, fs.ErrNotExist) {
				return c.Rename(from, to)
			}
			if err != nil {
				return err
			}
			to = path.Join(p.conn.cfg.Archive, fmt.Sprintf("%s.%s-%d", name, mark, i))
		}
	})
}
