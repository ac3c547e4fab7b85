package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/shop"
)

// cmdShopLoad is a page of a first load; shop.Loaded tells that one is done.
const (
	cmdShopLoad = "shop.Load"
	shopLoaded  = "shop.Loaded"
)

// loadPage is where a load stands.
type loadPage struct {
	Begun time.Time `json:"begun"` // by which pages of an older load are known
	pages
}

func loadKey(name string) string { return "shop-load/" + name }

// Load is the last first load of a shop, as far as it is.
func (h *Hub) Load(ctx context.Context, name string) (shop.LoadReport, error) {
	return reportOf[shop.LoadReport](ctx, h, "routes.Load", "shop", loadKey(name), fmt.Errorf("shop %q was never loaded", name))
}

// beginLoad starts a load, unless one is under way.
func (s *shops) beginLoad(d *decision, x shop.Load) {
	var r shop.LoadReport
	old, found := d.state(loadKey(x.Shop), &r)
	if d.err != nil || found && r.Done.IsZero() && !x.Restart {
		return
	}
	d.out.SetState(loadKey(x.Shop), old, shop.LoadReport{Shop: x.Shop, Since: x.Since.UTC(), Begun: d.m.Now})
	d.out.Publish(shopHints(x.Shop), cmdShopLoad, x.Shop, loadPage{Begun: d.m.Now})
}

// load reads one page, and asks for the next in the same unit that hands on what was read, so that a process
// that dies in between goes on where it was. What a page has again was decided on before, and changes nothing.
func (s *shops) load(ctx context.Context, m *Message, c ShopConfig) (*Out, error) {
	var p loadPage
	if err := m.Decode(&p); err != nil {
		return nil, err
	}
	st, err := m.State(ctx, loadKey(c.Name))
	if err != nil {
		return nil, err
	}
	var r shop.LoadReport
	if st.Data != nil {
		if err := json.Unmarshal(st.Data, &r); err != nil {
			return nil, err
		}
	}
	if !r.Begun.Equal(p.Begun) || !r.Done.IsZero() {
		return m.Out(), nil // another load began
	}
	if counter, ok := c.Port.(shop.Counter); ok && p.After == "" {
		r.Total, err = Guard(m.hub, shopConn(c.Name), func() (int, error) {
			return guarded(func() (int, error) { return counter.Count(ctx, r.Since) })
		})
		if k := fault.KindOf(err); err != nil && k != fault.Rejected && k != fault.Invalid {
			return nil, err // else it goes on without knowing how many there are
		}
	}
	page, err := Guard(m.hub, shopConn(c.Name), func() (shop.Page, error) {
		return guarded(func() (shop.Page, error) { return c.Port.Changed(ctx, r.Since, p.After) })
	})
	if err != nil {
		return nil, err
	}
	r.Pages++
	r.Read += len(page.Work) + len(page.Unread)
	r.Bad += len(page.Unread)
	var wanted []shop.Work
	for _, w := range page.Work {
		if w.State == shop.Closed || w.State == shop.Cancelled {
			known, err := m.Row(ctx, journal.TableState, shopWorkKey(c.Name, w.ID))
			if err != nil {
				return nil, err
			}
			r.Past++
			if known == nil {
				continue
			}
		}
		wanted = append(wanted, w)
	}
	out, err := s.read(ctx, m, c, wanted)
	if err != nil {
		return nil, err
	}
	for _, u := range page.Unread {
		if err := s.readAlone(ctx, m, c, out, u); err != nil {
			return nil, err
		}
	}
	if err := p.turn(page.Next); err != nil {
		return nil, err
	}
	if page.Next == "" {
		r.Done = m.Now
		out.Publish(onExternal, shopLoaded, c.Name, r)
	} else {
		out.Publish(shopHints(c.Name), cmdShopLoad, c.Name, p)
	}
	return out.SetState(loadKey(c.Name), st, r), nil
}
