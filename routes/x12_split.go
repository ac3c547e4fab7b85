package routes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/mixed"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/routes/eip"
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

// splitBatch is how many children one unit holds.
const splitBatch = 1000

// verdict is what the interchange's reader thought of one group.
type verdict struct {
	Partner string    `json:"partner"`
	ISA     x12.ISA   `json:"isa"`
	GS      x12.GS    `json:"gs"`
	Group   ack.Group `json:"group"`
}

// interchangeVerdict is what the sender of an interchange is told of it, where he asks.
type interchangeVerdict struct {
	Partner string          `json:"partner"`
	Ack     ack.Interchange `json:"ack"` // without its groups
}

// split takes documents apart. A set that is rejected goes to the Invalid Message Channel and
// the others go on; each group's verdict becomes a 997.
func (e *edi) split() Route {
	return Route{
		Name: "x12.split", About: "interchanges into transaction sets, or EDIFACT messages, each with its verdict",
		Topics: []string{topicDocuments}, Writes: []string{topicSets, topicRefused, topicVerdicts, topicAcks, topicMessages, topicRefusedMessages, topicContrls, topicUntaken, onExternal},
		Patterns: []string{eip.NameSplitter, eip.NameClaimCheck, eip.NameInvalid},
		Handle:   e.splitDocument,
	}
}

// splitDocument reads the document twice in every run. The first reading judges, for a group is
// judged by all of its sets; the second sends the verdicts of an interchange and then its sets, so
// that its 997 does not wait behind thousands of them. What an earlier run made durable is not
// sent again.
func (e *edi) splitDocument(ctx context.Context, m *Message) (*Out, error) {
	p, err := e.partner(m.Headers["partner"])
	if err != nil {
		return nil, err
	}
	if m.Headers[handOnOnly] != "" { // whoever it is handed on to works on it, and acknowledges it
		return m.Out(), nil
	}
	s := &splitting{edi: e, m: m, p: p, judged: map[int64]*judged{}, taken: map[string][32]byte{}}
	if s.data, err = e.claim(ctx, m); err != nil {
		return nil, err
	}
	s.noteCharset()
	x := &messages{splitting: s, judged: map[int64]*judgedInterchange{}}
	if err := e.stretches(s.data).Each(s.judge, x.judge); err != nil {
		return nil, fault.At(m.route, fault.Invalid, m.Headers["name"], err)
	}
	return s.children(ctx, m, func(ctx context.Context) error {
		err := e.stretches(s.data).Each(
			func(r *x12.Reader) error { return s.read(ctx, r) },
			func(r *edifact.Reader) error { return x.read(ctx, r) },
		)
		if err != nil {
			return err
		}
		return s.end(ctx, x)
	})
}

// stretches are what each format has of a document: both may stand in it.
func (e *edi) stretches(data []byte) *mixed.Reader {
	return mixed.NewBytesReader(data, mixed.Limits{X12: e.Limits})
}

// children sends what read yields, a unit at a time.
func (s *splitting) children(ctx context.Context, m *Message, read func(context.Context) error) (*Out, error) {
	return eip.Splitter[*Message, *Out]{
		Step: "parts", Every: splitBatch,
		Children: func(ctx context.Context, _ *Message, from eip.Offset) iter.Seq2[eip.Child, error] {
			return func(yield func(eip.Child, error) bool) {
				s.from, s.yield = from.Index, yield
				if err := read(ctx); err != nil && !errors.Is(err, errEnough) {
					yield(eip.Child{}, err)
				}
			}
		},
		Then: func(_ context.Context, _ *Message, o *Out, _ int) error {
			o.Claims = append(o.Claims, s.claims...) // of interchanges without children
			return nil
		},
	}.Handle(ctx, m)
}

// errEnough ends the reading of a document whose children nobody takes any more.
var errEnough = errors.New("no more children are taken")

