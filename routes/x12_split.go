package routes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
)

// setInfo travels beside the bytes of a transaction set, so that it can be read again alone
// and still name its places in the document.
type setInfo struct {
	Partner  string        `json:"partner"`
	Document string        `json:"document"` // file name
	Identity x12.Identity  `json:"identity"`
	Set      string        `json:"st01"`
	Group    string        `json:"gs01"`
	Origin   x12.Origin    `json:"origin"`
	Findings []x12.Finding `json:"findings,omitempty"`
}

// splitBatch and splitBytes are how many children one unit holds, and how much of them.
const (
	splitBatch = 1000
	splitBytes = 8 << 20
)

// verdict is what the interchange's reader thought of one group.
type verdict struct {
	Partner string    `json:"partner"`
	ISA     x12.ISA   `json:"isa"`
	GS      x12.GS    `json:"gs"`
	Group   ack.Group `json:"group"`
}

// split takes documents apart. A set that is rejected goes to the Invalid Message Channel and
// the others go on; each group's verdict becomes a 997.
func (e *edi) split() Route {
	return Route{
		Name: "x12.split", About: "interchanges into transaction sets, each with its verdict",
		Topics: []string{topicDocuments}, Writes: []string{topicSets, topicRefused, topicVerdicts, onExternal},
		Patterns: []string{"splitter", "idempotent receiver", "invalid message channel"},
		Handle:   e.splitDocument,
	}
}

func (e *edi) splitDocument(ctx context.Context, m *Message) (*Out, error) {
	const op = "x12.split"
	p, err := e.partner(m.Headers["partner"])
	if err != nil {
		return nil, err
	}
	s := &splitting{edi: e, m: m, p: p, out: m.Out(), collect: ack.Collector{Policy: p.Policy}, taken: map[string][32]byte{}}
	if s.stateKey, s.state, err = s.resume(ctx); err != nil {
		return nil, err
	}
	if s.data, err = e.claim(ctx, m); err != nil {
		return nil, err
	}
	if s.ends, err = interchanges(s.data, e.Limits); err != nil {
		return nil, fault.At(op, fault.Invalid, m.Headers["name"], err)
	}
	r := x12.NewBytesReader(s.data, e.Limits)
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.At(op, fault.Invalid, m.Headers["name"], err)
		}
		if err := s.take(ctx, part); err != nil {
			return nil, err
		}
		if len(s.out.Records) >= splitBatch || s.bytes >= splitBytes {
			if err := s.flush(ctx); err != nil {
				return nil, err
			}
		}
	}
	return s.end(ctx)
}

// splitting is one run over a document.
type splitting struct {
	edi      *edi
	m        *Message
	data     []byte
	bytes    int // of the children that the unit at hand holds
	p        Partner
	out      *Out
	collect  ack.Collector
	repeat   bool                // the interchange came before
	ends     map[int64]int64     // of each interchange, by its beginning
	taken    map[string][32]byte // interchanges of this document, by identity
	found    bool                // there was an interchange
	noise    []x12.Finding
	lost     []x12.Finding // about what belongs to no set: nothing else would tell of it
	stray    *x12.Part     // the first part that they are about
	cut      bool          // the last set has no end: it tells already that the rest is missing
	child    int           // children so far, whether written by this run or an earlier one
	done     int           // children that an earlier run made durable
	stateKey string
	state    journal.State
}

// maxSets is the most sets of one document: the verdicts of a group are one record, and a
// unit must hold it.
const maxSets = 100_000

