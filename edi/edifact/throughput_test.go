package edifact_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
)

func generated(b *testing.B, kind string) []byte {
	b.Helper()
	var buf bytes.Buffer
	for control := 1; buf.Len() < 4<<20; control++ {
		if _, err := edifactgen.Write(&buf, edifactgen.Config{Seed: 1, Type: kind, Messages: 100, Control: control}); err != nil {
			b.Fatal(err)
		}
	}
	return buf.Bytes()
}

// read is one pass over data, checked or not.
func read(b *testing.B, data []byte, check bool) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r := edifact.NewReader(bytes.NewReader(data), edifact.Limits{})
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if check && p.Kind == edifact.Message {
				grammar.Builtin().Check(p)
			}
			if len(p.Findings) > 0 {
				b.Fatal(p.Findings)
			}
		}
	}
}

func BenchmarkIndexMessages(b *testing.B) {
	data := generated(b, "ORDERS")
	dst := make([]uint32, 32<<10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for at := 0; at < len(data); at += len(dst) {
			edifact.DefaultDelimiters.Index(dst, data[at:min(at+len(dst), len(data))], uint32(at))
		}
	}
}

func BenchmarkEnvelope(b *testing.B) { read(b, generated(b, "ORDERS"), false) }

func BenchmarkValidate(b *testing.B) {
	for _, kind := range []string{"ORDERS", "DESADV", "INVOIC"} {
		b.Run(kind, func(b *testing.B) { read(b, generated(b, kind), true) })
	}
}
