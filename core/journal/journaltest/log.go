package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/paklog/hub/core/journal"
)

func testPositions(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	three := message("a")
	three.Records = append(three.Records, three.Records[0], event("o/1", 0).Records[0])
	bare := move(acme, "source", "free", 1)
	refused := move(acme, "free", "x", 9)
	one := message("b")
	r := s.write(&journal.Batch{Units: []*journal.Unit{three, bare, refused, one}})
	if r[0] != nil || r[1] != nil || r[2] == nil || r[3] != nil {
		t.Fatalf("refusals %v", r)
	}
	// Three records, one position for a unit without records, none for a refused one.
	if three.First != 1 || bare.First != 4 || one.First != 5 || one.Records[0].Pos != 5 || three.Records[2].Pos != 3 || three.Records[2].Version != 1 {
		t.Errorf("units stand at %d, %d, %d; records at %d and %d", three.First, bare.First, one.First, one.Records[0].Pos, three.Records[2].Pos)
	}
	if s.last() != 5 {
		t.Errorf("the log ends at %d, want 5", s.last())
	}
	for range 2 {
		for pos, first := range map[journal.Pos]journal.Pos{1: 1, 2: 1, 3: 1, 4: 4, 5: 5} {
			u, err := s.Holding(t.Context(), pos)
			if err != nil || u.First != first {
				t.Errorf("position %d is held by the unit at %d (%v), want %d", pos, u.First, err, first)
			}
			if rec, ok := u.At(pos); ok != (pos != 4) || ok && rec.Pos != pos {
				t.Errorf("position %d holds the record at %d", pos, rec.Pos)
			}
		}
		for _, pos := range []journal.Pos{0, 6, 1 << 62} {
			if _, err := s.Holding(t.Context(), pos); !errors.Is(err, journal.ErrNoUnit) {
				t.Errorf("position %d: %v, want ErrNoUnit", pos, err)
			}
		}
		for from, want := range map[journal.Pos][]journal.Pos{0: {1, 4}, 1: {1, 4}, 2: {4, 5}, 5: {5}, 6: nil} {
			units, err := s.Units(t.Context(), from, 2)
			var got []journal.Pos
			for _, u := range units {
				got = append(got, u.First)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("units from %d: %v %v, want %v", from, got, err, want)
			}
		}
		s.again()
	}
}

func testLanes(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	lane := func(n uint64, u *journal.Unit) *journal.Unit { u.Lane = n; return u }
	r := s.write(&journal.Batch{Units: []*journal.Unit{
		lane(1, message("a")),
		lane(1, event("o/1", 7)), // refused
		lane(2, message("b")),
		lane(1, message("c")), // its lane's tail
		message("d"),
		lane(1, event("o/1", 0)),
		lane(2, message("e")),
	}})
	var why []journal.RefusedWhy
	for _, x := range r {
		if x == nil {
			why = append(why, 0)
		} else {
			why = append(why, x.Why)
		}
	}
	if want := []journal.RefusedWhy{0, journal.RefusedVersion, 0, journal.RefusedLane, 0, journal.RefusedLane, 0}; !slices.Equal(why, want) {
		t.Errorf("refusals %v, want %v", why, want)
	}
	if s.last() != 4 {
		t.Errorf("the log ends at %d, want 4", s.last())
	}
	s.put(lane(1, message("f"))) // a lane's tail ends with its batch
}

func testTopics(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	topics := []string{"a", "b", "c"}
	want := map[string][]journal.Pos{}
	pos := journal.Pos(0)
	for batch := range 12 {
		var units []*journal.Unit
		for i := range 60 {
			u := &journal.Unit{ID: id(batch*100 + i), At: clock}
			for k := range i % 4 { // a unit in four holds none
				topic := topics[(i*7+k*k+batch)%len(topics)]
				if k == 2 && i%3 == 0 {
					topic = "" // only in its stream
				}
				u.Records = append(u.Records, journal.Record{Type: "x", Topic: topic, Key: fmt.Sprint(i), Data: fmt.Appendf(nil, "%d/%d/%d", batch, i, k)})
				want[topic] = append(want[topic], pos+journal.Pos(k)+1)
			}
			if batch == 3 && i == 5 {
				for k := range 1500 {
					u.Records = append(u.Records, journal.Record{Type: "x", Topic: "b"})
					want["b"] = append(want["b"], pos+journal.Pos(len(u.Records)))
					_ = k
				}
			}
			pos += journal.Pos(max(1, len(u.Records)))
			units = append(units, u)
		}
		s.put(units...)
	}
	for range 2 {
		for _, asked := range [][]string{{"a"}, {"b"}, {"a", "c"}, {"c", "b", "a"}, {"a", "a"}, {"never", "b"}, {"never"}, nil} {
			var all []journal.Pos
			for i, topic := range asked {
				if !slices.Contains(asked[:i], topic) {
					all = append(all, want[topic]...)
				}
			}
			slices.Sort(all)
			for _, limit := range []int{1000, 7} {
				if got := s.page(asked, limit); !slices.Equal(got, all) {
					t.Errorf("topics %q by %d: %d records, want %d", asked, limit, len(got), len(all))
				}
			}
		}
		if r, err := s.Topics(t.Context(), topics, 0, 0); err != nil || len(r) > 0 {
			t.Errorf("a limit of 0 gives %d records, %v", len(r), err)
		}
		s.again()
	}
}

