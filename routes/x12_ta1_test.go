package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/edi/x12/x12gen"
)

// ta1 is an interchange of the partner that holds nothing but a TA1.
func ta1(control, of, code, note string) string {
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *000101*0000*U*00401*%09s*0*P*>~\nTA1*%09s*000101*0000*%s*%s~\nIEA*0*%09[1]s~\n", control, of, code, note)
}

// A TA1 that rejects our interchange ends the wait for its 997: each document of it is rejected, a letter,
// and goes on when it was sent anew. One that notes errors does not.
func TestATA1ThatRejectsSettlesWhatWaited(t *testing.T) {
	for name, c := range map[string]struct {
		code, note, status, by string
		letters                int // at once
	}{
		"accepted": {"A", "000", "sent", "", 0},
		"noted":    {"E", "014", "acknowledged", "TA1", 0},
		"rejected": {"R", "025", "rejected", "TA1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				text, _ := generated(t, x12gen.Config{Seed: 8, Sets: 1, MostLine: 1})
				r.drop("940.edi", text)
				settle(time.Minute)
				advice := box.sets(t, "945")[0]
				r.drop("ta1.edi", ta1("77", advice.ISA.Control, c.code, c.note))
				r.drop("ta1 again.edi", ta1("77", advice.ISA.Control, c.code, c.note))
				settle(time.Minute)
				names, _ := box.left("945")
				d := r.paper(names[0])
				if d.Status() != c.status || c.by != "" && (d.Acknowledged.By != c.by || !strings.Contains(d.Acknowledged.Why, "TA1-05 is "+c.note)) {
					t.Errorf("the document is %s: %+v", d.Status(), d.Acknowledged)
				}
				letters := r.letters()
				if len(letters) != c.letters {
					t.Fatalf("letters: %+v", letters)
				}
				if c.code == "R" {
					if l := letters[0]; l.Place != names[0] || !strings.Contains(l.Cause, "the control number came before") || !strings.Contains(l.Cause, "paklog edi resend") {
						t.Errorf("%+v", l)
					}
					if _, err := r.resend(names[0], ""); err != nil {
						t.Fatal(err)
					}
					if err := r.hub.Desk().Replay(t.Context(), letters[0].ID, letters[0].Opening, "ann"); err != nil {
						t.Fatal(err)
					}
					settle(time.Minute)
					r.noLetters()
					if again := box.sets(t, "945"); len(again) != 2 || again[1].ISA.Control == advice.ISA.Control {
						t.Errorf("%d 945s", len(again))
					}
				}
				settle(25 * time.Hour)
				if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "has not acknowledged our 945") {
					t.Errorf("when the time for the 997 is over: %+v", l)
				}
				if n := len(box.sets(t, "997")); n != 1 {
					t.Errorf("%d 997s: an acknowledgement was acknowledged", n)
				}
			})
		})
	}
}

// What a TA1 rejects and nobody waits for is a letter, and so is one of a number that never left.
func TestATA1OfWhatNobodyWaitsForIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, _ := generated(t, x12gen.Config{Seed: 8, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		ours := box.sets(t, "997")[0].ISA.Control
		r.drop("1.edi", ta1("77", ours, "R", "006"))
		r.drop("2.edi", ta1("78", "555", "R", "006"))
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 2 {
			t.Fatalf("letters: %+v", letters)
		}
		for _, l := range letters {
			if l.Route != "x12.ack-watch" || !strings.Contains(l.Cause, "does not know the sender") || !strings.Contains(l.Cause, "with our 997") && !strings.Contains(l.Cause, "none of that number left") {
				t.Errorf("%+v", l)
			}
		}
	})
}

// Whatever dies while a TA1 is taken, the document is rejected once, and its letter is one.
func TestACrashAfterAnyUnitOfATA1RejectsOnce(t *testing.T) {
	died := 0
	text, _ := generated(t, x12gen.Config{Seed: 8, Sets: 1, MostLine: 1})
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				r.batch = 1
				r.restart()
				r.drop("940.edi", text)
				settle(time.Minute)
				names, _ := box.left("945")
				no := ta1("77", box.sets(t, "945")[0].ISA.Control, "R", "025")
				r.crash(n)
				_, _ = r.document("ta1.edi", no)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("ta1.edi", no)
					settle(time.Hour)
				}
				if l := r.letters(); len(l) != 1 || l[0].Place != names[0] {
					t.Errorf("letters: %+v", l)
				}
				if d := r.paper(names[0]); d.Status() != "rejected" || d.Acknowledged.By != "TA1" {
					t.Errorf("it is %s", d.Status())
				}
				if n := r.count()["document.Acknowledged"]; n != 1 {
					t.Errorf("it was rejected %d times", n)
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 4 {
		t.Errorf("it died %d times only", died)
	}
}
