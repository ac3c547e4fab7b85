package eip_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

func receiver(m message) (eip.OutsideID, error) {
	if m.Headers["id"] == "" {
		return eip.OutsideID{}, fault.At("shop", fault.Invalid, "header id", errors.New("a delivery without an id"))
	}
	return eip.OutsideID{Scope: "webhook/ACME", ID: m.Headers["id"], Hash: sha256.Sum256(m.Data)}, nil
}

// receive takes deliveries once. Data "broken" fails for good, "later" the first time.
var receive = eip.Receive(receiver,
	func(_ context.Context, m message) (out, []byte, error) {
		var data string
		if err := m.Decode(&data); err != nil {
			return nil, nil, err
		}
		switch {
		case data == "broken":
			return nil, nil, fault.E("receive", fault.Rejected, errors.New("broken"))
		case data == "later" && m.Attempt == 0:
			return nil, nil, fault.E("receive", fault.Transient, errors.New("not yet"))
		}
		return m.Out().Publish("out", "first", m.Key, data), []byte("took " + data), nil
	},
	func(_ context.Context, m message, first journal.Claim) (out, error) {
		return m.Out().Publish("out", "again", m.Key, string(first.Answer)), nil
	},
)

func delivery(at time.Duration, key, id, data string) input {
	return input{at: at, topic: "in", key: key, data: data, headers: map[string]string{"id": id}}
}

func TestReceiverTakesEachIDOnceWhateverDies(t *testing.T) {
	got := everyKill(t, scenario{routes: one(receive), outputs: []string{"out"}, until: time.Hour, inputs: []input{
		delivery(0, "a", "1", "x"), delivery(time.Second, "b", "1", "x"), delivery(2*time.Second, "c", "2", "later"), delivery(time.Minute, "d", "2", "later"),
	}})
	wantLines(t, got, "out", `first a "x"`, `again b "took x"`, `first c "later"`, `again d "took later"`)
}

func TestReceiverAnswersARepeatThatRacesTheFirst(t *testing.T) {
	for name, second := range map[string]string{"the same content": "x", "other content": "y"} {
		t.Run(name, func(t *testing.T) {
			rs := func(*routes.Hub) []routes.Route {
				var runs atomic.Int32
				both := make(chan struct{})
				return one(eip.Receive(receiver,
					func(_ context.Context, m message) (out, []byte, error) {
						// Neither goes on before both have seen that nobody was here.
						if runs.Add(1) == 2 {
							close(both)
						}
						<-both
						return m.Out().Publish("out", "first", "", nil), []byte("took"), nil
					},
					func(_ context.Context, m message, first journal.Claim) (out, error) {
						return m.Out().Publish("out", "again", "", string(first.Answer)), nil
					}))(nil)
			}
			got, _ := play(t, scenario{routes: rs, outputs: []string{"out"}, inputs: []input{
				delivery(0, "a", "1", "x"), delivery(0, "b", "1", second),
			}}, 0)
			if second == "x" {
				wantLines(t, got, "out", "first  null", `again  "took"`)
				return
			}
			wantLines(t, got, "out", "first  null")
			wantLetter(t, got, "invalid", "was used for other content")
		})
	}
}

func TestReceiverTakesWhatHasNoIDAndSaysHowOneWasReused(t *testing.T) {
	h := eip.Receive(func(m message) (eip.OutsideID, error) {
		return eip.OutsideID{
			Scope: "shop", ID: m.Headers["id"], Hash: sha256.Sum256(m.Data),
			Reused: func(journal.Claim) error {
				return fault.E("shop", fault.Rejected, errors.New("the shop counts from 1 again"))
			},
		}, nil
	}, func(_ context.Context, m message) (out, []byte, error) {
		return m.Out().Publish("out", "first", m.Key, nil), nil, nil
	},
		func(_ context.Context, m message, _ journal.Claim) (out, error) { return m.Out(), nil })
	got := everyKill(t, scenario{routes: one(h), outputs: []string{"out"}, inputs: []input{
		delivery(0, "a", "", "x"), delivery(0, "b", "", "x"), delivery(0, "c", "1", "x"), delivery(time.Millisecond, "d", "1", "y"),
	}})
	wantLines(t, got, "out", "first a null", "first b null", "first c null")
	if got.rows[journal.TableClaim] != 1 {
		t.Errorf("%d claims, want 1", got.rows[journal.TableClaim])
	}
	wantLetter(t, got, "rejected", "counts from 1 again")
}

