package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/paklog/hub/core/journal"
)

// movedName is the note in a data folder whose journal moves, or has moved.
const movedName = "moved.json"

// MoveState is how far a move out of a folder has come.
type MoveState string

// States of a move. The journal is in the folder unless it is away or settled.
const (
	MoveBegun   MoveState = "begun"
	MoveAway    MoveState = "away" // and may come back
	MoveBack    MoveState = "back"
	MoveSettled MoveState = "settled" // it stays away
)

// Moved says where the journal of a folder is.
type Moved struct {
	Move     string      `json:"move"` // names the move: the place that the journal went to knows it too
	State    MoveState   `json:"state"`
	To       string      `json:"to"`       // for people
	Position journal.Pos `json:"position"` // where its log ended when it left
	Changed  time.Time   `json:"changed"`  // State
}

// Gone reports whether the journal is not in the folder any more.
func (m *Moved) Gone() bool { return m != nil && (m.State == MoveAway || m.State == MoveSettled) }

// ReadMoved is the note of a folder, nil where it has none.
func ReadMoved(dir string) (*Moved, error) {
	b, err := os.ReadFile(filepath.Join(dir, movedName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // a file has none either
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading whether the journal of this folder moved: %w", err)
	}
	m := &Moved{}
	if err := json.Unmarshal(b, m); err != nil || m.Move == "" {
		return nil, fmt.Errorf("%s does not say where the journal of this folder is: put back the file that `paklog migrate` wrote (%w)", filepath.Join(dir, movedName), errors.Join(err, errDamaged))
	}
	return m, nil
}

var errDamaged = errors.New("it is damaged")

// WriteMoved puts the note into a folder, durably: whoever reads it meanwhile sees this one or that before.
func WriteMoved(dir string, m Moved) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, movedName)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write(append(b, '\n'))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("%w: make room on its disk: %w", journal.ErrFull, err)
		}
		return fmt.Errorf("noting in %s where its journal is: %w", dir, err)
	}
	return nil
}

// Here refuses a folder that its journal has left.
func Here(dir string) error {
	m, err := ReadMoved(dir)
	if err != nil || !m.Gone() {
		return err
	}
	back := "`paklog migrate back` brings it back"
	if m.State == MoveSettled {
		back = "that was confirmed, so what is here is old for good"
	}
	return fmt.Errorf("%w: it went to %s on %s, at position %d, and goes on there; set store: postgres with this folder as data; %s",
		journal.ErrMoved, m.To, m.Changed.UTC().Format(time.DateOnly), m.Position, back)
}
