package edifolder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// Config of the folders.
type Config struct {
	Root     string
	Partners []string
	Poll     time.Duration // between two looks at the inboxes: 1 s
	Patience time.Duration // how long what looks half written waits for its rest, beside ten looks
	MaxBytes int64         // a larger file, or document in one, is refused: 64 MiB
	Store    dropped.Store // of long and refused documents; nil keeps the long in memory, and of the refused nothing
	Open     dropped.Open  // takes what protects a file off it; nil is nothing
	Log      *slog.Logger
	Now      func() time.Time
}

// Inbox reads what partners drop. Make it with [NewInbox].
type Inbox struct {
	cfg  Config
	hub  door.Caller
	seen map[string]sight // by path, at the last poll

	whole chan wholeFile
	moves map[string]*sync.Mutex // of each partner's inbox
}

// wholeFile is one that somebody knows to be whole.
type wholeFile struct{ partner, name string }

type stamp struct {
	size int64
	mod  time.Time
}

// sight is how a file stood, and at how many looks in a row.
type sight struct {
	stamp
	looks int
	since time.Time // the first of them
	told  bool      // that it is passed over
}

// enough is at how many looks in a row a file stands the same before it is read; patience
// is that of a file which looks half written: empty, or an interchange without its end.
// Uploads stall, and a file that is taken while it grows is cut off.
const enough, patience = 2, 10

var folders = []string{"inbox", "archive", "refused", "outbox", ".staging"}

// Prepare makes the folders of every partner.
func Prepare(root string, partners []string) error {
	for _, p := range partners {
		if !safe(p) {
			return fmt.Errorf("partner %q: its name is used as a folder: letters, digits, '-', '_' and '.' inside only", p)
		}
		for _, f := range folders {
			if err := os.MkdirAll(filepath.Join(root, p, f), 0o750); err != nil {
				return fmt.Errorf("making the folders of partner %s: %w", p, err)
			}
		}
	}
	return nil
}

