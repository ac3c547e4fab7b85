package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/journal"
)

func full() *journal.Unit {
	at := time.Unix(1700000000, 5).UTC()
	id := journal.NewID(at, [10]byte{1, 2, 3})
	return &journal.Unit{
		ID: id, At: at, Cause: journal.Cause{Sub: "wave", Part: 63, Pos: 9, Done: true},
		Expect: []journal.Expect{{Stream: "o/1", Version: journal.AnyVersion}, {Stream: "o/2", Version: journal.NoStream}},
		Records: []journal.Record{{
			ID: id, Type: "order.Accepted", Schema: 2, Topic: "order-events", Key: "k", Stream: "o/1", Time: at, Correlation: "c",
			Causation: id, Source: "http", Trace: "00-1", Headers: map[string]string{"b": "2", "a": "1"}, Data: []byte("d"), Subject: "p", Personal: []byte("n"),
		}, {Type: "bare"}},
		Postings:  []journal.Posting{{Book: "b", Account: "a", Amount: -5, Floor: journal.NoFloor}},
		States:    []journal.StateOp{{Key: "s", Tag: 7, Data: []byte{}}, {Key: "gone", Tag: 1}},
		Claims:    []journal.ClaimOp{{Scope: "s", ID: "i", Hash: [32]byte{1}, Answer: []byte("a"), Forget: true}, {Scope: "s", ID: "j", Expire: true}, {Scope: "s", ID: "k"}},
		Timers:    []journal.TimerOp{{ID: "t", Remove: true, Timer: journal.Timer{Sub: "w", Key: "k", Due: at, Type: "x", Data: []byte("d"), Pos: 3}}},
		Parks:     []journal.ParkOp{{Sub: "w", Key: "k", Pos: 3, Remove: true, Park: journal.Park{Reason: journal.ParkLetter, Attempt: 2, Since: at, Letter: "L", Cause: "why"}}},
		Letters:   []journal.LetterOp{{ID: "L", From: journal.LetterOpen, To: journal.LetterDropped, Letter: journal.Letter{Sub: "w", Key: "k", Pos: 1, Opened: at, Data: []byte("d")}}},
		Effects:   []journal.EffectOp{{Key: "e", From: journal.EffectStarted, To: journal.EffectUnknown, Effect: journal.Effect{Conn: "c", Ref: "r", Attempt: 1, Started: at, Deadline: at, Asked: 2, Outcome: []byte("o")}}},
		Snapshots: []journal.Snapshot{{Stream: "o/1", Version: 3, Fold: 4, Data: []byte("s")}},
	}
}

func TestUnitRoundTrip(t *testing.T) {
	t.Parallel()
	long := full()
	long.Records[0].Data = bytes.Repeat([]byte("long"), 4<<10)
	for _, u := range []*journal.Unit{full(), {}, long} {
		u.First = 7
		for i := range u.Records {
			u.Records[i].Pos = 7 + journal.Pos(i)
		}
		got, err := journal.DecodeUnit(7, journal.AppendUnit([]byte("before"), u)[6:])
		if err != nil || !reflect.DeepEqual(got, u) {
			t.Errorf("decoded %+v, %v; want %+v", got, err, u)
		}
	}
}

// reseal gives bytes a checksum that is right, so that what is behind it is met.
func reseal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func body(b []byte) []byte { return b[:len(b)-4] }

func TestDamagedUnitIsRefused(t *testing.T) {
	t.Parallel()
	b := journal.AppendUnit(nil, full())
	refused := func(what string, b []byte) {
		t.Helper()
		u, err := journal.DecodeUnit(41, b)
		d, ok := errors.AsType[*journal.DamageError](err)
		if !ok || u != nil || d.First != 41 || !strings.Contains(err.Error(), "position 41") {
			t.Errorf("%s: %+v, %v; want a DamageError of position 41", what, u, err)
		}
	}
	for n := range b {
		refused(fmt.Sprintf("the first %d of %d bytes", n, len(b)), b[:n])
		flipped := slices.Clone(b)
		for bit := range 8 {
			flipped[n] = b[n] ^ 1<<bit
			refused(fmt.Sprintf("bit %d of byte %d flipped", bit, n), flipped)
		}
		if n < len(b)-4 {
			refused(fmt.Sprintf("cut after %d bytes with a right checksum", n), reseal(b[:n]))
		}
	}
	refused("a byte to spare", append(slices.Clone(b), 0))
	refused("a byte to spare with a right checksum", reseal(append(slices.Clone(body(b)), 0)))
	for _, format := range []byte{0, 1, journal.Format + 1} {
		other := slices.Clone(body(b))
		other[0] = format
		refused(fmt.Sprintf("format %d", format), reseal(other))
	}
}

