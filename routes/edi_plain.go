package routes

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/x12wms"
)

// What our errors say that means nothing to a partner's analyst.
var (
	ownOperation = regexp.MustCompile(`(^|[ (])(?:[a-z][a-z0-9-]*\.[A-Za-z][A-Za-z0-9_-]*: )+`)
	ownLine      = regexp.MustCompile(`\blines\[(\d+)\](?:\.([a-z_]+)(?:\[\d+\])?)?`)
	ownPlace     = regexp.MustCompile(`\b(ship_to|bill_to|dates|service|refs|notes|parties)(?:\[\d+\])?(?:\.([a-z_]+))?(?:\[\d+\])?`)
	ownNumber    = regexp.MustCompile(`strconv\.\w+: parsing "([^"]*)": .*`)
	ownHint      = regexp.MustCompile(`[,;:] [^,;:]*\b(?:paklog|register it|dlq|replay)\b.*$`)
	ownStream    = regexp.MustCompile(`has a '(.)', which separates the parts of stream names[^:]*: take it out`)
	ownRoute     = regexp.MustCompile(`no route takes (transaction set|message) "?([A-Z0-9]+)"?.*`)
)

// words are what our places are called in a document.
var words = map[string]string{
	"ship_to": "the ship-to", "bill_to": "the bill-to", "dates": "the dates", "service": "the carrier's service", "refs": "the references", "notes": "the notes", "parties": "the parties",
	"qty": "quantity", "uom": "unit", "no": "number", "min_expiry": "expiry", "postal_code": "postal code", "not_before": "not before", "ship_by": "ship by", "deliver_by": "deliver by", "cancel_after": "cancel after",
	"lpn": "SSCC", "lpns": "SSCC",
}

func word(place string) string {
	if w, ok := words[place]; ok {
		return w
	}
	return place
}

// plainWords is a text of ours as a partner's analyst reads it: without operations, places, commands and
// hints of this hub.
func plainWords(text string) string {
	text = ownNumber.ReplaceAllString(text, `"$1" is not a number`)
	text = ownStream.ReplaceAllString(text, "may not hold $1")
	text = ownRoute.ReplaceAllString(text, "$1 $2 is none that we work on")
	text = ownHint.ReplaceAllString(text, "")
	text = ownOperation.ReplaceAllString(text, "$1")
	text = ownLine.ReplaceAllStringFunc(text, func(s string) string {
		m := ownLine.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[1]) // digits
		if m[2] == "" {
			return "line " + strconv.Itoa(n+1)
		}
		return "the " + word(m[2]) + " of line " + strconv.Itoa(n+1)
	})
	text = ownPlace.ReplaceAllStringFunc(text, func(s string) string {
		m := ownPlace.FindStringSubmatch(s)
		if m[2] == "" {
			return word(m[1])
		}
		return word(m[1]) + " (" + word(m[2]) + ")"
	})
	return strings.TrimSpace(text)
}

// plainFindings are findings in such words.
func plainFindings(all []finding.Finding) []finding.Finding {
	out := make([]finding.Finding, len(all))
	for i, f := range all {
		f.Message = plainWords(f.Message)
		out[i] = f
	}
	return out
}

// plainAnswer is an answer in such words.
func plainAnswer(a x12wms.Answer) x12wms.Answer {
	if a.Rejected != nil {
		r := *a.Rejected
		r.Problems = nil
		for _, p := range a.Rejected.Problems {
			p.Text = plainWords(p.Text)
			r.Problems = append(r.Problems, p)
		}
		a.Rejected = &r
	}
	held := a.Held
	a.Held = nil
	for _, h := range held {
		h.Problem.Text = plainWords(h.Problem.Text)
		a.Held = append(a.Held, h)
	}
	return a
}