// TestClaimCheckKeepsASealedDocumentApart checks in what stands in the sealed group, and not
// what is said about it.
func TestClaimCheckKeepsASealedDocumentApart(t *testing.T) {
	v := &vault{held: map[string][]byte{}}
	long := []byte(strings.Repeat("x", eip.MaxInline+1))
	in := eip.CheckIn(v, func(_ context.Context, m message) (out, error) {
		return m.Out().Send(journal.Record{Type: "document", Topic: "checked", Key: m.Key, Data: m.Data, Subject: "document/1", Personal: long}), nil
	})
	got, _ := play(t, scenario{routes: one(in), outputs: []string{"checked"}, inputs: []input{{topic: "in", key: "k", data: "about"}}}, 0)
	for _, r := range got.records["checked"] {
		if string(r.Data) != `"about"` || len(r.Personal) > 0 || !bytes.Equal(v.held[r.Headers[eip.Ticket]], long) {
			t.Errorf("%d bytes of data, %d sealed, ticket %q", len(r.Data), len(r.Personal), r.Headers[eip.Ticket])
		}
	}
	if len(got.records["checked"]) != 1 {
		t.Errorf("%d records", len(got.records["checked"]))
	}
	// Without a store a ticket leads nowhere, which trying again does not change.
	r := journal.Record{Type: "document", Headers: map[string]string{eip.Ticket: "abc"}}
	if _, err := eip.Payload(t.Context(), nil, eip.In{Record: &r}); fault.KindOf(err) != fault.Internal {
		t.Errorf("without a store: %v", err)
	}
}

func TestReceiverRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		inputs     []input
		kind, says string
	}{
		"an id with other content":       {[]input{delivery(0, "a", "1", "x"), delivery(time.Second, "b", "1", "y")}, "invalid", `id "1" of webhook/ACME was used for other content`},
		"a delivery without an id":       {[]input{delivery(0, "a", "", "x")}, "invalid", "without an id"},
		"what fails, and claims nothing": {[]input{delivery(0, "a", "1", "broken")}, "rejected", "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := play(t, scenario{routes: one(receive), outputs: []string{"out"}, inputs: c.inputs}, 0)
			wantLetter(t, got, c.kind, c.says)
			if want := len(c.inputs) - 1; len(got.of("out")) != want || got.rows[journal.TableClaim] != want {
				t.Errorf("%d outputs and %d claims, want %d of each", len(got.of("out")), got.rows[journal.TableClaim], want)
			}
		})
	}
}

// vault is a store in memory that refuses, or gives back something else, on demand.
type vault struct {
	held        map[string][]byte
	down, wrong bool
}

func (v *vault) Put(_ context.Context, r io.Reader) (string, error) {
	if v.down {
		return "", fault.E("vault.Put", fault.Transient, errors.New("disk is away"))
	}
	b, err := io.ReadAll(r)
	sum := sha256.Sum256(b)
	v.held[hex.EncodeToString(sum[:])] = b
	return hex.EncodeToString(sum[:]), err
}

func (v *vault) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	b, ok := v.held[hash]
	if !ok {
		return nil, fault.E("vault.Open", fault.Rejected, fmt.Errorf("no payload %s", hash))
	}
	if v.wrong {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:10]), iotestErr{})), nil
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) {
	return 0, fault.E("vault.Read", fault.Internal, errors.New("content is not that of its hash"))
}

