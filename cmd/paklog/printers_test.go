package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/paklog/hub/core/pack"
)

// labelPrinter is a raw port that keeps what it printed.
type labelPrinter struct {
	net.Listener
	mu     sync.Mutex
	sheets [][]byte
}

func newLabelPrinter(t *testing.T) *labelPrinter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &labelPrinter{Listener: l}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b, err := io.ReadAll(c)
			if err == nil && len(b) > 0 {
				p.mu.Lock()
				p.sheets = append(p.sheets, b)
				p.mu.Unlock()
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return p
}

func (p *labelPrinter) printed() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sheets
}

// A label lies in the printer when its carton is closed, and again when somebody asks.
func TestPrintersFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	p := newLabelPrinter(t)
	s.configure(fmt.Sprintf("printers:\n  dock-1:\n    url: raw://%s\n    papers: [carton]\n    format: zpl\n", p.Addr()))
	if got, code := s.doctor("printers"); code != 0 || len(got.Checks) != 1 || got.Checks[0].State != checkOK || got.Checks[0].About != "dock-1" {
		t.Errorf("exit %d, %+v", code, got.Checks)
	}
	s.serve()
	s.warehouse()
	s.must(append([]string{"order", "add", "--number", "SO-1", "--line", "MUG=3"}, address...)...)
	s.until("the carton's label is printed", func() bool { return len(p.printed()) == 1 })
	if label := p.printed()[0]; !bytes.HasPrefix(label, []byte("^XA")) || !bytes.Contains(label, []byte("SO-1")) {
		t.Errorf("printed %.200q", label)
	}
	sscc := decoded[pack.Packing](t, s.must("packs", "show", "P1-SO-1", "--json")).Cartons[0].Carton
	if out := s.must("print", "label", sscc, "--printer", "dock-1"); out != "sent to dock-1\n" {
		t.Error(out)
	}
	if out := s.must("print", "label", sscc, "--printer", "-"); out != "sent to dock-1\n" {
		t.Error(out)
	}
	s.until("it is printed again", func() bool { return len(p.printed()) == 3 })
	s.refused(1, "there are: dock-1", "print", "label", sscc, "--printer", "attic")
	s.refused(1, "a packing slip is a PDF", "print", "slip", "SO-1", "--printer", "dock-1")
	s.refused(1, "has no carrier label", "print", "carrier", sscc)
	s.refused(1, "has no carrier label", "print", "carrier", sscc, "--printer", "dock-1")
	s.refused(2, "leave --out and --format out", "print", "label", sscc, "--printer", "dock-1", "--format", "pdf")
}

func TestADoctorFindsAPrinterAway(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	p := newLabelPrinter(t)
	s.configure(fmt.Sprintf("printers:\n  dock-1:\n    url: raw://%s\n    papers: [carton]\n    format: zpl\n", p.Addr()))
	_ = p.Close()
	s.finds("printers", checkWarn, "connection refused")
}
