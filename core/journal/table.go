package journal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Table names a keyed table. Keys are built by the functions below and values by the
// Append methods, so that every driver and the auditor hold the same bytes.
type Table string

// The keyed tables. Rows are put and deleted by the operations of units, judged by [Judge]; nothing
// else does, no clock either.
const (
	// TableState holds [State] by the key of [StateOp]: what a pattern (aggregator, process
	// manager, counter) remembers. Whoever writes names the tag of what it read: of two
	// that read the same, one is refused.
	TableState Table = "state"
	// TableClaim holds [Claim] by [ClaimKey]: outside ids that were taken.
	TableClaim Table = "claim"
	// TableTimer holds [Timer] by the id of [TimerOp]. The journal does not fire it: the hub
	// reads what is due, and the unit that it causes removes it.
	TableTimer Table = "timer"
	// TablePark holds [Park] by [ParkKey]: records that wait out of their lane. The unit that
	// parks a record finishes it, and the unit that handles it removes the park instead of
	// finishing it again.
	TablePark Table = "park"
	// TableLetter holds [StoredLetter] by the letter's id. Letters are not removed.
	TableLetter Table = "letter"
	// TableEffect holds [StoredEffect] by [EffectKey]. Effects are not removed.
	TableEffect Table = "effect"
	// TableSnapshot holds the newest [Snapshot] of a stream by the stream's name.
	TableSnapshot Table = "snapshot"
)

// Tables are all keyed tables, for drivers that make one each and for the auditor.
var Tables = []Table{TableState, TableClaim, TableTimer, TablePark, TableLetter, TableEffect, TableSnapshot}

// Head is where a stream stands: its version and the position of its last event.
type Head struct {
	Version uint64
	Last    Pos
}

// Balance is an account's amount and the floor that its first posting set.
type Balance struct {
	Amount int64
	Floor  int64
	Exists bool
}

// State is a stored pattern state. Tag is known by whoever read it.
type State struct {
	Tag  uint64
	Data []byte
}

// Claim is an outside id that was taken.
type Claim struct {
	Hash   [32]byte
	At     time.Time
	Answer []byte
}

// Expired reports whether the claim holds no longer at a time. Whoever reads the table asks: the
// row may stay for a while.
func (c Claim) Expired(at time.Time) bool { return at.Sub(c.At) >= ClaimFor }

// StoredLetter is a letter with its state.
type StoredLetter struct {
	State LetterState
	Letter
}

// StoredEffect is an effect with its state.
type StoredEffect struct {
	State EffectState
	Effect
}

// ClaimKey is the key of an outside id.
func ClaimKey(scope, id string) string { return scope + "\x00" + id }

// ParkPrefix is what the keys of a subscription's parked records begin with.
func ParkPrefix(sub string) string { return sub + "\x00" }

// ParkKey is the key of a parked record: records of one key sort by position.
func ParkKey(sub, key string, pos Pos) string {
	return fmt.Sprintf("%s\x00%s\x00%016x", sub, key, uint64(pos))
}

// ParseParkKey takes a park key apart.
func ParseParkKey(k string) (sub, key string, pos Pos, err error) {
	if len(k) < 18 || k[len(k)-17] != 0 {
		return "", "", 0, fmt.Errorf("journal: %q is no park key", k)
	}
	n, err := strconv.ParseUint(k[len(k)-16:], 16, 64)
	if err != nil {
		return "", "", 0, fmt.Errorf("journal: %q is no park key: %w", k, err)
	}
	rest := k[:len(k)-17]
	for i := range len(rest) {
		if rest[i] == 0 {
			return rest[:i], rest[i+1:], Pos(n), nil
		}
	}
	return "", "", 0, fmt.Errorf("journal: %q is no park key", k)
}

// Append encodes the row's value.
func (s State) Append(dst []byte) []byte {
	e := enc(slices.Grow(dst, 2*binary.MaxVarintLen64+len(s.Data)))
	e.uint(s.Tag)
	e.bytes(s.Data)
	return e
}

// DecodeState reads a row of [TableState]; nil is the zero State. Data is a part of b, which is
// not changed while it is in use.
func DecodeState(b []byte) (State, error) {
	if b == nil {
		return State{}, nil
	}
	d := dec{b: b, own: true}
	s := State{Tag: d.uint(), Data: d.bytes()}
	if s.Data == nil {
		s.Data = []byte{}
	}
	return s, d.end()
}

// Append encodes the row's value.
func (c Claim) Append(dst []byte) []byte {
	e := enc(slices.Grow(dst, len(c.Hash)+2*binary.MaxVarintLen64+len(c.Answer)))
	e.raw(c.Hash[:])
	e.time(c.At)
	e.bytes(c.Answer)
	return e
}

