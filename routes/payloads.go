package routes

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

// PayloadsNamed are the payloads that a unit relies on: those that its messages stand for, and
// the labels that it bought.
func PayloadsNamed(u *journal.Unit) []string {
	var names []string
	add := func(s string) {
		if isPayload(s) {
			names = append(names, s)
		}
	}
	bought, postage := label.Bought{}.EventType(), ship.PostageBought{}.EventType()
	for i := range u.Records {
		r := &u.Records[i]
		add(r.Headers[eip.Ticket])
		if r.Type == bought || r.Type == postage {
			var b label.Bought
			if json.Unmarshal(r.Data, &b) == nil {
				add(b.Document)
			}
		}
	}
	for _, op := range u.Effects {
		var kept []struct {
			Document string `json:"document"`
		}
		if json.Unmarshal(op.Effect.Outcome, &kept) == nil {
			for _, k := range kept {
				add(k.Document)
			}
		}
	}
	return names
}

// nameSize is how long the name of a payload is: a hash of 32 bytes in lower-case hex.
const nameSize = 64

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func isPayload(s string) bool {
	if len(s) != nameSize {
		return false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// PayloadSweep removes the payloads that nothing in the journal names: those of a unit that was
// refused, of a process that was killed before its commit.
//
// What it keeps is told by the journal alone: any 64 hex digits, wherever a unit holds them, keep
// the payload of that name, so that a message that is yet to be invented loses nothing. It
// reads the log when it first meets an old payload that it does not know to be named, in small
// pages with pauses between them, and from then on only what is new; it remembers 8 bytes a name.
type PayloadSweep struct {
	Log interface {
		Last(ctx context.Context) (journal.Pos, error)
		Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error)
	}
	Store interface {
		Sweep(ctx context.Context, before time.Time, referred func(ctx context.Context, name string) (bool, error)) (int, error)
	}
	Now func() time.Time

	known map[uint64]struct{}
	next  journal.Pos // not read yet
}

// A payload is on disk before the commit that names it, and by then long named.
const payloadAge = 24 * time.Hour

// The pace of reading: about 3,000 units a second at most.
const (
	sweepPage  = 64
	sweepPause = 20 * time.Millisecond
)

// Do is one round. While the journal cannot be read nothing is removed.
func (p *PayloadSweep) Do(ctx context.Context) (removed int, err error) {
	caughtUp := false
	return p.Store.Sweep(ctx, p.Now().Add(-payloadAge), func(ctx context.Context, name string) (bool, error) {
		if p.knows(name) || caughtUp {
			return p.knows(name), nil
		}
		// The payload is a day old: whatever was to name it stands in the log by now.
		if err := p.follow(ctx); err != nil {
			return true, err
		}
		caughtUp = true
		return p.knows(name), nil
	})
}

// follow reads the log to its end.
func (p *PayloadSweep) follow(ctx context.Context) error {
	last, err := p.Log.Last(ctx)
	if err != nil {
		return err
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for p.next <= last {
		units, err := p.Log.Units(ctx, p.next, sweepPage)
		if err != nil {
			return err
		}
		for i := range units {
			p.keep(&units[i].Unit)
			p.next = units[i].First + 1
		}
		if len(units) < sweepPage {
			return nil
		}
		pause.Reset(sweepPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// keep remembers every name that a unit may hold.
func (p *PayloadSweep) keep(u *journal.Unit) {
	for i := range u.Records {
		r := &u.Records[i]
		p.scan(r.Data)
		p.scan(r.Personal)
		for _, v := range r.Headers {
			p.scan([]byte(v))
		}
	}
	for _, op := range u.States {
		p.scan(op.Data)
	}
	for _, op := range u.Claims {
		p.scan(op.Answer)
	}
	for _, op := range u.Timers {
		p.scan(op.Timer.Data)
	}
	for _, op := range u.Letters {
		p.scan(op.Letter.Data)
	}
	for _, op := range u.Effects {
		p.scan(op.Effect.Outcome)
		p.scan([]byte(op.Effect.Ref))
	}
	for _, s := range u.Snapshots {
		p.scan(s.Data)
	}
}

// scan remembers each 64 hex digits of b, in longer runs of them too.
func (p *PayloadSweep) scan(b []byte) {
	if len(b) < nameSize {
		return
	}
	run := 0
	for i, c := range b {
		if !isHex(c) {
			run = 0
			continue
		}
		if run++; run >= nameSize {
			if p.known == nil {
				p.known = map[uint64]struct{}{}
			}
			p.known[short(b[i-nameSize+1:])] = struct{}{}
		}
	}
}

func (p *PayloadSweep) knows(name string) bool {
	_, ok := p.known[short([]byte(name))]
	return ok
}

// short is the beginning of a name: two names that begin alike keep each other, which costs a
// file and loses none.
func short(name []byte) uint64 {
	var b [8]byte
	_, _ = hex.Decode(b[:], name[:16])
	return binary.BigEndian.Uint64(b[:])
}
