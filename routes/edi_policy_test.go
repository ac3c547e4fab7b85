package routes

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	x12grammar "github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// spoilt makes the quantity of a document's second set a word.
func spoilt(text string) string {
	second := strings.Index(text, "ST*940*0002")
	at := second + strings.Index(text[second:], "W01*") + len("W01*")
	return text[:at] + "MANY" + text[at+strings.IndexByte(text[at:], '*'):]
}

func TestAWholeUnitIsRejectedWhereAgreed(t *testing.T) {
	for name, policy := range map[string]ack.Policy{"group": {WholeGroup: true}, "interchange": {WholeInterchange: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.Policy = policy })
				text, orders := generated(t, x12gen.Config{Seed: 2, Sets: 3, MostLine: 1})
				r.drop("bad.edi", spoilt(text))
				settle(time.Minute)
				for _, o := range orders {
					r.status(o.Number, order.StatusNone)
				}
				if n := len(r.letters()); n != 3 {
					t.Errorf("%d letters, want one of each set", n)
				}
				answer := box.sets(t, "997")
				if len(answer) != 1 || elements(answer[0], "AK9", 1)[0] != "R" || elements(answer[0], "AK9", 4)[0] != "0" {
					t.Error("the 997 does not reject the whole")
				}
				// A whole one is taken as ever.
				text, orders = generated(t, x12gen.Config{Seed: 3, Sets: 1, MostLine: 1, Control: 2})
				r.drop("good.edi", text)
				settle(time.Minute)
				r.status(orders[0].Number, order.StatusShipped)
			})
		})
	}
}

// ta1s are the interchange acknowledgements that left.
func (b *mailbox) ta1s(t *testing.T) (out []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, data := range b.out {
		d, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Parts {
			if p.Kind == x12.InterchangeAck {
				out = append(out, string(p.Segments.At(0).Body()))
			}
			if len(p.Findings) > 0 {
				t.Errorf("our own TA1: %v", p.Findings)
			}
		}
	}
	return out
}

func TestAnInterchangeThatAsksIsAnsweredByATA1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Implementation = true })
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		asks := strings.Replace(text, "*0*P*", "*1*P*", 1)
		r.drop("asks.edi", asks)
		r.drop("again.edi", asks)
		settle(time.Minute)
		r.noLetters()
		if got := box.ta1s(t); !slices.Equal(got, []string{"TA1*000000001*" + text[70:76] + "*" + text[77:81] + "*A*000"}) {
			t.Errorf("TA1s: %q", got)
		}
		if n, m := len(box.sets(t, "999")), len(box.sets(t, "997")); n != 1 || m != 0 {
			t.Errorf("%d 999s, %d 997s", n, m)
		}
		// Who does not ask gets none, and a TA1 is never answered.
		text, _ = generated(t, x12gen.Config{Seed: 2, Sets: 1, MostLine: 1, Control: 2})
		r.drop("silent.edi", text)
		head, _, _ := strings.Cut(strings.Replace(text, "000000002", "000000003", 1), "GS*")
		r.drop("ta1.edi", strings.Replace(head, "*0*P*", "*1*P*", 1)+"TA1*000000001*261123*0915*A*000~IEA*0*000000003~")
		settle(time.Minute)
		if got := box.ta1s(t); len(got) != 1 {
			t.Errorf("TA1s: %q", got)
		}
	})
}

func TestAPartnersOwnRulesAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, err := grammar.ParseOverlay([]byte("overlay: acme\nlayer: partner\nsets:\n  \"940\":\n    elements:\n      W05-01: {codes: [F], closed: true}\n"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := x12grammar.Builtin().With(o)
		if err != nil {
			t.Fatal(err)
		}
		r, box := ediRig(t, func(p *Partner) { p.Grammar = &x12grammar.Library{Library: l} })
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		r.drop("n.edi", text)
		settle(time.Minute)
		r.status(orders[0].Number, order.StatusNone)
		letters := r.letters()
		if len(letters) != 1 || !strings.Contains(letters[0].Place, "W05-01") || !strings.Contains(letters[0].Cause, "acme") {
			t.Errorf("letters: %+v", letters)
		}
		if a := box.sets(t, "997"); len(a) != 1 || elements(a[0], "AK4", 3)[0] != "7" {
			t.Error("the 997 does not name the code")
		}
	})
}
