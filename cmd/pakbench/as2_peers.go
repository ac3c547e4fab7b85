package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/paklog/hub/edi/peer"
)

// openStation lets another station take what as2/receive-1k lets ours take, from the same generator. It keeps what
// came in files and syncs none of them.
func openStation(name string, plan as2Plan) func(context.Context, *config) (probe, error) {
	return func(ctx context.Context, c *config) (probe, error) {
		cache, err := peer.Cache()
		if err != nil {
			return nil, err
		}
		s := &stationPeer{c: c, plan: plan, Station: peer.Station{Name: name, Us: "PAKLOG"}}
		err = s.Install(ctx, cache)
		if none := (*peer.Unavailable)(nil); errors.As(err, &none) {
			return nil, cannot("%v", err)
		}
		return s, err
	}
}

// stationPlan is that of as2/receive-1k, for programs that take several times as long.
var stationPlan = as2Plan{bytes: 1 << 10, messages: 300, most: 8}

type stationPeer struct {
	c    *config
	plan as2Plan
	peer.Station
}

func (p *stationPeer) Close() error { return nil }

// warmUp is how many messages are not counted in each second that is asked for: a JVM compiles what it runs, and
// takes twice as long for the first thousand as for those behind the second.
const warmUp = 2000

func (p *stationPeer) round(ctx context.Context) (_ sample, err error) {
	theirs, err := newAS2Pair("STATION")
	if err != nil {
		return sample{}, err
	}
	ours, err := newAS2Pair("PAKLOG")
	if err != nil {
		return sample{}, err
	}
	if p.Dir, err = p.c.scratch("as2-" + p.Name); err != nil {
		return sample{}, err
	}
	for _, at := range []*string{&p.Listen, &p.Receipts, &p.Ours} {
		if *at, err = freeAddress(ctx); err != nil {
			return sample{}, err
		}
	}
	form := peer.Partnership{Name: "SE_SI", Sign: true, Encrypt: true, Compress: "none", Receipt: "signed"}
	p.Partnerships = []peer.Partnership{form}
	if err := p.Prepare(ctx, string(ours.certPEM()), string(theirs.certPEM()), string(theirs.keyPEM())); err != nil {
		return sample{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd, err := p.started(ctx)
	if err != nil {
		return sample{}, err
	}
	defer func() {
		stop()
		_ = cmd.Wait() // killed
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	sender := &as2Sender{
		url: "http://" + p.Listen + p.Path(true, true), from: p.Us, to: form.Name, ours: ours, theirs: theirs, plan: p.plan,
		// phax closes a connection behind its answer and does not say so.
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: p.plan.most, DisableKeepAlives: p.Name == "phax"}},
	}
	cold, n := max(p.plan.most, int(warmUp*min(1, p.c.seconds))), max(p.plan.most, int(float64(p.plan.messages)*p.c.seconds))
	ready := sender.made(ctx, cold+n)
	if err := sender.flood(ctx, 0, cold, ready); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, p.said())
	}
	idle, cpu, began := rss(pid), cpuOf(pid), time.Now()
	if err := sender.flood(ctx, cold, cold+n, ready); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, p.said())
	}
	us := float64((cpuOf(pid) - cpu).Microseconds()) / float64(n)
	return sample{value: 1e6 / us, counts: map[string]float64{
		"cpu_us_per_op": us, "rate": float64(n) / time.Since(began).Seconds(), "idle_rss_mb": idle, "peak_rss_mb": peakRSS(pid), "messages": float64(n),
	}}, ctx.Err()
}

// started waits until the station is ready.
func (p *stationPeer) started(ctx context.Context) (*exec.Cmd, error) {
	log, err := os.Create(filepath.Join(p.Dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd, ready := p.Command(ctx)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(readyWithin); time.Now().Before(end) && ctx.Err() == nil; <-tick.C {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Listen)
		if err != nil {
			continue
		}
		_ = c.Close()
		if said, err := os.ReadFile(log.Name()); err == nil && bytes.Contains(said, []byte(ready)) {
			return cmd, nil
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	return nil, cannot("%s does not start: %s", p.Title(), p.said())
}

// said is the end of what the station said.
func (p *stationPeer) said() []byte {
	b, _ := os.ReadFile(filepath.Join(p.Dir, "log"))
	return b[max(0, len(b)-400):]
}

// freeAddress is one that nobody listens at.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
