package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/printer"
	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/shop"
)

// serverPatience is how long one server is asked; a look through a journal of many gigabytes takes longer.
const (
	serverPatience = 10 * time.Second
	storePatience  = time.Minute
)

// store looks at the journal where it lies.
func (d *doctor) store(ctx context.Context) {
	if d.cfg.Store == inPostgres {
		d.postgres(ctx)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	note, err := sqlite.ReadMoved(d.cfg.Data)
	if err == nil {
		err = sqlite.Here(d.cfg.Data)
	}
	switch {
	case errors.Is(err, journal.ErrMoved):
		d.add(checkFail, "sqlite", err.Error(), "set store: postgres and postgres.url_file, or bring it back (paklog migrate back) where that is not confirmed")
		return
	case err != nil:
		d.add(checkFail, "sqlite", err.Error(), "put the file back; paklog migrate to-postgres on the database that it moved to tells what is there")
		return
	case note != nil && note.State == sqlite.MoveBegun:
		d.add(checkWarn, "sqlite", "a move of the journal to "+note.To+" was begun and has not ended; the hub works on in the folder", "go on with it: paklog migrate to-postgres")
	}
	c, err := sqlite.Check(ctx, d.cfg.Data)
	text := fmt.Sprintf("the journal in %s has format %d", d.cfg.Data, c.Format)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		d.add(checkWarn, "sqlite", fmt.Sprintf("%s; %s were not enough to look at every page", text, storePatience), "paklog audit takes its time")
	case err != nil:
		d.add(checkFail, "sqlite", err.Error(), "do as it says; paklog audit tells what a damaged journal still holds")
	case !c.Made:
		d.add(checkOK, "sqlite", "there is no journal in "+d.cfg.Data+" yet: the first start makes it", "")
	case c.Migrates:
		d.add(checkWarn, "sqlite", text+", and the next start brings it to this program's", "nothing: a backup is made first, in the data folder; see that there is room for it")
	case !c.Looked:
		d.add(checkWarn, "sqlite", text+"; it was not closed in order (a kill or a power cut), which loses nothing: the next start reads the rest of it", "start the hub, then check again; paklog audit reads a copy now")
	case d.hub == nil && c.Owner > 0:
		d.add(checkWarn, "sqlite", fmt.Sprintf("%s; process %d has it and does not answer", text, c.Owner), fmt.Sprintf("it is starting, or another command; if it stays so, see what it does (ps %d)", c.Owner))
	default:
		d.add(checkOK, "sqlite", text+" and is whole", "")
	}
}

// postgres looks at the server and the journal's schema.
func (d *doctor) postgres(ctx context.Context) {
	c, err := d.server(ctx)
	if err != nil {
		d.add(checkFail, "postgres", err.Error(), "mend postgres.url, or start the server")
		return
	}
	for _, x := range c.Complaints {
		d.add(weighed(x.Stops), "postgres "+x.Place, x.Text, x.Do)
	}
	switch {
	case slices.ContainsFunc(c.Complaints, func(x postgres.Complaint) bool { return x.Stops }):
	case c.Have == 0:
		d.add(checkOK, "postgres", fmt.Sprintf("PostgreSQL %s answers; the first start makes schema %s", c.Version, d.cfg.Postgres.Schema), "")
	default:
		text := fmt.Sprintf("PostgreSQL %s answers; schema %s has version %d of %d", c.Version, d.cfg.Postgres.Schema, c.Have, c.Known)
		if o := c.Origin; o != nil && o.State == postgres.MoveHere {
			text += fmt.Sprintf("; its journal came from %s, and may go back until paklog migrate to-postgres --confirm", o.Place)
		}
		d.add(checkOK, "postgres", text, "")
	}
}

