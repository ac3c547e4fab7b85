package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/journal"
)

// How a check of the doctor ends.
const (
	checkOK      = "ok"
	checkWarn    = "warn" // it works, and soon may not, or safety suffers
	checkFail    = "fail" // a hub does not start, does not work or loses what it took
	checkSkipped = "skipped"
)

// diagnosis is what a check found.
type diagnosis struct {
	Check   string `json:"check"`
	About   string `json:"about,omitempty"` // which of several: a partner, a port, a certificate
	State   string `json:"state"`
	Finding string `json:"finding"`
	Advice  string `json:"advice,omitempty"`
}

// doctor looks at a configuration and the machine that it is for. Its checks change nothing but for a
// small file in the data folder, which is taken away again.
type doctor struct {
	config string
	cfg    *Config
	hub    *aboutHub // what the hub that runs on it says of itself; nil where none does
	clock  string    // URL whose Date is compared
	ask    bool      // shops and ERPs
	name   string    // of the check that runs
	found  []diagnosis

	told func() (postgres.Checked, error) // what PostgreSQL said; nil: it was not asked yet
}

func (d *doctor) add(state, about, finding, advice string) {
	d.found = append(d.found, diagnosis{d.name, about, state, finding, advice})
}

// checks of the doctor, in the order they are told. Those after the first need a configuration that can be read.
var checks = []struct {
	name string
	run  func(*doctor, context.Context)
}{
	{"configuration", nil}, // reads what the others go by
	{"version", (*doctor).version},
	{"data folder", (*doctor).folder},
	{"disk", (*doctor).disk},
	{"clock", (*doctor).clocks},
	{"store", (*doctor).store},
	{"kafka", (*doctor).kafka},
	{"rabbitmq", (*doctor).rabbit},
	{"s3", (*doctor).s3},
	{"certificates", (*doctor).certificates},
	{"partners", (*doctor).partners},
	{"shops and erps", (*doctor).partnersAsked},
	{"printers", (*doctor).printers},
	{"ports", (*doctor).ports},
	{"files", (*doctor).files},
}

// checkNames are what --only takes: with dashes, for the shell.
func checkNames() (names []string) {
	for _, c := range checks {
		names = append(names, strings.ReplaceAll(c.name, " ", "-"))
	}
	return names
}

