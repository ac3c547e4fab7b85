package bulk

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/paklog/hub/adapters/internal/strictjson"
)

// rowError is what is wrong with one row; the next row can be read.
type rowError struct {
	Offset int64 // byte of the file, from 0
	Reason string
}

func (e *rowError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }

// source counts the lines and bytes of a file, and skips a byte order mark.
type source struct {
	from io.ReadSeeker
	r    *bufio.Reader
	at   int64 // offset of the next byte
	line int   // of the next byte, from 1

	begun []byte // how the line of the last mark begins
	ended int64  // offset behind that line, 0 while it goes on
}

func newSource(r io.ReadSeeker) (*source, error) {
	s := &source{from: r, r: bufio.NewReaderSize(r, 16<<10), line: 1} // small, for it is filled anew when the source goes back
	head, err := s.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(head) == "\xef\xbb\xbf" {
		_, err := s.r.Discard(3)
		s.at = 3
		return s, err
	}
	if len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	}
	return s, nil
}

func (s *source) next() (byte, error) {
	c, err := s.r.ReadByte()
	if err == nil {
		s.at++
		if s.ended == 0 && len(s.begun) < mostBegun {
			s.begun = append(s.begun, c)
		}
		if c == '\n' {
			s.line++
			if s.ended == 0 {
				s.ended = s.at
			}
		}
	}
	return c, err
}

// mostBegun bounds what is kept of the beginning of a line.
const mostBegun = 1 << 10

// mark says that a row begins here.
func (s *source) mark() { s.begun, s.ended = s.begun[:0], 0 }

// within reports that the source is behind the first line of the row that began at the mark.
func (s *source) within() bool { return s.ended != 0 && s.at > s.ended }

// back returns to the second line of the row that began at line.
func (s *source) back(line int) error {
	if !s.within() {
		return nil
	}
	if _, err := s.from.Seek(s.ended, io.SeekStart); err != nil {
		return fmt.Errorf("going back to line %d: %w", line+1, err)
	}
	s.r.Reset(s.from)
	s.at, s.line = s.ended, line+1
	return nil
}

func (s *source) peek() byte {
	b, err := s.r.Peek(1)
	if err != nil {
		return 0
	}
	return b[0]
}

// csvReader reads RFC 4180 row by row in bounded memory. Fields may hold line ends within
// quotes; what stands in them is taken as it is.
type csvReader struct {
	src   *source
	comma byte
	max   int // bytes of one row

	buf  []byte
	ends []int
}

// row is one row of a table, valid until the next is read.
type row struct {
	Line   int   // where it begins, from 1
	Offset int64 // byte where it begins
	buf    []byte
	ends   []int
}

func (r row) len() int { return len(r.ends) }

func (r row) field(i int) string {
	from := 0
	if i > 0 {
		from = r.ends[i-1]
	}
	return string(r.buf[from:r.ends[i]])
}

func (r row) fields() []string {
	out := make([]string, r.len())
	for i := range out {
		out[i] = r.field(i)
	}
	return out
}

// blank reports a row of nothing: an empty line.
func (r row) blank() bool { return len(r.ends) == 1 && len(r.buf) == 0 }