func safe(name string) bool {
	if name == "" || len(name) > 128 || name[0] == '.' {
		return false
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// NewInbox prepares the folders and the reader of their inboxes.
func NewInbox(cfg Config, hub door.Caller) (*Inbox, error) {
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := Prepare(cfg.Root, cfg.Partners); err != nil {
		return nil, err
	}
	in := &Inbox{cfg: cfg, hub: hub, seen: map[string]sight{}, whole: make(chan wholeFile, 256), moves: map[string]*sync.Mutex{}}
	for _, p := range cfg.Partners {
		in.moves[p] = &sync.Mutex{}
	}
	return in, nil
}

// Lock keeps files of a partner's inbox from being moved until it is undone: for who replaces one.
func (in *Inbox) Lock(partner string) (undo func()) {
	in.moves[partner].Lock()
	return in.moves[partner].Unlock
}

// Run polls until ctx ends.
func (in *Inbox) Run(ctx context.Context) error {
	tick := time.NewTicker(in.cfg.Poll)
	defer tick.Stop()
	in.Poll(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-in.whole:
			in.takeWhole(ctx, w)
		case <-tick.C:
			in.Poll(ctx)
		}
	}
}

// Whole says that a file of an inbox was closed, so that it need not be looked at for a while before
// it is taken. One that looks half written is, all the same: clients that are interrupted close, too.
func (in *Inbox) Whole(partner, name string) {
	select {
	case in.whole <- wholeFile{partner, name}:
	default: // the next looks find it
	}
}

func (in *Inbox) takeWhole(ctx context.Context, w wholeFile) {
	path := filepath.Join(in.cfg.Root, w.partner, "inbox", w.name)
	info, err := os.Lstat(path)
	if err != nil || dropped.Unfinished(w.name) || !info.Mode().IsRegular() || !whole(path, info.Size()) {
		return // what looks cut off is looked at for a while
	}
	in.tryTake(ctx, w.partner, w.name, path, stamp{info.Size(), info.ModTime()})
}

// tryTake reports whether a file left the inbox.
func (in *Inbox) tryTake(ctx context.Context, partner, name, path string, s stamp) bool {
	err := in.take(ctx, partner, name, path, s)
	in.warn(partner, name, err)
	return err == nil
}

func (in *Inbox) warn(partner, name string, err error) {
	if err != nil {
		in.cfg.Log.Warn("a file stays in the inbox and is tried again",
			"partner", partner, "file", name, "kind", fault.KindOf(err).String(), "err", err)
	}
}

// Poll looks at every inbox once. What fails for one file is logged and tried again at
// the next poll; it never stops another file.
func (in *Inbox) Poll(ctx context.Context) {
	next := make(map[string]sight, len(in.seen))
	for _, p := range in.cfg.Partners {
		dir := filepath.Join(in.cfg.Root, p, "inbox")
		entries, err := os.ReadDir(dir)
		if err != nil {
			in.cfg.Log.Error("reading an inbox", "partner", p, "err", err)
			continue
		}
		for _, e := range in.byAge(entries) {
			if ctx.Err() != nil {
				return
			}
			name := e.Name()
			path := filepath.Join(dir, name)
			info, err := os.Lstat(path)
			if err != nil {
				continue // taken away meanwhile
			}
			if why := passed(name, info); why != "" {
				next[path] = in.passes(p, name, info, why, in.seen[path])
				continue
			}
			if !info.Mode().IsRegular() {
				in.warn(p, name, in.refuse(ctx, p, name, info, "is no regular file"))
				continue
			}
			s := stamp{info.Size(), info.ModTime()}
			at := sight{stamp: s, looks: 1, since: in.cfg.Now()}
			if was := in.seen[path]; was.stamp == s {
				at.looks, at.since, at.told = min(was.looks+1, patience), was.since, was.told
			}
			if at.looks < enough || in.mayGrow(at) && !whole(path, s.size) {
				next[path] = in.waits(p, name, at)
				continue
			}
			if !in.tryTake(ctx, p, name, path, s) {
				next[path] = at
			}
		}
	}
	in.seen = next
}

// mayGrow reports whether a file that looks half written is still waited for.
func (in *Inbox) mayGrow(at sight) bool {
	return at.looks < patience || in.cfg.Now().Sub(at.since) < in.cfg.Patience
}

// byAge puts the oldest file first: partners number their interchanges in order.
func (in *Inbox) byAge(entries []fs.DirEntry) []fs.DirEntry {
	mod := make(map[string]time.Time, len(entries))
	for _, e := range entries {
		if i, err := e.Info(); err == nil {
			mod[e.Name()] = i.ModTime()
		}
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		if c := mod[a.Name()].Compare(mod[b.Name()]); c != 0 {
			return c
		}
		return strings.Compare(a.Name(), b.Name())
	})
	return entries
}

// take hands one file to the hub and archives it once the hub holds it.
func (in *Inbox) take(ctx context.Context, partner, name, path string, seen stamp) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if seen.size > in.cfg.MaxBytes {
		return in.refuse(ctx, partner, name, info, fmt.Sprintf("has %d bytes, at most %d are taken: raise limits.max_document and replay, or ask its sender to split it", seen.size, in.cfg.MaxBytes))
	}
	if seen.size == 0 {
		return in.refuse(ctx, partner, name, info, "is empty: nothing was written into it; ask its sender for it")
	}
	doc, err := in.read(ctx, partner, name, path)
	if refused := (*dropped.RefusedError)(nil); errors.As(err, &refused) {
		return in.refuse(ctx, partner, name, info, err.Error()+"; once that is mended, put it from the folder refused into the inbox again")
	}
	if of := (*fs.PathError)(nil); errors.As(err, &of) && of.Path == path && errors.Is(err, fs.ErrPermission) {
		return in.refuse(ctx, partner, name, info, "cannot be read: give the user that runs PakLog the right to read it, and put it from the folder refused into the inbox again")
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if _, err = in.hub.Call(ctx, door.Documents, doc); err != nil {
		return err
	}
	defer in.Lock(partner)()
	if info, err := os.Lstat(path); err != nil || seen != (stamp{info.Size(), info.ModTime()}) {
		return errors.Join(errors.New("it changed while it was taken: what it says then is taken too"), err)
	}
	return in.move(partner, name, "archive", doc.Key.ID[:8])
}

func (in *Inbox) read(ctx context.Context, partner, name, path string) (door.Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return door.Document{}, err
	}
	defer f.Close()
	return dropped.Taker{Store: in.cfg.Store, Open: in.cfg.Open, Max: in.cfg.MaxBytes}.Take(ctx, partner, name, f)
}

