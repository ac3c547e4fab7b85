package routes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/x12wms"
)

// mailbox is a partner's outbox folder: staged files, and those that were published. It
// outlives the hub.
type mailbox struct {
	mu     sync.Mutex
	staged map[string][]byte
	out    map[string][]byte
	times  map[string]int
	down   error
}

func newMailbox() *mailbox {
	return &mailbox{staged: map[string][]byte{}, out: map[string][]byte{}, times: map[string]int{}}
}

func (b *mailbox) Stage(_ context.Context, _, name string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.times[name] > 0 {
		return fault.E("mailbox", fault.Internal, errors.New("staged again after it was published"))
	}
	b.staged[name] = bytes.Clone(data)
	return nil
}

func (b *mailbox) Publish(_ context.Context, _, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return b.down
	}
	data, ok := b.staged[name]
	if !ok {
		return fault.E("mailbox", fault.Unknown, errors.New("nothing is staged"))
	}
	delete(b.staged, name)
	b.out[name] = data
	b.times[name]++
	return nil
}

func (b *mailbox) Staged(_ context.Context, _, name string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.staged[name]
	return ok, nil
}

// sets are the published transaction sets of a kind, in the order of their interchanges.
func (b *mailbox) sets(t *testing.T, id string) []*x12.Part {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []*x12.Part
	seen := map[string]string{}
	for name, data := range b.out {
		if bytes.HasPrefix(data, []byte("UNB")) {
			continue // see messages
		}
		if b.times[name] != 1 {
			t.Errorf("%s was published %d times", name, b.times[name])
		}
		doc, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range doc.Findings() {
			if f.Severity == x12.Error {
				t.Errorf("%s: %v", name, f)
			}
		}
		for p := range doc.Sets() {
			if in := seen[p.ISA.Receiver+p.ISA.Control]; in != "" && in != name {
				t.Errorf("control number %s was used twice", p.ISA.Control)
			}
			seen[p.ISA.Receiver+p.ISA.Control] = name
			if p.ST.ID == id {
				parts = append(parts, p)
			}
		}
	}
	slices.SortStableFunc(parts, func(a, b *x12.Part) int { return strings.Compare(a.ISA.Control, b.ISA.Control) })
	return parts
}

func elements(p *x12.Part, id string, n int) []string {
	var out []string
	for _, s := range p.Segments.All() {
		if s.Is(id) {
			out = append(out, s.Value(n))
		}
	}
	return out
}

// ediRig is a rig with one partner, ACME, and stock of what he orders.
func ediRig(t *testing.T, change ...func(*Partner)) (*rig, *mailbox) {
	t.Helper()
	r := newRig(t)
	box := newMailbox()
	p := Partner{
		Name: "ACME", ID: "ACME", Qualifier: "ZZ", OurID: "PAKLOG", OurQual: "ZZ", SendAnswers: true,
		Profile: x12wms.Profile{Tenant: site.Tenant, Partner: "ACME", Owner: site.Owner, Facility: site.Facility, Facilities: map[string]string{"DC1": site.Facility}},
	}
	for _, f := range change {
		f(&p)
	}
	r.edi = &EDI{Partners: map[string]Partner{"ACME": p}, Out: box}
	r.cfg.OtherCarriers = "ups"
	r.restart()
	r.must(door.Master, "SKU-1", item.Register{Spec: item.Spec{Units: []item.Unit{
		{UOM: item.Each, Factor: 1, Weight: 10 * measure.Gram, Dims: cm(2, 2, 2)}, {UOM: item.Case, Factor: 6}, {UOM: "PK", Factor: 2},
	}}})
	r.stockOnly("SKU-1", 1_000_000, "P-1")
	return r, box
}

func (r *rig) document(name, text string) (door.Accepted, error) {
	sum := sha256.Sum256([]byte(text))
	v, err := r.hub.Call(context.Background(), door.Documents, door.Document{
		Partner: "ACME", Name: name, Media: "application/edi-x12", Bytes: []byte(text),
		Key: door.Key{Scope: "folder/ACME", ID: hex.EncodeToString(sum[:]), Hash: sum},
	})
	if err != nil {
		return door.Accepted{}, err
	}
	return v.(door.Accepted), nil
}

func (r *rig) drop(name, text string) {
	r.t.Helper()
	if _, err := r.document(name, text); err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
}

