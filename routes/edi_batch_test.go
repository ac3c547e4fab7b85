package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// batching is a partner whose documents wait for others.
func batching(b ...Batch) func(*Partner) {
	return func(p *Partner) { p.Batches, p.SendAnswers = b, false }
}

// waits is what waits, as an operator sees it.
func (r *rig) waits() (out []string) {
	r.t.Helper()
	lanes, err := r.hub.Waiting(r.t.Context(), "")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range lanes {
		out = append(out, fmt.Sprintf("%s %s %d", l.Partner, l.Batch, l.Sets))
	}
	return out
}

func (r *rig) flush() door.Flushed {
	r.t.Helper()
	v, err := r.hub.Call(r.t.Context(), door.Batches, door.Flush{Partner: "ACME", Actor: "ann"})
	if err != nil {
		r.t.Fatal(err)
	}
	return v.(door.Flushed)
}

// shape is what an interchange of ours has: "SW:945,945 AW:947", or message types.
func shape(t *testing.T, text string) string {
	t.Helper()
	if strings.HasPrefix(text, "UNB") {
		var all []string
		for _, s := range strings.Split(text, "'") {
			if s = strings.TrimSpace(s); strings.HasPrefix(s, "UNH+") {
				all = append(all, strings.Split(s, "+")[1]+":"+strings.Split(s, "+")[2][:6])
			}
		}
		return strings.Join(all, " ")
	}
	doc, err := x12.Parse([]byte(text), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Findings() {
		t.Errorf("%v", f)
	}
	var groups []string
	last := ""
	for p := range doc.Sets() {
		if p.GS.Control != last {
			groups, last = append(groups, p.GS.FunctionalID+":"+p.ST.ID), p.GS.Control
			continue
		}
		groups[len(groups)-1] += "," + p.ST.ID
	}
	return strings.Join(groups, " ")
}

func TestDocumentsThatWaitLeaveInOneInterchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, batching(Batch{Every: 15 * time.Minute}), func(p *Partner) {
			p.Stock = StockNotices{Of: []string{site.Owner}, Adjustments: true}
		})
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		r.must(door.Stock, "SKU-1", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "shrink", By: "al"})
		settle(time.Minute)
		r.noLetters()
		// The acknowledgement does not wait, the others are seen to.
		if n := len(box.sets(t, "997")); n != 1 || len(box.sets(t, "945")) != 0 || !slices.Equal(r.waits(), []string{"ACME x12/all 4"}) {
			t.Fatalf("%d 997s, %d 945s, %v", n, len(box.sets(t, "945")), r.waits())
		}
		settle(14 * time.Minute)
		names, all := box.left(ofBatch)
		if len(names) != 1 || shape(t, all[names[0]]) != "SW:945,945,945 AW:947" || len(r.waits()) != 0 {
			t.Fatalf("%v: %s, %v wait", names, all[names[0]], r.waits())
		}
		sets := box.sets(t, "945")
		var told []string
		for i, s := range sets {
			told = append(told, elements(s, "W06", 2)...)
			if want := fmt.Sprintf("%04d", i+1); s.ST.Control != want || s.GS.Control != sets[0].GS.Control {
				t.Errorf("set %s of group %s, want %s", s.ST.Control, s.GS.Control, want)
			}
		}
		slices.Sort(told)
		var want []string
		for _, o := range orders {
			want = append(want, o.Number)
		}
		if slices.Sort(want); !slices.Equal(told, want) {
			t.Errorf("945s of %v, want %v", told, want)
		}
		// Each of them is a document of its own, with the numbers that it left under.
		sent := 0
		r.each(func(rec *journal.Record) {
			if rec.Type == "document.Sent" && strings.HasPrefix(rec.Headers["name"], "945-") {
				if d := r.paper(rec.Headers["name"]); d.Status() != document.StatusSent || d.Interchange != sets[0].ISA.Control || d.Group != sets[0].GS.Control || rec.Correlation == "" {
					t.Errorf("%s: %+v of %q", d.Status(), d, rec.Correlation)
				}
				sent++
			}
		})
		if sent != 3 {
			t.Errorf("%d documents left", sent)
		}
		// What comes next waits for itself.
		settle(time.Hour)
		if names, _ := box.left(ofBatch); len(names) != 1 {
			t.Errorf("%v", names)
		}
	})
}

