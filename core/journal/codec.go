package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"
)

// Format is the version of the stored form. A store of a newer one is refused.
//
// 3 stores units of a batch together. 2 ends units and checkpoints with a checksum, and claims may
// expire. Neither 1 nor 2 was released.
const Format = 3

// Limits of what one unit may hold; a larger one is refused before it is written.
const (
	MaxRecords = 10_000
	MaxUnit    = 64 << 20
	maxName    = 1 << 10
)

// castagnoli is CRC-32C, which the processors that we run on compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumSize is what a checksum takes at the end of a stored value.
const sumSize = 4

// appendSum ends the value that begins at from with the CRC-32C of it, little-endian.
func appendSum(b []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// cutSum is a stored value without its checksum, which is right.
func cutSum(b []byte) ([]byte, error) {
	if len(b) < sumSize {
		return nil, errCut
	}
	body, sum := b[:len(b)-sumSize], binary.LittleEndian.Uint32(b[len(b)-sumSize:])
	if have := crc32.Checksum(body, castagnoli); have != sum {
		return nil, fmt.Errorf("its checksum is %08x and its bytes have %08x", sum, have)
	}
	return body, nil
}

// DamageError says that the unit stored at First is not what was written there. Nothing of it is
// to be believed, and no retry mends it: only a backup has what stood there.
type DamageError struct {
	First Pos
	Cause error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the unit stored at position %d is damaged: %v", e.First, e.Cause)
}

func (e *DamageError) Unwrap() error { return e.Cause }

type enc []byte

func (e *enc) uint(v uint64)  { *e = binary.AppendUvarint(*e, v) }
func (e *enc) int(v int64)    { *e = binary.AppendVarint(*e, v) }
func (e *enc) byte(v byte)    { *e = append(*e, v) }
func (e *enc) raw(b []byte)   { *e = append(*e, b...) }
func (e *enc) str(s string)   { e.uint(uint64(len(s))); *e = append(*e, s...) }
func (e *enc) bytes(b []byte) { e.uint(uint64(len(b))); *e = append(*e, b...) }
func (e *enc) bool(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}
func (e *enc) time(t time.Time) {
	if t.IsZero() {
		e.int(0)
		return
	}
	e.int(t.UnixNano())
}

var errCut = errors.New("stored value is cut short")

type dec struct {
	b    []byte
	text string // what b ends, where strings are parts of it: a short value costs one string in all
	own  bool   // what is read may be parts of b
	err  error
}

// mostText is how long a value is at most whose strings are parts of one: whoever keeps one of
// them keeps all of it.
const mostText = 4 << 10

func (d *dec) fail() { d.err, d.b = errCut, nil }

func (d *dec) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *dec) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *dec) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *dec) bool() bool { return d.byte() == 1 }

func (d *dec) raw(dst []byte) {
	if len(d.b) < len(dst) {
		d.fail()
		return
	}
	copy(dst, d.b)
	d.b = d.b[len(dst):]
}

// count reads a length of things that take at least one byte each.
func (d *dec) count(limit int) int {
	n := d.uint()
	if n > uint64(limit) || n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *dec) str() string {
	n := d.count(len(d.b))
	if d.text == "" {
		s := string(d.b[:n])
		d.b = d.b[n:]
		return s
	}
	from := len(d.text) - len(d.b)
	d.b = d.b[n:]
	return d.text[from : from+n]
}

// bytes returns nil for an empty value: stored forms do not tell the two apart.
func (d *dec) bytes() []byte {
	n := d.count(len(d.b))
	if n == 0 {
		return nil
	}
	v := d.b[:n:n]
	if !d.own {
		v = slices.Clone(v)
	}
	d.b = d.b[n:]
	return v
}

func (d *dec) time() time.Time {
	v := d.int()
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(0, v).UTC()
}

func (d *dec) end() error {
	if d.err == nil && len(d.b) != 0 {
		d.err = errors.New("stored value has bytes to spare")
	}
	return d.err
}

