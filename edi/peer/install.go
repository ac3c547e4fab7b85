package peer

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed drivers
var drivers embed.FS

// kind is how an engine is had and run.
type kind struct {
	driver  string
	folder  string   // below the cache: the versions are part of it, so that raising one fetches the new
	tools   []string // what must be there
	prepare func(dir string) error
	fetch   func(ctx context.Context, dir string) *exec.Cmd
	command func(ctx context.Context, home, driver, name string) *exec.Cmd
}

const (
	edireaderVersion = "4.7.3.1"
	staediVersion    = "1.26.0"
)

var java = func() kind {
	k := maven("edireader-"+edireaderVersion+"-staedi-"+staediVersion, "com.berryworks:edireader:"+edireaderVersion, "io.xlate:staedi:"+staediVersion)
	k.driver = "Peer.java"
	k.command = func(ctx context.Context, home, driver, name string) *exec.Cmd {
		return exec.CommandContext(ctx, "java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", filepath.Join(home, "libs", "*"), driver, name)
	}
	return k
}()

// maven is what artifacts, as group:artifact:version, and what they need make together.
func maven(folder string, artifacts ...string) kind {
	return kind{
		folder: folder, tools: []string{"mvn", "java"},
		prepare: func(dir string) error {
			var b strings.Builder
			b.WriteString("<project><modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>peers</artifactId><version>1</version><packaging>pom</packaging><dependencies>")
			for _, a := range artifacts {
				part := strings.Split(a, ":")
				fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>", part[0], part[1], part[2])
			}
			b.WriteString("</dependencies></project>")
			return os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(b.String()), 0o600)
		},
		fetch: func(ctx context.Context, dir string) *exec.Cmd {
			return exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(dir, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(dir, "libs"), "-DincludeScope=runtime")
		},
	}
}

// Jars fetches artifacts, as group:artifact:version, and what they need into a folder of this name below
// cache, where they are not yet, and returns the folder of their jars.
func Jars(ctx context.Context, cache, name string, artifacts ...string) (string, error) {
	k := maven(name, artifacts...)
	home, err := k.install(ctx, cache)
	if err != nil {
		return "", &Unavailable{name, err.Error()}
	}
	return filepath.Join(home, "libs"), nil
}

// Wheels fetches a module of Python into a folder below cache, where it is not yet, and returns the folder: it
// belongs into PYTHONPATH. What it needs is as pip finds it, but for those of with, as "module==version".
func Wheels(ctx context.Context, cache, module, version string, with ...string) (string, error) {
	k := python(module, version, with...)
	home, err := k.install(ctx, cache)
	if err != nil {
		return "", &Unavailable{module, err.Error()}
	}
	return home, nil
}

// Packages fetches a package of npm as [Wheels] does one of Python; the folder belongs into NODE_PATH.
func Packages(ctx context.Context, cache, name, version string) (string, error) {
	k := kind{
		folder: strings.NewReplacer("@", "", "/", "-").Replace(name) + "-" + version, tools: []string{"npm", "node"},
		fetch: func(ctx context.Context, dir string) *exec.Cmd { return npm(ctx, dir, name, version) },
	}
	home, err := k.install(ctx, cache)
	if err != nil {
		return "", &Unavailable{name, err.Error()}
	}
	return filepath.Join(home, "node_modules"), nil
}

func npm(ctx context.Context, dir, name, version string) *exec.Cmd {
	return exec.CommandContext(ctx, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, name+"@"+version)
}

func python(module, version string, with ...string) kind {
	return kind{
		driver: module + "_peer.py", folder: module + "-" + version, tools: []string{"python3"},
		fetch: func(ctx context.Context, dir string) *exec.Cmd {
			args := []string{"-m", "pip", "install", "-q", "--root-user-action=ignore", "--target", dir, module + "==" + version}
			return exec.CommandContext(ctx, "python3", append(args, with...)...)
		},
		command: func(ctx context.Context, home, driver, _ string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, "python3", driver)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+home)
			return cmd
		},
	}
}

// kinds are the engines that can be had, by name.
var kinds = map[string]kind{
	"edireader": java,
	"staedi":    java,
	"pyx12":     python("pyx12", "4.0.0"),
	"pydifact":  python("pydifact", "0.2.3"),
	"edifact": {
		driver: "edifact_peer.js", folder: "edifact-1.2.12", tools: []string{"npm", "node"},
		fetch: func(ctx context.Context, dir string) *exec.Cmd {
			return npm(ctx, dir, "edifact", "1.2.12")
		},
		command: func(ctx context.Context, home, driver, _ string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, "node", driver)
			cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(home, "node_modules"))
			return cmd
		},
	},
}

// install fetches what is not below cache yet, whole or not at all.
func (k *kind) install(ctx context.Context, cache string) (home string, err error) {
	for _, tool := range k.tools {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is not installed", tool)
		}
	}
	home = filepath.Join(cache, k.folder)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if k.prepare != nil {
		if err := k.prepare(dir); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := k.fetch(ctx, dir)
	if said, err := cmd.CombinedOutput(); err != nil {
		line, _, _ := bytes.Cut(bytes.TrimSpace(said), []byte{'\n'})
		return "", fmt.Errorf("fetching it by %s: %w: %s", k.tools[0], err, line[:min(len(line), 200)])
	}
	if err := os.Rename(dir, home); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(home); there != nil { // nor did another process put it there
			return "", err
		}
	}
	return home, nil
}
