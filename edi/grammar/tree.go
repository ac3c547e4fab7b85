package grammar

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

// tree is the hierarchy of a document, as HL or CPS segments tell it.
type tree struct {
	nodes []branch
	ids   map[string]int // of nodes, made once their numbers are not 1, 2, 3
}

type branch struct {
	id, level string
	children  int
	hasChild  string // what its child code says
	segment   int
}

func (t *tree) forget() {
	clear(t.nodes)
	t.nodes, t.ids = t.nodes[:0], nil
}

// find is the node of a number, nil without one.
func (t *tree) find(id []byte) *branch {
	if t.ids == nil {
		n, ok := whole(id)
		if !ok || n < 1 || n > int64(len(t.nodes)) || id[0] == '0' {
			return nil
		}
		return &t.nodes[n-1]
	}
	if i, ok := t.ids[string(id)]; ok {
		return &t.nodes[i]
	}
	return nil
}

// branch takes in one node of the hierarchy: its number must be new, its parent
// known, and its level one that may stand below the parent's.
func (c *checker) branch(r *Rule) {
	t := &c.tree
	id, above := c.valueOf(r.At.Element, r.At.Component), c.valueOf(r.Of[0].Element, r.Of[0].Component)
	level := string(c.valueOf(r.Of[1].Element, r.Of[1].Component))
	var child []byte
	if len(r.Of) > 2 {
		child = c.valueOf(r.Of[2].Element, r.Of[2].Component)
	}
	severity := r.Severity
	say := func(p Place, message, expected string) {
		c.at(p.Element, p.Component, CodeTree, severity, r.text, message, expected, "number the levels in order and name the one above")
	}
	if len(id) > 0 {
		if t.find(id) != nil {
			say(r.At, fmt.Sprintf("number %q was used before", id), "a number of its own")
		} else if n, ok := whole(id); t.ids == nil && (!ok || n != int64(len(t.nodes)+1) || id[0] == '0') {
			t.ids = make(map[string]int, len(t.nodes)+1)
			for i := range t.nodes {
				t.ids[t.nodes[i].id] = i
			}
		}
	}
	allowed, known := r.Levels[level]
	if !known && len(r.Levels) > 0 && level != "" && !c.set.Closed { // who closes a set was told so of its qualifier
		p := r.Of[1]
		c.at(p.Element, p.Component, CodeUnknownQualifier, finding.Note, r.text, fmt.Sprintf("the profile knows no level %q: what it stands above and below is not checked", level),
			strings.Join(slices.Sorted(maps.Keys(r.Levels)), ", "), "")
	}
	if len(above) > 0 {
		if p := t.find(above); p == nil {
			say(r.Of[0], fmt.Sprintf("no level %q stands before this one", above), "a number that came before")
		} else {
			p.children++
			if _, judged := r.Levels[p.level]; judged && len(allowed) > 0 && !slices.Contains(allowed, p.level) {
				say(r.Of[0], fmt.Sprintf("level %s stands below level %s", level, p.level), "below "+strings.Join(allowed, " or "))
			}
		}
	} else if len(allowed) > 0 && !slices.Contains(allowed, "-") {
		severity = min(severity, finding.Warning) // the order of the levels tells where it belongs
		say(r.Of[0], fmt.Sprintf("level %s names nothing above it", level), "below "+strings.Join(allowed, " or "))
	}
	if t.ids != nil {
		if _, again := t.ids[string(id)]; !again {
			t.ids[string(id)] = len(t.nodes)
		}
	}
	own := branch{level: level, hasChild: string(child), segment: c.i}
	if t.ids == nil || len(id) > 0 {
		own.id = string(id)
	}
	t.nodes = append(t.nodes, own)
}

// leaves compares what child codes say with the tree that came. It is a
// warning at most: nobody loses goods by it.
func (c *checker) leaves(r *Rule) {
	for i := range c.tree.nodes {
		b := &c.tree.nodes[i]
		if b.hasChild == "" || (b.hasChild == "1") == (b.children > 0) || b.hasChild != "0" && b.hasChild != "1" {
			continue
		}
		c.i = b.segment
		c.tag()
		want := "0"
		if b.children > 0 {
			want = "1"
		}
		p := r.Of[2]
		c.at(p.Element, p.Component, CodeTree, min(r.Severity, finding.Warning), r.text, fmt.Sprintf("the child code says %s and %d levels stand below", b.hasChild, b.children), want, "")
	}
}