func generated(t *testing.T, c x12gen.Config) (string, []x12gen.Order) {
	t.Helper()
	c.Items, c.SCACs, c.Options = []string{"SKU-1"}, []string{"UPSN"}, x12.WriterOptions{LineEnd: "\n"}
	var buf bytes.Buffer
	orders, err := x12gen.Write(&buf, c)
	if err != nil {
		t.Fatal(err)
	}
	return buf.String(), orders
}

func TestA940EndsIn945And997(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 3})
		r.drop("940.edi", text)
		settle(time.Minute)
		r.noLetters()
		acks := box.sets(t, "997")
		if len(acks) != 1 || !slices.Equal(elements(acks[0], "AK5", 1), []string{"A", "A", "A"}) || elements(acks[0], "AK9", 1)[0] != "A" {
			t.Fatalf("997s: %d", len(acks))
		}
		advices := box.sets(t, "945")
		var told []string
		for _, a := range advices {
			told = append(told, elements(a, "W06", 2)...)
		}
		var want []string
		for _, o := range orders {
			want = append(want, o.Number)
			r.status(o.Number, order.StatusShipped)
		}
		slices.Sort(told)
		slices.Sort(want)
		if !slices.Equal(told, want) {
			t.Fatalf("945s for %v, want %v", told, want)
		}
	})
}

func TestABadSetHarmsNoNeighbour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 2, Sets: 3, MostLine: 1})
		// The second set's quantity becomes a word.
		second := strings.Index(text, "ST*940*0002")
		at := second + strings.Index(text[second:], "W01*") + len("W01*")
		end := at + strings.IndexByte(text[at:], '*')
		r.drop("bad.edi", text[:at]+"MANY"+text[end:])
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || letters[0].Channel != "invalid" || !strings.Contains(letters[0].Place, "W01-01") || !strings.Contains(letters[0].Place, "byte "+strconv.Itoa(at)) {
			t.Fatalf("letters: %+v", letters)
		}
		if ack := box.sets(t, "997"); len(ack) != 1 || !slices.Equal(elements(ack[0], "AK5", 1), []string{"A", "R", "A"}) || elements(ack[0], "AK9", 1)[0] != "P" {
			t.Fatal("the 997 does not reject the bad set alone")
		}
		if n := len(box.sets(t, "945")); n != 2 {
			t.Errorf("%d 945s, want 2", n)
		}
		r.status(orders[0].Number, order.StatusShipped)
		r.status(orders[2].Number, order.StatusShipped)
		r.status(orders[1].Number, order.StatusNone)
	})
}

func TestAnInterchangeThatComesAgainIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, _ := generated(t, x12gen.Config{Seed: 3, Sets: 2, MostLine: 2})
		r.drop("a.edi", text)
		if a, err := r.document("a-again.edi", text); err != nil || !a.Repeat {
			t.Fatalf("the same bytes: %+v, %v", a, err)
		}
		// The same interchange in another wrapping is no other interchange.
		r.drop("b.edi", "\n\n"+text+"\n")
		settle(time.Minute)
		r.noLetters()
		c := r.count()
		if c["order.Accepted"] != 2 || c["x12.Repeated"] != 1 || len(box.sets(t, "945")) != 2 || len(box.sets(t, "997")) != 1 {
			t.Errorf("accepted %d, repeated %d, 945s %d, 997s %d", c["order.Accepted"], c["x12.Repeated"], len(box.sets(t, "945")), len(box.sets(t, "997")))
		}
	})
}

func TestWhatIsNoDocumentIsRefusedWithItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		if _, err := r.document("empty.edi", ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("empty: %v", err)
		}
		v, err := r.hub.Call(t.Context(), door.Documents, door.Document{Partner: "NOBODY", Name: "x", Bytes: []byte("ISA"), Key: door.Key{Scope: "s", ID: "1"}})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "NOBODY") {
			t.Errorf("unknown partner: %v %v", v, err)
		}
		for name, text := range map[string]string{
			"prose.edi": "Dear Sir or Madam,", "edifact.edi": "UNA:+.? 'UNB+UNOA:1+A+B+200101:1000+1'UNZ+0+1'",
			"isa-cut.edi": "ISA*00*   ", "binary.edi": "\x00\x01\x02\xff\xfe",
		} {
			r.drop(name, text)
		}
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 4 {
			t.Errorf("%d letters, want one a document", len(letters))
		}
		for _, l := range letters {
			if l.Channel != "invalid" || l.Place == "" {
				t.Errorf("letter %+v", l)
			}
		}
		if n := r.count()["order.Accepted"]; n != 0 {
			t.Errorf("%d orders of nothing", n)
		}
	})
}