// server is what PostgreSQL says, of the one time that it is asked.
func (d *doctor) server(ctx context.Context) (postgres.Checked, error) {
	if d.told == nil {
		ctx, cancel := context.WithTimeout(ctx, serverPatience)
		defer cancel()
		c, err := postgres.Check(ctx, d.cfg.Postgres.options())
		d.told = func() (postgres.Checked, error) { return c, err }
	}
	return d.told()
}

func weighed(stops bool) string {
	if stops {
		return checkFail
	}
	return checkWarn
}

// clocks compares this machine's clock with that of a server that is asked anyway, or of the one that is named.
func (d *doctor) clocks(ctx context.Context) {
	switch {
	case d.clock != "":
		ctx, cancel := context.WithTimeout(ctx, serverPatience)
		defer cancel()
		off, err := dateOf(ctx, d.clock)
		if err != nil {
			d.add(checkFail, "", err.Error(), "name a server that answers HTTP by --clock")
			return
		}
		d.judgeClock(off, d.clock, time.Second)
	case d.cfg.Store == inPostgres:
		c, err := d.server(ctx)
		if err != nil {
			d.add(checkSkipped, "", "the server of the journal cannot be asked", "")
			return
		}
		d.judgeClock(c.Ahead, "the server of the journal", 0)
	default:
		d.add(checkSkipped, "", "nobody is there to compare with", "name a server that is right by --clock URL")
	}
}

// dateOf is how far a server's clock is ahead of ours, by the Date of its answer: in whole seconds (RFC 9110, 5.6.7).
func dateOf(ctx context.Context, url string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("--clock: %w", err)
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it has a date, too
		// A clock that is far off fails the check of the certificate, which would hide it; nothing secret is sent.
		Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}, //nolint:gosec // as said
	}
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("asking for the time: %w", err)
	}
	middle := began.Add(time.Since(began) / 2)
	_ = res.Body.Close() // a HEAD has none
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("asking %s for the time: its answer has no Date", url)
	}
	return at.Add(500 * time.Millisecond).Sub(middle), nil // the second is cut off
}

// judgeClock judges how far another clock is ahead of ours, which is told no finer than within.
func (d *doctor) judgeClock(ahead time.Duration, whose string, within time.Duration) {
	// Webhooks are signed with their time, and five minutes are let pass; tokens and certificates mostly one.
	const some, much = 5 * time.Second, time.Minute
	advice := "set the clock by NTP (timedatectl set-ntp true), on the machine whose clock is wrong"
	text := "our clock goes as that of " + whose
	if ahead.Abs() > within {
		word := "behind"
		if ahead < 0 {
			word = "ahead of"
		}
		text = fmt.Sprintf("our clock is %s %s that of %s", ahead.Abs().Round(time.Millisecond), word, whose)
	}
	switch {
	case ahead.Abs() > much:
		d.add(checkFail, "", text+": tokens, webhooks and certificates are refused by it", advice)
	case ahead.Abs() > some:
		d.add(checkWarn, "", text, advice)
	default:
		d.add(checkOK, "", text, "")
	}
}

