package routes

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// topicAdvised holds 824 and APERAK that came.
const topicAdvised = "edi-advised"

// Messages that the route sends itself: what somebody must look at.
const (
	adviceRejects = "advice.Rejected"
	adviceUnknown = "advice.Unknown"
)

// advised takes what partners say of the content of our documents. What they cannot work on is a letter
// each, until it was sent anew; so is what they say of documents that never left for them. An advice is
// acknowledged as any document is, and never advised on.
func (e *edi) advised() Route {
	return Route{
		Name: "edi.advised", About: "what a partner's 824 and APERAK say of documents of ours",
		Topics: []string{topicAdvised}, Writes: []string{topicAdvised, onExternal},
		Patterns: []string{eip.NameClaimCheck}, Parking: Parking{Independent: true},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			switch m.Type {
			case adviceRejects:
				return e.rejected(ctx, m)
			case adviceUnknown:
				return nil, fault.At(m.route, fault.Rejected, m.Headers["place"], fmt.Errorf("partner %s says by an %s that our %s was %s, and no such document left for him%s",
					m.Headers["partner"], m.Headers["by"], m.Headers["about"], m.Headers["verdict"], because(m.Headers["why"])))
			}
			told, name, in, err := e.told(ctx, m)
			if err != nil {
				return nil, untranslated(m.route, name, in, fault.KindOf(err), err)
			}
			d := e.flows.decide(ctx, m)
			for i, t := range told {
				e.advisedOf(d, i, t)
			}
			return d.done()
		},
	}
}

// told is what a set or message says, with the names of it and of the document it came in.
func (e *edi) told(ctx context.Context, m *Message) (told []x12wms.Told, name, in string, err error) {
	if m.Headers["message"] == "" {
		info, part, _, err := e.set(ctx, m)
		if err == nil {
			told, err = x12wms.Advised(part)
		}
		return told, setName(info), info.Document, err
	}
	info, part, _, err := e.message(ctx, m)
	if err != nil {
		return nil, info.name(), info.Document, err
	}
	t, err := edifactwms.Advised(part)
	return []x12wms.Told{t}, info.name(), info.Document, err
}

// advisedOf notes what is said of one document, and lets somebody know of what must be mended.
func (e *edi) advisedOf(d *decision, i int, t x12wms.Told) {
	partner := d.m.Headers["partner"]
	doc, known := e.spokenOf(d, partner, t)
	r := journal.Record{ID: d.m.ID.Child("edi.advised", "letter", i), Topic: topicAdvised, Key: partner,
		Headers: map[string]string{"partner": partner, "by": t.By, "about": t.Name(), "verdict": t.Verdict, "why": t.Why()}}
	if !known {
		r.Type = adviceUnknown
		r.Headers["place"] = t.At.String()
		d.out.Send(r)
		return
	}
	events, err := doc.Advise(t.Advise, d.m.Now)
	if add(d, e.flows.documents, doc.Stream(), events, err) && len(events) > 0 && t.Verdict == document.Rejects {
		r.Type = adviceRejects
		r.Headers["document"], r.Headers["rejected"] = doc.Document, doc.Set+" "+doc.Interchange
		d.out.Send(r)
	}
}

// because is a reason behind a sentence.
func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
