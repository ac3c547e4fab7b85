// Package peer runs other EDI engines over a file, so that ours can be measured
// and compared beside them. They come from the public registries by mvn, pip and npm
// into a folder outside the checkout; what cannot be had is an [Unavailable].
//
// An engine is a child process that takes orders by lines of
//
//	measure|ack|facts TAB seconds TAB file
//
// and answers each with a line of JSON: a [Rate], or [Facts].
package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Unavailable says why an engine cannot be had here.
type Unavailable struct{ Engine, Reason string }

func (e *Unavailable) Error() string { return e.Engine + " cannot be had: " + e.Reason }

// Engine is one that runs. It is not safe for concurrent use.
type Engine struct {
	name    string
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	dir     string
}

// Rate is what a measurement saw.
type Rate struct {
	Bytes    int64   `json:"bytes"`
	CPU      float64 `json:"cpu"` // seconds of processor time; of a JVM, those of the thread that reads
	Segments int64   `json:"segments"`
	Failed   string  `json:"failed"`
}

// MBPerSecond is 10^6 bytes in a second of processor time.
func (r Rate) MBPerSecond() float64 { return float64(r.Bytes) / 1e6 / r.CPU }

// Facts are what an engine read in a file.
type Facts struct {
	Sets   []Set    `json:"sets"`
	Ack    string   `json:"ack"` // as it would be sent
	Errors []string `json:"errors"`
	Failed string   `json:"failed"` // what ended the reading before the file's end
}

// Set is a transaction set or message. A segment is its tag and its elements
// with 0x1D between them, repetitions with 0x1E, components with 0x1F.
type Set struct {
	Type     string   `json:"type"`
	Control  string   `json:"control"`
	Segments []string `json:"segments"`
}

// Cache is the folder that downloads are kept in: PAKLOG_CACHE, or paklog below
// the user's.
func Cache() (string, error) {
	if dir := os.Getenv("PAKLOG_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "paklog"), err
}

// Start installs the engine of this name below cache, where it is not yet, and
// starts it. Names are edireader, staedi, pyx12, pydifact and edifact.
func Start(ctx context.Context, cache, name string) (*Engine, error) {
	k, known := kinds[name]
	if !known {
		return nil, fmt.Errorf("no EDI engine is named %q", name)
	}
	home, err := k.install(ctx, filepath.Join(cache, "edi-peers"))
	if err != nil {
		return nil, &Unavailable{name, err.Error()}
	}
	e := &Engine{name: name}
	if e.dir, err = os.MkdirTemp("", "paklog-peer-"); err != nil {
		return nil, err
	}
	driver := filepath.Join(e.dir, k.driver)
	text, err := drivers.ReadFile("drivers/" + k.driver)
	if err == nil {
		err = os.WriteFile(driver, text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.dir))
	}
	e.cmd = k.command(ctx, home, driver, name)
	e.cmd.Stderr = os.Stderr
	e.cmd.Cancel = func() error { return e.cmd.Process.Signal(syscall.SIGTERM) }
	e.cmd.WaitDelay = 10 * time.Second
	if e.orders, err = e.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.dir))
	}
	out, err := e.cmd.StdoutPipe()
	if err == nil {
		err = e.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(&Unavailable{name, err.Error()}, os.RemoveAll(e.dir))
	}
	e.answers = bufio.NewReader(out)
	return e, nil
}

// PID is of the engine's process.
func (e *Engine) PID() int { return e.cmd.Process.Pid }

// Measure lets the engine read file again and again for so many seconds of processor
// time, once at least. With ack it writes acknowledgements too, where it can.
func (e *Engine) Measure(file string, seconds float64, ack bool) (Rate, error) {
	order := "measure"
	if ack {
		order = "ack"
	}
	var r Rate
	if err := e.ask(order, file, seconds, &r); err != nil {
		return r, err
	}
	if r.Failed != "" {
		return r, fmt.Errorf("%s gave up: %s", e.name, r.Failed)
	}
	return r, nil
}

// Facts lets the engine read file and say what is in it. npm's edifact and StAEDI
// are for measuring alone.
func (e *Engine) Facts(file string) (Facts, error) {
	var f Facts
	err := e.ask("facts", file, 0, &f)
	return f, err
}

func (e *Engine) ask(order, file string, seconds float64, into any) error {
	_, err := fmt.Fprintf(e.orders, "%s\t%s\t%s\n", order, strconv.FormatFloat(seconds, 'f', -1, 64), file)
	if err != nil {
		return fmt.Errorf("ordering %s from %s: %w", order, e.name, err)
	}
	line, err := e.answers.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		return fmt.Errorf("hearing from %s: %w", e.name, err)
	}
	return nil
}

// Close lets the engine end.
func (e *Engine) Close() error {
	return errors.Join(e.orders.Close(), e.cmd.Wait(), os.RemoveAll(e.dir))
}
