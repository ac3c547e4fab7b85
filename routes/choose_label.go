package routes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

// buy is the command to buy the label of a carton at one connection. Names and addresses
// are not in it: the order knows them.
type buy struct {
	Scope   scope.Scope  `json:"scope"`
	Carton  string       `json:"carton"`
	Order   string       `json:"order"`
	Attempt int          `json:"attempt"`
	Service string       `json:"service"`
	Weight  measure.Mass `json:"weight_mg"`
	Dims    measure.Dims `json:"dims"`
}

const cmdBuy = "label.Buy"

// buyTopic is where the commands of one connection go.
func buyTopic(conn string) string { return "buy." + conn }

func (f *Flows) addLabelChoice() error {
	writes := []string{}
	for _, c := range f.cfg.Carriers {
		writes = append(writes, buyTopic(c.Name))
	}
	return f.hub.Add(Route{
		Name: "label.choose", Waits: true, About: "sends each label that is asked for to a carrier: the one named, or the cheapest that answers in time",
		Topics: []string{onPacks}, Handle: f.chooseLabel,
		Types: takes(label.Requested{}), Parking: Parking{Independent: true},
		// An outage of every carrier is waited out.
		Retry:  Retry{Letter: 30 * 24 * time.Hour},
		Writes: writes, Patterns: []string{eip.NameScatterGather},
	})
}

func (f *Flows) chooseLabel(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(label.Requested)
	if !ok {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	l := peek(d, f.labels, e.Stream())
	o := peek(d, f.orders, order.StreamOf(e.Scope, e.Order))
	w := d.work(e.Scope, e.Order)
	c, found := w.carton(e.Carton)
	if d.err != nil || !found || l.Status != label.StatusRequested || l.Attempt != e.Attempt {
		return d.done() // cancelled, or asked for anew, meanwhile
	}
	b := buy{e.Scope, e.Carton, e.Order, e.Attempt, e.Service, c.Weight, c.Dims}
	conn, err := f.connection(e.Carrier)
	if err != nil {
		return nil, fault.At(m.route, fault.Rejected, "service.carrier", err)
	}
	if conn == "" && len(f.cfg.Carriers) == 1 {
		conn = f.cfg.Carriers[0].Name
	}
	if conn != "" && b.Service == "" {
		b.Service = f.carriers[conn].Service
	}
	// A service level of ours is what each carrier calls it; those that have no code for it are not asked.
	levels := d.services(f.cfg.Carriers, e.Scope.Tenant, b.Service)
	if code, ours := levels[conn]; ours {
		b.Service = code
	}
	if conn == "" || b.Service == "" {
		ask := f.cfg.Carriers
		if conn != "" {
			ask = []CarrierConfig{f.carriers[conn]}
		}
		if len(levels) > 0 {
			ask = slices.DeleteFunc(slices.Clone(ask), func(c CarrierConfig) bool { return levels[c.Name] == "" })
		}
		best, err := f.cheapest(ctx, m, ask, f.parcel(o, b, ship.ReferenceOf(m.ID.String())), levels)
		if err != nil {
			return nil, fault.Wrap(m.route, err)
		}
		conn, b.Service = best.conn, best.Service.Code
	}
	d.out.Publish(buyTopic(conn), cmdBuy, labelKey(e.Scope, e.Carton), b)
	return d.done()
}

// labelKey orders what is done about one carton's label: cartons do not wait for one another.
func labelKey(s scope.Scope, carton string) string {
	return scope.Stream{Tenant: s.Tenant, Owner: s.Owner, ID: carton, Facility: s.Facility}.Key()
}

// connection is the one that an order's carrier means, "" where it names none.
func (f *Flows) connection(carrier string) (string, error) {
	if len(f.cfg.Carriers) == 0 {
		return "", errors.New("no carrier is configured: add a connection")
	}
	if carrier == "" {
		return "", nil
	}
	for _, c := range f.cfg.Carriers {
		if strings.EqualFold(c.Name, carrier) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, carrier) }) {
			return c.Name, nil
		}
	}
	if f.cfg.OtherCarriers != "" {
		return f.cfg.OtherCarriers, nil
	}
	return "", fmt.Errorf("carrier %q is no connection and no connection's alias: name it in the configuration", carrier)
}

// parcel is a carton as carriers see it.
func (f *Flows) parcel(o order.Order, b buy, ref string) ship.Parcel {
	return ship.Parcel{
		Reference: ref, OrderNumber: b.Order, Service: b.Service, Format: ship.ZPL,
		From: f.cfg.ShipFrom, To: o.Parties.ShipTo, Weight: max(b.Weight, minWeight), Dims: b.Dims,
	}
}

// minWeight is what a carton is said to weigh when nobody knows: carriers take none of
// weight zero, and charge the started unit.
const minWeight = 100 * measure.Gram

type offer struct {
	ship.Rate
	conn string
}

// cheapest asks the carriers side by side and takes the best price of those that answer in
// time. That nobody answers is Unavailable; that all say no is Rejected.
func (f *Flows) cheapest(ctx context.Context, m *Message, ask []CarrierConfig, p ship.Parcel, services map[string]string) (offer, error) {
	offers, silent := f.offers(ctx, m.In(), ask, p, services)
	if len(offers) > 0 {
		return offers[0], nil
	}
	errs := []error{}
	worst := fault.Rejected
	for _, a := range silent {
		errs = append(errs, fmt.Errorf("asking %s: %w", a.Of, a.Err))
		if k := fault.KindOf(a.Err); k != fault.Rejected && k != fault.Invalid {
			worst = fault.Transient
		}
	}
	if len(errs) == 0 {
		errs = append(errs, errors.New("no carrier offers a service for this parcel"))
	}
	return offer{}, fault.E("routes.Rates", worst, errors.Join(errs...))
}

// offers are the prices of carriers that are asked side by side and answer in time, the best first,
// and who gave none. A connection in services is asked for that service, not for the parcel's.
func (f *Flows) offers(ctx context.Context, in eip.In, ask []CarrierConfig, p ship.Parcel, services map[string]string) (offers []offer, silent []eip.Answered[[]ship.Rate]) {
	questions := make([]eip.Question[[]ship.Rate], len(ask))
	for i, c := range ask {
		p := p
		p.Service = cmp.Or(services[c.Name], p.Service)
		questions[i] = eip.Question[[]ship.Rate]{Of: c.Name, Ask: func(ctx context.Context) ([]ship.Rate, error) {
			return Guard(f.hub, c.Name, func() ([]ship.Rate, error) {
				return guarded(func() ([]ship.Rate, error) { return c.Port.Rate(ctx, p) })
			})
		}}
	}
	// Ports keep to their context, so the slowest answers by the deadline.
	for _, a := range eip.AskAll(ctx, in, f.cfg.RateDeadline, questions) {
		if a.Err != nil {
			silent = append(silent, a)
			continue
		}
		for _, r := range a.Value {
			offers = append(offers, offer{r, a.Of})
		}
	}
	slices.SortFunc(offers, func(a, b offer) int {
		return cmp.Or(cmp.Compare(a.Cost.Minor, b.Cost.Minor), cmp.Compare(a.TransitDays, b.TransitDays),
			cmp.Compare(a.conn, b.conn), cmp.Compare(a.Service.Code, b.Service.Code))
	})
	return offers, silent
}

func effectRef(route string, m journal.ID, step string) string {
	return ship.ReferenceOf(journal.EffectKey(route, m, step))
}