// interchanges finds where each interchange of a document ends, and refuses one of too many
// sets before any of them is worked on.
func interchanges(data []byte, limits x12.Limits) (map[int64]int64, error) {
	ends := map[int64]int64{}
	begin, sets := int64(-1), 0
	for r := x12.NewBytesReader(data, limits); ; {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ends, nil
		}
		if err != nil {
			return nil, err
		}
		switch part.Kind {
		case x12.InterchangeHeader:
			begin = part.Offset
			ends[begin] = int64(len(data))
		case x12.InterchangeTrailer:
			ends[begin] = part.Offset + int64(len(part.Raw))
		case x12.TransactionSet:
			if sets++; sets > maxSets {
				return nil, fmt.Errorf("has more than %d transaction sets: ask its sender to split it into several interchanges", maxSets)
			}
		default: // lies within
		}
	}
}

// resume finds how many children an earlier run made durable.
func (s *splitting) resume(ctx context.Context) (string, journal.State, error) {
	key := "x12.split/" + s.m.ID.String()
	st, err := s.m.State(ctx, key)
	if err == nil && st.Tag != 0 {
		err = json.Unmarshal(st.Data, &s.done)
	}
	return key, st, err
}

func (s *splitting) take(ctx context.Context, part *x12.Part) error {
	switch part.Kind {
	case x12.Noise, x12.Stray:
		s.collect.Add(part)
		s.noise = append(s.noise, part.Findings...)
		s.outside(part, x12.Warning)
	case x12.InterchangeHeader:
		s.found, s.cut = true, false
		s.collect.Add(part)
		s.outside(part, x12.Error)
		return s.known(ctx, part)
	case x12.TransactionSet:
		s.edi.Grammar.Check(part)
		v := s.collect.Add(part)
		if !s.repeat {
			s.set(ctx, part, v.Accepted())
		}
		s.cut = slices.ContainsFunc(part.Findings, func(f x12.Finding) bool { return f.Code == x12.CodeMissingSE })
	case x12.GroupTrailer:
		s.collect.Add(part)
		s.outside(part, x12.Error)
		if !s.repeat {
			s.group(ctx, part)
		}
	default:
		s.collect.Add(part)
		s.outside(part, x12.Error)
	}
	return nil
}

// mostLost bounds what is told of one document's rest.
const mostLost = 100

// outside keeps what is wrong around the sets, from severity least on: an order may stand in
// it that no set and no 997 names.
func (s *splitting) outside(part *x12.Part, least x12.Severity) {
	if part.ISA != nil && s.repeat || s.cut && len(part.Raw) == 0 {
		return
	}
	for _, f := range part.Findings {
		if f.Severity < least || len(s.lost) == mostLost {
			continue
		}
		if s.stray == nil {
			s.stray = part.Clone()
		}
		s.lost = append(s.lost, f)
	}
}

// known looks whether the interchange came before: with the same content nothing more is done,
// with other content its number was reused, which a person must look at.
func (s *splitting) known(ctx context.Context, part *x12.Part) error {
	if f, stranger := s.p.stranger(part); stranger {
		s.repeat = true // nothing of it is worked on, and nothing of it is acknowledged
		part.Add(f)
		s.refuse(ctx, part)
		return nil
	}
	id := part.Identity()
	hash := sha256.Sum256(bytes.TrimSpace(s.data[part.Offset:s.ends[part.Offset]]))
	scope := "x12/" + s.p.Name
	c, there, err := s.m.Claimed(ctx, scope, id.String())
	if err != nil {
		return err
	}
	s.repeat = false
	earlier, here := s.taken[id.String()]
	if here { // by an interchange further up in this document
		there, c = true, journal.Claim{Hash: earlier, Answer: []byte("this document")}
	}
	switch {
	case !there:
		s.out.Claim(scope, id.String(), hash, []byte(s.m.ID.String()))
		s.taken[id.String()] = hash
	case !here && string(c.Answer) == s.m.ID.String(): // ours, by an earlier run
		s.taken[id.String()] = c.Hash
	case c.Hash == hash:
		s.repeat = true
		s.add(ctx, "x12.Repeated", "external-events", s.p.Name, map[string]any{"partner": s.p.Name, "interchange": id.Interchange, "first": string(c.Answer)}, nil)
	default:
		s.repeat = true
		f := part.At(part.Segments.At(0), 13)
		f.Code, f.Severity, f.Layer = "control-number-reused", x12.Error, x12.LayerEnvelope
		f.Message = fmt.Sprintf("interchange control number %s came before with other content", id.Interchange)
		f.Hint = "ask the sender whether it reset its counter; if so, replay this document after the old number was released"
		part.Add(f)
		s.refuse(ctx, part)
	}
	return nil
}

