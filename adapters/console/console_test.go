package console_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/console"
)

// most is the budget of the first load, in bytes, unpacked.
const most = 150 << 10

func TestThePageIsSmallAndFetchesNothingFromOutside(t *testing.T) {
	h, err := console.Handler()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	if w := get("/console"); w.Code != http.StatusMovedPermanently {
		t.Errorf("/console: %d", w.Code)
	}
	for _, path := range []string{"/console/none.js", "/console/../console.go", "/console/page/index.html"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/console/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}

	loads := regexp.MustCompile(`(?:src="|href="|from ')([^"'#]+)["']`)
	seen, total := map[string]bool{}, 0
	var load func(path string)
	load = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		w := get(path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
			return
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		body := w.Body.String()
		total += len(body)
		if strings.Contains(body, "innerHTML") || strings.Contains(body, "insertAdjacentHTML") || strings.Contains(body, "document.write") {
			t.Errorf("%s makes elements of text: what a letter holds would run", path)
		}
		for _, m := range loads.FindAllStringSubmatch(body, -1) {
			to := m[1]
			if strings.Contains(to, "//") {
				t.Errorf("%s fetches %s", path, to)
				continue
			}
			load("/console/" + strings.TrimPrefix(strings.TrimPrefix(to, "/console/"), "./"))
		}
	}
	load("/console/")
	if len(seen) < 8 || total > most {
		t.Errorf("the first load is %d bytes in %d files, more than %d", total, len(seen), most)
	}
}
