package main

import "testing"

func TestColoursAreForWhoWantsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onTerminal bool
		env        map[string]string
		want       bool
	}{
		"a terminal":            {true, map[string]string{"TERM": "xterm"}, true},
		"NO_COLOR":              {true, map[string]string{"TERM": "xterm", "NO_COLOR": "0"}, false},
		"NO_COLOR without text": {true, map[string]string{"NO_COLOR": ""}, true},
		"a dumb terminal":       {true, map[string]string{"TERM": "dumb"}, false},
		"a pipe":                {false, map[string]string{"TERM": "xterm"}, false},
	} {
		if got := coloured(c.onTerminal, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
