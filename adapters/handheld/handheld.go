// Package handheld is the page that leads through receiving, picking, putting apart, packing,
// counting and moving with a scanner that types (keyboard wedge). It comes whole from the binary, works off
// line once it was opened, and speaks to the hub by POST /v1/scans alone.
package handheld

import (
	"embed"
	"net/http"

	"github.com/paklog/hub/adapters/internal/page"
)

//go:embed page
var files embed.FS

// Handler serves the page under /scan/. The service worker's text changes with any file, so that
// handhelds take a new page when they are on line.
func Handler() (http.Handler, error) { return page.Handler(files, "page", "/scan") }
