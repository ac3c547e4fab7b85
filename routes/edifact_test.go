package routes

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// messages are the published EDIFACT messages of a kind, in the order of their interchanges. All of
// them are right by the grammar that ours are checked by.
func (b *mailbox) messages(t *testing.T, kind string) []*edifact.Part {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []*edifact.Part
	seen := map[string]string{}
	for name, data := range b.out {
		if !bytes.HasPrefix(data, []byte("UNB")) {
			continue
		}
		if b.times[name] != 1 {
			t.Errorf("%s was published %d times", name, b.times[name])
		}
		doc, err := edifact.Parse(data, edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range doc.Messages() {
			grammar.Builtin().Check(p)
			number := p.UNB.Recipient.ID + " " + p.UNB.Control
			if in := seen[number]; in != "" && in != name {
				t.Errorf("control reference %s was used twice", p.UNB.Control)
			}
			seen[number] = name
			if p.UNH.Type == kind {
				parts = append(parts, p)
			}
		}
		for _, f := range doc.Findings() {
			if f.Severity > finding.Note {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
	slices.SortStableFunc(parts, func(a, b *edifact.Part) int {
		x, _ := strconv.Atoi(a.UNB.Control)
		y, _ := strconv.Atoi(b.UNB.Control)
		return x - y
	})
	return parts
}

// values are a component of all segments of a tag.
func values(p *edifact.Part, id string, n, c int) []string {
	var out []string
	for _, s := range p.Segments.All() {
		if s.Is(id) {
			out = append(out, s.Value(n, c))
		}
	}
	return out
}

func generatedMessages(t *testing.T, c edifactgen.Config) (string, []edifactgen.Order) {
	t.Helper()
	c.Items, c.Options.LineEnd = []string{"SKU-1"}, "\n"
	var buf bytes.Buffer
	orders, err := edifactgen.Write(&buf, c)
	if err != nil {
		t.Fatal(err)
	}
	return buf.String(), orders
}

func TestORDERSEndInDESADVAndCONTRL(t *testing.T) {
	for _, syntax := range []string{"UNOC:3", "UNOY:4"} {
		synctest.Test(t, func(t *testing.T) {
			r, box := ediRig(t)
			text, orders := generatedMessages(t, edifactgen.Config{Seed: 1, Messages: 3, MostLine: 3, Syntax: syntax})
			r.drop("orders.edi", text)
			settle(time.Minute)
			r.noLetters()
			acks := box.messages(t, "CONTRL")
			if len(acks) != 1 || !slices.Equal(values(acks[0], "UCM", 3, 1), []string{"7", "7", "7"}) || values(acks[0], "UCI", 4, 1)[0] != "7" {
				t.Fatalf("%d CONTRL", len(acks))
			}
			if u := acks[0].UNB; u.Sender.ID != "PAKLOG" || u.Recipient.ID != "ACME" || string(u.Syntax)+":"+u.Version != syntax {
				t.Errorf("the CONTRL's header is %+v", u)
			}
			var told, want []string
			for _, a := range box.messages(t, "DESADV") {
				for _, s := range a.Segments.All() {
					if s.Is("RFF") && s.Value(1, 1) == "ON" {
						told = append(told, s.Value(1, 2))
					}
				}
				sum := 0
				for _, s := range a.Segments.All() {
					if s.Is("QTY") && s.Value(1, 1) == "12" {
						n, _ := strconv.Atoi(s.Value(1, 2))
						sum += n
					}
				}
				for _, o := range orders {
					ordered := 0
					for _, l := range o.Lines {
						ordered += l.Qty
					}
					if o.Number == told[len(told)-1] && sum != ordered {
						t.Errorf("%s: the DESADV tells of %d, ordered were %d", o.Number, sum, ordered)
					}
				}
			}
			for _, o := range orders {
				want = append(want, o.Number)
				r.status(o.Number, order.StatusShipped)
			}
			slices.Sort(told)
			slices.Sort(want)
			if !slices.Equal(told, want) {
				t.Fatalf("DESADVs for %v, want %v", told, want)
			}
			if n := len(box.messages(t, "ORDRSP")); n != 3 {
				t.Errorf("%d ORDRSP, want 3", n)
			}
		})
	}
}

func TestABadMessageHarmsNoNeighbour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generatedMessages(t, edifactgen.Config{Seed: 2, Messages: 3, MostLine: 1})
		// The second message's quantity becomes a word.
		second := strings.Index(text, "UNH+2")
		at := second + strings.Index(text[second:], "CNT+1:") + len("CNT+1:")
		end := at + strings.IndexByte(text[at:], '\'')
		r.drop("bad.edi", text[:at]+"MANY"+text[end:])
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || letters[0].Channel != "invalid" || !strings.Contains(letters[0].Place, "CNT-01-2") || !strings.Contains(letters[0].Place, "byte "+strconv.Itoa(at)) {
			t.Fatalf("letters: %+v", letters)
		}
		acks := box.messages(t, "CONTRL")
		if len(acks) != 1 || !slices.Equal(values(acks[0], "UCM", 3, 1), []string{"7", "4", "7"}) || values(acks[0], "UCI", 4, 1)[0] != "7" || !slices.Equal(values(acks[0], "UCD", 1, 1), []string{"37"}) {
			t.Fatal("the CONTRL does not reject the bad message alone")
		}
		if n := len(box.messages(t, "DESADV")); n != 2 {
			t.Errorf("%d DESADVs, want 2", n)
		}
		r.status(orders[0].Number, order.StatusShipped)
		r.status(orders[2].Number, order.StatusShipped)
		r.status(orders[1].Number, order.StatusNone)
	})
}

func TestAnInterchangeIsRefusedWholeWhereThatIsAgreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Policy.WholeInterchange = true })
		text, orders := generatedMessages(t, edifactgen.Config{Seed: 2, Messages: 3, MostLine: 1})
		r.drop("bad.edi", strings.Replace(text, "UNT+", "UNT+9", 1))
		settle(time.Minute)
		acks := box.messages(t, "CONTRL")
		if len(acks) != 1 || values(acks[0], "UCI", 4, 1)[0] != "4" || len(r.letters()) != 3 || len(box.messages(t, "DESADV")) != 0 {
			t.Fatalf("%d CONTRLs, %d letters", len(acks), len(r.letters()))
		}
		for _, o := range orders {
			r.status(o.Number, order.StatusNone)
		}
	})
}

func TestAMessageInterchangeThatComesAgainIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 3, Messages: 2, MostLine: 2})
		r.drop("a.edi", text)
		// The same interchange in another wrapping, and with a UNA, is no other interchange.
		r.drop("b.edi", "\n\n"+text+"\n")
		settle(time.Minute)
		r.noLetters()
		if c := r.count(); c["order.Accepted"] != 2 || c["edifact.Repeated"] != 1 || len(box.messages(t, "DESADV")) != 2 || len(box.messages(t, "CONTRL")) != 1 {
			t.Errorf("accepted %d, repeated %d", c["order.Accepted"], c["edifact.Repeated"])
		}
		// The same reference with other content is asked about.
		other, orders := generatedMessages(t, edifactgen.Config{Seed: 5, Messages: 1, OrderPrefix: "NEW-"})
		r.drop("c.edi", other)
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || !strings.Contains(letters[0].Cause, "came before with other content") || !strings.Contains(letters[0].Place, "UNB-05") {
			t.Fatalf("letters: %+v", letters)
		}
		r.status(orders[0].Number, order.StatusNone)
		if n := len(box.messages(t, "CONTRL")); n != 1 {
			t.Errorf("%d CONTRLs", n)
		}
	})
}

func TestAMessageInterchangeOfAStrangerIsNeitherWorkedOnNorAcknowledged(t *testing.T) {
	for _, c := range []struct {
		name, cause string
		change      func(string) string
	}{
		{"another sender", "is from", func(s string) string { return strings.Replace(s, "+ACME+", "+OTHER+", 1) }},
		{"another recipient", "is for", func(s string) string { return strings.Replace(s, "+PAKLOG+", "+OTHER+", 1) }},
		{"a test", "test indicator", func(s string) string { return strings.Replace(s, "0915+1'", "0915+1++++++1'", 1) }},
		{"no interchange", "without an interchange", func(s string) string { return s[strings.Index(s, "UNH+"):strings.Index(s, "UNZ+")] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				text, orders := generatedMessages(t, edifactgen.Config{Seed: 14, Messages: 1})
				r.drop("strange.edi", c.change(text))
				settle(time.Minute)
				letters := r.letters()
				if len(letters) != 1 || !strings.Contains(letters[0].Cause, c.cause) {
					t.Fatalf("letters: %+v", letters)
				}
				r.status(orders[0].Number, order.StatusNone)
				if n := len(box.messages(t, "CONTRL")); n != 0 {
					t.Errorf("%d CONTRLs", n)
				}
			})
		})
	}
}

func TestWhatNobodyTakesIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		unb := "UNB+UNOC:3+ACME+PAKLOG+261123:0915+%d'"
		r.drop("invoic.edi", fmt.Sprintf(unb, 1)+"UNH+1+PAXLST:D:96A:UN'BGM+1'UNT+3+1'UNZ+1+1'")
		r.drop("object.edi", fmt.Sprintf(unb, 2)+"UNO+P1+DOC:1+1:PDF+4'a'b+UNP+4+P1'UNZ+1+2'")
		r.drop("stray.edi", fmt.Sprintf(unb, 3)+"ZZZ+1'UNZ+0+3'")
		r.drop("tradacoms.edi", "STX=ANA:1+5000000000000'")
		r.drop("interactive.edi", "UNA:+.? 'UIB+UNOA:4+1'UIH+ORDERS:D:96A:UN+1'UIT+1+2'UIZ+1+1'")
		r.drop("twelve.edi", "%PDF-1.4")
		settle(time.Minute)
		var causes []string
		for _, l := range r.letters() {
			causes = append(causes, l.Cause)
		}
		slices.Sort(causes)
		for _, want := range []string{"no route takes message \"PAXLST\"", "nobody here takes objects", "segment ZZZ stands where none of its kind may", "TRADACOMS transmission, which is not supported", "interactive EDIFACT interchange (UIB), which is not supported", "not an X12 interchange"} {
			if !slices.ContainsFunc(causes, func(c string) bool { return strings.Contains(c, want) }) {
				t.Errorf("no letter says %q: %q", want, causes)
			}
		}
		if len(causes) != 6 {
			t.Errorf("%d letters: %q", len(causes), causes)
		}
		if n := len(box.messages(t, "CONTRL")); n != 3 {
			t.Errorf("%d CONTRLs, want 3", n)
		}
	})
}

// An unknown item is named by its element, cancelled orders are gone, and X12 goes beside EDIFACT
// in one folder.
func TestBothSyntaxesGoThroughOneFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		x12, ordered := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1, OrderPrefix: "X-"})
		text, orders := generatedMessages(t, edifactgen.Config{Seed: 1, Messages: 1, MostLine: 1})
		r.drop("940.edi", x12)
		r.drop("orders.edi", text)
		settle(time.Minute)
		r.noLetters()
		r.status(ordered[0].Number, order.StatusShipped)
		r.status(orders[0].Number, order.StatusShipped)
		if len(box.sets(t, "997")) != 1 || len(box.sets(t, "945")) != 1 || len(box.messages(t, "CONTRL")) != 1 || len(box.messages(t, "DESADV")) != 1 {
			t.Error("each syntax has its own answers")
		}
	})
}

func TestThePartnersCONTRLClosesTheWatchAndItsRejectionOrSilenceRaisesIt(t *testing.T) {
	answer := func(control, verdict string, n int) string {
		body := fmt.Sprintf("UCI+%s+PAKLOG+ACME+%s'", control, verdict)
		if verdict == "4" {
			body += "UCM+1+DESADV:D:96A:UN+4'UCS+3+13'UCS+6'UCD+39+2:1'UCD+12+4'"
		}
		return fmt.Sprintf("UNB+UNOC:3+ACME+PAKLOG+261123:0915+C%d'UNH+1+CONTRL:D:3:UN'%sUNT+%d+1'UNZ+1+C%[1]d'", n, body, strings.Count(body, "'")+2)
	}
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.EDIFACT.Contrl, p.SendAnswers = true, false })
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 7, Messages: 3, MostLine: 1})
		r.drop("orders.edi", text)
		settle(time.Minute)
		advices := box.messages(t, "DESADV")
		if len(advices) != 3 || advices[0].UNB.AckRequested != "1" {
			t.Fatalf("%d DESADVs", len(advices))
		}
		r.drop("good.edi", answer(advices[0].UNB.Control, "7", 1))
		r.drop("bad.edi", answer(advices[1].UNB.Control, "4", 2))
		r.drop("never.edi", answer("99999", "7", 3))
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || !strings.Contains(letters[0].Cause, "rejected our DESADV "+advices[1].UNB.Control+" (element 2-1 in segment 6 of the message: 0085 in UCD is 39)") {
			t.Fatalf("letters: %+v", letters)
		}
		settle(25 * time.Hour)
		letters = r.letters()
		if len(letters) != 2 || !slices.ContainsFunc([]string{letters[0].Cause, letters[1].Cause}, func(c string) bool {
			return strings.Contains(c, "has not acknowledged our DESADV "+advices[2].UNB.Control)
		}) {
			t.Fatalf("letters: %+v", letters)
		}
		if n := len(box.messages(t, "CONTRL")); n != 1 {
			t.Errorf("%d CONTRLs: an acknowledgement is not acknowledged", n)
		}
	})
}

