package edifolder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
)

// Left is what lies in an inbox and is not taken, for its name says that it is being written, or because it
// is a folder.
type Left struct {
	Name  string    `json:"name"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"` // when it was last written
}

// stays is how long an upload may take before somebody is told that its file never got its name.
const stays = 10 * time.Minute

// passed is why an entry of an inbox is not taken, "" where it is.
func passed(name string, info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "is a folder: only files are taken, from the inbox itself"
	case dropped.Unfinished(name):
		return "is named as one that is being written (hidden, .tmp, .part, .filepart): it is taken once it is renamed"
	}
	return ""
}

// passes notes an entry that is passed over, and tells of it once: of a folder when it is seen again, of a
// file once it stays.
func (in *Inbox) passes(partner, name string, info fs.FileInfo, why string, was sight) sight {
	now := in.cfg.Now()
	at := sight{stamp: stamp{info.Size(), info.ModTime()}, looks: 1, since: now}
	if was.looks > 0 && (info.IsDir() || was.stamp == at.stamp) {
		at.looks, at.since, at.told = was.looks+1, was.since, was.told
	}
	if !at.told && at.looks >= enough && (info.IsDir() || now.Sub(at.mod) >= stays) {
		at.told = true
		in.cfg.Log.Warn("something stays in the inbox and is not taken", "partner", partner, "file", name, "why", why, "since", at.mod.UTC().Format(time.RFC3339))
	}
	return at
}

// LeftIn lists what stays in a partner's inbox and is not taken.
func LeftIn(root, partner string, now time.Time) ([]Left, error) {
	entries, err := os.ReadDir(filepath.Join(root, partner, "inbox"))
	if err != nil {
		return nil, fmt.Errorf("reading the inbox of %s: %w", partner, err)
	}
	var out []Left
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // taken away meanwhile
		}
		if why := passed(e.Name(), info); why != "" && (info.IsDir() || now.Sub(info.ModTime()) >= stays) {
			out = append(out, Left{e.Name(), why, info.ModTime().UTC()})
		}
	}
	return out, nil
}