// AppendUnit encodes a unit as the log stores it: the format, the unit without positions and
// versions, which are known at the commit only, and a CRC-32C of all of it. A driver keeps
// these bytes as they are.
func AppendUnit(dst []byte, u *Unit) []byte {
	e := enc(dst)
	e.byte(Format)
	e.raw(u.ID[:])
	e.time(u.At)
	e.str(u.Cause.Sub)
	e.byte(u.Cause.Part)
	e.uint(uint64(u.Cause.Pos))
	e.bool(u.Cause.Done)
	e.uint(uint64(len(u.Expect)))
	for _, x := range u.Expect {
		e.str(x.Stream)
		e.uint(x.Version + 1) // AnyVersion becomes 0
	}
	e.uint(uint64(len(u.Records)))
	for i := range u.Records {
		e.record(&u.Records[i])
	}
	e.uint(uint64(len(u.Postings)))
	for _, p := range u.Postings {
		e.str(p.Book)
		e.str(p.Account)
		e.int(p.Amount)
		e.int(p.Floor)
	}
	e.uint(uint64(len(u.States)))
	for _, s := range u.States {
		e.str(s.Key)
		e.uint(s.Tag)
		e.bool(s.Data != nil)
		e.bytes(s.Data)
	}
	e.uint(uint64(len(u.Claims)))
	for _, c := range u.Claims {
		e.str(c.Scope)
		e.str(c.ID)
		e.raw(c.Hash[:])
		e.bytes(c.Answer)
		e.byte(c.kind())
	}
	e.uint(uint64(len(u.Timers)))
	for _, t := range u.Timers {
		e.str(t.ID)
		e.bool(t.Remove)
		e.timer(t.Timer)
	}
	e.uint(uint64(len(u.Parks)))
	for _, p := range u.Parks {
		e.str(p.Sub)
		e.str(p.Key)
		e.uint(uint64(p.Pos))
		e.bool(p.Remove)
		e.park(p.Park)
	}
	e.uint(uint64(len(u.Letters)))
	for _, l := range u.Letters {
		e.str(l.ID)
		e.byte(byte(l.From))
		e.byte(byte(l.To))
		e.letter(l.Letter)
	}
	e.uint(uint64(len(u.Effects)))
	for _, f := range u.Effects {
		e.str(f.Key)
		e.byte(byte(f.From))
		e.byte(byte(f.To))
		e.effect(f.Effect)
	}
	e.uint(uint64(len(u.Snapshots)))
	for _, s := range u.Snapshots {
		e.str(s.Stream)
		e.uint(s.Version)
		e.uint(uint64(s.Fold))
		e.bytes(s.Data)
	}
	return appendSum(e, len(dst))
}

// DecodeUnit reads what [AppendUnit] wrote and the log holds at first; First and the positions
// of the records are filled. It never panics, whatever the bytes. Bytes that are not those that
// were written are a [*DamageError]; it keeps nothing of b.
func DecodeUnit(first Pos, b []byte) (*Unit, error) { return decodeAt(first, b, false) }

// DecodeOwn is [DecodeUnit] of bytes that are given away: the unit's data are parts of b, which
// nobody changes any more.
func DecodeOwn(first Pos, b []byte) (*Unit, error) { return decodeAt(first, b, true) }

func decodeAt(first Pos, b []byte, own bool) (*Unit, error) {
	u, err := decodeUnit(b, own)
	if err != nil {
		return nil, &DamageError{first, err}
	}
	u.First = first
	for i := range u.Records {
		u.Records[i].Pos = first + Pos(i)
	}
	return u, nil
}

func decodeUnit(b []byte, own bool) (*Unit, error) {
	// The checksum comes before the format: the store says its format for all of its
	// units, so another one here is damage.
	b, err := cutSum(b)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || b[0] != Format {
		return nil, fmt.Errorf("it has another format than %d", Format)
	}
	d := dec{b: b[1:], own: own}
	if len(b) <= mostText {
		d.text = string(d.b)
	}
	u := &Unit{}
	d.raw(u.ID[:])
	u.At = d.time()
	u.Cause = Cause{Sub: d.str(), Part: d.byte(), Pos: Pos(d.uint()), Done: d.bool()}
	u.Expect = list(&d, func(d *dec) Expect { return Expect{d.str(), d.uint() - 1} })
	u.Records = list(&d, func(d *dec) Record { return d.record() })
	u.Postings = list(&d, func(d *dec) Posting { return Posting{d.str(), d.str(), d.int(), d.int()} })
	u.States = list(&d, func(d *dec) StateOp {
		s := StateOp{Key: d.str(), Tag: d.uint()}
		there := d.bool()
		if s.Data = d.bytes(); there && s.Data == nil {
			s.Data = []byte{}
		}
		return s
	})
	u.Claims = list(&d, func(d *dec) ClaimOp {
		c := ClaimOp{Scope: d.str(), ID: d.str()}
		d.raw(c.Hash[:])
		c.Answer = d.bytes()
		switch d.byte() {
		case claimTake:
		case claimForget:
			c.Forget = true
		case claimExpire:
			c.Expire = true
		default:
			d.fail()
		}
		return c
	})
	u.Timers = list(&d, func(d *dec) TimerOp { return TimerOp{d.str(), d.bool(), d.timer()} })
	u.Parks = list(&d, func(d *dec) ParkOp { return ParkOp{d.str(), d.str(), Pos(d.uint()), d.bool(), d.park()} })
	u.Letters = list(&d, func(d *dec) LetterOp {
		return LetterOp{d.str(), LetterState(d.byte()), LetterState(d.byte()), d.letter()}
	})
	u.Effects = list(&d, func(d *dec) EffectOp {
		return EffectOp{d.str(), EffectState(d.byte()), EffectState(d.byte()), d.effect()}
	})
	u.Snapshots = list(&d, func(d *dec) Snapshot {
		return Snapshot{d.str(), d.uint(), uint32(d.uint()), d.bytes()}
	})
	return u, d.end()
}

