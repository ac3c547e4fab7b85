package grammar

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Imported is a grammar in this package's text form, made of somebody's own
// tables: [Library.AddSegments] and [Library.AddSet] read it.
type Imported struct {
	Segments string
	Sets     map[string]string // by set
	Left     []string          // what was not understood and left out
}

// SEF reads the Standard Exchange Format, in which EDI tools hand each other
// implementation guides: its sections .SETS, .SEGS, .COMS, .ELMS and .CODES.
// group gives the functional group of each set, under "" that of the others. What else a file says is left
// out, and named.
func SEF(text, release string, group map[string]string) (*Imported, error) {
	x := &sef{section: map[string][]string{}, left: map[string]bool{}}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "*"):
		case line[0] == '.':
			name, _, _ = strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		default:
			x.section[name] = append(x.section[name], line)
		}
	}
	for n := range x.section {
		if !slices.Contains([]string{".SETS", ".SEGS", ".COMS", ".ELMS", ".CODES", ".VER", ".INI", ".STD", ""}, n) {
			x.left["section "+n] = true
		}
	}
	if len(x.section[".SETS"]) == 0 || len(x.section[".SEGS"]) == 0 {
		return nil, errors.New("reading SEF: it has no .SETS or no .SEGS section")
	}
	out := &Imported{Sets: map[string]string{}}
	x.elements, x.codes = definitions(x.section[".ELMS"]), definitions(x.section[".CODES"])
	var b strings.Builder
	fmt.Fprintf(&b, "# Release %s, imported from SEF.\nreplace\n", release)
	composites := definitions(x.section[".COMS"])
	for _, id := range slices.Sorted(maps.Keys(composites)) {
		line, err := x.segment("composite "+id, composites[id], nil)
		if err != nil {
			return nil, fmt.Errorf("reading SEF, composite %s: %w", id, err)
		}
		b.WriteString(line)
	}
	segments := definitions(x.section[".SEGS"])
	for _, id := range slices.Sorted(maps.Keys(segments)) {
		if len(id) < 2 || len(id) > 3 {
			x.left["segment "+id] = true
			continue
		}
		line, err := x.segment(id, segments[id], composites)
		if err != nil {
			return nil, fmt.Errorf("reading SEF, segment %s: %w", id, err)
		}
		b.WriteString(line)
	}
	out.Segments = b.String()
	sets := definitions(x.section[".SETS"])
	for _, id := range slices.Sorted(maps.Keys(sets)) {
		set, err := x.set(sets[id])
		if err != nil {
			return nil, fmt.Errorf("reading SEF, set %s: %w", id, err)
		}
		out.Sets[id] = strings.TrimRight(fmt.Sprintf("set %s %s %s", id, release, cmp.Or(group[id], group[""])), " ") + "\n" + set
	}
	out.Left = slices.Sorted(maps.Keys(x.left))
	return out, nil
}

type sef struct {
	section         map[string][]string
	elements, codes map[string]string
	left            map[string]bool
}

// definitions are lines as NAME=text.
func definitions(lines []string) map[string]string {
	out := map[string]string{}
	for _, l := range lines {
		if id, body, ok := strings.Cut(l, "="); ok {
			out[strings.TrimSpace(id)] = body
		}
	}
	return out
}

// tokens takes "[a,b]{c[d]}+P0102" apart: brackets with their content, braces,
// and what stands between.
func tokens(s string) (out []string, err error) {
	for i := 0; i < len(s); {
		switch s[i] {
		case '[':
			j := strings.IndexByte(s[i:], ']')
			if j < 0 {
				return nil, fmt.Errorf("%q is not closed", s[i:min(len(s), i+20)])
			}
			out = append(out, s[i:i+j+1])
			i += j + 1
		case '{', '}':
			out = append(out, s[i:i+1])
			i++
		default:
			j := strings.IndexAny(s[i:], "[]{}")
			if j == 0 {
				return nil, fmt.Errorf("%q closes nothing", s[i:min(len(s), i+20)])
			}
			if j < 0 {
				j = len(s) - i
			}
			out = append(out, s[i:i+j])
			i += j
		}
	}
	return out, nil
}

// fields of a bracket, marks of usage before the name taken off and named: that a
// guide leaves an element out or asks for it is nothing a standard says.
func (x *sef) fields(bracket string) []string {
	f := strings.Split(strings.Trim(bracket, "[]"), ",")
	name := strings.TrimLeft(f[0], ".!$-&*@")
	if mark := f[0][:len(f[0])-len(name)]; mark != "" {
		x.left[fmt.Sprintf("usage mark %q of %s", mark, strings.TrimSpace(name))] = true
	}
	f[0] = name
	if i := strings.IndexByte(f[0], ';'); i >= 0 { // an ordinal or a mask
		f[0] = f[0][:i]
	}
	return f
}

func at(f []string, n int) string {
	if n < len(f) {
		return strings.TrimSpace(f[n])
	}
	return ""
}