// splitting is one run over a document.
type splitting struct {
	edi    *edi
	m      *Message
	data   []byte
	p      Partner
	judged map[int64]*judged   // interchanges by their beginning
	sets   int                 // and messages, that were judged
	repeat bool                // the interchange came before
	taken  map[string][32]byte // interchanges of this document, by scope and identity
	claims []journal.ClaimOp   // that the next child takes along
	found  bool                // there was an interchange
	lost   lost[*x12.Part]
	wrong  bool    // a set or message was refused: a letter names it
	cut    bool    // the last set has no end: it tells already that the rest is missing
	at     *judged // the interchange at hand
	group  int     // its groups so far
	child  int     // children so far, whether sent by this run or an earlier one
	from   int     // children that an earlier run made durable
	yield  func(eip.Child, error) bool
}

// lost is what is wrong around the sets or messages: an order may stand in it that no set
// and no acknowledgement names, and nothing else would tell of it.
type lost[P interface{ Clone() P }] struct {
	findings []finding.Finding
	stray    P // the first part that they are about
}

// mostLost bounds what is told of one document's rest.
const mostLost = 100

// add keeps what was found of a part, from severity least on.
func (l *lost[P]) add(part P, findings []finding.Finding, least finding.Severity) {
	for _, f := range findings {
		if f.Severity < least || len(l.findings) == mostLost {
			continue
		}
		if len(l.findings) == 0 {
			l.stray = part.Clone()
		}
		l.findings = append(l.findings, f)
	}
}

// trailing reports whether nothing is wrong but trailers of interchanges and groups, in which no order
// stands. Beside a set that was refused they are no letter of their own: its sender sends the whole anew.
func (l *lost[P]) trailing() bool {
	return !slices.ContainsFunc(l.findings, func(f finding.Finding) bool {
		tag, _, _ := strings.Cut(f.Element, "-")
		return !slices.Contains([]string{"GE", "IEA", "UNE", "UNZ"}, tag)
	})
}

// read yields the children of X12 in the document.
func (s *splitting) read(ctx context.Context, r *x12.Reader) error {
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.At(s.m.route, fault.Invalid, s.m.Headers["name"], err)
		}
		if err := s.take(ctx, part); err != nil {
			return err
		}
	}
}

// maxSets is the most sets of one document: the verdicts of a group are one record, and a
// unit must hold it.
const maxSets = 100_000

// judged is an interchange that was read to its end.
type judged struct {
	end    int64 // of its bytes
	groups []verdict
	ta1    *interchangeVerdict // nil where he does not ask for one
}

// judge reads X12 to its end: the interchanges by their beginning, with what their sender is to
// be told.
func (s *splitting) judge(r *x12.Reader) error {
	collect := ack.Collector{Policy: s.p.Policy}
	var last *judged
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if part.Kind == x12.TransactionSet {
			if err := s.count(); err != nil {
				return err
			}
		}
		s.edi.rules(s.p).Check(part)
		collect.Add(part)
		switch part.Kind {
		case x12.InterchangeHeader:
			last = &judged{end: int64(len(s.data))}
			s.judged[part.Offset] = last
		case x12.InterchangeTrailer:
			last.end = part.Offset + int64(len(part.Raw))
			v := collect.Interchanges[len(collect.Interchanges)-1]
			for i := range last.groups { // the interchange may have taken them along
				last.groups[i].Group.Refused = v.Groups[i].Refused
			}
			if _, ok := v.TA1(); ok && v.Wanted() {
				v.Groups = nil
				last.ta1 = &interchangeVerdict{s.p.Name, v}
			}
		case x12.GroupTrailer:
			i := collect.Interchanges
			if len(i) == 0 || len(i[len(i)-1].Groups) == 0 || part.GS == nil {
				continue
			}
			g := i[len(i)-1]
			last.groups = append(last.groups, verdict{Partner: s.p.Name, ISA: g.ISA, GS: *part.GS, Group: g.Groups[len(g.Groups)-1]})
		default: // lies within
		}
	}
}

// count refuses a document of too many sets and messages before any of them is worked on.
func (s *splitting) count() error {
	if s.sets++; s.sets > maxSets {
		return fmt.Errorf("has more than %d sets or messages: ask its sender to split it into several interchanges", maxSets)
	}
	return nil
}

