package carriertest

import (
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// Executor does for one label what the port's contract asks of its caller.
type Executor struct {
	Carrier ship.Carrier
	Advance func(d time.Duration)
	Settle  time.Duration // how long "not found" must hold before it counts
}

// Label buys until a label is in hand that can be printed. Its faults must be
// drawn, so that they end.
func (e Executor) Label(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	for range 200 {
		l, err := e.Carrier.Buy(ctx, p)
		switch fault.KindOf(err) {
		case fault.Unknown:
			if l, err = e.resolve(ctx, p); err != nil || l.TrackingNumber != "" {
				return l, err
			}
			continue
		case fault.Transient, fault.Throttled, fault.Unavailable:
			e.wait(err)
			continue
		}
		return l, err // bought, or refused for good
	}
	return ship.Label{}, fmt.Errorf("%s: no end in sight", p.Reference)
}

// Again goes on for a process that has died since a purchase began: it asks before it buys.
func (e Executor) Again(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	l, err := e.resolve(ctx, p)
	if err != nil || l.TrackingNumber != "" {
		return l, err
	}
	return e.Label(ctx, p)
}

// resolve returns the label that an Unknown purchase left, or none.
func (e Executor) resolve(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	for nothing := 0; nothing < 2; {
		found, err := e.Carrier.Resolve(ctx, p)
		if err == nil && len(found) > 0 && len(found[0].Image) == 0 {
			err = e.Carrier.Void(ctx, found[0])
			found = nil
		}
		switch {
		case err == nil && len(found) > 0:
			return found[0], nil
		case err == nil:
			nothing++
			e.Advance(e.Settle)
		case fault.KindOf(err) == fault.Invalid || fault.KindOf(err) == fault.Rejected:
			return ship.Label{}, err
		default:
			e.wait(err)
		}
	}
	return ship.Label{}, nil
}

func (e Executor) wait(err error) { e.Advance(max(fault.AfterOf(err), time.Second)) }
