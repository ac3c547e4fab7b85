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
	"strconv"
	"strings"
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
	err := newRootAt(processBegan(time.Now())).ExecuteContext(ctx)
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

func newRoot() *cobra.Command { return newRootAt(time.Now()) }

// newRootAt is the command that was given at a time.
func newRootAt(began time.Time) *cobra.Command {
	g := &global{began: began}
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

// processBegan is when this process began, where the system tells (proc(5): the 22nd field of stat, in
// hundredths of a second since the machine's start): on a busy machine long before its first line runs.
// Elsewhere it is now.
func processBegan(now time.Time) time.Time {
	stat, err := os.ReadFile("/proc/self/stat")
	up, err2 := os.ReadFile("/proc/uptime")
	if err != nil || err2 != nil {
		return now
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may hold blanks
	fields, uptime := strings.Fields(rest), strings.Fields(string(up))
	if len(fields) < 20 || len(uptime) == 0 {
		return now
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	seconds, err2 := strconv.ParseFloat(uptime[0], 64)
	if age := time.Duration(seconds*float64(time.Second)) - time.Duration(ticks)*10*time.Millisecond; err == nil && err2 == nil && age > 0 {
		return now.Add(-age)
	}
	return now
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