// What a stored claim does.
const (
	claimTake = iota
	claimForget
	claimExpire
)

func (c *ClaimOp) kind() byte {
	switch {
	case c.Forget:
		return claimForget
	case c.Expire:
		return claimExpire
	}
	return claimTake
}

func list[T any](d *dec, read func(*dec) T) []T {
	n := d.count(len(d.b))
	if n == 0 {
		return nil
	}
	// A count is bounded by the bytes left, but a T may be larger than its bytes:
	// memory grows with what is really read.
	out := make([]T, 0, min(n, 1024))
	for range n {
		v := read(d)
		if d.err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// Flags of a record, so that absent parts cost one bit.
const (
	hasStream = 1 << iota
	hasCorrelation
	hasCausation
	hasSource
	hasTrace
	hasHeaders
	hasSubject
	hasPersonal
)

func (e *enc) record(r *Record) {
	var flags byte
	for i, has := range [...]bool{
		r.Stream != "", r.Correlation != "", !r.Causation.IsZero(), r.Source != "",
		r.Trace != "", len(r.Headers) > 0, r.Subject != "", len(r.Personal) > 0,
	} {
		if has {
			flags |= 1 << i
		}
	}
	e.byte(flags)
	e.raw(r.ID[:])
	e.str(r.Type)
	e.uint(uint64(r.Schema))
	e.str(r.Topic)
	e.str(r.Key)
	e.time(r.Time)
	if flags&hasStream != 0 {
		e.str(r.Stream)
	}
	if flags&hasCorrelation != 0 {
		e.str(r.Correlation)
	}
	if flags&hasCausation != 0 {
		e.raw(r.Causation[:])
	}
	if flags&hasSource != 0 {
		e.str(r.Source)
	}
	if flags&hasTrace != 0 {
		e.str(r.Trace)
	}
	if flags&hasHeaders != 0 {
		e.uint(uint64(len(r.Headers)))
		for _, k := range slices.Sorted(maps.Keys(r.Headers)) {
			e.str(k)
			e.str(r.Headers[k])
		}
	}
	if flags&hasSubject != 0 {
		e.str(r.Subject)
	}
	e.bytes(r.Data)
	if flags&hasPersonal != 0 {
		e.bytes(r.Personal)
	}
}

func (d *dec) record() Record {
	flags := d.byte()
	var r Record
	d.raw(r.ID[:])
	r.Type, r.Schema, r.Topic, r.Key, r.Time = d.str(), uint16(d.uint()), d.str(), d.str(), d.time()
	if flags&hasStream != 0 {
		r.Stream = d.str()
	}
	if flags&hasCorrelation != 0 {
		r.Correlation = d.str()
	}
	if flags&hasCausation != 0 {
		d.raw(r.Causation[:])
	}
	if flags&hasSource != 0 {
		r.Source = d.str()
	}
	if flags&hasTrace != 0 {
		r.Trace = d.str()
	}
	if flags&hasHeaders != 0 {
		n := d.count(len(d.b))
		r.Headers = make(map[string]string, min(n, 64))
		for range n {
			k := d.str()
			r.Headers[k] = d.str()
			if d.err != nil {
				break
			}
		}
	}
	if flags&hasSubject != 0 {
		r.Subject = d.str()
	}
	r.Data = d.bytes()
	if flags&hasPersonal != 0 {
		r.Personal = d.bytes()
	}
	return r
}
