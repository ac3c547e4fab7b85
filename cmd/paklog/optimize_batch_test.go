package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const batchFile = `{"aisles": 2, "cells": 10, "aisle_to_aisle": 5, "cell_to_cell": 1, "front_to_cell": 1.5, "back_to_cell": 1.5,
 "depot": {"aisle": 0, "end": "front", "distance": 0.75}, "cell_zero": "front", "capacity_lines": 2,
 "orders": [{"id": "A", "lines": [{"aisle": 0, "cell": 0}]}, {"id": "B", "lines": [{"aisle": 1, "cell": 4}]}, {"id": "C", "lines": [{"aisle": 0, "cell": 1}]}]}`

func TestOptimizeBatch(t *testing.T) {
	t.Parallel()
	half := strings.Replace(batchFile, "0.75", "0.5", 1)
	file := filepath.Join(t.TempDir(), "wave.json")
	if err := os.WriteFile(file, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(batchFile), 0o600); err != nil {
		t.Fatal(err)
	}
	const answer = `{"batches":[{"orders":["A","C"],"stops":[{"aisle":0,"cell":0},{"aisle":0,"cell":1}],"length":6},` +
		`{"orders":["B"],"stops":[{"aisle":1,"cell":4}],"length":22}],"total":28,"bound":28}` + "\n"
	for name, c := range map[string]struct {
		args []string
		out  string
		err  string
	}{
		"batches":             {[]string{file}, answer, ""},
		"from standard input": {[]string{"-"}, answer, ""},
		"another seed":        {[]string{"--seed", "9", "--seconds", "0.5", file}, answer, ""},
		"no time":             {[]string{"--seconds", "0", file}, "", "--seconds 0: give more than 0"},
		"no end":              {[]string{"--seconds", "NaN", file}, "", "--seconds NaN: give more than 0"},
		"a seed below zero":   {[]string{"--seed", "-1", file}, "", "invalid argument"},
		"no file":             {[]string{filepath.Join(t.TempDir(), "none.json")}, "", "no such file"},
		"a wrong file":        {[]string{bad}, "", "depot.distance is 0.75: give a length in plain digits"},
		"two files":           {[]string{file, bad}, "", "accepts 1 arg(s), received 2"},
	} {
		cmd := newOptimizeBatch()
		var out bytes.Buffer
		cmd.SetArgs(c.args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetIn(strings.NewReader(half))
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
