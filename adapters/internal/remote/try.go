package remote

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Tried is what a try of a partner's server has shown.
type Tried struct {
	Waiting int    `json:"waiting"`        // files in his folder that would be taken
	Example string `json:"example"`        // one of them
	Dropped bool   `json:"dropped"`        // a file of ours can be put, and taken away again
	Notes   string `json:"note,omitempty"` // what is odd
}

// Try looks into the folder that files are taken from, and puts a hidden file into the one that ours
// go to and removes it. No file of the partner's is changed.
func Try(ctx context.Context, link Link, at Folders) (t Tried, err error) {
	if at.Pickup != "" {
		err := link.Do(ctx, "remote.Try", false, 0, func(s Session) error {
			list, err := s.List(at.Pickup)
			if err != nil {
				return fmt.Errorf("looking into %s: %w", at.Pickup, err)
			}
			p := Pickup{at: at}
			list = slices.DeleteFunc(list, func(i fs.FileInfo) bool { return !i.Mode().IsRegular() || p.skip(i.Name()) })
			if t.Waiting = len(list); t.Waiting > 0 {
				t.Example = list[0].Name()
			}
			if at.Archive != "" {
				if _, err := s.Stat(at.Archive); err != nil {
					return fmt.Errorf("looking for %s, where files go that were taken: %w", at.Archive, err)
				}
			}
			return nil
		})
		if err != nil {
			return t, err
		}
	}
	if at.Drop == "" {
		return t, nil
	}
	const name = "paklog-test"
	o := Outbox{link, at.Drop}
	if err := o.Stage(ctx, at.Partner, name, []byte("PakLog was here, and takes this away again.\n")); err != nil {
		return t, err
	}
	err = link.Do(ctx, "remote.Try", false, 0, func(s Session) error {
		staged, other := path.Join(at.Drop, "."+name+".tmp"), path.Join(at.Drop, "."+name+".2.tmp")
		if err := s.Rename(staged, other); err != nil {
			return fmt.Errorf("renaming a file in %s, which publishes it: %w", at.Drop, err)
		}
		if err := s.Remove(other); err != nil {
			t.Notes = fmt.Sprintf("%s stays there: we may not remove files (%v)", other, err)
		}
		return nil
	})
	t.Dropped = err == nil
	return t, err
}
