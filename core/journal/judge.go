package journal

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// RefusedWhy says why a unit may not be written.
type RefusedWhy uint8

// Reasons of a refusal. The handler of a unit refused for Version, Floor, State, or Lane runs
// again on fresh state; the others end it.
const (
	RefusedVersion      RefusedWhy = 1 + iota // a stream moved on
	RefusedFloor                              // a balance would fall below its floor
	RefusedState                              // a pattern state, effect or letter moved on
	RefusedLane                               // its predecessor in the lane was refused
	RefusedFinished                           // its cause, timer or parked record was handled already
	RefusedRepeat                             // an outside id came again with the same content
	RefusedReused                             // an outside id came again with other content
	RefusedUnbalanced                         // postings of a book do not sum to zero
	RefusedFloorChanged                       // a posting names another floor than its account has
	RefusedMalformed                          // a name is too long or holds NUL, a transition does not exist, ...
)

func (w RefusedWhy) String() string {
	return name([]string{
		"", "version", "floor", "state", "lane", "finished", "repeat", "reused",
		"unbalanced", "floor-changed", "malformed",
	}, int(w))
}

// Refusal says why a unit was not written and what stood in its way.
type Refusal struct {
	Why  RefusedWhy
	What string // the stream, "book account", outside id, key ...
	// Have and Want are versions, or the balance before the unit and the floor.
	Have, Want int64
	Answer     []byte // of RefusedRepeat: what the first got
}

func (r *Refusal) Error() string {
	switch r.Why {
	case RefusedVersion:
		return fmt.Sprintf("unit refused: stream %s stands at version %d, expected %d", r.What, r.Have, r.Want)
	case RefusedFloor:
		return fmt.Sprintf("unit refused: account %s would fall below %d from %d", r.What, r.Want, r.Have)
	default:
		return fmt.Sprintf("unit refused: %s: %s", r.Why, r.What)
	}
}

// Again reports whether the handler may run again on fresh state.
func (r *Refusal) Again() bool { return r.Why <= RefusedLane }

// Changes are what units did to the tables, in the order of the writes. A later change
// of a key replaces an earlier one.
type Changes struct {
	Heads    []HeadRow
	Balances []BalanceRow
	Rows     []RowChange
	Marks    []Mark
}

// RowChange puts a row, or deletes it where Value is nil.
type RowChange struct {
	Table Table
	Key   string
	Value []byte
}

// Mark finishes a delivered record.
type Mark struct {
	Sub  string
	Part uint8
	Pos  Pos
}

// Reset empties c and keeps its memory.
func (c *Changes) Reset() {
	c.Heads, c.Balances, c.Rows, c.Marks = c.Heads[:0], c.Balances[:0], c.Rows[:0], c.Marks[:0]
}

// Judge decides whether u may be written at position first, against the state in v, and
// appends what it does to the tables to out, which holds nothing before. On a refusal or an
// error out is of no use. It fills Version of u's events.
//
// The first thing that stands in the way is the refusal, and things are looked at in this order:
// the cause, the expected versions in their order, the records, the postings one by one, the
// floors of all of them together, double entry, and then states, claims, timers, parks, letters,
// effects and snapshots. Each sees what those before it in the unit did. (That a lane was refused, or
// that the unit is too large, comes before all of them: see [Staged].)
//
// This is the whole rule of the journal: drivers, the working set and the auditor all
// call it, and none of them knows better.
func Judge(ctx context.Context, v View, first Pos, u *Unit, out *Changes) (*Refusal, error) {
	j := judge{ctx: ctx, v: v, u: u, first: first, out: out}
	for _, step := range [...]func() *Refusal{
		j.cause, j.streams, j.postings, j.states, j.claims, j.timers, j.parks, j.letters, j.effects, j.snapshots,
	} {
		if r := step(); r != nil || j.err != nil {
			return r, j.err
		}
	}
	return nil, nil
}

type judge struct {
	ctx   context.Context
	v     View
	u     *Unit
	first Pos
	out   *Changes
	err   error

	heads    index[string]
	balances index[[2]string]
	rows     index[[2]string]
}

func malformed(format string, args ...any) *Refusal {
	return &Refusal{Why: RefusedMalformed, What: fmt.Sprintf(format, args...)}
}

func badName(s string) bool { return len(s) > maxName || strings.IndexByte(s, 0) >= 0 }

