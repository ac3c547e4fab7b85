package bulk

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// Report writes results to a file, as NDJSON or CSV. The returned function is for [Import];
// flush ends the file.
func Report(w io.Writer, format string) (report func(Result) error, flush func() error, err error) {
	switch format {
	case NDJSON:
		enc := json.NewEncoder(w)
		return func(r Result) error { return enc.Encode(r) }, func() error { return nil }, nil
	case CSV:
		c := csv.NewWriter(w)
		if err := c.Write([]string{"row", "line", "id", "outcome", "place", "message"}); err != nil {
			return nil, nil, err
		}
		report := func(r Result) error {
			return c.Write([]string{strconv.Itoa(r.Row), strconv.Itoa(r.Line), r.ID, r.Outcome, r.Place, r.Message})
		}
		return report, func() error { c.Flush(); return c.Error() }, nil
	}
	return nil, nil, fmt.Errorf("format %q of the report: there are %s and %s", format, CSV, NDJSON)
}
