package routes

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/notify"
	"github.com/paklog/hub/core/order"
)

// room is a channel; what people heard in it is the ground truth.
type room struct {
	mu     sync.Mutex
	script []error // of the next notices; then it is heard
	heard  []notify.Notice
}

// lost is heard, and nobody learns of it.
var errLost = fault.E("room", fault.Unknown, fmt.Errorf("the answer is lost"))

func (r *room) Send(_ context.Context, n notify.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if len(r.script) > 0 {
		err, r.script = r.script[0], r.script[1:]
	}
	if err == nil || err == errLost { //nolint:errorlint // ours, as it is
		r.heard = append(r.heard, n)
	}
	return err
}

// told is what was heard, a line a notice: rule, addresses and what of which order.
func (r *room) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, n := range r.heard {
		var of []string
		for _, i := range n.Items {
			of = append(of, i.What+" "+i.Order)
		}
		out = append(out, fmt.Sprintf("%s%v: %s", n.Rule, n.To, strings.Join(of, ", ")))
	}
	return strings.Join(out, "; ")
}

// notifyRig is a rig whose orders are to a customer with an address for mail.
func notifyRig(t *testing.T, rules ...NotifyRule) (*rig, *room) {
	t.Helper()
	r := newRig(t)
	rm := &room{}
	r.notify = &NotifyConfig{Channels: []NotifyChannel{{Name: "mail", Port: rm, Mails: true}}, Rules: rules}
	r.restart()
	r.stock("A", 50, "P-1")
	return r, rm
}

// orders places an order of A whose customer has an address, or none.
func (r *rig) orders(number, mail string) {
	r.t.Helper()
	c := place(number, lines("A", 1))
	c.ShipTo.Email = mail
	r.must(door.Orders, number, c)
}

var customer = NotifyRule{Name: "left", On: []string{notify.Shipped}, To: notify.Customer, Channel: "mail"}

func TestWhoIsToHearHearsOnce(t *testing.T) {
	staff := NotifyRule{Name: "desk", On: notify.Kinds(), To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}}
	for name, c := range map[string]struct {
		rules  []NotifyRule
		script []error
		do     func(*rig)
		want   string
	}{
		"a customer":            {rules: []NotifyRule{customer}, want: "left[jo@x]: shipped SO-1"},
		"nobody has an address": {rules: []NotifyRule{customer}, do: func(r *rig) { r.orders("SO-1", "") }},
		"another's orders":      {rules: []NotifyRule{func() NotifyRule { c := customer; c.Owners = []string{"other"}; return c }()}},
		"staff, of all":         {rules: []NotifyRule{staff}, want: "desk[desk@wh]: packed SO-1; desk[desk@wh]: shipped SO-1"},
		"a carrier's no": {rules: []NotifyRule{{Name: "odd", On: []string{notify.Exception}, To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}}},
			do: func(r *rig) {
				r.carrier.next(fails(fault.Rejected, 0))
				r.orders("SO-1", "")
			}, want: "odd[desk@wh]: exception SO-1"},
		"a lost answer is not asked for twice": {rules: []NotifyRule{customer}, script: []error{errLost}, want: "left[jo@x]: shipped SO-1"},
		"a mailbox that is full for a while":   {rules: []NotifyRule{customer}, script: []error{fault.E("room", fault.Transient, fmt.Errorf("full"))}, want: "left[jo@x]: shipped SO-1"},
		"a server that is away":                {rules: []NotifyRule{customer}, script: []error{fault.E("room", fault.Unavailable, fmt.Errorf("away"))}, want: "left[jo@x]: shipped SO-1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, rm := notifyRig(t, c.rules...)
				rm.script = c.script
				if c.do == nil {
					c.do = func(r *rig) { r.orders("SO-1", "jo@x") }
				}
				c.do(r)
				settle(time.Hour)
				if got := rm.told(); got != c.want {
					t.Errorf("heard %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestANoticeThatIsRefusedIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, rm := notifyRig(t, customer)
		rm.script = []error{fault.At("room", fault.Rejected, "to", fmt.Errorf("no such mailbox"))}
		r.orders("SO-1", "jo@x")
		settle(time.Hour)
		l := r.letters()
		if len(l) != 1 || l[0].Route != "out.notify.mail" || rm.told() != "" {
			t.Fatalf("%+v; heard %q", l, rm.told())
		}
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		if got := rm.told(); got != "left[jo@x]: shipped SO-1" {
			t.Errorf("heard %q after the replay", got)
		}
		r.status("SO-1", order.StatusShipped)
	})
}

