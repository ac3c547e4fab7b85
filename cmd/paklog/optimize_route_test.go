package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const routeFile = `NAME : one.txt
NUM_AISLES : 2
NUM_CELLS : 10
DEPOT_AISLE : 0
DEPOT_LOCATION : top
DISTANCE_AISLE_TO_AISLE : 3
DISTANCE_CELL_TO_CELL : 1
DISTANCE_TOP_TO_CELL : 1
DISTANCE_BOTTOM_TO_CELL : 1
DISTANCE_TOP_OR_BOTTOM_TO_DEPOT : 0.75
ARTICLE_SECTION
NUM_ARTICLES : 1
ID 5
SKU_SECTION
NUM_SKUS : 2
ID 5 AISLE 0 CELL 9 QUANTITY 2 LEFT_RIGHT_HAND_SIDE left
ID 5 AISLE 1 CELL 1 QUANTITY 2 LEFT_RIGHT_HAND_SIDE left
ORDER_SECTION
NUM_ARTICLES : 1
ID 5 QUANTITY 2
EOF`

func TestOptimizeRoute(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "one.txt")
	if err := os.WriteFile(file, []byte(routeFile), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.txt")
	if err := os.WriteFile(bad, []byte(strings.Replace(routeFile, "CELL 9", "CELL 10", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	const answer = `{"instance":"one.txt","blocks":1,"stops":[{"aisle":1,"cell":1,"article":5,"qty":2}],"length":11.5,"bound":11.5}` + "\n"
	for name, c := range map[string]struct {
		args []string
		out  string
		err  string
	}{
		"a tour":              {[]string{file}, answer, ""},
		"from standard input": {[]string{"-"}, answer, ""},
		"two blocks":          {[]string{"--blocks", "2", "--seconds", "0.5", file}, strings.Replace(answer, `"blocks":1`, `"blocks":2`, 1), ""},
		"three blocks":        {[]string{"--blocks", "3", file}, "", "--blocks 3: give 1 or 2"},
		"no time":             {[]string{"--seconds", "0", file}, "", "--seconds 0: give more than 0"},
		"no end":              {[]string{"--seconds", "NaN", file}, "", "--seconds NaN: give more than 0"},
		"no file":             {[]string{filepath.Join(t.TempDir(), "none.txt")}, "", "no such file"},
		"a wrong file":        {[]string{bad}, "", "line 16: CELL: 10 is not between 0 and 9"},
		"two files":           {[]string{file, bad}, "", "accepts 1 arg(s), received 2"},
	} {
		cmd := newOptimizeRoute()
		var out bytes.Buffer
		cmd.SetArgs(c.args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetIn(strings.NewReader(routeFile))
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.Execute()
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v", name, err)
		}
		if out.String() != c.out {
			t.Errorf("%s: prints %q, want %q", name, out.String(), c.out)
		}
	}
}