func TestWhatBelongsToNoSetIsALetterAndNeverDropped(t *testing.T) {
	change := func(from, to string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, from) {
				t.Fatalf("%q is not in the document", from)
			}
			return strings.Replace(text, from, to, 1)
		}
	}
	before := func(tag string) func(string) string {
		return func(text string) string { return text[:strings.Index(text, tag)] }
	}
	for name, c := range map[string]struct {
		edit     func(string) string
		accepted int
		place    string // of the letter; "" is no letter
	}{
		"nothing wrong":               {func(s string) string { return s }, 2, ""},
		"blanks around it":            {func(s string) string { return "\r\n" + s + "\r\n\r\n" }, 2, ""},
		"a set whose ST is garbled":   {change("ST*940*0002", "XT*940*0002"), 1, "XT"},
		"a set without its ST":        {change("ST*940*0001~\n", ""), 1, "W05"},
		"an interchange behind it":    {func(s string) string { return s + strings.Replace(s, "ISA*", "IXA*", 1) }, 2, "line "},
		"words behind it":             {func(s string) string { return s + "PLEASE CALL US\n" }, 2, "line "},
		"cut off in its group header": {func(s string) string { return s[:strings.Index(s, "GS*")+9] }, 0, "GS"},
		"cut off behind a header":     {before("GS*"), 0, "IEA"},
		"cut off between two sets":    {before("ST*940*0002"), 1, "GE"},
		"cut off in a set":            {before("SE*"), 0, "SE"},
		"fewer sets than are said":    {change("GE*2*", "GE*3*"), 2, "GE-01"},
		"one separator for all":       {func(s string) string { return strings.ReplaceAll(s, "~", "*") }, 0, "line "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := ediRig(t)
				text, _ := generated(t, x12gen.Config{Seed: 6, Sets: 2, MostLine: 1})
				r.drop("a.edi", c.edit(text))
				settle(time.Minute)
				letters := r.letters()
				if c.place == "" {
					r.noLetters()
				} else if len(letters) != 1 || letters[0].Channel != "invalid" || !strings.Contains(letters[0].Place, c.place) || !strings.Contains(letters[0].Cause, "a.edi") {
					t.Errorf("letters: %+v", letters)
				}
				if n := r.count()["order.Accepted"]; n != c.accepted {
					t.Errorf("%d orders, want %d", n, c.accepted)
				}
			})
		})
	}
}

func TestAnUnknownItemNamesItsElementAndGoesOnWhenItIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 6, Sets: 1, MostLine: 1})
		r.drop("a.edi", strings.ReplaceAll(text, "SKU-1", "SKU-9"))
		settle(time.Minute)
		letters := r.letters()
		if len(letters) != 1 || !strings.HasPrefix(letters[0].Place, "W01-05") {
			t.Fatalf("letters: %+v", letters)
		}
		r.must(door.Master, "SKU-9", item.Register{Spec: item.Spec{Units: []item.Unit{
			{UOM: item.Each, Factor: 1, Weight: 10 * measure.Gram, Dims: cm(2, 2, 2)}, {UOM: item.Case, Factor: 6}, {UOM: "PK", Factor: 2},
		}}})
		r.stockOnly("SKU-9", 100_000, "P-1")
		settle(time.Hour)
		r.noLetters()
		r.status(orders[0].Number, order.StatusShipped)
		if n := len(box.sets(t, "945")); n != 1 {
			t.Errorf("%d 945s", n)
		}
	})
}

func TestAn850IsAnsweredLineByLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 7, Set: "850", Sets: 2, MostLine: 2})
		r.drop("850.edi", text)
		settle(time.Minute)
		answers := box.sets(t, "855")
		if len(answers) != 2 || len(box.sets(t, "945")) != 0 {
			t.Fatalf("855s %d, 945s %d", len(answers), len(box.sets(t, "945")))
		}
		for _, o := range orders {
			i := slices.IndexFunc(answers, func(a *x12.Part) bool { return elements(a, "BAK", 3)[0] == o.Number })
			if i < 0 {
				t.Fatalf("no 855 for %s", o.Number)
			}
			if n := len(elements(answers[i], "PO1", 1)); n != len(o.Lines) || len(elements(answers[i], "ACK", 1)) < n {
				t.Errorf("the 855 of %s has %d lines of %d", o.Number, n, len(o.Lines))
			}
		}
	})
}

