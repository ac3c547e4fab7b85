package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/paklog/hub/routes/bus"
)

// child is a hub in a process of its own.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ready chan struct{} // closed once its doors are open
	said  chan string   // "resting", "restless ..."
	gone  chan struct{} // closed once it ended
	died  bus.Step      // the step where it ended itself, "" for none; read after gone
	err   error         // of waiting for it; read after gone
}

// start starts a hub. wrap are the words before its own command, of a tracer.
func (w *world) start(ctx context.Context, s childSpec, wrap ...string) (*child, error) {
	s.Dir, s.UPS, s.Database = w.dir, w.url, w.database
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	words := append(wrap, os.Args[0])
	c := &child{
		cmd:   exec.CommandContext(ctx, words[0], words[1:]...),
		ready: make(chan struct{}), said: make(chan string, 4), gone: make(chan struct{}),
	}
	c.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.listen(w, out)
	return c, nil
}

// listen follows what a hub says until it ends.
func (c *child) listen(w *world, out io.Reader) {
	defer close(c.gone)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "ready":
			w.addr.Store(&rest)
			close(c.ready)
		case "died":
			c.died = bus.Step(rest)
		default:
			c.said <- lines.Text()
		}
	}
	none := ""
	w.addr.Store(&none)
	c.err = c.cmd.Wait()
}

// open waits until a hub opened its doors, or ended.
func (c *child) open() {
	select {
	case <-c.ready:
	case <-c.gone:
	}
}

// within waits, as long as the hub is there.
func (c *child) within(d time.Duration) {
	moment := time.NewTimer(d)
	defer moment.Stop()
	select {
	case <-moment.C:
	case <-c.gone:
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone already
	<-c.gone
}

// killed reports whether a hub ended by SIGKILL and nothing else.
func (c *child) killed() bool {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		return false
	}
	st, ok := exit.Sys().(syscall.WaitStatus)
	return ok && st.Signaled() && st.Signal() == syscall.SIGKILL
}

// stop ends a hub in order.
func (c *child) stop() error {
	if _, err := io.WriteString(c.stdin, "stop\n"); err != nil {
		return err
	}
	<-c.gone
	return c.err
}

// rest asks a hub to come to rest.
func (c *child) rest() error {
	if _, err := io.WriteString(c.stdin, "rest\n"); err != nil {
		return err
	}
	select {
	case line := <-c.said:
		if line != "resting" {
			return errors.New(line)
		}
		return nil
	case <-c.gone:
		return fmt.Errorf("the hub ended: %w", c.err)
	}
}

// settle runs the hub, which nobody kills, until nothing is left to do anywhere, and stops it.
func (w *world) settle(ctx context.Context, s childSpec, wrap ...string) error {
	const patience, looks = 2 * time.Minute, 40 // a hub that is right needs a handful
	endless := errors.New("documents, letters and counts go to and fro and come to no end")
	ctx, cancel := context.WithTimeoutCause(ctx, patience, endless)
	defer cancel()
	c, err := w.start(ctx, s, wrap...)
	if err != nil {
		return err
	}
	select {
	case <-c.ready:
	case <-c.gone:
		return fmt.Errorf("the hub does not start: %w", c.err)
	}
	for look, quiet := 0, 0; quiet < 2; look++ {
		err := errors.Join(c.rest(), context.Cause(ctx))
		if err == nil && look == looks {
			err = endless
		}
		if err != nil {
			c.kill()
			return err
		}
		var shelves atomic.Int64
		w.count(fmt.Sprintf("last-%d", look), w.stocked(), func() { shelves.Add(1) })
		w.busy.Wait()
		if idle := w.desk.idle(ctx); !idle || shelves.Load() > 0 || !w.inboxEmpty() || len(w.partner.list()) > 0 {
			quiet = 0
		} else {
			quiet++ // what the partner took last he may answer still
		}
	}
	return c.stop()
}
