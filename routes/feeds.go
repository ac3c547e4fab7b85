package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// polled is how far a feed, of a shop or an ERP, was looked through. From is since when, as long as nothing
// was seen: looks that fail do not move it.
type polled struct {
	Seen time.Time `json:"seen"`
	From time.Time `json:"from,omitzero"`
	// Busy is when a look of several pages read the last of them; zero once it ended.
	Busy time.Time `json:"busy,omitzero"`
	// Letter is that of the looks that fail, of one cause.
	Letter string `json:"letter,omitempty"`
	Cause  string `json:"cause,omitempty"` // its fingerprint
}

func (m *Message) polled(ctx context.Context, key string) (was polled, st journal.State, err error) {
	if st, err = m.State(ctx, key); err != nil || st.Data == nil {
		return was, st, err
	}
	if err := json.Unmarshal(st.Data, &was); err != nil {
		return was, st, fault.E(m.route, fault.Internal, fmt.Errorf("reading %s: %w", key, err))
	}
	return was, st, nil
}

// since is from when on a look goes. The first of all sets it in the unit that plans the next one.
func (p *polled) since(set *Out, key string, st journal.State, now time.Time, first, overlap time.Duration) time.Time {
	if !p.Seen.IsZero() {
		return p.Seen.Add(-overlap)
	}
	if p.From.IsZero() {
		p.From = now.Add(-first)
		set.SetState(key, st, *p)
	}
	return p.From
}

// looking reports whether the pages of a look are still being read: another one would read the same. One
// whose next page does not come within a few polls ended in a letter.
func (p *polled) looking(now time.Time, poll time.Duration) bool {
	return !p.Busy.IsZero() && now.Sub(p.Busy) < max(5*poll, 10*time.Minute)
}

// looked notes in out that a page was read. With the last one the letter of looks that failed before is closed.
func (m *Message) looked(ctx context.Context, out *Out, key string, was polled, st journal.State, p poll) error {
	now := was
	if now.Busy = (time.Time{}); p.After != "" {
		now.Busy = m.Now
	} else if p.Seen.After(was.Seen) {
		now.Seen, now.From = p.Seen, time.Time{}
	}
	if was.Letter != "" && p.After == "" {
		if err := m.closeLetter(ctx, out, was.Letter); err != nil {
			return err
		}
		now.Letter, now.Cause = "", ""
	}
	if now != was {
		out.SetState(key, st, now)
	}
	return nil
}

// lookFailed is what a look ends with that err ended. While it is of the cause of the looks before it, theirs
// is the letter, and counts it.
func (m *Message) lookFailed(ctx context.Context, key string, err error) (*Out, error) {
	kind := fault.KindOf(err)
	if kind == fault.Transient || kind == fault.Throttled || kind == fault.Unavailable {
		return nil, err // it is tried again
	}
	was, st, serr := m.polled(ctx, key)
	if serr != nil {
		return nil, serr
	}
	own := dlq.ID(m.route, m.ID)
	n := dlq.New(m.route, &m.Record, err, 1, m.Now)
	if was.Letter != "" && was.Letter != own && was.Cause == n.Fingerprint && m.d.Letter == "" {
		s, l, rerr := m.hub.readLetter(ctx, was.Letter)
		if rerr != nil {
			return nil, rerr
		}
		if s.State == journal.LetterOpen {
			l.Met(n)
			out := m.Out()
			s.Data = l.Encode()
			out.Letters = append(out.Letters, journal.LetterOp{ID: l.ID, From: s.State, To: s.State, Letter: s.Letter})
			return out, nil
		}
	}
	now := was
	now.Busy, now.Letter, now.Cause = time.Time{}, own, n.Fingerprint
	if now != was {
		out := m.Out().SetState(key, st, now)
		if was.Letter != "" && was.Letter != own { // it fails of something else by now
			if cerr := m.closeLetter(ctx, out, was.Letter); cerr != nil {
				return nil, cerr
			}
		}
		if perr := m.partial(ctx, out); perr != nil {
			return nil, perr
		}
	}
	return nil, err
}

// closeLetter resolves an open letter of this route whose cause is gone.
func (m *Message) closeLetter(ctx context.Context, out *Out, id string) error {
	s, l, err := m.hub.readLetter(ctx, id)
	if err != nil || s.State != journal.LetterOpen {
		return err
	}
	l.Actor, l.Reason = m.route, "its cause is gone: "+m.Type
	s.Data = l.Encode()
	out.Letters = append(out.Letters, journal.LetterOp{ID: id, From: journal.LetterOpen, To: journal.LetterResolved, Letter: s.Letter})
	out.Parks = append(out.Parks, journal.ParkOp{Sub: s.Sub, Key: s.Key, Pos: s.Pos, Remove: true})
	return nil
}
