package x12

import "github.com/paklog/hub/edi/internal/stream"

// Index writes to dst the position, plus base, of every element separator and
// segment terminator in data and returns how many there are. dst must be at
// least as long as data. It allocates nothing.
func (d Delimiters) Index(dst []uint32, data []byte, base uint32) int {
	t := d.table()
	return stream.Index(dst, data, base, &t)
}
