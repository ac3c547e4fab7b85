package edifolder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
)

// Left is what lies in an inbox and is not taken: its name says that it is being written, or it is a folder;
// or not yet, for it looks cut off.
type Left struct {
	Name  string    `json:"name"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"` // when it was last written
}

// stays is how long an upload may take before somebody is told that its file never got its name.
const stays = 10 * time.Minute

// waiting is after how long a file that looks cut off is listed.
const waiting = 10 * time.Second

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

// cutOff is why a file is not taken yet.
const cutOff = "looks cut off: it is empty, or has no IEA or UNZ at its end; it is taken as it is once it stood for edi.patience"

// waits tells once of a file that looks half written, after so many looks that an upload would have gone on.
func (in *Inbox) waits(partner, name string, at sight) sight {
	if !at.told && at.looks >= patience {
		at.told = true
		in.cfg.Log.Warn("a file in the inbox looks cut off", "partner", partner, "file", name, "bytes", at.size,
			"why", "it is empty, or has no IEA or UNZ at its end", "taken_as_it_is", at.since.Add(in.cfg.Patience).UTC().Format(time.RFC3339))
	}
	return at
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
		why, age := passed(e.Name(), info), now.Sub(info.ModTime())
		switch {
		case why != "" && !info.IsDir() && age < stays:
			continue
		case why == "":
			if age < waiting || !info.Mode().IsRegular() || whole(filepath.Join(root, partner, "inbox", e.Name()), info.Size()) {
				continue
			}
			why = cutOff
		}
		out = append(out, Left{e.Name(), why, info.ModTime().UTC()})
	}
	return out, nil
}