func (s *splitting) take(ctx context.Context, part *x12.Part) error {
	switch part.Kind {
	case x12.Noise, x12.Stray:
		s.outside(part, x12.Warning)
	case x12.InterchangeHeader:
		s.found, s.cut = true, false
		s.outside(part, x12.Error)
		if err := s.known(ctx, part); err != nil || s.repeat {
			return err
		}
		s.at, s.group = s.judged[part.Offset], 0
		if s.at.ta1 != nil {
			if err := s.add(ctx, "x12.InterchangeJudged", topicVerdicts, *s.at.ta1, nil); err != nil {
				return err
			}
		}
		for _, g := range s.at.groups {
			if err := s.add(ctx, "x12.GroupJudged", topicVerdicts, g, nil); err != nil {
				return err
			}
		}
	case x12.TransactionSet:
		s.edi.rules(s.p).Check(part)
		if !s.repeat {
			accepted := ack.Judge(part, s.p.Policy).Accepted()
			if part.GS != nil && s.group > 0 && s.at.groups[s.group-1].Group.Verdict() == ack.Rejected {
				accepted = false // with its group
			}
			if err := s.set(ctx, part, accepted); err != nil {
				return err
			}
		}
		s.cut = slices.ContainsFunc(part.Findings, func(f x12.Finding) bool { return f.Code == x12.CodeMissingSE })
	case x12.InterchangeAck:
		s.outside(part, x12.Error)
		if !s.repeat && len(part.Findings) == 0 {
			return s.ta1(ctx, part)
		}
	case x12.GroupHeader:
		s.group++
		s.outside(part, x12.Error)
	default:
		s.outside(part, x12.Error)
	}
	return nil
}

// outside keeps what is wrong around the sets, from severity least on.
func (s *splitting) outside(part *x12.Part, least x12.Severity) {
	if part.ISA != nil && s.repeat || s.cut && len(part.Raw) == 0 {
		return
	}
	s.lost.add(part, part.Findings, least)
}

// arrived looks whether an interchange, whose bytes are raw, came before by its identity.
// first is the document that it came in; reused says that its content was another one. One
// that is new is claimed by the next child.
func (s *splitting) arrived(ctx context.Context, scope, id string, raw []byte) (first string, reused bool, err error) {
	hash := sha256.Sum256(bytes.TrimSpace(raw))
	c, there, err := s.m.Claimed(ctx, scope, id)
	if err != nil {
		return "", false, err
	}
	key := scope + " " + id
	earlier, here := s.taken[key]
	if here { // by an interchange further up in this document
		there, c = true, journal.Claim{Hash: earlier, Answer: []byte("this document")}
	}
	switch {
	case !there:
		s.claims = append(s.claims, journal.ClaimOp{Scope: scope, ID: id, Hash: hash, Answer: []byte(s.m.ID.String())})
		s.taken[key] = hash
		return "", false, nil
	case !here && string(c.Answer) == s.m.ID.String(): // ours, by an earlier run
		s.taken[key] = c.Hash
		return "", false, nil
	case c.Hash == hash:
		return string(c.Answer), false, nil
	}
	return s.afterAll(ctx, scope, id+" "+hex.EncodeToString(hash[:]), hash, string(c.Answer))
}

// afterAll is [splitting.arrived] of an interchange whose number first came with other content, in the
// document before: a person may have taken it all the same, and takes it once. id tells its content, too.
func (s *splitting) afterAll(ctx context.Context, scope, id string, hash [32]byte, before string) (first string, reused bool, err error) {
	c, there, err := s.m.Claimed(ctx, scope, id)
	_, here := s.taken[scope+" "+id]
	switch {
	case err != nil:
		return "", false, err
	case here:
		return "this document", false, nil
	case there && string(c.Answer) != s.m.ID.String():
		return string(c.Answer), false, nil
	case s.m.Headers[acceptedHeader] == "":
		return before, true, nil
	case !there:
		s.claims = append(s.claims, journal.ClaimOp{Scope: scope, ID: id, Hash: hash, Answer: []byte(s.m.ID.String())})
	}
	s.taken[scope+" "+id] = hash
	return "", false, nil
}