func (j *judge) cause() *Refusal {
	c := j.u.Cause
	if len(j.u.Records) > MaxRecords {
		return malformed("%d records in one unit, %d at most: commit every %d", len(j.u.Records), MaxRecords, 1000)
	}
	if !c.Done {
		return nil
	}
	if badName(c.Sub) || c.Sub == "" || c.Part >= Partitions {
		return malformed("cause %q partition %d", c.Sub, c.Part)
	}
	cp, err := j.v.Checkpoint(j.ctx, c.Sub, c.Part)
	if err != nil {
		j.err = err
		return nil
	}
	if cp != nil && !cp.IsOpen(c.Pos) {
		return &Refusal{Why: RefusedFinished, What: fmt.Sprintf("position %d of %s", c.Pos, c.Sub)}
	}
	j.out.Marks = append(j.out.Marks, Mark{c.Sub, c.Part, c.Pos})
	return nil
}

// head is the stream's head with this unit's own events counted in.
func (j *judge) head(stream string) (Head, int) {
	if i := find(&j.heads, j.out.Heads, headKey, stream); i >= 0 {
		return j.out.Heads[i].Head, i
	}
	h, err := j.v.Head(j.ctx, stream)
	if err != nil {
		j.err = err
	}
	return h, -1
}

func (j *judge) streams() *Refusal {
	for _, x := range j.u.Expect {
		if badName(x.Stream) || x.Stream == "" {
			return malformed("stream name %.80q", x.Stream)
		}
		if x.Version == AnyVersion {
			continue
		}
		h, _ := j.head(x.Stream)
		if j.err != nil {
			return nil
		}
		if h.Version != x.Version {
			return &Refusal{Why: RefusedVersion, What: x.Stream, Have: int64(h.Version), Want: int64(x.Version)}
		}
	}
	for i := range j.u.Records {
		r := &j.u.Records[i]
		if badName(r.Stream) || badName(r.Topic) || badName(r.Key) || badName(r.Type) || r.Type == "" {
			return malformed("record %d: type %.40q topic %.40q key %.40q stream %.80q", i, r.Type, r.Topic, r.Key, r.Stream)
		}
		if r.Stream == "" {
			r.Version = 0
			continue
		}
		h, at := j.head(r.Stream)
		if j.err != nil {
			return nil
		}
		h = Head{h.Version + 1, j.first + Pos(i)}
		r.Version = h.Version
		if at >= 0 {
			j.out.Heads[at].Head = h
		} else {
			j.out.Heads = append(j.out.Heads, HeadRow{r.Stream, h})
		}
	}
	return nil
}

func (j *judge) postings() *Refusal {
	for i, p := range j.u.Postings {
		if badName(p.Book) || badName(p.Account) || p.Book == "" || p.Account == "" {
			return malformed("posting %d: book %.80q account %.80q", i, p.Book, p.Account)
		}
		if r := j.post(p); r != nil || j.err != nil {
			return r
		}
	}
	for _, b := range j.out.Balances {
		// A posting that lifts an account that stands below its floor is welcome, but
		// floors hold after every unit, so none can stand there.
		if b.Floor != NoFloor && b.Amount < b.Floor {
			before, err := j.v.Balance(j.ctx, b.Book, b.Account)
			j.err = err
			return &Refusal{Why: RefusedFloor, What: b.Book + " " + b.Account, Have: before.Amount, Want: b.Floor}
		}
	}
	return j.balanced()
}

func (j *judge) post(p Posting) *Refusal {
	if i := find(&j.balances, j.out.Balances, balanceKey, [2]string{p.Book, p.Account}); i >= 0 {
		return add(&j.out.Balances[i], p)
	}
	have, err := j.v.Balance(j.ctx, p.Book, p.Account)
	if err != nil {
		j.err = err
		return nil
	}
	b := BalanceRow{p.Book, p.Account, have}
	if !have.Exists {
		b.Balance = Balance{Floor: p.Floor, Exists: true}
	}
	if r := add(&b, p); r != nil {
		return r
	}
	j.out.Balances = append(j.out.Balances, b)
	return nil
}

func add(b *BalanceRow, p Posting) *Refusal {
	if b.Floor != p.Floor {
		return &Refusal{Why: RefusedFloorChanged, What: p.Book + " " + p.Account, Have: b.Floor, Want: p.Floor}
	}
	if p.Amount > 0 && b.Amount > math.MaxInt64-p.Amount || p.Amount < 0 && b.Amount < math.MinInt64-p.Amount {
		return malformed("account %s %s overflows", p.Book, p.Account)
	}
	b.Amount += p.Amount
	return nil
}

