package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/view"
)

// A partner's file of random bytes is a letter, and neither its bytes nor their sequences reach the terminal.
func TestRandomBytesAreShownInHexadecimal(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serves()
	random := make([]byte, 2000)
	_, _ = rand.NewChaCha8([32]byte{4}).Read(random) // never fails
	copy(random, "\x1b]0;own\x07\x1b[2J\x9b2J")
	inbox := filepath.Join(s.data, "partners", "ACME", "inbox")
	if err := os.WriteFile(filepath.Join(inbox, "noise.edi"), random, 0o600); err != nil {
		t.Fatal(err)
	}
	var id string
	s.until("the letter is there", func() bool {
		list := decoded[struct{ Items []view.DeskLetter }](t, s.must("dlq", "search", "--json")).Items
		if len(list) == 1 {
			id = list[0].ID
		}
		return id != ""
	})
	out := s.must("dlq", "show", id)
	if strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
		t.Errorf("it is no plain text: %q", out)
	}
	if !strings.Contains(out, "00000000  1b 5d 30 3b 6f 77 6e 07") {
		t.Errorf("the bytes are not shown:\n%s", out)
	}
}