func TestThingsAreGatheredAndWaitOutTheNight(t *testing.T) {
	for name, c := range map[string]struct {
		group time.Duration
		quiet notify.Quiet
		after time.Duration // that it is heard
		want  string
	}{
		"gathered": {group: 3 * time.Hour, after: 3 * time.Hour, want: "desk[desk@wh]: packed SO-1, shipped SO-1, packed SO-2, shipped SO-2"},
		// A bubble's clock begins at midnight, UTC.
		"by night":                {quiet: notify.Quiet{From: 22 * 60, To: 7 * 60}, after: 7 * time.Hour, want: "desk[desk@wh]: packed SO-1, shipped SO-1, packed SO-2, shipped SO-2"},
		"gathered into the night": {group: 23 * time.Hour, quiet: notify.Quiet{From: 22 * 60, To: 26*60 - 24*60}, after: 26 * time.Hour, want: "desk[desk@wh]: packed SO-1, shipped SO-1, packed SO-2, shipped SO-2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				midnight := time.Now()
				r, rm := notifyRig(t, NotifyRule{
					Name: "desk", On: []string{notify.Packed, notify.Shipped}, To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}, Group: c.group, Quiet: c.quiet,
				})
				r.orders("SO-1", "")
				settle(time.Hour)
				r.restart() // what waits, waits in the journal
				r.orders("SO-2", "")
				settle(c.after - time.Since(midnight) - time.Minute)
				if got := rm.told(); got != "" {
					t.Fatalf("heard early: %q", got)
				}
				settle(5 * time.Minute)
				if got := rm.told(); got != c.want {
					t.Errorf("heard %q, want %q", got, c.want)
				}
				r.noLetters()
			})
		})
	}
}

// A notice has at most so many things, and says how many more there were.
func TestANoticeHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, rm := notifyRig(t, NotifyRule{Name: "desk", On: []string{notify.Shipped}, To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}, Group: time.Hour})
		r.stock("B", noticeItems+7, "P-2")
		for i := range noticeItems + 7 {
			r.place(fmt.Sprintf("SO-%02d", i), "B", 1)
		}
		settle(2 * time.Hour)
		if len(rm.heard) != 1 || len(rm.heard[0].Items) != noticeItems || rm.heard[0].More != 7 || !strings.Contains(rm.heard[0].Subject, "and 56 more have left") || !strings.Contains(rm.heard[0].Text, "and 7 more") {
			t.Errorf("%+v", rm.heard)
		}
	})
}

func TestACrashAfterAnyUnitTellsAtMostOnce(t *testing.T) {
	missed := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, rm := notifyRig(t, customer, NotifyRule{Name: "desk", On: []string{notify.Packed, notify.Shipped}, To: notify.Staff, Channel: "mail", Staff: []string{"desk@wh"}, Group: time.Minute})
				if err := r.hub.Pause(t.Context(), "notifications", "test"); err != nil {
					t.Fatal(err)
				}
				r.orders("SO-1", "jo@x")
				settle(time.Minute)
				r.batch = 1
				r.restart()
				r.crash(n)
				if err := r.hub.Resume(context.WithoutCancel(t.Context()), "notifications", "test"); err != nil && r.bus.Err() == nil {
					t.Fatal(err)
				}
				settle(10 * time.Minute)
				ended = r.bus.Err() == nil
				r.restart()
				if err := r.hub.Resume(t.Context(), "notifications", "test"); err != nil {
					t.Fatal(err)
				}
				settle(time.Hour)
				got := rm.told()
				if strings.Count(got, "left[jo@x]: shipped SO-1") > 1 || strings.Count(got, "packed SO-1") > 1 {
					t.Errorf("heard twice: %q", got)
				}
				if strings.Count(got, "SO-1") < 3 {
					missed++ // the process died between the call and its mark
				}
				r.noLetters()
			})
		})
		if t.Failed() {
			return
		}
		if n > 40 {
			t.Fatal("it dies for ever")
		}
	}
	if missed > 2 {
		t.Errorf("%d of the crashes left somebody unheard: one a notice may", missed)
	}
}

func TestRulesThatCannotBeFollowedAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for _, c := range []NotifyRule{
			{Name: "a", To: notify.Staff, Channel: "mail"},
			{Name: "b", On: []string{"lost"}, To: notify.Staff, Channel: "mail"},
			{Name: "c", On: notify.Kinds(), To: "everybody", Channel: "mail"},
			{Name: "d", On: notify.Kinds(), To: notify.Staff, Channel: "pigeon"},
		} {
			if err := AddNotifications(r.hub, r.flows, NotifyConfig{Rules: []NotifyRule{c}}); err == nil || !strings.Contains(err.Error(), "rule "+c.Name) {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}
