package canon

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Builder is what the builders of both formats share: it reads a stream of canonical
// JSON and writes segments. A format fills in Write.
type Builder struct {
	W       *bufio.Writer
	In      *json.Decoder
	LineEnd string // before each segment
	Exact   bool
	Buf     []byte
	Write   func(Segment) error

	ahead *string // a key that was read and not taken
}

// Build lets object read each object of in, until there are no more, and write it to
// w. What was written before an error is no whole interchange.
func Build(w io.Writer, in io.Reader, format string, object func(*Builder) error) error {
	b := &Builder{W: bufio.NewWriterSize(w, 64<<10), In: json.NewDecoder(in)}
	b.In.DisallowUnknownFields()
	for {
		err := Delim(b.In, '{')
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			b.LineEnd, b.Exact, b.ahead = "", false, nil
			err = Within(object(b))
		}
		if err != nil {
			return &Error{Offset: b.In.InputOffset(), Err: err}
		}
	}
	if err := b.W.Flush(); err != nil {
		return fmt.Errorf("writing %s: %w", format, err)
	}
	return nil
}

// First is the first key of an object, which [Builder.Keys] takes all the same; "" without one.
func (b *Builder) First() (string, error) {
	if !b.In.More() {
		return "", nil
	}
	key, err := b.key()
	b.ahead = &key
	return key, err
}

func (b *Builder) key() (string, error) {
	t, err := b.In.Token()
	key, _ := t.(string)
	return key, err
}

// Keys reads the rest of an object: read takes the value of each key.
func (b *Builder) Keys(read func(key string) error) (err error) {
	for b.ahead != nil || b.In.More() {
		var key string
		if b.ahead != nil {
			key, b.ahead = *b.ahead, nil
		} else if key, err = b.key(); err != nil {
			return err
		}
		if err := read(key); err != nil {
			return err
		}
	}
	return Delim(b.In, '}')
}

// Array reads an array: item takes each value.
func (b *Builder) Array(item func() error) error {
	if err := Delim(b.In, '['); err != nil {
		return err
	}
	for b.In.More() {
		if err := item(); err != nil {
			return err
		}
	}
	return Delim(b.In, ']')
}

// Bytes writes a string of base64 as what it means.
func (b *Builder) Bytes() error {
	var raw []byte
	if err := b.In.Decode(&raw); err != nil {
		return err
	}
	_, err := b.W.Write(raw)
	return err
}

// ReadLineEnd reads what stands before each segment.
func (b *Builder) ReadLineEnd() error {
	if err := b.In.Decode(&b.LineEnd); err != nil {
		return err
	}
	if b.LineEnd != "\n" && b.LineEnd != "\r\n" && b.LineEnd != "" {
		return fmt.Errorf("line end %q is none", b.LineEnd)
	}
	return nil
}

// Body reads the rest of a set or message, whose header is written: its segments,
// which it writes, and its trailer under key, nil without one. n counts the segments,
// header and trailer included.
func (b *Builder) Body(what, key string) (trailer *Segment, n int, err error) {
	n = 2
	err = b.Keys(func(k string) error {
		switch k {
		case "segments":
			return b.Array(func() error {
				var s Segment
				if err := b.In.Decode(&s); err != nil {
					return err
				}
				n++
				return b.Write(s)
			})
		case key:
			trailer = &Segment{}
			return b.In.Decode(trailer)
		}
		return fmt.Errorf("key %q is unknown in a %s", k, what)
	})
	return trailer, n, err
}

// Trailer writes what is counted, or what the JSON says instead.
func (b *Builder) Trailer(given *Segment, tag string, n int, control string) error {
	switch {
	case given == nil:
		return b.Write(Segment{Elements: []string{tag, strconv.Itoa(n), control}})
	case given.Raw == nil && len(given.Elements) == 0:
		return nil
	}
	return b.Write(*given)
}

// Byte is a separator that JSON has as a string of one character; 0 is none.
func Byte(name, s string) (byte, error) {
	r := []rune(s)
	if len(r) > 1 || len(r) == 1 && r[0] > 0xFF {
		return 0, fmt.Errorf("%s %q is not one byte", name, s)
	}
	if len(r) == 0 {
		return 0, nil
	}
	return byte(r[0]), nil
}
