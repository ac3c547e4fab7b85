package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

// knownAs is where the documents that we wrote for a partner are found by what he knows them by: as
// claims, which end by themselves. The last document of a number is the one it means.
func knownAs(partner string) string { return "document/" + partner }

// tracked reports whether it is kept what became of documents of a kind: acknowledgements only answer.
func tracked(set string) bool {
	return set == "824" || set == "APERAK" || !slices.Contains(acknowledges, set)
}

// written notes that a document is there to be sent, and what the partner knows it by: the control
// numbers of its group or interchange, its own among several of them, and what it is about.
func (e *edi) written(out *Out, p Partner, d outgoing, s outSet, alone bool) {
	if !tracked(s.Set) {
		return
	}
	n := document.Numbers{Set: s.Set, Interchange: d.ISA13, Group: s.GS06, About: s.About[:min(len(s.About), document.MaxNumbers)]}
	events, err := document.Document{}.Write(document.Write{Tenant: p.Profile.Tenant, Partner: p.Name, Document: s.Name, Numbers: n}, out.m.Now)
	if err != nil {
		out.fail(err)
		return
	}
	AppendAll(out, events)
	if s.Correlation != "" && out.err == nil {
		out.Records[len(out.Records)-1].Correlation = s.Correlation
	}
	number := groupOf[s.Set] + "/" + s.GS06
	if s.GS06 == "" {
		number = "UNB/" + d.ISA13
	}
	if !alone {
		number += "/" + s.ST02
	}
	ids := []string{number}
	for _, number := range n.About {
		ids = append(ids, s.Set+"/"+number)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		out.Claims = append(out.Claims, journal.ClaimOp{Scope: knownAs(p.Name), ID: id, Forget: true})
		out.Claim(knownAs(p.Name), id, sha256.Sum256([]byte(s.Name)), []byte(s.Name))
	}
}

// numberedAt is where the head of each set that we send has the numbers of what it is about.
var numberedAt = map[string][]int{"945": {2, 4}, "855": {3}, "856": {2}, "944": {3, 4, 5}, "947": {2, 3}, "846": {3}, "824": {2}, "204": {4}, "990": {2}, "810": {2, 4}, "940": {2}, "943": {2}}

// aboutSet are the numbers of what a set is about.
func aboutSet(set string, body []x12.Out) (out []string) {
	for _, n := range numberedAt[set] {
		if len(body) > 0 && n <= len(body[0].Elements) {
			out = append(out, strings.TrimSpace(body[0].Elements[n-1]))
		}
	}
	return distinct(out)
}

// aboutMessage are those of a message: BGM says what it is called, and an RFF of the head which order
// it answers.
func aboutMessage(body []edifact.Out) (out []string) {
	for _, s := range body {
		if s.ID == "BGM" && len(s.Elements) > 1 {
			out = append(out, s.Elements[1])
		}
		if s.ID == "NAD" || s.ID == "LIN" || s.ID == "CPS" {
			break
		}
		if s.ID == "RFF" && len(s.Elements) > 0 {
			if kind, number, _ := strings.Cut(s.Elements[0], edifact.ComponentMark); kind == "ON" || kind == "AAK" {
				out = append(out, number)
			}
		}
	}
	return distinct(out)
}

// distinct are the values that can be an id, each once.
func distinct(all []string) (out []string) {
	for _, v := range all {
		if v != "" && len(v) <= 80 && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// left notes that an interchange left, at a position of the journal and with a hash: each of its
// documents is found there by its name.
func (e *edi) left(ctx context.Context, m *Message, out *Out, d outgoing, hash [32]byte, pos []byte) error {
	out.Claim(sentTo(d.Partner), d.Name, hash, pos)
	data, err := json.Marshal(d)
	if err != nil {
		return fault.E(m.route, fault.Internal, err)
	}
	for _, s := range d.members() {
		if s.Name != d.Name {
			out.Claim(sentTo(d.Partner), s.Name, hash, pos)
		}
		r := journal.Record{Type: "document.Sent", Topic: onExternal, Key: d.Partner, Data: data}
		if tracked(s.Set) {
			was, err := Load(ctx, m, e.flows.documents, document.StreamOf(e.Partners[d.Partner].Profile.Tenant, d.Partner, s.Name))
			if err != nil {
				return err
			}
			for _, ev := range was.Send(m.Now) { // none of what was written by an older version
				if r, err = m.hub.eventRecord(ev); err != nil {
					return err
				}
			}
		}
		r.Headers, r.Correlation = map[string]string{"partner": d.Partner, "name": s.Name}, s.Correlation
		out.Send(r)
	}
	return nil
}

// acknowledged notes what the partner says of the syntax of a document that waited for it.
func (e *edi) acknowledged(ctx context.Context, m *Message, out *Out, partner, name string, c document.Acknowledge) error {
	was, err := Load(ctx, m, e.flows.documents, document.StreamOf(e.Partners[partner].Profile.Tenant, partner, name))
	if err != nil {
		return err
	}
	events, err := was.Acknowledge(c, m.Now)
	AppendAll(out, events)
	return err
}

// replaced notes that a document was sent anew as another.
func (e *edi) replaced(ctx context.Context, m *Message, out *Out, p Partner, name, by string) error {
	was, err := Load(ctx, m, e.flows.documents, document.StreamOf(p.Profile.Tenant, p.Name, name))
	if err != nil {
		return err
	}
	events, err := was.Replace(by, m.Now)
	AppendAll(out, events)
	return err
}

// spokenOf is the document of ours that a partner means: by the number of its group, else by what it is
// about. Where he does not say which kind of document, each kind that we send is tried.
func (e *edi) spokenOf(d *decision, partner string, t x12wms.Told) (document.Document, bool) {
	sets := []string{t.Set}
	if t.Set == "" {
		sets = sentKinds
	}
	var ids []string
	for _, s := range sets {
		if t.Group != "" && groupOf[s] != "" {
			ids = append(ids, groupOf[s]+"/"+t.Group+"/"+t.Control, groupOf[s]+"/"+t.Group)
		}
	}
	for _, s := range sets {
		ids = append(ids, s+"/"+t.About)
	}
	ids = append(ids, "UNB/"+t.About)
	for _, id := range ids {
		if d.err != nil {
			break
		}
		c, ok, err := d.m.Claimed(d.ctx, knownAs(partner), id)
		if err != nil {
			d.fail(err)
		}
		if !ok {
			continue
		}
		doc := load(d, e.flows.documents, document.StreamOf(e.Partners[partner].Profile.Tenant, partner, string(c.Answer)))
		if doc.Known() && doc.Set == cmp.Or(t.Set, doc.Set) {
			return doc, true
		}
	}
	return document.Document{}, false
}

// sentKinds are the kinds of documents that we send and follow, in the order in which they are tried.
var sentKinds = []string{"945", "856", "855", "944", "947", "846", "824", "204", "990", "810", "INVOIC", "DESADV", "ORDRSP", "RECADV", "INVRPT", "APERAK", "940", "943", "ORDERS", "ORDCHG"}
