package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes/eip"
)

// A document that is longer than a record carries lies in the folder beside the journal,
// and its orders exist all the same.
func TestALongDocumentIsFiledBesideTheJournal(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.stock("SKU-1", 1000)
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: 1, Sets: 250, MostLine: 1, Items: []string{"SKU-1"}, Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		t.Fatal(err)
	}
	if buf.Len() <= eip.MaxInline {
		t.Fatalf("%d bytes are not long", buf.Len())
	}
	inbox := filepath.Join(s.data, "partners", "ACME", "inbox")
	if err := os.WriteFile(filepath.Join(inbox, "long.edi.tmp"), buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(inbox, "long.edi.tmp"), filepath.Join(inbox, "long.edi")); err != nil {
		t.Fatal(err)
	}
	s.until("the document lies beside the journal", func() bool {
		var found int64
		_ = filepath.Walk(filepath.Join(s.data, payloads), func(_ string, i os.FileInfo, err error) error {
			if err == nil && !i.IsDir() {
				found = max(found, i.Size())
			}
			return nil
		})
		return found == int64(buf.Len())
	})
}
