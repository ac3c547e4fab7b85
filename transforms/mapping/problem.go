package mapping

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is a mistake in a map.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1; 0 where no line is meant
	Column int    `json:"column"` // from 1, in characters
	Place  string `json:"place"`  // the key: "out.lines.qty"
	Text   string `json:"text"`
}

func (p Problem) String() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, p.Line, p.Column)
	}
	if p.Place != "" {
		at += ": " + p.Place
	}
	return at + ": " + p.Text
}

// Problems is everything that is wrong with a map.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

func (c *compiler) problem(n *yaml.Node, place, format string, args ...any) {
	c.problemAt(n.Line, n.Column, place, fmt.Sprintf(format, args...))
}

func (c *compiler) problemAt(line, column int, place, text string) {
	if len(c.problems) < mostProblems {
		c.problems = append(c.problems, Problem{File: c.m.Name, Line: line, Column: column, Place: place, Text: text})
	}
}

// unknown is the problem of a key that nobody reads.
func (c *compiler) unknown(n *yaml.Node, place string, known []string) {
	near := nearest(n.Value, known)
	if near != "" {
		c.problem(n, place, "unknown key %q: did you mean %q?", n.Value, near)
		return
	}
	c.problem(n, place, "unknown key %q: there are %s", n.Value, strings.Join(known, ", "))
}

// nearest is the name that wrong was probably meant to be, or "".
func nearest(wrong string, names []string) string {
	best, at := "", 1+len(wrong)/3
	if len(wrong) > 64 {
		return ""
	}
	for _, name := range names {
		if d := distance(strings.ToLower(wrong), strings.ToLower(name)); d <= at && (best == "" || d < at) {
			best, at = name, d
		}
	}
	return best
}

// distance counts the letters to put in, take out or change to make a out of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// join puts a key behind a place.
func join(place, key string) string {
	if place == "" {
		return key
	}
	return place + "." + key
}
