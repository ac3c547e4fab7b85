package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// folder looks at the data folder: whether the hub of this user can live in it, and nobody else look in.
func (d *doctor) folder(context.Context) {
	dir := d.cfg.Data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.unmade(dir)
		return
	case err != nil:
		d.add(checkFail, "", err.Error(), "give the user that runs the hub access to the folder")
		return
	case !info.IsDir():
		d.add(checkFail, "", dir+" is a file", "name a folder in data")
		return
	}
	n := len(d.found)
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		d.add(checkWarn, "", fmt.Sprintf("%s is user %d's, and this is user %d: what one makes the other may not write", dir, st.Uid, os.Geteuid()), "run the hub and its commands as the user whose the folder is")
	}
	// R_OK, W_OK and X_OK of access(2).
	if err := syscall.Access(dir, 0x4|0x2|0x1); err != nil {
		d.add(checkFail, "", dir+" cannot be read and written by this user: "+err.Error(), "give it to the user that runs the hub: chown -R USER "+dir)
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o002 != 0:
		d.add(checkFail, "", fmt.Sprintf("%s may be written by everybody (%#o)", dir, mode), "chmod o-rwx "+dir)
	case mode&0o005 != 0:
		d.add(checkWarn, "", fmt.Sprintf("%s may be looked into by everybody (%#o): it holds names, addresses and documents", dir, mode), "chmod o-rwx "+dir)
	}
	if path := socketPath(dir); len(path) > mostSocketPath {
		d.add(checkFail, "", fmt.Sprintf("%s is longer than the %d bytes that a socket's path may have", path, mostSocketPath), "use a data folder with a shorter path")
	}
	if len(d.found) == n {
		d.add(checkOK, "", fmt.Sprintf("%s is this user's (%#o)", dir, info.Mode().Perm()), "")
	}
}

// unmade is a data folder that the first start makes.
func (d *doctor) unmade(dir string) {
	above := existing(dir)
	if err := syscall.Access(above, 0x2|0x1); err != nil {
		d.add(checkFail, "", dir+" is not there, and this user cannot make it in "+above+": "+err.Error(), "make it and give it to the user that runs the hub")
		return
	}
	d.add(checkOK, "", dir+" is not there yet: the first start makes it", "")
}

// existing is the nearest folder above path that is there.
func existing(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return "."
	}
	for path != filepath.Dir(path) && !exists(path) {
		path = filepath.Dir(path)
	}
	return path
}

// room is what a disk has, in bytes and files.
type room struct {
	total, free  uint64
	files, spare uint64 // 0: the filesystem does not count them
	readOnly     bool
}

// disk looks at the disk of the data folder, whatever store the journal is in: payloads and views are there.
// Payloads may be on another one.
func (d *doctor) disk(context.Context) {
	own := existing(d.cfg.Data)
	dirs := []string{own}
	if other := existing(d.cfg.payloadFolder()); !sameDisk(own, other) {
		dirs = append(dirs, other)
	}
	for _, dir := range dirs {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			d.add(checkFail, "", "asking for the room of "+dir+": "+err.Error(), "look at the kernel's log")
			continue
		}
		size := uint64(st.Bsize)
		d.space(dir, room{total: st.Blocks * size, free: st.Bavail * size, files: st.Files, spare: st.Ffree, readOnly: st.Flags&mountedReadOnly != 0})
		if dir == own {
			d.filesystem(filesystemOf(&st))
		}
	}
}

// sameDisk reports whether two folders are on one filesystem.
func sameDisk(a, b string) bool {
	var x, y syscall.Stat_t
	return syscall.Stat(a, &x) == nil && syscall.Stat(b, &y) == nil && x.Dev == y.Dev
}

