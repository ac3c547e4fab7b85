package routes

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/routes/eip"
)

// What a person must know of a certificate exchange.
const (
	certificatesOffered = "as2.CertificatesOffered" // somebody must look at them
	certificatesRefused = "as2.CertificatesRefused"
)

// certificateTopic is where requests and answers about certificates wait for a partner.
func certificateTopic(partner string) string { return "as2-certificates." + partner }

// site is where what is agreed with a partner is kept.
func (p Partner) site() scope.Scope {
	return scope.Scope{Tenant: p.Profile.Tenant, Owner: scope.Shared, Facility: p.Profile.Facility}
}

// exchangedWith is what was exchanged of certificates with a partner.
func (e *edi) exchangedWith(ctx context.Context, m *Message, partner string) (trust.Exchange, error) {
	p, err := e.partner(partner)
	if err != nil {
		return trust.Exchange{}, err
	}
	return Peek(ctx, m, e.flows.certificates, trust.StreamOf(p.site(), partner))
}

// certificates is the door of those who decide what partners' certificates are trusted, and offer ours.
func (e *edi) certificates() Route {
	writes := []string{onAudit}
	for name := range e.Partners {
		if e.byStation(name) {
			writes = append(writes, certificateTopic(name))
		}
	}
	return Route{
		Name: door.Certificates, About: "accepts and rejects certificates that AS2 partners offer, and offers ours",
		Handle: e.flows.ask(door.Certificates, e.askCertificates), Writes: writes,
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	}
}

func (e *edi) askCertificates(d *decision, a *door.Ask) (answered, error) {
	p, err := e.partner(a.ID)
	if err != nil {
		return answered{}, err
	}
	stream := trust.StreamOf(p.site(), p.Name)
	was := load(d, d.f.certificates, stream)
	if d.err != nil {
		return answered{}, d.err
	}
	var events []event.Event
	switch c := a.Cmd.(type) {
	case trust.Look:
		return answered{was, false}, nil
	case trust.Judge:
		c.By = a.Actor
		events, err = was.Judge(c, d.m.Now)
	case trust.Propose:
		events, err = e.propose(d.m, p, was, c, a.Actor)
	default:
		return answered{}, wrongCommand(door.Certificates, a.Cmd)
	}
	add(d, d.f.certificates, stream, events, err)
	is := load(d, d.f.certificates, stream)
	if d.err != nil {
		return answered{}, d.err
	}
	for _, ev := range events {
		switch ev := ev.(type) {
		case trust.Judged:
			if _, before := was.Due(ev.Request); !before {
				e.answerOffer(d.out, p.Name, is, ev.Request)
			}
		case trust.Asked:
			d.out.Publish(certificateTopic(p.Name), "as2.Certificates", p.Name, door.CertificateMessage{Request: ev.Request, Entries: is.Asking(ev.Request)})
		}
	}
	return answered{is, len(events) > 0}, nil
}

// propose asks a partner to trust certificates of ours.
func (e *edi) propose(m *Message, p Partner, was trust.Exchange, c trust.Propose, by string) ([]event.Event, error) {
	if !e.byStation(p.Name) {
		return nil, fault.At(door.Certificates, fault.Rejected, "partner", fmt.Errorf("nothing leaves for %s by AS2: set edi.partners.%[1]s.as2.url", p.Name))
	}
	ask := trust.Ask{Scope: p.site(), Partner: p.Name, Request: m.ID.String(), By: by}
	for _, id := range c.IDs {
		n, err := e.Stations.Own(strings.ToLower(strings.ReplaceAll(id, ":", "")))
		if err != nil {
			return nil, err
		}
		for _, u := range c.Usages {
			if !slices.Contains(n.Usages, u) {
				return nil, fault.At(door.Certificates, fault.Invalid, "usages", fmt.Errorf("%s is set up for %s, not for %q", n.Subject, strings.Join(n.Usages, " and "), u))
			}
		}
		if len(c.Usages) > 0 {
			n.Usages = c.Usages
		}
		if n.RespondBy = c.RespondBy; !c.RespondBy.IsZero() && !c.RespondBy.After(m.Now) {
			return nil, fault.At(door.Certificates, fault.Invalid, "respond_by", fmt.Errorf("%v is over", c.RespondBy))
		}
		ask.Certificates = append(ask.Certificates, n)
	}
	return was.Ask(ask, m.Now)
}

// answerOffer answers a request of the partner once there is a verdict on each of its certificates.
func (e *edi) answerOffer(out *Out, partner string, x trust.Exchange, request string) {
	if all, due := x.Due(request); due && e.byStation(partner) {
		out.Publish(certificateTopic(partner), "as2.Certificates", partner, door.CertificateMessage{Request: request, Answer: true, Entries: all})
	}
}

