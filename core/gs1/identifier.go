package gs1

import (
	"fmt"
	"strings"
)

// Identifier is an application identifier: how its value is made up, and with what it goes.
type Identifier struct {
	AI    string
	Title string // GS1's data title: "SSCC", "BATCH/LOT"
	Parts []Part
	// Needs are associations that must be there: of each group one. Never are those that must
	// not be. An n stands for any digit.
	Needs [][]string
	Never []string
	// Qualifiers are what may follow the key in the path of a Digital Link, in this order; each
	// list is an alternative. Key says that it may begin one.
	Key        bool
	Qualifiers [][]string
}

// Part is a piece of a value.
type Part struct {
	Set      Set
	Min, Max int  // in characters
	Optional bool // the last part may be missing
	check    func(string) string
}

// Set is a set of characters: GS1 General Specifications section 7.11.
type Set byte

// Sets of characters.
const (
	Digits Set = 'N'
	Set82  Set = 'X' // GS1 AI encodable character set 82
	Set39  Set = 'Y' // GS1 AI encodable character set 39
	Set64  Set = 'Z' // file-safe and URI-safe base 64
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

var members = map[Set]string{
	Digits: "0123456789",
	Set82:  "0123456789" + letters + "abcdefghijklmnopqrstuvwxyz!\"%&'()*+,-./:;<=>?_",
	Set39:  "0123456789" + letters + "#-/",
	Set64:  "0123456789" + letters + "abcdefghijklmnopqrstuvwxyz-_=",
}

// outside is the first byte of v that the set does not have, or -1.
func (s Set) outside(v string) int {
	for i := range len(v) {
		if strings.IndexByte(members[s], v[i]) < 0 {
			return i
		}
	}
	return -1
}

// Lookup finds an application identifier by all its digits.
func Lookup(ai string) (*Identifier, bool) {
	id, ok := byAI[ai]
	return id, ok
}

// lookupPrefix finds the application identifier that s begins with. No AI is the beginning
// of another.
func lookupPrefix(s string) *Identifier {
	for n := 2; n <= 4 && n <= len(s); n++ {
		if id := byAI[s[:n]]; id != nil {
			return id
		}
	}
	return nil
}

// length is the least and most characters of a value.
func (id *Identifier) length() (least, most int) {
	for _, p := range id.Parts {
		if !p.Optional {
			least += p.Min
		}
		most += p.Max
	}
	return least, most
}

// predefined are the lengths, AI included, by the AI's first two digits. What stands here
// needs no separator behind it; all else does, however fixed its length is: General
// Specifications figure 7.8.5-2. Prefixes 04 and 18 to 19 are kept for identifiers to come.
var predefined = map[string]int{
	"00": 20, "01": 16, "02": 16, "03": 16, "04": 18,
	"11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8, "18": 8, "19": 8, "20": 4,
	"31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
}

// Predefined reports whether values of the identifier need no separator behind them.
func (id *Identifier) Predefined() bool { return predefined[id.AI[:2]] > 0 }

// Check says what is wrong with a value and at which of its bytes, or "".
func (id *Identifier) Check(v string) (at int, problem string) {
	least, most := id.length()
	if len(v) < least || len(v) > most {
		want := fmt.Sprintf("%d to %d", least, most)
		if least == most {
			want = fmt.Sprint(least)
		}
		return 0, fmt.Sprintf("%s has %d characters, expected %s", id.Title, len(v), want)
	}
	for i, p := range id.Parts {
		n := p.Max
		if i == len(id.Parts)-1 || n > len(v)-at {
			n = len(v) - at
		}
		part := v[at : at+n]
		if bad := p.Set.outside(part); bad >= 0 {
			what := map[Set]string{Digits: "is no digit", Set82: "is not in character set 82", Set39: "is not in character set 39", Set64: "is not in base 64"}[p.Set]
			return at + bad, fmt.Sprintf("%s: %q %s", id.Title, part[bad:bad+1], what)
		}
		if n == 0 && p.Optional {
			break
		}
		if n < p.Min {
			return at, fmt.Sprintf("%s: %q is cut short", id.Title, part)
		}
		if p.check != nil {
			if problem := p.check(part); problem != "" {
				return at, id.Title + ": " + problem
			}
		}
		at += n
	}
	return 0, ""
}
