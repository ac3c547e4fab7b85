package gs1

import (
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// MaxCode is the most bytes of a code: more than any GS1 symbol holds.
const MaxCode = 4096

// Parse reads what a scanner sent or a person typed. A symbology identifier says what it is;
// without one it is, in this order: a Digital Link where it is a http URI, bracketed where it
// begins with "(", an element string where it holds a separator or begins with (00), (01) or
// (02) and a whole key, a key where it is a GTIN or SSCC with its right check digit, else a
// text. Errors are Invalid with the place; an [*Error] in their chain names AI and offset.
// Pairs are not looked at: see [CheckPairs].
func Parse(s string) (Code, error) {
	const op = "gs1.Parse"
	if len(s) > MaxCode {
		return Code{}, invalid(op, &Error{Offset: MaxCode, Problem: fmt.Sprintf("has %d bytes, at most %d are read", len(s), MaxCode)})
	}
	c := Code{}
	rest := strings.TrimRight(s, "\r\n")
	if len(rest) >= 3 && rest[0] == ']' {
		c.Symbology, rest = rest[:3], rest[3:]
	}
	at := len(c.Symbology)
	if rest == "" {
		return Code{}, invalid(op, &Error{Offset: at, Problem: "there is nothing in it"})
	}
	var err error
	switch c.Symbology {
	case "]C1", "]e0", "]d2", "]Q3", "]J1": // GS1-128, DataBar, DataMatrix, QR, DotCode
		c.Form = FormElements
		c.Elements, err = parseElements(rest, at)
	case "]E0", "]E3", "]E4", "]I1": // EAN-13 and UPC, the same with add-on, EAN-8, ITF-14
		c.Form = FormKey
		if c.Symbology == "]E3" && len(rest) > 13 {
			rest = rest[:13]
		}
		c.Elements, err = parseKey(rest, at)
	default:
		err = c.guess(rest, at)
	}
	if err != nil {
		return Code{}, fault.Wrap(op, err)
	}
	return c, nil
}

// guess tells what a code is that no symbology identifier names.
func (c *Code) guess(s string, at int) (err error) {
	lower := strings.ToLower(s[:min(len(s), 8)])
	switch {
	case strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://"):
		c.Form = FormLink
		c.Elements, err = parseLink(s, at)
	case s[0] == '(':
		c.Form = FormBracketed
		c.Elements, err = parseBracketed(s, at)
	case strings.IndexByte(s, FNC1) >= 0 || beginsWithKey(s):
		c.Form = FormElements
		c.Elements, err = parseElements(s, at)
	default:
		if c.Elements, err = parseKey(s, at); err == nil {
			c.Form = FormKey
			return nil
		}
		c.Form, c.Text = FormText, s
		if n := len(s); isDigits(s) && (n == 8 || n == 12 || n == 13 || n == 14 || n == 18) {
			c.Doubt = fault.Reason(err)
		}
		return nil
	}
	return err
}

// beginsWithKey reports whether s begins with a logistic unit's or a trade item's number.
func beginsWithKey(s string) bool {
	if len(s) < 16 {
		return false
	}
	n := map[string]int{"00": 20, "01": 16, "02": 16}[s[:2]]
	return n > 0 && len(s) >= n && isDigits(s[:n]) && (len(s) != 18 || CheckSSCC(s) != nil)
}

// parseKey reads digits that stand alone.
func parseKey(s string, at int) ([]Element, error) {
	if len(s) == 18 {
		if err := CheckSSCC(s); err != nil {
			return nil, invalid("gs1.key", &Error{AI: "00", Offset: at, Problem: err.Error()})
		}
		return []Element{{"00", s, at}}, nil
	}
	g, err := GTIN14(s)
	if err != nil {
		return nil, invalid("gs1.key", &Error{AI: "01", Offset: at, Problem: err.Error()})
	}
	return []Element{{"01", g, at}}, nil
}

// parseElements reads an element string. A separator at the beginning, at the end or behind a
// value of predefined length says nothing and is no error.
func parseElements(s string, at int) ([]Element, error) {
	const op = "gs1.elements"
	var out []Element
	for i := 0; i < len(s); {
		if s[i] == FNC1 {
			if i > 0 && s[i-1] == FNC1 {
				return nil, invalid(op, &Error{Offset: at + i, Problem: "two separators follow each other"})
			}
			i++
			continue
		}
		id := lookupPrefix(s[i:])
		if id == nil {
			return nil, invalid(op, &Error{Offset: at + i, Problem: fmt.Sprintf("no application identifier begins with %.4q", s[i:])})
		}
		from := i + len(id.AI)
		to := len(s)
		if n := predefined[id.AI[:2]]; n > 0 {
			to = min(i+n, to)
		}
		if sep := strings.IndexByte(s[from:to], FNC1); sep >= 0 {
			to = from + sep
		}
		e := Element{id.AI, s[from:to], at + i}
		if bad, problem := id.Check(e.Value); problem != "" {
			if _, most := id.length(); !id.Predefined() && len(e.Value) > most {
				problem += ": is a separator missing?"
			}
			return nil, invalid(op, &Error{AI: e.AI, Offset: at + from + bad, Problem: problem})
		}
		out = append(out, e)
		i = to
	}
	if len(out) == 0 {
		return nil, invalid(op, &Error{Offset: at, Problem: "there is nothing in it"})
	}
	return out, nil
}

// parseBracketed reads (01)09506000134352(10)AB. A "(" within a value is written "\(".
func parseBracketed(s string, at int) ([]Element, error) {
	const op = "gs1.bracketed"
	var out []Element
	for i := 0; i < len(s); {
		end := strings.IndexByte(s[i:], ')')
		if s[i] != '(' || end < 0 {
			return nil, invalid(op, &Error{Offset: at + i, Problem: fmt.Sprintf("expected an application identifier in brackets at %.6q", s[i:])})
		}
		ai := s[i+1 : i+end]
		id, ok := Lookup(ai)
		if !ok {
			return nil, invalid(op, &Error{Offset: at + i + 1, Problem: fmt.Sprintf("%q is no application identifier", ai)})
		}
		e := Element{AI: ai, Offset: at + i}
		from := i + end + 1
		var v strings.Builder
		for i = from; i < len(s) && s[i] != '('; i++ {
			if s[i] == '\\' && i+1 < len(s) && s[i+1] == '(' {
				i++
			}
			v.WriteByte(s[i])
		}
		e.Value = v.String()
		if bad, problem := id.Check(e.Value); problem != "" {
			escapes := strings.Count(e.Value[:bad], "(")
			return nil, invalid(op, &Error{AI: ai, Offset: at + from + bad + escapes, Problem: problem})
		}
		out = append(out, e)
	}
	return out, nil
}

// CheckPairs says what of the identifiers on one thing cannot stand together or lacks what it
// needs, nil where all is well: General Specifications section 4.14. Elements of all symbols
// on the thing are looked at together, so that a count on a second symbol is not missed.
func CheckPairs(es []Element) error {
	var errs []error
	has := func(e Element, list []string) string {
		for _, o := range es {
			for _, pattern := range list {
				if o.AI != e.AI && matches(pattern, o.AI) {
					return o.AI
				}
			}
		}
		return ""
	}
	values := map[string]string{}
	for _, e := range es {
		id, ok := Lookup(e.AI)
		if !ok {
			errs = append(errs, pairError(e, "is no application identifier"))
			continue
		}
		if v, twice := values[e.AI]; twice && v != e.Value {
			errs = append(errs, pairError(e, fmt.Sprintf("stands there twice: %s and %s", v, e.Value)))
		}
		values[e.AI] = e.Value
		for _, group := range id.Needs {
			if has(e, group) == "" {
				errs = append(errs, pairError(e, "needs "+strings.Join(group, " or ")+" beside it"))
			}
		}
		if o := has(e, id.Never); o != "" {
			errs = append(errs, pairError(e, "cannot stand beside "+o))
		}
	}
	return errors.Join(errs...)
}

func pairError(e Element, problem string) error {
	return invalid("gs1.CheckPairs", &Error{AI: e.AI, Offset: e.Offset, Problem: problem})
}

// matches compares an AI to one in which n stands for any digit.
func matches(pattern, ai string) bool {
	if len(pattern) != len(ai) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != 'n' && pattern[i] != ai[i] {
			return false
		}
	}
	return true
}
