package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/journal/journalcopy"
	"github.com/paklog/hub/routes"
)

// mover moves the journal of a data folder into PostgreSQL, and back. Both places note how far that is,
// the one that is left first: so a journal is in neither for a moment, and never in both. Whatever ends a
// move in the middle, the same command goes on with it.
type mover struct {
	cfg    *Config
	stop   bool      // a running hub
	out    io.Writer // what happens, for people
	bar    io.Writer // nil where nobody looks
	report moveReport
}

// moveReport is what a move did.
type moveReport struct {
	State    string      `json:"state"` // "copied" while the hub goes on, "moved", "back" or "confirmed"
	From     string      `json:"from"`
	To       string      `json:"to"`
	Position journal.Pos `json:"position"` // where the log of the copy ends
	Copied   journal.Pos `json:"copied"`   // positions, by this command
	Payloads int         `json:"payloads"` // files, by this command
	// Lost are payloads that the source has not got either: paklog audit finds them.
	Lost  []string             `json:"lost,omitempty"`
	Proof *journalaudit.Digest `json:"proof,omitempty"` // of both
	Next  string               `json:"next"`            // what is to be done now
}

// proofRange is how many positions one hash of the proof covers.
const proofRange = 10_000

func (m *mover) step(name string) {
	if f := m.cfg.probe.move; f != nil {
		f(name)
	}
}

func (m *mover) say(format string, a ...any) { fmt.Fprintf(m.out, format+"\n", a...) }

// options are those of the database; the move has it for itself.
func (m *mover) options() postgres.Options {
	o := m.cfg.Postgres.options()
	o.Shared, o.Moving = false, true
	return o
}

func (m *mover) folder() string {
	dir, err := filepath.Abs(m.cfg.Data)
	if err != nil {
		return m.cfg.Data
	}
	return dir
}