// functionalAck is ACME's 997 for a 945 of ours.
func functionalAck(t *testing.T, control, code string) string {
	t.Helper()
	var buf bytes.Buffer
	w := x12.NewWriter(&buf, x12.WriterOptions{})
	err := errors.Join(
		w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "ACME", ReceiverQualifier: "ZZ", Receiver: "PAKLOG", Date: "261123", Time: "0900", Version: "00401", Control: "000000777", Usage: "P"}),
		w.BeginGroup(x12.GS{FunctionalID: "FA", Sender: "ACME", Receiver: "PAKLOG", Date: "20261123", Time: "0900", Control: "777", Agency: "X", Version: "004010"}),
		w.WriteSet(x12.ST{ID: "997", Control: "0001"}, []x12.Out{
			x12.Seg("AK1", "SW", control), x12.Seg("AK2", "945", "0001"), x12.Seg("AK5", code), x12.Seg("AK9", code, "1", "1", "1"),
		}), w.EndGroup(), w.EndInterchange(), w.Close())
	if err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestThePartners997ClosesTheWatchAndItsRejectionOrSilenceRaisesIt(t *testing.T) {
	for name, c := range map[string]struct {
		code    string
		letters int
	}{"accepted": {"A", 0}, "rejected": {"R", 1}, "silent": {"", 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				text, _ := generated(t, x12gen.Config{Seed: 8, Sets: 1, MostLine: 1})
				r.drop("940.edi", text)
				settle(time.Minute)
				advice := box.sets(t, "945")[0]
				if c.code != "" {
					r.drop("997.edi", functionalAck(t, advice.GS.Control, c.code))
				}
				settle(25 * time.Hour)
				letters := r.letters()
				if len(letters) != c.letters {
					t.Fatalf("letters: %+v", letters)
				}
				if n := len(box.sets(t, "997")); n != 1 {
					t.Errorf("%d 997s: an acknowledgement was acknowledged", n)
				}
			})
		})
	}
}

func TestAMailboxThatIsAwayHoldsNothingElseUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		box.down = fault.E("mailbox", fault.Unavailable, errors.New("no such host"))
		text, orders := generated(t, x12gen.Config{Seed: 9, Sets: 2, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Hour)
		r.noLetters()
		for _, o := range orders {
			r.status(o.Number, order.StatusShipped)
		}
		if len(box.out) != 0 {
			t.Fatal("published to a mailbox that is away")
		}
		box.mu.Lock()
		box.down = nil
		box.mu.Unlock()
		settle(time.Hour)
		r.noLetters()
		if len(box.sets(t, "997")) != 1 || len(box.sets(t, "945")) != 2 {
			t.Errorf("997s %d, 945s %d after it came back", len(box.sets(t, "997")), len(box.sets(t, "945")))
		}
	})
}