func newDoctor(g *global) *cobra.Command {
	d := &doctor{}
	var only []string
	var strictly bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check the whole set-up, before or while the hub runs, and say what to do",
		Long: `Check the whole set-up and say what to do: the configuration, the program's version, the data folder and its
disk, the clock, the journal's store, Kafka, RabbitMQ, certificates, partners, ports and the limit of open files. It runs
before the first start, and beside a running hub, as the user that the hub runs as. Nothing is changed and no partner
is spoken to; with --ask shops and ERPs are asked what does not fit there (paklog partner check NAME does it for one).

Every check ends in ok, warn, fail or skipped, with what was found and what to do. Ends with 0 when nothing fails
and with 3 when something does; with --strict a warning counts as a failure.`,
		Example: `  paklog doctor --config configs/paklog.yaml
  paklog doctor --strict --json | jq '.checks[] | select(.state != "ok")'
  paklog doctor --only store,clock --clock https://www.example.com/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(checkNames(), name) {
					return usagef(cmd, "--only: there is no check %q: take some of %s", name, strings.Join(checkNames(), ", "))
				}
			}
			d.config = g.config
			d.examine(cmd.Context(), only)
			if err := d.tell(cmd.OutOrStdout(), g.json); err != nil {
				return err
			}
			if d.count(checkFail) > 0 || strictly && d.count(checkWarn) > 0 {
				return exitFindings
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "these checks alone: "+strings.Join(checkNames(), ", "))
	cmd.Flags().BoolVar(&strictly, "strict", false, "end with 3 for a warning, too")
	cmd.Flags().BoolVar(&d.ask, "ask", false, "ask shops and ERPs what does not fit there")
	cmd.Flags().StringVar(&d.clock, "clock", "", "URL of a server whose Date the clock is compared with")
	_ = cmd.RegisterFlagCompletionFunc("only", words(checkNames()...)) // the flag is there
	return cmd
}

// examine runs the checks that are asked for; none are all.
func (d *doctor) examine(ctx context.Context, only []string) {
	wanted := func(name string) bool {
		return len(only) == 0 || slices.Contains(only, strings.ReplaceAll(name, " ", "-"))
	}
	d.name = checks[0].name
	d.read(ctx)
	if !wanted(d.name) && d.cfg != nil {
		d.found = nil
	}
	for _, c := range checks[1:] {
		if !wanted(c.name) {
			continue
		}
		d.name = c.name
		if d.cfg == nil {
			d.add(checkSkipped, "", "the configuration cannot be read", "")
			continue
		}
		n := len(d.found)
		c.run(d, ctx)
		if len(d.found) == n {
			d.add(checkSkipped, "", "nothing of it is configured", "")
		}
	}
}

func (d *doctor) count(state string) (n int) {
	for _, f := range d.found {
		if f.State == state {
			n++
		}
	}
	return n
}

// tell shows what was found.
func (d *doctor) tell(w io.Writer, asJSON bool) error {
	fails, warns := d.count(checkFail), d.count(checkWarn)
	if asJSON {
		return writeJSON(w, struct {
			OK     bool        `json:"ok"`
			Fails  int         `json:"fails"`
			Warns  int         `json:"warns"`
			Checks []diagnosis `json:"checks"`
		}{fails == 0, fails, warns, d.found})
	}
	for _, f := range d.found {
		what := f.Check
		if f.About != "" {
			what += " " + f.About
		}
		fmt.Fprintf(w, "%-7s  %s: %s\n", f.State, clean(what), clean(f.Finding))
		if f.Advice != "" {
			fmt.Fprintf(w, "         -> %s\n", clean(f.Advice))
		}
	}
	last := "nothing stops a hub"
	if fails > 0 {
		last = fmt.Sprintf("%d of %d fail", fails, len(d.found))
	}
	if warns > 0 {
		last += fmt.Sprintf(", %d warnings", warns)
	}
	_, err := fmt.Fprintln(w, last)
	return err
}

// read loads the configuration, and finds the hub that runs on it.
func (d *doctor) read(ctx context.Context) {
	cfg, applied, err := load(d.config)
	problems := configs.Problems{}
	switch {
	case err == nil:
		d.cfg = cfg
		what := d.config + " is good"
		if d.config == "" {
			what = "no file is named: the embedded default is in force"
		}
		d.add(checkOK, "", what, "")
		for _, name := range applied.Unused() {
			d.add(checkWarn, name, "is set in the environment and sets nothing", "correct its name, or take it away")
		}
	case errors.As(err, &problems):
		for _, p := range problems {
			d.add(checkFail, "", p.Error(), "mend it: paklog config check, paklog config explain")
		}
	default:
		d.add(checkFail, "", err.Error(), "name the file that the hub is started with, by --config; paklog init writes one")
	}
	if d.cfg == nil {
		return
	}
	c := attach(ctx, cfg)
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var about aboutHub
	if err := c.do(ctx, http.MethodGet, "/control/about", nil, &about); err != nil {
		d.add(checkWarn, "", "a hub runs on "+cfg.Data+" and does not say what it is: "+err.Error(), "it may be of another version: restart it")
		about = aboutHub{}
	}
	d.hub = &about
}

// aboutHub is what a running hub says of itself to its own machine.
type aboutHub struct {
	Process int      `json:"process"`
	Version string   `json:"version"`
	Listens []string `json:"listens"` // as they are configured
	Files   uint64   `json:"files"`   // that it may have open
}

// about says what this process is.
func (a *app) about(w http.ResponseWriter, _ *http.Request) {
	out := aboutHub{Process: os.Getpid(), Version: version(), Listens: []string{}, Files: openFiles()}
	for _, l := range a.cfg.listens() {
		out.Listens = append(out.Listens, l.addr)
	}
	writeControl(w, out)
}

// listen is a port of the configuration.
type listen struct{ key, addr string }

func (c *Config) listens() (out []listen) {
	for _, l := range []listen{{"http.listen", c.HTTP.Listen}, {"as2.listen", c.AS2.Listen}, {"sftp.listen", c.SFTP.Listen}} {
		if l.addr != "" {
			out = append(out, l)
		}
	}
	return out
}

// openFiles is how many files this process may have open; the runtime has raised it to what is allowed.
func openFiles() uint64 {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0
	}
	return r.Cur
}

func (d *doctor) version(context.Context) {
	own := fmt.Sprintf("paklog %s, %s, journal format %d", version(), runtime.Version(), journal.Format)
	switch {
	case d.hub == nil:
		d.add(checkOK, "", own+"; no hub runs on "+d.cfg.Data, "")
	case d.hub.Version != version():
		d.add(checkWarn, "", fmt.Sprintf("the hub that runs, process %d, is %s, and this program is %s", d.hub.Process, d.hub.Version, version()), "restart the hub to have the new version, or use the program that it was started with")
	default:
		d.add(checkOK, "", fmt.Sprintf("%s; the hub runs, process %d", own, d.hub.Process), "")
	}
}