// stranger finds an interchange that is not from this partner to us, or not meant for real
// where the partner's are: in his folder it is a mistake that somebody must look at.
func (p Partner) stranger(part *x12.Part) (x12.Finding, bool) {
	h := part.ISA
	for _, c := range [...]struct {
		element    int
		got, want  string
		code, says string
	}{
		{6, h.Sender, p.ID, "sender-unknown", "the interchange is from %q, and this is the folder of %q"},
		{8, h.Receiver, p.OurID, "receiver-unknown", "the interchange is for %q, and we are %q to this partner"},
		{15, h.Usage, p.usage(), "usage-differs", "the interchange says usage %q, and this partner's are %q"},
	} {
		if c.want == "" || c.got == c.want {
			continue
		}
		f := part.At(part.Segments.At(0), c.element)
		f.Code, f.Severity, f.Layer = c.code, x12.Error, x12.LayerPartner
		f.Expected, f.Message = c.want, fmt.Sprintf(c.says, c.got, c.want)
		f.Hint = "ask the partner, or correct his ids and usage in the configuration; then let him send it anew"
		return f, true
	}
	return x12.Finding{}, false
}

func (s *splitting) set(ctx context.Context, part *x12.Part, accepted bool) {
	if accepted {
		s.send(ctx, part, "x12.Set", topicSets)
		return
	}
	s.refuse(ctx, part)
}

func (s *splitting) refuse(ctx context.Context, part *x12.Part) {
	s.send(ctx, part, "x12.Refused", topicRefused)
}

func (s *splitting) send(ctx context.Context, part *x12.Part, typ, topic string) {
	info := setInfo{
		Partner: s.p.Name, Document: s.m.Headers["name"], Identity: part.Identity(), Set: part.ST.ID,
		Origin: part.Origin(), Findings: part.Findings,
	}
	if part.GS != nil {
		info.Group = part.GS.FunctionalID
	}
	s.add(ctx, typ, topic, s.p.Name, info, bytes.Clone(part.Raw))
}

// add appends a child unless an earlier run made it durable. Ids are those of the
// cause and the child's number, so a re-run makes the same.
func (s *splitting) add(ctx context.Context, typ, topic, key string, info any, raw []byte) {
	n := s.child
	s.child++
	if n < s.done {
		return
	}
	data, err := json.Marshal(info)
	if err != nil {
		s.out.fail(fault.E("x12.split", fault.Internal, err))
		return
	}
	r := journal.Record{
		ID: s.m.ID.Child("x12.split", typ, n), Type: typ, Topic: topic, Key: key, Data: data,
		Headers: map[string]string{"partner": s.p.Name, "name": s.m.Headers["name"]},
	}
	if raw != nil {
		r.Subject = s.m.Subject
		if r.Personal, err = s.edi.checkIn(ctx, raw, r.Headers); err != nil {
			s.out.fail(err)
			return
		}
	}
	s.bytes += len(data) + len(r.Personal)
	s.out.Send(r)
}

func (s *splitting) group(ctx context.Context, part *x12.Part) {
	i := s.collect.Interchanges
	if len(i) == 0 || len(i[len(i)-1].Groups) == 0 || part.GS == nil {
		return
	}
	last := i[len(i)-1]
	g := last.Groups[len(last.Groups)-1]
	s.add(ctx, "x12.GroupJudged", topicVerdicts, s.p.Name, verdict{Partner: s.p.Name, ISA: last.ISA, GS: *part.GS, Group: g}, nil)
}