// only lets one command move a folder at a time.
func (m *mover) only() (folderLock, error) {
	f, err := os.OpenFile(filepath.Join(m.cfg.Data, "move.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return folderLock{}, fmt.Errorf("taking the folder for a move: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return folderLock{}, errors.Join(fmt.Errorf("another command moves the journal of %s at this moment: let it end: %w", m.cfg.Data, err), f.Close())
	}
	return folderLock{f}, nil
}

// there moves the journal into the database.
func (m *mover) there(ctx context.Context) (err error) {
	if !exists(filepath.Join(m.cfg.Data, "journal.db")) {
		return fmt.Errorf("there is no journal in %s to be moved: a hub with store: postgres begins one in the database by itself", m.folder())
	}
	lock, err := m.only()
	if err != nil {
		return err
	}
	defer lock.Close()
	note, err := sqlite.ReadMoved(m.cfg.Data)
	if err != nil {
		return err
	}
	if note != nil && note.State == sqlite.MoveSettled {
		return fmt.Errorf("%w: it went to %s, and that was confirmed", journal.ErrMoved, note.To)
	}
	to, err := postgres.Open(ctx, m.options())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	m.report.From, m.report.To = "folder "+m.folder(), m.options().Place()
	origin, err := to.Origin(ctx)
	if err != nil {
		return err
	}
	if note.Gone() {
		return m.finish(ctx, to, *note, origin)
	}
	if note, err = m.begin(ctx, to, note, origin); err != nil {
		return err
	}
	if running := attach(ctx, m.cfg); running != nil {
		if err := m.copyLog(ctx, runningLog{running}, to, true); err != nil {
			return err
		}
		m.step("followed")
		if !m.stop {
			m.report.State, m.report.Next = "copied", "the hub goes on in its folder: run this again with --stop, or stop it and run this again, and only the rest is copied while it stands still"
			return nil
		}
		if err := m.stopHub(ctx, running); err != nil {
			return err
		}
	}
	from, err := awaitFolder(ctx, func(error) {}, func() (*sqlite.Store, error) {
		return sqlite.Open(ctx, m.cfg.Data, sqlite.Options{})
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if from.Restored() {
		return errors.New("this folder was restored from a backup and no hub has started on it since: start one once, so that its outward doors are shut, then move the journal")
	}
	m.step("stopped")
	if err := m.whole(ctx, from, to, true); err != nil {
		return err
	}
	note.State, note.To, note.Position, note.Changed = sqlite.MoveAway, m.report.To, m.report.Position, time.Now().UTC()
	if err := sqlite.WriteMoved(m.cfg.Data, *note); err != nil {
		return err
	}
	m.step("left")
	return m.arrive(ctx, to, *note)
}

// arrive notes in the database that the journal, which has left its folder, is here.
func (m *mover) arrive(ctx context.Context, to *postgres.Store, note sqlite.Moved) error {
	if err := to.SetOrigin(ctx, postgres.Origin{Move: note.Move, State: postgres.MoveHere, Place: m.report.From, Position: note.Position, Changed: time.Now()}); err != nil {
		return err
	}
	m.step("arrived")
	m.report.State, m.report.Position = "moved", note.Position
	m.report.Next = "set store: postgres and start the hub; `paklog migrate back` brings the journal back with all that is new, until `paklog migrate to-postgres --confirm`"
	return nil
}

// finish ends a move that has left the folder, or says that it is done.
func (m *mover) finish(ctx context.Context, to *postgres.Store, note sqlite.Moved, origin *postgres.Origin) error {
	if origin == nil || origin.Move != note.Move {
		return fmt.Errorf("%w: it went to %s, and another database is configured", journal.ErrMoved, note.To)
	}
	switch origin.State {
	case postgres.MoveCopying: // proved, before it left
		return m.arrive(ctx, to, note)
	case postgres.MoveLeaving, postgres.MoveLeft:
		return fmt.Errorf("%w: it is on its way back to this folder: `paklog migrate back` goes on with that", journal.ErrMoved)
	case postgres.MoveHere, postgres.MoveSettled:
	}
	m.say("the journal of this folder is there already, since %s", note.Changed.Format(time.DateTime))
	m.report.State, m.report.Position = "moved", note.Position
	return nil
}

// begin notes in both places that a move is under way, or that one goes on. A database with anything else in it
// is refused.
func (m *mover) begin(ctx context.Context, to *postgres.Store, note *sqlite.Moved, origin *postgres.Origin) (*sqlite.Moved, error) {
	last, err := to.Last(ctx)
	if err != nil {
		return nil, err
	}
	known := note != nil && origin != nil && note.Move == origin.Move && origin.State != postgres.MoveHere && origin.State != postgres.MoveSettled
	switch {
	case origin == nil && last > 0:
		return nil, fmt.Errorf("%s holds a journal already, of %d positions, and it did not come from this folder: name another schema", m.report.To, last)
	case origin != nil && !known:
		return nil, fmt.Errorf("%s holds what came from %s in another move (%s): name another schema, or drop that one if it is not needed", m.report.To, origin.Place, origin.State)
	case note == nil:
		note = &sqlite.Moved{Move: rand.Text()}
	}
	if note.State != sqlite.MoveBegun || note.To != m.report.To {
		if origin == nil && note.State != "" {
			note.Move = rand.Text() // that of another database, which keeps what it has
		}
		note.State, note.To, note.Position, note.Changed = sqlite.MoveBegun, m.report.To, 0, time.Now().UTC()
		if err := sqlite.WriteMoved(m.cfg.Data, *note); err != nil {
			return nil, err
		}
	}
	m.step("noted")
	if err := to.SetOrigin(ctx, postgres.Origin{Move: note.Move, State: postgres.MoveCopying, Place: m.report.From, Changed: time.Now()}); err != nil {
		return nil, err
	}
	m.step("begun")
	return note, nil
}

// whole copies what is still missing, then proves that both are equal. Nobody writes to either.
func (m *mover) whole(ctx context.Context, from, to journal.Driver, there bool) error {
	if err := m.copyLog(ctx, from, to, there); err != nil {
		return err
	}
	m.step("rest")
	if err := journalcopy.Checkpoints(ctx, from, to); err != nil {
		return fmt.Errorf("copying how far each route has come: %w", err)
	}
	m.step("checkpoints")
	have, err := journalaudit.Digests(ctx, from, proofRange)
	if err != nil {
		return err
	}
	got, err := journalaudit.Digests(ctx, to, proofRange)
	if err != nil {
		return err
	}
	if why := journalaudit.Differs(have, got); why != "" {
		return fmt.Errorf("the copy is not equal: %s; nothing was changed where the journal is, and it stays there. The copy is of no use: drop %s and begin anew, and look at the disk of whichever is wrong (`paklog audit`)", why, m.options().Place())
	}
	m.report.Proof = &have
	m.step("proved")
	return nil
}

// copyLog copies the units that to lacks, with the payload files that they name.
func (m *mover) copyLog(ctx context.Context, from journalcopy.Source, to journal.Driver, there bool) error {
	begun, err := to.Last(ctx)
	if err != nil {
		return err
	}
	along, err := m.along(ctx, from, there)
	if err != nil {
		return err
	}
	at, err := journalcopy.Log(ctx, along, to, func(at, last journal.Pos) error {
		m.draw(at, last)
		m.step("copying")
		return ctx.Err()
	})
	if m.bar != nil {
		fmt.Fprintf(m.bar, "\r%-80s\r", "")
	}
	m.report.Position, m.report.Copied = at, m.report.Copied+at-begun
	return err
}

func (m *mover) draw(at, last journal.Pos) {
	if m.bar != nil {
		part := int(at * 50 / max(1, last))
		fmt.Fprintf(m.bar, "\r[%-50.*s] %3d %%, position %d of %d", part, "==================================================", at*100/max(1, last), at, last)
	}
}

// along is a source whose payload files are there before the units that name them, where the
// database's hubs keep theirs in another folder.
func (m *mover) along(ctx context.Context, from journalcopy.Source, there bool) (journalcopy.Source, error) {
	here, shared := filepath.Join(m.cfg.Data, payloads), m.cfg.Postgres.Payloads
	if shared == "" {
		return from, nil
	}
	source, target := here, shared
	if !there {
		source, target = shared, here
	}
	files, err := blob.Open(blob.Config{Dir: target})
	if err != nil {
		return nil, err
	}
	look, err := lookIn(target, m.cfg.S3)
	return accompanied{from, func(name string) error {
		if look.verify(ctx, name) == nil {
			return nil
		}
		r, err := blob.Look(ctx, source, name)
		if err != nil {
			if !slices.Contains(m.report.Lost, name) {
				m.report.Lost = append(m.report.Lost, name)
			}
			return nil
		}
		_, err = files.Put(ctx, r)
		m.report.Payloads++
		return errors.Join(err, r.Close())
	}}, err
}

// accompanied is a source of whose units bring is told each payload before they are returned.
type accompanied struct {
	journalcopy.Source
	bring func(name string) error
}

func (a accompanied) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	units, err := a.Source.Units(ctx, from, limit)
	for i := range units {
		for _, name := range routes.PayloadsNamed(&units[i].Unit) {
			if err := a.bring(name); err != nil {
				return nil, fmt.Errorf("copying payload %s: %w", name, err)
			}
		}
	}
	return units, err
}
