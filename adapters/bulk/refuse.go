package bulk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// said is what the door answered about an order, as far as rows are told of it.
type said struct {
	Rejected bool            `json:"rejected"`
	Problems []order.Problem `json:"problems"`
	Lines    []struct {
		Problem order.Problem `json:"hold"`
		Dropped bool          `json:"drop"`
	} `json:"lines"`
}

func read(t *thing, r door.Reply) (s said, err error) {
	if t.door != door.Orders {
		return s, nil
	}
	if err := json.Unmarshal(r.Body, &s); err != nil {
		return s, fault.E("bulk.read", fault.Internal, fmt.Errorf("reading what the door says of order %s: %w", t.ask.ID, err))
	}
	return s, nil
}

// waits reports whether a person has to help before all of the order is worked on.
func (s said) waits() bool {
	for _, l := range s.Lines {
		if l.Problem.Code != "" && !l.Dropped {
			return true
		}
	}
	return s.Rejected
}

// held tells the rows whose lines wait what they wait for.
func (s said) held(t *thing, out []Result) []Result {
	own := t.own()
	for _, l := range s.Lines {
		if l.Problem.Code == "" || l.Dropped {
			continue
		}
		i, place := t.rowOf(l.Problem.Place, len(own))
		r := &out[own[i]]
		if r.Outcome == Held {
			r.Message += "; " + l.Problem.Text
			continue
		}
		r.Outcome, r.Place, r.Message = Held, place, l.Problem.Text
	}
	return out
}

// refused spreads what is wrong with a thing over its rows: each problem to the row of the
// order line that it is about.
func refused(t *thing, err error) []Result {
	out := every(t, Refused)
	own := t.own()
	if len(own) == 0 {
		return out // each says what is wrong with it
	}
	first := -1
	for _, p := range problems(err) {
		n, place := t.rowOf(p.place, len(own))
		i := own[n]
		switch {
		case out[i].Message == "":
			out[i].Place, out[i].Message = place, p.text
		case place == "" || place == out[i].Place:
			out[i].Message += "; " + p.text
		default:
			out[i].Message += "; " + place + ": " + p.text
		}
		if first < 0 || i < first {
			first = i
		}
	}
	for _, i := range own {
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
			switch line := strings.HasPrefix(d.Place, "lines"); {
			case line && strings.HasSuffix(d.Place, ".no") && d.Have == "":
				text += fmt.Sprintf(": it has no line %s", d.Want)
			case line && d.Want == "" && !strings.Contains(d.Place, "]"):
				text += fmt.Sprintf(": it has a %s, which this has not", d.Have)
			case d.Have != "" || d.Want != "":
				text += fmt.Sprintf(": it has %q, this has %q", d.Have, d.Want)
			}
			out = append(out, problem{d.Place, text})
		}
		return out
	}
	return []problem{{fault.PlaceOf(err), sentence(err)}}
}

// rowOf is the row that a place is about, and the place within that row.
func (t *thing) rowOf(place string, rows int) (int, string) {
	rest, ok := strings.CutPrefix(place, "lines[")
	if !ok || !t.table {
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
	switch field { // as the column is called
	case "no":
		field = "line"
	case "ref":
		field = "line_ref"
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
