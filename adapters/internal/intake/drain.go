package intake

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// mostDrained bounds what is read of a body that nobody wants.
const mostDrained = 64 << 20

// Drained reads, within bounds, what its handler left of a body before the answer leaves. A connection that is
// closed while its client still sends is reset, and the client never reads why it was refused.
func Drained(next http.Handler, l Limits) http.Handler {
	l = l.WithDefaults()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, until := r.Body, time.Now().Add(l.Timeout)
		next.ServeHTTP(w, r)
		// Who asked first whether to send is told by the answer itself.
		if body == nil || body == http.NoBody || strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(until) // a recorder has nobody slow behind it
		_, _ = io.CopyN(io.Discard, body, mostDrained)           // what cannot be read is not waited for
	})
}