// The process dies after each unit from the door to the mailbox; every order is told once.
func TestACrashAfterAnyUnitOfADocumentChangesNothing(t *testing.T) {
	text, orders := generated(t, x12gen.Config{Seed: 10, Sets: 2, MostLine: 1})
	died := 0
	for n := 0; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("940.edi", text) // no answer: the file stays and comes again
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("940.edi", text)
					settle(time.Hour)
				}
				r.noLetters()
				for _, o := range orders {
					r.status(o.Number, order.StatusShipped)
				}
				if a, b := len(box.sets(t, "997")), len(box.sets(t, "945")); a != 1 || b != 2 {
					t.Errorf("997s %d, 945s %d", a, b)
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

// A document of more sets than one unit holds goes on where it was killed, and each set
// becomes one order.
func TestALargeDocumentIsSplitOnceWhateverDies(t *testing.T) {
	const sets = splitBatch + 10
	text, _ := generated(t, x12gen.Config{Seed: 11, Sets: sets, MostLine: 1})
	for n := range 3 {
		synctest.Test(t, func(t *testing.T) {
			r, box := ediRig(t)
			r.batch = 1
			r.restart()
			r.crash(n)
			_, _ = r.document("large.edi", text)
			settle(10 * time.Second)
			if r.bus.Err() == nil {
				t.Fatal("it was not killed")
			}
			r.batch = 0
			r.restart()
			r.drop("large.edi", text)
			settle(time.Hour)
			seen := map[journal.ID]bool{}
			split := 0
			r.each(func(rec *journal.Record) {
				if rec.Type == "x12.GroupJudged" && split > 0 {
					t.Errorf("the verdict waited for %d sets", split)
				}
				if rec.Source == "x12.split" && rec.Type == "x12.Set" && rec.Topic == topicSets {
					split++
					if seen[rec.ID] {
						t.Fatalf("set %s stands twice", rec.ID)
					}
					seen[rec.ID] = true
				}
			})
			if c := r.count(); split != sets || c["order.Accepted"] != sets || c["x12.GroupJudged"] != 1 {
				t.Errorf("killed after %d units: %d sets, %d orders, %d groups", n, split, c["order.Accepted"], c["x12.GroupJudged"])
			}
			if acks := box.sets(t, "997"); len(acks) != 1 || len(elements(acks[0], "AK5", 1)) != sets {
				t.Errorf("killed after %d units: %d 997s", n, len(acks))
			}
		})
	}
}

// Each interchange's verdicts stand before its own sets, and behind those of the interchange
// before; one that comes again has none, and neither has one of a stranger.
func TestVerdictsStandBeforeTheirSets(t *testing.T) {
	good, _ := generated(t, x12gen.Config{Seed: 12, Sets: 2, MostLine: 1, Control: 1})
	bad, _ := generated(t, x12gen.Config{Seed: 13, Sets: 2, MostLine: 1, Control: 2, OrderPrefix: "BAD-"})
	bad = strings.ReplaceAll(bad, "W01*", "W01*MANY")
	strange, _ := generated(t, x12gen.Config{Seed: 14, Sets: 1, Control: 3, Sender: "OTHER", OrderPrefix: "OTHER-"})
	cut, _ := generated(t, x12gen.Config{Seed: 15, Sets: 2, MostLine: 1, Control: 4, OrderPrefix: "CUT-"})
	cut = cut[:strings.Index(cut, "SE*")] // nor has its end
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		r.drop("all.edi", good+bad+good+strange+cut)
		settle(time.Minute)
		var got []string
		r.each(func(rec *journal.Record) {
			if rec.Source == "x12.split" {
				var in setInfo
				var v verdict
				if err := errors.Join(json.Unmarshal(rec.Data, &in), json.Unmarshal(rec.Data, &v)); err != nil {
					t.Error(err)
				}
				got = append(got, rec.Type+" "+cmp.Or(in.Identity.Interchange, v.ISA.Control)+" "+in.Identity.Set)
			}
		})
		want := []string{
			"x12.GroupJudged 000000001 ", "x12.Set 000000001 0001", "x12.Set 000000001 0002",
			"x12.GroupJudged 000000002 ", "x12.Refused 000000002 0001", "x12.Refused 000000002 0002",
			"x12.Repeated  ",
			"x12.Refused 000000003 ",
			"x12.InterchangeJudged  ", // it is not whole, of which its sender is told unasked
			"x12.GroupJudged 000000004 ", "x12.Refused 000000004 0001",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		var codes []string
		for _, a := range box.sets(t, "997") {
			codes = append(codes, elements(a, "AK9", 1)...)
		}
		if slices.Sort(codes); !slices.Equal(codes, []string{"A", "R", "R"}) {
			t.Errorf("the 997s say %v", codes)
		}
	})
}

// One bad set after the other fits the 997 and its journal; more sets than that are refused
// before the first is worked on, and hold no other document up.
func TestADocumentOfTooManySetsIsRefusedWhole(t *testing.T) {
	document := func(control, sets int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "ISA*00*          *00*          *ZZ*%-15s*ZZ*%-15s*261123*0800*U*00401*%09d*0*P*>~GS*OW*%s*PAKLOG*20261123*0800*%d*X*004010~",
			"ACME", "PAKLOG", control, "ACME", control)
		for i := range sets {
			fmt.Fprintf(&b, "ST*940*%04d~SE*2*%04d~", i+1, i+1)
		}
		fmt.Fprintf(&b, "GE*%d*%d~IEA*1*%09d~", sets, control, control)
		return b.String()
	}
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t)
		r.drop("many.edi", document(1, maxSets+1))
		r.drop("few.edi", document(2, 2))
		settle(time.Minute)
		var whole []dlq.Entry
		for _, l := range r.letters() {
			if l.Route == "x12.split" {
				whole = append(whole, l)
			}
		}
		if len(whole) != 1 || whole[0].Channel != "invalid" || whole[0].Place != "many.edi" || !strings.Contains(whole[0].Cause, "more than 100000 sets or messages") {
			t.Errorf("letters %+v", whole)
		}
		if c := r.count(); c["x12.Refused"] != 2 || c["x12.GroupJudged"] != 1 {
			t.Errorf("%d sets were worked on and %d groups judged, want those of the other document", c["x12.Refused"], c["x12.GroupJudged"])
		}
	})
}

