package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/peer"
)

// pyAS2 is pyas2lib behind a small server of ours: it is a library.
type pyAS2 struct {
	folders
	home string // of its modules
}

func (p *pyAS2) start(t *testing.T, f *foreign) {
	p.make(t, f)
	_, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "stations", "pyas2.py"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", p.home)
	serving(t, f, filepath.Join(p.dir, "log"), "", exec.CommandContext(t.Context(), "python3", script, p.dir, port, "http://"+f.ours+"/as2"))
}

// pyas2lib returns no MIC of a message that is not signed. RFC 4130 7.3 owes one to who asks for a signed receipt:
// it stays unproven. It compresses before it signs and not behind that.
func TestPyAS2(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	cache, err := peer.Cache()
	if err != nil {
		t.Fatal(err)
	}
	home, err := peer.Wheels(t.Context(), filepath.Join(cache, "as2-stations"), "pyas2lib", "1.4.4")
	if err != nil {
		t.Skip(err)
	}
	never := func(cell) bool { return false }
	speak(t, "pyas2lib 1.4.4", &pyAS2{home: home}, known{
		differs: never, loses: never,
		speaks:  func(c cell) bool { return c.Compress != "after" },
		proves:  func(c cell) bool { return c.Sign || c.Receipt != "signed" },
		special: map[string]way{"oaep": {sends: true}, "pss": {takes: true}, "long": {sends: true, takes: true}},
	})
}
