package main

import (
	"regexp"
	"strings"
	"testing"
)

const skipNoStrace = `{"Action":"output","Package":"p","Test":"TestPower","Output":"=== RUN   TestPower\n"}
{"Action":"output","Package":"p","Test":"TestPower","Output":"    power_test.go:9: needs strace\n"}
{"Action":"output","Package":"p","Test":"TestPower","Output":"--- SKIP: TestPower (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestPower"}
`

const pass = `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.5}
`

func TestReport(t *testing.T) {
	tests := []struct {
		name   string
		events string
		steps  []string // left out
		strict bool
		good   bool
		prints string
	}{
		{"all passed", pass, nil, true, true, "1 passed, 0 failed, 0 skipped\n"},
		{"no test is not a pass", "", nil, false, false, "no test ran\n0 passed, 0 failed, 0 skipped\n"},
		{"a skip is named with its reason", skipNoStrace + pass, nil, false, true, "skipped: p.TestPower: needs strace\n"},
		{"a skip fails where nothing may be missing", skipNoStrace + pass, nil, true, false, "1 passed, 1 failed, 1 skipped\n"},
		{"a skip that the second pass makes good is none", skipNoStrace + strings.ReplaceAll(pass, "TestA", "TestPower"), nil, true, true, "1 passed, 0 failed, 0 skipped\n"},
		{"an allowed skip passes", strings.ReplaceAll(skipNoStrace, "needs strace", "no ../shared here") + pass, nil, true, true, "skipped: p.TestPower: no ../shared here\n1 passed, 0 failed, 1 skipped\n"},
		{"a step left out counts as a skip", pass, []string{"race detector: no C compiler"}, true, false, "skipped: race detector: no C compiler\n"},
		{"a failed test shows what it said", `{"Action":"output","Package":"p","Test":"TestB","Output":"lost order 7\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}
` + pass, nil, false, false, "lost order 7\nFAIL  p 0.0s\n"},
		{"a package that dies shows the test it died in", `{"Action":"output","Package":"p","Test":"TestB","Output":"panic: nil map\n"}
{"Action":"fail","Package":"p"}
` + pass, nil, false, false, "panic: nil map\nok"},
		{"a package that does not build fails the run", `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
` + pass, nil, false, false, "p.go:1: undefined: x\n"},
		{"what is not JSON is passed on", "go: no such module\n" + pass, nil, false, true, "go: no such module\n"},
	}
	allowed := []*regexp.Regexp{regexp.MustCompile(`\.\./shared`)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			if good := r.finish(tt.steps, allowed, tt.strict); good != tt.good {
				t.Errorf("good = %v, want %v", good, tt.good)
			}
			if !strings.Contains(out.String(), tt.prints) {
				t.Errorf("printed\n%s\nwithout\n%s", out.String(), tt.prints)
			}
		})
	}
}
