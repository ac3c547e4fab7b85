package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitectureRules shows each rule a package that breaks it and one that
// comes close and may: a rule that cannot fail guards nothing.
func TestArchitectureRules(t *testing.T) {
	const doc = "// Package x is for the test.\n"
	imports := func(importPath string) string {
		return doc + "package x\n\nimport _ \"" + importPath + "\"\n"
	}
	ours := func(below string) string { return imports(module + below) }
	body := func(importPath, line string) string {
		return doc + "package x\n\nimport \"" + importPath + "\"\n\n" + line + "\n"
	}

	tests := []struct {
		rule string
		path string
		name string // x.go where empty
		text string
		want string // part of the one finding; none where empty
	}{
		{rule: "folders import by the table", path: "core/order", text: ours("edi/x12"), want: "x.go:4: core/ may not import edi/x12"},
		{rule: "folders import by the table", path: "core/order", name: "x_test.go", text: ours("adapters/sqlite"), want: "core/ may not import adapters/sqlite"},
		{rule: "folders import by the table", path: "edi/x12", text: ours("core/fault"), want: "edi/ may not import core/fault"},
		{rule: "folders import by the table", path: "configs", text: ours("core/fault"), want: "configs/ may not import core/fault"},
		{rule: "folders import by the table", path: "dlq", text: ours("edi/x12"), want: "dlq/ may not import edi/x12"},
		{rule: "folders import by the table", path: "transforms/ups", text: ours("adapters/ups"), want: "transforms/ may not import adapters/ups"},
		{rule: "folders import by the table", path: "adapters/ups", text: ours("routes/eip"), want: "adapters/ may not import routes/eip"},
		{rule: "folders import by the table", path: "adapters/ups", text: ours("configs"), want: "adapters/ may not import configs"},
		{rule: "folders import by the table", path: "routes", text: ours("adapters/ups"), want: "routes/ may not import adapters/ups"},
		{rule: "folders import by the table", path: "pkg/tools", text: doc + "package x\n", want: "pkg/ is not in the folder table"},
		{rule: "folders import by the table", path: "core/order", text: ours("core/fault")},
		{rule: "folders import by the table", path: "transforms/ups", text: ours("core/ship")},
		{rule: "folders import by the table", path: "routes", text: ours("dlq")},
		{rule: "folders import by the table", path: "cmd/paklog", text: ours("adapters/ups")},
		// A module whose name only begins like ours is not ours.
		{rule: "folders import by the table", path: "core/order", text: imports("github.com/paklog/hubris/x")},

		{rule: "an adapter imports no other adapter", path: "adapters/ups", text: ours("adapters/fedex"), want: "imports another adapter, adapters/fedex"},
		{rule: "an adapter imports no other adapter", path: "adapters/internal/partnerhttp", text: ours("adapters/ups"), want: "imports another adapter"},
		{rule: "an adapter imports no other adapter", path: "adapters/ups", text: ours("adapters/upsell"), want: "imports another adapter"},
		{rule: "an adapter imports no other adapter", path: "adapters/ups", text: ours("adapters/internal/partnerhttp")},
		{rule: "an adapter imports no other adapter", path: "adapters/ups", name: "x_test.go", text: ours("adapters/ups/upssim")},
		{rule: "an adapter imports no other adapter", path: "cmd/paklog", text: ours("adapters/fedex")},

		{rule: "a simulator shares no code with what it judges", path: "adapters/ups/upssim", text: ours("adapters/ups"), want: "not from adapters/ups"},
		{rule: "a simulator shares no code with what it judges", path: "adapters/ups/upssim", text: ours("transforms/ups"), want: "not from transforms/ups"},
		{rule: "a simulator shares no code with what it judges", path: "adapters/shops/shopifysim", text: ours("adapters/shops/shopify"), want: "not from adapters/shops/shopify"},
		{rule: "a simulator shares no code with what it judges", path: "adapters/ups/upssim", text: ours("adapters/internal/simhttp")},
		{rule: "a simulator shares no code with what it judges", path: "adapters/ups", text: ours("transforms/ups")},

		{rule: "core has no third-party import", path: "core/order", text: imports("pgregory.net/rapid"), want: "core imports pgregory.net/rapid"},
		{rule: "core has no third-party import", path: "core/order", name: "x_test.go", text: imports("pgregory.net/rapid")},
		{rule: "core has no third-party import", path: "core/journal/journaltest", text: imports("pgregory.net/rapid")},
		{rule: "core has no third-party import", path: "core/order", text: imports("encoding/json")},

		{rule: "core does no I/O", path: "core/order", text: imports("os"), want: "core imports os"},
		{rule: "core does no I/O", path: "core/order", text: imports("net/http"), want: "core imports net/http"},
		{rule: "core does no I/O", path: "core/order", text: imports("math/rand/v2"), want: "core imports math/rand/v2"},
		{rule: "core does no I/O", path: "core/order", text: imports("log/slog"), want: "core imports log/slog"},
		{rule: "core does no I/O", path: "core/order", text: imports("testing"), want: "core imports testing"},
		{rule: "core does no I/O", path: "core/journal/journaltest", text: imports("testing")},
		{rule: "core does no I/O", path: "core/order", name: "x_test.go", text: imports("os")},

		{rule: "core has no clock", path: "core/order", text: body("time", "var t = time.Now()"), want: "time.Now"},
		{rule: "core has no clock", path: "core/order", text: doc + "package x\nimport clock \"time\"\nvar t = clock.Now\n", want: "time.Now"},
		{rule: "core has no clock", path: "core/order", text: body("time", "func f(t time.Time) time.Duration { return time.Since(t) }"), want: "time.Since"},
		{rule: "core has no clock", path: "core/order", text: body("time", "func f(t, u time.Time) time.Duration { return u.Sub(t) }")},
		{rule: "core has no clock", path: "adapters/ups", text: body("time", "var t = time.Now()")},

		{rule: "core has no float", path: "core/order", text: doc + "package x\n\ntype Weight float64\n", want: "float64"},
		{rule: "core has no float", path: "core/order", text: doc + "package x\n\nvar half = 0.5\n", want: "0.5"},
		{rule: "core has no float", path: "core/order", text: body("math", "var root = math.Sqrt(2)"), want: "math.Sqrt"},
		{rule: "core has no float", path: "core/order", text: body("math", "const most = math.MaxFloat64"), want: "math.MaxFloat64"},
		{rule: "core has no float", path: "core/order", text: body("math", "const most, least = math.MaxInt64, math.MinInt64")},
		{rule: "core has no float", path: "cmd/pakbench", text: doc + "package x\n\nvar ratio float64\n"},

		{rule: "core sees context in its ports alone", path: "core/order", text: body("context", "func f(ctx context.Context) {}"), want: "context.Context"},
		{rule: "core sees context in its ports alone", path: "core/ship", name: "label.go", text: body("context", "func f(ctx context.Context) {}"), want: "context.Context"},
		{rule: "core sees context in its ports alone", path: "core/ship", name: "carrier.go", text: body("context", "func f(ctx context.Context) {}")},
		{rule: "core sees context in its ports alone", path: "core/journal", name: "driver.go", text: body("context", "func f(ctx context.Context) {}")},
		{rule: "core sees context in its ports alone", path: "core/journalism", text: body("context", "func f(ctx context.Context) {}"), want: "context.Context"},
		{rule: "core sees context in its ports alone", path: "core/ship/carriertest", text: body("context", "func f(ctx context.Context) {}")},
		{rule: "core sees context in its ports alone", path: "core/fault", text: body("context", "var late = context.DeadlineExceeded")},

		{rule: "no dot import", path: "edi/x12", text: doc + "package x\n\nimport . \"time\"\n", want: "dot import of time"},
		{rule: "no dot import", path: "edi/x12", text: imports("time")},

		{rule: "one package comment", path: "edi/x12", text: "package x\n", want: "0 files have a package comment"},
		{rule: "one package comment", path: "edi/x12", text: "// All about x.\npackage x\n", want: `must begin with "Package x"`},
		{rule: "one package comment", path: "edi/x12", text: "// A licence.\n\npackage x\n", want: "0 files have a package comment"},
		{rule: "one package comment", path: "edi/x12", text: doc + "package x\n"},
		{rule: "one package comment", path: "edi/x12", name: "x_test.go", text: "package x_test\n"},
		{rule: "one package comment", path: "cmd/paklog", text: "// Paklog is the hub.\npackage main\n"},

		{rule: "no package without a subject", path: "core/utils", text: doc + "package x\n", want: `"utils"`},
		{rule: "no package without a subject", path: "adapters/internal/common/http", text: doc + "package x\n", want: `"common"`},
		{rule: "no package without a subject", path: "core/x", text: "package manager\n", want: `"manager"`},
		{rule: "no package without a subject", path: "core/commonality", text: doc + "package x\n"},

		{rule: "no init", path: "adapters/ups", text: doc + "package x\n\nfunc init() {}\n", want: "x.go:4: func init"},
		{rule: "no init", path: "adapters/ups", name: "x_test.go", text: "package x\n\nfunc init() {}\n", want: "func init"},
		{rule: "no init", path: "adapters/ups", text: doc + "package x\n\ntype t int\n\nfunc (t) init() {}\n"},

		{rule: "no file above 800 lines", path: "edi/x12", text: doc + "package x\n" + strings.Repeat("\n", 800), want: "at most 800"},
		{rule: "no file above 800 lines", path: "edi/x12", text: doc + "package x\n" + strings.Repeat("\n", 797)},
		{rule: "no file above 800 lines", path: "edi/x12", text: "// Code generated by x. DO NOT EDIT.\n\n" + doc + "package x\n" + strings.Repeat("\n", 800)},

		{rule: "no sleep in a test", path: "routes/bus", name: "x_test.go", text: body("time", "func f() { time.Sleep(1) }"), want: "time.Sleep"},
		{rule: "no sleep in a test", path: "core/journal/journaltest", text: body("time", "func f() { time.Sleep(1) }"), want: "time.Sleep"},
		{rule: "no sleep in a test", path: "adapters/ups/upssim", text: body("time", "func f() { time.Sleep(1) }")},
	}
	broken := map[string]bool{}
	for _, tt := range tests {
		name := tt.name
		if name == "" {
			name = "x.go"
		}
		p := pkg{path: tt.path, files: []file{parseFile(t, name, []byte(tt.text))}}
		found := checkRule(t, tt.rule, p)
		broken[tt.rule] = broken[tt.rule] || tt.want != ""
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("%s: %s %s may do this, but was told %q:\n%s", tt.rule, tt.path, name, found, tt.text)
		case tt.want != "" && (len(found) != 1 || !strings.Contains(found[0], tt.want)):
			t.Errorf("%s: %s %s was told %q, want one finding with %q:\n%s", tt.rule, tt.path, name, found, tt.want, tt.text)
		}
	}
	for _, rule := range archRules {
		if !broken[rule.name] {
			t.Errorf("no fixture breaks %q", rule.name)
		}
	}
}

