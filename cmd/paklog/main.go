// Command paklog is the hub and everything that talks to it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		// Before anything shows that it stops: the next one has its default again, and ends the
		// process at once.
		signal.Stop(signals)
		cancel()
	}()
	err := newRoot().ExecuteContext(ctx)
	pprof.StopCPUProfile() // nothing where none was asked for
	cancel()
	os.Exit(ended(os.Stderr, err))
}

// global are the flags that every verb has.
type global struct {
	config string
	json   bool
	began  time.Time // the command: whoever gave it knows nothing that came later
}

func newRoot() *cobra.Command {
	g := &global{began: time.Now()}
	root := &cobra.Command{
		Use:   "paklog",
		Short: "Integration hub for warehouses: orders in, labels and advices out, nothing lost or doubled",
		Example: `  paklog demo                      see documents flow, in a minute, with nothing but this binary
  paklog init                      write a commented configuration
  paklog serve --config configs/paklog.yaml
  paklog dlq list                  what failed, and what to do about it`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVarP(&g.config, "config", "c", "", "configuration file; without one the embedded default is in force")
	root.PersistentFlags().BoolVar(&g.json, "json", false, "answer in JSON")
	_ = root.MarkPersistentFlagFilename("config", "yaml", "yml") // the flag is there
	profile := root.PersistentFlags().String("cpuprofile", "", "write a CPU profile of this command, for go tool pprof")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return profiled(*profile) }
	root.AddCommand(verbs(g)...)
	addCompletion(root)
	strictHelp(root)
	strict(root)
	return root
}

// profiled begins a CPU profile, which ends with the process.
func profiled(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(filepath.Clean(file))
	if err != nil {
		return fmt.Errorf("writing a CPU profile: %w", err)
	}
	return pprof.StartCPUProfile(f)
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v
}