// space judges the room of a disk.
func (d *doctor) space(dir string, r room) {
	if r.readOnly {
		d.add(checkFail, "", "the disk of "+dir+" is mounted read-only", "mount it to be written; a disk that failed is often made read-only, see the kernel's log")
		return
	}
	percent := 100
	if r.total > 0 {
		percent = int(r.free * 100 / r.total)
	}
	least := d.cfg.Limits.FreeDisk
	text := fmt.Sprintf("%s of %s are free on the disk of %s (%d %%)", bytesText(r.free), bytesText(r.total), dir, percent)
	const little = 1 << 30
	switch {
	case least >= 0 && percent < least || r.free == 0:
		d.add(checkFail, "", fmt.Sprintf("%s, and below %d %% the doors refuse", text, least), "make room, give the disk more, or lower limits.free_disk_percent")
	case percent < 2*least || r.free < little:
		d.add(checkWarn, "", text+": it is soon too little", "make room, or give the disk more")
	default:
		d.add(checkOK, "", text, "")
	}
	if r.files > 0 && r.spare*100/r.files < 5 {
		d.add(checkWarn, "", fmt.Sprintf("%d of %d files can still be made on the disk of %s", r.spare, r.files, dir), "remove small files there (find FOLDER -xdev -type f | wc -l), or make its filesystem anew with more inodes")
	}
}

func bytesText(n uint64) string {
	for _, u := range []struct {
		name string
		size uint64
	}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d kB", n>>10)
}

// What the kernel calls filesystems on which a journal is not safe, or not for long (statfs(2)).
const (
	onMemory   = "tmpfs"
	layered    = "overlayfs"
	overNet    = "network"
	byProgram  = "fuse"
	onDisk     = "local"
	onMachines = "virtual machine share"
)

// filesystem judges where the journal and what is beside it lie.
func (d *doctor) filesystem(kind string) {
	embedded := d.cfg.Store == inSQLite
	state := checkWarn
	switch kind {
	case onMemory:
		d.add(checkWarn, "filesystem", "the data folder is in memory: it is gone with the next start of the machine", "name a folder on a disk in data")
	case layered:
		d.add(checkWarn, "filesystem", "the data folder is in a container's own layer: it is gone with the container", "mount a volume, and name a folder in it in data")
	case overNet, onMachines:
		if embedded {
			state = checkFail
		}
		// SQLite: "WAL does not work over a network filesystem", sqlite.org/wal.html.
		d.add(state, "filesystem", "the data folder is on a "+kind+" filesystem: locks and shared memory do not hold there as the embedded journal needs", "name a folder on a local disk in data, or keep the journal in PostgreSQL")
	case byProgram:
		d.add(checkWarn, "filesystem", "the data folder is on a FUSE filesystem: whether a sync reaches the disk is up to the program behind it", "name a folder on a local disk in data")
	default:
		d.syncs()
	}
}

// syncs times a few syncs in the data folder: each commit waits for one.
func (d *doctor) syncs() {
	if !exists(d.cfg.Data) {
		d.add(checkOK, "filesystem", "the disk is a local one; its syncs are timed once the folder is there", "")
		return
	}
	took, err := timedSyncs(d.cfg.Data)
	if err != nil {
		d.add(checkFail, "filesystem", err.Error(), "see that the user that runs the hub can write there, and that the disk has room")
		return
	}
	d.judgeSync(took)
}

func (d *doctor) judgeSync(took time.Duration) {
	text := fmt.Sprintf("a sync takes %s", took.Round(time.Microsecond))
	const slow, unlikely = 100 * time.Millisecond, 5 * time.Microsecond
	switch {
	case took > slow:
		d.add(checkWarn, "filesystem", text+": every answer waits for one", "look for what else writes to the disk (iostat -x 1), or take a faster one")
	case took < unlikely:
		d.add(checkWarn, "filesystem", text+": too fast for any disk; it may say so without having written", "see that syncs are not turned off (mount options nobarrier, libeatmydata, the virtual machine's cache mode)")
	default:
		d.add(checkOK, "filesystem", text, "")
	}
}

