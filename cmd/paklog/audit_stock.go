package main

import (
	"context"
	"strings"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

// stock notes what the stream of a book says, to be held against its balances.
func (w *warehouse) stock(s inventory.Stock) {
	if s.OnHand() != s.In-s.Out {
		w.r.find("stock", 0, "Book %s has %d on hand, and %d came in and %d went out.", s.Book(), s.OnHand(), s.In, s.Out)
	}
	if w.told == nil {
		w.told, w.stands = map[string]toldStock{}, map[string]string{}
	}
	for _, sh := range s.Shelves {
		if sh.LPN == "" || sh.Allocated+sh.Suspect > 0 { // which stay behind until they are fetched or counted
			continue
		}
		key := scope.Join(s.Tenant, s.Facility, sh.LPN)
		if was, known := w.stands[key]; known && was != sh.Location {
			w.r.find("stock", 0, "LPN %s is at %s and at %s by the books.", sh.LPN, was, sh.Location)
		}
		w.stands[key] = sh.Location
	}
	w.told[s.Book()] = toldStock{onHand: s.OnHand(), free: s.Free(), promised: s.Promised}
}

// toldStock is what events say of a book.
type toldStock struct{ onHand, free, promised int64 }

// bookSums are the balances of one book by what they mean.
type bookSums struct {
	book                                                 string
	all, atp, promised, unallocated, free, world, onHand int64
	allocated, picked, packed                            int64 // packed at the dock included
	here, away                                           int64 // serial-numbered units: on shelves and out, and away
}

func (b *bookSums) serials(account string, amount int64) {
	if strings.HasPrefix(account, inventory.SerialAway+"/") {
		b.away += amount
	} else {
		b.here += amount
	}
}

func (b *bookSums) add(w *warehouse, account string, v journal.Balance) {
	b.all += v.Amount
	if v.Floor != journal.NoFloor && v.Amount < v.Floor {
		w.r.find("stock", 0, "Account %s of book %s stands at %d, below its floor of %d.", account, b.book, v.Amount, v.Floor)
	}
	if inventory.IsSerial(account) {
		b.serials(account, v.Amount)
		return
	}
	switch account {
	case inventory.ATP:
		b.atp = v.Amount
		return
	case inventory.Promised:
		b.promised = v.Amount
		return
	case inventory.Unallocated:
		b.unallocated = v.Amount
		return
	}
	a, err := inventory.ParseAccount(account)
	if err != nil {
		b.world += v.Amount
		return
	}
	b.onHand += v.Amount
	switch a.Stage {
	case inventory.Free:
		b.free += v.Amount
	case inventory.Allocated:
		b.allocated += v.Amount
	case inventory.Picked:
		b.picked += v.Amount
	case inventory.Packed, inventory.Staged:
		b.packed += v.Amount
	}
}

// end holds the laws of a book (see inventory.ATP), its events and the orders that hold it
// against its balances.
func (b *bookSums) end(w *warehouse) {
	bad := func(format string, a ...any) { w.r.find("stock", 0, "Book "+b.book+": "+format, a...) }
	if b.all != 0 {
		bad("its accounts sum to %d: double entry is broken.", b.all)
	}
	if b.atp+b.promised+b.unallocated != 0 {
		bad("%d may be promised, %d are promised, and %d are free of both.", b.atp, b.promised, -b.unallocated)
	}
	if b.free != -b.unallocated {
		bad("%d lie free and %d are known as free to the promises.", b.free, -b.unallocated)
	}
	if b.onHand != -b.world {
		bad("%d are on hand and %d came through the door.", b.onHand, -b.world)
	}
	if b.here != -b.away || b.here > b.onHand {
		bad("%d serial numbers are here, %d came in, and %d units are on hand.", b.here, -b.away, b.onHand)
	}
	if t, ok := w.told[b.book]; !ok {
		bad("it has balances and no events.")
	} else if t.onHand != b.onHand || t.free != b.free || t.promised != b.promised {
		bad("events say %d on hand, %d free, %d promised, and balances say %d, %d, %d.", t.onHand, t.free, t.promised, b.onHand, b.free, b.promised)
	}
	h := w.holds[b.book]
	if h == nil {
		h = &held{}
	}
	delete(w.holds, b.book)
	for _, x := range [...]struct {
		what           string
		orders, stands int64
	}{{"reserved", h.reserved, b.promised}, {"allocated", h.allocated, b.allocated}, {"picked", h.picked, b.picked}, {"packed", h.packed, b.packed}} {
		if x.orders > x.stands {
			bad("orders have %d %s and the balances say %d.", x.orders, x.what, x.stands)
		} else if x.orders < x.stands && !w.busy {
			bad("%d are %s and orders have %d of them: nobody works on the rest.", x.stands, x.what, x.orders)
		}
	}
}

// books reads every balance.
func (w *warehouse) books(ctx context.Context) error {
	var sums *bookSums
	end := func() {
		if sums != nil && sums.book != "" {
			w.r.Books++
			sums.end(w)
		}
	}
	for book, account := "", ""; ; {
		rows, err := w.d.Balances(ctx, book, account, 500)
		if err != nil {
			return err
		}
		for _, row := range rows {
			book, account = row.Book, row.Account
			if sums == nil || sums.book != book {
				end()
				sums = &bookSums{book: book}
			}
			sums.add(w, account, row.Balance)
		}
		if len(rows) < 500 {
			break
		}
	}
	end()
	for book, h := range w.holds { // orders of books without a balance
		if h.reserved+h.allocated+h.picked+h.packed != 0 { // what a 3PL has shipped was never in our books
			w.r.find("stock", 0, "Orders hold %+v of book %s, which has no balance.", *h, book)
		}
	}
	return nil
}
