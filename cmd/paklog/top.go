package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/paklog/hub/adapters/rest"
)

// topRoute is a line of paklog top.
type topRoute struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Rate    float64 `json:"per_second"` // messages since the look before
	Lag     uint64  `json:"lag"`
	Parked  int     `json:"parked"`
	Handled uint64  `json:"handled"`
	Letters uint64  `json:"letters"` // failures for good since the hub started
	Retries uint64  `json:"retries"`
	Conn    string  `json:"connection,omitempty"`
	Breaker string  `json:"breaker,omitempty"`
}

// topLook is how the hub did at one look.
type topLook struct {
	At       time.Time  `json:"at"`
	Position uint64     `json:"position"`
	Open     int        `json:"open_letters"`
	Causes   int        `json:"causes"`
	Replays  int        `json:"replays"` // that are not over
	Paused   int        `json:"paused"`
	Broken   int        `json:"breakers_open"`
	Routes   []topRoute `json:"routes"`
}

// topOrder is a key that routes are sorted by: the largest first, but names.
type topOrder struct {
	key  byte
	name string
	less func(a, b topRoute) int
}

var topOrders = []topOrder{
	{'r', "rate", func(a, b topRoute) int { return cmp.Compare(b.Rate, a.Rate) }},
	{'l', "lag", func(a, b topRoute) int { return cmp.Compare(b.Lag, a.Lag) }},
	{'w', "waiting", func(a, b topRoute) int { return cmp.Compare(b.Parked, a.Parked) }},
	{'h', "handled", func(a, b topRoute) int { return cmp.Compare(b.Handled, a.Handled) }},
	{'e', "letters", func(a, b topRoute) int { return cmp.Compare(b.Letters, a.Letters) }},
	{'n', "name", func(a, b topRoute) int { return 0 }},
}

func topOrderNames() (out []string) {
	for _, o := range topOrders {
		out = append(out, o.name)
	}
	return out
}