func TestWhatFillsAnInterchangeLeavesAtOnce(t *testing.T) {
	one := 0
	for _, c := range []struct {
		name  string
		batch func() Batch
		want  []string
		waits []string
	}{
		{"each alone, to measure", func() Batch { return Batch{Every: time.Hour, Most: 1} }, []string{"SW:945", "SW:945", "SW:945", "SW:945", "SW:945"}, nil},
		{"two at a time", func() Batch { return Batch{Every: time.Hour, Most: 2} }, []string{"SW:945,945", "SW:945,945"}, []string{"ACME x12/all 1"}},
		{"by bytes", func() Batch { return Batch{Every: time.Hour, Sets: []string{"945"}, Bytes: 2 * one} }, []string{"SW:945,945", "SW:945,945"}, []string{"ACME x12/945 1"}},
		{"no two fit", func() Batch { return Batch{Every: time.Hour, Bytes: one + 30} }, []string{"SW:945", "SW:945", "SW:945", "SW:945"}, []string{"ACME x12/all 1"}},
		{"each is too long", func() Batch { return Batch{Every: time.Hour, Bytes: 10} }, []string{"SW:945", "SW:945", "SW:945", "SW:945", "SW:945"}, nil},
		{"of other kinds", func() Batch { return Batch{Every: time.Hour, Sets: []string{"810", "944"}} }, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := c.batch()
				r, box := ediRig(t, batching(b))
				text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 5, MostLine: 1})
				r.drop("940.edi", text)
				settle(10 * time.Minute)
				r.noLetters()
				names, all := box.left(ofBatch)
				var got []string
				for _, name := range names {
					if got = append(got, shape(t, all[name])); b.Bytes > one && len(all[name]) > b.Bytes {
						t.Errorf("%s has %d bytes, of %d", name, len(all[name]), b.Bytes)
					}
					if b.Most == 1 {
						one = max(one, len(all[name]))
					}
				}
				if c.want != nil && !slices.Equal(got, c.want) || !slices.Equal(r.waits(), c.waits) {
					t.Errorf("%v, and %v wait; want %v and %v", got, r.waits(), c.want, c.waits)
				}
				settle(2 * time.Hour)
				if n := len(box.sets(t, "945")); n != len(orders) || len(r.waits()) != 0 {
					t.Errorf("%d 945s of %d, and %v wait", n, len(orders), r.waits())
				}
			})
		})
	}
}

func TestAFlushLetsWhatWaitsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, batching(Batch{Sets: []string{"945"}, Every: time.Hour}, Batch{At: []time.Duration{18 * time.Hour}}), func(p *Partner) {
			p.Stock = StockNotices{Of: []string{site.Owner}, Adjustments: true}
		})
		if f := r.flush(); f.Sets != 0 || len(f.Documents) != 0 {
			t.Errorf("of nothing: %+v", f)
		}
		text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 2, MostLine: 1})
		r.drop("940.edi", text)
		for range 2 {
			r.must(door.Stock, "SKU-1", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "shrink", By: "al"})
		}
		settle(time.Minute)
		if got := r.waits(); !slices.Equal(got, []string{"ACME x12/945 2", "ACME x12/all 2"}) {
			t.Fatalf("%v wait", got)
		}
		f := r.flush()
		settle(time.Minute)
		names, all := box.left(ofBatch)
		if f.Sets != 4 || !slices.Equal(f.Documents, names) || shape(t, all[names[0]]) != "SW:945,945" || shape(t, all[names[1]]) != "AW:947,947" {
			t.Fatalf("%+v, %v", f, names)
		}
		if f := r.flush(); f.Sets != 0 {
			t.Errorf("again: %+v", f)
		}
		settle(25 * time.Hour) // no timer of theirs is left
		if names, _ := box.left(ofBatch); len(names) != 2 {
			t.Errorf("%v", names)
		}
		if _, err := r.hub.Call(t.Context(), door.Batches, door.Flush{Partner: "NOBODY"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("nobody's: %v", err)
		}
	})
}

