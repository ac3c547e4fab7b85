package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// left are the names and bytes of the documents of a kind that left.
func (b *mailbox) left(kind string) (names []string, text map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text = map[string]string{}
	for name, data := range b.out {
		if strings.HasPrefix(name, kind+"-") {
			names, text[name] = append(names, name), string(data)
		}
	}
	slices.Sort(names)
	return names, text
}

func (r *rig) resend(name, corrected string) (door.Resent, error) {
	v, err := r.hub.Call(r.t.Context(), door.Outbox, door.Resend{Partner: "ACME", Document: name, Corrected: []byte(corrected), Actor: "ann"})
	if err != nil {
		return door.Resent{}, err
	}
	return v.(door.Resent), nil
}

// rejected945 is a rig whose partner rejected the 945 that left.
func rejected945(t *testing.T) (r *rig, box *mailbox, name, text string) {
	t.Helper()
	r, box = ediRig(t)
	order, _ := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
	r.drop("940.edi", order)
	settle(time.Minute)
	r.drop("997.edi", functionalAck(t, box.sets(t, "945")[0].GS.Control, "R"))
	settle(time.Minute)
	names, all := box.left("945")
	if l := r.letters(); len(names) != 1 || len(l) != 1 || l[0].Place != names[0] || !strings.Contains(l[0].Cause, "paklog edi resend ACME "+names[0]) {
		t.Fatalf("%v: %+v", names, l)
	}
	return r, box, names[0], all[names[0]]
}

func TestARejectedDocumentIsCorrectedAndSentAnew(t *testing.T) {
	for name, correct := range map[string]func(string) string{
		"as it was": func(string) string { return "" },
		"corrected": func(s string) string { return strings.Replace(s, "N1*SF**92*", "N1*SF*THE MILL*92*", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, name, text := rejected945(t)
				fixed := correct(text)
				made, err := r.resend(name, fixed)
				if err != nil || made.Repeat || made.Document == name {
					t.Fatalf("%+v, %v", made, err)
				}
				settle(time.Minute)
				sets := box.sets(t, "945")
				_, all := box.left("945")
				if len(sets) != 2 || sets[0].ISA.Control == sets[1].ISA.Control || sets[0].GS.Control == sets[1].GS.Control || all[name] != text {
					t.Fatalf("%d 945s, %d files", len(sets), len(all))
				}
				if fixed == "" {
					fixed = text
				}
				inside := func(s string) string { return s[strings.Index(s, "ST*"):strings.Index(s, "GE*")] }
				if got := inside(all[made.Document]); got != inside(fixed) {
					t.Errorf("sent anew was\n%s, want\n%s", got, inside(fixed))
				}
				// Asked again it is the one that was made, and the letter is done with.
				if again, err := r.resend(name, correct(text)); err != nil || !again.Repeat || again.Document != made.Document {
					t.Errorf("%+v, %v", again, err)
				}
				if _, err := r.resend(name, text+"\n"); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), made.Document) {
					t.Errorf("other content: %v", err)
				}
				l := r.letters()[0]
				if err := r.hub.Desk().Replay(t.Context(), l.ID, l.Opening, "ann"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				r.noLetters()
				// It is watched as the first was.
				settle(25 * time.Hour)
				if l := r.letters(); len(l) != 1 || l[0].Place != made.Document || !strings.Contains(l[0].Cause, "not acknowledged") {
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

func TestWhatCannotBeSentAnewSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, name, text := rejected945(t)
		acks, _ := box.left("997")
		for why, c := range map[string]struct {
			name, corrected string
			kind            fault.Kind
			place           string
		}{
			"nothing of that name":    {"945-000000099-x.edi", "", fault.Rejected, "document"},
			"an acknowledgement":      {acks[0], "", fault.Rejected, acks[0]},
			"another kind":            {name, strings.ReplaceAll(text, "ST*945*", "ST*944*"), fault.Invalid, "document"},
			"two sets":                {name, text + text, fault.Invalid, "document"},
			"words":                   {name, "Dear Sir", fault.Invalid, "envelope"},
			"a quantity that is none": {name, strings.Replace(text, "W03*", "W03*MANY", 1), fault.Invalid, "W03-01"},
			"a wrong count":           {name, strings.Replace(text, "SE*", "SE*9", 1), fault.Invalid, "SE-01"},
		} {
			if _, err := r.resend(c.name, c.corrected); fault.KindOf(err) != c.kind || !strings.HasPrefix(fault.PlaceOf(err), c.place) {
				t.Errorf("%s: %q: %v", why, fault.PlaceOf(err), err)
			}
		}
		if _, err := r.hub.Call(t.Context(), door.Outbox, door.Resend{Partner: "NOBODY", Document: name}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("nobody's: %v", err)
		}
		settle(time.Minute)
		if n := len(box.sets(t, "945")); n != 1 || len(r.letters()) != 1 {
			t.Errorf("%d 945s", n)
		}
	})
}

func TestADocumentThatIsOutstandingIsSentAnewAndWatchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.EDIFACT.Contrl, p.SendAnswers = true, false })
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 7, Messages: 1, MostLine: 1})
		r.drop("orders.edi", text)
		settle(time.Minute)
		names, all := box.left("DESADV")
		if _, err := r.resend(names[0], strings.Replace(all[names[0]], "NAD+SF+", "NAD+SF+THE MILL?+CO?'S", 1)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		sent := box.messages(t, "DESADV")
		if len(sent) != 2 || sent[0].UNB.Control == sent[1].UNB.Control || !slices.ContainsFunc(values(sent[1], "NAD", 2, 1), func(s string) bool { return strings.HasPrefix(s, "THE MILL+CO'S") }) {
			t.Fatalf("%d DESADVs: %q", len(sent), values(sent[len(sent)-1], "NAD", 2, 1))
		}
		settle(25 * time.Hour)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "has not acknowledged our DESADV "+sent[1].UNB.Control) {
			t.Errorf("%+v", l)
		}
	})
}

func TestACrashAfterAnyUnitOfAResendSendsItOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, name, _ := rejected945(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.resend(name, "")
				settle(10 * time.Minute)
				ended = r.bus.Err() == nil
				r.restart()
				if _, err := r.resend(name, ""); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if got := len(box.sets(t, "945")); got != 2 {
					t.Errorf("%d 945s", got)
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 3 {
		t.Errorf("it died %d times only", died)
	}
}
