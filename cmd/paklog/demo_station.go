package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/paklog/hub/adapters/sftp"
)

// counterpart is the partner's process as the demonstration sees it. Its methods are called by one
// goroutine.
type counterpart struct {
	partnerTold // what he said at first

	cmd  *exec.Cmd
	in   io.WriteCloser
	ask  *json.Encoder
	told *json.Decoder
	wait time.Duration // longest time of one task
}

// startPartner starts this program as the partner, who works in dir. Whatever becomes of ctx, end ends it.
func startPartner(ctx context.Context, dir string, env []string) (_ *counterpart, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "partner.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	c := &counterpart{cmd: exec.CommandContext(context.WithoutCancel(ctx), self, "demo-partner", dir), wait: 30 * time.Second}
	c.cmd.Env, c.cmd.Stderr = append(os.Environ(), env...), log
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.ask, c.told = json.NewEncoder(c.in), json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the partner's process: %w", err)
	}
	if c.partnerTold, err = c.hear(ctx); err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

// do asks for one task and waits for its end.
func (c *counterpart) do(ctx context.Context, t partnerTask) (partnerTold, error) {
	if err := c.ask.Encode(t); err != nil {
		return partnerTold{}, fmt.Errorf("asking the partner's process: %w", err)
	}
	return c.hear(ctx)
}

// hear reads one answer. Who does not answer in time is ended.
func (c *counterpart) hear(ctx context.Context) (told partnerTold, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })() // it may be gone already
	if err := c.told.Decode(&told); err != nil {
		return told, fmt.Errorf("hearing the partner's process: %w", errors.Join(ctx.Err(), err))
	}
	if told.Error != "" {
		return told, fmt.Errorf("the partner: %s", told.Error)
	}
	return told, nil
}

// end closes his input, at which he ends, and waits.
func (c *counterpart) end() error {
	stop := time.AfterFunc(c.wait, func() { _ = c.cmd.Process.Kill() }) // it may be gone already
	defer stop.Stop()
	return errors.Join(c.in.Close(), c.cmd.Wait())
}

// meets tells the partner where the hub's doors are, and by what he knows them.
func (d *demo) meets(ctx context.Context) error {
	key, err := os.ReadFile(filepath.Join(d.dir, hostKeyFile))
	if err != nil {
		return err
	}
	line, _, err := sftp.PublicHostKey(string(key))
	if err != nil {
		return err
	}
	_, err = d.acme.do(ctx, partnerTask{Meet: &meeting{
		Station: "http://" + d.app.stationAddr + "/as2", Certificate: d.cert, Server: d.app.filesAddr, HostKey: line,
	}})
	return err
}

// taken lets the partner take what the hub has for him.
func (d *demo) taken(ctx context.Context) error {
	d.say("\n7. %s comes by SFTP and takes what lies in its outbox", demoPartnerID)
	var err error
	if d.holds, err = d.acme.do(ctx, partnerTask{Take: true}); err != nil {
		return err
	}
	d.say("   %d files: %d 997, %d 855, %d 945", d.holds.Files, d.holds.Sets["997"], d.holds.Sets["855"], d.holds.Sets["945"])
	return nil
}
