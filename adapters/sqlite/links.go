package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/paklog/hub/core/journal"
)

// The links of a unit are, for each of its events in order, its version and how far back
// the previous event of its stream stands (0 for the first).

func appendLink(dst []byte, version uint64, pos, prev journal.Pos) []byte {
	dst = binary.AppendUvarint(dst, version)
	if prev == 0 {
		return binary.AppendUvarint(dst, 0)
	}
	return binary.AppendUvarint(dst, uint64(pos-prev))
}

var errLinks = errors.New("links of the unit are damaged")

// stored decodes a row of the log.
func stored(first journal.Pos, data, links []byte) (journal.Stored, []journal.Pos, error) {
	u, err := journal.DecodeUnit(data)
	if err != nil {
		return journal.Stored{}, nil, err
	}
	u.First = first
	var prev []journal.Pos
	for i := range u.Records {
		r := &u.Records[i]
		r.Pos = first + journal.Pos(i)
		if r.Stream == "" {
			continue
		}
		version, n := binary.Uvarint(links)
		if n <= 0 {
			return journal.Stored{}, nil, errLinks
		}
		back, m := binary.Uvarint(links[n:])
		if m <= 0 || back >= uint64(r.Pos) {
			return journal.Stored{}, nil, errLinks
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
		return journal.Stored{}, nil, errLinks
	}
	return journal.Stored{First: first, Unit: *u}, prev, nil
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

// readRun appends the positions of a run above after, up to limit in all.
func readRun(dst []journal.Pos, b []byte, after journal.Pos, limit int) ([]journal.Pos, error) {
	pos := journal.Pos(0)
	for len(b) > 0 && len(dst) < limit {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 {
			return nil, errors.New("a topic's list of positions is damaged")
		}
		b = b[n:]
		if pos += journal.Pos(gap); pos > after {
			dst = append(dst, pos)
		}
	}
	return dst, nil
}
