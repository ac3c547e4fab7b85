package dlq_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// oneGroup is an index of one group, of the letters that it has.
type oneGroup struct {
	letters []view.DeskLetter
	err     error
	asked   *view.DeskQuery
}

func (x oneGroup) Letters(_ context.Context, q view.DeskQuery) (view.DeskPage, error) {
	*x.asked = q
	return view.DeskPage{Items: x.letters}, x.err
}

func (x oneGroup) Groups(_ context.Context, fingerprint string, _ time.Time) ([]view.DeskGroup, error) {
	if fingerprint != "f1" {
		return nil, nil
	}
	return []view.DeskGroup{{Fingerprint: "f1", Open: len(x.letters)}}, nil
}

var errIndex = errors.New("the index is gone")

func TestAGroupSaysWhatItLacks(t *testing.T) {
	lack := func(missing string) dlq.Lack {
		return dlq.Lack{Kind: "item", Owner: "ACME", Missing: missing, Operation: "register-item"}
	}
	byKey := func(rec *journal.Record) (dlq.Lack, bool) {
		switch rec.Key {
		case "order-0", "order-3":
			return lack("B"), true
		case "order-1":
			return lack("A"), true
		}
		return dlq.Lack{}, false
	}
	for name, c := range map[string]struct {
		messages int
		group    string
		lacks    func(*journal.Record) (dlq.Lack, bool)
		index    error
		want     []dlq.Remedy
		err      error
	}{
		"what most wait for comes first": {4, "f1", byKey, nil, []dlq.Remedy{{Lack: lack("B"), Letters: 2}, {Lack: lack("A"), Letters: 1}}, nil},
		"another cause":                  {4, "f1", func(*journal.Record) (dlq.Lack, bool) { return dlq.Lack{}, false }, nil, nil, nil},
		"a desk that knows of none":      {4, "f1", nil, nil, nil, nil},
		"no letters":                     {0, "f1", byKey, nil, nil, nil},
		"no such group":                  {4, "f2", byKey, nil, nil, dlq.ErrNoGroup},
		"an index that fails":            {4, "f1", byKey, errIndex, nil, errIndex},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := newDesk()
			d.Lacks = c.lacks
			var asked view.DeskQuery
			x := oneGroup{err: c.index, asked: &asked}
			for i := range c.messages {
				id := h.fail(t, "r", message(i), refused)
				l, err := d.Letter(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				x.letters = append(x.letters, view.DeskLetter{ID: id, Position: journal.Pos(l.Position)})
			}
			d.Index = x
			g, err := d.Group(t.Context(), c.group)
			if !errors.Is(err, c.err) || !slices.Equal(g.Remedy, c.want) {
				t.Errorf("%+v, %v", g.Remedy, err)
			}
			if c.want != nil && (!slices.Equal(asked.States, []string{"open"}) || asked.Fingerprint != "f1") {
				t.Errorf("asked for %+v", asked)
			}
		})
	}
}
