package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/notify"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// NotifyConfig says who hears of what, and how.
type NotifyConfig struct {
	Channels []NotifyChannel
	Rules    []NotifyRule
}

// NotifyChannel is a way to people.
type NotifyChannel struct {
	Name string // part of the stored format
	Port notify.Channel
	// Mails says that it needs the addresses of those who hear.
	Mails   bool
	Timeout time.Duration // of one try: 30 s
}

// NotifyRule tells somebody of things of some kinds.
type NotifyRule struct {
	Name    string   // part of the stored format
	On      []string // of [notify.Kinds]
	To      string   // one of [notify.Audiences]
	Channel string
	Owners  []string // whose orders; empty is all
	// Mails go to the order's ship-to where To is the customer, to Partners by the name of who sent
	// the order where it is the partner, and else to Staff.
	Staff    []string
	Partners map[string][]string
	// Group is how long after the first thing others are gathered into its notice: of one order
	// for a customer, of one partner, or of the rule for staff.
	Group   time.Duration
	Quiet   notify.Quiet
	Wording notify.Wording
}

// What a notice holds at most, and how many notices a channel sends at once.
const (
	noticeItems  = 50
	noticeAtOnce = 4
)

const (
	cmdNotice  = "notice.Send"
	noticeDue  = "notice.Due"
	stepNotice = "send"
)

// Routes of notices; the names are part of the stored format.
const (
	notificationsRoute = "notifications"
	noticeRoutes       = "out.notify."
)

func notifyTopic(channel string) string { return "notify." + channel }

// noticed is a thing that happened, as it waits for others and as it is sent. Names and addresses
// are personal: they are read when it is sent.
type noticed struct {
	Scope scope.Scope `json:"scope"`
	notify.Item
}

// gathered are the things of one notice.
type gathered struct {
	Rule  string    `json:"rule"`
	Who   string    `json:"who"`
	Items []noticed `json:"items"`
	More  int       `json:"more,omitempty"`
}

type notifier struct {
	NotifyConfig
	flows *Flows
}

// AddNotifications hosts what tells people: who is to hear of a thing, and a channel each. Each
// hears of it at most once: a notice of which it is not known whether it was sent is not repeated.
func AddNotifications(h *Hub, f *Flows, cfg NotifyConfig) error {
	n := &notifier{cfg, f}
	var topics []string
	for _, c := range cfg.Channels {
		topics = append(topics, notifyTopic(c.Name))
		if err := h.AddEffect(Route{
			Name: noticeRoutes + c.Name, About: "tells people by " + c.Name + ", of each thing at most once", Conn: c.Name,
			Topics: []string{notifyTopic(c.Name)}, Parking: Parking{Independent: true}, Parallel: noticeAtOnce,
			Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		}, Effect{
			Step: stepNotice, Timeout: c.Timeout, Certain: true,
			Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) { return n.plan(ctx, m, c) },
			Do: func(ctx context.Context, call *Call) ([]byte, error) {
				return nil, c.Port.Send(ctx, call.Value.(notify.Notice))
			},
			// Nobody can be asked whether he heard. It counts as told.
			Resolve: func(context.Context, *Call) ([]byte, bool, error) { return []byte(`"unanswered"`), true, nil },
			Then:    func(_ context.Context, m *Message, _ *Call, _ []byte) (*Out, error) { return m.Out(), nil },
		}); err != nil {
			return err
		}
	}
	n.Rules = slices.Clone(cfg.Rules)
	for i, r := range n.Rules {
		if err := r.Check(); err != nil {
			return fmt.Errorf("notification rule %s: %w", r.Name, err)
		}
		if r.Wording == (notify.Wording{}) {
			var err error
			if n.Rules[i].Wording, err = notify.Word("", ""); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(cfg.Channels, func(c NotifyChannel) bool { return c.Name == r.Channel }) {
			return fmt.Errorf("notification rule %s: there is no channel %q", r.Name, r.Channel)
		}
	}
	reads, types := n.reads()
	return h.Add(Route{
		Name: notificationsRoute, About: "says who is to hear of what was packed, has left or went wrong", Start: bus.Now,
		Topics: reads, Types: types,
		Handle: n.notify, Writes: topics, Parallel: noticeAtOnce, Parking: Parking{Independent: true},
	})
}

// notify gives what happened to each rule that it is for: to be told at once, or with others later.
func (n *notifier) notify(ctx context.Context, m *Message) (*Out, error) {
	d := n.flows.decide(ctx, m)
	switch m.Type {
	case letterOpened:
		n.opened(ctx, d)
		return d.done()
	case letterAge:
		n.aged(ctx, d)
		return d.done()
	}
	if m.Event == nil {
		var due gathered
		if err := m.Decode(&due); err != nil {
			return nil, err
		}
		var g gathered
		if old, found := d.state(noticeKey(due.Rule, due.Who), &g); found {
			n.send(d, g)
			d.out.SetState(noticeKey(due.Rule, due.Who), old, nil)
		}
		return d.done()
	}
	it, ok := happened(m.Event)
	if !ok {
		return m.Out(), nil
	}
	for _, r := range n.Rules {
		if !slices.Contains(r.On, it.What) || len(r.Owners) > 0 && !slices.Contains(r.Owners, it.Owner) {
			continue
		}
		who := ""
		switch r.To {
		case notify.Customer:
			who = scope.Join(it.Owner, it.Order)
		case notify.Partner:
			who = peek(d, n.flows.orders, order.StreamOf(it.Scope, it.Order)).Source.Partner
			if who == "" {
				continue // nobody sent it
			}
		}
		n.gather(d, r, who, it)
	}
	return d.done()
}

