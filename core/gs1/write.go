package gs1

import (
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// Symbol is an element string for a symbol: values checked, separators ([FNC1]) where they are
// needed. What encodes it writes an FNC1 at its beginning and for each separator. Elements of
// predefined length should come first, which saves separators: [Ordered].
func Symbol(es ...Element) (string, error) {
	if err := checkAll("gs1.Symbol", es); err != nil {
		return "", err
	}
	var b strings.Builder
	for i, e := range es {
		b.WriteString(e.AI)
		b.WriteString(e.Value)
		if id, _ := Lookup(e.AI); !id.Predefined() && i < len(es)-1 {
			b.WriteByte(FNC1)
		}
	}
	return b.String(), nil
}

// Bracketed is the human-readable form, as it stands below a symbol. A "(" within a value is
// written "\(", so that [Parse] reads the same elements again.
func Bracketed(es ...Element) (string, error) {
	if err := checkAll("gs1.Bracketed", es); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range es {
		b.WriteString("(" + e.AI + ")" + strings.ReplaceAll(e.Value, "(", `\(`))
	}
	return b.String(), nil
}

// Ordered has the elements of predefined length first, and otherwise in their order.
func Ordered(es ...Element) []Element {
	out := slices.Clone(es)
	rank := func(e Element) int {
		if id, ok := Lookup(e.AI); ok && id.Predefined() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b Element) int { return rank(a) - rank(b) })
	return out
}

// checkAll checks each value. Offset counts through the elements as they stand one behind the
// other.
func checkAll(op string, es []Element) error {
	at := 0
	for _, e := range es {
		id, ok := Lookup(e.AI)
		if !ok {
			return fault.Wrap(op, invalid(op, &Error{AI: e.AI, Offset: at, Problem: "is no application identifier"}))
		}
		if bad, problem := id.Check(e.Value); problem != "" {
			return invalid(op, &Error{AI: e.AI, Offset: at + len(e.AI) + bad, Problem: problem})
		}
		at += len(e.AI) + len(e.Value)
	}
	if len(es) == 0 {
		return invalid(op, &Error{Problem: "there is nothing to write"})
	}
	return nil
}
