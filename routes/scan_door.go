package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addScanDoor() error {
	return f.hub.Add(Route{
		Name: door.Scans, About: "takes what handhelds scan, each scan once and in the order of its device",
		Handle:   f.sendScan,
		Writes:   []string{onTracking, onTasks, onPicks, onPacks, onOrders, onInventory, onPutAways, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

// storedScan is what is kept under a device's sequence: the scan that it named, and what was
// answered.
type storedScan struct {
	Scan   scan.Scan   `json:"scan"`
	Answer scan.Answer `json:"answer"`
}

// scanClaim is the outside id of a scan.
func scanClaim(s scope.Scope, dev string, sc scan.Scan) (eip.OutsideID, error) {
	b, err := json.Marshal(sc)
	if err != nil {
		return eip.OutsideID{}, fault.E(door.Scans, fault.Internal, fmt.Errorf("writing a scan: %w", err))
	}
	return eip.OutsideID{
		Scope: "scan/" + scope.Join(s.Tenant, dev), ID: strconv.FormatInt(sc.Seq, 10), Hash: sha256.Sum256(b),
		Reused: func(first journal.Claim) error {
			var was storedScan
			if err := json.Unmarshal(first.Answer, &was); err != nil {
				return fault.E(door.Scans, fault.Internal, fmt.Errorf("reading a stored scan: %w", err))
			}
			return fault.At(door.Scans, fault.Invalid, "seq", scan.Reused(was.Scan, sc))
		},
	}, nil
}

// sendScan takes one scan. Its unit holds what it led to and the mark that it was taken; one
// that is refused leaves the reason and the mark.
func (f *Flows) sendScan(ctx context.Context, m *Message) (*Out, error) {
	a, ok := m.Value.(door.Ask)
	c, isSend := a.Cmd.(scan.Send)
	if !ok || !isSend {
		return nil, fault.E(door.Scans, fault.Internal, fmt.Errorf("called with %T", m.Value))
	}
	a.Scope.Tenant = cmp.Or(a.Scope.Tenant, f.cfg.Tenant)
	a.Scope.Facility = cmp.Or(a.Scope.Facility, f.cfg.Facility)
	a.Scope.Owner = cmp.Or(a.Scope.Owner, scope.Shared)
	if err := f.building(a.Scope.Facility); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(a.ID); err != nil {
		return nil, fault.At(door.Scans, fault.Invalid, "device", err)
	}
	if err := c.Scan.CheckHead(); err != nil {
		return nil, fault.Wrap(door.Scans, err)
	}
	seen := scan.SeenAt(c.Scan.At, c.Sent, m.Now)
	d := f.decide(ctx, m)
	if dev := d.scanner(a.Scope, a.ID); d.err == nil && dev.IsEarly(c.Scan.Seq) {
		return d.keepScan(a, dev, c.Scan, seen)
	}
	if d.err != nil {
		return nil, d.err
	}
	return eip.Receive(func(*Message) (eip.OutsideID, error) {
		return scanClaim(a.Scope, a.ID, c.Scan)
	}, func(ctx context.Context, m *Message) (*Out, []byte, error) {
		return f.takeScan(ctx, m, a.Scope, a.ID, c.Scan, seen)
	}, func(_ context.Context, m *Message, first journal.Claim) (*Out, error) {
		var was storedScan
		if err := json.Unmarshal(first.Answer, &was); err != nil {
			return nil, fault.E(door.Scans, fault.Internal, fmt.Errorf("reading a stored answer: %w", err))
		}
		was.Answer.Repeat = true
		return m.Out().Answer(was.Answer), nil
	})(ctx, m)
}

func (d *decision) scanner(s scope.Scope, name string) scan.Device {
	return load(d, d.f.scanners, scan.StreamOf(s, name))
}

func (d *decision) onScanner(s scope.Scope, name string, events []event.Event, err error) bool {
	return add(d, d.f.scanners, scan.StreamOf(s, name), events, err)
}

// keepScan holds a scan until those that its device made before have come.
func (d *decision) keepScan(a door.Ask, dev scan.Device, c scan.Scan, seen time.Time) (*Out, error) {
	events, err := dev.Keep(scanHead(a.Scope, a.ID, d.m.Now), c, seen)
	d.onScanner(a.Scope, a.ID, events, err)
	out, err := d.done()
	if err != nil {
		return nil, err
	}
	return out.Answer(scan.Answer{
		Seq: c.Seq, Result: scan.Waiting, Repeat: len(events) == 0,
		Why: fmt.Sprintf("scan %d has not come yet: send it, or this one is taken without it in %v", dev.Last+1, scan.GapWait),
	}), nil
}

func scanHead(s scope.Scope, dev string, at time.Time) scan.Head {
	return scan.Head{Scope: scope.Scope{Tenant: s.Tenant, Owner: scope.Shared, Facility: s.Facility}, Device: dev, At: at.UTC()}
}

// takeScan decides a scan whose turn it is. What the rules of the warehouse refuse is an answer
// like any other: it is kept, and not decided anew when the scan is sent again.
func (f *Flows) takeScan(ctx context.Context, m *Message, s scope.Scope, dev string, c scan.Scan, seen time.Time) (*Out, []byte, error) {
	taken := scan.Taken{Head: scanHead(s, dev, m.Now), Scan: c, Seen: seen, Result: scan.Done}
	ans := scan.Answer{Seq: c.Seq, Result: scan.Done}
	d := f.decide(ctx, m)
	var err error
	ans.Next, err = d.doScan(s, dev, c, seen)
	if err == nil {
		d.followScan(dev, c, seen)
		err = d.err
	}
	switch kind := fault.KindOf(err); {
	case err == nil:
		d.out.Publish(onAudit, door.ActType, dev, door.Act{
			Scope: s, Door: door.Scans, Command: "scan." + c.Do, ID: cmp.Or(c.Task, c.Code, dev), Actor: c.Worker + "@" + dev, Worker: c.Worker, Device: dev, At: m.Now.UTC(),
		})
	case errors.Is(err, errRerun) || kind != fault.Rejected && kind != fault.Invalid:
		return nil, nil, err
	case m.moved(ctx):
		return nil, nil, errRerun
	default:
		d = f.decide(ctx, m) // nothing of it stands but that it was refused
		next := d.nextAfter(s, c, err)
		ans.Result, ans.Where, ans.Why, ans.Next = scan.Refused, fault.PlaceOf(err), fault.Reason(err), next
		taken.Result, taken.Where, taken.Why = scan.Refused, ans.Where, ans.Why
	}
	d.onScanner(s, dev, []event.Event{taken}, nil)
	out, err := d.done()
	if err != nil {
		return nil, nil, err
	}
	stored, err := json.Marshal(storedScan{c, ans})
	if err != nil {
		return nil, nil, fault.E(door.Scans, fault.Internal, fmt.Errorf("writing an answer: %w", err))
	}
	return out.Answer(ans), stored, nil
}

// followScan knows LPNs by what a scan led to, as of when the scan was made: a device that was
// off line tells of its morning in the evening.
func (d *decision) followScan(dev string, c scan.Scan, seen time.Time) {
	for _, r := range slices.Clone(d.out.Records) {
		if e, ok := r.Event.(event.Event); ok {
			d.follow(e, tracking.Sighting{Seen: seen, Device: dev, Seq: c.Seq, By: c.Worker})
		}
	}
}

// waitsFor is what the timer of a gap carries.
type waitsFor struct {
	Scope  scope.Scope `json:"scope"`
	Device string      `json:"device"`
}

const scanResume = "scan.resume"

func (f *Flows) addScanResuming() error {
	return f.hub.Add(Route{
		Name: scanResume, About: "takes scans that came early once those before them have come, or are given up",
		Topics: []string{onTracking}, Handle: f.resumeScans,
		Types:  takes(scan.Taken{}, scan.Kept{}, scan.GapSkipped{}),
		Writes: []string{onTracking, onTasks, onPicks, onPacks, onOrders, onInventory, onAudit},
	})
}

func (f *Flows) resumeScans(ctx context.Context, m *Message) (*Out, error) {
	var s scope.Scope
	var name string
	switch e := m.Event.(type) {
	case scan.Taken:
		s, name = e.Scope, e.Device
	case scan.Kept:
		s, name = e.Scope, e.Device
	case scan.GapSkipped:
		s, name = e.Scope, e.Device
	case nil:
		var w waitsFor
		if err := m.Decode(&w); err != nil {
			return nil, err
		}
		s, name = w.Scope, w.Device
	}
	d := f.decide(ctx, m)
	dev := d.scanner(s, name)
	switch ready := dev.Ready(); {
	case d.err != nil || len(dev.Kept) == 0:
	case ready != nil:
		s.Facility = cmp.Or(dev.Facility, s.Facility)
		out, stored, err := f.takeScan(ctx, m, s, name, ready.Scan, ready.Seen)
		if err != nil {
			return nil, err
		}
		id, err := scanClaim(s, name, ready.Scan)
		if err != nil {
			return nil, err
		}
		return out.Claim(id.Scope, id.ID, id.Hash, stored), nil
	default:
		skipped := dev.Skip(m.Now)
		if d.onScanner(s, name, skipped, nil) && len(skipped) == 0 {
			d.out.Timer("gap/"+scan.StreamOf(s, name), dev.Key(), "scan.GapOver", dev.Until(), waitsFor{s, name})
		}
	}
	return d.done()
}
