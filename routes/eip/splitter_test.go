package eip_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// lines splits a text by its lines, from the byte behind the last one that stands.
func lines(_ context.Context, m message, from eip.Offset) iter.Seq2[eip.Child, error] {
	return func(yield func(eip.Child, error) bool) {
		var text string
		if err := m.Decode(&text); err != nil {
			yield(eip.Child{}, err)
			return
		}
		for at := from.At; at < int64(len(text)); {
			l, _, _ := strings.Cut(text[at:], "\n")
			at += int64(len(l)) + 1
			if l == "later" && m.Attempt == 0 {
				yield(eip.Child{}, fault.E("lines", fault.Transient, errors.New("try again")))
				return
			}
			if l == "bad" {
				yield(eip.Child{}, fault.At("lines", fault.Invalid, fmt.Sprintf("line at byte %d", at), errors.New("unreadable")))
				return
			}
			if !yield(eip.Child{Next: at, Record: journal.Record{Type: "line", Topic: "lines", Key: l, Data: []byte(l)}}, nil) {
				return
			}
		}
	}
}

func splitLines(*routes.Hub) []routes.Route {
	s := eip.Splitter[message, out]{
		Step: "lines", Every: 2, Children: lines,
		Then: func(_ context.Context, m message, o out, n int) error {
			o.Publish("lines", "end", m.Key, n)
			return nil
		},
	}
	return []routes.Route{{Name: "split", Topics: []string{"texts"}, Handle: s.Handle}}
}

func TestSplitterRepeatsAndSkipsNothingWhateverDies(t *testing.T) {
	got := everyKill(t, scenario{
		routes: splitLines, outputs: []string{"lines"},
		inputs: []input{{topic: "texts", key: "T", data: "a\nb\nc\nd\ne"}},
	})
	wantLines(t, got, "lines", "line a a part=0", "line b b part=1", "line c c part=2", "line d d part=3", "line e e part=4", "end T 5")
	if n := got.rows[journal.TableState]; n != 0 {
		t.Errorf("%d offsets are left behind", n)
	}
}

func TestSplitterGoesOnWhereItFailed(t *testing.T) {
	got := everyKill(t, scenario{
		routes: splitLines, outputs: []string{"lines"}, until: time.Minute,
		inputs: []input{{topic: "texts", key: "T", data: "a\nb\nc\nlater\ne"}},
	})
	wantLines(t, got, "lines", "line a a part=0", "line b b part=1", "line c c part=2", "line later later part=3", "line e e part=4", "end T 5")
}

func TestSplitterKeepsWhatStoodBeforeABadPart(t *testing.T) {
	got := everyKill(t, scenario{
		routes: splitLines, outputs: []string{"lines"},
		inputs: []input{{topic: "texts", key: "T", data: "a\nb\nc\nbad\ne"}},
	})
	wantLines(t, got, "lines", "line a a part=0", "line b b part=1")
	wantLetter(t, got, "invalid", "unreadable")
	if p := got.letters[0].Place; p != "line at byte 10" {
		t.Errorf("place is %q", p)
	}
}

func TestSplitterHoldsOneUnitInMemory(t *testing.T) {
	long := strings.Repeat("x", 900<<10) + "\n"
	for name, c := range map[string]struct {
		text           string
		children, last int
	}{
		"of many children": {strings.Repeat("x\n", 3500), 3500, 500},
		"of long children": {strings.Repeat(long, 11), 11, 1},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := scenario{outputs: []string{"lines"}, inputs: []input{{topic: "texts", key: "T", data: c.text}}}
			s.routes = func(*routes.Hub) []routes.Route {
				split := eip.Splitter[message, out]{Step: "lines", Children: func(ctx context.Context, m message, from eip.Offset) iter.Seq2[eip.Child, error] {
					return func(yield func(eip.Child, error) bool) {
						for child, err := range lines(ctx, m, from) {
							child.Key = "T"
							if !yield(child, err) {
								return
							}
						}
					}
				}, Then: func(_ context.Context, _ message, o out, _ int) error {
					n = len(o.Records)
					return nil
				}}
				return []routes.Route{{Name: "split", Topics: []string{"texts"}, Handle: split.Handle}}
			}
			got, _ := play(t, s, 0)
			if len(got.of("lines")) != c.children || n != c.last {
				t.Errorf("%d children, %d of them in the last unit; want %d and %d", len(got.of("lines")), n, c.children, c.last)
			}
		})
	}
}
