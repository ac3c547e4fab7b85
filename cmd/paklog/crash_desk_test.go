package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/dlq"
)

// desk is the staff who look after letters: two people who do the same letters at the same
// time, each through a shell of his own.
type desk struct {
	w      *world
	passes [2]atomic.Int64 // looks at the whole desk, by person
	acts   atomic.Int64
	all    atomic.Bool // look although nothing is known to wait

	mu      sync.Mutex
	errands []*errand
}

// errand is what the desk is to do with the letters of one thing.
type errand struct {
	mark string // what their place or cause holds
	mend func(context.Context)
	drop string // the reason; "" is a replay once the cause is mended

	mended  sync.Once
	letters map[string]*dealt // by id
}

// dealt is what the hub answered about one letter that somebody took up: nothing where the answer
// was lost and it was done all the same.
type dealt struct {
	yes    int    // answers that said it is done
	reason string // of the drop that was answered
	closed bool   // it was found closed
	again  bool   // it was found open after somebody was told so
}

func (d *desk) takes(e *errand) {
	e.letters = map[string]*dealt{}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errands = append(d.errands, e)
}

// find is the errand that a letter belongs to.
func (d *desk) find(l dlq.Letter) *errand {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of(l)
}

// of is find for who holds the lock.
func (d *desk) of(l dlq.Letter) *errand {
	for _, e := range d.errands {
		if strings.Contains(l.Place, e.mark) || strings.Contains(l.Cause, e.mark) {
			return e
		}
	}
	return nil
}

// waits reports whether there is an errand whose letter is not done.
func (d *desk) waits() bool {
	if d.all.Load() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.errands {
		open := len(e.letters) == 0
		for _, x := range e.letters {
			open = open || !x.closed
		}
		if open {
			return true
		}
	}
	return false
}

func (d *desk) work(ctx context.Context, person int) {
	tick := time.NewTicker(60 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if d.waits() && d.look(ctx, person) {
				d.passes[person].Add(1)
			}
		}
	}
}

// look goes through the open letters and reports whether it saw them all.
func (d *desk) look(ctx context.Context, person int) bool {
	c := attach(ctx, &Config{Data: d.w.data()})
	if c == nil {
		return false
	}
	before, told := d.known()
	list, err := letters(ctx, c, "open", "")
	if err != nil {
		return false // the hub is gone
	}
	for _, l := range list {
		delete(before, l.ID)
	}
	d.close(before)
	for _, l := range list {
		e := d.find(l.Letter)
		if e == nil || d.again(e, l, told) {
			continue
		}
		if !d.act(ctx, c, e, l, person) {
			return false
		}
	}
	return true
}

// again reports whether a letter is open of which somebody had been told that it no longer is.
func (d *desk) again(e *errand, l dlq.Entry, told map[string]bool) bool {
	if !told[l.ID] {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if x := e.letters[l.ID]; !x.again {
		x.again = true
		d.w.fail("letter %s is open, and somebody was told that he %s it: %s", l.ID, e.verb(), l.Cause)
	}
	return true
}

// known are the letters that were taken up, and those of which somebody was told that he
// dealt with them.
func (d *desk) known() (taken, told map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken, told = map[string]bool{}, map[string]bool{}
	for _, e := range d.errands {
		for id, x := range e.letters {
			taken[id], told[id] = true, x.yes > 0
		}
	}
	return taken, told
}

// close notes which letters are not open any more.
func (d *desk) close(ids map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.errands {
		for id, x := range e.letters {
			if ids[id] {
				x.closed = true
			}
		}
	}
}

// act mends the cause, together with whoever else is at the letter, and replays or drops it.
func (d *desk) act(ctx context.Context, c *caller, e *errand, l dlq.Entry, person int) bool {
	d.mu.Lock()
	x := e.letters[l.ID]
	if x == nil {
		x = &dealt{}
		e.letters[l.ID] = x
	}
	d.mu.Unlock()
	if e.mend != nil {
		e.mended.Do(func() { e.mend(ctx) })
	}
	d.acts.Add(1)
	var in any
	verb, reason := "/replay", ""
	if e.drop != "" {
		verb, reason = "/drop", fmt.Sprintf("%s, says %d", e.drop, person)
		in = map[string]string{"reason": reason}
	}
	seen := map[string]string{"If-Match": strconv.Quote(strconv.Itoa(l.Opening))}
	_, err := c.send(ctx, http.MethodPost, "/v1/letters/"+l.ID+verb, seen, in, nil)
	var p *problem
	switch {
	case errors.As(err, &p) && (p.Status == http.StatusConflict || p.Status == http.StatusPreconditionFailed):
		return true // somebody was faster
	case p != nil && p.Status < http.StatusInternalServerError:
		d.w.fail("letter %s, %s: %v", l.ID, verb, err)
		return true
	case err != nil:
		return false
	}
	d.w.promised(strings.TrimSpace(e.verb() + " " + l.ID + " " + reason))
	d.mu.Lock()
	defer d.mu.Unlock()
	x.yes++
	x.reason = reason
	return true
}

// verb is the word for what was answered.
func (e *errand) verb() string {
	if e.drop != "" {
		return "dropped"
	}
	return "replayed"
}

// idle waits until everybody at the desk has looked at it as it stands, and reports whether
// nobody found anything to do.
func (d *desk) idle(ctx context.Context) bool {
	d.all.Store(true)
	defer d.all.Store(false)
	acts := d.acts.Load()
	for i := range d.passes {
		// The first pass to end may have begun before.
		for until := d.passes[i].Load() + 2; d.passes[i].Load() < until && ctx.Err() == nil; {
			d.w.pause(ctx)
		}
	}
	return d.acts.Load() == acts
}
