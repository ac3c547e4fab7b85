package peer_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/peer"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// start is an engine, or the test skips.
func start(t *testing.T, name string) *peer.Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: fetches and runs other engines")
	}
	cache, err := peer.Cache()
	if err != nil {
		t.Skip("no folder for downloads:", err)
	}
	e, err := peer.Start(context.WithoutCancel(t.Context()), cache, name) // Cleanup ends it
	if none := (*peer.Unavailable)(nil); errors.As(err, &none) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// facts are what e reads in data.
func facts(t *testing.T, e *peer.Engine, data []byte) peer.Facts {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.edi")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := e.Facts(file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ourX12 is what we read in data, in the form of [peer.Facts].
func ourX12(t *testing.T, data []byte) (sets []peer.Set) {
	t.Helper()
	d, err := x12.Parse(data, x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		s := peer.Set{Type: p.ST.ID, Control: p.ST.Control}
		marks := p.Segments.Delimiters()
		for _, seg := range p.Segments.All() {
			if seg.Is("ST") || seg.Is("SE") {
				continue
			}
			line := seg.ID()
			for n := 1; n <= seg.Len(); n++ {
				v := seg.Element(n)
				if marks.Repetition != 0 {
					v = bytes.ReplaceAll(v, []byte{marks.Repetition}, []byte{0x1E})
				}
				if marks.Component != 0 {
					v = bytes.ReplaceAll(v, []byte{marks.Component}, []byte{0x1F})
				}
				line += "\x1d" + latin1(v)
			}
			s.Segments = append(s.Segments, line)
		}
		sets = append(sets, s)
	}
	return sets
}

// ourEDIFACT is [ourX12] for EDIFACT.
func ourEDIFACT(t *testing.T, data []byte) (sets []peer.Set) {
	t.Helper()
	d, err := edifact.Parse(data, edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		s := peer.Set{Type: p.UNH.Type, Control: p.UNH.Reference}
		marks := p.Segments.Delimiters()
		for _, seg := range p.Segments.All() {
			if seg.Is("UNH") || seg.Is("UNT") {
				continue
			}
			line := seg.ID()
			for n := 1; n <= seg.Len(); n++ {
				var repeats []string
				for r := 1; r <= seg.Repetitions(n); r++ {
					var parts []string
					for c := 1; ; c++ {
						raw, _ := seg.Component(n, r, c)
						if raw == nil {
							break
						}
						parts = append(parts, latin1(released(raw, marks.Release)))
					}
					repeats = append(repeats, strings.Join(parts, "\x1f"))
				}
				line += "\x1d" + strings.Join(repeats, "\x1e")
			}
			s.Segments = append(s.Segments, line)
		}
		sets = append(sets, s)
	}
	return sets
}

// released is data without its release characters.
func released(b []byte, release byte) []byte {
	if release == 0 {
		return b
	}
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] == release && i+1 < len(b) {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

// latin1 is b as the engines are given it: each byte a character.
func latin1(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

// bare is a segment without the empty elements, the empty components and the
// blanks at their ends, which mean nothing and which engines keep or drop as they like.
func bare(segment string) string {
	elements := strings.Split(segment, "\x1d")
	for i, e := range elements {
		elements[i] = strings.TrimRight(e, " \x1f\x1e")
	}
	return strings.TrimRight(strings.Join(elements, "\x1d"), "\x1d")
}

// firstDifference is where two readings part, "" where nowhere.
func firstDifference(ours, theirs []peer.Set) string {
	for i := range max(len(ours), len(theirs)) {
		switch {
		case i >= len(ours):
			return "they have one more set: " + theirs[i].Type + " " + theirs[i].Control
		case i >= len(theirs):
			return "we have one more set: " + ours[i].Type + " " + ours[i].Control
		}
		a, b := &ours[i], &theirs[i]
		if a.Type != b.Type || a.Control != b.Control {
			return "set " + a.Type + " " + a.Control + " is to them " + b.Type + " " + b.Control
		}
		for n := range max(len(a.Segments), len(b.Segments)) {
			switch {
			case n >= len(a.Segments):
				return "set " + a.Control + ": they have one more segment: " + shown(b.Segments[n])
			case n >= len(b.Segments):
				return "set " + a.Control + ": we have one more segment: " + shown(a.Segments[n])
			case bare(a.Segments[n]) != bare(b.Segments[n]):
				return "set " + a.Control + ": " + shown(a.Segments[n]) + " is to them " + shown(b.Segments[n])
			}
		}
	}
	return ""
}

var shown = strings.NewReplacer("\x1d", "*", "\x1e", "^", "\x1f", ":").Replace

// generated are files of ours that are like none other.
func generated(t *testing.T) (files [][]byte) {
	t.Helper()
	for _, set := range []string{"940", "850"} {
		var b bytes.Buffer
		if _, err := x12gen.Write(&b, x12gen.Config{Seed: 11, Set: set, Sets: 30}); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	for _, kind := range []string{"ORDERS", "DESADV", "INVOIC"} {
		for _, grouped := range []bool{false, true} {
			var b bytes.Buffer
			if _, err := edifactgen.Write(&b, edifactgen.Config{Seed: 11, Type: kind, Messages: 30, Grouped: grouped}); err != nil {
				t.Fatal(err)
			}
			files = append(files, b.Bytes())
		}
	}
	return files
}

func TestEDIReaderReadsInOurFilesWhatWeDo(t *testing.T) {
	t.Parallel()
	e := start(t, "edireader")
	for _, data := range generated(t) {
		theirs := facts(t, e, data)
		ours := ourX12(t, data)
		if bytes.HasPrefix(data, []byte("UN")) {
			ours = ourEDIFACT(t, data)
		}
		if len(ours) != 30 || theirs.Failed != "" || len(theirs.Errors) > 0 {
			t.Errorf("%.20q: %d sets, %q, %q", data, len(ours), theirs.Failed, theirs.Errors)
		}
		if d := firstDifference(ours, theirs.Sets); d != "" {
			t.Errorf("%.20q: %s", data, d)
		}
		if bytes.HasPrefix(data, []byte("ISA")) && !slices.ContainsFunc(strings.Split(theirs.Ack, "~"), func(s string) bool { return strings.HasPrefix(s, "AK9*A*30*30*30") }) {
			t.Errorf("%.20q is acknowledged by %q", data, theirs.Ack)
		}
	}
}