// page reads topics to their end.
func (s *store) page(topics []string, limit int) []journal.Pos {
	s.t.Helper()
	var got []journal.Pos
	after := journal.Pos(0)
	for {
		records, err := s.Topics(s.t.Context(), topics, after, limit)
		if err != nil {
			s.t.Fatalf("Topics: %v", err)
		}
		for _, r := range records {
			if !slices.Contains(topics, r.Topic) {
				s.t.Fatalf("position %d is of topic %q, asked for %q", r.Pos, r.Topic, topics)
			}
			got = append(got, r.Pos)
			after = r.Pos
		}
		if len(records) < limit {
			return got
		}
	}
}

func testStreams(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	versions := map[string]uint64{}
	for batch := range 30 {
		var units []*journal.Unit
		for i := range 20 {
			u := &journal.Unit{ID: id(batch*100 + i), At: clock}
			for k := range 1 + i%3 {
				stream := fmt.Sprintf("o/%d", (i+k)%4)
				versions[stream]++
				u.Records = append(u.Records, journal.Record{Type: "x", Stream: stream, Data: fmt.Appendf(nil, "%s %d", stream, versions[stream])})
			}
			units = append(units, u)
		}
		s.put(units...)
	}
	for range 2 {
		for stream, last := range versions {
			h, err := s.Head(t.Context(), stream)
			if err != nil || h.Version != last {
				t.Fatalf("head of %s: %v, %v; want %d", stream, h, err, last)
			}
			for _, limit := range []int{1, 13, 64, 100_000} {
				step := uint64(max(1, limit/2))
				for after := uint64(0); after <= last; after += step {
					s.checkStream(stream, after, last, limit)
				}
			}
			s.checkStream(stream, last, last, 10)
			s.checkStream(stream, last+5, last, 10)
		}
		s.checkStream("never", 0, 0, 10)
		s.again()
	}
}

func (s *store) checkStream(stream string, after, last uint64, limit int) {
	s.t.Helper()
	records, err := s.Stream(s.t.Context(), stream, after, limit)
	if err != nil {
		s.t.Fatalf("Stream: %v", err)
	}
	want := 0
	if after < last {
		want = min(limit, int(last-after))
	}
	if len(records) != want {
		s.t.Fatalf("%s after %d: %d events, want %d", stream, after, len(records), want)
	}
	for i, r := range records {
		v := after + uint64(i) + 1
		if r.Version != v || r.Stream != stream || string(r.Data) != fmt.Sprintf("%s %d", stream, v) {
			s.t.Fatalf("%s after %d: event %d is version %d %q", stream, after, i, r.Version, r.Data)
		}
	}
}

// testBig writes what is at the limits.
func testBig(t *testing.T, open Open) {
	t.Parallel()
	s := start(t, open)
	u := &journal.Unit{ID: id(1), At: clock}
	for i := range journal.MaxRecords {
		u.Records = append(u.Records, journal.Record{Type: "x", Topic: "t", Stream: fmt.Sprintf("o/%d", i%5000), Data: []byte{byte(i)}})
		u.Postings = append(u.Postings,
			journal.Posting{Book: "b", Account: fmt.Sprintf("a%d", i), Amount: 1, Floor: 0},
			journal.Posting{Book: "b", Account: "source", Amount: -1, Floor: journal.NoFloor})
		u.States = append(u.States, journal.StateOp{Key: fmt.Sprint(i), Data: []byte("x")})
	}
	s.put(u)
	large := message("t")
	large.Records[0].Data = make([]byte, 20<<20)
	large.Records[0].Data[len(large.Records[0].Data)-1] = 7
	s.put(large)
	tooLarge := message("t")
	tooLarge.Records[0].Data = make([]byte, journal.MaxUnit)
	r := s.write(&journal.Batch{Units: []*journal.Unit{tooLarge, message("t")}})
	if r[0] == nil || r[0].Why != journal.RefusedMalformed || r[1] != nil {
		t.Errorf("a unit above the limit: %v, the one behind it: %v", r[0], r[1])
	}
	s.again()
	if got := len(s.page([]string{"t"}, 5000)); got != journal.MaxRecords+2 {
		t.Errorf("%d records, want %d", got, journal.MaxRecords+2)
	}
	rec, err := s.Topics(t.Context(), []string{"t"}, journal.MaxRecords, 1)
	if err != nil || len(rec) != 1 || len(rec[0].Data) != 20<<20 || rec[0].Data[20<<20-1] != 7 {
		t.Errorf("the large record came back as %d records, %v", len(rec), err)
	}
	if b, _ := s.Balance(t.Context(), "b", "source"); b.Amount != -journal.MaxRecords {
		t.Errorf("balance %d", b.Amount)
	}
}
