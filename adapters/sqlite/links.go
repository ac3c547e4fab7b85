package sqlite

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/paklog/hub/core/journal"
)

// The links of a unit are, for each of its events in order, its version and how far back
// the previous event of its stream stands (0 for the first), and then a CRC-32C of where the unit
// stands and of them.

func appendLink(dst []byte, version uint64, pos, prev journal.Pos) []byte {
	dst = binary.AppendUvarint(dst, version)
	if prev == 0 {
		return binary.AppendUvarint(dst, 0)
	}
	return binary.AppendUvarint(dst, uint64(pos-prev))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func linksSum(first journal.Pos, links []byte) uint32 {
	var pos [8]byte
	binary.LittleEndian.PutUint64(pos[:], uint64(first))
	return crc32.Update(crc32.Checksum(pos[:], castagnoli), castagnoli, links)
}

var errLinks = errors.New("links of the unit are damaged")

// stored decodes a row of the log. data is given away.
func stored(first journal.Pos, data, links []byte) (journal.Stored, []journal.Pos, error) {
	u, err := journal.DecodeOwn(first, data)
	if err != nil {
		return journal.Stored{}, nil, err
	}
	prev, err := readLinks(u, links)
	if err != nil {
		return journal.Stored{}, nil, &journal.DamageError{First: first, Cause: err}
	}
	return journal.Stored{First: first, Unit: *u}, prev, nil
}

// readLinks gives u's events their versions, and says where the event before each stands.
func readLinks(u *journal.Unit, links []byte) (prev []journal.Pos, err error) {
	if len(links) > 0 {
		end := len(links) - 4
		if end < 0 || binary.LittleEndian.Uint32(links[end:]) != linksSum(u.First, links[:end]) {
			return nil, errLinks
		}
		links = links[:end]
	}
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