func TestArchitectureFindsASecondPackageComment(t *testing.T) {
	const text = "// Package x is for the test.\npackage x\n"
	for _, second := range []string{"y.go", "y_test.go"} {
		p := pkg{path: "edi/x12", files: []file{parseFile(t, "x.go", []byte(text)), parseFile(t, second, []byte(text))}}
		found := checkRule(t, "one package comment", p)
		if len(found) != 1 || !strings.Contains(found[0], "x.go, "+second) {
			t.Errorf("with %s: found %q, want both files named", second, found)
		}
	}
}

// TestReadmeShowsTheFolderTable holds the README's table against mayImport: the
// row of a folder ends with what it may import, up to a semicolon.
func TestReadmeShowsTheFolderTable(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no README.md")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range readmeDiffers(string(text)) {
		t.Error(wrong)
	}
}

func TestReadmeTableIsReadAsWritten(t *testing.T) {
	row := func(folder, imports string) string { return "| `" + folder + "/` | what? | " + imports + " |\n" }
	good := row("core", "nothing") + row("edi", "nothing") + row("configs", "nothing") + row("dlq", "core") +
		row("transforms", "core, edi") + row("adapters", "core, edi, transforms, dlq; never another adapter's package") +
		row("routes", "`core`, `edi`, `transforms`, `dlq`") + row("cmd", "all")
	tests := []struct{ name, text, want string }{
		{"the table itself", good, ""},
		{"a folder too many", strings.Replace(good, row("dlq", "core"), row("dlq", "core, edi"), 1), "dlq/"},
		{"a folder too few", strings.Replace(good, row("transforms", "core, edi"), row("transforms", "core"), 1), "transforms/"},
		{"a row that is missing", strings.Replace(good, row("cmd", "all"), "", 1), "cmd/"},
		{"no table", "PakLog is a hub.\n", "core/"},
	}
	for _, tt := range tests {
		said := strings.Join(readmeDiffers(tt.text), "\n")
		if (tt.want == "") != (said == "") || !strings.Contains(said, tt.want) {
			t.Errorf("%s: said %q, want %q", tt.name, said, tt.want)
		}
	}
}

