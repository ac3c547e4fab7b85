package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// disk is what a process did to a folder, call by call, so that any state can be rebuilt that
// a power cut could have left.
//
// What was synced before the cut is certain: the content of a file by a sync of the file, its
// name by a sync of its folder. Of the rest anything may be there or not: a write whole,
// in part or not at all, whatever came after it; a name made, moved or removed. A rename is one
// thing, as on every journaling file system: never both names, never none.
type disk struct {
	root    string
	lines   int
	clock   []stamp
	files   map[string]*inode // by name, as the process saw them last
	inodes  []*inode
	names   []*change // of names, in order
	folders map[string]bool
	syncs   map[string][]span // of folders
	offsets map[int]int64
	moved   []move
}

// inode is a file, whatever its name.
type inode struct {
	changes []*change
	syncs   []span
}

type span struct{ begun, end int }

// change is a write, a truncation, or what was done to a name.
type change struct {
	span
	safe int // line from which it is certain

	off  int64
	data []byte // of a write
	size int64  // of a truncation, -1 for none

	file     *inode // that gets the name
	from, to string // of names: from "" is made, to "" is removed
	folder   bool
}

// stamp tells when a line was.
type stamp struct {
	line int
	at   time.Time
}

// move is a file of somebody else that the process moved.
type move struct {
	begun    int
	from, to string
}

func newDisk(root string) *disk {
	return &disk{root: root, files: map[string]*inode{}, folders: map[string]bool{".": true}, syncs: map[string][]span{}, offsets: map[int]int64{}}
}

// inside is a path under the root, relative to it; "." is the root.
func (d *disk) inside(path string) (string, bool) {
	if path == d.root {
		return ".", true
	}
	rel, ok := strings.CutPrefix(path, d.root+"/")
	// The log, shared memory of SQLite and sockets are no durable state.
	return rel, ok && rel != hubLog && !strings.HasSuffix(rel, "-shm") && !strings.HasSuffix(rel, ".sock")
}

// take notes a call.
func (d *disk) take(c call) error {
	d.clock = append(d.clock, stamp{c.end, c.at})
	at := span{c.begun, c.end}
	switch c.name {
	case "open":
		c.args = append([]string{"AT_FDCWD"}, c.args...)
		return d.open(c, at)
	case "openat":
		return d.open(c, at)
	case "mkdir", "mkdirat":
		args := c.args
		if c.name == "mkdir" {
			args = append([]string{"AT_FDCWD"}, args...)
		}
		path, err := named(args[0], args[1])
		if rel, ok := d.inside(path); ok {
			d.folders[rel] = true
			d.names = append(d.names, &change{span: at, size: -1, to: rel, folder: true})
		}
		return err
	case "renameat", "renameat2", "rename":
		return d.rename(c, at)
	case "unlinkat", "unlink":
		args := c.args
		if c.name == "unlink" {
			args = []string{"AT_FDCWD", c.args[0]}
		}
		path, err := named(args[0], args[1])
		if rel, ok := d.inside(path); ok && d.files[rel] != nil {
			d.names = append(d.names, &change{span: at, size: -1, from: rel})
			delete(d.files, rel)
		}
		return err
	case "close":
		n, _, err := fd(c.args[0])
		delete(d.offsets, n)
		return err
	case "mmap":
		_, path, err := fd(c.args[4])
		if c.args[4] == "-1" {
			return nil
		}
		if _, ok := d.inside(path); ok && strings.Contains(c.args[3], "MAP_SHARED") && strings.Contains(c.args[2], "PROT_WRITE") {
			return fmt.Errorf("%s is written through memory, which no trace tells", path)
		}
		return err
	}
	n, path, err := fd(c.args[0])
	rel, ok := d.inside(path)
	if err != nil || !ok {
		return nil //nolint:nilerr // its first argument is no descriptor of the folder
	}
	f := d.files[rel]
	switch c.name {
	case "fsync", "fdatasync":
		switch {
		case f != nil:
			f.syncs = append(f.syncs, at)
		case d.folders[rel]:
			d.syncs[rel] = append(d.syncs[rel], at)
		default:
			return fmt.Errorf("nobody saw %s being made", rel)
		}
		return nil
	case "lseek":
		d.offsets[n], err = strconv.ParseInt(c.ret, 10, 64)
		return err
	}
	if f == nil {
		return fmt.Errorf("nobody saw %s being made", rel)
	}
	switch c.name {
	case "write":
		data, err := unquote(c.args[1])
		f.changes = append(f.changes, &change{span: at, size: -1, off: d.offsets[n], data: data})
		d.offsets[n] += int64(len(data))
		return err
	case "pwrite64":
		data, err := unquote(c.args[1])
		off, err2 := strconv.ParseInt(c.args[3], 10, 64)
		f.changes = append(f.changes, &change{span: at, size: -1, off: off, data: data})
		return errors.Join(err, err2)
	case "ftruncate":
		size, err := strconv.ParseInt(c.args[1], 10, 64)
		f.changes = append(f.changes, &change{span: at, size: size})
		return err
	}
	return errors.New("the model of the disk does not know this call")
}

