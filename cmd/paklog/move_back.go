package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

// back brings the journal into its folder again, with all that was written in the database since.
func (m *mover) back(ctx context.Context) (err error) {
	lock, note, err := m.moved()
	if err != nil {
		return err
	}
	defer lock.Close()
	if note.State == sqlite.MoveBegun {
		return fmt.Errorf("the journal of this folder has not left it: the move to %s is under way (`paklog migrate to-postgres` goes on with it), and a hub with store: sqlite works on", note.To)
	}
	from, err := m.database(ctx, note)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if note.State == sqlite.MoveBack {
		return m.left(ctx, from.Store, note)
	}
	if err := from.SetOrigin(ctx, postgres.Origin{Move: note.Move, State: postgres.MoveLeaving, Place: m.report.To, Position: note.Position, Changed: time.Now()}); err != nil {
		return err
	}
	m.step("leaving")
	to, err := sqlite.Open(ctx, m.cfg.Data, sqlite.Options{Moved: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := m.whole(ctx, from, to, false); err != nil {
		return err
	}
	note.State, note.Position, note.Changed = sqlite.MoveBack, m.report.Position, time.Now().UTC()
	if err := sqlite.WriteMoved(m.cfg.Data, *note); err != nil {
		return err
	}
	m.step("returned")
	return m.left(ctx, from.Store, note)
}

// left notes in the database that the journal is in its folder again.
func (m *mover) left(ctx context.Context, from *postgres.Store, note *sqlite.Moved) error {
	if err := from.SetOrigin(ctx, postgres.Origin{Move: note.Move, State: postgres.MoveLeft, Place: m.report.To, Position: note.Position, Changed: time.Now()}); err != nil {
		return err
	}
	m.step("left")
	m.report.State, m.report.Position = "back", note.Position
	m.report.Next = "set store: sqlite and start the hub"
	return nil
}

// confirm takes the way back away.
func (m *mover) confirm(ctx context.Context) (err error) {
	lock, note, err := m.moved()
	if err != nil {
		return err
	}
	defer lock.Close()
	if note.State != sqlite.MoveAway && note.State != sqlite.MoveSettled {
		return fmt.Errorf("the journal is in folder %s (%s), so there is nothing to be confirmed", m.folder(), note.State)
	}
	// The hub may work on the journal meanwhile.
	if err := postgres.Settle(ctx, m.options(), note.Move); err != nil {
		return err
	}
	m.step("settling")
	if note.State == sqlite.MoveAway {
		note.State, note.Changed = sqlite.MoveSettled, time.Now().UTC()
		if err := sqlite.WriteMoved(m.cfg.Data, *note); err != nil {
			return err
		}
	}
	m.step("settled")
	m.report = moveReport{State: "confirmed", From: "folder " + m.folder(), To: note.To, Position: note.Position,
		Next: "journal.db, journal.db-wal and lock in the folder are old now: keep a copy for as long as you like, then delete them, and leave moved.json where it is"}
	return nil
}

// moved takes the folder for one command, and is the note of a move in it.
func (m *mover) moved() (folderLock, *sqlite.Moved, error) {
	note, err := sqlite.ReadMoved(m.cfg.Data)
	if err == nil && note == nil {
		err = fmt.Errorf("the journal of %s was never moved", m.folder())
	}
	if err != nil {
		return folderLock{}, nil, err
	}
	lock, err := m.only()
	if err != nil {
		return folderLock{}, nil, err
	}
	if note, err = sqlite.ReadMoved(m.cfg.Data); err != nil { // another command may just have changed it
		return folderLock{}, nil, errors.Join(err, lock.Close())
	}
	return lock, note, nil
}

// database opens the database that the journal of the folder went to, and takes the folder from hubs that work
// on it.
func (m *mover) database(ctx context.Context, note *sqlite.Moved) (grown, error) {
	if note.State == sqlite.MoveSettled {
		return grown{}, fmt.Errorf("there is no way back: that the journal stays in %s was confirmed on %s", note.To, note.Changed.Format(time.DateOnly))
	}
	if running := attach(ctx, m.cfg); running != nil && note.State == sqlite.MoveAway {
		if !m.stop {
			return grown{}, fmt.Errorf("a hub works on folder %s: stop it, or run this with --stop: %w", m.folder(), journal.ErrLocked)
		}
		if err := m.stopHub(ctx, running); err != nil {
			return grown{}, err
		}
	}
	folder, err := awaitFolder(ctx, func(error) {}, func() (folderLock, error) { return lockFolder(m.cfg.Data) })
	if err != nil {
		return grown{}, err
	}
	s, err := postgres.Open(ctx, m.options())
	if err != nil {
		return grown{}, errors.Join(err, folder.Close())
	}
	g := grown{Store: s, folder: folder}
	m.report.From, m.report.To = m.options().Place(), "folder "+m.folder()
	origin, err := s.Origin(ctx)
	switch {
	case err != nil:
	case origin == nil || origin.Move != note.Move:
		err = fmt.Errorf("%w: it went to %s, and another database is configured", journal.ErrMoved, note.To)
	case origin.State == postgres.MoveSettled:
		err = errors.New("there is no way back: that the journal stays in the database was confirmed")
	}
	if err != nil {
		return grown{}, errors.Join(err, g.Close())
	}
	return g, nil
}
