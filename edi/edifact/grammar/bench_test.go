package grammar_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
)

func BenchmarkCheck(b *testing.B) {
	for _, kind := range []string{"ORDERS", "DESADV", "INVOIC"} {
		b.Run(kind, func(b *testing.B) {
			var buf bytes.Buffer
			for control := 1; buf.Len() < 4<<20; control++ {
				if _, err := edifactgen.Write(&buf, edifactgen.Config{Seed: 1, Type: kind, Messages: 100, Control: control}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(buf.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r := edifact.NewReader(bytes.NewReader(buf.Bytes()), edifact.Limits{})
				for {
					p, err := r.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if p.Kind == edifact.Message {
						grammar.Builtin().Check(p)
					}
					if len(p.Findings) > 0 {
						b.Fatal(p.Findings)
					}
				}
			}
		})
	}
}
