package printer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/printer"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/peer"
)

var zpl = ship.PrintJob{Name: "job-1", Format: "zpl", Data: bytes.Repeat([]byte("^XA^FO50,50^FDSHIP TO^FS^XZ\n"), 400)}

// port is a raw port; each does what becomes of a connection.
func port(t *testing.T, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			each(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return "raw://" + l.Addr().String()
}

func opened(t *testing.T, address string) ship.Printer {
	t.Helper()
	p, err := printer.New("dock-1", address, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestARawPort(t *testing.T) {
	t.Run("prints what comes", func(t *testing.T) {
		printed := make(chan []byte, 1)
		p := opened(t, port(t, func(c net.Conn) {
			b, _ := io.ReadAll(c)
			printed <- b
		}))
		if err := p.Print(t.Context(), zpl); err != nil {
			t.Fatal(err)
		}
		if got := <-printed; !bytes.Equal(got, zpl.Data) {
			t.Errorf("printed %d bytes, want %d", len(got), len(zpl.Data))
		}
	})
	t.Run("says how it does", func(t *testing.T) {
		p := opened(t, port(t, func(c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			_, _ = io.WriteString(c, "\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n")
		}))
		if err := p.Print(t.Context(), zpl); err != nil {
			t.Error(err)
		}
	})
	t.Run("is away", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := "raw://" + l.Addr().String()
		_ = l.Close()
		if err := opened(t, address).Print(t.Context(), zpl); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v, want Unavailable", err)
		}
	})
	t.Run("breaks off", func(t *testing.T) {
		p := opened(t, port(t, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 100))
			_ = c.(*net.TCPConn).SetLinger(0) // a reset, as of a printer that is switched off
		}))
		if err := p.Print(t.Context(), zpl); fault.KindOf(err) != fault.Unknown {
			t.Errorf("%v, want Unknown: some of it may be on paper", err)
		}
	})
}

func TestAddressesOfPrinters(t *testing.T) {
	for address, want := range map[string]string{
		"raw://10.0.4.20": "", "ipp://10.0.4.21/ipp/print": "", "ipps://[fe80::1]:8631/ipp/print": "",
		"":                  "an address like",
		"10.0.4.20:9100":    "url",
		"raw:///x":          "an address like",
		"raw://h:9100/path": "has no path",
		"lpd://h/queue":     "none of raw, ipp, ipps",
	} {
		_, err := printer.New("p", address, 0)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}

// A print server that is not ours, in Python, takes the job as it is.
func TestAForeignIPPServerPrints(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: fetches and starts a server in Python")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	wheels, err := peer.Wheels(t.Context(), filepath.Join(home, "paklog", "bench"), "ippserver", "0.2")
	if err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, at, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	spool := t.TempDir()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "python3", "-m", "ippserver", "-H", "127.0.0.1", "-p", at, "save", "--pdf", spool)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+wheels)
	cmd.Stderr, cmd.Stdout = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("ippserver: %s", log.String())
		}
	})
	p := opened(t, "ipp://127.0.0.1:"+at+"/printer")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	job := ship.PrintJob{Name: "0198-slip", Format: "pdf", Data: []byte("%PDF-1.4\n% a packing slip\n")}
	for again := time.NewTicker(20 * time.Millisecond); ; {
		if err = p.Print(ctx, job); fault.KindOf(err) != fault.Unavailable || ctx.Err() != nil {
			break
		}
		<-again.C // it is starting
	}
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(spool, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the server holds %v (%v), want one document", files, err)
	}
	if got, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(got, job.Data) {
		t.Errorf("the server holds %q (%v), want %q", got, err, job.Data)
	}
}

// answer is an IPP response of a status.
func answer(status uint16) []byte {
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{1, 1}, status), 1), 1, 3)
}

func TestWhatAnIPPPrinterAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  fault.Kind // of the print; 0 is printed
	}{
		"ok":                    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(0)) }, 0},
		"ok, but not all of it": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(1)) }, 0},
		"busy":                  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(0x0507)) }, fault.Throttled},
		"takes no jobs":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(0x0506)) }, fault.Unavailable},
		"another format":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(0x040A)) }, fault.Rejected},
		"a page of HTML":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>printer</html>") }, fault.Unknown},
		"nothing":               {func(http.ResponseWriter, *http.Request) {}, fault.Unknown},
		"cut off":               {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer(0)[:5]) }, fault.Unknown},
		"not found":             {http.NotFound, fault.Rejected},
		"broken":                {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, fault.Unknown},
		"hangs up":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.serve)
			defer s.Close()
			err := opened(t, "ipp"+strings.TrimPrefix(s.URL, "http")+"/ipp/print").Print(t.Context(), zpl)
			if (err == nil) != (c.want == 0) || err != nil && fault.KindOf(err) != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
			var fe *fault.Error
			if err != nil && !errors.As(err, &fe) {
				t.Errorf("%T is no fault", err)
			}
		})
	}
}
