// Command pakbench measures PakLog on the machine it runs on and prints one page.
// Every figure stands beside a floor (what the disk, or SQLite alone, can do) or a
// peer, sampled in turn in the same run, because absolute numbers say more about
// the machine and its other tenants than about the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "pakbench:", err)
		os.Exit(1)
	}
}

// config is what a run was asked for.
type config struct {
	json     bool
	seconds  float64
	rounds   int
	dir      string // of journals that later runs use again
	work     string // of this run, removed at its end
	data     string // published instances
	perSet   int    // of them that are loaded of each set of containers, 0 for all
	paklog   string // binary of the hub
	profile  string
	progress io.Writer
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var c config
	var only string
	var list bool
	var as string
	f := flag.NewFlagSet("pakbench", flag.ContinueOnError)
	f.SetOutput(progress)
	f.BoolVar(&c.json, "json", false, "print one JSON object a line instead of the page")
	f.StringVar(&only, "only", "", "measure only these, separated by commas; hop/ means all that begin so")
	f.BoolVar(&list, "list", false, "print the names and what each measures")
	f.Float64Var(&c.seconds, "seconds", 1, "length of one round of one measurement")
	f.IntVar(&c.rounds, "rounds", 5, "rounds that are taken in turn; medians are printed")
	f.StringVar(&c.dir, "dir", "", "folder on the disk to measure; prepared journals stay there (default: below the user's cache folder)")
	f.StringVar(&c.data, "data", "../shared/data", "folder of published instances, which holds wms-instances")
	f.IntVar(&c.perSet, "per-set", 10, "containers that core/carton-br loads of each of its seven sets of 100; 0 is all")
	f.StringVar(&c.paklog, "paklog", "", "the hub's binary (default: paklog beside this one)")
	f.StringVar(&c.profile, "cpuprofile", "", "write CPU profiles of the rounds to files of this name with that of the measurement behind it")
	f.StringVar(&as, "worker", "", "take rounds of this one on orders from standard input; pakbench starts itself so")
	f.StringVar(&c.work, "work", "", "folder of the run that a worker belongs to")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is no flag; -h lists them", f.Arg(0))
	}
	if list {
		for _, b := range benches {
			if _, err := fmt.Fprintf(out, "%-28s %s\n", b.name, b.about); err != nil {
				return err
			}
		}
		return nil
	}
	if c.seconds <= 0 || c.rounds < 1 {
		return fmt.Errorf("-seconds %v and -rounds %d must be above zero", c.seconds, c.rounds)
	}
	c.progress = progress
	if as != "" {
		stopProfile, err := profile(c.profile)
		if err != nil {
			return err
		}
		return errors.Join(work(ctx, &c, as, os.Stdin, out), stopProfile())
	}
	var names []string
	if only != "" {
		names = strings.Split(only, ",")
	}
	asked, err := choose(names)
	if err != nil {
		return err
	}
	if err := c.folders(); err != nil {
		return err
	}
	defer os.RemoveAll(c.work)
	results, err := measure(ctx, &c, asked)
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(out, results)
	}
	return writePage(out, results)
}

// folders finds the disk to measure. What a run leaves there is bounded: prepared
// journals are kept by name, everything else goes.
func (c *config) folders() error {
	if c.dir == "" {
		base := os.Getenv("PAKLOG_CACHE")
		if base == "" {
			cache, err := os.UserCacheDir()
			if err != nil {
				return fmt.Errorf("finding a folder for journals, name one with -dir: %w", err)
			}
			base = filepath.Join(cache, "paklog")
		}
		c.dir = filepath.Join(base, "bench")
	}
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return fmt.Errorf("making the folder for journals: %w", err)
	}
	var err error
	if c.work, err = os.MkdirTemp(c.dir, "run-"); err != nil {
		return fmt.Errorf("making the folder of this run: %w", err)
	}
	if c.paklog == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c.paklog = filepath.Join(filepath.Dir(self), "paklog")
	}
	return nil
}

// choose finds the benches of names; a name that ends in a slash is all that begin with it.
func choose(names []string) ([]*bench, error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(benches), func(b *bench) bool { return b.named }), nil
	}
	var out []*bench
	for _, b := range benches {
		for _, n := range names {
			if b.name == n || strings.HasSuffix(n, "/") && strings.HasPrefix(b.name, n) {
				out = append(out, b)
				break
			}
		}
	}
	for _, n := range names {
		found := false
		for _, b := range out {
			found = found || b.name == n || strings.HasSuffix(n, "/") && strings.HasPrefix(b.name, n)
		}
		if !found {
			return nil, fmt.Errorf("no measurement is named %q; -list prints them", n)
		}
	}
	return out, nil
}