var tableRow = regexp.MustCompile("(?m)^\\| *`?([a-z]+)/`? *\\|.*\\|([^|]*)\\|\\s*$")

// readmeDiffers tells each folder whose row is not there or says otherwise.
func readmeDiffers(readme string) (wrong []string) {
	said := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(readme, -1) {
		said[row[1]], _, _ = strings.Cut(row[2], ";")
	}
	for _, folder := range slices.Sorted(maps.Keys(mayImport)) {
		row, there := said[folder]
		var listed []string
		for other := range mayImport {
			all := strings.Contains(row, "all") && other != folder
			if all || regexp.MustCompile(`\b`+other+`\b`).MatchString(row) {
				listed = append(listed, other)
			}
		}
		want := slices.Sorted(slices.Values(mayImport[folder]))
		slices.Sort(listed)
		if !there || !slices.Equal(listed, want) {
			wrong = append(wrong, fmt.Sprintf("README: the row of %s/ says %q, the rule is %q", folder, strings.TrimSpace(row), want))
		}
	}
	return wrong
}

func checkRule(t *testing.T, name string, p pkg) []string {
	t.Helper()
	for _, rule := range archRules {
		if rule.name == name {
			return rule.check(p)
		}
	}
	t.Fatalf("no rule is called %q", name)
	return nil
}