func TestACrashAfterAnyUnitOfAnEDIFACTDocumentChangesNothing(t *testing.T) {
	text, orders := generatedMessages(t, edifactgen.Config{Seed: 10, Messages: 2, MostLine: 1})
	died := 0
	for n := 0; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("orders.edi", text) // no answer: the file stays and comes again
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("orders.edi", text)
					settle(time.Hour)
				}
				r.noLetters()
				for _, o := range orders {
					r.status(o.Number, order.StatusShipped)
				}
				if a, b, c := len(box.messages(t, "CONTRL")), len(box.messages(t, "DESADV")), len(box.messages(t, "ORDRSP")); a != 1 || b != 2 || c != 2 {
					t.Errorf("CONTRLs %d, DESADVs %d, ORDRSPs %d", a, b, c)
				}
			})
		})
		if t.Failed() {
			return
		}
		if ended {
			break
		}
		died++
	}
	if died < 20 {
		t.Errorf("it died %d times only", died)
	}
}

// A document of more messages than one unit holds goes on where it was killed.
func TestALargeEDIFACTDocumentIsSplitOnceWhateverDies(t *testing.T) {
	const count = splitBatch + 10
	text, _ := generatedMessages(t, edifactgen.Config{Seed: 11, Messages: count, MostLine: 1})
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.SendAnswers = false })
		r.batch = 1
		r.restart()
		r.crash(2)
		_, _ = r.document("large.edi", text)
		settle(10 * time.Second)
		if r.bus.Err() == nil {
			t.Fatal("it was not killed")
		}
		r.batch = 0
		r.restart()
		r.drop("large.edi", text)
		settle(time.Hour)
		if c := r.count(); c["order.Accepted"] != count || c["edifact.Judged"] != 1 {
			t.Errorf("%d orders, %d verdicts", c["order.Accepted"], c["edifact.Judged"])
		}
		if acks := box.messages(t, "CONTRL"); len(acks) != 1 || len(values(acks[0], "UCM", 3, 1)) != count {
			t.Errorf("%d CONTRLs", len(acks))
		}
	})
}

func TestWhatACONTRLNamesIsTheNearestPlace(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"UCI+7+A:14+B+7'": "7 7 ", "UCI+7+A+B+4+28'": "7 4 interchange 7: 0085 in UCI is 28",
		"UCI+7+A+B+8+28'UCM+1+DESADV:D:96A:UN+4+29'":          "7 4 message 1: 0085 in UCM is 29",
		"UCI+7+A+B+8'UCM+1+DESADV:D:96A:UN+4'UCS+3+13'":       "7 4 segment 3 of the message: 0085 in UCS is 13",
		"UCI+7+A+B+8'UCM+1+DESADV:D:96A:UN+4'UCS+3'UCD+13+2'": "7 4 element 2 in segment 3 of the message: 0085 in UCD is 13",
		"UCI+7+A+B+8'UCM+1+DESADV:D:96A:UN+7'UCS'UCD'":        "7 8 ", "UCM'": "  ",
	} {
		d, err := edifact.Parse(fmt.Appendf(nil, "UNB+UNOC:3+A+B+261123:0915+1'UNH+1+CONTRL:D:3:UN'%sUNT+%d+1'UNZ+1+1'", body, strings.Count(body, "'")+2), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range d.Messages() {
			if said := contrlSays(p); said.control+" "+said.verdict()+" "+said.why != want {
				t.Errorf("%s says %q, %q, %q, want %q", body, said.control, said.verdict(), said.why, want)
			}
		}
	}
}