func TestWhatWaitsLeavesThoughItIsAgreedOtherwiseMeanwhile(t *testing.T) {
	for name, now := range map[string][]Batch{"at once": nil, "with others": {{Sets: []string{"945", "810"}, Every: time.Minute}}, "later": {{Every: 24 * time.Hour}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, batching(Batch{Every: time.Hour}))
				text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 2, MostLine: 1})
				r.drop("940.edi", text)
				settle(time.Minute)
				p := r.edi.Partners["ACME"]
				p.Batches = now
				r.edi.Partners["ACME"] = p
				r.restart()
				if len(box.sets(t, "945")) != 0 || len(r.waits()) != 1 {
					t.Fatalf("%v wait", r.waits())
				}
				settle(time.Hour)
				if n := len(box.sets(t, "945")); n != 2 || len(r.waits()) != 0 {
					t.Errorf("%d 945s left, %v wait", n, r.waits())
				}
				r.noLetters()
			})
		})
	}
}

// batch997 answers a group of ours, by ST02 and code.
func batch997(group, code string, sets ...string) string {
	body := "AK1*SW*" + group + "~\n"
	for _, s := range sets {
		st02, ak5, _ := strings.Cut(s, " ")
		body += "AK2*945*" + st02 + "~\nAK5*" + ak5 + "~\n"
	}
	return strings.Replace(purchase("997", "9", body+"AK9*"+code+"*3*3*2~\n"), "GS*PO*", "GS*FA*", 1)
}

// threeSent is a rig from which three 945s left in one interchange.
func threeSent(t *testing.T) (r *rig, box *mailbox, file, group string, names []string) {
	t.Helper()
	r, box = ediRig(t, batching(Batch{Every: 15 * time.Minute}))
	text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
	r.drop("940.edi", text)
	settle(16 * time.Minute)
	files, _ := box.left(ofBatch)
	sets := box.sets(t, "945")
	if len(files) != 1 || len(sets) != 3 {
		t.Fatalf("%v, %d 945s", files, len(sets))
	}
	r.each(func(rec *journal.Record) {
		if rec.Type == "document.Written" {
			names = append(names, rec.Key[strings.LastIndex(rec.Key, "/")+1:])
		}
	})
	return r, box, files[0], sets[0].GS.Control, names
}

func TestThe997OfABatchSpeaksOfEachOfItsDocuments(t *testing.T) {
	const ok, no = document.StatusAcknowledged, document.StatusRejected
	for name, c := range map[string]struct {
		code string
		sets []string
		want []string
		left int // 945s in all, once each letter's document was sent anew
	}{
		"all are right":                   {"A", nil, []string{ok, ok, ok}, 3},
		"one is rejected":                 {"P", []string{"0001 A", "0002 R", "0003 A"}, []string{ok, no, ok}, 4},
		"one is rejected, no other named": {"P", []string{"0003 R"}, []string{ok, ok, no}, 4},
		"one, though the group says none": {"A", []string{"0002 R"}, []string{ok, no, ok}, 4},
		"the group is rejected":           {"R", nil, []string{no, no, no}, 6},
		"some are, he does not say which": {"P", nil, []string{no, no, no}, 6},
		"errors that he works with":       {"E", []string{"0001 E", "0002 A", "0003 A"}, []string{ok, ok, ok}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, _, group, names := threeSent(t)
				r.drop("997.edi", batch997(group, c.code, c.sets...))
				settle(time.Minute)
				var wrong []string
				for i, doc := range names {
					if got := r.paper(doc).Status(); got != c.want[i] {
						t.Errorf("%s is %s, want %s", doc, got, c.want[i])
					}
					if c.want[i] == no {
						wrong = append(wrong, doc)
					}
				}
				var places []string
				for _, l := range r.letters() {
					places = append(places, l.Place)
				}
				slices.Sort(places)
				if slices.Sort(wrong); !slices.Equal(places, wrong) {
					t.Fatalf("letters of %v, want %v", places, wrong)
				}
				for _, doc := range wrong {
					if made, err := r.resend(doc, ""); err != nil || made.Repeat {
						t.Fatalf("%+v, %v", made, err)
					}
				}
				settle(time.Minute)
				if n := len(box.sets(t, "945")); n != c.left {
					t.Errorf("%d 945s, want %d", n, c.left)
				}
				// Nothing is waited for but what was sent anew.
				settle(25 * time.Hour)
				overdue := 0
				for _, l := range r.letters() {
					if strings.Contains(l.Cause, "not acknowledged") {
						overdue++
					}
				}
				if overdue != len(wrong) {
					t.Errorf("%d are overdue, want %d", overdue, len(wrong))
				}
			})
		})
	}
}

