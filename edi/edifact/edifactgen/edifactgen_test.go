package edifactgen_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
)

var variants = []edifactgen.Config{
	{}, {Type: "DESADV"}, {Type: "INVOIC"}, {Directory: "D01B"}, {Type: "DESADV", Directory: "D01B", Syntax: "UNOC:4"}, {Type: "INVOIC", Directory: "D01B", Syntax: "UNOY:4"},
	{Grouped: true}, {Options: edifact.WriterOptions{UNA: true, LineEnd: "\r\n"}},
	{Type: "DESADV", Grouped: true, Options: edifact.WriterOptions{Delimiters: edifact.Delimiters{Component: ':', Element: '+', Decimal: ',', Release: '!', Terminator: '\''}, LineEnd: "\n"}},
}

func written(t *testing.T, c edifactgen.Config) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := edifactgen.Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func checked(t *testing.T, data []byte) *edifact.Document {
	t.Helper()
	d, err := edifact.Parse(data, edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		grammar.Builtin().Check(p)
	}
	return d
}

func TestGeneratedInterchangesAreClean(t *testing.T) {
	t.Parallel()
	for i, c := range variants {
		for seed := range uint64(40) {
			c.Seed, c.Messages = seed, 4
			d := checked(t, written(t, c))
			if f := d.Findings(); len(f) > 0 {
				t.Fatalf("variant %d seed %d: %v", i, seed, f)
			}
			if n := len(slices.Collect(d.Messages())); n != 4 {
				t.Fatalf("%d messages", n)
			}
		}
	}
}

// Each planted error is found at its place; the messages beside it stay clean
// and accepted.
func TestEveryPlantedErrorIsFoundAtItsPlace(t *testing.T) {
	t.Parallel()
	planted := map[string]int{}
	for i, c := range variants {
		for seed := range uint64(12) {
			c.Seed, c.Messages = seed, 3
			clean := written(t, c)
			for _, kind := range edifactgen.Kinds() {
				data, p, ok := edifactgen.Plant(clean, kind, seed)
				if !ok {
					continue
				}
				planted[kind]++
				d := checked(t, data)
				name := fmt.Sprintf("variant %d seed %d: %s", i, seed, kind)
				if !slices.ContainsFunc(d.Findings(), func(f finding.Finding) bool { return f.Code == p.Code && f.Offset == p.Offset && f.Set == p.Message }) {
					t.Fatalf("%s: %+v was not found among %v", name, p, d.Findings())
				}
				for part := range d.Messages() {
					if p.Message != "" && part.UNH.Reference != p.Message && (len(part.Findings) > 0 || !ack.Judge(part, ack.Policy{}).Accepted()) {
						t.Fatalf("%s: message %s was harmed: %v", name, part.UNH.Reference, part.Findings)
					}
				}
				var out bytes.Buffer
				if _, err := d.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), data) {
					t.Fatalf("%s: other bytes were written", name)
				}
			}
		}
	}
	for _, kind := range edifactgen.Kinds() {
		if planted[kind] == 0 {
			t.Errorf("%s was never planted", kind)
		}
	}
	t.Logf("%d kinds: %v", len(planted), planted)
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	a, b, c := written(t, edifactgen.Config{Seed: 3, Messages: 4}), written(t, edifactgen.Config{Seed: 3, Messages: 4}), written(t, edifactgen.Config{Seed: 4, Messages: 4})
	if !bytes.Equal(a, b) || bytes.Equal(a, c) {
		t.Error("the seed does not decide the bytes")
	}
	if _, err := edifactgen.Write(&bytes.Buffer{}, edifactgen.Config{Type: "PAXLST"}); err == nil {
		t.Error("a message without a generator was written")
	}
	if _, _, ok := edifactgen.Plant(a, "no such kind", 1); ok {
		t.Error("an error of no kind was planted")
	}
}
