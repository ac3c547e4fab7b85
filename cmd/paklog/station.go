package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/core/door"
)

// openStation makes our AS2 station, where a partner speaks AS2.
func (a *app) openStation() error {
	cfg, err := a.cfg.station()
	if err != nil || len(cfg.Partners) == 0 {
		return err
	}
	cfg.Log, cfg.Spool = a.log, filepath.Join(a.cfg.Data, "spool")
	if err := os.MkdirAll(cfg.Spool, 0o700); err != nil {
		return fmt.Errorf("making the folder of what is being received: %w", err)
	}
	if a.station, err = as2.New(cfg, through(a.cfg.probe.as2, door.Caller(a.hub)), a.payloads); err != nil {
		return fmt.Errorf("edi.partners: %w", err)
	}
	a.close = append(a.close, func() error { a.station.Close(); return nil })
	a.alarm(cfg, time.Now())
	return nil
}

// alarm logs what fails between a partner's station and ours, and which certificates soon end.
func (a *app) alarm(cfg as2.Config, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Partners)) {
		for _, c := range a.cfg.checkAS2(name, cfg.Partners[name], cfg.Own, now) {
			if c.Stops || c.Ends {
				a.log.Warn("see paklog partner check", "partner", name, "place", c.Place, "why", c.Text)
			}
		}
	}
}

// alarms does so each day: a hub runs for longer than a certificate gives notice.
func (a *app) alarms(ctx context.Context) error {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-day.C:
		}
		cfg, err := a.cfg.station()
		if err != nil {
			return err
		}
		a.alarm(cfg, time.Now())
	}
}

// listenStation opens the door of AS2 partners; nil where there is none.
func (a *app) listenStation(ctx context.Context) (net.Listener, error) {
	if a.station == nil || a.cfg.AS2.Listen == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.AS2.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for AS2 partners on %s: %w: stop what has it, or set as2.listen", a.cfg.AS2.Listen, err)
	}
	a.stationAddr = l.Addr().String()
	clients := tls.NoClientCert
	for _, p := range a.cfg.EDI.Partners {
		if p.AS2.Door.CA.Reveal() != "" {
			clients = tls.RequestClientCert // whose it must be is known once he says who he is
		}
	}
	a.visitors = newCrowd(l, stationConns, stationConnsEach, a.log)
	return a.cfg.AS2.TLS.secured(a.visitors, clients), nil
}

// serveStation answers AS2 partners once the hub can take what they send.
func (a *app) serveStation(ctx, shut context.Context, l net.Listener) error {
	select {
	case <-a.hub.Running():
	case <-ctx.Done():
		return l.Close()
	}
	return serveHTTP(ctx, shut, l, a.noted("as2", a.station), a.cfg.Limits.Drain, a.visitors.watch)
}