// read returns the next row. A [*rowError] says that this row cannot be read and that
// reading goes on at the next line, be it one that a quote without an end would swallow; io.EOF
// ends the file.
func (c *csvReader) read() (row, error) {
	s := c.src
	out := row{Line: s.line, Offset: s.at}
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	var bad *rowError
	fail := func(at int64, format string, a ...any) {
		if bad == nil {
			bad = &rowError{at, fmt.Sprintf(format, a...)}
		}
	}
	s.mark()
	b, err := s.next()
	if err != nil {
		return out, err
	}
	for {
		var end bool
		if b == '"' {
			end, err = c.quoted(fail, &bad)
		} else {
			end, err = c.plain(b, fail, &bad)
		}
		if err != nil {
			return out, err
		}
		if c.ends = append(c.ends, len(c.buf)); len(c.ends) > maxColumns {
			fail(s.at-1, "the row has more than %d fields", maxColumns)
			c.ends = c.ends[:maxColumns]
		}
		if end {
			break
		}
		if b, err = s.next(); errors.Is(err, io.EOF) {
			c.ends = append(c.ends, len(c.buf)) // a comma and the end of the file
			break
		} else if err != nil {
			return out, err
		}
	}
	out.buf, out.ends = c.buf, c.ends
	if bad != nil {
		if err := s.back(out.Line); err != nil {
			return out, err
		}
		return out, bad
	}
	// Field by field: two halves of a character may meet where a comma stood.
	from := 0
	for i, end := range c.ends {
		if at, why := strictjson.InvalidUTF8(c.buf[from:end]); at >= 0 {
			return out, &rowError{out.Offset, fmt.Sprintf("field %d, byte %d of it: %s", i+1, at, why)}
		}
		from = end
	}
	return out, nil
}

// put adds a byte to the field, unless the row is bad or too large: then it is only passed
// over, so that memory stays bounded whatever the file holds.
func (c *csvReader) put(b byte, fail func(int64, string, ...any), bad **rowError) {
	if *bad != nil {
		return
	}
	if len(c.buf) >= c.max {
		fail(c.src.at-1, "the row has more than %d bytes: is a quote not closed?", c.max)
		return
	}
	c.buf = append(c.buf, b)
}

// plain reads a field without quotes from its first byte on. end tells that the row ends.
func (c *csvReader) plain(b byte, fail func(int64, string, ...any), bad **rowError) (end bool, err error) {
	for {
		switch {
		case b == c.comma:
			return false, nil
		case b == '\n':
			return true, nil
		case b == '\r' && c.src.peek() == '\n':
		case b == '"':
			fail(c.src.at-1, "a quote within a field: put the whole field in quotes and the quote twice")
		case b == 0:
			fail(c.src.at-1, "a NUL byte: is this a text file?")
		default:
			c.put(b, fail, bad)
		}
		if b, err = c.src.next(); errors.Is(err, io.EOF) {
			return true, nil
		} else if err != nil {
			return true, err
		}
	}
}

// quoted reads a field behind its opening quote.
func (c *csvReader) quoted(fail func(int64, string, ...any), bad **rowError) (end bool, err error) {
	open := c.src.at - 1
	line := c.src.line
	for {
		if *bad != nil && c.src.within() {
			return true, nil // each of the lines that the quote swallowed is read again
		}
		b, err := c.src.next()
		if errors.Is(err, io.EOF) {
			fail(open, "the quote opened on line %d is never closed", line)
			return true, nil
		}
		if err != nil {
			return true, err
		}
		if b != '"' {
			c.put(b, fail, bad)
			continue
		}
		if c.src.peek() == '"' {
			_, _ = c.src.next() // it was peeked at
			c.put('"', fail, bad)
			continue
		}
		b, err = c.src.next()
		for err == nil && b == '\r' && c.src.peek() == '\n' {
			b, err = c.src.next()
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && b == '\n':
			return true, nil
		case err != nil:
			return true, err
		case b == c.comma:
			return false, nil
		}
		fail(c.src.at-1, "%q behind the closing quote of a field", string(rune(b)))
		// What follows is read as a field without quotes, so that the next row is found.
		return c.plain(b, fail, bad)
	}
}

// maxColumns bounds the fields of a row.
const maxColumns = 256

// sniff finds what stands between the fields of a header.
func sniff(src *source) byte {
	head, _ := src.r.Peek(4096) // a short file ends early
	best, most := byte(','), 0
	for _, c := range []byte{',', ';', '\t'} {
		n := 0
		for _, b := range head {
			if b == '\n' {
				break
			}
			if b == c {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}