func checked(v *vault) func(*routes.Hub) []routes.Route {
	return func(*routes.Hub) []routes.Route {
		return []routes.Route{
			{Name: "in", Topics: []string{"in"}, Handle: eip.CheckIn(v, func(_ context.Context, m message) (out, error) {
				return m.Out().Send(eip.Copy(&m.Record, "checked")), nil
			})},
			{Name: "out", Topics: []string{"checked"}, Handle: func(ctx context.Context, m message) (out, error) {
				r, err := eip.Payload(ctx, v, m.In())
				if err != nil {
					return nil, err
				}
				b, err := io.ReadAll(r)
				if err != nil {
					return nil, err
				}
				return m.Out().Publish("out", "read", m.Key, len(b)), r.Close()
			}},
		}
	}
}

func TestClaimCheckKeepsLongPayloadsApartWhateverDies(t *testing.T) {
	long := strings.Repeat("x", eip.MaxInline-1) // with its quotes it is one too long
	v := &vault{held: map[string][]byte{}}
	got := everyKill(t, scenario{routes: checked(v), outputs: []string{"checked", "out"}, inputs: []input{
		{topic: "in", key: "long", data: long}, {topic: "in", key: "fits", data: long[1:]},
	}})
	wantLines(t, got, "out", "read long 65537", "read fits 65536")
	for _, r := range got.records["checked"] {
		if ticket := r.Headers[eip.Ticket] != ""; ticket != (r.Key == "long") || ticket != (len(r.Data) == 0) {
			t.Errorf("%s carries %d bytes and ticket %q", r.Key, len(r.Data), r.Headers[eip.Ticket])
		}
	}
	if len(v.held) != 1 {
		t.Errorf("%d payloads are kept, want 1", len(v.held))
	}
}

func TestClaimCheckNamesNothingThatIsNotKept(t *testing.T) {
	long := []input{{topic: "in", key: "long", data: strings.Repeat("x", eip.MaxInline)}}
	t.Run("a store that is away", func(t *testing.T) {
		got, _ := play(t, scenario{routes: checked(&vault{down: true}), outputs: []string{"checked"}, inputs: long, until: time.Minute}, 0)
		wantLines(t, got, "checked")
		if got.rows[journal.TablePark] != 1 || len(got.letters) != 0 {
			t.Errorf("%d parked and %d letters, want a retry", got.rows[journal.TablePark], len(got.letters))
		}
	})
	t.Run("a payload that is another", func(t *testing.T) {
		got, _ := play(t, scenario{routes: checked(&vault{held: map[string][]byte{}, wrong: true}), outputs: []string{"out"}, inputs: long}, 0)
		wantLines(t, got, "out")
		wantLetter(t, got, "internal", "content is not that of its hash")
	})
	t.Run("a ticket that nobody gave", func(t *testing.T) {
		got, _ := play(t, scenario{routes: checked(&vault{}), outputs: []string{"out"}, inputs: []input{
			{topic: "checked", key: "x", headers: map[string]string{eip.Ticket: "abc"}},
		}}, 0)
		wantLetter(t, got, "rejected", "no payload abc")
	})
}

func TestEnricherWaitsForMasterData(t *testing.T) {
	items := map[string]int{"widget": 12}
	run := func(kind fault.Kind, grow bool) result {
		h := eip.Enrich(
			func(_ context.Context, m message) (int, error) {
				if grow && m.Attempt == 2 {
					return 7, nil
				}
				if n, ok := items[m.Key]; ok {
					return n, nil
				}
				return 0, fault.At("enrich", kind, "lines[0].item", fmt.Errorf("item %q is not known", m.Key))
			},
			func(_ context.Context, m message, n int) (out, error) {
				return m.Out().Publish("out", "enriched", m.Key, n), nil
			},
		)
		got, _ := play(t, scenario{routes: one(h), outputs: []string{"out"}, until: time.Minute, inputs: []input{
			{topic: "in", key: "widget"}, {topic: "in", key: "gadget"},
		}}, 0)
		return got
	}
	t.Run("as a letter", func(t *testing.T) {
		got := run(fault.Rejected, false)
		wantLines(t, got, "out", "enriched widget 12")
		wantLetter(t, got, "rejected", `item "gadget" is not known`)
	})
	t.Run("or by trying again", func(t *testing.T) {
		wantLines(t, run(fault.Transient, true), "out", "enriched widget 12", "enriched gadget 7")
	})
}

