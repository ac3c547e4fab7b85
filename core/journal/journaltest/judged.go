package journaltest

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
)

type judged struct {
	name  string
	given []*journal.Unit // written before
	unit  *journal.Unit
	want  journal.RefusedWhy // 0: it is written
	what  string             // that the refusal names
	have  int64
	floor int64 // Want of the refusal
}

func unit(change func(*journal.Unit)) *journal.Unit {
	u := &journal.Unit{ID: id(9), At: clock}
	change(u)
	return u
}

func postings(ps ...journal.Posting) *journal.Unit {
	return unit(func(u *journal.Unit) { u.Postings = ps })
}

func expect(xs ...journal.Expect) *journal.Unit {
	return unit(func(u *journal.Unit) { u.Expect = xs })
}

func claim(name, content string) *journal.Unit {
	return unit(func(u *journal.Unit) {
		u.Claims = []journal.ClaimOp{{Scope: "as2/ACME", ID: name, Hash: [32]byte{1: content[0]}, Answer: []byte("answer to " + content)}}
	})
}

func forget(name string) *journal.Unit {
	return unit(func(u *journal.Unit) { u.Claims = []journal.ClaimOp{{Scope: "as2/ACME", ID: name, Forget: true}} })
}

// expire is a unit that removes what is expired of a claim.
func expire(name string) *journal.Unit {
	return unit(func(u *journal.Unit) { u.Claims = []journal.ClaimOp{{Scope: "as2/ACME", ID: name, Expire: true}} })
}

// later is a unit of a later time.
func later(u *journal.Unit, d time.Duration) *journal.Unit {
	u.At = u.At.Add(d)
	return u
}

func timer(name string, remove bool) *journal.Unit {
	return unit(func(u *journal.Unit) {
		u.Timers = []journal.TimerOp{{ID: name, Remove: remove, Timer: journal.Timer{Sub: "wave", Key: "k", Due: clock, Type: "wave.Cutoff"}}}
	})
}

func park(pos journal.Pos, remove bool) *journal.Unit {
	return unit(func(u *journal.Unit) {
		u.Parks = []journal.ParkOp{{Sub: "out.acme", Key: "k", Pos: pos, Remove: remove, Park: journal.Park{Reason: journal.ParkRetry, Attempt: 1, Since: clock}}}
	})
}

func letter(from, to journal.LetterState) *journal.Unit {
	return unit(func(u *journal.Unit) { u.Letters = []journal.LetterOp{{ID: "L1", From: from, To: to}} })
}

func effect(from, to journal.EffectState) *journal.Unit {
	return unit(func(u *journal.Unit) {
		u.Effects = []journal.EffectOp{{Key: journal.EffectKey("buy_label", id(7), "ship"), From: from, To: to, Effect: journal.Effect{Conn: "fedex", Started: clock}}}
	})
}

// state writes or, for "", deletes a pattern state by the unit of number n.
func state(n int, tag uint64, data string) *journal.Unit {
	u := &journal.Unit{ID: id(n), At: clock, States: []journal.StateOp{{Key: "aggregator/1", Tag: tag}}}
	if data != "" {
		u.States[0].Data = []byte(data)
	}
	return u
}

// tagOf is the tag that a state written by the unit of number n has: what a writer would read.
func tagOf(n int) uint64 {
	i := id(n)
	var v uint64
	for _, b := range i[8:] {
		v = v<<8 | uint64(b)
	}
	return v | 1
}

func chain(units ...*journal.Unit) []*journal.Unit { return units }

func effectChain(states ...journal.EffectState) []*journal.Unit {
	var out []*journal.Unit
	for i := 1; i < len(states); i++ {
		out = append(out, effect(states[i-1], states[i]))
	}
	return out
}

const acme = "acme/widget@east"

