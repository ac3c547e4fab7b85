package intake

import (
	"io"
	"net/http"
	"strings"
)

// Problems answers with a problem where a handler of the standard library, or of a module, answers an
// error in plain text or a redirection in HTML.
func Problems(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&plain{ResponseWriter: w}, r)
	})
}

// plain takes the place of an answer in plain text.
type plain struct {
	http.ResponseWriter
	replaced bool
}

// codes of the statuses that others answer with.
var codes = map[int]string{
	http.StatusNotFound: CodeNotFound, http.StatusMethodNotAllowed: CodeMethod, http.StatusInternalServerError: CodeInternal, http.StatusServiceUnavailable: CodeUnavailable,
}

// CodeMethod is that of a method which a path does not know.
const CodeMethod = "method_not_allowed"

func (p *plain) WriteHeader(status int) {
	h := p.Header()
	if status < http.StatusBadRequest || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		p.ResponseWriter.WriteHeader(status)
		return
	}
	p.replaced = true
	h.Del("Content-Length")
	code, detail := codes[status], "there is nothing here: /docs lists what there is"
	switch {
	case code == "":
		code, detail = CodeMalformed, http.StatusText(status)
	case code != CodeNotFound:
		detail = http.StatusText(status)
	}
	New(status, code, detail).Write(p.ResponseWriter)
}

func (p *plain) Write(b []byte) (int, error) {
	if p.replaced {
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

// ReadFrom keeps what an embedded writer would do with a whole answer from going past Write.
func (p *plain) ReadFrom(r io.Reader) (int64, error) {
	if p.replaced {
		return io.Copy(io.Discard, r)
	}
	return io.Copy(p.ResponseWriter, r)
}

// Unwrap is for [http.ResponseController].
func (p *plain) Unwrap() http.ResponseWriter { return p.ResponseWriter }
