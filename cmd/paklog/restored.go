package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// restoration is what the first start on a restored folder does before anything runs.
type restoration struct {
	Paused   []string `json:"paused"`  // routes that speak to partners
	Unknown  int      `json:"unknown"` // effects that were under way
	Advanced int      `json:"advanced"`
}

// controlGap is how far control numbers are advanced: what was sent after the backup used
// fewer.
const controlGap = 1000

// effectsAUnit bounds one unit.
const effectsAUnit = 1000

// comeBack shuts the outward doors of a restored journal, in one batch, and takes the mark off
// it. The bus is not open yet: the store is written by nobody else. A kill between the two has
// it done again, which skips another thousand numbers and harms nothing.
func (a *app) comeBack(ctx context.Context, s embedded) error {
	r := &restoration{}
	var err error
	if r.Paused, err = a.outward(ctx); err != nil {
		return fmt.Errorf("finding the outward doors: %w", err)
	}
	head := &journal.Unit{}
	units := []*journal.Unit{head}
	for _, name := range r.Paused {
		op, err := a.stateOp(ctx, routes.PauseKey(name), func(json.RawMessage) ([]byte, error) { return []byte("restore"), nil })
		if err != nil {
			return err
		}
		head.States = append(head.States, op)
	}
	if err := scanRows(ctx, a.store, journal.TableState, "control/", func(row journal.Row) error {
		op, err := a.stateOp(ctx, row.Key, advance)
		if err == nil {
			head.States = append(head.States, op)
			r.Advanced++
		}
		return err
	}); err != nil {
		return fmt.Errorf("advancing control numbers: %w", err)
	}
	if err := scanRows(ctx, a.store, journal.TableEffect, "", func(row journal.Row) error {
		f, err := journal.DecodeEffect(row.Value)
		if err != nil || f.State != journal.EffectStarted {
			return err
		}
		u := units[len(units)-1]
		if len(u.Effects) == effectsAUnit {
			u = &journal.Unit{}
			units = append(units, u)
		}
		u.Effects = append(u.Effects, journal.EffectOp{Key: row.Key, From: f.State, To: journal.EffectUnknown, Effect: f.Effect})
		r.Unknown++
		return nil
	}); err != nil {
		return fmt.Errorf("reading effects: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for i, u := range units {
		u.ID, u.At = journal.NewID(now, [10]byte{byte(i >> 8), byte(i)}), now
	}
	head.Records = []journal.Record{{
		ID: head.ID.Child("restore", "hub.Restored", 0), Type: "hub.Restored", Schema: 1, Topic: "audit-events", Key: "hub",
		Time: now, Source: "restore", Data: data,
	}}
	refusals, err := a.store.Write(ctx, &journal.Batch{Units: units})
	if err != nil {
		return err
	}
	for _, ref := range refusals {
		if ref != nil {
			return ref
		}
	}
	if err := s.ClearRestored(ctx); err != nil {
		return err
	}
	a.restored = r
	a.log.Warn("restored from a backup: outward doors are shut", "routes", strings.Join(r.Paused, " "), "effects", r.Unknown, "counters", r.Advanced)
	return nil
}

// outward are the routes that speak to partners: a hub on a journal in memory, made from
// the same configuration, tells.
func (a *app) outward(ctx context.Context) (names []string, err error) {
	b, err := bus.Open(ctx, journalmem.New(), bus.Options{Log: a.log, Now: time.Now})
	if err != nil {
		return nil, err
	}
	shadow := &app{cfg: a.cfg, log: a.log, bus: b}
	defer func() { err = errors.Join(err, shadow.Close(ctx)) }()
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return nil, err
	}
	if shadow.hub, err = routes.New(b, routes.Options{Log: a.log, Now: time.Now, Registry: reg, DoorsOnly: true}); err != nil {
		return nil, err
	}
	flows, err := shadow.flows()
	if err != nil {
		return nil, err
	}
	if err := shadow.edi(flows); err != nil {
		return nil, err
	}
	for _, r := range shadow.hub.Routes() {
		if r.Conn != "" {
			names = append(names, r.Name)
		}
	}
	return names, nil
}

// stateOp changes a state from what it is.
func (a *app) stateOp(ctx context.Context, key string, change func(json.RawMessage) ([]byte, error)) (journal.StateOp, error) {
	row, err := a.store.Row(ctx, journal.TableState, key)
	if err != nil {
		return journal.StateOp{}, err
	}
	st, err := journal.DecodeState(row)
	if err != nil {
		return journal.StateOp{}, err
	}
	data, err := change(st.Data)
	return journal.StateOp{Key: key, Tag: st.Tag, Data: data}, err
}

func advance(data json.RawMessage) ([]byte, error) {
	n := 0
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("is no number: %w", err)
	}
	if n += controlGap; n > 999_999_999 {
		n -= 999_999_999
	}
	return json.Marshal(n)
}