func TestWireTapCopiesWhatWasTakenAndNothingElse(t *testing.T) {
	tapped := eip.WireTap("tap", func(_ context.Context, m message) (out, error) {
		switch m.Key {
		case "bad":
			return nil, fault.E("tapped", fault.Rejected, errors.New("bad"))
		case "end":
			return nil, nil
		}
		return m.Out().Send(eip.Copy(&m.Record, "out")), nil
	})
	rs := func(h *routes.Hub) []routes.Route {
		return append(one(tapped)(h), routes.Route{Name: "listener", Topics: []string{"tap"}, Handle: func(context.Context, message) (out, error) {
			panic("a listener that fails alone")
		}})
	}
	got := everyKill(t, scenario{routes: rs, outputs: []string{"out", "tap"}, inputs: []input{
		{topic: "in", key: "a"}, {topic: "in", key: "bad"}, {topic: "in", key: "end"},
	}})
	wantLines(t, got, "out", "in a null")
	wantLines(t, got, "tap", "in a null", "in end null")
	if len(got.letters) != 3 {
		t.Errorf("%d letters, want that of the bad one and two of the listener", len(got.letters))
	}
}

func TestHistoryNamesEveryRouteAndFindsCircles(t *testing.T) {
	pass := func(name, to string) routes.Route {
		return routes.Route{Name: name, Topics: []string{name}, Handle: eip.History(func(_ context.Context, m message) (out, error) {
			return m.Out().Send(eip.Copy(&m.Record, to)), nil
		})}
	}
	rs := func(*routes.Hub) []routes.Route {
		return []routes.Route{pass("a", "b"), pass("b", "out"), pass("ping", "pong"), pass("pong", "ping")}
	}
	got := everyKill(t, scenario{routes: rs, outputs: []string{"out"}, inputs: []input{{topic: "a", key: "k"}}})
	wantLines(t, got, "out", "in k null history=a,b")

	got, _ = play(t, scenario{routes: rs, inputs: []input{{topic: "ping", key: "k"}}}, 0)
	wantLetter(t, got, "rejected", "passed 51 routes: it goes in a circle")
}

func TestNormalizerSpeaksOneLanguage(t *testing.T) {
	format := func(name string, item func(map[string]string) string) eip.Format[message, out] {
		return eip.Format[message, out]{
			Name: name, Is: func(m message) bool { return m.Headers["format"] == name },
			Translate: func(_ context.Context, m message, _ out) (journal.Record, error) {
				var doc map[string]string
				if err := m.Decode(&doc); err != nil {
					return journal.Record{}, err
				}
				return journal.Record{Type: "order", Topic: "out", Key: m.Key, Data: []byte(item(doc))}, nil
			},
		}
	}
	h := eip.Normalize(
		format("shopify", func(d map[string]string) string { return d["sku"] }),
		format("magento", func(d map[string]string) string { return d["product"] }),
	)
	in := func(key, format string, doc map[string]string) input {
		return input{topic: "in", key: key, data: doc, headers: map[string]string{"format": format}}
	}
	got := everyKill(t, scenario{routes: one(h), outputs: []string{"out"}, inputs: []input{
		in("1", "shopify", map[string]string{"sku": "widget"}), in("2", "magento", map[string]string{"product": "widget"}),
	}})
	wantLines(t, got, "out", "order 1 widget", "order 2 widget")
}

func TestCopyLeavesTheOriginalAlone(t *testing.T) {
	r := journal.Record{Type: "order.Accepted", Stream: "order/1", Pos: 7, Version: 3, Headers: map[string]string{"a": "1"}}
	before := maps.Clone(r.Headers)
	c := eip.Copy(&r, "out", "a", "2", "b", "3")
	if !maps.Equal(r.Headers, before) {
		t.Errorf("the original's headers became %v", r.Headers)
	}
	if c.Stream != "" || c.Pos != 0 || c.Version != 0 || !c.ID.IsZero() {
		t.Errorf("the copy kept its place: %+v", c)
	}
}