func TestABatchThatNobodyAcknowledgesIsSentAnewWholeOrInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, file, group, names := threeSent(t)
		if _, err := r.resend(names[1], ""); err != nil {
			t.Fatal(err)
		}
		settle(25 * time.Hour)
		l := r.letters()
		if len(l) != 2 || !slices.ContainsFunc(l, func(e dlq.Entry) bool {
			return e.Place == file && strings.Contains(e.Cause, "has not acknowledged our 945 "+group)
		}) {
			t.Fatalf("%+v", l)
		}
		if _, err := r.resend(file, "Dear Sir"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("corrected as a whole: %v", err)
		}
		made, err := r.resend(file, "")
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		_, all := box.left(ofBatch)
		if shape(t, all[made.Document]) != "SW:945,945" || !slices.Equal(made.Replaced, []string{names[0], names[2]}) {
			t.Errorf("%v: %s", made.Replaced, all[made.Document])
		}
		for i, name := range names {
			if d := r.paper(name); d.Status() != document.StatusReplaced || r.paper(d.ReplacedBy).Status() != document.StatusSent {
				t.Errorf("document %d is %s, by %s", i, d.Status(), r.paper(d.ReplacedBy).Status())
			}
		}
		if again, err := r.resend(file, ""); err != nil || !again.Repeat || again.Document != made.Document {
			t.Errorf("again: %+v, %v", again, err)
		}
		if again, err := r.resend(names[0], ""); err != nil || !again.Repeat {
			t.Errorf("one of them: %+v, %v", again, err)
		}
		if n := len(box.sets(t, "945")); n != 6 {
			t.Errorf("%d 945s", n)
		}
	})
}

func TestAn824MeansOneDocumentOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, _, group, names := threeSent(t)
		r.drop("824.edi", purchase("824", "9", advice824("OTI*TR*TN*whatever*****"+group+"*0002*945")))
		settle(time.Minute)
		for i, want := range []string{document.StatusSent, document.StatusRejected, document.StatusSent} {
			if got := r.paper(names[i]).Status(); got != want {
				t.Errorf("document %d is %s, want %s", i, got, want)
			}
		}
	})
}

func TestMessagesOfEDIFACTLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, batching(Batch{Every: 15 * time.Minute, Most: 3}), func(p *Partner) { p.EDIFACT.Contrl = true })
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 7, Messages: 4, MostLine: 1})
		r.drop("orders.edi", text)
		settle(time.Minute)
		names, all := box.left(ofBatch)
		if len(names) != 1 || shape(t, all[names[0]]) != "1:DESADV 2:DESADV 3:DESADV" || !slices.Equal(r.waits(), []string{"ACME edifact/all 1"}) {
			t.Fatalf("%v, %v wait", all, r.waits())
		}
		control := box.messages(t, "DESADV")[0].UNB.Control
		r.drop("contrl.edi", "UNB+UNOC:3+ACME+PAKLOG+261123:0915+991'UNH+1+CONTRL:D:3:UN'UCI+"+control+"+PAKLOG+ACME+8'UCM+2+DESADV:D:96A:UN+4+12'UNT+4+1'UNZ+1+991'")
		settle(20 * time.Minute)
		if names, _ := box.left(ofBatch); len(names) != 2 {
			t.Errorf("%v", names)
		}
		l := r.letters()
		if len(l) != 1 || !strings.Contains(l[0].Cause, "rejected our DESADV "+control+" (message 2: 0085 in UCM is 12)") {
			t.Fatalf("%+v", l)
		}
		if made, err := r.resend(l[0].Place, ""); err != nil || !strings.HasPrefix(made.Document, "DESADV-") {
			t.Errorf("%+v, %v", made, err)
		}
		settle(time.Minute)
		if n := len(box.messages(t, "DESADV")); n != 5 {
			t.Errorf("%d DESADVs", n)
		}
	})
}

