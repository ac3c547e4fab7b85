package rest

import (
	"net/http"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
)

// WriteProblem answers with an RFC 9457 problem as this door does, for handlers beside it. after is when to
// come again; 0 says nothing of it.
func WriteProblem(w http.ResponseWriter, status int, code, detail string, after time.Duration) {
	if code == "" {
		code = map[int]string{
			http.StatusNotFound: intake.CodeNotFound, http.StatusServiceUnavailable: intake.CodeUnavailable, http.StatusInternalServerError: intake.CodeInternal,
			http.StatusBadRequest: intake.CodeMalformed,
		}[status]
	}
	if code == "" {
		code = intake.CodeInvalid
	}
	p := intake.New(status, code, detail)
	p.RetryAfter = after
	p.Write(w)
}