// DecodeClaim reads a row of [TableClaim].
func DecodeClaim(b []byte) (Claim, error) {
	d := dec{b: b}
	var c Claim
	d.raw(c.Hash[:])
	c.At, c.Answer = d.time(), d.bytes()
	return c, d.end()
}

func (e *enc) timer(t Timer) {
	e.str(t.Sub)
	e.str(t.Key)
	e.time(t.Due)
	e.str(t.Type)
	e.bytes(t.Data)
	e.uint(uint64(t.Pos))
}

func (d *dec) timer() Timer {
	return Timer{Sub: d.str(), Key: d.str(), Due: d.time(), Type: d.str(), Data: d.bytes(), Pos: Pos(d.uint())}
}

// Append encodes the row's value.
func (t Timer) Append(dst []byte) []byte {
	e := enc(dst)
	e.timer(t)
	return e
}

// DecodeTimer reads a row of [TableTimer].
func DecodeTimer(b []byte) (Timer, error) {
	d := dec{b: b}
	t := d.timer()
	return t, d.end()
}

func (e *enc) park(p Park) {
	e.byte(byte(p.Reason))
	e.uint(uint64(p.Attempt))
	e.time(p.Since)
	e.str(p.Letter)
	e.str(p.Cause)
}

func (d *dec) park() Park {
	return Park{Reason: ParkReason(d.byte()), Attempt: uint32(d.uint()), Since: d.time(), Letter: d.str(), Cause: d.str()}
}

// Append encodes the row's value.
func (p Park) Append(dst []byte) []byte {
	e := enc(dst)
	e.park(p)
	return e
}

// DecodePark reads a row of [TablePark].
func DecodePark(b []byte) (Park, error) {
	d := dec{b: b}
	p := d.park()
	return p, d.end()
}

func (e *enc) letter(l Letter) {
	e.str(l.Sub)
	e.str(l.Key)
	e.uint(uint64(l.Pos))
	e.time(l.Opened)
	e.bytes(l.Data)
}

func (d *dec) letter() Letter {
	return Letter{Sub: d.str(), Key: d.str(), Pos: Pos(d.uint()), Opened: d.time(), Data: d.bytes()}
}

// Append encodes the row's value.
func (l StoredLetter) Append(dst []byte) []byte {
	e := enc(dst)
	e.byte(byte(l.State))
	e.letter(l.Letter)
	return e
}

// DecodeLetter reads a row of [TableLetter].
func DecodeLetter(b []byte) (StoredLetter, error) {
	d := dec{b: b}
	l := StoredLetter{LetterState(d.byte()), d.letter()}
	return l, d.end()
}

func (e *enc) effect(f Effect) {
	e.str(f.Conn)
	e.str(f.Ref)
	e.uint(uint64(f.Attempt))
	e.time(f.Started)
	e.time(f.Deadline)
	e.uint(uint64(f.Asked))
	e.bytes(f.Outcome)
}

func (d *dec) effect() Effect {
	return Effect{
		Conn: d.str(), Ref: d.str(), Attempt: uint32(d.uint()), Started: d.time(), Deadline: d.time(),
		Asked: uint32(d.uint()), Outcome: d.bytes(),
	}
}

// Append encodes the row's value.
func (f StoredEffect) Append(dst []byte) []byte {
	e := enc(dst)
	e.byte(byte(f.State))
	e.effect(f.Effect)
	return e
}

// DecodeEffect reads a row of [TableEffect].
func DecodeEffect(b []byte) (StoredEffect, error) {
	d := dec{b: b}
	f := StoredEffect{EffectState(d.byte()), d.effect()}
	return f, d.end()
}

// Append encodes the row's value; the stream is its key.
func (s Snapshot) Append(dst []byte) []byte {
	e := enc(dst)
	e.uint(s.Version)
	e.uint(uint64(s.Fold))
	e.bytes(s.Data)
	return e
}

// DecodeSnapshot reads a row of [TableSnapshot].
func DecodeSnapshot(stream string, b []byte) (Snapshot, error) {
	d := dec{b: b}
	s := Snapshot{stream, d.uint(), uint32(d.uint()), d.bytes()}
	return s, d.end()
}

func (s LetterState) String() string {
	return name([]string{"none", "open", "replaying", "resolved", "dropped"}, int(s))
}

func (s EffectState) String() string {
	return name([]string{"none", "intended", "started", "confirmed", "refused", "unknown", "resolved", "voided"}, int(s))
}

func (r ParkReason) String() string {
	return name([]string{"", "retry", "letter", "follower", "resolve"}, int(r))
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%d?", i)
}