// balanced holds double entry: the amounts of a unit sum to zero in each book. Sums are of
// 128 bits: three amounts that wrap around to zero in 64 do not balance.
func (j *judge) balanced() *Refusal {
	type total struct {
		book   string
		hi, lo uint64
	}
	var (
		sums []total
		at   index[string]
	)
	for _, p := range j.u.Postings {
		i := find(&at, sums, func(t *total) string { return t.book }, p.Book)
		if i < 0 {
			i = len(sums)
			sums = append(sums, total{book: p.Book})
		}
		s := &sums[i]
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, uint64(p.Amount), 0)
		s.hi += uint64(p.Amount>>63) + carry
	}
	for _, s := range sums {
		if s.hi != 0 || s.lo != 0 {
			return &Refusal{Why: RefusedUnbalanced, What: s.book, Have: int64(s.lo)}
		}
	}
	return nil
}

func (j *judge) row(t Table, key string) []byte {
	if i := find(&j.rows, j.out.Rows, rowKey, [2]string{string(t), key}); i >= 0 {
		return j.out.Rows[i].Value
	}
	b, err := j.v.Row(j.ctx, t, key)
	if err != nil {
		j.err = err
	}
	return b
}

func (j *judge) put(t Table, key string, value []byte) {
	j.out.Rows = append(j.out.Rows, RowChange{t, key, value})
}

func (j *judge) states() *Refusal {
	for _, op := range j.u.States {
		if badName(op.Key) || op.Key == "" {
			return malformed("state key %.80q", op.Key)
		}
		have, err := DecodeState(j.row(TableState, op.Key))
		if j.fail(err) {
			return nil
		}
		if have.Tag != op.Tag {
			return &Refusal{Why: RefusedState, What: "state " + op.Key}
		}
		if op.Data == nil {
			j.put(TableState, op.Key, nil)
			continue
		}
		j.put(TableState, op.Key, State{j.u.ID.tag(), op.Data}.Append(nil))
	}
	return nil
}

func (j *judge) claims() *Refusal {
	for _, op := range j.u.Claims {
		if badName(op.Scope) || badName(op.ID) || op.Scope == "" || op.ID == "" || op.Forget && op.Expire {
			return malformed("outside id %.40q of %.40q", op.ID, op.Scope)
		}
		key := ClaimKey(op.Scope, op.ID)
		b := j.row(TableClaim, key)
		if j.err != nil {
			return nil
		}
		if op.Forget {
			j.put(TableClaim, key, nil)
			continue
		}
		if b != nil {
			have, err := DecodeClaim(b)
			if j.fail(err) {
				return nil
			}
			if op.Expire {
				if have.Expired(j.u.At) {
					j.put(TableClaim, key, nil)
				}
				continue
			}
			if have.Expired(j.u.At) {
				j.put(TableClaim, key, Claim{op.Hash, j.u.At, op.Answer}.Append(nil))
				continue
			}
			if bytes.Equal(have.Hash[:], op.Hash[:]) {
				return &Refusal{Why: RefusedRepeat, What: op.Scope + " " + op.ID, Answer: have.Answer}
			}
			return &Refusal{Why: RefusedReused, What: op.Scope + " " + op.ID, Answer: have.Answer}
		}
		if !op.Expire {
			j.put(TableClaim, key, Claim{op.Hash, j.u.At, op.Answer}.Append(nil))
		}
	}
	return nil
}

func (j *judge) timers() *Refusal {
	for _, op := range j.u.Timers {
		if badName(op.ID) || op.ID == "" || badName(op.Timer.Sub) || badName(op.Timer.Key) {
			return malformed("timer %.80q", op.ID)
		}
		if !op.Remove {
			j.put(TableTimer, op.ID, op.Timer.Append(nil))
			continue
		}
		there := j.row(TableTimer, op.ID) != nil
		if j.err != nil {
			return nil
		}
		if !there {
			return &Refusal{Why: RefusedFinished, What: "timer " + op.ID}
		}
		j.put(TableTimer, op.ID, nil)
	}
	return nil
}

func (j *judge) parks() *Refusal {
	for _, op := range j.u.Parks {
		if badName(op.Sub) || badName(op.Key) || op.Sub == "" {
			return malformed("park of %.40q key %.80q", op.Sub, op.Key)
		}
		key := ParkKey(op.Sub, op.Key, op.Pos)
		if !op.Remove {
			j.put(TablePark, key, op.Park.Append(nil))
			continue
		}
		there := j.row(TablePark, key) != nil
		if j.err != nil {
			return nil
		}
		if !there {
			return &Refusal{Why: RefusedFinished, What: fmt.Sprintf("parked position %d of %s", op.Pos, op.Sub)}
		}
		j.put(TablePark, key, nil)
	}
	return nil
}

