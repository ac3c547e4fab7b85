// Package handheld is the page that leads through receiving, picking, putting apart, packing,
// counting and moving with a scanner that types (keyboard wedge). It comes whole from the binary, works off
// line once it was opened, and speaks to the hub by POST /v1/scans alone.
package handheld

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

//go:embed page
var files embed.FS

// types are those of the page's files.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}

// policy lets nothing in but what comes from here.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type file struct {
	media string
	body  []byte
	tag   string
}

// Handler serves the page under /scan/. The service worker's text changes with any file, so that
// handhelds take a new page when they are on line.
func Handler() (http.Handler, error) {
	root, err := fs.Sub(files, "page")
	if err != nil {
		return nil, fmt.Errorf("opening the handheld page: %w", err)
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
		return nil, fmt.Errorf("reading the handheld page: %w", err)
	}
	version := hex.EncodeToString(sum.Sum(nil)[:8])
	for name, f := range all {
		f.body = bytes.ReplaceAll(f.body, []byte("%VERSION%"), []byte(version))
		f.tag = `"` + version + `"`
		all[name] = f
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /scan", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/scan/", http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /scan/{name...}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if name == "" {
			name = "index.html"
		}
		f, ok := all[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.media)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.tag)
		if r.Header.Get("If-None-Match") == f.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(f.body)
	})
	return mux, nil
}
