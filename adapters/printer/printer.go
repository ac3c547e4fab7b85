// Package printer prints on network printers: over a raw port (AppSocket, TCP 9100), as label
// printers take it, and by IPP (RFC 8010 and 8011, version 1.1).
package printer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// Ports that an address has where it names none.
const (
	rawPort = "9100"
	ippPort = "631"
)

const defaultTimeout = 30 * time.Second

// New makes a printer of its address, raw://host:9100, ipp://host/ipp/print or ipps://host/ipp/print.
// It connects nowhere yet. timeout bounds one call; 0 is 30 s.
func New(name, address string, timeout time.Duration) (ship.Printer, error) {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	u, at, err := parsed(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "raw" {
		return &raw{name, at, timeout}, nil
	}
	return newIPP(name, u, at, timeout), nil
}

// parsed reads an address, and says which host and port it is.
func parsed(address string) (u *url.URL, at string, err error) {
	u, err = url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, "", errors.New("url: an address like raw://10.0.4.20:9100 or ipp://10.0.4.21/ipp/print is needed")
	}
	port := ippPort
	switch u.Scheme {
	case "raw":
		if port = rawPort; u.Path != "" && u.Path != "/" {
			return nil, "", errors.New("url: a raw port has no path")
		}
	case "ipp", "ipps":
	default:
		return nil, "", fmt.Errorf("url: %q is none of raw, ipp, ipps", u.Scheme)
	}
	return u, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)), nil
}

// Reach reports whether something listens at a printer's address. Nothing is printed.
func Reach(ctx context.Context, address string) error {
	_, at, err := parsed(address)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	return conn.Close()
}

// raw is a printer's port that prints what comes, and says nothing.
type raw struct {
	name, addr string
	timeout    time.Duration
}

// Print implements [ship.Printer]. Behind our end of the job the printer is waited for to close his:
// until then what was handed to the network may be lost. One that keeps it open had the bytes.
func (p *raw) Print(ctx context.Context, job ship.PrintJob) error {
	const op = "printer.Raw"
	conn, err := (&net.Dialer{Timeout: p.timeout}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return fault.E(op, fault.Unavailable, fmt.Errorf("%s at %s: %w", p.name, p.addr, err))
	}
	defer conn.Close()
	until := time.Now().Add(p.timeout)
	if by, ok := ctx.Deadline(); ok {
		until = earlier(until, by)
	}
	if err := conn.SetDeadline(until); err != nil {
		return fault.E(op, fault.Unavailable, err)
	}
	if n, err := conn.Write(job.Data); err != nil {
		kind := fault.Unknown
		if n == 0 {
			kind = fault.Unavailable
		}
		return fault.E(op, kind, fmt.Errorf("%s at %s took %d of %d bytes: %w", p.name, p.addr, n, len(job.Data), err))
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return fault.E(op, fault.Unknown, err)
	}
	if err := conn.SetReadDeadline(earlier(until, time.Now().Add(closesWithin))); err != nil {
		return fault.E(op, fault.Unknown, err)
	}
	var late net.Error
	_, err = io.Copy(io.Discard, io.LimitReader(conn, mostSaid)) // a label printer may tell how it does
	if err == nil || errors.As(err, &late) && late.Timeout() {
		return nil
	}
	return fault.E(op, fault.Unknown, fmt.Errorf("%s at %s: %w", p.name, p.addr, err))
}

// closesWithin is how long a raw port is waited for, and mostSaid what is read of it.
const (
	closesWithin = 5 * time.Second
	mostSaid     = 64 << 10
)

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
