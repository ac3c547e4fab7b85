package routes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// TestX12AndEDIFACTInOneDocument: whichever stands first, both interchanges are taken and
// answered, what is wrong with one harms nothing of the other, and what stands between is told.
func TestX12AndEDIFACTInOneDocument(t *testing.T) {
	for _, c := range []struct {
		name    string
		between string
		x12     bool // stands first
		spoil   func(x, e string) (string, string)
		letters []string // what each says; the document comes twice
		lost    bool     // the 940 of the X12 is not taken
	}{
		{name: "X12 first", x12: true, between: "\n"},
		{name: "EDIFACT first", between: "\r\n\r\n"},
		{name: "noise between", x12: true, between: "\n-- sent by our mailbox --\n", letters: []string{"stands outside any interchange", "stands outside any interchange"}},
		{name: "X12 breaks off", x12: true, letters: []string{"has no trailer"}, lost: true, spoil: func(x, e string) (string, string) {
			return x[:strings.Index(x, "SE*")], e
		}},
		{name: "an EDIFACT stranger before", letters: []string{"the interchange is from", "the interchange is from"}, spoil: func(x, e string) (string, string) {
			return x, strings.Replace(e, "+ACME+", "+OTHER+", 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				x, ordered := generated(t, x12gen.Config{Seed: 5, Sets: 1, MostLine: 2})
				e, asked := generatedMessages(t, edifactgen.Config{Seed: 5, MostLine: 2, OrderPrefix: "E-"})
				if c.spoil != nil {
					x, e = c.spoil(x, e)
				}
				text := e + c.between + x
				if c.x12 {
					text = x + c.between + e
				}
				r.drop("both.edi", text)
				r.drop("both-again.edi", text+"\n")
				settle(time.Minute)
				stranger := strings.Contains(e, "OTHER")
				letters := r.lettersText()
				if len(letters) != len(c.letters) {
					t.Fatalf("letters: %q", letters)
				}
				for i, l := range letters {
					if !strings.Contains(l, c.letters[i]) {
						t.Errorf("letter %q does not say %q", l, c.letters)
					}
				}
				if !c.lost {
					r.status(ordered[0].Number, order.StatusShipped)
				} else {
					r.status(ordered[0].Number, order.StatusNone)
				}
				if n := len(box.sets(t, "997")); n != 1 {
					t.Errorf("%d 997s", n)
				}
				if stranger {
					r.status(asked[0].Number, order.StatusNone)
					return
				}
				r.status(asked[0].Number, order.StatusShipped)
				if n := len(box.messages(t, "CONTRL")); n != 1 {
					t.Errorf("%d CONTRLs", n)
				}
				if n := r.count(); n["x12.Repeated"] != 1 || n["edifact.Repeated"] != 1 {
					t.Errorf("%d X12 and %d EDIFACT interchanges came again, want both", n["x12.Repeated"], n["edifact.Repeated"])
				}
			})
		})
	}
}
