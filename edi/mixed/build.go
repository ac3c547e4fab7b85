package mixed

import (
	"io"

	"github.com/paklog/hub/edi/edifact/edifactjson"
	"github.com/paklog/hub/edi/internal/canon"
	"github.com/paklog/hub/edi/x12/x12json"
)

// Build writes a stream of canonical JSON, an object an interchange, as the X12 and the
// EDIFACT that it says: an object whose first key is unb is EDIFACT. What was written
// before an error is no whole interchange.
func Build(w io.Writer, in io.Reader) error {
	return canon.Build(w, in, "EDI", func(b *canon.Builder) error {
		key, err := b.First()
		if err != nil {
			return err
		}
		if key == "unb" {
			return edifactjson.Object(b)
		}
		return x12json.Object(b)
	})
}
