package main

import (
	"context"
	"strings"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// openMessage is an effect without an outcome and the message that it belongs to.
type openMessage struct {
	openEffect
	route string
	id    journal.ID
}

// readEffects notes the effects that are open, before the log is read for their messages.
func (w *warehouse) readEffects(ctx context.Context) error {
	return scanRows(ctx, w.d, journal.TableEffect, "", func(row journal.Row) error {
		f, err := journal.DecodeEffect(row.Value)
		if err != nil {
			return err
		}
		switch f.State {
		case journal.EffectIntended, journal.EffectStarted, journal.EffectUnknown:
		default:
			return nil
		}
		m := openMessage{openEffect: openEffect{Key: row.Key, State: f.State.String(), Conn: f.Conn, Ref: f.Ref}}
		if p := strings.Split(row.Key, "/"); len(p) == 3 {
			m.route = p[0]
			if m.id, err = journal.ParseID(p[1]); err == nil {
				w.where[m.id] = 0
			}
		}
		w.effects = append(w.effects, m)
		return nil
	})
}

// openEffects lists calls without an outcome, and finds those that nobody will ask about.
func (w *warehouse) openEffects(ctx context.Context) error {
	w.r.Effects = map[string]int{}
	err := scanRows(ctx, w.d, journal.TableEffect, "", func(row journal.Row) error {
		f, err := journal.DecodeEffect(row.Value)
		if err == nil {
			w.r.Effects[f.State.String()]++
		}
		return err
	})
	if err != nil {
		return err
	}
	dropped, err := w.dropped(ctx)
	if err != nil {
		return err
	}
	for _, m := range w.effects {
		w.r.OpenEffects = append(w.r.OpenEffects, m.openEffect)
		pos := w.where[m.id]
		if pos == 0 {
			w.r.find("effect", 0, "Effect %s is %s and its message is not in the log.", m.Key, m.State)
			continue
		}
		waits, err := w.waits(ctx, m.route, pos)
		if err != nil {
			return err
		}
		if !waits && !dropped[leftBy{m.route, pos}] {
			w.r.find("effect", pos, "Effect %s is %s and its message at %d is finished: nobody will ask what became of it.", m.Key, m.State, pos)
		}
	}
	return nil
}

// leftBy is a message that somebody gave up for a route.
type leftBy struct {
	route string
	pos   journal.Pos
}

// dropped are the messages whose letters somebody dropped: what became of their calls is his to know.
func (w *warehouse) dropped(ctx context.Context) (map[leftBy]bool, error) {
	out := map[leftBy]bool{}
	err := scanRows(ctx, w.d, journal.TableLetter, "", func(row journal.Row) error {
		l, err := journal.DecodeLetter(row.Value)
		if err == nil && l.State == journal.LetterDropped {
			out[leftBy{l.Sub, l.Pos}] = true
		}
		return err
	})
	return out, err
}

// waits reports whether a subscription has still to do with a message.
func (w *warehouse) waits(ctx context.Context, sub string, pos journal.Pos) (bool, error) {
	checkpoints, err := w.d.Checkpoints(ctx, sub)
	if err != nil {
		return false, err
	}
	for _, c := range checkpoints {
		if c.IsOpen(pos) {
			return true, nil
		}
	}
	found := false
	err = scanRows(ctx, w.d, journal.TablePark, journal.ParkPrefix(sub), func(row journal.Row) error {
		_, _, at, err := journal.ParseParkKey(row.Key)
		found = found || at == pos
		return err
	})
	return found, err
}

// letters holds each letter against its message and its place in the queue of what waits.
func (w *warehouse) letters(ctx context.Context) error {
	w.r.Letters = map[string]int{}
	err := scanRows(ctx, w.d, journal.TableLetter, "", func(row journal.Row) error {
		s, err := journal.DecodeLetter(row.Value)
		if err != nil {
			return err
		}
		w.r.Letters[s.State.String()]++
		l, err := dlq.Decode(s.Data)
		if err != nil {
			w.r.find("letter", s.Pos, "Letter %s cannot be read: %v.", row.Key, err)
			return nil
		}
		u, err := w.d.Holding(ctx, s.Pos)
		if err != nil {
			w.r.find("letter", s.Pos, "The message of letter %s at %d cannot be read: %v.", row.Key, s.Pos, err)
			return ctx.Err()
		}
		if m, ok := u.At(s.Pos); !ok || m.ID != l.MessageID {
			w.r.find("letter", s.Pos, "Position %d does not hold the message of letter %s.", s.Pos, row.Key)
		}
		b, err := w.d.Row(ctx, journal.TablePark, journal.ParkKey(s.Sub, s.Key, s.Pos))
		if err != nil {
			return err
		}
		waits := s.State == journal.LetterOpen || s.State == journal.LetterReplaying
		switch {
		case waits && b == nil:
			w.r.find("letter", s.Pos, "Letter %s is %s and its message at %d waits nowhere.", row.Key, s.State, s.Pos)
		case !waits && b != nil:
			w.r.find("letter", s.Pos, "Letter %s is %s and its message at %d still waits.", row.Key, s.State, s.Pos)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return scanRows(ctx, w.d, journal.TablePark, "", func(row journal.Row) error {
		p, err := journal.DecodePark(row.Value)
		if err != nil || p.Reason != journal.ParkLetter {
			return err
		}
		_, _, pos, err := journal.ParseParkKey(row.Key)
		if err != nil {
			return err
		}
		b, err := w.d.Row(ctx, journal.TableLetter, p.Letter)
		if err == nil && b == nil {
			w.r.find("letter", pos, "The message at %d waits for letter %s, which is not there.", pos, p.Letter)
		}
		return err
	})
}
