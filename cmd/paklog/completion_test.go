package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shellScript is a folder with a paklog that completes as the real one does and else only notes
// what it was asked, and the script of its completion for a shell.
func shellScript(t *testing.T, shell string) (dir string, run func(args ...string) string) {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("the shell is not installed: %s", shell)
	}
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	program := fmt.Sprintf("#!/bin/sh\ncase \"$1\" in\n__complete*|completion) %s=1 exec '%s' \"$@\" ;;\n*) echo \"$*\" >>'%s/asked' ;;\nesac\n", commandEnv, me, dir)
	if err := os.WriteFile(filepath.Join(dir, "paklog"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	run = func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.WaitDelay = time.Second
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TERM=dumb", "LC_ALL=C.UTF-8", "PATH=" + dir + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", shell, args, err, out)
		}
		return string(out)
	}
	script := newShell(t).must("completion", shell)
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, run
}

func TestFishCompletes(t *testing.T) {
	t.Parallel()
	_, fish := shellScript(t, "fish")
	for _, c := range []struct{ typed, want, not string }{
		{"paklog dl", "dlq\tThe desk of letters", "serve"},
		{"paklog dlq list --sta", "--state", "--route"},
		{"paklog dlq list --state ", "replaying", "list"},
		{"paklog nothing ", "", "dlq"},
		{"paklog dlq show ", "", "error"}, // no hub runs that has letters
	} {
		got := fish("--no-config", "-c", "source script; complete -C '"+c.typed+"'")
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%q is completed by\n%s\nwant %q and no %q", c.typed, got, c.want, c.not)
		}
	}
}

// TestZshCompletes types into a zsh on a terminal, for its completion works nowhere else.
func TestZshCompletes(t *testing.T) {
	t.Parallel()
	dir, zsh := shellScript(t, "zsh")
	driver := `zmodload zsh/zpty || exit 1
zpty z zsh -f -i
zpty -w z 'PS1= PS2=; autoload -Uz compinit; compinit -u -d dump; source script; print REA""DY'
zpty -r z out '*READY*'
for typed in "$@"; do zpty -w z "$typed"; done
zpty -w z exit
while zpty -r z out; do :; done
`
	if err := os.WriteFile(filepath.Join(dir, "driver"), []byte(driver), 0o600); err != nil {
		t.Fatal(err)
	}
	zsh("-f", "driver", "paklog dl\tlis\t--sta\trepl\t", "paklog qqq\t", "paklog rou\tpau\t")
	got, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	want := "dlq list --state replaying\nqqq\nroutes pause\n"
	if text := strings.ReplaceAll(string(got), "  ", " "); text != want {
		t.Errorf("typed with tabs:\n%swant\n%s", text, want)
	}
}