// payloads is a store of long documents, in memory.
type payloads struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (p *payloads) Put(_ context.Context, r io.Reader) (string, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[hex.EncodeToString(sum[:])] = data
	return hex.EncodeToString(sum[:]), nil
}

func (p *payloads) Open(_ context.Context, name string) (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	data, ok := p.kept[name]
	if !ok {
		return nil, errors.New("no such payload")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func TestALongDocumentLiesBesideTheJournalAndALostOneIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		store := &payloads{kept: map[string][]byte{}}
		r.edi.Payloads = store
		r.restart()
		text, orders := generated(t, x12gen.Config{Seed: 12, Sets: 220, MostLine: 2})
		if len(text) <= eip.MaxInline {
			t.Fatalf("%d bytes are not long", len(text))
		}
		r.drop("long.edi", text)
		settle(time.Minute)
		r.noLetters()
		if n := len(box.sets(t, "945")); n != len(orders) {
			t.Errorf("%d 945s of %d orders", n, len(orders))
		}
		r.each(func(rec *journal.Record) {
			if rec.Type == "document.Received" && (len(rec.Personal) > 0 || rec.Headers[eip.Ticket] == "") {
				t.Error("the journal holds the long document itself")
			}
		})

		// A payload that cannot be read is an outage of the store, not a bad document.
		other, _ := generated(t, x12gen.Config{Seed: 13, Sets: 220, MostLine: 2, Control: 2, OrderPrefix: "N-"})
		if err := r.hub.Pause(t.Context(), "x12.split", "test"); err != nil {
			t.Fatal(err)
		}
		r.drop("away.edi", other)
		store.mu.Lock()
		hidden := store.kept
		store.kept = map[string][]byte{}
		store.mu.Unlock()
		if err := r.hub.Resume(t.Context(), "x12.split", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		store.mu.Lock()
		store.kept = hidden
		store.mu.Unlock()
		settle(time.Hour)
		r.noLetters()
		if n := len(box.sets(t, "945")); n != 2*len(orders) {
			t.Errorf("%d 945s after the store was back", n)
		}
	})
}

func TestAnInterchangeOfAStrangerIsNeitherWorkedOnNorAcknowledged(t *testing.T) {
	for name, c := range map[string]struct{ from, to, place string }{
		"another sender":   {"ACME           *ZZ*PAKLOG", "STRANGER       *ZZ*PAKLOG", "ISA-06"},
		"another receiver": {"*ZZ*PAKLOG         *", "*ZZ*SOMEBODY       *", "ISA-08"},
		"a test":           {"*P*", "*T*", "ISA-15"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				text, _ := generated(t, x12gen.Config{Seed: 14, Sets: 2, MostLine: 1})
				if !strings.Contains(text, c.from) {
					t.Fatalf("no %q in %.120s", c.from, text)
				}
				r.drop("a.edi", strings.Replace(text, c.from, c.to, 1))
				settle(time.Minute)
				letters := r.letters()
				if len(letters) != 1 || letters[0].Channel != "invalid" || !strings.Contains(strings.ReplaceAll(letters[0].Place, "ISA0", "ISA-0"), c.place) {
					t.Fatalf("letters: %+v", letters)
				}
				if n := r.count()["order.Accepted"]; n != 0 || len(box.out) != 0 {
					t.Errorf("%d orders, %d documents went out", n, len(box.out))
				}
				// The right one is taken all the same: the stranger's number is not his.
				r.drop("b.edi", text)
				settle(time.Minute)
				if n := r.count()["order.Accepted"]; n != 2 {
					t.Errorf("%d orders of the partner's own interchange", n)
				}
			})
		})
	}
}