func FuzzDecodeUnit(f *testing.F) {
	f.Add(body(journal.AppendUnit(nil, full())))
	f.Add([]byte{journal.Format, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := journal.DecodeUnit(1, reseal(b))
		if err != nil {
			return
		}
		again, err := journal.DecodeUnit(1, journal.AppendUnit(nil, u))
		if err != nil || !reflect.DeepEqual(again, u) {
			t.Errorf("decoded %+v and again %+v, %v", u, again, err)
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	c := journal.Checkpoint{High: 9, Open: []journal.Pos{1, 4, 9}}
	f.Add(body(c.Append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := journal.DecodeCheckpoint(reseal(b))
		if err != nil {
			return
		}
		last := journal.Pos(0)
		for _, p := range c.Open {
			if p <= last || p > c.High {
				t.Fatalf("open %v under %d", c.Open, c.High)
			}
			last = p
		}
		again, err := journal.DecodeCheckpoint(c.Append(nil))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v and again %+v, %v", c, again, err)
		}
	})
}

func FuzzDecodeRows(f *testing.F) {
	f.Add([]byte("some bytes"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := journal.DecodeState(b); b != nil && err == nil {
			same(t, v, v.Append(nil), journal.DecodeState)
		}
		if v, err := journal.DecodeClaim(b); err == nil {
			same(t, v, v.Append(nil), journal.DecodeClaim)
		}
		if v, err := journal.DecodeTimer(b); err == nil {
			same(t, v, v.Append(nil), journal.DecodeTimer)
		}
		if v, err := journal.DecodePark(b); err == nil {
			same(t, v, v.Append(nil), journal.DecodePark)
		}
		if v, err := journal.DecodeLetter(b); err == nil {
			same(t, v, v.Append(nil), journal.DecodeLetter)
		}
		if v, err := journal.DecodeEffect(b); err == nil {
			same(t, v, v.Append(nil), journal.DecodeEffect)
		}
		if sub, key, pos, err := journal.ParseParkKey(string(b)); err == nil && bytes.Count(b, []byte{0}) == 2 {
			if s2, k2, p2, err := journal.ParseParkKey(journal.ParkKey(sub, key, pos)); err != nil || s2 != sub || k2 != key || p2 != pos {
				t.Errorf("park key %q: %q %q %d, %v", b, s2, k2, p2, err)
			}
		}
	})
}

func same[T any](t *testing.T, v T, b []byte, decode func([]byte) (T, error)) {
	t.Helper()
	again, err := decode(b)
	if err != nil || !reflect.DeepEqual(again, v) {
		t.Errorf("%+v and again %+v, %v", v, again, err)
	}
}

func TestDamagedCheckpointIsRefused(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"empty": {}, "cut": {9, 2, 1}, "twice the same": {9, 2, 1, 0}, "below the first": {9, 1, 9}, "far below": {9, 2, 1, 200, 1},
		"more than may be open": {9, 0x81, 0x20}, "bytes to spare": {9, 0, 1},
	} {
		if c, err := journal.DecodeCheckpoint(reseal(b)); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
	c := journal.Checkpoint{High: 9, Open: []journal.Pos{1, 4, 9}}
	b := c.Append(nil)
	for n := range b {
		flipped := slices.Clone(b)
		flipped[n] ^= 1
		for _, bad := range [][]byte{b[:n], flipped} {
			if c, err := journal.DecodeCheckpoint(bad); err == nil {
				t.Errorf("%x of %x: %+v", bad, b, c)
			}
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1700000000123)
	id := journal.NewID(at, [10]byte{0xff, 0xff, 0xff, 0xff})
	if s := id.String(); s[:13] != "018bcfe5-687b" || s[14] != '7' || !bytes.ContainsAny([]byte{s[19]}, "89ab") {
		t.Errorf("%s is no UUIDv7 of its instant", s)
	}
	if later := journal.NewID(at.Add(time.Millisecond), [10]byte{}); later.String() <= id.String() {
		t.Errorf("%s sorts behind %s", id, later)
	}
	c := id.Child("route", "step", 1)
	if c != id.Child("route", "step", 1) || c == id.Child("route", "step", 2) || c == id.Child("routes", "tep", 1) || c.String()[14] != '8' {
		t.Errorf("children: %s", c)
	}
	for _, bad := range []string{"", "018bcfe5687b7fffbfff000000000000", id.String() + "0", "z18bcfe5-687b-7fff-bfff-000000000000", "018bcfe5-687b-7fff-bfff_000000000000"} {
		if _, err := journal.ParseID(bad); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		var id journal.ID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "id"))
		if got, err := journal.ParseID(id.String()); err != nil || got != id {
			r.Fatalf("%v: %v, %v", id, got, err)
		}
	})
}

func TestParkKeysOfAKeySortByPosition(t *testing.T) {
	t.Parallel()
	keys := []string{journal.ParkKey("w", "k", 1<<40), journal.ParkKey("w", "k", 9), journal.ParkKey("w", "k", 10)}
	slices.Sort(keys)
	for i, want := range []journal.Pos{9, 10, 1 << 40} {
		if sub, key, pos, err := journal.ParseParkKey(keys[i]); err != nil || sub != "w" || key != "k" || pos != want {
			t.Errorf("%q: %q %q %d, %v", keys[i], sub, key, pos, err)
		}
	}
	for _, bad := range []string{"", "w", "w\x00k", "w\x00k\x00zzzzzzzzzzzzzzzz", "wk\x000000000000000001", "w\x00k\x00+000000000000001"} {
		if _, _, _, err := journal.ParseParkKey(bad); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}

// A record with memory of its own says what it said.
func TestACompactRecordIsTheSame(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]journal.Record{
		"empty": {},
		"full": {
			ID: journal.ID{1}, Type: "t", Schema: 2, Topic: "topic", Key: "k", Stream: "s/1", Correlation: "c", Causation: journal.ID{2}, Source: "x",
			Trace: "00-1", Headers: map[string]string{"a": "b", "": "e"}, Data: []byte("data"), Subject: "sub", Personal: []byte("p"), Pos: 7, Version: 3,
		},
		"nothing in it": {Headers: map[string]string{}, Data: []byte{}, Personal: []byte{}},
	} {
		c := r
		c.Compact()
		if !reflect.DeepEqual(c, r) {
			t.Errorf("%s: %+v, want %+v", name, c, r)
		}
		if len(r.Data) > 0 {
			if r.Data[0] = 'X'; c.Data[0] == 'X' {
				t.Errorf("%s: it shares its data", name)
			}
			if r.Headers["a"] = "z"; c.Headers["a"] != "b" {
				t.Errorf("%s: it shares its headers", name)
			}
		}
	}
}
