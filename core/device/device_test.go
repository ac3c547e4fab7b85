package device_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

var at = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func sum(c string) device.Sum { return device.Sum(strings.Repeat(c, 64)) }

func invite() device.Invite {
	return device.Invite{
		Scope:  scope.Scope{Tenant: "t", Owner: scope.Shared, Facility: "east"},
		Device: "HH-1", Code: sum("a"), Until: at.Add(15 * time.Minute),
	}
}

func after(t *testing.T, d device.Device, evs []event.Event, err error) device.Device {
	t.Helper()
	if err == nil {
		d, err = device.Fold.Replay(d, evs...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestACodeIsGoodOnce(t *testing.T) {
	var d device.Device
	evs, err := d.Invite(invite(), at)
	d = after(t, d, evs, err)
	evs, ok, err := d.Enrol(device.Enrol{Code: sum("a"), Token: sum("t")}, at.Add(time.Minute))
	if d = after(t, d, evs, err); !ok || d.Check(device.Check{Token: sum("t")}) != nil {
		t.Fatalf("%+v", d)
	}
	if evs, ok, err := d.Enrol(device.Enrol{Code: sum("a"), Token: sum("u")}, at); ok || len(evs) != 0 || err != nil {
		t.Errorf("used twice: %v, %v, %v", evs, ok, err)
	}
	// Invited again it works on with its token until it has the next one.
	evs, err = d.Invite(invite(), at)
	if d = after(t, d, evs, err); d.Check(device.Check{Token: sum("t")}) != nil {
		t.Errorf("%+v", d)
	}
	evs, _, err = d.Enrol(device.Enrol{Code: sum("a"), Token: sum("u")}, at)
	if d = after(t, d, evs, err); d.Check(device.Check{Token: sum("t")}) == nil || d.Check(device.Check{Token: sum("u")}) != nil {
		t.Errorf("%+v", d)
	}
	evs, err = d.Revoke(device.Revoke{By: "ops"}, at)
	d = after(t, d, evs, err)
	if err := d.Check(device.Check{Token: sum("u")}); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Error(err)
	}
	if evs, err := d.Revoke(device.Revoke{}, at); len(evs) != 0 || err != nil {
		t.Error(evs, err)
	}
}

func TestWrongCodesEndAnInvitation(t *testing.T) {
	var d device.Device
	evs, err := d.Invite(invite(), at)
	d = after(t, d, evs, err)
	if _, ok, _ := d.Enrol(device.Enrol{Code: sum("a"), Token: sum("t")}, at.Add(15*time.Minute)); ok {
		t.Error("a code that is over was taken")
	}
	for n := range device.MaxTries {
		evs, ok, err := d.Enrol(device.Enrol{Code: sum("b"), Token: sum("t")}, at)
		if d = after(t, d, evs, err); ok || d.Tries != n+1 {
			t.Fatalf("try %d: %+v", n, d)
		}
	}
	if _, ok, _ := d.Enrol(device.Enrol{Code: sum("a"), Token: sum("t")}, at); ok {
		t.Error("the right code was taken after five wrong ones")
	}
}

func TestWhatIsNoInvitation(t *testing.T) {
	for place, change := range map[string]func(*device.Invite){
		"tenant": func(c *device.Invite) { c.Tenant = "" },
		"device": func(c *device.Invite) { c.Device = "a/b" },
		"code":   func(c *device.Invite) { c.Code = "x" },
		"until":  func(c *device.Invite) { c.Until = at.Add(25 * time.Hour) },
	} {
		c := invite()
		change(&c)
		if evs, err := (device.Device{}).Invite(c, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	c := invite()
	c.Until = at
	if _, err := (device.Device{}).Invite(c, at); fault.PlaceOf(err) != "until" {
		t.Error(err)
	}
	var nobody device.Device
	if err := nobody.Check(device.Check{Token: ""}); fault.KindOf(err) != fault.Rejected {
		t.Error(err)
	}
	if _, err := nobody.Revoke(device.Revoke{}, at); fault.KindOf(err) != fault.Rejected {
		t.Error(err)
	}
	if _, _, err := nobody.Enrol(device.Enrol{Token: "x"}, at); fault.PlaceOf(err) != "token" {
		t.Error(err)
	}
}
