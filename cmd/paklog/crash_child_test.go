package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/adapters/rabbitmq/rabbittest"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/routes/bus"
)

// childEnv holds the spec of the process that the crash tests kill: the test binary
// itself, which then is the hub.
const childEnv = "PAKLOG_TEST_HUB"

// commandEnv makes the test binary the command itself, with its arguments and signals.
const commandEnv = "PAKLOG_TEST_COMMAND"

// childSpec is what a hub that will be killed is told.
type childSpec struct {
	Dir    string
	UPS    string   // where the simulator listens, in the process that is not killed
	Step   bus.Step // where the process ends itself
	Nth    int64    // at which visit of Step
	Mutant string

	Database string // PostgreSQL of the journal, "" for the folder
	Shared   string // schema that several hubs share, "" for a hub alone
	Stand    bool   // at Step the process stands still (SIGSTOP) instead of ending

	NoSync   bool  // of sqlite.Options
	WALLimit int64 // of sqlite.Options
}

func (s childSpec) store(o sqlite.Options) sqlite.Options {
	o.NoSync, o.WALLimit = s.NoSync, s.WALLimit
	return o
}

// TestMain turns the test binary into the hub that is killed, or into the command.
func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(stationEnv); text != "" {
		if err := runStation(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(queueEnv); text != "" {
		if err := queueChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(moveEnv); text != "" {
		if err := moveChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(commandEnv) != "" {
		main()
	}
	os.Exit(rabbittest.Run(func() int { return kafkatest.Run(func() int { return pgtest.Run(m) }) }))
}

const (
	partnerName = "ACME"
	hubLog      = "hub.log"
)

func (s childSpec) config() *Config {
	c := defaults()
	c.Data, c.Owner = filepath.Join(s.Dir, "data"), partnerName
	c.HTTP.Listen = "127.0.0.1:0"
	c.Warehouse.WaveOrders, c.Warehouse.WaveWait = 5, 100*time.Millisecond
	c.Warehouse.AutoWorkers, c.Warehouse.ShortOneIn = 4, 25
	c.EDI.Root, c.EDI.Poll = filepath.Join(s.Dir, "partners"), 10*time.Millisecond
	p := PartnerConfig{}
	p.SetDefaults()
	// His orders ship whole or not at all, those of the other doors as far as there is something.
	p.ID, p.Owner, p.Policy = partnerName, partnerName, order.AllOrNothing
	c.EDI.Partners = map[string]PartnerConfig{partnerName: p}
	c.Webhooks = map[string]HookConfig{hookName: {Secret: configs.NewSecret(hookSecret), Owner: partnerName}}
	c.Carriers.UPS = CarrierConfig{
		URL: s.UPS, ClientID: upssim.ClientID, ClientSecret: configs.NewSecret(upssim.ClientSecret),
		Account: upssim.Account, Service: "03", Aliases: []string{"UPSN"},
		// A request of a process that was killed is acted on within the two together.
		Timeout: 2 * time.Second, ResolveAfter: time.Second,
	}
	c.Limits.FreeDisk = -1
	if s.Database != "" {
		c.Store, c.Postgres.URL = inPostgres, configs.NewSecret(s.Database)
	}
	if s.Shared != "" {
		c.Postgres.Schema, c.Postgres.Shared, c.Postgres.Lapse = s.Shared, true, 6*time.Second
		c.Postgres.Payloads = filepath.Join(filepath.Dir(s.Dir), "payloads")
		c.EDI.Partners, c.Webhooks = nil, nil // the carrier alone is called
	}
	k := &killer{step: s.Step, stand: s.Stand}
	k.left.Store(max(s.Nth, 1))
	c.probe = probe{step: k.at, store: s.store, outbox: k.outbox, inbox: k.inbox}
	if s.Mutant != "" {
		c.probe.driver = func(d journal.Driver) journal.Driver { return newMutant(s.Mutant, d, k.at) }
	}
	return c
}

// runChild is the hub of one round. It says on standard output when it is ready, when it
// came to rest after it was asked to, and at which step it ends itself.
func runChild(text string) error {
	var s childSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	f, err := os.OpenFile(filepath.Join(s.Dir, hubLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	cfg := s.config()
	return serve(ctx, cfg, slog.New(slog.NewTextHandler(f, nil)), func(a *app, addr string) {
		fmt.Printf("ready %s\n", addr)
		go func() {
			for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
				if lines.Text() == "stop" {
					stop()
					return
				}
				if err := comeToRest(ctx, a); err != nil {
					_ = pprof.Lookup("goroutine").WriteTo(f, 1) // for whoever looks into the log
					fmt.Printf("restless %v\n", err)
					continue
				}
				fmt.Println("resting")
			}
			os.Exit(3) // who started it is gone
		}()
	})
}

// killer ends the process at a step.
type killer struct {
	step  bus.Step
	stand bool
	left  atomic.Int64
}

func (k *killer) at(s bus.Step) {
	if s != k.step || k.left.Add(-1) != 0 {
		return
	}
	if k.stand {
		fmt.Printf("stands %s\n", s)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-time.After(100 * time.Millisecond) // however late the signal is, nothing goes on before it
		return
	}
	fmt.Printf("died %s\n", s)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing goes on from here, however late the signal is
}

// comeToRest returns once the hub has nothing to do: all that was delivered is durable, no effect
// is open, no timer is near, and the journal has stood still for a while. A hub that is busy
// while its journal stands still hangs, where that lasts longer than the minute that a timer may be off.
func comeToRest(ctx context.Context, a *app) error {
	const still, hangs = 300 * time.Millisecond, 90 * time.Second
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last journal.Pos
	moved, quiet := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		busy, err := busyWith(ctx, a)
		if err != nil {
			return err
		}
		now := time.Now()
		if pos := a.bus.Last(); pos != last {
			last, moved, quiet = pos, now, now
		}
		if busy != "" {
			quiet = now
		}
		switch {
		case now.Sub(quiet) > still:
			return a.bus.Flush(ctx)
		case now.Sub(moved) > hangs:
			return fmt.Errorf("nothing moves and there is work: %s", busy)
		}
	}
}

// busyWith says what a hub has to do, "" for nothing.
func busyWith(ctx context.Context, a *app) (string, error) {
	for _, l := range a.bus.Lags() {
		if l.Open > 0 || l.Behind > 0 || l.Running > 0 {
			return fmt.Sprintf("%s: %d open, %d behind, %d running", l.Name, l.Open, l.Behind, l.Running), nil
		}
	}
	open, err := openEffects(ctx, a.store)
	if err != nil || len(open) > 0 {
		return fmt.Sprintf("effects %v", open), err
	}
	near := ""
	err = eachRow(ctx, a.store, journal.TableTimer, func(r journal.Row) error {
		t, err := journal.DecodeTimer(r.Value)
		if err == nil && time.Until(t.Due) < time.Minute {
			near = "timer " + r.Key
		}
		return err
	})
	return near, err
}

// openEffects are those whose outcome nobody knows yet.
func openEffects(ctx context.Context, s journal.Scanner) (open []string, err error) {
	err = eachRow(ctx, s, journal.TableEffect, func(r journal.Row) error {
		f, err := journal.DecodeEffect(r.Value)
		switch f.State {
		case journal.EffectIntended, journal.EffectStarted, journal.EffectUnknown, journal.EffectResolved:
			open = append(open, r.Key)
		}
		return err
	})
	return open, err
}

func eachRow(ctx context.Context, s journal.Scanner, t journal.Table, f func(journal.Row) error) error {
	const page = 500
	for after := ""; ; {
		rows, err := s.Scan(ctx, t, "", after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			after = r.Key
		}
		if len(rows) < page {
			return nil
		}
	}
}