// timedSyncs is the middle of a few syncs of a small file, which is taken away again.
func timedSyncs(dir string) (_ time.Duration, err error) {
	f, err := os.CreateTemp(dir, "doctor-*.tmp")
	if err != nil {
		return 0, fmt.Errorf("writing in %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4096)
	var all []time.Duration
	for range 9 {
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("writing in %s: %w", dir, err)
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("syncing in %s: %w", dir, err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// ports sees whether the hub can listen where it is to, or does.
func (d *doctor) ports(ctx context.Context) {
	for _, l := range d.cfg.listens() {
		ours := d.hub != nil && slices.Contains(d.hub.Listens, l.addr)
		held, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.addr)
		if err == nil {
			err = held.Close()
		}
		_, port, _ := net.SplitHostPort(l.addr) // configuration check has seen it
		switch {
		case errors.Is(err, syscall.EADDRINUSE) && ours:
			d.add(checkOK, l.key, fmt.Sprintf("%s is ours: the hub listens there, process %d", l.addr, d.hub.Process), "")
		case errors.Is(err, syscall.EADDRINUSE):
			d.add(checkFail, l.key, l.addr+" is another program's", "stop what has it (ss -ltnp 'sport = :"+port+"'), or set "+l.key)
		case errors.Is(err, syscall.EACCES):
			d.add(checkFail, l.key, l.addr+": this user may not listen on a port below 1024", "take a higher port, or give the program the right: setcap cap_net_bind_service=+ep PROGRAM")
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			d.add(checkFail, l.key, l.addr+" is no address of this machine", "take one that ip addr shows, or 0.0.0.0 for all")
		case err != nil:
			d.add(checkFail, l.key, err.Error(), "set "+l.key+" to an address as 127.0.0.1:8080")
		case port == "0":
			d.add(checkOK, l.key, l.addr+": any port that is free", "")
		case d.hub != nil:
			d.add(checkWarn, l.key, "a hub runs and does not listen on "+l.addr, "the configuration was changed since its start: restart it")
		default:
			d.add(checkOK, l.key, l.addr+" is free", "")
		}
	}
}

// files compares the limit of open files with what the configuration may need at once.
func (d *doctor) files(context.Context) {
	limit, whose := openFiles(), "this shell's programs may"
	if d.hub != nil && d.hub.Files > 0 {
		limit, whose = d.hub.Files, "the hub may"
	}
	d.judgeFiles(limit, whose, d.cfg.filesNeeded())
}

// filesNeeded is how many files a hub has open when every door is as busy as it may be.
func (c *Config) filesNeeded() uint64 {
	n := 512 // the journal, views, logs, sockets of the API and its clients
	if c.SFTP.Listen != "" {
		n += 3 * c.SFTP.Conns // a socket, a file and a folder each
	}
	if c.AS2.Listen != "" {
		n += stationConns + 2*c.AS2.AtOnce // a socket, what is spooled and what it becomes
	}
	if c.Store == inPostgres {
		n += c.Postgres.Readers + 4
	}
	n += 4 * (len(c.EDI.Partners) + len(c.Shops) + len(c.ERPs) + len(c.Kafka.Brokers))
	return uint64(n)
}

func (d *doctor) judgeFiles(limit uint64, whose string, need uint64) {
	const roomy = 4096
	text := fmt.Sprintf("%s have %d files open, and may need %d", whose, limit, need)
	advice := "raise it: LimitNOFILE=65536 in the service of systemd, nofile in /etc/security/limits.conf"
	switch {
	case limit == 0:
		d.add(checkSkipped, "", "the system does not tell its limit", "")
	case limit < need:
		d.add(checkFail, "", text, advice)
	case limit < max(roomy, 2*need):
		d.add(checkWarn, "", text, advice)
	default:
		d.add(checkOK, "", strings.TrimSuffix(text, fmt.Sprintf(", and may need %d", need)), "")
	}
}
