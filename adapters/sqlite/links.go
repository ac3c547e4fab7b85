package sqlite

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/paklog/hub/core/journal"
)

// A row of the log is a stretch: units of one batch behind one another, as many as stand on a page.
// A row each cost the commit a third of its time. data holds the units' bytes, and parts says for
// each how many positions it takes, how long its bytes and its links are, and then the links: for
// each of its events in order its version, and how far back the previous event of its stream stands
// (0 for the first). A CRC-32C of where the stretch stands and of parts ends parts.

// stretchSize bounds the bytes of a row that holds several units: with its header it fits into a page.
const stretchSize = pageSize - 192

// partSize is about how much parts says of a unit, and of each of its events.
const partSize = 6

func appendLink(dst []byte, version uint64, pos, prev journal.Pos) []byte {
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

func partsSum(first journal.Pos, parts []byte) uint32 {
	var pos [8]byte
	binary.LittleEndian.PutUint64(pos[:], uint64(first))
	return crc32.Update(crc32.Checksum(pos[:], castagnoli), castagnoli, parts)
}

var (
	errParts = errors.New("what says where its units stand is damaged")
	errLinks = errors.New("links of the unit are damaged")
)

// part is one unit of a stretch, not decoded.
type part struct {
	first, behind journal.Pos
	data, links   []byte
}

// stretch reads a row of the log and gives each unit to f until it returns false or an error.
func stretch(first journal.Pos, data, parts []byte, f func(part) (bool, error)) error {
	damaged := &journal.DamageError{First: first, Cause: errParts}
	end := len(parts) - 4
	if end < 0 || binary.LittleEndian.Uint32(parts[end:]) != partsSum(first, parts[:end]) {
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
		p := part{first, first + journal.Pos(v[0]), data[:v[1]:v[1]], parts[:v[2]]}
		if more, err := f(p); err != nil || !more {
			return err
		}
		first, data, parts = p.behind, data[v[1]:], parts[v[2]:]
	}
	if len(data) > 0 {
		return damaged
	}
	return nil
}

// stored decodes a unit, and says where the event before each of its events stands. Its data are
// given away.
func (p part) stored() (journal.Stored, []journal.Pos, error) {
	u, err := journal.DecodeOwn(p.first, p.data)
	if err != nil {
		return journal.Stored{}, nil, err
	}
	prev, err := readLinks(u, p.links)
	if err == nil && p.behind-p.first != positions(len(u.Records)) {
		err = errParts
	}
	if err != nil {
		return journal.Stored{}, nil, &journal.DamageError{First: p.first, Cause: err}
	}
	return journal.Stored{First: p.first, Unit: *u}, prev, nil
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

// topicRun is how many positions one row of a topic lists at most.
const topicRun = 512

// appendRun encodes positions, in order: the first, then the gaps.
func appendRun(dst []byte, run []journal.Pos) []byte {
	prev := journal.Pos(0)
	for _, p := range run {
		dst = binary.AppendUvarint(dst, uint64(p-prev))
		prev = p
	}
	return dst
}

var errRun = errors.New("a topic's list of positions is damaged: run `paklog audit`")

// readRun appends the positions above after of a run that ends at last, up to limit in all.
func readRun(dst []journal.Pos, b []byte, last, after journal.Pos, limit int) ([]journal.Pos, error) {
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