// whole reports that a file does not look half written. Only what begins as an interchange
// can tell: its last segment is an IEA, or a UNZ.
func whole(path string, size int64) bool {
	const header, longest = 106, 512 // an ISA with its terminator; more than an IEA and line ends need
	f, err := os.Open(path)
	if err != nil {
		return true // what is wrong with it is said where it is read
	}
	defer f.Close()
	head := make([]byte, min(header, size))
	if _, err := io.ReadFull(f, head); err != nil {
		return false // shorter than it was
	}
	tail := make([]byte, min(longest, size))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return false
	}
	if bytes.HasPrefix(head, []byte("UN")) {
		return wholeEDIFACT(head, tail) || endsX12(tail)
	}
	if n := min(len(head), len("ISA")); string(head[:n]) != "ISA"[:n] {
		return true
	}
	if len(head) < header {
		return false
	}
	end := bytes.LastIndex(tail, []byte{'I', 'E', 'A', head[3]})
	return end >= 0 && bytes.IndexByte(tail[end:], head[header-1]) >= 0 || wholeEDIFACT([]byte("UNB+"), tail)
}

// endsX12 looks for an IEA of two numbers with something behind them that ends it, in a file
// that begins as EDIFACT: both may stand in it.
func endsX12(tail []byte) bool {
	end := bytes.LastIndex(tail, []byte("IEA"))
	if end < 0 || end+3 == len(tail) {
		return false
	}
	f := bytes.Split(tail[end:], tail[end+3:end+4])
	if len(f) != 3 {
		return false
	}
	number := bytes.TrimLeft(f[2], "0123456789")
	return len(number) > 0 && len(number) < len(f[2])
}

// wholeEDIFACT looks for a UNZ of two elements with something behind it that ends it: what that
// is, only a UNA would say.
func wholeEDIFACT(head, tail []byte) bool {
	separator := 3 // behind UNB
	if bytes.HasPrefix(head, []byte("UNA")) {
		separator = 4
	}
	if len(head) <= separator {
		return false
	}
	end := bytes.LastIndex(tail, []byte{'U', 'N', 'Z', head[separator]})
	if end < 0 || bytes.Count(tail[end:], head[separator:separator+1]) < 2 {
		return false
	}
	last := tail[len(tail)-1]
	return last-'0' > 9 && last|0x20-'a' > 25 && last != head[separator]
}

// refuse hands what cannot be taken to the hub, which makes a letter of it, and puts it aside once
// the hub holds it. The same file is handed over once.
func (in *Inbox) refuse(ctx context.Context, partner, name string, info fs.FileInfo, why string) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", name, info.Size(), info.ModTime().UnixNano()))
	doc := door.Document{
		Partner: partner, Name: name, Media: "application/octet-stream", Refused: why,
		Key: door.Key{Scope: "refused/" + partner, ID: hex.EncodeToString(sum[:]), Hash: sum},
	}
	if in.cfg.Store != nil && info.Mode().IsRegular() && info.Size() > 0 {
		f, err := os.Open(filepath.Join(in.cfg.Root, partner, "inbox", name))
		if err == nil {
			doc.Size = info.Size()
			doc.Kept, err = in.cfg.Store.Put(ctx, f)
			err = errors.Join(err, f.Close())
		}
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("keeping %s: %w", name, err)
		}
	}
	if _, err := in.hub.Call(ctx, door.Documents, doc); err != nil {
		return err
	}
	in.cfg.Log.Error("a file is refused: it is a letter, and lies in the partner's folder refused", "partner", partner, "file", name, "why", why)
	return in.move(partner, name, "refused", "x")
}

// move renames a file of the inbox, never over another one.
func (in *Inbox) move(partner, name, to, mark string) error {
	from := filepath.Join(in.cfg.Root, partner, "inbox", name)
	dir := filepath.Join(in.cfg.Root, partner, to)
	target := filepath.Join(dir, name)
	for i := 0; ; i++ {
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			break
		}
		target = filepath.Join(dir, fmt.Sprintf("%s.%s-%d", name, mark, i))
	}
	if err := os.Rename(from, target); err != nil {
		return fmt.Errorf("moving %s to %s: %w", name, to, err)
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(from)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
