package routes

import (
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func TestAReusedControlNumberIsAskedAboutAndNeverDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		first, _ := generated(t, x12gen.Config{Seed: 4, Sets: 1})
		other, orders := generated(t, x12gen.Config{Seed: 5, Sets: 1, OrderPrefix: "NEW-"})
		r.drop("a.edi", first)
		r.drop("b.edi", other)
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || !strings.Contains(letters[0].Cause, "control number") || !strings.Contains(letters[0].Place, "ISA-13 (segment 1, byte 90, line 1)") {
			t.Fatalf("letters: %+v", letters)
		}
		r.status(orders[0].Number, order.StatusNone)

		// Whoever asked the sender takes it after all: once, whatever comes again.
		if l := letters[0]; l.Route != "edi.untaken" || l.Channel != "invalid" || !strings.Contains(l.Next, "replay this letter") || strings.Contains(l.Next, "correct the document") {
			t.Errorf("letter %+v", l)
		}
		if d, err := r.hub.Desk().Show(t.Context(), letters[0].ID); err != nil || strings.TrimSpace(d.Message.Document) != strings.TrimSpace(other) {
			t.Errorf("the letter keeps %q: %v", d.Message.Document, err)
		}
		r.drop("b-once-more.edi", other+"\n")
		settle(time.Minute)
		again := r.letters()
		if len(again) != 2 {
			t.Fatalf("%d letters", len(again))
		}
		for range 2 {
			for _, l := range r.letters() {
				if err := r.hub.Desk().Replay(t.Context(), l.ID, l.Opening, "ann"); err != nil {
					t.Error(err)
				}
				settle(time.Minute)
			}
		}
		r.noLetters()
		r.status(orders[0].Number, order.StatusShipped)
		r.drop("b-late.edi", "\n"+other)
		r.drop("a-late.edi", "\n"+first)
		settle(time.Minute)
		r.noLetters()
		if n := r.count(); n["order.Accepted"] != 2 || n["x12.Repeated"] != 3 || n["letter.Replayed"] != 4 { // on error-events and audit-events each
			t.Errorf("%v", n)
		}
	})
}

func TestAReusedControlReferenceIsTakenAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		message := func(number string) string {
			return "UNB+UNOC:3+ACME:ZZ+PAKLOG:ZZ+261123:0915+7'UNH+1+ORDERS:D:96A:UN'BGM+220+" + number + "+9'UNT+3+1'UNZ+1+7'"
		}
		r.drop("a.edi", message("E-1"))
		r.drop("b.edi", message("E-2"))
		settle(time.Minute)
		var reused []dlq.Entry
		for _, l := range r.letters() {
			if l.Route == "edi.untaken" {
				reused = append(reused, l)
			}
		}
		if len(reused) != 1 || !strings.Contains(reused[0].Place, "UNB") {
			t.Fatalf("letters:\n%s", strings.Join(r.lettersText(), "\n"))
		}
		before := len(r.letters())
		if err := r.hub.Desk().Replay(t.Context(), reused[0].ID, reused[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		for _, l := range r.letters() { // what is wrong with the message itself is its own letter
			if l.Route == "edi.untaken" {
				t.Errorf("still %+v", l)
			}
		}
		if got := len(r.letters()); got != before {
			t.Errorf("%d letters, before %d: the message was not worked on", got, before)
		}
	})
}

// What a door does not read is a letter with its bytes: replayed, it is taken once that can be.
func TestAFileThatIsNotReadIsALetterAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 4, Sets: 1})
		send := func(name, why, text string) {
			t.Helper()
			sum := sha256.Sum256([]byte(name))
			if _, err := r.hub.Call(t.Context(), door.Documents, door.Document{
				Partner: "ACME", Name: name, Refused: why, Bytes: []byte(text), Key: door.Key{Scope: "refused/ACME", ID: name, Hash: sum},
			}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // a crash before it was put aside
			send("huge.edi", "has 9 bytes, at most 1 are taken", text)
			send("empty.edi", "is empty", "")
		}
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 2 {
			t.Fatalf("letters:\n%s", strings.Join(r.lettersText(), "\n"))
		}
		for _, l := range letters {
			if l.Channel != "invalid" || l.Route != "edi.untaken" || l.Key != "ACME" || !strings.Contains(l.Cause, l.Place+" of ACME: ") {
				t.Errorf("letter %+v", l)
			}
		}
		for _, l := range letters {
			if err := r.hub.Desk().Replay(t.Context(), l.ID, l.Opening, "ann"); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Minute)
		r.status(orders[0].Number, order.StatusShipped)
		if left := r.letters(); len(left) != 1 || left[0].Place != "empty.edi" || len(left[0].Attempts) != 2 {
			t.Errorf("letters:\n%s", strings.Join(r.lettersText(), "\n"))
		}
	})
}
