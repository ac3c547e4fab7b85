// Package grammar checks transaction sets against grammars that are data: which
// segments in which order and loops, which elements of which type and length.
//
// The profiles that come with it are PakLog's own and name only what a
// warehouse uses. What a profile does not know (a segment, an element, a code)
// is a note and never an error.
package grammar

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:embed profiles
var profiles embed.FS

// Element is what is known of one element.
type Element struct {
	Requirement byte     // M, O or X
	Type        string   // AN ID N0..N9 R DT TM C (composite)
	Min, Max    int      // characters; of numbers, digits
	Ref         string   // data element number, for AK402
	Codes       []string // known codes; empty: any
}

// Syntax is a note on how elements depend on each other.
type Syntax struct {
	Kind     byte  // P R E C L
	Elements []int // positions
}

// Segment is what is known of one segment. Nil elements are unknown.
type Segment struct {
	ID       string
	Elements []*Element
	Syntax   []Syntax
}

// Node is a segment or a loop in its place in a set.
type Node struct {
	ID       string // tag; of a loop, that of its first segment
	Loop     bool
	Required bool
	Max      int
	Children []*Node

	tag tagKey
}

// tagKey is a segment tag as a number, so that tags are compared and looked up
// in one step. Longer ones than 3 bytes, which no grammar has, are 0.
type tagKey uint32

func keyOf[T string | []byte](tag T) tagKey {
	if len(tag) == 0 || len(tag) > 3 {
		return 0
	}
	var k tagKey
	for i := range len(tag) {
		k = k<<8 | tagKey(tag[i])
	}
	return k
}

// Set is the compiled grammar of one transaction set.
type Set struct {
	ID      string // ST01
	Release string // 004010
	Group   string // GS01
	Root    *Node

	segments map[tagKey]*Segment
	inside   map[tagKey]bool // tags that occur anywhere in the set
}

// Library is the grammars of one or more releases.
type Library struct {
	segments map[string]map[tagKey]*Segment // by release, tag
	sets     map[string]map[string]*Set     // by ST01, release
}

// Builtin is the library of PakLog's own profiles.
var Builtin = sync.OnceValue(func() *Library {
	l := NewLibrary()
	entries, err := profiles.ReadDir("profiles")
	if err != nil {
		panic(err)
	}
	for _, wanted := range []string{".segments", ".set"} {
		for _, e := range entries {
			if path.Ext(e.Name()) != wanted {
				continue
			}
			text, err := profiles.ReadFile(path.Join("profiles", e.Name()))
			if err == nil && wanted == ".segments" {
				err = l.AddSegments(strings.TrimSuffix(e.Name(), wanted), string(text))
			} else if err == nil {
				err = l.AddSet(string(text))
			}
			if err != nil {
				panic(fmt.Sprintf("profile %s: %v", e.Name(), err)) // embedded: a build that cannot work
			}
		}
	}
	return l
})

// NewLibrary is an empty library.
func NewLibrary() *Library {
	return &Library{segments: map[string]map[tagKey]*Segment{}, sets: map[string]map[string]*Set{}}
}

// Find is the grammar for ST01 in the release of GS08 ("004010VICS" is
// 004010). Where that release is not known, the nearest known one is returned
// and exact is false: findings are then capped, see [Set.Check].
func (l *Library) Find(st01, gs08 string) (set *Set, exact bool) {
	byRelease := l.sets[st01]
	if len(gs08) > 6 {
		gs08 = gs08[:6]
	}
	if s := byRelease[gs08]; s != nil {
		return s, true
	}
	for _, s := range byRelease {
		if set == nil || nearer(s.Release, set.Release, gs08) {
			set = s
		}
	}
	return set, false
}

func nearer(a, b, to string) bool {
	below := func(s string) bool { return s <= to }
	if below(a) != below(b) {
		return below(a)
	}
	if below(a) {
		return a > b
	}
	return a < b
}
