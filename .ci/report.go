// Command report reads `go test -json` and prints what a person needs of it: a
// line for each package, the whole output of what failed, the list of what was
// skipped and why, and a closing "N passed, N failed, N skipped".
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// event is one line of `go test -json`, see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// report is what has been read so far. A test that passed anywhere in the run
// is not listed as skipped: the race pass leaves out what the first one ran.
type report struct {
	out            io.Writer
	output         map[string][]string // of tests that have not ended
	passed         map[string]bool
	skipped        map[string]string
	broken         map[string]bool // packages with a failed test
	passes, failed int
}

func main() {
	allow := flag.String("allow", "", "file of skips that pass with CI=true")
	var outside []string
	flag.Func("skipped", "a step that was left out, as `name: reason`; may be repeated", func(s string) error {
		outside = append(outside, s)
		return nil
	})
	flag.Parse()

	allowed, err := readAllowed(*allow)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !r.finish(outside, allowed, os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}

func newReport(out io.Writer) *report {
	return &report{
		out: out, output: map[string][]string{}, passed: map[string]bool{},
		skipped: map[string]string{}, broken: map[string]bool{},
	}
}

func readAllowed(path string) ([]*regexp.Regexp, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading allowed skips: %w", err)
	}
	var allowed []*regexp.Regexp
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		re, err := regexp.Compile(line)
		if err != nil {
			return nil, fmt.Errorf("reading allowed skips: %w", err)
		}
		allowed = append(allowed, re)
	}
	return allowed, nil
}

// read takes events until the end of in. What is not JSON is passed on as it is.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(r.out, "%s", line)
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading test events: %w", err)
		}
	}
}

func (r *report) take(e event) {
	name := e.Package
	if e.Test != "" {
		name += "." + e.Test
	}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[name] = append(r.output[name], e.Output)
	case "pass":
		if e.Test == "" {
			fmt.Fprintf(r.out, "ok    %s %.1fs\n", e.Package, e.Elapsed)
		} else {
			r.passes++
			r.passed[name] = true
		}
		delete(r.output, name)
	case "skip":
		if e.Test != "" {
			r.skipped[name] = reason(r.output[name])
		}
		delete(r.output, name)
	case "fail":
		r.fail(e, name)
	}
}

func (r *report) fail(e event, name string) {
	if e.Test != "" {
		r.failed++
		r.broken[e.Package] = true
		fmt.Fprint(r.out, strings.Join(r.output[name], ""))
		delete(r.output, name)
		return
	}
	fmt.Fprintf(r.out, "FAIL  %s %.1fs\n", e.Package, e.Elapsed)
	// A package that fails by itself did not build, timed out, panicked or leaked:
	// the tests that had not ended then are the best witness.
	if !r.broken[e.Package] {
		r.failed++
		for _, open := range sorted(r.output) {
			if open == e.Package || strings.HasPrefix(open, e.Package+".") {
				fmt.Fprint(r.out, strings.Join(r.output[open], ""))
			}
		}
	}
	delete(r.broken, e.Package)
	for open := range r.output {
		if open == e.Package || strings.HasPrefix(open, e.Package+".") {
			delete(r.output, open)
		}
	}
}

var framing = regexp.MustCompile(`^\s*(=== |--- SKIP)`)
var place = regexp.MustCompile(`^\s*[^\s:]+\.go:\d+: `)

// reason is what a test gave t.Skip, without the file it stands in.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		if line = strings.TrimRight(line, "\n"); line != "" && !framing.MatchString(line) {
			said = append(said, strings.TrimSpace(place.ReplaceAllString(line, "")))
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// finish prints the skips and the closing line, and reports whether the run is
// good. With strict a skip that no allowed expression matches is a failure, and
// so is a run of no test at all, always.
func (r *report) finish(outside []string, allowed []*regexp.Regexp, strict bool) bool {
	skips := slices.Clone(outside)
	for _, name := range sorted(r.skipped) {
		if !r.passed[name] {
			skips = append(skips, name+": "+r.skipped[name])
		}
	}
	for _, skip := range skips {
		fmt.Fprintf(r.out, "skipped: %s\n", skip)
		matches := func(re *regexp.Regexp) bool { return re.MatchString(skip) }
		if strict && !slices.ContainsFunc(allowed, matches) {
			r.failed++
			fmt.Fprintln(r.out, "  which CI does not allow: install what it needs, or name it in .ci/skips with the reason")
		}
	}
	if r.passes+r.failed == 0 {
		fmt.Fprintln(r.out, "no test ran")
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passes, r.failed, len(skips))
	return r.failed == 0 && r.passes > 0
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
