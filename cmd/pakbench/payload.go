package main

import (
	"fmt"
	"math/rand/v2"
)

// payloadSize is that of every message: 1 kB.
const payloadSize = 1000

// payloads makes messages that differ, for repeated data trains branch predictors
// and compresses in caches as no real traffic does.
type payloads struct{ r *rand.Rand }

func newPayloads(seed uint64) *payloads { return &payloads{rand.New(rand.NewPCG(seed, 0x9e37))} }

// next is a JSON document of payloadSize bytes that is like no other.
func (p *payloads) next() []byte {
	b := make([]byte, 0, payloadSize+64)
	b = fmt.Appendf(b, `{"order":"SO-%08d","ship_to":%q,"lines":[`, p.r.IntN(1e8), p.word(6+p.r.IntN(20)))
	for n := 1; len(b) < payloadSize-120; n++ {
		b = fmt.Appendf(b, `{"line":%d,"sku":"%s-%04d","qty":%d,"lot":"%x"},`, n, p.word(4), p.r.IntN(1e4), 1+p.r.IntN(500), p.r.Uint32())
	}
	b[len(b)-1] = ']'
	b = append(b, `,"note":"`...)
	for len(b) < payloadSize-2 {
		b = append(b, byte('a'+p.r.IntN(26)))
	}
	return append(b[:payloadSize-2], `"}`...)
}

func (p *payloads) word(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('A' + p.r.IntN(26))
	}
	return string(b)
}
