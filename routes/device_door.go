package routes

import (
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addDeviceDoor() error {
	return f.hub.Add(Route{
		Name: door.Devices, About: "invites, enrols and revokes handhelds",
		Handle: f.ask(door.Devices, f.askDevice), Writes: []string{onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

// Enrolment is the answer to a code: a wrong one is durable too, and no error of the unit.
type Enrolment struct {
	Device   string `json:"device"`
	Facility string `json:"facility"`
	OK       bool   `json:"ok"`
}

func (f *Flows) askDevice(d *decision, a *door.Ask) (answered, error) {
	s := a.Scope.Building()
	was := load(d, d.f.devices, device.StreamOf(s, a.ID))
	if d.err != nil {
		return answered{}, d.err
	}
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case device.Invite:
		c.Scope, c.Device, c.By = s, a.ID, a.Actor
		events, err = was.Invite(c, d.m.Now)
	case device.Enrol:
		var ok bool
		events, ok, err = was.Enrol(c, d.m.Now)
		add(d, d.f.devices, device.StreamOf(s, a.ID), events, err)
		return answered{Enrolment{a.ID, was.Facility, ok}, len(events) > 0}, d.err
	case device.Check:
		if err := was.Check(c); err != nil {
			return answered{}, fault.Wrap(door.Devices, err)
		}
		return answered{Enrolment{a.ID, was.Facility, true}, false}, nil
	case device.Revoke:
		c.By = a.Actor
		events, err = was.Revoke(c, d.m.Now)
	default:
		return answered{}, wrongCommand(door.Devices, a.Cmd)
	}
	add(d, d.f.devices, device.StreamOf(s, a.ID), events, err)
	is := load(d, d.f.devices, device.StreamOf(s, a.ID))
	is.Code, is.Token = "", "" // for nobody's eyes
	return answered{is, len(events) > 0}, d.err
}