// kafka looks at the cluster where it is the bus.
func (d *doctor) kafka(ctx context.Context) {
	if d.cfg.Bus != busKafka {
		d.add(checkSkipped, "", "the bus is the journal", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	topics, _ := d.cfg.Kafka.reads()
	c, err := kafka.Check(ctx, d.cfg.Kafka.options(), topics)
	if err != nil {
		d.add(checkFail, "", fmt.Sprintf("%s: %v", strings.Join(d.cfg.Kafka.Brokers, ", "), err), "start the brokers, or mend kafka.brokers, kafka.tls and kafka.sasl; the hub goes on without them, and what is to leave waits")
		return
	}
	stops := false
	for _, x := range c.Complaints {
		stops = stops || x.Stops
		d.add(weighed(x.Stops), x.Place, x.Text, "change it at the cluster, or in kafka of the configuration")
	}
	if !stops {
		text := fmt.Sprintf("%d brokers answer, and %d of our topics are there", c.Brokers, c.Topics)
		if c.Topics == 0 {
			text = fmt.Sprintf("%d brokers answer; the first start makes our topics", c.Brokers)
		}
		d.add(checkOK, "", text, "")
	}
}

// s3 tries the bucket of payloads.
func (d *doctor) s3(ctx context.Context) {
	c := d.cfg.S3
	if c.Bucket == "" {
		d.add(checkSkipped, "", "payloads are in the data folder", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	store, err := c.open(nil, "")
	if err == nil {
		err = store.Check(ctx)
	}
	if err != nil {
		d.add(checkFail, "", err.Error(), "start the store, make the bucket, or mend s3 of the configuration; long documents are not taken without it, and stay where they are")
		return
	}
	d.add(checkOK, "", fmt.Sprintf("bucket %s at %s is written, read and listed", c.Bucket, c.Endpoint), "")
}

// rabbit looks at the broker where work waits in it.
func (d *doctor) rabbit(context.Context) {
	if d.cfg.Queue != queueRabbit {
		d.add(checkSkipped, "", "work waits in the journal", "")
		return
	}
	var names []string
	for _, q := range d.cfg.workQueues() {
		names = append(names, q.Name)
	}
	c, err := rabbitmq.Check(d.cfg.RabbitMQ.options(), names)
	switch {
	case err != nil:
		d.add(checkFail, "", err.Error(), "start the broker, or mend rabbitmq of the configuration; the hub goes on without it, and work waits")
	case c.Dead > 0:
		d.add(checkWarn, "", fmt.Sprintf("RabbitMQ %s answers; %d messages were given up and are no letters yet", c.Version, c.Dead), "start the hub: it makes letters of them")
	case len(c.Waiting) < len(names):
		d.add(checkOK, "", fmt.Sprintf("RabbitMQ %s answers; the first start makes our queues", c.Version), "")
	default:
		waiting := 0
		for _, n := range c.Waiting {
			waiting += n
		}
		d.add(checkOK, "", fmt.Sprintf("RabbitMQ %s answers; %d messages wait in %d queues", c.Version, waiting, len(c.Waiting)), "")
	}
}

// partnersAsked asks shops and ERPs, where that is wanted.
func (d *doctor) partnersAsked(ctx context.Context) {
	names := slices.Concat(slices.Sorted(maps.Keys(d.cfg.Shops)), slices.Sorted(maps.Keys(d.cfg.ERPs)))
	if len(names) > 0 && !d.ask {
		d.add(checkSkipped, "", "not asked: "+strings.Join(names, ", "), "paklog doctor --ask asks them; nothing is changed there")
		return
	}
	for _, name := range names {
		d.askOne(ctx, name)
	}
}

func (d *doctor) askOne(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, 6*serverPatience) // several calls
	defer cancel()
	ask := func() ([]shop.Finding, error) {
		if c, is := d.cfg.Shops[name]; is {
			return c.ask(ctx, name, d.cfg.Data)
		}
		return d.cfg.ERPs[name].ask(ctx, name)
	}
	found, err := ask()
	if err != nil {
		d.add(checkFail, name, err.Error(), "paklog config explain shows how it is set up")
		return
	}
	for _, f := range found {
		if f.Stops {
			d.add(checkFail, name+" "+f.Place, f.Text, "mend it there, then paklog partner check "+name)
		}
	}
	if !slices.ContainsFunc(found, func(f shop.Finding) bool { return f.Stops }) {
		d.add(checkOK, name, "it answers, and nothing stops the work with it", "")
	}
}

// printers looks whether each answers at its port.
func (d *doctor) printers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Printers)) {
		p := d.cfg.Printers[name]
		if err := printer.Reach(ctx, p.URL); err != nil {
			d.add(checkWarn, name, err.Error(), "switch it on and see that this machine reaches "+p.URL+": its papers wait meanwhile")
			continue
		}
		d.add(checkOK, name, p.URL+" answers", "")
	}
}
