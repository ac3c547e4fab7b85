package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tracer are the words before a command that write its writes and syncs into a file.
func tracer(file string) []string {
	return []string{
		"strace", "-f", "--seccomp-bpf", "-ttt", "-y", "-xx", "-s", "1048576", "-o", file,
		"-e", "trace=write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,ftruncate,truncate,fallocate," +
			"open,openat,openat2,creat,mkdir,mkdirat,rmdir,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat," +
			"copy_file_range,sendfile,mmap,close,lseek",
		"--",
	}
}

// call is a traced system call that came back without an error.
type call struct {
	name       string
	begun, end int // lines of the trace
	at         time.Time
	args       []string
	ret        string
}

// traceReader reads a trace. With several threads a call may be told in two lines.
type traceReader struct {
	r       *bufio.Reader
	line    int
	started map[string]call // of threads whose call is under way
}

func newTraceReader(r io.Reader, line int) *traceReader {
	return &traceReader{r: bufio.NewReaderSize(r, 1<<20), line: line, started: map[string]call{}}
}

// next is the next call that came to its end; io.EOF after the last. What was under way when
// the trace ended is told at its end as if it had come back.
func (t *traceReader) next() (call, error) {
	for {
		line, err := t.r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			for pid, c := range t.started {
				delete(t.started, pid)
				c.end = t.line
				return c, nil
			}
		}
		if err != nil {
			return call{}, err
		}
		t.line++
		c, whole, err := t.parse(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return call{}, fmt.Errorf("line %d: %w: %.200s", t.line, err, line)
		}
		if whole {
			return c, nil
		}
	}
}

func (t *traceReader) parse(line string) (c call, whole bool, err error) {
	pid, rest, _ := strings.Cut(line, " ")
	stamp, rest, ok := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !ok || strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
		return c, false, nil
	}
	at, err := epoch(stamp)
	if err != nil {
		return c, false, err
	}
	if tail, ok := strings.CutPrefix(rest, "<... "); ok {
		c = t.started[pid]
		delete(t.started, pid)
		_, tail, _ = strings.Cut(tail, " resumed>")
		rest = c.ret + tail
		c.ret = ""
	} else {
		c = call{begun: t.line}
	}
	c.end, c.at = t.line, at
	if text, cut := strings.CutSuffix(rest, " <unfinished ...>"); cut {
		// The arguments of what only asks are complete; the rest of them comes later.
		c.ret = text
		c.name, _, _ = strings.Cut(text, "(")
		c.args = split(text[len(c.name)+1:])
		t.started[pid] = c
		return c, false, nil
	}
	name, rest, ok := strings.Cut(rest, "(")
	if !ok {
		return c, false, errors.New("no call")
	}
	eq := strings.LastIndex(rest, "= ")
	if eq < 0 {
		return c, false, errors.New("no result")
	}
	args, ok := strings.CutSuffix(strings.TrimRight(rest[:eq], " "), ")")
	if !ok {
		return c, false, errors.New("no end of arguments")
	}
	c.name, c.args, c.ret = name, split(args), rest[eq+2:]
	if strings.HasPrefix(c.ret, "-1") || strings.HasPrefix(c.ret, "?") {
		return c, false, nil
	}
	return c, true, nil
}

// split takes arguments apart at commas outside quotes and braces.
func split(s string) (args []string) {
	depth, quoted, from := 0, false, 0
	for i := range len(s) {
		switch s[i] {
		case '"':
			quoted = !quoted // -xx leaves no quote inside
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 && !quoted {
				args = append(args, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(args, strings.TrimSpace(s[from:]))
}

func epoch(s string) (time.Time, error) {
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	us, err := strconv.ParseInt(frac, 10, 64)
	return time.Unix(sec, us*1000), err
}

// unquote reads "\x41\x42".
func unquote(s string) ([]byte, error) {
	s, ok := strings.CutPrefix(s, `"`)
	s, closed := strings.CutSuffix(s, `"`)
	if !ok || !closed {
		return nil, errors.New("a text that is cut or none")
	}
	return hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
}

// fd is the number and the path of a descriptor "7<\x2f...>"; path "" is no file.
func fd(s string) (n int, path string, err error) {
	number, rest, _ := strings.Cut(s, "<")
	if number == "AT_FDCWD" {
		n = -1
	} else if n, err = strconv.Atoi(number); err != nil {
		return 0, "", err
	}
	rest, gone := strings.CutSuffix(rest, "(deleted)")
	rest = strings.TrimSuffix(rest, ">")
	if gone || !strings.HasPrefix(rest, `\x`) {
		return n, "", nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(rest, `\x`, ""))
	return n, string(b), err
}

// name is the path that an argument names, relative to the folder in the one before it.
func named(dir, arg string) (string, error) {
	b, err := unquote(arg)
	if err != nil || filepath.IsAbs(string(b)) {
		return string(b), err
	}
	_, at, err := fd(dir)
	return filepath.Join(at, string(b)), err
}

// readTrace turns traces, one after the other, into what happened to the disk under root.
func readTrace(root string, files ...string) (*disk, error) {
	d := newDisk(root)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		clear(d.offsets)
		t := newTraceReader(f, d.lines)
		for {
			c, err := t.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = d.take(c)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s line %d: %w", filepath.Base(name), c.name, t.line, err)
			}
			d.lines = t.line
		}
	}
	d.certain()
	return d, nil
}
