package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Each bench that takes rounds lives in a process of its own, so that its memory is its own and
// the collector does not walk what another one holds. The worker takes one line of input as
// the order for one round, answers with a line of JSON, and ends with its input.

// report is what a worker says: first that it is ready, then one for each round.
type report struct {
	Value  float64            `json:"value"`
	Counts map[string]float64 `json:"counts,omitempty"`
	Notes  []string           `json:"notes,omitempty"`
	Error  string             `json:"error,omitempty"`
	Cannot bool               `json:"cannot,omitempty"`
}

func (r *report) err() error {
	switch {
	case r.Error == "":
		return nil
	case r.Cannot:
		return cannot("%s", strings.TrimPrefix(r.Error, errCannot.Error()+": "))
	}
	return errors.New(r.Error)
}

// work is the worker's side.
func work(ctx context.Context, c *config, name string, in io.Reader, out io.Writer) (err error) {
	say := json.NewEncoder(out)
	b := find(name)
	if b == nil {
		return fmt.Errorf("no measurement is named %q; -list prints them", name)
	}
	p, err := b.open(ctx, c)
	if err != nil {
		return say.Encode(report{Error: err.Error(), Cannot: errors.Is(err, errCannot)})
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := say.Encode(report{}); err != nil {
		return err
	}
	for orders := bufio.NewScanner(in); orders.Scan(); {
		settle()
		s, err := p.round(ctx)
		r := report{Value: s.value, Counts: s.counts, Notes: s.notes}
		if err != nil {
			r.Error, r.Cannot = err.Error(), errors.Is(err, errCannot)
		}
		if err := say.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// worker is the other side: a probe in another process.
type worker struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	reports *json.Decoder
}

func (c *config) startWorker(ctx context.Context, b *bench) (probe, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{
		"-worker", b.name, "-work", c.work, "-dir", c.dir, "-paklog", c.paklog,
		"-seconds", strconv.FormatFloat(c.seconds, 'g', -1, 64), "-rounds", strconv.Itoa(c.rounds),
	}
	if c.profile != "" {
		args = append(args, "-cpuprofile", c.profile+"."+strings.ReplaceAll(b.name, "/", "-"))
	}
	w := &worker{cmd: exec.CommandContext(ctx, self, args...)}
	w.cmd.Stderr = c.progress
	w.cmd.Cancel = func() error { return w.cmd.Process.Signal(syscall.SIGTERM) }
	w.cmd.WaitDelay = 30 * time.Second
	if w.orders, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.reports = json.NewDecoder(out)
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a worker for %s: %w", b.name, err)
	}
	if _, err := w.next(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *worker) next() (sample, error) {
	var r report
	if err := w.reports.Decode(&r); err != nil {
		return sample{}, fmt.Errorf("hearing from the worker: %w", err)
	}
	return sample{value: r.Value, counts: r.Counts, notes: r.Notes}, r.err()
}

func (w *worker) round(context.Context) (sample, error) {
	if _, err := io.WriteString(w.orders, "round\n"); err != nil {
		return sample{}, fmt.Errorf("ordering a round: %w", err)
	}
	return w.next()
}

// Close lets the worker end in order.
func (w *worker) Close() error {
	err := w.orders.Close()
	return errors.Join(err, w.cmd.Wait())
}
