package stretch

import (
	"bytes"
	"testing"

	"github.com/paklog/hub/core/journal"
)

// Whatever the bytes, a row is refused or read, and each unit of it is within it.
func TestAnyBytesAreNoStretch(t *testing.T) {
	t.Parallel()
	var parts []byte
	for i := range 5 {
		parts = appendPart(parts, i, 10*i, []byte("link")[:i%4])
	}
	sum := func(parts []byte) []byte {
		s := Sum(7, parts)
		return append(bytes.Clone(parts), byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
	}
	data := make([]byte, 100)
	read := func(data, parts []byte) (n int, err error) {
		end := journal.Pos(7)
		err = Each(7, data, parts, func(p Part) (bool, error) {
			if n++; p.First != end || p.Behind <= p.First {
				t.Fatalf("%+v follows %d", p, end)
			}
			end = p.Behind
			return true, nil
		})
		return n, err
	}
	if n, err := read(data, sum(parts)); n != 5 || err != nil {
		t.Fatalf("%d units, %v", n, err)
	}
	refused := 0
	for i := range parts {
		for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			changed := bytes.Clone(parts)
			changed[i] = b
			if _, err := read(data, sum(changed)); err != nil {
				refused++
			}
			if _, err := read(data, append(changed, sum(parts)[len(parts):]...)); err == nil && b != parts[i] {
				t.Errorf("byte %d as %x was believed", i, b)
			}
		}
		if _, err := read(data, sum(parts[:i])); err == nil {
			t.Errorf("%d bytes of data in no unit", len(data))
		}
	}
	for _, short := range [][]byte{nil, {1}, {1, 2, 3}, sum(parts)[:4]} {
		if _, err := read(nil, short); err == nil {
			t.Errorf("%x was believed", short)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}
