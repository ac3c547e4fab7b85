package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
)

// each calls f for every record of the journal.
func (d *demo) each(ctx context.Context, f func(journal.Record)) error {
	from := journal.Pos(1)
	for {
		units, err := d.app.store.Units(ctx, from, 500)
		if err != nil {
			return err
		}
		for _, u := range units {
			for _, r := range u.Unit.Records {
				f(r)
			}
			from = u.First + journal.Pos(max(1, len(u.Unit.Records)))
		}
		if len(units) < 500 {
			return nil
		}
	}
}

// journey prints each hop of the followed 940, which is the one message that came by AS2.
func (d *demo) journey(ctx context.Context) error {
	d.say("\n8. the way of 940-one.edi, hop by hop")
	correlation := ""
	var first time.Time
	return d.each(ctx, func(r journal.Record) {
		if r.Type == "as2.Received" {
			correlation, first = r.Correlation, r.Time
		}
		if correlation == "" || r.Correlation != correlation {
			return
		}
		topic := r.Topic
		if topic == "" {
			topic = "-"
		}
		d.say("   %6d  %7.1f ms  %-18s %-24s %s", r.Pos, float64(r.Time.Sub(first).Microseconds())/1000, r.Source, r.Type, topic)
	})
}

// verdict prints what happened and holds it against what the partners saw.
func (d *demo) verdict(ctx context.Context) error {
	count := map[string]int{}
	confirmed := map[string]int{}
	advised := map[string]bool{}
	if err := d.each(ctx, func(r journal.Record) {
		count[r.Type]++
		if r.Type == "ship.Confirmed" {
			if e, err := d.app.hub.Registry().Decode(encoded(r)); err == nil {
				c := e.(ship.Confirmed)
				confirmed[c.Order]++
				advised[c.Order] = strings.HasPrefix(c.Order, "SO-")
			}
		}
	}); err != nil {
		return err
	}
	d.say("\n10. what happened")
	for _, line := range []struct{ what, typ string }{
		{"orders accepted", "order.Accepted"}, {"orders backordered", "order.Backordered"}, {"waves released", "wave.Released"},
		{"tasks", "task.Created"}, {"picks confirmed", "pick.Confirmed"}, {"picks short", "pick.Shorted"},
		{"cartons closed", "pack.CartonClosed"}, {"labels bought", "label.Bought"}, {"shipments confirmed", "ship.Confirmed"},
		{"orders shipped", "order.Shipped"}, {"EDI documents in", "document.Received"}, {"EDI documents out", "document.Sent"},
	} {
		d.say("   %-22s %5d", line.what, count[line.typ])
	}
	letters, err := d.app.hub.Desk().List(ctx, dlq.Filter{})
	if err != nil {
		return err
	}
	d.say("   %-22s %5d", "letters", len(letters))
	for _, l := range letters {
		d.say("     %s  %s %s: %s: %s", l.ID, l.Route, l.Kind, l.Place, l.Cause)
		d.say("       next: %s", l.Next)
	}
	units, commits := d.app.store.Written()
	d.say("   %-22s %5d units in %d commits", "journal", units, commits)

	d.say("\n11. against the partners' ground truth")
	var wrong []error
	check := func(what string, got, want int) {
		mark := "agrees"
		if got != want {
			mark = "DIFFERS"
			wrong = append(wrong, fmt.Errorf("%s: the hub says %d, the partner %d", what, want, got))
		}
		d.say("   %-44s %5d   %s", what, got, mark)
	}
	standing := 0
	perRef := map[string]int{}
	for _, l := range d.sim.Truth().Labels {
		if l.Voided == nil {
			standing++
			perRef[strings.Join(l.References, "/")]++
		}
	}
	check("labels that stand at UPS", standing, count["label.Bought"])
	check("cartons with more than one label", doubled(perRef), 0)
	check("messages by AS2 whose receipt he holds", d.confirmed, count["as2.Received"])
	check("documents that came by two doors", d.doubled, count["x12.Repeated"])
	sets, orders := d.holds.Sets, d.holds.Orders
	want945 := 0
	for _, yes := range advised {
		if yes {
			want945++
		}
	}
	check("945s that the partner took by SFTP", sets["945"], want945)
	check("orders told twice by 945", doubled(orders), 0)
	check("997s that the partner took", sets["997"], 4)
	check("855s that the partner took", sets["855"], 3)
	check("orders confirmed more than once", doubled(confirmed), 0)
	check("orders that were sent, by any door", count["order.Accepted"], 1+12+3+1+httpOrders+webhookOrders+shopifyOrders+1+1+importedOrders)
	told := map[string]int{}
	for _, f := range d.shop.Truth().Shipped {
		told[f.Work]++
	}
	check("orders that Shopify knows to have left", len(told), shopifyOrders)
	check("orders that Shopify was told of twice", doubled(told), 0)
	sold := d.other.Truth()
	complete := 0
	for _, state := range sold.States {
		if state == "complete" {
			complete++
		}
	}
	check("orders that Magento knows to be complete", complete, 1)
	check("shipments that Magento was told of", len(sold.Shipped), 1)
	issued := 0
	for _, t := range d.sap.Deliveries() {
		issued += t.Issues
	}
	check("goods issues that SAP posted", issued, 1)
	check("goods issues that the hub is certain of", count["erp.Told"], 1)
	d.say("   UPS was asked %d times for a label and lost one answer: it was asked what it knew (%d times) before anything was bought again",
		d.sim.Calls(upssim.OpShip), d.sim.Calls(upssim.OpRecovery))
	d.say("\ntook %.1f s", time.Since(d.begun).Seconds())
	return errors.Join(wrong...)
}

func doubled(m map[string]int) int {
	n := 0
	for _, v := range m {
		if v > 1 {
			n++
		}
	}
	return n
}

// documentsIn reads a folder of documents of ours: how many there are, sets by kind, and 945s by
// order number.
func documentsIn(dir string) (files int, sets, orders map[string]int, err error) {
	sets, orders = map[string]int{}, map[string]int{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil, nil, err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return 0, nil, nil, err
		}
		doc, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			return 0, nil, nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if slices.ContainsFunc(doc.Findings(), func(f x12.Finding) bool { return f.Severity == x12.Error }) {
			return 0, nil, nil, fmt.Errorf("%s: %v", e.Name(), doc.Findings())
		}
		files++
		for part := range doc.Sets() {
			sets[part.ST.ID]++
			for _, s := range part.Segments.All() {
				if s.Is("W06") {
					orders[s.Value(2)]++
				}
			}
		}
	}
	return files, sets, orders, nil
}
