package routes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/transforms/x12wms"
)

// chainRig has ACME, whose documents come by AS2 and into a folder and go to SHED, and SHED, who knows
// files alone and whose go to ACME.
func chainRig(t *testing.T, only bool) (*rig, *mailbox) {
	t.Helper()
	r, box := ediRig(t)
	r.edi.Partners["SHED"] = Partner{
		Name: "SHED", ID: "SHED", Qualifier: "ZZ", OurID: "PAKLOG", OurQual: "ZZ", HandsOn: HandsOn{To: "ACME", Only: true},
		Profile: x12wms.Profile{Tenant: site.Tenant, Partner: "SHED", Owner: site.Owner, Facility: site.Facility},
	}
	acme := r.edi.Partners["ACME"]
	acme.HandsOn = HandsOn{To: "SHED", Only: only}
	r.edi.Partners["ACME"] = acme
	r.edi.Stations = &postbox{}
	r.restart()
	return r, box
}

// byAS2 is a message of ACME's station with one document.
func (r *rig) byAS2(id, name string, data []byte) error {
	sum := sha256.Sum256(data)
	_, err := r.hub.Call(context.Background(), door.Stations, door.Arrival{
		Exchange:  door.Exchange{Partner: "ACME", MessageID: id, MIC: hex.EncodeToString(sum[:]), Accepted: true, At: r.hub.Now()},
		Documents: []door.Document{{Partner: "ACME", Name: name, Media: "application/edi-x12", Bytes: data, Key: door.Key{Scope: "as2/ACME", ID: id, Hash: sum}}},
	})
	return err
}

// from is a file of a partner's.
func (r *rig) from(partner, name string, data []byte) error {
	sum := sha256.Sum256(data)
	_, err := r.hub.Call(context.Background(), door.Documents, door.Document{
		Partner: partner, Name: name, Media: "application/edi-x12", Bytes: data, Key: door.Key{Scope: "folder/" + partner, ID: hex.EncodeToString(sum[:]), Hash: sum},
	})
	return err
}

// went are the documents that left for a partner, by name, as they lie in the box.
func (r *rig) went(box *mailbox, partner string) map[string]string {
	r.t.Helper()
	out := map[string]string{}
	r.each(func(rec *journal.Record) {
		if rec.Type == "document.Sent" && rec.Headers["partner"] == partner {
			name := rec.Headers["name"]
			if box.times[name] != 1 {
				r.t.Errorf("%s left %d times", name, box.times[name])
			}
			out[name] = string(box.out[name])
		}
	})
	return out
}

func handedOnOf(all map[string]string, prefix string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, prefix) {
			out = append(out, all[name])
		}
	}
	return out
}

// The same 940 comes by AS2 and in a folder, in either order and under either name: it is handed on
// once, byte for byte, and the hub works on it once.
func TestADocumentThatComesByBothDoorsIsTakenOnce(t *testing.T) {
	for _, station := range []int{0, 1} {
		t.Run(fmt.Sprintf("AS2 comes as number %d", station), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := chainRig(t, false)
				text, orders := generated(t, x12gen.Config{Seed: 3, Sets: 1, MostLine: 1, Control: 7})
				for i := range 2 {
					var err error
					if i == station {
						err = r.byAS2("<1@acme>", "orders.edi", []byte(text))
					} else {
						err = r.from("ACME", "940.edi", []byte(text))
					}
					if err != nil {
						t.Fatal(err)
					}
					settle(time.Minute)
				}
				settle(10 * time.Minute)
				if got := slices.Collect(maps.Values(r.went(box, "SHED"))); len(got) != 1 || got[0] != text {
					t.Errorf("%d documents went to SHED: %q", len(got), got)
				}
				n := r.count()
				if n["order.Accepted"] != len(orders) || n["x12.Repeated"] != 1 || n["document.Received"] != 2 {
					t.Errorf("%d orders, %d repeated, %d received", n["order.Accepted"], n["x12.Repeated"], n["document.Received"])
				}
				if acks := box.sets(t, "997"); len(acks) != 1 {
					t.Errorf("%d 997s", len(acks))
				}
				r.noLetters()
			})
		})
	}
}

// Of a partner whose documents are only handed on the hub takes none, says nothing, and brings back
// what the other has for him. Long ones too.
func TestDocumentsAreHandedOnBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := chainRig(t, true)
		text, _ := generated(t, x12gen.Config{Seed: 4, Sets: 1, MostLine: 1, Control: 8})
		long := bytes.Repeat([]byte("a line of a long report\n"), 20_000)
		answer := strings.Replace(text, "*940*", "*945*", 1)
		for i, err := range []error{r.byAS2("<2@acme>", "orders.edi", []byte(text)), r.byAS2("<3@acme>", "../Lager Süd.txt", long), r.from("SHED", "answer.edi", []byte(answer))} {
			if err != nil {
				t.Fatal(i, err)
			}
		}
		settle(10 * time.Minute)
		shed, acme := r.went(box, "SHED"), r.went(box, "ACME")
		if got := handedOnOf(shed, "orders-"); len(got) != 1 || got[0] != text {
			t.Errorf("SHED got %q", got)
		}
		if got := handedOnOf(shed, "-Lager-S-d-"); len(got) != 1 || got[0] != string(long) {
			t.Errorf("SHED got %d long documents of %v", len(got), slices.Collect(maps.Keys(shed)))
		}
		if got := handedOnOf(acme, "answer-"); len(got) != 1 || len(acme) != 1 || got[0] != answer {
			t.Errorf("ACME got %q", acme)
		}
		if n := r.count(); n["order.Accepted"]+n["x12.Set"]+n["x12.GroupJudged"] != 0 {
			t.Errorf("the hub worked on them: %v", n)
		}
		r.noLetters()
	})
}

