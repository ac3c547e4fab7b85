package x12_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func generated(b *testing.B, set string) []byte {
	b.Helper()
	var buf bytes.Buffer
	for control := 1; buf.Len() < 4<<20; control++ {
		if _, err := x12gen.Write(&buf, x12gen.Config{Seed: 1, Set: set, Sets: 100, Control: control}); err != nil {
			b.Fatal(err)
		}
	}
	return buf.Bytes()
}

func BenchmarkEnvelope(b *testing.B) {
	data := generated(b, "940")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r := x12.NewReader(bytes.NewReader(data), x12.Limits{})
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || len(p.Findings) > 0 {
				b.Fatal(err, p.Findings)
			}
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, set := range []string{"940", "850"} {
		b.Run(set, func(b *testing.B) {
			data := generated(b, set)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r := x12.NewReader(bytes.NewReader(data), x12.Limits{})
				for {
					p, err := r.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if p.Kind == x12.TransactionSet {
						grammar.Builtin().Check(p)
					}
					if err != nil || len(p.Findings) > 0 {
						b.Fatal(err, p.Findings)
					}
				}
			}
		})
	}
}
