package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// OrderDraft is an order that somebody began to write and did not place yet. Nothing is promised for it.
type OrderDraft struct {
	ID      string          `json:"id"`
	Version string          `json:"version,omitempty" doc:"changes with each save: send that of the draft as it was seen; a list leaves it out"`
	Owner   string          `json:"owner,omitempty"`
	Number  string          `json:"number,omitempty"`
	By      string          `json:"by" doc:"who saved it last"`
	At      time.Time       `json:"at"`
	Order   json.RawMessage `json:"order,omitempty" doc:"as POST /v1/orders takes it, as far as it is written; without its addresses and notes for who is shown nothing personal"`
}

// Limits of drafts.
const (
	mostDrafts   = 200
	longestDraft = 64 << 10 // bytes
)

// Errors of drafts.
var (
	// ErrNoDraft: it was placed or removed, or never was.
	ErrNoDraft = errors.New("no such draft")
	// ErrDraft: there is no room for it.
	ErrDraft = errors.New("the draft is not kept")
)

const draftPrefix = "desk/draft/"

// DraftNotices are the types of audit-events about drafts.
var DraftNotices = []string{"draft.Saved", "draft.Removed"}

// DraftNotice is what they say: nothing of what stands in the draft beyond whose order it is and which.
type DraftNotice struct {
	Draft  string `json:"draft"`
	Owner  string `json:"owner,omitempty"`
	Number string `json:"number,omitempty"`
	Actor  string `json:"actor"`
}

// tag is that of its row, which the version says: a number that scripts would round is a text.
func (d *OrderDraft) tag() uint64 {
	n, _ := strconv.ParseUint(d.Version, 10, 64) // it is held against the row's
	return n
}

func (d *OrderDraft) notice(actor string) DraftNotice {
	return DraftNotice{d.ID, d.Owner, d.Number, actor}
}

// OrderDrafts are those there are, the one that was saved last first, without their orders and versions.
func (d *Desk) OrderDrafts(ctx context.Context) ([]OrderDraft, error) {
	out := []OrderDraft{}
	err := eachState(ctx, d.Log, draftPrefix, "drafts", func(_ string, x OrderDraft) error {
		x.Order, x.Version = nil, ""
		out = append(out, x)
		return nil
	})
	slices.SortFunc(out, func(a, b OrderDraft) int { return b.At.Compare(a.At) })
	return out, err
}

// OrderDraft is one draft with its order.
func (d *Desk) OrderDraft(ctx context.Context, id string) (OrderDraft, error) {
	var x OrderDraft
	tag, err := d.state(ctx, draftPrefix+id, &x)
	if err == nil && tag == 0 {
		err = fmt.Errorf("%s: %w", id, ErrNoDraft)
	}
	x.Version = strconv.FormatUint(tag, 10)
	return x, err
}

// SaveOrderDraft keeps an order as far as it is written: as a new draft where id is "", otherwise in the
// place of the version that was seen. Where somebody saved it meanwhile it is [ErrStale].
func (d *Desk) SaveOrderDraft(ctx context.Context, x OrderDraft, actor string) (OrderDraft, error) {
	if len(x.Order) > longestDraft {
		return x, fmt.Errorf("a draft has at most %d bytes: %w", longestDraft, ErrDraft)
	}
	x.By, x.At = actor, d.Now().UTC()
	if x.ID != "" {
		was, err := d.OrderDraft(ctx, x.ID)
		if err != nil {
			return x, err
		}
		if was.Version != x.Version {
			return x, fmt.Errorf("%s saved the draft at %s: %w", was.By, was.At.Format(time.RFC3339), ErrStale)
		}
		return d.putDraft(ctx, x)
	}
	list, err := d.OrderDrafts(ctx)
	if err != nil {
		return x, err
	}
	if len(list) >= mostDrafts {
		return x, fmt.Errorf("at most %d drafts are kept: place or remove some: %w", mostDrafts, ErrDraft)
	}
	x.Version = "0"
	for n := range tries {
		id := journal.ID{}.Child("desk", fmt.Sprintf("draft/%s/%d", actor, x.At.UnixNano()), n)
		x.ID = "D" + strings.ReplaceAll(id.String(), "-", "")[:12]
		// Another of the same moment is another draft.
		if made, err := d.putDraft(ctx, x); !errors.Is(err, ErrStale) {
			return made, err
		}
	}
	return x, fmt.Errorf("drafts: too many are begun at once: %w", ErrState)
}

func (d *Desk) putDraft(ctx context.Context, x OrderDraft) (OrderDraft, error) {
	tag := x.tag()
	ref, err := d.Journal.Submit(ctx, &journal.Unit{
		States:  []journal.StateOp{stateOp(draftPrefix+x.ID, tag, x)},
		Records: []journal.Record{auditOf(DraftNotices[0], "draft/"+x.ID, x.notice(x.By), tag, x.At)},
	})
	if err != nil {
		return x, fmt.Errorf("draft %s: %w", x.ID, err)
	}
	if ref != nil {
		return x, fmt.Errorf("draft %s: somebody was faster: %w", x.ID, ErrStale)
	}
	return d.OrderDraft(ctx, x.ID)
}

// RemoveOrderDraft ends a draft, as it was seen: it was placed, or nobody wants it any more.
func (d *Desk) RemoveOrderDraft(ctx context.Context, id, version, actor string) error {
	x, err := d.OrderDraft(ctx, id)
	if err != nil {
		return err
	}
	stale := x.Version != version
	if !stale {
		ref, err := d.Journal.Submit(ctx, &journal.Unit{
			States:  []journal.StateOp{{Key: draftPrefix + id, Tag: x.tag()}},
			Records: []journal.Record{auditOf(DraftNotices[1], "draft/"+id, x.notice(actor), x.tag(), d.Now().UTC())},
		})
		if err != nil {
			return fmt.Errorf("draft %s: %w", id, err)
		}
		stale = ref != nil
	}
	if stale {
		return fmt.Errorf("draft %s: somebody saved it meanwhile: %w", id, ErrStale)
	}
	return nil
}