// Other content under a name that went before goes beside it; a document that was handed on is not
// ours to write anew.
func TestAnotherDocumentOfTheSameNameIsHandedOnToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := chainRig(t, true)
		for i, text := range []string{"one", "two", "one"} {
			if err := r.from("ACME", "report.txt", []byte(text)); err != nil {
				t.Fatal(i, err)
			}
		}
		settle(time.Minute)
		went := r.went(box, "SHED")
		if got := handedOnOf(went, "report-"); len(got) != 2 || !slices.Contains(got, "one") || !slices.Contains(got, "two") {
			t.Errorf("SHED got %v", went)
		}
		for name := range went {
			_, err := r.hub.Call(t.Context(), door.Outbox, door.Resend{Partner: "SHED", Document: name, Actor: "ann"})
			if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "not ours") {
				t.Errorf("%s is sent anew: %v", name, err)
			}
		}
		r.noLetters()
	})
}

// While he is away whom documents go to they wait, and leave once he is back; what is refused at the
// door, and what is too long, is a letter and goes to nobody.
func TestWhatCannotBeHandedOnWaitsOrIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := chainRig(t, true)
		box.down = fault.E("test", fault.Unavailable, fmt.Errorf("his server is away"))
		if err := r.from("ACME", "report.txt", []byte("a report")); err != nil {
			t.Fatal(err)
		}
		settle(30 * time.Minute)
		if n := len(r.went(box, "SHED")); n != 0 {
			t.Errorf("%d went to a server that is away", n)
		}
		box.mu.Lock()
		box.down = nil
		box.mu.Unlock()
		settle(30 * time.Minute)
		if n := len(r.went(box, "SHED")); n != 1 {
			t.Errorf("%d went once it was back", n)
		}
		r.noLetters()

		_, err := r.hub.Call(t.Context(), door.Documents, door.Document{Partner: "ACME", Name: "empty.edi", Refused: "is empty", Key: door.Key{Scope: "refused/ACME", ID: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if err := r.from("ACME", "long.bin", bytes.Repeat([]byte("x"), mostHandedOn+1)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		var routes []string
		for _, l := range r.letters() {
			routes = append(routes, l.Route)
		}
		slices.Sort(routes)
		if !slices.Equal(routes, []string{"edi.hand-on", "edi.untaken"}) {
			t.Errorf("letters: %v", r.lettersText())
		}
		if n := len(r.went(box, "SHED")); n != 1 {
			t.Errorf("%d went in the end", n)
		}
	})
}

// The process dies after each unit in turn: what came by both doors is handed on once all the same.
func TestACrashWhileADocumentIsHandedOnChangesNothing(t *testing.T) {
	died := 0
	for n := 0; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := chainRig(t, true)
				r.batch = 1
				r.restart()
				r.crash(n)
				comes := func() error {
					if err := r.byAS2("<1@acme>", "orders.edi", []byte("orders")); err != nil {
						return err
					}
					return r.from("ACME", "orders.edi", []byte("orders"))
				}
				err := comes()
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					if again := comes(); again != nil { // who got no answer comes again
						t.Fatalf("first %v, again %v", err, again)
					}
					settle(time.Hour)
				}
				if got := slices.Collect(maps.Values(r.went(box, "SHED"))); len(got) != 1 || got[0] != "orders" {
					t.Errorf("%d documents went to SHED: %q", len(got), got)
				}
				r.noLetters()
			})
		})
		if t.Failed() || ended {
			break
		}
		died++
	}
	if died < 4 {
		t.Errorf("it died %d times: the flow has more units", died)
	}
}

// Nobody hands on to who is none.
func TestHandingOnToNobodyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := chainRig(t, true)
		cfg := *r.edi
		cfg.Partners = maps.Clone(cfg.Partners)
		delete(cfg.Partners, "SHED")
		if err := AddEDI(r.hub, r.flows, cfg); err == nil || !strings.Contains(err.Error(), "SHED") {
			t.Errorf("it is taken: %v", err)
		}
	})
}

func TestHandedOnNamesArePlain(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"940.edi", "", ".hidden", "../../etc/passwd", "a b.x12", strings.Repeat("n", 300) + ".edi", "x." + strings.Repeat("e", 300), "ä.edi", "..", "-"} {
		got := handedOnName("ACME", name, []byte(name))
		if got == "" || got[0] == '.' || len(got) > 128 || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
			t.Errorf("%q becomes %q", name, got)
		}
		if was, ok := seen[got]; ok {
			t.Errorf("%q and %q become %q", was, name, got)
		}
		seen[got] = name
	}
	if handedOnName("ACME", "940.edi", []byte("1")) == handedOnName("BOLT", "940.edi", []byte("1")) {
		t.Error("two partners' documents have one name")
	}
}
