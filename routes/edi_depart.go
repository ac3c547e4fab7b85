package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/mapping"
)

// departure is one run that lets documents leave which waited for others.
type departure struct {
	edi   *edi
	m     *Message
	out   *Out
	p     Partner
	files int // that it wrote
}

// leave lets the documents of a lane leave, added as the last of them: all, or those that fill an
// interchange. It answers with the names of the interchanges.
func (x *departure) leave(ctx context.Context, l batchLane, st journal.State, added *laneSet, all bool) (names []string, err error) {
	var ws []laneSet
	for n := l.From; n < l.Next; n++ {
		at, err := x.m.State(ctx, l.place(n))
		var w laneSet
		if err == nil && at.Data == nil {
			err = fault.E(x.m.route, fault.Internal, fmt.Errorf("document %d of those that wait in %s for %s is not where it stood", n, l.Lane, l.Partner))
		}
		if err == nil {
			err = json.Unmarshal(at.Data, &w)
		}
		if err != nil {
			return nil, err
		}
		ws = append(ws, w)
	}
	stored := len(ws)
	if added != nil {
		ws = append(ws, *added)
	}
	if len(ws) == 0 {
		return nil, nil
	}
	b, _, _ := x.p.batchOf(ws[0].Set)
	full, rest := filled(ws, b, all)
	left := len(ws) - len(rest)
	for i := range min(left, stored) {
		at, err := x.m.State(ctx, l.place(l.From+i))
		if err != nil {
			return nil, err
		}
		x.out.SetState(l.place(l.From+i), at, nil)
	}
	if added != nil && len(rest) > 0 {
		x.out.SetState(l.place(l.Next), journal.State{}, *added)
	}
	if err := x.stays(ctx, l, st, b, l.From+left, rest, left < stored); err != nil {
		return nil, err
	}
	for _, ws := range full {
		name, err := x.interchange(ctx, ws)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// filled are the interchanges that documents make, in their order: a document that is too long for any
// is one of its own. What is left waits on, unless all are to go or it fills one as well.
func filled(ws []laneSet, b Batch, all bool) (full [][]laneSet, rest []laneSet) {
	most, limit := b.limits()
	var l batchLane
	for _, w := range ws {
		next := l
		next.Groups = slices.Clone(l.Groups)
		next.add(w)
		if l.Next > 0 && (next.Next > most || next.size() > limit) {
			full, rest = append(full, rest), nil
			next = batchLane{}
			next.add(w)
		}
		l, rest = next, append(rest, w)
	}
	if all || l.Next >= most || l.size() >= limit {
		return append(full, rest), nil
	}
	return full, rest
}

// stays writes what is left of a lane, whose first document stands at from. waited says that it was
// there before this run.
func (x *departure) stays(ctx context.Context, l batchLane, st journal.State, b Batch, from int, rest []laneSet, waited bool) error {
	if len(rest) > 0 {
		n := batchLane{Partner: l.Partner, Lane: l.Lane, From: from, Next: from, Since: l.Since, Due: l.Due}
		for _, w := range rest {
			n.add(w)
		}
		if !waited {
			n.Since, n.Due = x.m.Now, b.due(x.m.Now, x.p)
		}
		x.out.SetState(laneKey(l.Partner, l.Lane), st, n)
		x.timer(n)
		return nil
	}
	if st.Tag != 0 {
		x.out.SetState(laneKey(l.Partner, l.Lane), st, nil)
	}
	id := timerOfLane(l)
	row, err := x.m.Row(ctx, journal.TableTimer, id)
	if err == nil && row != nil {
		x.out.Timers = append(x.out.Timers, journal.TimerOp{ID: id, Remove: true})
	}
	return err
}

// interchange lets documents be sent in one interchange.
func (x *departure) interchange(ctx context.Context, ws []laneSet) (name string, err error) {
	var sets []outSet
	for _, w := range ws {
		s, err := x.read(ctx, w)
		if err != nil {
			return "", err
		}
		sets = append(sets, s)
	}
	r, err := x.record(ctx, sets)
	if err == nil {
		x.out.Send(r)
	}
	return r.Headers["name"], err
}

// record writes documents into one interchange, in groups by their kind: it lets them be sent.
func (x *departure) record(ctx context.Context, sets []outSet) (r journal.Record, err error) {
	var kinds []string
	for _, s := range sets {
		if kind := groupOf[s.Set]; !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.SortStableFunc(sets, func(a, b outSet) int {
		return slices.Index(kinds, groupOf[a.Set]) - slices.Index(kinds, groupOf[b.Set])
	})
	d := outgoing{Partner: x.p.Name, Set: ofBatch}
	var text []byte
	if kinds[0] == "" {
		text, err = x.messages(ctx, &d, sets)
	} else {
		text, err = x.groups(ctx, &d, sets)
	}
	if err != nil {
		return r, err
	}
	for _, s := range sets {
		d.Sets = append(d.Sets, s.sentSet)
	}
	d.Name = fmt.Sprintf("%s-%09s-%s.edi", ofBatch, d.ISA13, x.m.ID.Child(x.m.route, ofBatch, x.files).String()[:8])
	x.files++
	return x.edi.outgoing(ctx, x.m, x.out, x.p, d, sets, text)
}

// groups writes sets, those of a group together.
func (x *departure) groups(ctx context.Context, d *outgoing, sets []outSet) ([]byte, error) {
	isa, err := x.edi.control(ctx, x.m, x.out, x.p.Name, "isa13")
	if err != nil {
		return nil, err
	}
	d.ISA13 = fmt.Sprintf("%09d", isa)
	gs, n := 0, 0
	for i := range sets {
		if n++; i == 0 || groupOf[sets[i].Set] != groupOf[sets[i-1].Set] {
			if gs, err = x.edi.control(ctx, x.m, x.out, x.p.Name, "gs06"); err != nil {
				return nil, err
			}
			n = 1
		}
		sets[i].GS06, sets[i].ST02 = strconv.Itoa(gs), fmt.Sprintf("%04d", n)
	}
	return x.p.writeX12(d.ISA13, x.m.Now, sets)
}

// messages writes messages of EDIFACT.
func (x *departure) messages(ctx context.Context, d *outgoing, sets []outSet) ([]byte, error) {
	n, err := x.edi.control(ctx, x.m, x.out, x.p.Name, "unb")
	if err != nil {
		return nil, err
	}
	unb := x.p.unb()
	unb.Control = strconv.Itoa(n)
	d.ISA13, d.Contrl = unb.Control, unb.AckRequested == "1"
	for i := range sets {
		sets[i].ST02 = strconv.Itoa(i + 1)
	}
	return x.p.writeEDIFACT(unb, x.m.Now, sets)
}

// read is a document that waited.
func (x *departure) read(ctx context.Context, w laneSet) (outSet, error) {
	s := outSet{sentSet: sentSet{Set: w.Set, Name: w.Name}, About: w.About}
	rec, err := x.m.Recall(ctx, w.Pos)
	if err != nil {
		return s, err
	}
	s.Correlation = rec.Correlation
	return s, s.parse(rec.Personal, x.edi.Limits)
}

// parse takes the content over from an interchange that has the document alone.
func (s *outSet) parse(text []byte, limits x12.Limits) error {
	if sniff.Of(text) == sniff.EDIFACT {
		message, err := theMessage(text)
		if err == nil {
			s.ofMessage(message)
		}
		return err
	}
	set, err := theSet(text, limits)
	if err == nil {
		s.Body = mapping.OfX12(set).Body()
	}
	return err
}

func (s *outSet) ofMessage(p *edifact.Part) {
	h := p.UNH
	s.UNH = edifact.UNH{Type: h.Type, Version: h.Version, Release: h.Release, Agency: h.Agency, Association: h.Association}
	s.Segments = messageBody(mapping.OfEDIFACT(p).Body())
}
