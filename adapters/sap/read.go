package sap

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

// listed is how many deliveries a page of a list has at most.
const listed = 200

// What is kept from page to page beside SAP's own options: the first delivery of the page before (one that
// begins with it again is that page), and how many pages of SAP's own size have brought of this one.
const (
	before = "before"
	had    = "had"
)

// Changed implements [erp.Source].
func (c *Client) Changed(ctx context.Context, since time.Time, after string) (erp.Page, error) {
	return c.changed(ctx, c.out, "sap.Changed", since, after)
}

func (c *Client) changed(ctx context.Context, s side, op string, since time.Time, after string) (erp.Page, error) {
	q := sap.Since(since, s.place)
	on, err := url.ParseQuery(after)
	if err != nil {
		return erp.Page{}, fault.E(op, fault.Internal, err)
	}
	was := on.Get(before)
	skip, _ := strconv.Atoi(on.Get("$skip"))
	seen, _ := strconv.Atoi(on.Get(had))
	if token := on.Get("$skiptoken"); token != "" {
		q.Set("$skiptoken", token)
	}
	if skip > 0 {
		q.Set("$skip", strconv.Itoa(skip))
	}
	q.Set("$top", strconv.Itoa(listed))
	data, none, err := c.get(ctx, s.http, op, s.heads, q)
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, fmt.Errorf("the service has no %s", s.heads[1:]))
	}
	if err != nil {
		return erp.Page{}, err
	}
	list, next, err := sap.ToListed(data)
	if err != nil {
		return erp.Page{}, fault.Wrap(op, err)
	}
	page := erp.Page{Deliveries: list}
	if len(list) == 0 {
		return page, nil
	}
	if list[0].Number == was {
		return erp.Page{}, fault.E(op, fault.Transient, fmt.Errorf("the page that begins with delivery %s comes again", was))
	}
	then := url.Values{before: {list[0].Number}}
	seen += len(list)
	switch token := next.Get("$skiptoken"); {
	case token != "":
		then.Set("$skiptoken", token)
		then.Set(had, strconv.Itoa(seen))
		then.Set("$skip", strconv.Itoa(skip))
	case seen >= listed:
		then.Set("$skip", strconv.Itoa(skip+seen))
	default:
		return page, nil
	}
	page.Next = then.Encode()
	return page, nil
}

// Read implements [erp.Source].
func (c *Client) Read(ctx context.Context, number string) (erp.Work, bool, error) {
	const op = "sap.Read"
	h, none, err := c.delivery(ctx, c.out, op, number)
	if none || err != nil {
		return erp.Work{}, false, err
	}
	data, none, err := c.get(ctx, c.out.http, op, c.out.path(h.Number)+"/to_DeliveryDocumentPartner", url.Values{"$expand": {"to_Address2"}})
	if none || err != nil {
		return erp.Work{}, false, err
	}
	to, err := sap.ToShipTo(data)
	if err != nil {
		return erp.Work{}, false, fault.Wrap(op, err)
	}
	if to.Code == "" {
		to.Code = h.ShipTo
	}
	w, err := sap.ToWork(h, to)
	return w, err == nil, fault.Wrap(op, err)
}

var _ erp.Source = (*Client)(nil)
