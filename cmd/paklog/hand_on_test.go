package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
)

// mailboxName is a partner who knows files alone.
const mailboxName = "SHED"

// lying reads the files of a folder of the mailbox.
func lying(t *testing.T, c *pkgsftp.Client, folder string) map[string][]byte {
	t.Helper()
	list, err := c.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range list {
		f, err := c.Open(folder + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if out[e.Name()], err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return out
}

func put(t *testing.T, c *pkgsftp.Client, name string, data []byte) {
	t.Helper()
	f, err := c.Create("/inbox/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A station that only speaks files exchanges documents with a partner who speaks AS2: his message lies
// in the mailbox on our SFTP server, and what is laid there goes to his station, each once and as it was,
// while he is away, too. The hub works on none of them.
func TestAMailboxAndAStationAreOneChain(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	w.a.Mailbox = freeAddress(t)
	a, b := startHub(t, w.a), startHub(t, w.b)
	order := w.order()
	text, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.do("send " + order); err != nil {
		t.Fatal(err)
	}
	w.quiet(a, b)
	s := &shell{t: t, data: filepath.Join(w.a.Dir, w.a.Name)}
	c := s.clientOf(w.a.Mailbox, mailboxName)
	got := lying(t, c, "/outbox")
	if len(got) != 1 {
		t.Errorf("%d files lie in the mailbox", len(got))
	}
	for name, data := range got {
		if !strings.HasPrefix(name, "940-1-") || !bytes.Equal(data, text) {
			t.Errorf("%s is %q", name, data)
		}
	}
	b.stop(t) // what is laid into the mailbox now waits for him
	taken := func() bool {
		list, err := c.ReadDir("/inbox")
		return err == nil && len(list) == 0
	}
	for _, name := range []string{"945.edi", "again.edi"} { // the same one twice
		put(t, c, name, advice945(1))
		if !everySoOften(t, time.Minute, taken) {
			t.Fatal("it is not taken")
		}
	}
	b = startHub(t, w.b)
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	at, his := tell(t, w.a), tell(t, w.b)
	if len(at.sent) != 1 || len(his.received) != 1 || his.documents["945"] != 1 || len(his.documents) != 1 || at.documents["940"] != 1 {
		t.Errorf("%d messages went by AS2, %d came; he has %v, we have %v", len(at.sent), len(his.received), his.documents, at.documents)
	}
	for id, p := range at.sent {
		if p.Proof.Outcome != "delivered" || !strings.HasPrefix(p.Sent.File, "945-") {
			t.Errorf("%s with %s is %s", id, p.Sent.File, p.Proof.Outcome)
		}
	}
	if len(at.letters) != 0 {
		t.Errorf("letters: %s", at.letters)
	}
}