func judgedCases() []judged {
	long := strings.Repeat("x", 1025)
	P := func(account string, amount, floor int64) journal.Posting {
		return journal.Posting{Book: acme, Account: account, Amount: amount, Floor: floor}
	}
	three := chain(event("o/1", 0), event("o/1", 1), event("o/1", 2))
	stocked := chain(move(acme, "source", "free", 10))
	return []judged{
		{name: "no stream is what a new stream expects", unit: event("o/1", journal.NoStream)},
		{name: "exact version", given: three, unit: event("o/1", 3)},
		{name: "version behind", given: three, unit: event("o/1", 2), want: journal.RefusedVersion, what: "o/1", have: 3, floor: 2},
		{name: "version ahead", given: three, unit: event("o/1", 4), want: journal.RefusedVersion, what: "o/1", have: 3, floor: 4},
		{name: "stream exists already", given: three, unit: event("o/1", journal.NoStream), want: journal.RefusedVersion, what: "o/1", have: 3},
		{name: "any version", given: three, unit: event("o/1", journal.AnyVersion)},
		{name: "stream that is only read stands", given: three, unit: expect(journal.Expect{Stream: "o/1", Version: 3}, journal.Expect{Stream: "o/2", Version: 0})},
		{name: "stream that is only read moved", given: three, unit: expect(journal.Expect{Stream: "o/2", Version: 0}, journal.Expect{Stream: "o/1", Version: 1}), want: journal.RefusedVersion, what: "o/1", have: 3, floor: 1},
		{name: "one of several streams moved", given: three, unit: unit(func(u *journal.Unit) {
			u.Expect = []journal.Expect{{Stream: "o/2", Version: 0}, {Stream: "o/1", Version: 2}}
			u.Records = []journal.Record{{Type: "a", Stream: "o/2"}, {Type: "a", Stream: "o/1"}}
		}), want: journal.RefusedVersion, what: "o/1", have: 3, floor: 2},
		{name: "record without a type", unit: unit(func(u *journal.Unit) { u.Records = []journal.Record{{Topic: "t"}} }), want: journal.RefusedMalformed},
		{name: "NUL in a stream", unit: event("o\x001", 0), want: journal.RefusedMalformed},
		{name: "stream name too long", unit: event(long, 0), want: journal.RefusedMalformed},
		{name: "stream name as long as allowed", unit: event(long[:1024], 0)},
		{name: "stream without a name is expected", unit: expect(journal.Expect{}), want: journal.RefusedMalformed},
		{name: "too many records", unit: unit(func(u *journal.Unit) {
			u.Records = make([]journal.Record, journal.MaxRecords+1)
		}), want: journal.RefusedMalformed, what: "commit every"},

		{name: "stock moves", given: stocked, unit: move(acme, "free", "reserved", 10)},
		{name: "floor", given: stocked, unit: move(acme, "free", "reserved", 11), want: journal.RefusedFloor, what: acme + " free", have: 10},
		{name: "floor of an account that never was", unit: move(acme, "free", "reserved", 1), want: journal.RefusedFloor, what: acme + " free"},
		{name: "dip and return within a unit", given: stocked, unit: postings(P("free", -50, 0), P("reserved", 50, 0), P("free", 45, 0), P("reserved", -45, 0))},
		{name: "dip without return", given: stocked, unit: postings(P("free", -50, 0), P("reserved", 50, 0), P("free", 39, 0), P("reserved", -39, 0)), want: journal.RefusedFloor, what: acme + " free", have: 10},
		{name: "floor above zero holds from the first posting", unit: postings(P("source", -3, journal.NoFloor), P("reserve", 3, 5)), want: journal.RefusedFloor, what: acme + " reserve", floor: 5},
		{name: "negative floor", unit: postings(P("credit", -5, -5), P("free", 5, 0))},
		{name: "below a negative floor", unit: postings(P("credit", -6, -5), P("free", 6, 0)), want: journal.RefusedFloor, what: acme + " credit", floor: -5},
		{name: "floor changed", given: stocked, unit: postings(P("free", 1, 2), P("source", -1, journal.NoFloor)), want: journal.RefusedFloorChanged, what: acme + " free", have: 0, floor: 2},
		{name: "floor changed within a unit", unit: postings(P("free", 1, 0), P("free", 1, 1), P("source", -2, journal.NoFloor)), want: journal.RefusedFloorChanged},
		{name: "postings that do not balance", given: stocked, unit: postings(P("free", 1, 0)), want: journal.RefusedUnbalanced, what: acme, have: 1},
		{name: "books that balance only together", given: stocked, unit: postings(P("free", 1, 0), journal.Posting{Book: "other", Account: "source", Amount: -1, Floor: journal.NoFloor}), want: journal.RefusedUnbalanced},
		{name: "postings that balance only modulo 2^64", unit: postings(P("a", math.MaxInt64, 0), P("b", math.MaxInt64, 0), P("c", 2, 0)), want: journal.RefusedUnbalanced},
		{name: "balance that overflows", given: chain(move(acme, "source", "free", math.MaxInt64)), unit: postings(P("free", 1, 0), P("other", -1, journal.NoFloor)), want: journal.RefusedMalformed},
		{name: "posting without an account", unit: postings(journal.Posting{Book: acme}), want: journal.RefusedMalformed},

		{name: "outside id", unit: claim("M1", "a")},
		{name: "outside id again with the same content", given: chain(claim("M1", "a")), unit: claim("M1", "a"), want: journal.RefusedRepeat, what: "as2/ACME M1"},
		{name: "outside id again with other content", given: chain(claim("M1", "a")), unit: claim("M1", "b"), want: journal.RefusedReused, what: "as2/ACME M1"},
		{name: "outside id that was given free", given: chain(claim("M1", "a"), forget("M1")), unit: claim("M1", "b")},
		{name: "forgetting what was never taken", unit: forget("M1")},
		{name: "outside id again just before its claim expires", given: chain(claim("M1", "a")), unit: later(claim("M1", "a"), journal.ClaimFor-1), want: journal.RefusedRepeat, what: "as2/ACME M1"},
		{name: "outside id reused just before its claim expires", given: chain(claim("M1", "a")), unit: later(claim("M1", "b"), journal.ClaimFor-1), want: journal.RefusedReused, what: "as2/ACME M1"},
		{name: "outside id whose claim expired and was not removed", given: chain(claim("M1", "a")), unit: later(claim("M1", "b"), journal.ClaimFor)},
		{name: "outside id taken anew is taken", given: chain(claim("M1", "b"), later(claim("M1", "a"), journal.ClaimFor)), unit: later(claim("M1", "a"), 2*journal.ClaimFor-1), want: journal.RefusedRepeat, what: "as2/ACME M1"},
		{name: "outside id whose expired claim was removed", given: chain(claim("M1", "a"), later(expire("M1"), journal.ClaimFor)), unit: claim("M1", "b")},
		{name: "expiry of a claim that holds removes nothing", given: chain(claim("M1", "a"), later(expire("M1"), journal.ClaimFor-1)), unit: claim("M1", "a"), want: journal.RefusedRepeat, what: "as2/ACME M1"},
		{name: "expiry of a claim that was taken anew removes nothing", given: chain(claim("M1", "b"), later(claim("M1", "a"), journal.ClaimFor), later(expire("M1"), journal.ClaimFor+1)), unit: later(claim("M1", "a"), journal.ClaimFor+1), want: journal.RefusedRepeat, what: "as2/ACME M1"},
		{name: "expiry before the claim, by the units' own times", given: chain(later(claim("M1", "a"), time.Hour), expire("M1")), unit: claim("M1", "b"), want: journal.RefusedReused, what: "as2/ACME M1"},
		{name: "expiry of what was never taken", unit: expire("M1")},
		{name: "expiry and forgetting at once", given: chain(claim("M1", "a")), unit: unit(func(u *journal.Unit) {
			u.Claims = []journal.ClaimOp{{Scope: "as2/ACME", ID: "M1", Forget: true, Expire: true}}
		}), want: journal.RefusedMalformed},
		{name: "expired and taken anew in one unit", given: chain(claim("M1", "a")), unit: later(unit(func(u *journal.Unit) {
			u.Claims = []journal.ClaimOp{{Scope: "as2/ACME", ID: "M1", Expire: true}, {Scope: "as2/ACME", ID: "M1", Hash: [32]byte{9}}}
		}), journal.ClaimFor)},
		{name: "outside id without a scope", unit: unit(func(u *journal.Unit) { u.Claims = []journal.ClaimOp{{ID: "x"}} }), want: journal.RefusedMalformed},

		{name: "timer", unit: timer("t", false)},
		{name: "timer set again", given: chain(timer("t", false)), unit: timer("t", false)},
		{name: "timer removed", given: chain(timer("t", false)), unit: timer("t", true)},
		{name: "timer removed twice", given: chain(timer("t", false), timer("t", true)), unit: timer("t", true), want: journal.RefusedFinished, what: "t"},
		{name: "timer that never was", unit: timer("t", true), want: journal.RefusedFinished},

		{name: "park", unit: park(5, false)},
		{name: "park changed", given: chain(park(5, false)), unit: park(5, false)},
		{name: "parked record handled", given: chain(park(5, false)), unit: park(5, true)},
		{name: "parked record handled twice", given: chain(park(5, false), park(5, true)), unit: park(5, true), want: journal.RefusedFinished, what: "out.acme"},
		{name: "another record of a parked key", given: chain(park(5, false)), unit: park(6, true), want: journal.RefusedFinished},

		{name: "letter opened", unit: letter(journal.LetterNone, journal.LetterOpen)},
		{name: "letter opened twice", given: chain(letter(journal.LetterNone, journal.LetterOpen)), unit: letter(journal.LetterNone, journal.LetterOpen), want: journal.RefusedState, what: "L1"},
		{name: "letter replayed by one of two", given: chain(letter(0, journal.LetterOpen), letter(journal.LetterOpen, journal.LetterReplaying)), unit: letter(journal.LetterOpen, journal.LetterReplaying), want: journal.RefusedState},
		{name: "letter to no state", given: chain(letter(0, journal.LetterOpen)), unit: letter(journal.LetterOpen, journal.LetterNone), want: journal.RefusedMalformed},
		{name: "letter to a state that does not exist", given: chain(letter(0, journal.LetterOpen)), unit: letter(journal.LetterOpen, 99), want: journal.RefusedMalformed},

		{name: "effect started", given: effectChain(journal.EffectNone, journal.EffectIntended), unit: effect(journal.EffectIntended, journal.EffectStarted)},
		{name: "effect started twice", given: effectChain(journal.EffectNone, journal.EffectIntended, journal.EffectStarted), unit: effect(journal.EffectIntended, journal.EffectStarted), want: journal.RefusedState},
		{name: "effect started again after it was found not to have happened", given: effectChain(journal.EffectNone, journal.EffectStarted, journal.EffectUnknown, journal.EffectResolved), unit: effect(journal.EffectResolved, journal.EffectStarted)},
		{name: "effect started again while unknown", given: effectChain(journal.EffectNone, journal.EffectStarted, journal.EffectUnknown), unit: effect(journal.EffectUnknown, journal.EffectStarted), want: journal.RefusedMalformed},
		{name: "effect confirmed and started again", given: effectChain(journal.EffectNone, journal.EffectStarted, journal.EffectConfirmed), unit: effect(journal.EffectConfirmed, journal.EffectStarted), want: journal.RefusedMalformed},
		{name: "effect confirmed before it began", unit: effect(journal.EffectNone, journal.EffectConfirmed), want: journal.RefusedMalformed},
		{name: "effect voided", given: effectChain(journal.EffectNone, journal.EffectStarted, journal.EffectConfirmed), unit: effect(journal.EffectConfirmed, journal.EffectVoided)},

		{name: "state written", unit: state(20, 0, "a")},
		{name: "state written on what was read", given: chain(state(20, 0, "a")), unit: state(21, tagOf(20), "b")},
		{name: "state that moved on", given: chain(state(20, 0, "a"), state(21, tagOf(20), "b")), unit: state(22, tagOf(20), "c"), want: journal.RefusedState, what: "aggregator/1"},
		{name: "state that exists, written as new", given: chain(state(20, 0, "a")), unit: state(21, 0, "b"), want: journal.RefusedState},
		{name: "state deleted", given: chain(state(20, 0, "a")), unit: state(21, tagOf(20), "")},
		{name: "state deleted and made again is another", given: chain(state(20, 0, "a"), state(21, tagOf(20), ""), state(22, 0, "a")), unit: state(23, tagOf(20), "b"), want: journal.RefusedState},
		{name: "state that was deleted is written as new", given: chain(state(20, 0, "a"), state(21, tagOf(20), "")), unit: state(22, 0, "b")},
		{name: "empty state is not no state", given: chain(unit(func(u *journal.Unit) { u.States = []journal.StateOp{{Key: "aggregator/1", Data: []byte{}}} })), unit: state(21, 0, "b"), want: journal.RefusedState},

		{name: "snapshot", given: three, unit: unit(func(u *journal.Unit) {
			u.Snapshots = []journal.Snapshot{{Stream: "o/1", Version: 3, Fold: 1, Data: []byte("s")}}
		})},
		{name: "snapshot ahead of its stream", given: three, unit: unit(func(u *journal.Unit) {
			u.Snapshots = []journal.Snapshot{{Stream: "o/1", Version: 4, Fold: 1}}
		}), want: journal.RefusedMalformed},
		{name: "snapshot of this unit's own event", unit: unit(func(u *journal.Unit) {
			u.Records = event("o/1", 0).Records
			u.Snapshots = []journal.Snapshot{{Stream: "o/1", Version: 1, Fold: 1}}
		})},
		{name: "cause that was never delivered", unit: unit(func(u *journal.Unit) {
			u.Cause = journal.Cause{Sub: "wave", Pos: 1, Done: true}
		}), want: journal.RefusedFinished, what: "wave"},
		{name: "cause of a partition that does not exist", unit: unit(func(u *journal.Unit) {
			u.Cause = journal.Cause{Sub: "wave", Part: journal.Partitions, Pos: 1, Done: true}
		}), want: journal.RefusedMalformed},
		{name: "cause without a subscription", unit: unit(func(u *journal.Unit) { u.Cause = journal.Cause{Pos: 1, Done: true} }), want: journal.RefusedMalformed},
	}
}