// segment writes a definition of elements as a line of ours.
func (x *sef) segment(head, body string, composites map[string]string) (string, error) {
	list, notes, _ := strings.Cut(body, "+")
	toks, err := tokens(list)
	if err != nil {
		return "", err
	}
	var elements []string
	for i := 0; i < len(toks); i++ {
		switch t := toks[i]; {
		case t == "{": // a run of elements that repeats
			end := slices.Index(toks[i:], "}")
			if end < 0 {
				return "", errors.New("a repeated run is not closed")
			}
			run, times := toks[i+1:i+end], 1
			if len(run) > 0 && run[0][0] != '[' {
				if times, err = strconv.Atoi(strings.TrimSpace(run[0])); err != nil || times < 1 || times > 64 {
					return "", fmt.Errorf("%q is no number of repetitions", run[0])
				}
				run = run[1:]
			}
			for range times {
				for _, r := range run {
					if r[0] == '[' {
						elements = append(elements, x.element(x.fields(r), composites))
					}
				}
			}
			i += end
		case t[0] == '[':
			elements = append(elements, x.element(x.fields(t), composites))
		default:
			x.left["text "+t+" in "+head] = true
		}
	}
	if len(elements) == 0 || len(elements) > 64 {
		return "", fmt.Errorf("it has %d elements, 1 to 64 are taken", len(elements))
	}
	line := head + " " + strings.Join(elements, " | ")
	if notes != "" {
		var kept []string
		for _, n := range chained(notes) {
			if _, err := parseNote(n); err != nil {
				x.left["note "+n+" in "+head] = true
				continue
			}
			kept = append(kept, n)
		}
		if len(kept) > 0 {
			line += " ; " + strings.Join(kept, " ")
		}
	}
	return line + "\n", nil
}

// chained takes "R0203P0304+C0506" apart: a note begins with its letter, whether a plus
// sign stands before it or not.
func chained(notes string) (out []string) {
	for run := range strings.FieldsFuncSeq(notes, func(c rune) bool { return c == '+' || c == ' ' }) {
		from := 0
		for i := 1; i < len(run); i++ {
			if run[i]-'0' > 9 && run[i-1]-'0' < 10 {
				out = append(out, run[from:i])
				from = i
			}
		}
		out = append(out, run[from:])
	}
	return out
}

// element writes one element; [number,requirement,repetitions].
func (x *sef) element(f []string, composites map[string]string) string {
	number, need := f[0], "O"
	switch r := strings.ToUpper(at(f, 1)); r {
	case "M", "X":
		need = r
	case "C":
		need = "X"
	}
	repeat := ""
	if n, err := strconv.Atoi(at(f, 2)); err == nil && n > 1 {
		repeat = fmt.Sprintf(" x%d", n)
	}
	if _, ok := composites[number]; ok {
		return fmt.Sprintf("%s C 1-999 %s%s", need, number, repeat)
	}
	d := strings.Split(x.elements[number], ",")
	kind, least, most := strings.ToUpper(at(d, 0)), at(d, 1), at(d, 2)
	a, err1 := strconv.Atoi(least)
	b, err2 := strconv.Atoi(most)
	if kind == "N" {
		kind = "N0"
	}
	if err1 != nil || err2 != nil || a < 0 || b < a || !slices.Contains(elementTypes, kind) {
		x.left["element "+number] = true
		return "?"
	}
	out := fmt.Sprintf("%s %s %d-%d %s%s", need, kind, a, b, number, repeat)
	if codes := x.codes[number]; codes != "" && kind == "ID" {
		var list []string
		for c := range strings.SplitSeq(codes, ",") {
			if c = strings.TrimSpace(c); c == "" || strings.ContainsAny(c, "():|; ") {
				x.left["codes of element "+number] = true
				return out
			}
			list = append(list, c)
		}
		out += " (" + strings.Join(list, ",") + ")"
	}
	return out
}

// set writes the order of a set's segments, header and trailer left out.
func (x *sef) set(body string) (string, error) {
	toks, err := tokens(body)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		indent := strings.Repeat("  ", depth)
		switch {
		case t == "{":
			most := "1"
			if i+1 < len(toks) && toks[i+1][0] != '[' && toks[i+1] != "{" && toks[i+1] != "}" {
				_, n, _ := strings.Cut(toks[i+1], ":")
				most = n
				i++
			}
			if i+1 >= len(toks) || toks[i+1][0] != '[' {
				return "", errors.New("a loop does not begin with a segment")
			}
			f := x.fields(toks[i+1])
			n, err := times(most)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "%sloop %s %s %d\n", indent, f[0], need(f), n)
			fmt.Fprintf(&b, "%s  %s M 1\n", indent, f[0])
			i++
			depth++
		case t == "}":
			if depth--; depth < 0 {
				return "", errors.New("a loop is closed that was not opened")
			}
		case t[0] == '[':
			f := x.fields(t)
			if f[0] == "ST" || f[0] == "SE" || f[0] == "UNH" || f[0] == "UNT" {
				continue
			}
			n, err := times(at(f, 2))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "%s%s %s %d\n", indent, f[0], need(f), n)
		}
	}
	if depth != 0 {
		return "", errors.New("a loop is not closed")
	}
	return b.String(), nil
}

func need(f []string) string {
	if strings.EqualFold(at(f, 1), "M") {
		return "M"
	}
	return "O"
}

// times reads a number of occurrences; "" is once and ">1" any number.
func times(s string) (int, error) {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return 1, nil
	case s[0] == '>':
		return 999_999, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no number of occurrences", s)
	}
	return n, nil
}
