package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/paklog/hub/edi/peer"
)

// ediPeer lets another engine read the file that ours reads, for as long.
type ediPeer struct {
	engine  *peer.Engine
	file    string
	mb      float64
	seconds float64
	ack     bool
}

// openPeer is openEDI's twin for the engine of a name. The first passes are not
// counted: a JVM compiles what it runs.
func openPeer(name string, data func() ([]byte, error), ack bool) func(context.Context, *config) (probe, error) {
	return func(ctx context.Context, c *config) (probe, error) {
		text, err := data()
		if err != nil {
			return nil, err
		}
		dir, err := c.scratch("edi")
		if err != nil {
			return nil, err
		}
		p := &ediPeer{file: filepath.Join(dir, "file.edi"), mb: float64(len(text)) / 1e6, seconds: c.seconds, ack: ack}
		if err := os.WriteFile(p.file, text, 0o600); err != nil {
			return nil, err
		}
		cache, err := peer.Cache()
		if err != nil {
			return nil, err
		}
		p.engine, err = peer.Start(ctx, cache, name)
		if none := (*peer.Unavailable)(nil); errors.As(err, &none) {
			return nil, cannot("%v", err)
		}
		if err != nil {
			return nil, err
		}
		if _, err := p.engine.Measure(p.file, 2, ack); err != nil {
			return nil, errors.Join(err, p.engine.Close())
		}
		return p, nil
	}
}

func (p *ediPeer) round(context.Context) (sample, error) {
	r, err := p.engine.Measure(p.file, p.seconds, p.ack)
	if err != nil {
		return sample{}, err
	}
	return sample{value: r.MBPerSecond(), counts: map[string]float64{
		"file_mb": p.mb, "cpu_us_per_op": p.mb / r.MBPerSecond() * 1e6, "segments": float64(r.Segments), "peak_rss_mb": peakRSS(strconv.Itoa(p.engine.PID())),
	}}, nil
}

func (p *ediPeer) Close() error { return p.engine.Close() }
