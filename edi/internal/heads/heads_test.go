package heads

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/paklog/hub/edi/sniff"
)

const unb = "UNB+UNOC:3+A:14+B:14+261123:0915+1'UNH+1+ORDERS:D:96A:UN'"

// A header of the other format is found wherever the reads of a stream cut it.
func TestAHeaderOfTheOtherFormatIsFoundAcrossReads(t *testing.T) {
	data := strings.Repeat("W01*3*EA~", 5000) + unb
	for name, one := range map[string]bool{"a byte at a time": true, "whole": false} {
		w := &Window{Cut: -1, Other: sniff.EDIFACT}
		w.Format = "X12"
		if w.Src = bytes.NewReader([]byte(data)); one {
			w.Src = iotest.OneByteReader(strings.NewReader(data))
		}
		found := false
		for !found {
			if err := w.Want(w.Scanned, sniff.Header+1); err != nil {
				t.Fatal(err)
			}
			end, ok := w.OtherWithin(min(len(w.Buf), w.Scanned+Step), -1)
			if found = ok; !ok {
				if end <= w.Scanned && w.EOF {
					break
				}
				w.Scanned = max(w.Scanned, end)
			}
			if !found && w.EOF && w.Scanned >= len(w.Buf) {
				break
			}
		}
		if !found || !strings.HasPrefix(string(w.Buf[w.Cut:]), "UNB") {
			t.Errorf("%s: not found, %d of %d bytes were looked through", name, w.Scanned, len(data))
		}
		if begins, err := w.OtherBegins(w.Cut); err != nil || !begins {
			t.Errorf("%s: it does not begin where it was found: %v", name, err)
		}
		if begins, err := w.OtherBegins(0); err != nil || begins {
			t.Errorf("%s: one begins at the start: %v", name, err)
		}
	}
	none := &Window{Cut: -1}
	none.Buf, none.EOF = []byte(unb), true
	if _, found := none.OtherWithin(len(unb), -1); found {
		t.Error("one is found that nobody looks for")
	}
	if begins, _ := none.OtherBegins(0); begins {
		t.Error("one begins that nobody looks for")
	}
}

// What is forgotten of the stream moves what is known.
func TestWhatIsKnownMovesWithTheWindow(t *testing.T) {
	w := &Window{Scanned: 300_000, Cut: 290_000}
	w.Buf, w.EOF = make([]byte, 400_000), true
	moved, _ := w.Slide(280_000, 0)
	if moved != 280_000 || w.Scanned != 20_000 || w.Cut != 10_000 {
		t.Errorf("moved %d: scanned %d, cut %d", moved, w.Scanned, w.Cut)
	}
	if w.Begin(5); w.Scanned != 5 || w.Cut != -1 {
		t.Errorf("begun anew: scanned %d, cut %d", w.Scanned, w.Cut)
	}
}