// known looks whether the interchange came before: with the same content nothing more is done,
// with other content its number was reused, which a person must look at.
func (s *splitting) known(ctx context.Context, part *x12.Part) error {
	if f, stranger := s.p.stranger(part); stranger {
		s.repeat = true // nothing of it is worked on, and nothing of it is acknowledged
		part.Add(f)
		return s.refuse(ctx, part)
	}
	id := part.Identity()
	first, reused, err := s.arrived(ctx, "x12/"+s.p.Name, id.String(), s.data[part.Offset:s.judged[part.Offset].end])
	if err != nil {
		return err
	}
	s.repeat = first != ""
	switch {
	case !s.repeat:
		return nil
	case !reused:
		return s.add(ctx, "x12.Repeated", onExternal, map[string]any{"partner": s.p.Name, "interchange": id.Interchange, "first": first}, nil)
	}
	f := part.At(part.Segments.At(0), 13)
	f.Code, f.Severity, f.Layer = "control-number-reused", x12.Error, x12.LayerEnvelope
	f.Message = fmt.Sprintf("interchange control number %s came before with other content", id.Interchange)
	f.Segment = 1
	f.Line, f.Column = part.Position(f.Offset)
	return s.reused(ctx, f, s.data[part.Offset:s.judged[part.Offset].end])
}

// reused makes a letter of an interchange whose control number came before with other content.
func (s *splitting) reused(ctx context.Context, f finding.Finding, raw []byte) error {
	f.Hint, s.wrong = reusedHint, true
	return s.add(ctx, "document.Reused", topicUntaken, reused(s.p.Name, s.m.Headers["name"], raw, f), raw)
}

// stranger finds an interchange that is not from this partner to us, or not meant for real
// where the partner's are: in his folder it is a mistake that somebody must look at.
func (p Partner) stranger(part *x12.Part) (x12.Finding, bool) {
	h := part.ISA
	if h.Absent {
		return x12.Finding{Code: x12.CodeNoEnvelope, Severity: x12.Error, Layer: x12.LayerPartner, Offset: part.Offset,
			Message: "groups or sets stand without an interchange around them: nobody knows who sent them", Hint: "let the partner send ISA and IEA around them"}, true
	}
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
		f.Segment = 1
		f.Expected, f.Message = c.want, fmt.Sprintf(c.says, c.got, c.want)
		f.Hint = "ask the partner, or correct his ids and usage in the configuration; then let him send it anew"
		return f, true
	}
	return x12.Finding{}, false
}

func (s *splitting) set(ctx context.Context, part *x12.Part, accepted bool) error {
	if accepted {
		return s.send(ctx, part, "x12.Set", topicSets)
	}
	return s.refuse(ctx, part)
}

func (s *splitting) refuse(ctx context.Context, part *x12.Part) error {
	s.wrong = true
	return s.send(ctx, part, "x12.Refused", topicRefused)
}

func (s *splitting) send(ctx context.Context, part *x12.Part, typ, topic string) error {
	info := setInfo{
		Partner: s.p.Name, Document: s.m.Headers["name"], Identity: part.Identity(), Set: part.ST.ID,
		Origin: part.Origin(), Findings: part.Findings,
	}
	if part.GS != nil {
		info.Group = part.GS.FunctionalID
	}
	return s.add(ctx, typ, topic, info, part.Raw)
}

