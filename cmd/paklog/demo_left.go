package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes"
)

// What is left for people to find and to mend in the console, once all was held against the partners.
const (
	changedSets = 12         // 940s that the partner sends after he changed his map
	leftOrder   = "WEB-4711" // is late, and of an item that nobody knows
	leftPO      = "PO-4711"
	leftItem    = "LANTERN"
	pausedRoute = "out.edi." + demoPartnerID
	leftWithin  = 30 * time.Second
)

// firstQuantity is W01-01, the quantity of a line.
var firstQuantity = regexp.MustCompile(`(?m)^W01\*[^*]*\*`)

// left is what was left, once it went wrong.
type left struct {
	after journal.Pos // where the journal stood when the route was paused
	group dlq.Group   // of the 940s that were refused
}

// leaves lets three things go wrong: the partner sends 940s that are all wrong in the same element, an order past
// its cut-off asks for an item that nobody knows, and documents to the partner wait behind a route that is paused.
func (d *demo) leaves(ctx context.Context) (l left, err error) {
	if err := d.app.turn(ctx, pausedRoute, "demo", true); err != nil {
		return l, err
	}
	paused := func(context.Context, *left) (bool, error) {
		return slices.ContainsFunc(d.app.routeInfos(), func(r routes.RouteInfo) bool { return r.Name == pausedRoute && r.Paused != "" }), nil
	}
	if err := d.until(ctx, &l, paused); err != nil {
		return l, err
	}
	l.after = d.app.bus.Last()
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: 5, Set: "940", Sets: changedSets, MostLine: 1, Control: 5, OrderPrefix: "SO-5-", Items: []string{"MUG-BLUE"}, SCACs: []string{"UPSN"},
		Now: time.Now().UTC(), Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		return l, err
	}
	if err := d.goes(ctx, "940-changed.edi", firstQuantity.ReplaceAllString(buf.String(), "W01*MANY*"), byFolder); err != nil {
		return l, err
	}
	if _, err := d.post(ctx, "/v1/orders", "demo-"+leftOrder, map[string]any{
		"owner": "ACME", "number": leftOrder, "ship_to": demoAddress, "refs": []any{map[string]any{"kind": "po", "value": leftPO}},
		"dates": map[string]any{"ship_by": time.Now().Add(-2 * time.Hour).UTC()}, "lines": []any{map[string]any{"item": leftItem, "qty": 2}},
	}); err != nil {
		return l, err
	}
	return l, d.until(ctx, &l, d.wrong)
}

// until waits for something that the hub brings about.
func (d *demo) until(ctx context.Context, l *left, holds func(context.Context, *left) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, leftWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := holds(ctx, l); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wrong looks whether all of it went wrong.
func (d *demo) wrong(ctx context.Context, l *left) (bool, error) {
	if err := d.app.projector.Wait(ctx, d.app.bus.Last()); err != nil {
		return false, err
	}
	desk := d.app.hub.Desk()
	groups, err := desk.Groups(ctx, "")
	if err != nil {
		return false, err
	}
	for _, g := range groups {
		if g.Open > l.group.Open {
			l.group = g
		}
	}
	found, err := desk.Search(ctx, view.DeskQuery{Key: leftOrder})
	if err != nil {
		return false, err
	}
	waiting, err := d.app.store.Topics(ctx, []string{"documents-out." + demoPartnerID}, l.after, 1)
	return l.group.Open >= changedSets && len(found.Items) == 1 && len(waiting) > 0, err
}

// stays says what to try, and where to look, and waits for the end.
func (d *demo) stays(ctx context.Context, at []place) error {
	l, err := d.leaves(ctx)
	if err != nil {
		return fmt.Errorf("leaving something to be mended: %w", err)
	}
	page := "http://" + d.addr + "/console"
	d.say("\nstill up (Ctrl-C ends it). Open %s in a browser on this machine, which needs no key, and try three things:", page)
	d.say("\n  1. Why has %s not shipped? It is past its cut-off.", leftPO)
	d.say("     %s/#/trace/%s", page, leftPO)
	d.say("     Its item is not known. Make it known: the letter goes away by itself, and the order waits for goods alone.")
	d.say(`     curl -d '{"owner":"ACME","sku":"%s","units":[{"uom":"each","factor":1}]}' -H 'Content-Type: %s' http://%s/v1/items`, leftItem, "application/json", d.addr)
	d.say("\n  2. What have %d refused 940s in common?", l.group.Open)
	d.say("     %s/#/group/%s", page, l.group.Fingerprint)
	d.say("     Replay the group from there: one goes, fails as it did before, and the replay stops by itself.")
	d.say("\n  3. Why does %s get no documents? Their route is paused, and what came meanwhile waits.", demoPartnerID)
	d.say("     %s/#/map?route=%s", page, pausedRoute)
	d.say("     Press Resume, and it leaves.")
	d.say("\nalso there:")
	for _, p := range at {
		d.say("  %-20s %s", p.what, p.where)
	}
	<-ctx.Done()
	return nil
}

// place is somewhere to look.
type place struct{ what, where string }
