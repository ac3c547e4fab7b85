package configs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Source is where a value comes from. The zero Source is the default.
type Source struct {
	File string `json:"file,omitempty"` // "" where no file had a part in it
	Line int    `json:"line,omitempty"` // 1-based; 0 means the file as a whole
	Env  string `json:"env,omitempty"`  // name of the variable that gave the value
}

// String gives "default", "paklog.yaml:12", "env PAKLOG_HTTP_LISTEN" or, for a
// reference, "env TOKEN (paklog.yaml:12)".
func (s Source) String() string {
	place := s.File
	if s.Line > 0 {
		place += ":" + strconv.Itoa(s.Line)
	}
	switch {
	case s.Env != "" && place != "":
		return "env " + s.Env + " (" + place + ")"
	case s.Env != "":
		return "env " + s.Env
	case place != "":
		return place
	}
	return "default"
}

// A Problem is one thing that is wrong.
type Problem struct {
	Source  Source `json:"source"`
	Key     string `json:"key,omitempty"` // "http.listen"; "" where it is not about one setting
	Message string `json:"message"`
}

// Error gives "paklog.yaml:12: http.listen: what is wrong".
func (p Problem) Error() string {
	if p.Key == "" {
		return p.Source.String() + ": " + p.Message
	}
	return p.Source.String() + ": " + p.Key + ": " + p.Message
}

// Problems is everything that is wrong with a configuration, in the order of
// its lines; what no line of the file said stands at the end.
type Problems []Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives [errors.As] each [Problem].
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// maxProblems bounds what a hostile file can make us say.
const maxProblems = 100

func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(-cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
	})
	seen := map[Problem]bool{}
	ps = slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
	return ps
}

func (d *decoder) problem(at Source, key, format string, args ...any) {
	switch n := len(d.problems); {
	case n < maxProblems:
		d.problems = append(d.problems, Problem{at, key, fmt.Sprintf(format, args...)})
	case n == maxProblems:
		d.problems = append(d.problems, Problem{at, "", "and more: mend these first"})
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports what the YAML parser said, at the line it names.
func (d *decoder) syntax(err error) {
	said := err.Error()
	at := Source{File: d.file}
	if m := yamlLine.FindStringSubmatch(said); m != nil {
		at.Line, _ = strconv.Atoi(m[1]) // no line stays 0: the file as a whole
		said = said[len(m[0]):]
	}
	d.problem(at, "", "this is not YAML: %s", said)
}

// Nearest is the name that wrong was probably meant to be, or "". A long wrong
// name is not compared: nobody mistypes that much.
func Nearest(wrong string, names []string) string {
	const longest = 64
	if len(wrong) > longest {
		return ""
	}
	wrong = strings.ReplaceAll(strings.ToLower(wrong), "-", "_")
	best, distance := "", max(2, len(wrong)/3)+1
	for _, name := range names {
		if d := editDistance(wrong, name); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// editDistance counts the bytes to insert, delete or replace between a and b.
func editDistance(a, b string) int {
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
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// quote shows a value in a message, cut where it is long.
func quote(s string) string {
	const longest = 60
	if len(s) > longest {
		return strconv.Quote(s[:longest]) + "..."
	}
	return strconv.Quote(s)
}
