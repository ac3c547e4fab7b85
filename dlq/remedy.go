package dlq

import (
	"context"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/view"
)

// Lack is what master data has to have for a message to go on.
type Lack struct {
	Kind      string `json:"kind" enum:"item,unit"`
	Owner     string `json:"owner,omitempty"`
	Missing   string `json:"missing" doc:"the SKU, or the unit's name, as the message has it"`
	Item      string `json:"item,omitempty" doc:"the item that lacks the unit"`
	Operation string `json:"operation" enum:"register-item,change-item" doc:"the operation of this API that adds it"`
}

// Remedy is a lack that open letters of a group share.
type Remedy struct {
	Lack
	Letters int `json:"letters" doc:"open letters that wait for it, of those that were looked at"`
}

// remedyLetters are the newest open letters of a group that are asked what they lack.
const remedyLetters = 200

// remedy is what would let the open letters of a group go on, most letters first; none where their
// cause is not missing master data.
func (d *Desk) remedy(ctx context.Context, fingerprint string) ([]Remedy, error) {
	if d.Lacks == nil {
		return nil, nil
	}
	page, err := d.Index.Letters(ctx, view.DeskQuery{States: []string{"open"}, Fingerprint: fingerprint, Limit: remedyLetters})
	if err != nil {
		return nil, err
	}
	var out []Remedy
	for _, l := range page.Items {
		stored, err := d.Log.Holding(ctx, l.Position)
		if err != nil {
			return nil, fmt.Errorf("reading the message of letter %s: %w", l.ID, err)
		}
		rec, ok := stored.At(l.Position)
		if !ok {
			continue
		}
		lack, ok := d.Lacks(&rec)
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(r Remedy) bool { return r.Lack == lack })
		if i < 0 {
			i = len(out)
			out = append(out, Remedy{Lack: lack})
		}
		out[i].Letters++
	}
	slices.SortStableFunc(out, func(a, b Remedy) int { return b.Letters - a.Letters })
	return out, nil
}