func (j *judge) letters() *Refusal {
	for _, op := range j.u.Letters {
		if badName(op.ID) || op.ID == "" || op.To == LetterNone || op.To > LetterDropped {
			return malformed("letter %.80q to %s", op.ID, op.To)
		}
		var have StoredLetter
		if b := j.row(TableLetter, op.ID); b != nil {
			var err error
			have, err = DecodeLetter(b)
			if j.fail(err) {
				return nil
			}
		}
		if j.err != nil {
			return nil
		}
		if have.State != op.From {
			return &Refusal{Why: RefusedState, What: fmt.Sprintf("letter %s is %s, not %s", op.ID, have.State, op.From)}
		}
		j.put(TableLetter, op.ID, StoredLetter{op.To, op.Letter}.Append(nil))
	}
	return nil
}

// effectSteps are the transitions that exist.
var effectSteps = map[[2]EffectState]bool{
	{EffectNone, EffectIntended}:     true,
	{EffectNone, EffectStarted}:      true,
	{EffectIntended, EffectStarted}:  true,
	{EffectIntended, EffectRefused}:  true, // given up before it began
	{EffectStarted, EffectConfirmed}: true,
	{EffectStarted, EffectRefused}:   true,
	{EffectStarted, EffectUnknown}:   true,
	{EffectStarted, EffectResolved}:  true, // nothing left this process: known not to have happened
	{EffectUnknown, EffectUnknown}:   true, // asked, and not sure yet
	{EffectUnknown, EffectConfirmed}: true, // asked: it happened
	{EffectUnknown, EffectResolved}:  true, // asked: it did not
	{EffectUnknown, EffectVoided}:    true,
	{EffectResolved, EffectStarted}:  true,
	{EffectRefused, EffectStarted}:   true, // a replay after the data was mended
	{EffectConfirmed, EffectVoided}:  true,
}

func (j *judge) effects() *Refusal {
	for _, op := range j.u.Effects {
		if badName(op.Key) || op.Key == "" || !effectSteps[[2]EffectState{op.From, op.To}] {
			return malformed("effect %.120q from %s to %s", op.Key, op.From, op.To)
		}
		var have StoredEffect
		if b := j.row(TableEffect, op.Key); b != nil {
			var err error
			have, err = DecodeEffect(b)
			if j.fail(err) {
				return nil
			}
		}
		if j.err != nil {
			return nil
		}
		if have.State != op.From {
			return &Refusal{Why: RefusedState, What: fmt.Sprintf("effect %s is %s, not %s", op.Key, have.State, op.From)}
		}
		j.put(TableEffect, op.Key, StoredEffect{op.To, op.Effect}.Append(nil))
	}
	return nil
}

func (j *judge) snapshots() *Refusal {
	for _, s := range j.u.Snapshots {
		if badName(s.Stream) || s.Stream == "" {
			return malformed("snapshot of %.80q", s.Stream)
		}
		h, _ := j.head(s.Stream)
		if j.err != nil {
			return nil
		}
		if s.Version > h.Version {
			return malformed("snapshot of %s at version %d, which stands at %d", s.Stream, s.Version, h.Version)
		}
		j.put(TableSnapshot, s.Stream, s.Append(nil))
	}
	return nil
}

// fail keeps the first error and reports whether there is one.
func (j *judge) fail(err error) bool {
	if j.err == nil {
		j.err = err
	}
	return j.err != nil
}

// index finds the last entry of a list by key: by looking while the list is short, as nearly
// all are, and by a map from there, so that a unit of thousands costs no square of them.
type index[K comparable] struct {
	at   map[K]int
	seen int
}

const short = 16

func find[T any, K comparable](x *index[K], list []T, key func(*T) K, k K) int {
	if len(list) <= short {
		for i := len(list) - 1; i >= 0; i-- {
			if key(&list[i]) == k {
				return i
			}
		}
		return -1
	}
	if x.at == nil {
		x.at = make(map[K]int, 4*short)
	}
	for ; x.seen < len(list); x.seen++ {
		x.at[key(&list[x.seen])] = x.seen
	}
	if i, ok := x.at[k]; ok {
		return i
	}
	return -1
}

func headKey(h *HeadRow) string          { return h.Stream }
func balanceKey(b *BalanceRow) [2]string { return [2]string{b.Book, b.Account} }
func rowKey(r *RowChange) [2]string      { return [2]string{string(r.Table), r.Key} }
