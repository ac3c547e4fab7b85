package x12wms

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/edi/x12"
)

// Refused is a document whose syntax is right and that nobody can work on.
type Refused struct {
	Name    string // what we call the refusal
	Set     string // ST01, or the message's type
	Group   string // GS06
	Control string // ST02, or UNH 0062
	Number  string // of the order or shipment that it is about, "" where it has none
	// Findings say why, each with its element where one is to blame.
	Findings []x12.Finding
	At       time.Time
}

// Application error conditions (data element 647) of TED-01.
const (
	errMissing   = "007"
	errDate      = "009"
	errIncorrect = "848"
	errOther     = "024" // unlisted
)

var advised = map[string]string{
	CodeMissing: errMissing, CodeNoItem: errMissing, CodeNoShipTo: errMissing, CodeNoLines: errMissing, CodeBadDate: errDate,
	CodeQuantity: errIncorrect, CodeUnknownParty: errIncorrect, CodeCommand: errIncorrect, CodeUnsupported: errIncorrect,
}

// elementRef is a place as findings name it: "W01-05", "N1*ST", "POC-09 of line 2".
var elementRef = regexp.MustCompile(`^([A-Z][A-Z0-9]{1,2})(?:-(\d{1,2}))?\b`)

// ApplicationAdvice is the body of the 824 that tells the sender of a document why nobody can
// work on it, without ST and SE: a TED for each finding, with segment, ordinal and element where
// it has them, and all of its text in NTE where TED-02 is too short for it.
func (p Profile) ApplicationAdvice(r Refused) []x12.Out {
	now := r.At.In(p.zone())
	about := r.Number
	if about == "" {
		about = r.Control
	}
	body := []x12.Out{
		x12.Seg("BGN", "11", cut(r.Name, 30), now.Format("20060102"), now.Format("1504")),
		x12.Seg("OTI", "TR", "TN", cut(about, 30), "", "", "", "", number(r.Group), cut(r.Control, 9), r.Set),
	}
	if len(r.Control) < 4 { // as OTI-09 asks
		body[1].Elements[8] = ""
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		code := advised[f.Code]
		if code == "" {
			code = errOther
		}
		ted := []string{code, cut(f.Message, 60)}
		if m := elementRef.FindStringSubmatch(f.Element); m != nil {
			ted = append(ted, m[1])
			if f.Segment > 0 {
				ted = append(ted, strconv.Itoa(f.Segment))
			} else {
				ted = append(ted, "")
			}
			ted = append(ted, strings.TrimLeft(m[2], "0"))
			if f.Found != "" {
				ted = append(ted, "", cut(f.Found, 99))
			}
		}
		body = append(body, x12.Out{ID: "TED", Elements: ted})
		for rest := f.Message; len(f.Message) > 60 && rest != ""; {
			part := cut(rest, 80)
			body, rest = append(body, x12.Seg("NTE", "ERN", part)), rest[len(part):]
		}
	}
	return body
}

// number is a control number as N0 takes it, "" for none.
func number(s string) string {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return ""
	}
	return s
}
