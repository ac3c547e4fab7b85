// Package stretch is the form in which drivers of core/journal store units: those of a batch behind
// one another, as many as stand on a page of the store, for a row each costs a commit a third of
// its time.
package stretch

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/paklog/hub/core/journal"
)

// A stretch is a row of the log. data holds the units' bytes, and parts says for each how many
// positions it takes, how long its bytes and its links are, and then the links: for each of its
// events in order its version, and how far back the previous event of its stream stands (0 for the
// first). A CRC-32C of where the stretch stands and of parts ends parts.

// Packer puts units together. Its memory is used again by the next batch.
type Packer struct {
	Size        int // most bytes of a stretch that holds several units
	data, parts []byte
}

// Pack gives the stretches of units to put, in order. links is called once for each unit, in order;
// what put is given stays as it is until the next Pack.
func (k *Packer) Pack(units []journal.StagedUnit, links func(*journal.Unit) []byte, put func(first journal.Pos, data, parts []byte) error) error {
	k.data, k.parts = k.data[:0], k.parts[:0]
	for len(units) > 0 {
		n, size, parts := 0, 0, len(k.parts)
		for ; n < len(units); n++ {
			u := &units[n]
			if size += len(u.Data); n > 0 && size+len(k.parts)-parts+partSize*(1+len(u.Unit.Records)) > k.Size {
				break
			}
			k.parts = appendPart(k.parts, len(u.Unit.Records), len(u.Data), links(u.Unit))
		}
		k.parts = binary.LittleEndian.AppendUint32(k.parts, Sum(units[0].First, k.parts[parts:]))
		data := units[0].Data
		if n > 1 {
			from := len(k.data)
			for i := range units[:n] {
				k.data = append(k.data, units[i].Data...)
			}
			data = k.data[from:len(k.data):len(k.data)]
		}
		if err := put(units[0].First, data, k.parts[parts:len(k.parts):len(k.parts)]); err != nil {
			return err
		}
		units = units[n:]
	}
	return nil
}

// partSize is about how much parts says of a unit, and of each of its events.
const partSize = 6

// AppendLink adds an event to the links of its unit; prev is where the event before it in its stream
// stands, 0 for none.
func AppendLink(dst []byte, version uint64, pos, prev journal.Pos) []byte {
	dst = binary.AppendUvarint(dst, version)
	if prev == 0 {
		return binary.AppendUvarint(dst, 0)
	}
	return binary.AppendUvarint(dst, uint64(pos-prev))
}

// positions is how many a unit of so many records takes.
func positions(records int) journal.Pos { return journal.Pos(max(1, records)) }

func appendPart(dst []byte, records, size int, links []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(positions(records)))
	dst = binary.AppendUvarint(dst, uint64(size))
	dst = binary.AppendUvarint(dst, uint64(len(links)))
	return append(dst, links...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum is the checksum that ends parts of a stretch.
func Sum(first journal.Pos, parts []byte) uint32 {
	var pos [8]byte
	binary.LittleEndian.PutUint64(pos[:], uint64(first))
	return crc32.Update(crc32.Checksum(pos[:], castagnoli), castagnoli, parts)
}

var (
	errParts = errors.New("what says where its units stand is damaged")
	errLinks = errors.New("links of the unit are damaged")
)

// Part is one unit of a stretch, not decoded.
type Part struct {
	First, Behind journal.Pos // Behind is the position after its last
	Data          []byte
	links         []byte
}

// Each reads a row of the log and gives each unit to f until it returns false or an error.
func Each(first journal.Pos, data, parts []byte, f func(Part) (bool, error)) error {
	damaged := &journal.DamageError{First: first, Cause: errParts}
	end := len(parts) - 4
	if end < 0 || binary.LittleEndian.Uint32(parts[end:]) != Sum(first, parts[:end]) {
		return damaged
	}
	parts = parts[:end]
	for len(parts) > 0 {
		var v [3]uint64
		for i := range v {
			x, n := binary.Uvarint(parts)
			if n <= 0 {
				return damaged
			}
			v[i], parts = x, parts[n:]
		}
		if v[0] == 0 || v[1] > uint64(len(data)) || v[2] > uint64(len(parts)) {
			return damaged
		}
		p := Part{first, first + journal.Pos(v[0]), data[:v[1]:v[1]], parts[:v[2]]}
		if more, err := f(p); err != nil || !more {
			return err
		}
		first, data, parts = p.Behind, data[v[1]:], parts[v[2]:]
	}
	if len(data) > 0 {
		return damaged
	}
	return nil
}

// Stored decodes a unit, and says where the event before each of its events stands. Its data are
// given away.
func (p Part) Stored() (journal.Stored, []journal.Pos, error) {
	u, err := journal.DecodeOwn(p.First, p.Data)
	if err != nil {
		return journal.Stored{}, nil, err
	}
	prev, err := readLinks(u, p.links)
	if err == nil && p.Behind-p.First != positions(len(u.Records)) {
		err = errParts
	}
	if err != nil {
		return journal.Stored{}, nil, &journal.DamageError{First: p.First, Cause: err}
	}
	return journal.Stored{First: p.First, Unit: *u}, prev, nil
}

// readLinks gives u's events their versions, and says where the event before each stands.
func readLinks(u *journal.Unit, links []byte) (prev []journal.Pos, err error) {
	for i := range u.Records {
		r := &u.Records[i]
		if r.Stream == "" {
			continue
		}
		version, n := binary.Uvarint(links)
		if n <= 0 {
			return nil, errLinks
		}
		back, m := binary.Uvarint(links[n:])
		if m <= 0 || back >= uint64(r.Pos) {
			return nil, errLinks
		}
		links = links[n+m:]
		r.Version = version
		if prev == nil {
			prev = make([]journal.Pos, len(u.Records))
		}
		if back > 0 {
			prev[i] = r.Pos - journal.Pos(back)
		}
	}
	if len(links) > 0 {
		return nil, errLinks
	}
	return prev, nil
}

// TopicRun is how many positions one row of a topic lists at most.
const TopicRun = 512

// AppendRun encodes positions, in order: the first, then the gaps.
func AppendRun(dst []byte, run []journal.Pos) []byte {
	prev := journal.Pos(0)
	for _, p := range run {
		dst = binary.AppendUvarint(dst, uint64(p-prev))
		prev = p
	}
	return dst
}

var errRun = errors.New("a list of positions is damaged: run `paklog audit`")

// ReadRun appends the positions above after of a run that ends at last, up to limit in all.
func ReadRun(dst []journal.Pos, b []byte, last, after journal.Pos, limit int) ([]journal.Pos, error) {
	pos := journal.Pos(0)
	for len(dst) < limit {
		if len(b) == 0 {
			if pos != last {
				return nil, errRun
			}
			break
		}
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 || gap > uint64(last) {
			return nil, errRun
		}
		b = b[n:]
		if pos += journal.Pos(gap); pos > after {
			dst = append(dst, pos)
		}
	}
	return dst, nil
}

// Every is the distance of milestones: versions of a stream of which a row says where they stand. It
// is part of the stored format.
const Every = 64

// End is the last position of a run, 0 of one that is empty or damaged.
func End(run []byte) journal.Pos {
	pos := uint64(0)
	for len(run) > 0 {
		gap, n := binary.Uvarint(run)
		if n <= 0 {
			return 0
		}
		pos, run = pos+gap, run[n:]
	}
	return journal.Pos(pos)
}
