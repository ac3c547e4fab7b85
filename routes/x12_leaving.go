package routes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// Topics of documents on their way out, between the route that wrote them and the partner.
const (
	topicHeld  = "documents-held"  // until the partner's window opens
	topicPaced = "documents-paced" // at the partner's rate
)

// Window is when a partner takes documents, each day in his zone. The zero value is always.
type Window struct{ From, To time.Duration } // since midnight

// ParseWindow reads "22:00-04:00"; "" is always. A window that ends before it begins goes
// over midnight.
func ParseWindow(s string) (Window, error) {
	if s == "" {
		return Window{}, nil
	}
	from, to, ok := strings.Cut(s, "-")
	a, erra := time.Parse("15:04", from)
	b, errb := time.Parse("15:04", to)
	if !ok || erra != nil || errb != nil || a.Equal(b) {
		return Window{}, fmt.Errorf("%q is no window of a day, as 08:00-18:00", s)
	}
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	return Window{a.Sub(midnight), b.Sub(midnight)}, nil
}

// opens is when the partner takes a document that is there now: now, or the window's next
// opening by the clocks of his zone.
func (p Partner) opens(now time.Time) time.Time {
	w := p.Window
	if w == (Window{}) {
		return now
	}
	local := now.In(cmp.Or(p.Profile.Zone, time.UTC))
	at := func(day int, d time.Duration) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+day, int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, local.Location())
	}
	from, to := at(0, w.From), at(0, w.To)
	switch {
	case w.From > w.To && (local.Before(to) || !local.Before(from)):
		return now
	case local.Before(from):
		return from.UTC()
	case local.Before(to):
		return now
	}
	return at(1, w.From).UTC()
}

// firstStage is the topic of a document that was just written. A partner who names neither
// window nor rate costs no unit for them.
func firstStage(p Partner) string {
	if p.Window != (Window{}) {
		return topicHeld
	}
	return secondStage(p)
}

func secondStage(p Partner) string {
	if p.Rate > 0 {
		return topicPaced
	}
	return outTopic(p.Name)
}

// leaving are the topics that documents may be written to.
func (e *edi) leaving() []string {
	var topics []string
	for _, p := range e.Partners {
		topics = append(topics, firstStage(p))
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// window holds documents until their partner takes them. It and the next one serve all partners,
// configured or not: a document that waits is not lost when its partner's window is taken out.
func (e *edi) window() Route {
	return Route{
		Name: "x12.window", About: "documents wait until their partner's window opens",
		Topics: []string{topicHeld}, Writes: e.sending(), Patterns: []string{eip.NameDelay, eip.NameHistory},
		Handle: eip.History(eip.Delay[*Message, *Out]{
			Step: "window",
			To:   func(r *journal.Record) string { return secondStage(e.known(r)) },
			Until: func(m *Message) (time.Time, error) {
				p, err := e.partner(m.Headers["partner"])
				return p.opens(m.Now), err
			},
		}.Handle),
	}
}

// rate sends documents on no faster than their partner takes them.
func (e *edi) rate() Route {
	return Route{
		Name: "x12.rate", About: "documents go no faster than their partner takes them",
		Topics: []string{topicPaced}, Writes: e.sending(), Patterns: []string{eip.NameThrottle, eip.NameHistory},
		Handle: eip.History(eip.Throttle[*Message, *Out]{
			Step:   "rate",
			To:     func(r *journal.Record) string { return outTopic(r.Headers["partner"]) },
			Bucket: func(m *Message) string { return m.Headers["partner"] },
			Every: func(partner string) time.Duration {
				if n := e.Partners[partner].Rate; n > 0 {
					return time.Minute / time.Duration(n)
				}
				return 0 // he named one earlier
			},
		}.Handle),
	}
}

// known is the partner of a document, or one of his name where he was taken out meanwhile.
func (e *edi) known(r *journal.Record) Partner {
	name := r.Headers["partner"]
	if p, ok := e.Partners[name]; ok {
		return p
	}
	return Partner{Name: name}
}

// sending are the topics of documents that may go.
func (e *edi) sending() []string {
	var topics []string
	for _, p := range e.Partners {
		topics = append(topics, secondStage(p), outTopic(p.Name))
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// noticeTopic is where copies of confirmations wait to become a partner's 945.
func noticeTopic(partner string) string { return "ship-notices." + partner }

// listens reports whether a partner is told of an order's shipment though he did not ask for it.
func (p Partner) listens(o order.Order) bool {
	asked := o.Source.Door == "edi" && o.Source.DocType == "940" && o.Source.Partner == p.Name
	return !asked && slices.Contains(p.Notices, o.Scope.Owner)
}

// notices are the routes that tell partners of the shipments of the owners they name, whoever
// ordered: one copies a confirmation to all of them at once, the other writes each his 945, so
// that one who cannot be written to holds up no other. Where nobody names an owner there is none,
// and who begins to is told of nothing that shipped before.
func (e *edi) notices() []Route {
	var topics []string
	for name, p := range e.Partners {
		if len(p.Notices) > 0 {
			topics = append(topics, noticeTopic(name))
		}
	}
	if len(topics) == 0 {
		return nil
	}
	slices.Sort(topics)
	recipients := func(o order.Order) (to []string) {
		for name, p := range e.Partners {
			if p.listens(o) {
				to = append(to, noticeTopic(name))
			}
		}
		slices.Sort(to) // a re-run makes the same ids
		return to
	}
	return []Route{{
		Name: "x12.notices", About: "ship confirmations to the partners who want to know of an owner's shipments",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Start: bus.Now, Writes: topics,
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameRecipientList},
		Handle: eip.Filter(func(ctx context.Context, m *Message) (bool, error) {
			o, err := e.shipped(ctx, m)
			return len(recipients(o)) > 0, err
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return eip.RecipientList[*Message, *Out](func(*Message) ([]string, error) { return recipients(o), nil })(ctx, m)
		})),
	}, {
		Name: "x12.noticed", About: "a 945 to each partner who wants to know",
		Topics: topics, Writes: e.leaving(), Parking: Parking{Independent: true},
		Patterns: []string{eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return e.advise(ctx, m, strings.TrimPrefix(m.Topic, noticeTopic("")), o)
		}),
	}}
}
