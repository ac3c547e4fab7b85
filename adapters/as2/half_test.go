package as2

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Of a message whose sender goes away in the middle nothing is decrypted, kept or taken, and the place that it
// held is free: sent again whole it is accepted.
func TestHalfAMessageIsNone(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"short": order, "long": strings.Repeat("a line of a long document\n", 8000)} {
		for _, chunked := range []bool{false, true} {
			r := newRig(t, func(c *Config, _ *Profile) { c.AtOnce = 1 })
			h, body := r.message("<half@acme>", content)
			for _, part := range []int{0, 1, len(body) / 2, len(body) - 1} {
				if chunked && part == 0 {
					continue // a chunk of no length is the end
				}
				says := fmt.Sprintf("%s, chunked %v, %d of %d bytes", name, chunked, part, len(body))
				conn, err := net.Dial("tcp", r.server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				var b bytes.Buffer
				b.WriteString("POST /as2 HTTP/1.1\r\nHost: ours\r\n")
				_ = http.Header(h).Write(&b) // into memory
				if chunked {
					fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", part, body[:part])
				} else {
					fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body[:part])
				}
				if _, err := conn.Write(b.Bytes()); err != nil {
					t.Fatal(err)
				}
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				said, err := io.ReadAll(conn) // to the end of the request at the station
				if status, _, _ := strings.Cut(string(said), "\r\n"); err != nil || said != nil && !strings.Contains(status, " 408 ") {
					t.Errorf("%s: %q, %v", says, status, err)
				}
				_ = conn.Close()
				r.mu.Lock()
				used := *r.used
				r.mu.Unlock()
				if left := r.store.names(t); used != 0 || len(left) != 0 || len(r.desk.documents) != 0 {
					t.Errorf("%s: a key was used %d times, %d payloads are left, %d documents were taken", says, used, len(left), len(r.desk.documents))
				}
			}
			if v := r.verdict(r.post(h, bytes.NewReader(body))); v != "processed" || len(r.desk.documents) != 1 {
				t.Errorf("%s, chunked %v: sent again it is %s", name, chunked, v)
			}
		}
	}
}
