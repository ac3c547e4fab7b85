package journaltest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

// testRandom writes random batches to the driver and to journalmem: answers, logs and tables are
// the same after each, and after opening again.
func testRandom(t *testing.T, open Open) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := start(t, open)
		m := &store{Driver: journalmem.New(), t: t}
		for n := range rapid.IntRange(1, 8).Draw(r, "batches") {
			g := generator{r: r, view: m, batch: n}
			b := g.draw()
			got, err := s.Write(t.Context(), b)
			want, wantErr := m.Write(t.Context(), b)
			if (err == nil) != (wantErr == nil) {
				r.Fatalf("Write: %v, want %v", err, wantErr)
			}
			if !reflect.DeepEqual(got, want) {
				r.Fatalf("refusals %v, want %v", got, want)
			}
			if rapid.IntRange(0, 5).Draw(r, "reopen") == 0 {
				s.again()
			}
		}
		if got, want := s.dump(), m.dump(); got != want {
			r.Fatalf("store:\n%s\nwant:\n%s", got, want)
		}
		for _, topic := range []string{"a", "b"} {
			got, err := s.Topics(t.Context(), []string{topic}, 0, 1000)
			want, _ := m.Topics(t.Context(), []string{topic}, 0, 1000)
			if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				r.Fatalf("topic %s: %v, %v; want %v", topic, got, err, want)
			}
		}
		for i := range 3 {
			got, err := s.Stream(t.Context(), fmt.Sprintf("s%d", i), 0, 1000)
			want, _ := m.Stream(t.Context(), fmt.Sprintf("s%d", i), 0, 1000)
			if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				r.Fatalf("stream s%d: %v, %v; want %v", i, got, err, want)
			}
		}
		if err := s.Close(); err != nil {
			r.Fatalf("Close: %v", err)
		}
	})
}

// generator draws batches that are right more often than not.
type generator struct {
	r     *rapid.T
	view  *store
	batch int
	units int
}

func (g *generator) n(name string, limit int) int {
	return rapid.IntRange(0, limit-1).Draw(g.r, name)
}

func (g *generator) draw() *journal.Batch {
	b := &journal.Batch{}
	ctx := g.view.t.Context()
	last := g.view.last()
	for range g.n("deliveries", 3) {
		part := uint8(g.n("part", 2))
		c, err := g.view.Checkpoint(ctx, "sub", part)
		if err != nil || c.High >= last {
			continue
		}
		b.Delivered = append(b.Delivered, journal.Delivery{
			Sub: "sub", Part: part, Pos: min(last, c.High+journal.Pos(1+g.n("ahead", 3))), Skip: g.n("skip", 4) == 0,
		})
	}
	for range g.n("units", 8) {
		b.Units = append(b.Units, g.unit())
	}
	return b
}

func (g *generator) unit() *journal.Unit {
	g.units++
	u := &journal.Unit{ID: id(g.batch*1000 + g.units), At: clock, Lane: uint64(g.n("lane", 4))}
	ctx := g.view.t.Context()
	for range g.n("records", 4) {
		rec := journal.Record{Type: "x", Schema: 1, Topic: []string{"", "a", "b"}[g.n("topic", 3)], Key: "k", Time: clock}
		if s := g.n("stream", 6); s < 3 {
			rec.Stream = fmt.Sprintf("s%d", s)
		}
		rec.Data = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(g.r, "data")
		u.Records = append(u.Records, rec)
	}
	if s := g.n("expect", 6); s < 3 {
		h, err := g.view.Head(ctx, fmt.Sprintf("s%d", s))
		if err == nil {
			u.Expect = []journal.Expect{{Stream: fmt.Sprintf("s%d", s), Version: h.Version + uint64(g.n("off", 4)/3)}}
		}
	}
	if g.n("postings", 2) == 0 {
		names := []string{"source", "x", "y"}
		from, to := g.n("from", 3), g.n("to", 3)
		u.Postings = move(fmt.Sprintf("b%d", g.n("book", 2)), names[from], names[to], int64(g.n("amount", 6))).Postings
	}
	switch g.n("kind", 8) {
	case 0:
		key := fmt.Sprint(g.n("key", 3))
		row, _ := g.view.Row(ctx, journal.TableState, key)
		st, _ := journal.DecodeState(row)
		op := journal.StateOp{Key: key, Tag: st.Tag}
		if g.n("delete", 3) > 0 {
			op.Data = []byte{byte(g.units)}
		}
		u.States = []journal.StateOp{op}
	case 1:
		u.Claims = []journal.ClaimOp{{Scope: "s", ID: fmt.Sprint(g.n("id", 4)), Hash: [32]byte{byte(g.n("hash", 2))}}}
		switch g.n("forget", 4) {
		case 0:
			u.Claims[0].Forget = true
		case 1:
			u.Claims[0].Expire = true
		}
		u.At = u.At.Add(time.Duration(g.n("after", 5)) * journal.ClaimFor / 2)
	case 2:
		u.Timers = timer(fmt.Sprint(g.n("timer", 3)), g.n("remove", 2) == 0).Timers
	case 3:
		u.Parks = park(journal.Pos(g.n("pos", 3)), g.n("remove", 2) == 0).Parks
	case 4:
		u.Letters = letter(journal.LetterState(g.n("from", 4)), journal.LetterState(g.n("to", 4))).Letters
	case 5:
		u.Effects = effect(journal.EffectState(g.n("from", 8)), journal.EffectState(g.n("to", 8))).Effects
	case 6:
		u.Snapshots = []journal.Snapshot{{Stream: "s0", Version: uint64(g.n("version", 3)), Fold: 1, Data: []byte("s")}}
	case 7:
		part := uint8(g.n("part", 2))
		if c, err := g.view.Checkpoint(ctx, "sub", part); err == nil && len(c.Open) > 0 {
			u.Cause = journal.Cause{Sub: "sub", Part: part, Pos: c.Open[g.n("open", len(c.Open))], Done: g.n("done", 4) > 0}
		}
	}
	return u
}
