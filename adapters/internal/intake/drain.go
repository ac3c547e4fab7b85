package intake

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// mostDrained bounds what is read of a body that nobody wants.
const mostDrained = 64 << 20

// Drained reads, within bounds, what its handler left of a body. A connection that is closed while its
// client still sends is reset, and the client never reads why it was refused. The answer leaves first:
// who said how much he will send, and is slow, need not send it to be told.
func Drained(next http.Handler, l Limits) http.Handler {
	l = l.WithDefaults()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, until := r.Body, time.Now().Add(l.Timeout)
		unread := body != nil && body != http.NoBody && (r.ContentLength < 0 || r.ContentLength > l.MaxBody)
		out := http.NewResponseController(w)
		if unread {
			// Else net/http reads the body, as far as it will, before it lets the answer out.
			_ = out.EnableFullDuplex() // HTTP/2 always has it, a recorder has nobody behind it
		}
		next.ServeHTTP(w, r)
		if unread {
			_ = out.Flush() // as above
		}
		// Who asked first whether to send is told by the answer itself.
		if body == nil || body == http.NoBody || strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			return
		}
		_ = out.SetReadDeadline(until)                 // a recorder has nobody slow behind it
		_, _ = io.CopyN(io.Discard, body, mostDrained) // what cannot be read is not waited for
	})
}