func newTop(g *global) *cobra.Command {
	var once bool
	var every time.Duration
	var sort, hub, keyFile string
	cmd := &cobra.Command{
		Use: "top", Short: "Watch the routes of a running hub: rate, lag, what waits, letters, breakers",
		Long: `Watch a running hub on the whole terminal: how many messages a second each route is given, how many
positions it is behind, how many wait for a retry or a letter, how many failed for good, and the breaker
of its partner. Where the output is no terminal it is a table at each look, and with --json one object a line.

Keys: r l w h e n sort by rate, lag, waiting, handled, letters, name; space holds the picture still and
lets it go on; up, down, page up and page down scroll; q quits.

The hub is that of the configuration, over its socket; --hub asks another one over REST, with the API key in --key-file.`,
		Example: `  paklog top
  paklog top --sort lag --every 5s
  paklog top --once --json | jq '.routes[] | select(.lag > 1000)'
  paklog top --hub https://hub.example:8443 --key-file viewer.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := slices.IndexFunc(topOrders, func(o topOrder) bool { return o.name == sort })
			switch {
			case at < 0:
				return usagef(cmd, "--sort is %s, not %q", strings.Join(topOrderNames(), ", "), sort)
			case every < 100*time.Millisecond || every > time.Hour:
				return usagef(cmd, "--every is 100ms to 1h, not %s", every)
			case keyFile != "" && hub == "":
				return usagef(cmd, "--key-file is for --hub: the socket asks for no key")
			}
			ctx := cmd.Context()
			c, err := topCaller(ctx, g, hub, keyFile)
			if err != nil {
				return err
			}
			t := &top{
				look: func(ctx context.Context) (p rest.Pulse, err error) {
					return p, c.do(ctx, http.MethodGet, "/v1/pulse", nil, &p)
				},
				out:   cmd.OutOrStdout(),
				every: every, order: at, json: g.json, once: once,
			}
			screen, ok := cmd.OutOrStdout().(*os.File)
			keys, typed := cmd.InOrStdin().(*os.File)
			if once || g.json || !ok || !typed || !terminal(screen) || !terminal(keys) {
				return t.plain(ctx)
			}
			t.colours = coloured(true, os.Getenv)
			t.size = func() (int, int) {
				w, h, err := term.GetSize(int(screen.Fd()))
				if err != nil {
					return 80, 24
				}
				return w, h
			}
			was, err := term.MakeRaw(int(keys.Fd()))
			if err != nil {
				return fmt.Errorf("taking the terminal's keys: %w", err)
			}
			defer func() { _ = term.Restore(int(keys.Fd()), was) }() // nobody is left to tell
			return t.full(ctx, keys)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "look once and end; rates are of one --every")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often it looks")
	cmd.Flags().StringVar(&sort, "sort", "rate", strings.Join(topOrderNames(), ", "))
	cmd.Flags().StringVar(&hub, "hub", "", "address of another hub: https://hub.example:8443")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with the API key for --hub")
	_ = cmd.RegisterFlagCompletionFunc("sort", words(topOrderNames()...)) // the flag is there
	return cmd
}

// topCaller speaks to the hub that runs on the configuration, or to one that is named.
func topCaller(ctx context.Context, g *global, hub, keyFile string) (*caller, error) {
	if hub != "" {
		return restCaller(hub, keyFile)
	}
	c, cfg, err := running(ctx, g)
	if err == nil && c == nil {
		err = fmt.Errorf("no hub runs on %s: start one with paklog serve, or name another with --hub", cfg.Data)
	}
	return c, err
}

// elsewhere sends what is asked to a hub that is named, with a key.
type elsewhere struct {
	base *url.URL
	key  string
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = e.base.Scheme, e.base.Host, ""
	if e.key != "" {
		r.Header.Set("Authorization", "Bearer "+e.key)
	}
	return e.next.RoundTrip(r)
}

// restCaller speaks to a hub over REST. A key leaves this machine over TLS alone.
func restCaller(hub, keyFile string) (*caller, error) {
	base, err := url.Parse(hub)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("--hub %s is no address like https://hub.example:8443", clean(hub))
	}
	e := &elsewhere{base: base, next: http.DefaultTransport}
	if keyFile != "" {
		b, err := os.ReadFile(keyFile)
		if err != nil {
			return nil, err
		}
		if e.key = strings.TrimSpace(string(b)); e.key == "" {
			return nil, fmt.Errorf("%s holds no key", keyFile)
		}
		ip := net.ParseIP(base.Hostname())
		if base.Scheme == "http" && base.Hostname() != "localhost" && !ip.IsLoopback() {
			return nil, fmt.Errorf("--hub %s: a key is sent over https alone", clean(hub))
		}
	}
	// A hub that sends elsewhere would be sent the key there.
	return &caller{client: &http.Client{Transport: e, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// top watches a hub.
type top struct {
	look    func(context.Context) (rest.Pulse, error)
	out     io.Writer
	every   time.Duration
	order   int // of topOrders
	json    bool
	once    bool
	colours bool
	size    func() (width, height int)

	last  rest.Pulse
	now   topLook
	err   error // of the last look
	still bool
	from  int // the first route that is shown
}

// ask looks at the hub, and reckons rates from the look before.
func (t *top) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(t.every, 10*time.Second))
	defer cancel()
	p, err := t.look(ctx)
	if err != nil {
		return err
	}
	l := topLook{At: p.At, Position: uint64(p.Position), Causes: len(p.Groups), Replays: len(p.Replays), Routes: make([]topRoute, 0, len(p.Routes))}
	for _, g := range p.Groups {
		l.Open += g.Open
	}
	before := map[string]uint64{}
	for _, r := range t.last.Routes {
		before[r.Name] = r.Handled
	}
	seconds := p.At.Sub(t.last.At).Seconds()
	for _, r := range p.Routes {
		x := topRoute{r.Name, r.State, 0, r.Lag, r.Parked, r.Handled, r.Letters, r.Retries, r.Conn, r.Breaker}
		// A hub that was started anew counts from nothing.
		if was, ok := before[r.Name]; ok && seconds > 0 && r.Handled >= was {
			x.Rate = float64(r.Handled-was) / seconds
		}
		if strings.HasPrefix(r.State, "paused") {
			l.Paused++
		}
		if r.Breaker != "" && r.Breaker != "closed" {
			l.Broken++
		}
		l.Routes = append(l.Routes, x)
	}
	t.last, t.now = p, l
	return nil
}

// sorted are the routes in the order that is asked for, by name where that says nothing.
func (t *top) sorted() []topRoute {
	list := slices.Clone(t.now.Routes)
	slices.SortFunc(list, func(a, b topRoute) int {
		return cmp.Or(topOrders[t.order].less(a, b), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// plain writes a table, or an object, at each look.
func (t *top) plain(ctx context.Context) error {
	if err := t.ask(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := t.ask(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // whoever watched has seen enough
			}
			return err
		}
		t.now.Routes = t.sorted()
		if err := t.write(); err != nil || t.once {
			return err
		}
	}
}

func (t *top) write() error {
	switch {
	case t.json && t.once:
		return writeJSON(t.out, t.now)
	case t.json:
		return json.NewEncoder(t.out).Encode(t.now)
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, t.head())
	w := newTable(&b, "ROUTE", "STATE", "PER SEC", "LAG", "WAITING", "HANDLED", "LETTERS", "RETRIES", "CONNECTION", "BREAKER")
	for _, r := range t.now.Routes {
		w.row(r.Name, r.State, fmt.Sprintf("%.1f", r.Rate), r.Lag, r.Parked, r.Handled, r.Letters, r.Retries, r.Conn, r.Breaker)
	}
	if err := w.flush(); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := t.out.Write(b.Bytes())
	return err
}

func (t *top) head() string {
	n := t.now
	return fmt.Sprintf("paklog %s  position %d  %d letters open of %d causes  %d replays  %d paused  %d breakers open",
		n.At.UTC().Format(time.TimeOnly), n.Position, n.Open, n.Causes, n.Replays, n.Paused, n.Broken)
}

// Sequences of a terminal (ECMA-48, and xterm's other screen).
const (
	otherScreen = "\x1b[?1049h\x1b[?25l"
	firstScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	endOfLine   = "\x1b[K"
	endOfScreen = "\x1b[J"
)

// errQuit ends the watch.
var errQuit = errors.New("quit")

// full watches on the whole terminal until q, Ctrl-C or the end of ctx, and leaves the terminal as it was.
// What reads the keys ends with them: with the process, where they are a terminal's.
func (t *top) full(ctx context.Context, keys io.Reader) (err error) {
	if _, err := io.WriteString(t.out, otherScreen); err != nil {
		return err
	}
	defer func() {
		_, last := io.WriteString(t.out, firstScreen)
		err = errors.Join(err, last)
	}()
	done := make(chan struct{})
	defer close(done)
	typed := make(chan string)
	go func() {
		defer close(typed)
		buf := make([]byte, 64)
		for {
			n, err := keys.Read(buf)
			if n > 0 {
				select {
				case typed <- string(buf[:n]):
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	t.err = t.ask(ctx)
	for {
		if err := t.draw(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case s, ok := <-typed:
			if !ok || t.typed(s) != nil {
				return nil
			}
		case <-tick.C:
			if !t.still {
				t.err = t.ask(ctx)
			}
		}
	}
}

// typed does what keys ask for.
func (t *top) typed(s string) error {
	page := t.rows()
	for s != "" {
		move := 0
		for code, n := range map[string]int{"\x1b[A": -1, "\x1b[B": 1, "\x1b[5~": -page, "\x1b[6~": page, "k": -1, "j": 1} {
			if rest, ok := strings.CutPrefix(s, code); ok {
				s, move = rest, n
				break
			}
		}
		if move != 0 {
			t.from = max(0, min(t.from+move, len(t.now.Routes)-page))
			continue
		}
		switch c := s[0]; c {
		case 'q', 'Q', 3, 4: // and Ctrl-C, Ctrl-D
			return errQuit
		case ' ':
			t.still = !t.still
		default:
			if i := slices.IndexFunc(topOrders, func(o topOrder) bool { return o.key == c }); i >= 0 {
				t.order, t.from = i, 0
			}
		}
		s = s[1:]
	}
	return nil
}

// rows is how many routes the terminal has room for.
func (t *top) rows() int {
	_, h := t.size()
	return max(1, h-4)
}

// draw writes the picture over the last one, in one write.
func (t *top) draw() error {
	width, height := t.size()
	var b strings.Builder
	b.WriteString(home)
	line := func(text, style string) {
		r := []rune(clean(text))
		text = string(r[:min(len(r), width)])
		if t.colours && style != "" {
			text = "\x1b[" + style + "m" + text + "\x1b[0m"
		}
		b.WriteString(text + endOfLine + "\r\n")
	}
	switch {
	case t.err != nil:
		line("the hub is not heard: "+t.err.Error(), "31")
	case t.still:
		line(t.head()+"  (still)", "33")
	default:
		line(t.head(), "")
	}
	line(fmt.Sprintf("by %s  |  r rate  l lag  w waiting  h handled  e letters  n name  |  space hold  q quit", topOrders[t.order].name), "2")
	const row = "%-32s %-9s %9s %9s %8s %10s %8s %8s  %s"
	line(fmt.Sprintf(row, "ROUTE", "STATE", "PER SEC", "LAG", "WAITING", "HANDLED", "LETTERS", "RETRIES", "BREAKER"), "7")
	list := t.sorted()
	t.from = max(0, min(t.from, len(list)-t.rows()))
	for _, r := range list[t.from:min(len(list), t.from+t.rows())] {
		style := ""
		switch {
		case r.Breaker != "" && r.Breaker != "closed":
			style = "31"
		case r.State != "running" || r.Parked > 0:
			style = "33"
		}
		line(fmt.Sprintf(row, clip(r.Name, 32), clip(r.State, 9), fmt.Sprintf("%.1f", r.Rate), fmt.Sprint(r.Lag), fmt.Sprint(r.Parked), fmt.Sprint(r.Handled), fmt.Sprint(r.Letters), fmt.Sprint(r.Retries), strings.TrimSpace(r.Breaker+" "+r.Conn)), style)
	}
	if rest := len(list) - t.from - t.rows(); rest > 0 && height > 4 {
		line(fmt.Sprintf("%d more below", rest), "2")
	}
	_, err := io.WriteString(t.out, strings.TrimSuffix(b.String(), "\r\n")+endOfScreen)
	return err
}