// fresh is the case with units of its own: Write fills their records, and cases share them.
func (c judged) fresh() judged {
	own := func(u *journal.Unit) *journal.Unit {
		v := *u
		v.Records = slices.Clone(u.Records)
		return &v
	}
	given := make([]*journal.Unit, len(c.given))
	for i, u := range c.given {
		given[i] = own(u)
	}
	c.given, c.unit = given, own(c.unit)
	return c
}

// testJudged runs each case three times: with what was given in the same batch, in a batch
// before, and before the store was opened again. A refused unit leaves no trace.
func testJudged(t *testing.T, open Open) {
	modes := []string{"same batch", "batch before", "process before"}
	for _, c := range judgedCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range modes {
				s := start(t, open)
				c := c.fresh()
				var r *journal.Refusal
				var before string
				if mode == modes[0] {
					all := s.write(&journal.Batch{Units: append(chain(c.given...), c.unit)})
					r = all[len(all)-1]
					for i, given := range all[:len(all)-1] {
						if given != nil {
							t.Fatalf("%s: given unit %d: %v", mode, i, given)
						}
					}
				} else {
					s.put(c.given...)
					if mode == modes[2] {
						s.again()
					}
					before = s.dump()
					r = s.refused(c.unit)
				}
				checkRefusal(t, mode, r, c)
				if before != "" && (before == s.dump()) != (c.want != 0) {
					t.Errorf("%s: store before:\n%s\nand after:\n%s", mode, before, s.dump())
				}
				held := s.dump()
				s.again()
				if after := s.dump(); after != held {
					t.Errorf("%s: reopened, the store differs:\n%s\nwas:\n%s", mode, after, held)
				}
			}
		})
	}
}

func checkRefusal(t *testing.T, mode string, r *journal.Refusal, c judged) {
	t.Helper()
	switch {
	case c.want == 0 && r != nil:
		t.Errorf("%s: %v", mode, r)
	case c.want == 0:
	case r == nil:
		t.Errorf("%s: written, want a refusal for %s", mode, c.want)
	case r.Why != c.want || !strings.Contains(r.What, c.what):
		t.Errorf("%s: %v, want %s naming %q", mode, r, c.want, c.what)
	case (c.have != 0 || c.floor != 0) && (r.Have != c.have || r.Want != c.floor):
		t.Errorf("%s: have %d want %d, expected %d and %d", mode, r.Have, r.Want, c.have, c.floor)
	case (r.Why == journal.RefusedRepeat) && string(r.Answer) != "answer to a":
		t.Errorf("%s: a repeat is answered %q", mode, r.Answer)
	}
}
