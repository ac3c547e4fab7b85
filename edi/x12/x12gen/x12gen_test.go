package x12gen_test

import (
	"bytes"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func TestGeneratedInterchangesAreClean(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"940", "850"} {
		for seed := range uint64(50) {
			var b bytes.Buffer
			orders, err := x12gen.Write(&b, x12gen.Config{Seed: seed, Set: set, Sets: 5})
			if err != nil {
				t.Fatal(err)
			}
			d, err := x12.Parse(b.Bytes(), x12.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for p := range d.Sets() {
				grammar.Builtin().Check(p)
				n++
			}
			if f := d.Findings(); len(f) > 0 {
				t.Fatalf("%s seed %d: %v", set, seed, f)
			}
			if n != 5 || len(orders) != 5 {
				t.Fatalf("%d sets, %d orders", n, len(orders))
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	var a, b, c bytes.Buffer
	for _, made := range []struct {
		into *bytes.Buffer
		seed uint64
	}{{&a, 3}, {&b, 3}, {&c, 4}} {
		if _, err := x12gen.Write(made.into, x12gen.Config{Seed: made.seed, Sets: 4}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("the seed does not decide the bytes")
	}
	if _, err := x12gen.Write(&a, x12gen.Config{Set: "999"}); err == nil {
		t.Error("a set without a generator was written")
	}
}
