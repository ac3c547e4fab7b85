package routes

import (
	"context"
	"time"

	"github.com/paklog/hub/core/inventory"
)

// lotExpired is the timer of a lot's last day.
const lotExpired = "stock.LotExpired"

// theLot is what the timer carries.
type theLot struct {
	inventory.BookKey
	Lot string `json:"lot"`
}

func (f *Flows) addExpiry() error {
	return f.hub.Add(Route{
		Name: "stock.expiry", About: "holds a lot back once it has expired, so that nobody is promised what he cannot be given",
		Topics: []string{onInventory}, Handle: f.expireLot,
		Types:  takes(inventory.StockReceived{}),
		Writes: []string{onInventory, onOrders, onPutAways},
	})
}

func (f *Flows) expireLot(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case inventory.StockReceived:
		if end, err := time.Parse(time.DateOnly, string(e.Expiry)); err == nil {
			d.lotEnds(theLot{e.BookKey, e.Lot}, end.AddDate(0, 0, 1))
		}
	case nil:
		var l theLot
		if err := m.Decode(&l); err != nil {
			return nil, err
		}
		d.expire(l)
	}
	return d.done()
}

func (d *decision) lotEnds(l theLot, at time.Time) {
	d.out.Timer("lot/"+l.Book()+"/"+l.Lot, l.Key(), lotExpired, at, l)
}

// expire holds back what is free of the lot. What was promised, or is being fetched, is looked
// at again the next day.
func (d *decision) expire(l theLot) {
	today := inventory.Date(d.m.Now.UTC().Format(time.DateOnly))
	held := false
	for _, sh := range d.stock(l.BookKey).Shelves {
		held = held || sh.Lot == l.Lot && sh.Expiry < today && sh.Free+sh.Allocated+sh.Received > 0
	}
	if !held || d.err != nil {
		return
	}
	c := inventory.Quarantine{BookKey: l.BookKey, Place: inventory.Place{Lot: l.Lot}, Reason: "expired", By: d.m.route}
	d.takeFromOrders(l.BookKey, c)
	if _, left := d.holdBack(l.BookKey, c); left > 0 && d.err == nil {
		d.lotEnds(l, d.m.Now.AddDate(0, 0, 1))
	}
}
