package as2

import (
	"errors"
	"fmt"
	"strings"
)

// A Disposition is what a receipt says about a message (RFC 8098 3.2.6, RFC 4130 7.4.3).
type Disposition struct {
	Mode     string // "automatic-action/MDN-sent-automatically"
	Type     string // "processed" or "failed", in lower case
	Modifier string // "error", "warning", "failure" in lower case; empty for success
	Detail   string // the word for what is wrong
}

// automatic is the mode of a station: nobody clicks.
const automatic = "automatic-action/MDN-sent-automatically"

// Processed is the disposition of success.
var Processed = Disposition{Mode: automatic, Type: "processed"}

// DispositionOf is what to tell the sender: success, or the word of a
// *[Problem]. An error of another kind is the receiver's own, and is
// unexpected-processing-error; better than to tell it is no receipt and an
// answer that makes the sender try again.
func DispositionOf(err error) Disposition {
	if err == nil {
		return Processed
	}
	word := UnexpectedProcessingError
	var p *Problem
	if errors.As(err, &p) {
		word = p.Word
	}
	switch word {
	case UnsupportedFormat, UnsupportedMIC:
		return Disposition{Mode: automatic, Type: "failed", Modifier: "failure", Detail: word}
	case DuplicateDocument:
		return Disposition{Mode: automatic, Type: "processed", Modifier: "warning", Detail: word}
	default:
		return Disposition{Mode: automatic, Type: "processed", Modifier: "error", Detail: word}
	}
}

// String is the value of the Disposition field.
func (d Disposition) String() string {
	s := d.Mode + "; " + d.Type
	if d.Modifier != "" {
		s += "/" + d.Modifier
		if d.Detail != "" {
			s += ": " + d.Detail
		}
	}
	return s
}

// ParseDisposition reads the field as stations write it: any case, blanks or
// none behind the semicolon, several modifiers of which the first counts.
func ParseDisposition(value string) (Disposition, error) {
	mode, kind, found := strings.Cut(value, ";")
	if !found {
		return Disposition{}, fmt.Errorf("disposition %q has no type", value)
	}
	d := Disposition{Mode: strings.TrimSpace(mode)}
	kind, d.Detail, _ = strings.Cut(kind, ":")
	d.Detail = strings.TrimSpace(d.Detail)
	kind, modifier, _ := strings.Cut(kind, "/")
	modifier, _, _ = strings.Cut(modifier, ",")
	d.Type, d.Modifier = strings.ToLower(strings.TrimSpace(kind)), strings.ToLower(strings.TrimSpace(modifier))
	if d.Type == "" {
		return d, fmt.Errorf("disposition %q has no type", value)
	}
	return d, nil
}

// Accepted reports whether the receiver has the message: a warning does not
// take that back, an error or failure does, and so does a type that is not
// "processed".
func (d Disposition) Accepted() bool {
	return d.Type == "processed" && (d.Modifier == "" || d.Modifier == "warning")
}
