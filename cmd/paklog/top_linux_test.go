package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// pseudoTerminal opens both sides of a terminal of that size: what a person sees and types at, and what a program has.
func pseudoTerminal(t *testing.T, width, height uint16) (person, program *os.File) {
	t.Helper()
	ioctl := func(f *os.File, what uintptr, arg unsafe.Pointer) {
		t.Helper()
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), what, uintptr(arg)); e != 0 {
			t.Fatal(e)
		}
	}
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminal can be had: %v", err)
	}
	var n, unlocked uint32
	ioctl(person, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(person, syscall.TIOCGPTN, unsafe.Pointer(&n))
	size := [4]uint16{height, width}
	ioctl(person, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return person, program
}

// screen is what was written to a terminal so far.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// On a terminal the whole of it is taken, keys act at once and without Enter, and it is left as it was.
func TestTopOnATerminal(t *testing.T) {
	s := newShell(t)
	s.serve()
	person, program := pseudoTerminal(t, 120, 12)
	modes := func() string {
		var m syscall.Termios
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, program.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&m))); e != 0 {
			t.Fatal(e)
		}
		return fmt.Sprint(m)
	}
	before := modes()
	var shown screen
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			_, _ = shown.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	done := make(chan int, 1)
	go func() {
		root := newRoot()
		root.SetIn(program)
		root.SetOut(program)
		root.SetErr(&shown)
		root.SetArgs([]string{"--config", s.config, "top", "--every", "100ms"})
		done <- ended(&shown, root.ExecuteContext(t.Context()))
	}()
	last := func() string { return strings.Join(screenText(shown.String()), "\n") }
	key := func(k, says string) {
		t.Helper()
		if _, err := person.WriteString(k); err != nil {
			t.Fatal(err)
		}
		s.until("the terminal says "+says, func() bool { return strings.Contains(last(), says) })
	}
	s.until("routes are shown", func() bool { return strings.Contains(last(), "ROUTE") && strings.Contains(last(), "running") })
	if !strings.HasPrefix(shown.String(), otherScreen) || modes() == before {
		t.Errorf("the terminal is not taken: %q", shown.String()[:40])
	}
	key("l", "by lag")
	key("n", "by name")
	key(" ", "(still)")
	key("\x1b[6~", "more below")
	if _, err := person.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, shown.String())
	}
	if modes() != before {
		t.Error("the terminal is not as it was")
	}
	s.until("the first screen is back", func() bool { return strings.Contains(shown.String(), firstScreen) })
	_, _ = person.WriteString("\n") // whoever waited for a key sees that nobody wants it
	_ = program.Close()
	<-read // the other side is closed
	_ = person.Close()
}
