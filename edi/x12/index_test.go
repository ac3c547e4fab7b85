package x12

import (
	"bytes"
	"testing"
)

func naiveIndex(d Delimiters, data []byte, base uint32) []uint32 {
	out := []uint32{}
	for i, c := range data {
		if c == d.Element || c == d.Terminator {
			out = append(out, base+uint32(i))
		}
	}
	return out
}

func FuzzIndexAgainstNaiveScan(f *testing.F) {
	f.Add([]byte("ST*940*0001~W05*N*1~SE*3*0001~"), byte('*'), byte('~'))
	f.Add([]byte("********~~~~~~~~*~*~"), byte('*'), byte('~'))
	f.Add([]byte{0, 1, 2, 255, 255, 0}, byte(0), byte(255))
	f.Fuzz(func(t *testing.T, data []byte, element, terminator byte) {
		d := Delimiters{Element: element, Terminator: terminator}
		dst := make([]uint32, len(data))
		n := d.Index(dst, data, 7)
		want := naiveIndex(d, data, 7)
		if n != len(want) {
			t.Fatalf("%d delimiters, want %d in %q", n, len(want), data)
		}
		for i, p := range want {
			if dst[i] != p {
				t.Fatalf("delimiter %d at %d, want %d in %q", i, dst[i], p, data)
			}
		}
	})
}

func TestIndexAllocatesNothing(t *testing.T) {
	data := bytes.Repeat([]byte("W01*12*CA*000100000016*VN*000100~G69*BERRY~"), 100)
	dst := make([]uint32, len(data))
	if n := testing.AllocsPerRun(10, func() { DefaultDelimiters.Index(dst, data, 0) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