func noticeKey(rule, who string) string { return "notice/" + scope.Join(rule, who) }

func (n *notifier) gather(d *decision, r NotifyRule, who string, it noticed) {
	due := r.Quiet.Ends(d.m.Now.Add(r.Group))
	key := noticeKey(r.Name, who)
	var g gathered
	old, found := d.state(key, &g)
	if !found && !due.After(d.m.Now) {
		n.send(d, gathered{r.Name, who, []noticed{it}, 0})
		return
	}
	if !found {
		g = gathered{Rule: r.Name, Who: who}
		d.out.Timer(key, key, noticeDue, due, g)
	}
	if len(g.Items) < noticeItems {
		g.Items = append(g.Items, it)
	} else {
		g.More++
	}
	d.out.SetState(key, old, g)
}

// send hands a notice to the channel of its rule; of a rule that is gone it goes nowhere.
func (n *notifier) send(d *decision, g gathered) {
	if r, ok := n.rule(g.Rule); ok && len(g.Items) > 0 {
		d.out.Publish(notifyTopic(r.Channel), cmdNotice, noticeKey(g.Rule, g.Who), g)
	}
}

func (n *notifier) rule(name string) (NotifyRule, bool) {
	i := slices.IndexFunc(n.Rules, func(r NotifyRule) bool { return r.Name == name })
	if i < 0 {
		return NotifyRule{}, false
	}
	return n.Rules[i], true
}

// plan words a notice and finds who hears it. Nobody does where there is no address, or where its
// rule went while it waited.
func (n *notifier) plan(ctx context.Context, m *Message, c NotifyChannel) (*Call, *Out, error) {
	var g gathered
	if err := m.Decode(&g); err != nil {
		return nil, nil, err
	}
	r, ok := n.rule(g.Rule)
	begun, err := m.Row(ctx, journal.TableEffect, journal.EffectKey(noticeRoutes+c.Name, m.origin, stepNotice))
	if err != nil {
		return nil, nil, err
	}
	d := n.flows.decide(ctx, m)
	out := notify.Notice{ID: m.ID.String(), At: m.Time, Rule: g.Rule, More: g.More}
	for _, it := range g.Items {
		out.Items = append(out.Items, it.Item)
	}
	if ok && c.Mails {
		switch r.To {
		case notify.Customer:
			if mail := peek(d, n.flows.orders, order.StreamOf(g.Items[0].Scope, g.Items[0].Order)).Parties.ShipTo.Email; mail != "" {
				out.To = []string{mail}
			}
		case notify.Partner:
			out.To = r.Partners[g.Who]
		default:
			out.To = r.Staff
		}
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	if begun == nil && (!ok || c.Mails && len(out.To) == 0) {
		return nil, m.Out(), nil
	}
	if ok {
		if out, err = r.Wording.Write(out); err != nil {
			return nil, nil, err
		}
	}
	return &Call{Ref: out.ID, Value: out}, nil, nil
}

// happened is what an event tells people.
func happened(e event.Event) (noticed, bool) {
	switch e := e.(type) {
	case pack.Completed:
		it := noticed{e.Scope, notify.Item{What: notify.Packed, At: e.At, Owner: e.Owner, Order: e.Order, Facility: e.Facility}}
		for _, c := range e.Cartons {
			it.Cartons = append(it.Cartons, notify.Carton{SSCC: c})
		}
		return it, true
	case ship.Confirmed:
		it := noticed{e.Scope, notify.Item{What: notify.Shipped, At: e.At, Owner: e.Owner, Order: e.Order, Facility: e.Facility}}
		for _, c := range e.Cartons {
			it.Carrier = c.Carrier
			it.Cartons = append(it.Cartons, notify.Carton{SSCC: c.Carton, Tracking: c.Tracking})
		}
		return it, true
	case label.Refused:
		return noticed{e.Scope, notify.Item{
			What: notify.Exception, At: e.At, Owner: e.Owner, Order: e.Order, Facility: e.Facility, Carrier: e.Carrier,
			Cartons: []notify.Carton{{SSCC: e.Carton}}, Reason: "no label: " + e.Reason,
		}}, e.Code != byCancel
	case pack.WeightRefused:
		return noticed{e.Scope, notify.Item{
			What: notify.Exception, At: e.At, Owner: e.Owner, Order: e.Order, Facility: e.Facility, Cartons: []notify.Carton{{SSCC: e.Carton}},
			Reason: fmt.Sprintf("the carton weighs %d g and should weigh %d g, %d more or less", e.Measured/measure.Gram, e.Expected/measure.Gram, e.Tolerance/measure.Gram),
		}}, true
	}
	return noticed{}, false
}

// Check refuses rules that cannot be followed.
func (r NotifyRule) Check() error {
	var errs []error
	for _, k := range r.On {
		if !slices.Contains(notify.Kinds(), k) {
			errs = append(errs, fmt.Errorf("on: %q is none of %v", k, notify.Kinds()))
		}
	}
	if len(r.On) == 0 {
		errs = append(errs, fmt.Errorf("on: nothing is told; one or more of %v", notify.Kinds()))
	}
	if slices.Contains(r.On, notify.Letters) && (r.To != notify.Staff || len(r.Owners) > 0) {
		errs = append(errs, fmt.Errorf("on: %s are told to %s, and are nobody's orders: leave owners out", notify.Letters, notify.Staff))
	}
	if !slices.Contains(notify.Audiences(), r.To) {
		errs = append(errs, fmt.Errorf("to: %q is none of %v", r.To, notify.Audiences()))
	}
	return errors.Join(errs...)
}