// flush makes the children so far durable, with their number beside them.
func (s *splitting) flush(ctx context.Context) error {
	s.out.SetState(s.stateKey, s.state, s.child)
	if s.out.err != nil {
		return s.out.err
	}
	if err := s.m.partial(ctx, s.out); err != nil {
		return err
	}
	s.done, s.bytes = s.child, 0
	st, err := s.m.State(ctx, s.stateKey)
	s.state, s.out = st, s.m.Out()
	return err
}

func (s *splitting) end(ctx context.Context) (*Out, error) {
	if !s.found {
		f := x12.Finding{Code: x12.CodeNotX12, Severity: x12.Error, Line: 1, Column: 1, Message: "no X12 interchange in it"}
		if len(s.noise) > 0 {
			f = s.noise[0]
		}
		return nil, fault.At("x12.split", fault.Invalid, fmt.Sprintf("%s byte %d", s.m.Headers["name"], f.Offset), errors.New(f.String()))
	}
	if s.stray != nil {
		info := setInfo{Partner: s.p.Name, Document: s.m.Headers["name"], Identity: s.stray.Identity(), Origin: s.stray.Origin(), Findings: s.lost}
		var raw []byte
		if len(s.stray.Raw) > 0 {
			raw = s.stray.Raw
		}
		s.add(ctx, "x12.Refused", topicRefused, s.p.Name, info, raw)
	}
	if s.state.Tag != 0 {
		s.out.SetState(s.stateKey, s.state, nil)
	}
	return s.out, s.out.err
}

// refused is the Invalid Message Channel of X12: what was rejected becomes a letter that names
// every place. Replayed, it is judged again, by the rules of that day.
func (e *edi) refused() Route {
	return Route{
		Name: "x12.refused", About: "rejected transaction sets, each a letter with its exact places",
		Topics: []string{topicRefused}, Writes: []string{topicSets}, Parking: Parking{Independent: true},
		Patterns: []string{"invalid message channel"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var info setInfo
			if err := m.Decode(&info); err != nil {
				return nil, err
			}
			if m.Attempt > 0 && info.Set != "" {
				raw, err := e.claim(ctx, m)
				if err != nil {
					return nil, err
				}
				if p, err := e.partner(info.Partner); err == nil {
					if part, err := x12.ReadSet(raw, info.Origin, e.Limits); err == nil {
						e.Grammar.Check(part)
						if ack.Judge(part, p.Policy).Accepted() {
							r := m.Record
							r.ID, r.Type, r.Topic, r.Pos = m.ID.Child("x12.refused", "again", 0), "x12.Set", topicSets, 0
							return m.Out().Send(r), nil
						}
					}
				}
			}
			return nil, refusal(info)
		},
	}
}

func refusal(info setInfo) error {
	worst := x12.Note
	for _, f := range info.Findings {
		worst = max(worst, f.Severity)
	}
	for _, f := range info.Findings {
		if f.Severity == worst {
			return fault.At("x12", fault.Invalid, placeOf(f), fmt.Errorf("%s of %s: %s%s", setName(info), info.Document, f.Message, hint(f)))
		}
	}
	return fault.At("x12", fault.Invalid, setName(info), errors.New("rejected with its group"))
}

func setName(info setInfo) string {
	switch {
	case info.Identity == x12.Identity{}:
		return "what stands outside any interchange"
	case info.Set == "":
		return "interchange " + info.Identity.String()
	}
	return fmt.Sprintf("set %s %s", info.Set, info.Identity.String())
}

func placeOf(f x12.Finding) string {
	at := f.Element
	if at == "" {
		at = "envelope"
	}
	return fmt.Sprintf("%s (segment %d, byte %d, line %d)", at, f.Segment, f.Offset, f.Line)
}

func hint(f x12.Finding) string {
	if f.Hint == "" {
		return ""
	}
	return "; " + f.Hint
}
