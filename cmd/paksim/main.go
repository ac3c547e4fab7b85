// Command paksim starts a simulated partner on a port of its own: what tests and the demonstration of
// PakLog use, for whoever wants to point a hub, or a program of his own, at it. A second port has a page of
// what is so at the partner, and takes orders, faults and the address of webhooks.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "paksim:", err)
		os.Exit(1)
	}
}

// settings are what a simulator is started with.
type settings struct {
	seed   uint64
	faults map[string]int // how many calls in a thousand meet each
	hooks  string         // where webhooks go
}

// faults are the ways in which simulators misbehave: the first strike before anything was done.
var faults = []string{
	"drop-before", "server-error", "outage", "outage-html", "too-many", "token-revoked",
	"answer-lost", "slow", "late-error", "gateway-error", "truncated", "html", "huge", "doubled", "lone-objects", "extra-members", "numbers",
	"null-results", "objects-for-text",
}

func command() *cobra.Command {
	var listen, control string
	var drawn []string
	var set settings
	var orders int
	names := make([]string, len(partners))
	for i, p := range partners {
		names[i] = p.name
	}
	cmd := &cobra.Command{
		Use:   "paksim PARTNER",
		Short: "Start a simulated partner on a port of its own",
		Long: "Start a simulated partner on a port of its own: " + strings.Join(names, ", ") + ".\n\n" +
			"Faults are drawn from the seed: --fault answer-lost=20 lets 20 calls in a thousand be done and get no answer. There are\n" + strings.Join(faults, ", ") + ".",
		Example: "  paksim shopify --orders 5 --fault answer-lost=50 --hooks http://127.0.0.1:8080/webhooks/shopify/main\n  paksim ups --listen 127.0.0.1:9001",
		Args:    cobra.ExactArgs(1), ValidArgs: names, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.IndexFunc(partners, func(p partner) bool { return p.name == args[0] })
			if i < 0 {
				return fmt.Errorf("there is no %q: there are %s", args[0], strings.Join(names, ", "))
			}
			if orders < 0 || orders > mostOrders {
				return fmt.Errorf("--orders %d: want a number from 0 to %d", orders, mostOrders)
			}
			var err error
			if set.faults, err = shares(drawn); err != nil {
				return err
			}
			s, err := partners[i].open(set)
			if err != nil {
				return err
			}
			if orders > 0 && s.order == nil {
				return fmt.Errorf("--orders: %s takes none", args[0])
			}
			for n := range orders {
				s.order(items[n%len(items)], int64(1+n%3))
			}
			return serve(cmd.Context(), cmd.OutOrStdout(), partners[i], s, listen, control)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:0", "where the partner listens")
	f.StringVar(&control, "control", "127.0.0.1:0", "where the page of its ground truth listens")
	f.StringArrayVar(&drawn, "fault", nil, "a fault and how many calls in a thousand meet it, as outage=5; several may be given")
	f.Uint64Var(&set.seed, "seed", 1, "that faults are drawn from")
	f.StringVar(&set.hooks, "hooks", "", "where its webhooks go; nowhere where there is none")
	f.IntVar(&orders, "orders", 0, "how many orders are placed at the start, of "+strings.Join(items, ", "))
	return cmd
}

// mostOrders are placed at the start.
const mostOrders = 1_000_000

// items are what orders at the start are of.
var items = []string{"MUG", "TRAY", "SAMOVAR"}

// shares reads faults as they are given.
func shares(given []string) (map[string]int, error) {
	out := map[string]int{}
	sum := 0
	for _, g := range given {
		name, share, _ := strings.Cut(g, "=")
		n, err := strconv.Atoi(share)
		if !slices.Contains(faults, name) || err != nil || n < 0 || n > 1000 {
			return nil, fmt.Errorf("--fault %s: want a name and a number from 0 to 1000, as outage=5; there are %s", g, strings.Join(faults, ", "))
		}
		out[name] = n
		sum += n
	}
	if sum > 1000 {
		return nil, fmt.Errorf("--fault: %d in a thousand are too many", sum)
	}
	return out, nil
}

// serve runs the partner and its page until ctx ends.
func serve(ctx context.Context, out io.Writer, p partner, s sim, listen, control string) error {
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer all.Wait()
	defer cancel()
	failed := make(chan error, 2)
	up := func(address string, h http.Handler) (string, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return "", err
		}
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
		all.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
		all.Go(func() {
			<-ctx.Done()
			_ = srv.Close() // simulators lose nothing
		})
		return "http://" + l.Addr().String(), nil
	}
	at, err := up(listen, s.handler)
	if err != nil {
		return err
	}
	page, err := up(control, pages(p, s, at))
	if err != nil {
		return err
	}
	if s.run != nil {
		all.Go(func() { s.run(ctx) })
	}
	fmt.Fprintf(out, "%s: %s%s\n%s\nground truth: %s\n", p.name, at, p.path, p.access, page)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