// add yields a child unless an earlier run made it durable. raw belongs to the reader.
func (s *splitting) add(ctx context.Context, typ, topic string, info any, raw []byte) error {
	n := s.child
	s.child++
	if n < s.from {
		return nil
	}
	data, err := json.Marshal(info)
	if err != nil {
		return fault.E(s.m.route, fault.Internal, err)
	}
	c := eip.Child{Claims: s.claims, Record: journal.Record{
		Type: typ, Topic: topic, Key: s.p.Name, Data: data,
		Headers: map[string]string{"partner": s.p.Name, "name": s.m.Headers["name"]},
	}}
	s.claims = nil
	switch i := info.(type) {
	case setInfo:
		c.Headers["st01"] = i.Set
	case messageInfo:
		c.Headers["message"] = i.Message
	case verdict:
		c.Headers["gs01"] = i.Group.FunctionalID
	}
	if len(raw) > 0 {
		c.Subject, c.Personal = s.m.Subject, bytes.Clone(raw)
		if err := s.m.In().CheckIn(ctx, s.edi.Payloads, &c.Record); err != nil {
			return err
		}
	}
	if !s.yield(c, nil) {
		return errEnough
	}
	return nil
}

// end tells of what stands around the sets and messages, and of a document that has none.
func (s *splitting) end(ctx context.Context, x *messages) error {
	if !s.found {
		f := x12.Finding{Code: x12.CodeNotX12, Severity: x12.Error, Line: 1, Column: 1, Message: "no X12 or EDIFACT interchange in it"}
		if all := append(s.lost.findings, x.lost.findings...); len(all) > 0 {
			f = all[0]
		}
		return fault.At(s.m.route, fault.Invalid, fmt.Sprintf("%s byte %d", s.m.Headers["name"], f.Offset), errors.New(f.String()))
	}
	if p := s.lost.stray; p != nil && !(s.wrong && s.lost.trailing()) {
		info := setInfo{Partner: s.p.Name, Document: s.m.Headers["name"], Identity: p.Identity(), Origin: p.Origin(), Findings: s.lost.findings}
		if err := s.add(ctx, "x12.Refused", topicRefused, info, p.Raw); err != nil {
			return err
		}
	}
	if p := x.lost.stray; p != nil && !(s.wrong && x.lost.trailing()) {
		info := messageInfo{Partner: s.p.Name, Document: s.m.Headers["name"], Identity: p.Identity(), Origin: p.Origin(), Findings: x.lost.findings}
		return s.add(ctx, "edifact.Refused", topicRefusedMessages, info, p.Raw)
	}
	return nil
}

// refused is the Invalid Message Channel of X12: what was rejected becomes a letter that names
// every place. Replayed, it is judged again, by the rules of that day.
func (e *edi) refused() Route {
	return Route{
		Name: "x12.refused", About: "rejected transaction sets, each a letter with its exact places", Edit: e.editSet(nil),
		Topics: []string{topicRefused}, Writes: []string{topicSets}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameInvalid, eip.NameHistory, eip.NameClaimCheck},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
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
						e.rules(p).Check(part)
						if ack.Judge(part, p.Policy).Accepted() {
							r := m.Record
							r.ID, r.Type, r.Topic, r.Pos = m.ID.Child("x12.refused", "again", 0), "x12.Set", topicSets, 0
							return m.Out().Send(r), nil
						}
					}
				}
			}
			return nil, refusal(info)
		}),
	}
}

func refusal(info setInfo) error {
	worst := x12.Error
	if info.Set == "" {
		worst = x12.Note
	}
	for _, f := range info.Findings {
		worst = max(worst, f.Severity)
	}
	for _, f := range info.Findings {
		if f.Severity == worst {
			err := fault.At("x12", fault.Invalid, placeOf(f), fmt.Errorf("%s of %s: %s%s", setName(info), info.Document, f.Message, hint(f)))
			if info.Set == "" {
				err = fault.Advise(err, notAgain(info.Identity != x12.Identity{}))
			}
			return err
		}
	}
	return fault.At("x12", fault.Invalid, setName(info), errors.New("rejected with its group"))
}

// notAgain is what can be done about what is no set: an interchange that nothing of is taken, or text beside any.
func notAgain(interchange bool) string {
	if interchange {
		return "nothing of this interchange was taken: once its cause is mended, let its sender send it anew, and drop this letter with a reason"
	}
	return "it is kept here and belongs to nothing: ask its sender whether something is missing, and drop this letter with a reason"
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