// certificatesIn takes what an accepted message says of certificates. What has no effect is told to
// a person; the message is accepted all the same, and its sender has his receipt.
func (e *edi) certificatesIn(ctx context.Context, m *Message, out *Out, a door.Arrival) error {
	if a.Offer == nil && a.Answer == nil {
		return nil
	}
	p, err := e.partner(a.Partner)
	if err != nil {
		return err
	}
	x, err := Load(ctx, m, e.flows.certificates, trust.StreamOf(p.site(), p.Name))
	if err != nil {
		return err
	}
	var events []event.Event
	if a.Offer != nil {
		events, err = x.Offer(trust.Offer{Scope: p.site(), Partner: p.Name, Request: a.Offer.Request, Signer: a.Offer.Signer, Certificates: a.Offer.Certificates, Auto: a.Offer.Auto}, m.Now)
	} else {
		events, err = x.Answer(a.Answer.Request, verdictsOn(x.Asking(a.Answer.Request), a.Answer.Verdicts), m.Now)
	}
	if err != nil {
		if fault.KindOf(err) != fault.Rejected {
			return err
		}
		out.Publish(topicStationTrouble, certificatesRefused, p.Name, trouble{Partner: p.Name, MessageID: a.MessageID, Reason: err.Error()})
		return nil
	}
	AppendAll(out, events)
	if a.Offer == nil {
		return nil
	}
	if x, err = trust.Fold.Replay(x, events...); err != nil {
		return fault.E(m.route, fault.Internal, err)
	}
	if _, due := x.Due(a.Offer.Request); !due {
		if len(events) > 0 {
			out.Publish(topicStationTrouble, certificatesOffered, p.Name, trouble{Partner: p.Name, MessageID: a.MessageID, Document: a.Offer.Request})
		}
		return nil
	}
	e.answerOffer(out, p.Name, x, a.Offer.Request) // again, to who asks again
	return nil
}

// verdictsOn finds the certificates that an answer names by issuer and serial number.
func verdictsOn(asked []trust.Entry, said []door.CertificateVerdict) (out []trust.Verdict) {
	for _, entry := range asked {
		c, err := x509.ParseCertificate(entry.DER)
		if err != nil {
			continue // none of ours is so
		}
		for _, v := range said {
			serial, ok := new(big.Int).SetString(v.Serial, 10)
			if ok && (as2.TrustResponse{Issuer: v.Issuer, Serial: serial}).Of(c) {
				out = append(out, trust.Verdict{ID: entry.ID, Accepted: v.Accepted, Reason: v.Reason})
				break
			}
		}
	}
	return out
}

// lookedAt is a letter until there is a verdict on each certificate of a request; its replay asks again.
func (e *edi) lookedAt(ctx context.Context, m *Message, t trouble) (*Out, error) {
	x, err := e.exchangedWith(ctx, m, t.Partner)
	if err != nil {
		return nil, err
	}
	var open []trust.Entry
	for _, entry := range x.Theirs {
		if entry.Request == t.Document && entry.Status == trust.StatusPending {
			open = append(open, entry)
		}
	}
	if len(open) == 0 {
		return m.Out(), nil
	}
	until := ""
	if by := open[0].RespondBy; !by.IsZero() {
		until = " until " + by.Format("2006-01-02 15:04 MST")
	}
	return nil, fault.At(m.route, fault.Rejected, t.Document, fmt.Errorf("partner %s asks to trust %d certificates and waits for an answer%s: compare fingerprints with him, then paklog partner certs %[1]s, accept or reject", t.Partner, len(open), until))
}

// certificatesOut takes requests and answers about certificates into messages for a partner.
func (e *edi) certificatesOut(partner string) Route {
	return Route{
		Name: "out.certificates." + partner, About: "requests and answers about certificates into signed messages for " + partner,
		Topics: []string{certificateTopic(partner)}, Writes: []string{stationTopic(partner)}, Patterns: []string{eip.NameTranslator, eip.NameClaimCheck},
		Handle: eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
			var c door.CertificateMessage
			if err := m.Decode(&c); err != nil {
				return journal.Record{}, err
			}
			name := "certificates-" + c.Request
			return e.wrap(ctx, m, out, partner, wrapped{outgoing: outgoing{Partner: partner, Name: name}, Document: m.Pos, Certificates: true}, door.Content{Name: name, Certificates: &c})
		}),
	}
}