func (d *disk) open(c call, at span) error {
	path, err := named(c.args[0], c.args[1])
	if err != nil {
		return err
	}
	n, _, err := fd(c.ret)
	if err != nil {
		return err
	}
	d.offsets[n] = 0
	rel, ok := d.inside(path)
	if !ok {
		return nil
	}
	f := d.files[rel]
	switch {
	case f == nil && strings.Contains(c.args[2], "O_CREAT"):
		f = &inode{}
		d.inodes = append(d.inodes, f)
		d.files[rel] = f
		d.names = append(d.names, &change{span: at, size: -1, file: f, to: rel})
	case f != nil && strings.Contains(c.args[2], "O_TRUNC"):
		f.changes = append(f.changes, &change{span: at})
	case f != nil && strings.Contains(c.args[2], "O_APPEND"):
		return errors.New("the model of the disk does not know where a file is appended to")
	}
	return nil
}

func (d *disk) rename(c call, at span) error {
	args := c.args
	if c.name == "rename" {
		args = []string{"AT_FDCWD", c.args[0], "AT_FDCWD", c.args[1]}
	}
	from, err := named(args[0], args[1])
	to, err2 := named(args[2], args[3])
	a, inA := d.inside(from)
	b, inB := d.inside(to)
	if !inA || !inB {
		return errors.Join(err, err2)
	}
	f := d.files[a]
	if f == nil {
		d.moved = append(d.moved, move{c.begun, a, b})
		return nil
	}
	delete(d.files, a)
	d.files[b] = f
	d.names = append(d.names, &change{span: at, size: -1, file: f, from: a, to: b})
	return nil
}

// certain finds from where on each change is surely on the disk: a sync that began after
// it has ended.
func (d *disk) certain() {
	first := func(c *change, syncs ...[]span) {
		c.safe = math.MaxInt
		for _, list := range syncs {
			if i := slices.IndexFunc(list, func(s span) bool { return s.begun > c.end }); i >= 0 {
				c.safe = min(c.safe, list[i].end)
			}
		}
	}
	for _, f := range d.inodes {
		for _, c := range f.changes {
			first(c, f.syncs)
		}
	}
	for _, c := range d.names {
		folder := func(path string) []span {
			if path == "" {
				return nil
			}
			return d.syncs[filepath.Dir(path)]
		}
		first(c, folder(c.from), folder(c.to))
	}
}

// when is the time of a line.
func (d *disk) when(line int) time.Time {
	i, _ := slices.BinarySearchFunc(d.clock, line, func(s stamp, line int) int { return s.line - line })
	return d.clock[min(i, len(d.clock)-1)].at
}

// luck decides what becomes of changes that nobody synced.
type luck struct {
	r    *rand.Rand
	keep int // in 100
	tear int64
}

func newLuck(r *rand.Rand) luck {
	return luck{r, []int{0, 10, 50, 90, 100}[r.IntN(5)], []int64{512, 4096}[r.IntN(2)]}
}

func (l luck) kept() bool { return l.r.IntN(100) < l.keep }

// whole is for a write that may also be kept in part.
func (l luck) whole() bool { return l.keep == 100 || l.kept() && l.r.IntN(2) == 0 }

// rebuild makes a folder as a cut behind a line of the trace could have left it.
func (d *disk) rebuild(dst string, cut int, l luck) error {
	names := map[string]*inode{}
	for _, c := range d.names {
		if c.begun > cut || c.safe > cut && !l.kept() {
			continue
		}
		switch {
		case c.folder:
			if err := os.MkdirAll(filepath.Join(dst, c.to), 0o750); err != nil {
				return err
			}
		case c.to == "":
			delete(names, c.from)
		case c.from == "":
			names[c.to] = c.file
		case names[c.from] == c.file:
			delete(names, c.from)
			names[c.to] = c.file
		}
	}
	for name, f := range names {
		path := filepath.Join(dst, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, f.content(cut, l), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// content is what a file held.
func (f *inode) content(cut int, l luck) (b []byte) {
	grow := func(n int64) {
		if n > int64(len(b)) {
			b = append(b, make([]byte, n-int64(len(b)))...)
		}
	}
	for _, c := range f.changes {
		if c.begun > cut {
			continue
		}
		sure := c.safe <= cut
		switch {
		case c.size >= 0:
			if sure || l.kept() {
				grow(c.size)
				b = b[:c.size]
			}
		case sure || l.whole():
			grow(c.off + int64(len(c.data)))
			copy(b[c.off:], c.data)
		case l.kept(): // torn: each sector for itself
			for from := c.off; from < c.off+int64(len(c.data)); {
				to := min(from-from%l.tear+l.tear, c.off+int64(len(c.data)))
				if l.r.IntN(2) == 0 {
					grow(to)
					copy(b[from:to], c.data[from-c.off:to-c.off])
				}
				from = to
			}
		}
	}
	return b
}
