package routes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/notify"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// asItStands is an index that is never behind: it reads the journal, but while it is blind.
type asItStands struct {
	desk  *dlq.Desk
	blind *blindness
}

// blindness lets an index know no group, or fail.
type blindness struct {
	on  atomic.Bool
	err error
}

func (asItStands) Letters(context.Context, view.DeskQuery) (view.DeskPage, error) {
	return view.DeskPage{}, nil
}

func (x asItStands) Groups(ctx context.Context, fingerprint string, _ time.Time) ([]view.DeskGroup, error) {
	if x.blind.on.Load() {
		return nil, x.blind.err
	}
	list, err := x.desk.List(ctx, dlq.Filter{State: "all", Limit: 1000})
	var out []view.DeskGroup
	for _, l := range list {
		if l.Fingerprint != fingerprint {
			continue
		}
		if out == nil {
			out = []view.DeskGroup{{Fingerprint: fingerprint, Route: l.Route, Cause: l.Cause}}
		}
		if l.State != "open" {
			continue
		}
		g := &out[0]
		if g.Open++; g.Oldest == nil || l.Opened.Before(*g.Oldest) {
			g.Oldest = &l.Opened
		}
	}
	return out, err
}

// lettersRig is a rig whose staff hears of letters; alarms are why it did.
func lettersRig(t *testing.T, blind *blindness) (r *rig, rm *room, alarms func() []string) {
	t.Helper()
	r, rm = notifyRig(t, NotifyRule{Name: "desk", On: []string{notify.Letters}, To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}})
	r.index = func(d *dlq.Desk) dlq.Index { return asItStands{d, blind} }
	r.restart()
	return r, rm, func() (out []string) {
		rm.mu.Lock()
		defer rm.mu.Unlock()
		for _, n := range rm.heard {
			if !strings.Contains(n.Subject, "Group ") || len(n.Items) != 1 || n.Items[0].Group == "" {
				t.Errorf("heard %+v", n)
			}
			out = append(out, n.Items[0].Reason)
		}
		return out
	}
}

// unknown places orders of an item that nobody knows: each is a letter of one cause.
func (r *rig) unknown(from, n int) {
	r.t.Helper()
	for i := range n {
		number := fmt.Sprintf("SO-%03d", from+i)
		r.must(door.Orders, number, place(number, lines("NOPE", 1)))
	}
	settle(time.Minute)
}

// heard holds why staff heard against what it should have.
func heardOf(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Fatalf("%s: heard %q, want %q", when, got, want)
	}
}

func TestANewCauseAndOneThatGrowsAreToldAndDepthIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, alarms := lettersRig(t, &blindness{})
		r.unknown(0, 1)
		heardOf(t, "a new cause", alarms(), "a new cause of failures on "+heldLines)
		r.unknown(1, alarmGrows-2)
		heardOf(t, "a few more", alarms(), "a new cause")
		r.unknown(alarmGrows, 1)
		heardOf(t, "many in an hour", alarms(), "a new cause", fmt.Sprintf("%d failures in this hour, 0 in the hour before", alarmGrows))
		r.unknown(100, 3*alarmGrows)
		r.restart() // what was told stands in the journal
		settle(time.Hour - 10*time.Minute)
		r.unknown(200, 2*alarmGrows)
		heardOf(t, "a heap that grows no faster", alarms(), "a new cause", "failures in this hour")
	})
}

func TestALetterThatWaitsTooLongIsToldUntilSomebodyCares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, alarms := lettersRig(t, &blindness{})
		r.unknown(0, 2)
		settle(alarmAge - 10*time.Minute)
		heardOf(t, "before its time", alarms(), "a new cause")
		r.restart()
		settle(20 * time.Minute)
		heardOf(t, "in its time", alarms(), "a new cause", "2 letters wait, the oldest since")
		group := r.letters()[0].Fingerprint
		until := time.Now().Add(2 * alarmAge)
		if _, err := r.hub.Desk().Tend(t.Context(), group, "ann", dlq.GroupAct{Snooze: &until}); err != nil {
			t.Fatal(err)
		}
		settle(alarmAge)
		heardOf(t, "snoozed", alarms(), "a new cause", "2 letters wait")
		settle(2 * alarmAge)
		if got := alarms(); len(got) < 3 || !strings.Contains(got[2], "2 letters wait") {
			t.Fatalf("after the snooze: heard %q", got)
		}
		for _, l := range r.letters() {
			if err := r.hub.Desk().Drop(t.Context(), l.ID, l.Opening, "ann", "nobody wants them"); err != nil {
				t.Fatal(err)
			}
		}
		n := len(alarms())
		settle(3 * alarmAge)
		if got := alarms(); len(got) != n {
			t.Errorf("with none open: heard %q", got[n:])
		}
	})
}

func TestAnIndexThatIsBehindIsAskedAgain(t *testing.T) {
	for name, why := range map[string]error{"it is built anew": nil, "it cannot be read": errors.New("disk I/O error")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				blind := &blindness{err: why}
				blind.on.Store(true)
				r, _, alarms := lettersRig(t, blind)
				r.unknown(0, 1)
				settle(alarmAge + time.Minute)
				heardOf(t, "while it is behind", alarms(), "a new cause")
				if l := r.letters(); len(l) != 1 {
					t.Errorf("it became a letter: %+v", l)
				}
				blind.on.Store(false)
				settle(time.Hour)
				heardOf(t, "once it knows", alarms(), "a new cause", "1 letters wait")
			})
		})
	}
}

func TestANoticeThatFailsIsNoAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, rm, alarms := lettersRig(t, &blindness{})
		rm.script = []error{fault.At("room", fault.Rejected, "to", fmt.Errorf("no such mailbox"))}
		r.unknown(0, 1)
		settle(time.Hour)
		heardOf(t, "the alarm was refused", alarms())
		if l := r.letters(); len(l) != 2 { // of the order and of the notice, and no more
			t.Errorf("%d letters: %+v", len(l), l)
		}
	})
}
