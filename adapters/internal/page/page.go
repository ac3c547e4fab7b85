// Package page serves the files of a web page that is embedded in the binary: nothing of it comes
// from elsewhere, and nothing of it may speak to anywhere else.
package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
)

// types are those of a page's files.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}

// policy lets nothing in but what comes from here.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type file struct {
	media string
	body  []byte
}

// Handler serves the folder of files under at, "/scan" for instance. %VERSION% in a file becomes a
// hash of all files, which changes with any of them.
func Handler(files fs.FS, folder, at string) (http.Handler, error) {
	root, err := fs.Sub(files, folder)
	if err != nil {
		return nil, fmt.Errorf("opening the page of %s: %w", at, err)
	}
	all, sum := map[string]file{}, sha256.New()
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(b))
		sum.Write(b)
		all[name] = file{media: types[path.Ext(name)], body: b}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the page of %s: %w", at, err)
	}
	version := hex.EncodeToString(sum.Sum(nil)[:8])
	tag := `"` + version + `"`
	for name, f := range all {
		f.body = bytes.ReplaceAll(f.body, []byte("%VERSION%"), []byte(version))
		all[name] = f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == at {
			http.Redirect(w, r, at+"/", http.StatusMovedPermanently)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, at+"/")
		if name == "" {
			name = "index.html"
		}
		f, ok := all[name]
		if !ok {
			intake.New(http.StatusNotFound, intake.CodeNotFound, "the page has no such file: it begins at "+at+"/").Write(w)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			intake.New(http.StatusMethodNotAllowed, intake.CodeMethod, "a page is read: what it does goes to the API under /v1").Write(w)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.media)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(f.body) // the reader hung up: nobody to tell
	}), nil
}
