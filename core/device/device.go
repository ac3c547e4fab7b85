// Package device is the enrolment of handhelds: invited with a code that is good once and for a
// short time, then known by a token of their own until it is revoked. Only hashes are kept.
package device

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Statuses of a device.
const (
	StatusInvited  = "invited"
	StatusEnrolled = "enrolled"
	StatusRevoked  = "revoked"
)

const (
	// MaxTries is how often a wrong code may be sent before the invitation ends.
	MaxTries = 5
	// MaxInvitation is the longest that a code is good for.
	MaxInvitation = 24 * time.Hour
)

// Sum is a SHA-256 in hex.
type Sum string

func (s Sum) check() error {
	if len(s) != 64 {
		return fmt.Errorf("has %d characters, a SHA-256 in hex has 64", len(s))
	}
	return nil
}

func (s Sum) same(o Sum) bool {
	return s != "" && subtle.ConstantTimeCompare([]byte(s), []byte(o)) == 1
}

// Invite lets a device enrol with a code until then. One that is enrolled keeps its token until
// it does.
type Invite struct {
	scope.Scope
	Device string
	Code   Sum
	Until  time.Time
	By     string
}

// Enrol exchanges the code for a token.
type Enrol struct{ Code, Token Sum }

// Check asks whether a token is the device's.
type Check struct{ Token Sum }

// Revoke takes token and invitation away.
type Revoke struct{ By string }

// Head is what every event of a device begins with.
type Head struct {
	scope.Scope
	Device string    `json:"device"`
	At     time.Time `json:"at"`
}

// Stream is the stream of the device.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Device) }

// Key orders messages about the device.
func (h Head) Key() string { return streamOf(h.Scope, h.Device).Key() }

func streamOf(s scope.Scope, name string) scope.Stream {
	return scope.Stream{Kind: "device", Tenant: s.Tenant, Owner: scope.Shared, ID: name}
}

// StreamOf is the stream of a device: names are unique over the buildings of a tenant.
func StreamOf(s scope.Scope, name string) string { return streamOf(s, name).String() }

// Invited says that a device may enrol.
type Invited struct {
	Head
	Code  Sum       `json:"code_sha256"`
	Until time.Time `json:"until"`
	By    string    `json:"by,omitempty"`
}

// CodeRefused says that somebody sent a wrong code.
type CodeRefused struct {
	Head
	Tries int `json:"tries"`
}

// Enrolled says that the device has a token; one that it had before is no longer good.
type Enrolled struct {
	Head
	Token Sum `json:"token_sha256"`
}

// Revoked says that the device may do nothing more.
type Revoked struct {
	Head
	By string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Invited) EventType() string { return "device.Invited" }

// EventType implements [event.Event].
func (CodeRefused) EventType() string { return "device.CodeRefused" }

// EventType implements [event.Event].
func (Enrolled) EventType() string { return "device.Enrolled" }

// EventType implements [event.Event].
func (Revoked) EventType() string { return "device.Revoked" }

// Device is the state of a device. The zero Device is not known.
type Device struct {
	Head
	Status string    `json:"status"`
	Code   Sum       `json:"code_sha256,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Tries  int       `json:"tries,omitempty"`
	Token  Sum       `json:"token_sha256,omitempty"`
	Since  time.Time `json:"since,omitzero"` // enrolled
}

// Known reports whether it was ever invited.
func (d Device) Known() bool { return d.Device != "" }

// Fold makes a [Device].
var Fold = event.Fold[Device]{Kind: "device", Version: 1, Apply: apply}

func apply(d Device, e event.Event) (Device, error) {
	switch e := e.(type) {
	case Invited:
		d.Head, d.Code, d.Until, d.Tries = e.Head, e.Code, e.Until, 0
		if d.Token == "" {
			d.Status = StatusInvited
		}
	case CodeRefused:
		if d.Tries = e.Tries; d.Tries >= MaxTries {
			d.Code = ""
		}
	case Enrolled:
		d.Status, d.Token, d.Since, d.Code, d.Until, d.Tries = StatusEnrolled, e.Token, e.At, "", time.Time{}, 0
	case Revoked:
		d.Status, d.Token, d.Code, d.Until, d.Tries = StatusRevoked, "", "", time.Time{}, 0
	default:
		return d, event.Unexpected("device", e)
	}
	return d, nil
}

func (d Device) head(at time.Time) Head {
	h := d.Head
	h.At = at.UTC()
	return h
}

// Invite makes a code good.
func (d Device) Invite(c Invite, at time.Time) ([]event.Event, error) {
	const op = "device.Invite"
	if err := c.Scope.Building().Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckName(c.Device); err != nil {
		return nil, fault.At(op, fault.Invalid, "device", err)
	}
	if err := c.Code.check(); err != nil {
		return nil, fault.At(op, fault.Invalid, "code", err)
	}
	if left := c.Until.Sub(at); left <= 0 || left > MaxInvitation {
		return nil, fault.At(op, fault.Invalid, "until", fmt.Errorf("an invitation lasts up to %v", MaxInvitation))
	}
	return []event.Event{Invited{Head{c.Scope.Building(), c.Device, at.UTC()}, c.Code, c.Until.UTC(), c.By}}, nil
}

// Enrol takes the code. A wrong one is an event, so that nobody can try them all, and no error:
// ok says whether it was the right one.
func (d Device) Enrol(c Enrol, at time.Time) (events []event.Event, ok bool, err error) {
	const op = "device.Enrol"
	if err := c.Token.check(); err != nil {
		return nil, false, fault.At(op, fault.Invalid, "token", err)
	}
	switch {
	case d.Code == "" || !at.Before(d.Until):
		return nil, false, nil
	case !d.Code.same(c.Code):
		return []event.Event{CodeRefused{d.head(at), d.Tries + 1}}, false, nil
	}
	return []event.Event{Enrolled{d.head(at), c.Token}}, true, nil
}

// Check says why a token is not the device's, or nil.
func (d Device) Check(c Check) error {
	if d.Status == StatusEnrolled && d.Token.same(c.Token) {
		return nil
	}
	if d.Status == StatusRevoked {
		return fault.At("device.Check", fault.Rejected, "device", fmt.Errorf("device %s is revoked: enrol it again", d.Device))
	}
	return fault.At("device.Check", fault.Rejected, "device", errors.New("there is no device with this token: enrol it"))
}

// Revoke ends it; a revoked device is no event.
func (d Device) Revoke(c Revoke, at time.Time) ([]event.Event, error) {
	switch {
	case !d.Known():
		return nil, fault.At("device.Revoke", fault.Rejected, "device", errors.New("there is no such device"))
	case d.Status == StatusRevoked && d.Code == "":
		return nil, nil
	}
	return []event.Event{Revoked{d.head(at), c.By}}, nil
}
