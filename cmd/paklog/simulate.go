package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/paklog/hub/routes/simulate"
)

// simulation is what the verb is asked for.
type simulation struct {
	cfg      simulate.Config
	faults   string
	set      []string
	seeds    int
	parallel int
	json     bool
	quiet    bool
}

func newSimulate(g *global) *cobra.Command {
	s := simulation{faults: "floor"}
	cmd := &cobra.Command{
		Use: "simulate", Short: "Run days of a simulated warehouse from one seed, and hold every event against what is promised",
		Long: `Runs a whole warehouse by the hub's own routes in virtual time: orders of several owners over the day, receipts,
workers who walk, put away, pick, pack and count, and who find too little or scan wrongly; and with --faults all a hub that
is killed between any two steps, messages that come late or twice, a clock that jumps and units that the
disk refuses. One seed makes one log, whatever the machine does: its hash is printed.

At every event it is checked that goods in are goods out and goods there, that nothing is reserved that is not
there, that no carton leaves twice, that tasks end once; and at the end that every line is shipped, short,
cancelled or backordered, that every task ended and that no cut-off passed without a word. A promise that is
broken ends the run with exit code 3, the last events and the command that plays it again.

Nothing outside is reached, and no hub is asked: the carrier is a ledger in memory.`,
		Example: `  paklog simulate
  paklog simulate --seed 7 --days 3 --orders 2000 --workers 30
  paklog simulate --faults all --seed 42 --until 30000
  paklog simulate --faults all --seeds 1000 --parallel 2     many seeds, and a table of step and fault
  paklog simulate --set wave.size=50 --set strategy=fewest_picks --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.cfg.SetFaults(s.faults); err != nil {
				return usagef(cmd, "--faults: %w", err)
			}
			for _, x := range s.set {
				if err := s.cfg.SetPolicy(x); err != nil {
					return usagef(cmd, "--set: %w", err)
				}
			}
			if err := fromOne(cmd); err != nil {
				return err
			}
			s.json = g.json
			// Most of what a run makes is garbage, and what it keeps is small.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			if s.seeds > 0 {
				return s.many(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return s.one(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&s.cfg.Seed, "seed", 1, "what everything is drawn from; the first one of --seeds")
	f.IntVar(&s.cfg.Days, "days", 1, "days of orders; two more are worked off")
	f.IntVar(&s.cfg.Orders, "orders", 500, "orders a day")
	f.IntVar(&s.cfg.Lines, "lines", 3, "lines an order has at most")
	f.IntVar(&s.cfg.Workers, "workers", 12, "people on the floor: three of four pick")
	f.IntVar(&s.cfg.Items, "items", 120, "items in stock")
	f.IntVar(&s.cfg.Owners, "owners", 2, "owners of the goods")
	f.StringVar(&s.faults, "faults", s.faults, "none, floor (what people do), all; or a list like none,crash=6,late=2")
	f.StringArrayVar(&s.set, "set", nil, "policy, as name=value: "+strings.Join(simulate.Policies(), ", "))
	f.IntVar(&s.cfg.Until, "until", 0, "stop before this step")
	f.IntVar(&s.seeds, "seeds", 0, "run so many seeds, and fail when a fault missed a step")
	f.IntVar(&s.parallel, "parallel", runtime.GOMAXPROCS(0), "seeds that run at once")
	f.BoolVar(&s.quiet, "quiet", false, "tell no progress")
	_ = cmd.RegisterFlagCompletionFunc("faults", words(simulate.FaultNames()...)) // the flags are there
	_ = cmd.RegisterFlagCompletionFunc("set", words(simulate.Policies()...))
	return cmd
}

// fromOne refuses counts below one of what there must be one of: zero would silently be the
// default.
func fromOne(cmd *cobra.Command) error {
	var bad error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		n, err := strconv.Atoi(f.Value.String())
		if f.Value.Type() == "int" && (err != nil || n < 1) && bad == nil {
			bad = usagef(cmd, "--%s: %s is less than 1", f.Name, f.Value)
		}
	})
	return bad
}

func (s *simulation) one(ctx context.Context, out, progress io.Writer) error {
	if !s.quiet {
		s.cfg.Progress = func(p simulate.Progress) {
			fmt.Fprintf(progress, "%s  %d orders, %d ended, %d events\n", p.Now.Format(time.DateTime), p.Orders, p.Ended, p.Events)
		}
	}
	res, err := simulate.Run(ctx, s.cfg)
	if res == nil {
		return err
	}
	if s.json {
		if jerr := writeJSON(out, struct {
			*simulate.Result
			PeakRSS int64  `json:"peak_rss_mb"`
			Failure string `json:"failure,omitempty"`
		}{res, peakRSS(), text(err)}); jerr != nil {
			return jerr
		}
	} else {
		summary(out, res)
	}
	return s.failed(out, err)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// failed tells the story of a promise that was broken.
func (s *simulation) failed(out io.Writer, err error) error {
	var f *simulate.Failure
	if !errors.As(err, &f) {
		return err
	}
	if !s.json {
		fmt.Fprintf(out, "\nthe last events:\n  %s\n\n%v\nplay it again with:\n  %s\n", cleanLines(strings.Join(f.Events, "\n  ")), f, s.replay(f))
	}
	return exitFindings
}

// replay is the command that comes to the same failure.
func (s *simulation) replay(f *simulate.Failure) string {
	c := s.cfg
	cmd := fmt.Sprintf("paklog simulate --seed %d --days %d --orders %d --lines %d --workers %d --items %d --owners %d --faults %s",
		f.Seed, c.Days, c.Orders, c.Lines, c.Workers, c.Items, c.Owners, s.faults)
	for _, x := range s.set {
		cmd += " --set " + x
	}
	return fmt.Sprintf("%s   (--until %d stops before it)", cmd, f.Step)
}

func summary(w io.Writer, r *simulate.Result) { fmt.Fprint(w, summaryText(r)) }

func summaryText(r *simulate.Result) string {
	var w strings.Builder
	say := func(format string, a ...any) { fmt.Fprintf(&w, format+"\n", a...) }
	say("seed %d: %d orders of %d lines, %d waves, %d cartons", r.Seed, r.Orders, r.Lines, r.Waves, r.Cartons)
	say("  shipped      %d orders, %d with a cut-off of which %d left before it; %d cut-offs were missed, each told", r.Shipped, r.WithCutOff, r.OnTime, r.Missed)
	say("  not shipped  %d wait for goods, %d cancelled, %d rejected; %d picks were short", r.Backordered, r.Cancelled, r.Rejected, r.Shorts)
	say("  people       %d.%02d km walked, %d.%d hours worked, %d %% of the shifts", r.TravelM/1000, r.TravelM%1000/10, r.LabourMin/60, r.LabourMin%60/6, r.Utilised)
	say("  run          %d steps, %d events in %s: %d events/s, %d x real time, peak memory %d MB", r.Steps, r.Events, r.Took.Round(time.Millisecond), r.EventsPerS, r.Factor, peakRSS())
	say("  log          %s", r.Hash)
	if len(r.Faults) > 0 {
		n := 0
		for _, h := range r.Faults {
			n += h.N
		}
		say("  faults       %d at %d places of the flow; crashes at named steps: %d", n, len(r.Faults), len(r.Points))
	}
	return w.String()
}

// peakRSS is the most memory that this process ever had, in MB; 0 where the system does not say.
func peakRSS() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb >> 10
		}
	}
	return 0
}
