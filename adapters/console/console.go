// Package console is the page of those who run the hub and mend what fails: how it does now, the map
// of its routes, letters and their groups, journeys, replays, partners and the floor. It comes whole
// from the binary and speaks to the hub by the REST API alone, so that whatever it does a
// script can do too.
package console

import (
	"embed"
	"net/http"

	"github.com/paklog/hub/adapters/internal/page"
)

//go:embed page
var files embed.FS

// Handler serves the page under /console/.
func Handler() (http.Handler, error) { return page.Handler(files, "page", "/console") }
