package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// Pickup takes a partner's files into the hub. A file is read once it stood the same at two looks
// in a row, and leaves its folder once the hub holds it. What comes again, here or by another
// door, is taken once: by its bytes.
type Pickup struct {
	link Link
	at   Folders
	take dropped.Taker
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

// NewPickup takes files over a link.
func NewPickup(link Link, at Folders, hub door.Caller, log *slog.Logger) *Pickup {
	p := &Pickup{
		link: link, at: at, hub: hub, take: dropped.Taker{Store: at.Store, Open: at.Open, Max: at.Max},
		log: log.With("partner", at.Partner, "server", at.Server), seen: map[string]sight{},
	}
	// What an earlier process had begun to fetch may be torn.
	left, _ := filepath.Glob(p.spool("*")) // the pattern is ours
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			p.log.Warn("what was fetched in part cannot be removed", "err", err)
		}
	}
	return p
}

// Run looks at the folder until ctx ends.
func (p *Pickup) Run(ctx context.Context) error {
	tick := time.NewTicker(p.at.Poll)
	defer tick.Stop()
	for {
		if err := p.Poll(ctx); ctx.Err() == nil {
			p.tell(err)
		}
		select {
		case <-ctx.Done():
			return p.link.Close()
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
	err := p.link.Do(ctx, "remote.Poll", false, 0, func(s Session) (err error) {
		list, err = s.List(p.at.Pickup)
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
		left, err := p.fetch(ctx, info)
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
		if fault.KindOf(err) == fault.Unavailable && !Answered(err) { // those behind it wait their turn
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
	match := cmp.Or(p.at.Match, "*")
	ok, err := path.Match(match, name)
	return err != nil || !ok
}

// fetch hands one file to the hub, and takes it out of the folder once the hub holds it. It reports
// whether the file has left.
func (p *Pickup) fetch(ctx context.Context, info fs.FileInfo) (left bool, err error) {
	name := info.Name()
	switch {
	case info.Size() > p.at.Max:
		return false, p.refuse(ctx, info, fmt.Sprintf("has %d bytes, at most %d are taken, and stays on his server: raise limits.max_document, or ask him to split it", info.Size(), p.at.Max))
	case info.Size() == 0:
		return false, p.refuse(ctx, info, "is empty, and stays on his server: ask him for it")
	}
	from := path.Join(p.at.Pickup, name)
	f, err := p.read(ctx, from, info)
	if err != nil {
		return false, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name()) // read whole: it has no more use
	}()
	doc, err := p.take.Take(ctx, p.at.Partner, name, f)
	if refused := (*dropped.RefusedError)(nil); errors.As(err, &refused) {
		return false, p.refuse(ctx, info, err.Error()+"; it stays on his server")
	}
	if err != nil {
		return false, err
	}
	if _, err = p.hub.Call(ctx, door.Documents, doc); err != nil {
		return false, err
	}
	if p.at.Keep {
		return false, nil
	}
	return true, p.leave(ctx, from, name, info, doc.Key.ID[:8])
}

// refuse makes a letter of a file that is not fetched, once for the file as it stands.
func (p *Pickup) refuse(ctx context.Context, info fs.FileInfo, why string) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", info.Name(), info.Size(), info.ModTime().UnixNano()))
	got, err := p.hub.Call(ctx, door.Documents, door.Document{
		Partner: p.at.Partner, Name: info.Name(), Media: "application/octet-stream", Refused: why,
		Key: door.Key{Scope: "refused/" + p.at.Partner, ID: hex.EncodeToString(sum[:]), Hash: sum},
	})
	if a, ok := got.(door.Accepted); err == nil && ok && !a.Repeat {
		p.log.Error("a file is refused and is a letter", "file", info.Name(), "why", why)
	}
	return err
}

// spool is where a file lies while it is fetched.
func (p *Pickup) spool(rest string) string {
	of := sha256.Sum256([]byte(p.at.Partner + "\x00" + p.at.Server))
	return filepath.Join(cmp.Or(p.at.Spool, os.TempDir()), "pickup-"+hex.EncodeToString(of[:8])+"-"+rest)
}

// read fetches a file whole. Where the line breaks, what came is kept, and the next try goes on from
// there; a file that changes meanwhile is begun anew.
func (p *Pickup) read(ctx context.Context, from string, info fs.FileInfo) (_ *os.File, err error) {
	of := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", from, info.Size(), info.ModTime().UnixNano()))
	f, err := os.OpenFile(p.spool(hex.EncodeToString(of[:8])), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if err == nil {
			return
		}
		_ = f.Close()
		if !keep {
			_ = os.Remove(f.Name())
		}
	}()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	err = p.link.Do(ctx, "remote.Read", false, info.Size()-have, func(s Session) error {
		into := &limited{f, info.Size() - have}
		if err := s.Get(from, have, into); err != nil {
			return err
		}
		return same(s, from, info, info.Size()-into.left)
	})
	if keep = errors.Is(err, ErrLine); err != nil {
		return nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// limited takes so many bytes.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(b []byte) (int, error) {
	if int64(len(b)) > l.left {
		return 0, Answer("it grew while it was read")
	}
	n, err := l.w.Write(b)
	l.left -= int64(n)
	return n, err
}

// same reports, as nil, that a file stands as it was seen, with so many bytes read of it.
func same(s Session, from string, was fs.FileInfo, read int64) error {
	is, err := s.Stat(from)
	if err != nil {
		return err
	}
	if is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()) || read != was.Size() {
		return Answer(fmt.Sprintf("it changed while it was taken (%d bytes, then %d; %d were read)", was.Size(), is.Size(), read))
	}
	return nil
}

// leave archives or removes a file that the hub holds. When that breaks off, the file is taken
// again, which the hub knows, and leaves then.
func (p *Pickup) leave(ctx context.Context, from, name string, info fs.FileInfo, mark string) error {
	return p.link.Do(ctx, "remote.Leave", false, 0, func(s Session) error {
		if err := same(s, from, info, info.Size()); err != nil {
			return err
		}
		if p.at.Archive == "" {
			return s.Remove(from)
		}
		to := path.Join(p.at.Archive, name)
		for i := 0; ; i++ {
			_, err := s.Stat(to)
			if errors.Is(err, fs.ErrNotExist) {
				return s.Rename(from, to)
			}
			if err != nil {
				return err
			}
			to = path.Join(p.at.Archive, fmt.Sprintf("%s.%s-%d", name, mark, i))
		}
	})
}