// An answer that waits has a number that none has which left alone.
func TestNumbersOfMessagesThatWaitAreNoInterchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Batches = []Batch{{Sets: []string{"ORDRSP"}, Every: time.Minute}} })
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 7, Messages: 2, MostLine: 1})
		r.drop("orders.edi", text)
		settle(2 * time.Minute)
		var got []string
		for _, m := range box.messages(t, "ORDRSP") {
			got = append(got, values(m, "BGM", 2, 1)...)
		}
		if !slices.Equal(got, []string{"1000000001", "1000000002"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestACrashAfterAnyUnitOfABatchLosesAndDoublesNothing(t *testing.T) {
	text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
	died, stride := 0, 1
	if testing.Short() {
		stride = 7
	}
	for n, ended := 0, false; !ended; n += stride {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, batching(Batch{Every: 15 * time.Minute, Most: 2}))
				r.batch = 1
				r.restart()
				r.drop("940.edi", text)
				r.crash(n)
				settle(10 * time.Minute)
				if r.bus.Err() == nil {
					_, _ = r.hub.Call(t.Context(), door.Batches, door.Flush{Partner: "ACME"})
				}
				settle(time.Minute)
				ended = r.bus.Err() == nil
				r.restart()
				r.drop("940.edi", text)
				settle(20 * time.Minute)
				r.noLetters()
				var told, asked []string
				for _, s := range box.sets(t, "945") {
					told = append(told, elements(s, "W06", 2)...)
				}
				r.each(func(rec *journal.Record) {
					if rec.Type == "document.Queued" {
						asked = append(asked, r.paper(rec.Key[strings.LastIndex(rec.Key, "/")+1:]).About[0])
					}
				})
				if !slices.Equal(told, asked) {
					t.Errorf("%v left, in which order were %v", told, asked)
				}
				slices.Sort(told)
				if len(told) != len(orders) || len(slices.Compact(told)) != len(orders) || len(r.waits()) != 0 {
					t.Errorf("%v were told, %v wait", told, r.waits())
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 30/stride {
		t.Errorf("it died %d times only", died)
	}
}

func TestWhenABatchLeaves(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 0, 0, berlin) }
	for name, c := range map[string]struct {
		b         Batch
		now, want time.Time
	}{
		"after a while":                     {Batch{Every: 15 * time.Minute}, at(1, 9, 0), at(1, 9, 15)},
		"at the next of its times":          {Batch{At: []time.Duration{18 * time.Hour, 12 * time.Hour}}, at(1, 9, 0), at(1, 12, 0)},
		"at the first of tomorrow's":        {Batch{At: []time.Duration{18 * time.Hour, 12 * time.Hour}}, at(1, 18, 0), at(2, 12, 0)},
		"what comes first":                  {Batch{Every: 4 * time.Hour, At: []time.Duration{12 * time.Hour}}, at(1, 9, 0), at(1, 12, 0)},
		"what comes first, a while":         {Batch{Every: time.Hour, At: []time.Duration{12 * time.Hour}}, at(1, 9, 0), at(1, 10, 0)},
		"over the night of the clocks":      {Batch{At: []time.Duration{6 * time.Hour}}, at(24, 23, 0), at(25, 6, 0)},
		"nothing was agreed, so that it is": {Batch{}, at(1, 9, 0), at(1, 9, 0)},
	} {
		p := Partner{}
		p.Profile.Zone = berlin
		if got := c.b.due(c.now, p); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, s := range []string{"", "24:00", "6", "18:00-19:00", "noon"} {
		if _, err := ParseTimeOfDay(s); err == nil {
			t.Errorf("%q is taken for a time of a day", s)
		}
	}
	if d, err := ParseTimeOfDay("18:05"); err != nil || d != 18*time.Hour+5*time.Minute {
		t.Errorf("%v, %v", d, err)
	}
}
