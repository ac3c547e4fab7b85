package main

import (
	"bytes"
	"cmp"
	"io"
	"runtime"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/edifactjson"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/edi/x12/x12json"
)

// repeating is a stream that repeats what is in it until so many bytes came.
type repeating struct {
	text     []byte
	at, left int
}

func (r *repeating) Read(b []byte) (int, error) {
	if r.left <= 0 && r.at == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= n
	return n, nil
}

// TestMemoryIsThatOfOneSetHoweverLongTheStream checks a stream of 1 MB and one of 64 MB
// by every rule and writes it as JSON: what is live meanwhile is the same.
func TestMemoryIsThatOfOneSetHoweverLongTheStream(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: reads 130 MB")
	}
	rules := rulesFlags{}
	sets, err := rules.library()
	if err != nil {
		t.Fatal(err)
	}
	messages, err := rules.messages()
	if err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if _, err := x12gen.Write(&one, x12gen.Config{Seed: 1, Sets: 500}); err != nil {
		t.Fatal(err)
	}
	if _, err := edifactgen.Write(&two, edifactgen.Config{Seed: 1, Messages: 500}); err != nil {
		t.Fatal(err)
	}
	read := func(in io.Reader, each func() error) error {
		x, e := x12json.NewEncoder(io.Discard, x12json.Options{}), edifactjson.NewEncoder(io.Discard, edifactjson.Options{})
		return eachPart(in, func(p *x12.Part) error {
			sets.Check(p)
			return cmp.Or(x.Part(p), each())
		}, func(p *edifact.Part) error {
			if p.Kind == edifact.Message {
				messages.Check(p)
			}
			return cmp.Or(e.Part(p), each())
		})
	}
	for _, c := range []struct {
		name string
		text []byte
	}{
		{"X12", one.Bytes()},
		{"EDIFACT", two.Bytes()},
		{"both", append(bytes.Clone(one.Bytes()), two.Bytes()...)},
	} {
		most := func(size int) (live uint64) {
			parts := 0
			err := read(&repeating{text: c.text, left: size}, func() error {
				if parts++; parts%1500 == 0 {
					var ms runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&ms)
					live = max(live, ms.HeapAlloc)
				}
				return nil
			})
			if err != nil || live == 0 {
				t.Fatalf("%s: %d parts, %v", c.name, parts, err)
			}
			return live
		}
		short, long := most(1<<20), most(64<<20)
		t.Logf("%s: %d kB live at most in 1 MB, %d kB in 64 MB", c.name, short>>10, long>>10)
		if long > short+1<<20 {
			t.Errorf("%s: %d bytes are live in 1 MB, and %d in 64 MB", c.name, short, long)
		}
	}
}
