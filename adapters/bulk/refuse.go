package bulk

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// refused spreads what is wrong with a thing over its rows: each problem to the row of the
// order line that it is about.
func refused(t *thing, err error) []Result {
	out := every(t, Refused)
	first := -1
	for _, p := range problems(err) {
		i, place := rowOf(p.place, len(out))
		if out[i].Message != "" {
			out[i].Message += "; "
			place = out[i].Place // the first
		}
		out[i].Place = place
		out[i].Message += p.text
		if first < 0 || i < first {
			first = i
		}
	}
	for i := range out {
		if out[i].Message == "" && first >= 0 {
			out[i].Message = fmt.Sprintf("not taken, because of line %d", out[first].Line)
		}
	}
	return out
}

type problem struct{ place, text string }

func problems(err error) []problem {
	var (
		syntax  *strictjson.Error
		bad     *rowError
		invalid *order.InvalidError
		differs *door.ConflictError
	)
	switch {
	case errors.As(err, &syntax):
		return []problem{{syntax.Place, fmt.Sprintf("byte %d of the line: %s", syntax.Offset, syntax.Reason)}}
	case errors.As(err, &bad):
		return []problem{{"", bad.Error()}}
	case errors.As(err, &invalid):
		out := make([]problem, 0, len(invalid.Problems)+1)
		for _, p := range invalid.Problems {
			out = append(out, problem{p.Place, p.Text})
		}
		if invalid.More > 0 {
			out = append(out, problem{"", fmt.Sprintf("and %d more", invalid.More)})
		}
		return out
	case errors.As(err, &differs):
		out := make([]problem, 0, len(differs.Differences))
		for _, d := range differs.Differences {
			text := fmt.Sprintf("order %s exists and differs", differs.Number)
			if d.Have != "" || d.Want != "" {
				text += fmt.Sprintf(": it has %q, this has %q", d.Have, d.Want)
			}
			out = append(out, problem{d.Place, text})
		}
		return out
	}
	return []problem{{fault.PlaceOf(err), sentence(err)}}
}

// rowOf is the row that a place is about, and the place within that row.
func rowOf(place string, rows int) (int, string) {
	rest, ok := strings.CutPrefix(place, "lines[")
	if !ok || rows == 1 && !strings.HasPrefix(place, "lines[0]") {
		return 0, place
	}
	n, field, ok := strings.Cut(rest, "].")
	if !ok {
		return 0, place
	}
	i, err := strconv.Atoi(n)
	if err != nil || i >= rows {
		return 0, place
	}
	return i, field
}

// sentence is what an error says without the operations that it passed.
func sentence(err error) string {
	for {
		var e *fault.Error
		if !errors.As(err, &e) || e.Err == nil {
			return err.Error()
		}
		err = e.Err
	}
}
