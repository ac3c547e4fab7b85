package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"golang.org/x/sync/errgroup"

	"github.com/paklog/hub/adapters/accesslog"
	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/edifolder"
	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/usps"
	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/transforms/x12wms"
)

// app is the hub with everything around it, made from a configuration: the one place
// that sees all parts.
type app struct {
	cfg       *Config
	log       *slog.Logger
	store     store
	bus       *bus.Bus
	hub       *routes.Hub
	inbox     *edifolder.Inbox
	warehouse *routes.Flows
	front     front                         // what answers HTTP
	pickups   []func(context.Context) error // from partners' servers
	files     *sftp.Server                  // nil is none
	filesAddr string                        // where it listens

	station     *as2.Station // nil where no partner speaks AS2
	visitors    *crowd       // at its door
	stationAddr string       // where it listens; "" for nowhere
	close       []func() error

	views     *views.Store
	projector *routes.Projector
	since     journal.Pos   // what views must have seen before queries are answered
	relay     *kafka.Relay  // nil where the bus is the journal
	reader    *kafka.Reader // nil where nothing of others is read

	queues *routes.WorkQueues // nil where no partner has one
	link   *rabbitmq.Link     // nil where work waits in the journal

	payloads  payloadStore // long documents, labels
	upkeep    *routes.Upkeep
	metrics   *prometheus.Registry
	reloading sync.Mutex // held across a reload
	now       *Config    // cfg, with what was reloaded since; under reloading

	stopping chan struct{}                      // closed when Run is going to end
	end      atomic.Pointer[context.CancelFunc] // has Run end
	access   *accesslog.Log                     // nil is none
	restored *restoration                       // what this start did to a restored folder; nil on any other
}

// mode says what an app is opened for.
type mode bool

const (
	whole     mode = false
	doorsOnly mode = true // for one command: nothing is set in motion
)

// payloads is the folder of what is too long for the journal, within the data folder.
const payloads = "payloads"

// openApp opens the data folder and builds the hub on it. Nothing runs yet.
func openApp(ctx context.Context, cfg *Config, log *slog.Logger, m mode) (_ *app, err error) {
	a := &app{cfg: cfg, log: log, stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close(context.WithoutCancel(ctx)))
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	if a.store, err = openStore(ctx, cfg); err != nil {
		return nil, err
	}
	if s, ok := a.store.(embedded); ok && m == whole && s.Restored() {
		if err := a.comeBack(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("shutting the doors of a restored hub: %w", err), a.store.Close())
		}
	}
	if a.bus, err = bus.Open(ctx, through(cfg.probe.driver, journal.Driver(a.store)), bus.Options{Log: log, Now: time.Now, Step: cfg.probe.step, Lapse: cfg.Postgres.Lapse, Beat: cfg.Postgres.Lapse / 12}); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return nil, err
	}
	a.metrics = prometheus.NewRegistry()
	observe, err := routes.NewObserver(a.metrics, otel.Tracer("paklog"))
	if err != nil {
		return nil, err
	}
	if a.hub, err = routes.New(a.bus, routes.Options{
		Log: log, Now: time.Now, Registry: reg, Drain: cfg.Limits.Drain, Probe: cfg.Limits.Probe, Middleware: []message.HandlerMiddleware{observe.Middleware},
		DoorsOnly: bool(m), Full: a.store.Full,
	}); err != nil {
		return nil, err
	}
	if err := a.openViews(ctx, reg); err != nil {
		return nil, err
	}
	if err := errors.Join(a.openRelay(), a.openReader()); err != nil {
		return nil, err
	}
	if a.payloads, err = cfg.openPayloads(); err != nil {
		return nil, err
	}
	a.upkeep = &routes.Upkeep{Logger: log, Every: cfg.probe.upkeep, Chores: []routes.Chore{
		{Name: "payload files that nothing names", Do: (&routes.PayloadSweep{Log: a.store, Store: a.payloads, Now: time.Now}).Do},
		{Name: "outside ids after 400 days", Do: (&routes.ClaimExpiry{Journal: a.bus, Log: a.store, Now: time.Now}).Do},
	}}
	flows, err := a.flows()
	if err != nil {
		return nil, err
	}
	a.warehouse = flows
	if err := a.edi(flows); err != nil {
		return nil, err
	}
	if err := a.shops(flows); err != nil {
		return nil, err
	}
	if err := errors.Join(a.erps(flows), a.openQueues()); err != nil {
		return nil, err
	}
	if err := a.notifications(flows); err != nil {
		return nil, err
	}
	a.now = cfg
	if m == whole {
		if err := errors.Join(a.measureStanding(), a.openAccessLog()); err != nil {
			return nil, err
		}
	}
	api, err := a.web(cfg)
	a.front.swap(api)
	return a, err
}

// rest is the HTTP door; without keys it answers this machine only.
func (a *app) rest(keys []rest.Key, users []rest.User) (http.Handler, error) {
	var drift func(context.Context, string) (shop.DriftReport, error)
	var loaded func(context.Context, string) (shop.LoadReport, error)
	if len(a.cfg.Shops) > 0 {
		drift, loaded = a.hub.Drift, a.hub.Load
	}
	var erps rest.ERPs
	if len(a.cfg.ERPs) > 0 {
		erps = a.hub
	}
	return rest.New(rest.Config{
		Scope:      scope.Scope{Tenant: a.cfg.Tenant, Owner: a.cfg.Owner, Facility: a.cfg.Facility},
		Facilities: a.cfg.Facilities, Keys: keys, Users: users, People: a.cfg.known(), Local: peerOf, Version: version(),
	}, rest.Deps{
		Door: a.hub, Last: a.bus.Last, Since: a.since, Seen: a.seen, Log: a.store, Books: a.store, Desk: a.hub.Desk(), Now: time.Now, Logger: a.log,
		Views: a.views, Wait: a.projector.Wait, Routes: a.standing, Waiting: a.hub.Waiting,
		Carriers: a.warehouse, Order: a.warehouse.Order, Drift: drift, Load: loaded, ERPs: erps, Metrics: promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}),
		Switch: a.turn, Messages: a.store, Stopping: a.stopping,
		Ready: func(context.Context) error {
			if a.bus.Full() || a.store.Full() {
				return a.noRoom()
			}
			return errors.Join(a.bus.Err(), a.projector.Err())
		},
	})
}

// carriers is the table of who ships.
func (a *app) carriers() ([]routes.CarrierConfig, error) {
	var all []routes.CarrierConfig
	for _, c := range a.cfg.Carriers.accounts() {
		port, err := a.carrier(c)
		if err != nil {
			return nil, fmt.Errorf("carriers.%s: %w", c.name, err)
		}
		a.close = append(a.close, func() error { port.Close(); return nil })
		all = append(all, routes.CarrierConfig{
			Name: c.name, Aliases: c.Aliases, Port: port, Service: c.Service, Timeout: c.Timeout, ResolveAfter: c.ResolveAfter,
			Confirm: c.Confirm, Closes: closes(c.ManifestAt),
		})
	}
	return all, nil
}

// connection is a carrier that holds connections open.
type connection interface {
	ship.Carrier
	Close()
}

func (a *app) carrier(c account) (connection, error) {
	secret := func() (string, error) { return c.ClientSecret.Reveal(), nil }
	tokens := filepath.Join(a.cfg.Data, "tokens")
	switch u := a.cfg.Carriers.USPS; c.name {
	case "fedex":
		return fedex.New(fedex.Config{
			Connection: c.name, BaseURL: c.URL, ClientID: c.ClientID, ClientSecret: secret, Account: c.Account,
			TokenDir: tokens, Timeout: c.Timeout, Now: time.Now,
		})
	case "usps":
		return usps.New(usps.Config{
			Connection: c.name, BaseURL: c.URL, ClientID: c.ClientID, ClientSecret: secret,
			Account:      usps.Account{CRID: u.CRID, MID: u.MID, ManifestMID: u.ManifestMID, Number: c.Account},
			CallsPerHour: u.CallsPerHour, TokenDir: tokens, Timeout: c.Timeout, Now: time.Now,
		})
	}
	return ups.New(ups.Config{
		Connection: c.name, BaseURL: c.URL, ClientID: c.ClientID, ClientSecret: secret, Account: c.Account,
		Shipper: shipFrom(a.cfg.Warehouse), TokenDir: tokens, Timeout: c.Timeout, Now: time.Now,
	})
}

// closes is how long after midnight a time of the day is; what is none was refused before.
func closes(at string) time.Duration {
	t, err := time.Parse("15:04", at)
	if err != nil {
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func shipFrom(w WarehouseConfig) party.Address {
	f := w.ShipFrom
	return party.Address{
		Name: f.Name, Lines: []string{f.Street}, City: f.City, Region: f.Region,
		PostalCode: f.PostalCode, Country: f.Country, Phone: f.Phone,
	}
}

func (a *app) flows() (*routes.Flows, error) {
	fc := flowConfig(a.cfg)
	var err error
	if fc.Carriers, err = a.carriers(); err != nil {
		return nil, err
	}
	if fc.Printers, err = a.printers(); err != nil {
		return nil, err
	}
	fc.KeepLabel = func(ctx context.Context, image []byte) (string, error) {
		return a.payloads.Put(ctx, bytes.NewReader(image))
	}
	fc.ReadLabel = func(ctx context.Context, name string) ([]byte, error) {
		r, err := a.payloads.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return routes.AddFlows(a.hub, fc)
}

// flowConfig is how the flows are configured, but for what reaches outside: connections to
// carriers have their names alone, and labels are kept nowhere.
func flowConfig(cfg *Config) routes.FlowConfig {
	w := cfg.Warehouse
	fc := routes.FlowConfig{
		Tenant: cfg.Tenant, Facility: cfg.Facility, Facilities: cfg.Facilities, Outside: cfg.outside(),
		Wave:     routes.WaveConfig{Size: w.WaveOrders, Timeout: w.WaveWait, Urgent: w.WaveUrgent, Batch: w.Batches.flow(), Templates: w.templates()},
		Labor:    routes.LaborConfig{Standards: w.standards(), Shifts: w.shifts()},
		Auto:     routes.AutoConfig{Pick: w.AutoWorkers > 0, Pack: w.AutoWorkers > 0, ShortOneIn: w.ShortOneIn},
		Lease:    w.TaskLease,
		SSCC:     pack.Numbering{Prefix: w.SSCCPrefix},
		ShipFrom: shipFrom(w),
		Strategy: w.Allocation, ShelfLife: w.ShelfLife, Steal: w.Steal, Past: w.Past, Reasons: w.Reasons,
		Pack:  w.Pack.flows(),
		Count: routes.CountConfig{Tolerance: w.Tolerance, Recounts: w.Recounts},
		Receiving: routes.ReceivingConfig{
			Tolerance: w.OverLimit, Over: w.Over, NoBlind: !w.Blind, PromiseAtDock: w.PromiseAt == promiseAtReceipt,
		},
	}
	for _, c := range cfg.Carriers.accounts() {
		fc.Carriers = append(fc.Carriers, routes.CarrierConfig{Name: c.name, Aliases: c.Aliases, Service: c.Service})
	}
	fc.Tasks = w.Tasks.routes()
	for _, b := range w.Boxes {
		fc.Boxes = append(fc.Boxes, pack.Box{
			Code: b.Name, Inner: b.dims(), Outer: b.dims(), Cost: b.Cost,
			Tare: measure.Mass(b.Tare) * measure.Gram, MaxWeight: measure.Mass(b.MaxWeight) * measure.Gram,
		})
	}
	return fc
}

// partnersRoot is where the folders of trading partners are.
func (a *app) partnersRoot() string { return a.cfg.partnersRoot() }

func (c *Config) partnersRoot() string {
	if c.EDI.Root != "" {
		return c.EDI.Root
	}
	return filepath.Join(c.Data, "partners")
}

// profiles is the folder of overlays.
func (a *app) profiles() string {
	return cmp.Or(a.cfg.EDI.Profiles, filepath.Join(a.cfg.Data, "profiles"))
}

func (a *app) edi(flows *routes.Flows) error {
	partners := map[string]routes.Partner{}
	var names []string
	for name, p := range a.cfg.EDI.Partners {
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			return fmt.Errorf("edi.partners.%s.zone: %w", name, err)
		}
		window, err := routes.ParseWindow(p.Window)
		if err != nil {
			return fmt.Errorf("edi.partners.%s.window: %w", name, err)
		}
		rules, err := overlaid(grammar.Builtin(), a.profiles(), p.Overlay)
		if err != nil {
			return fmt.Errorf("edi.partners.%s.profile: %w", name, err)
		}
		messages, err := overlaidMessages(a.profiles(), p.Overlay)
		if err != nil {
			return fmt.Errorf("edi.partners.%s.profile: %w", name, err)
		}
		own, changes, err := a.cfg.mapsOf(name)
		if err != nil {
			return err
		}
		batches, err := p.batches()
		if err != nil {
			return fmt.Errorf("edi.partners.%s.%w", name, err)
		}
		names = append(names, name)
		syntax, version, _ := strings.Cut(p.EDIFACT.Syntax, ":")
		partners[name] = routes.Partner{
			EDIFACT: routes.EDIFACT{Qualifier: p.EDIFACT.Qualifier, OurQual: p.EDIFACT.OurQualifier, Syntax: edifact.Charset(syntax), Version: version,
				Directory: p.EDIFACT.Directory, Runs: p.EDIFACT.Runs, Contrl: p.EDIFACT.Contrl},
			Grammar: rules, Messages: messages, Maps: own, Changes: changes, Implementation: p.Acknowledge == "999",
			Name: name, ID: p.ID, Qualifier: p.Qualifier, OurID: p.OurID, OurQual: p.OurQualifier,
			Version: p.Version, Usage: p.Usage, Latin1: p.Charset == charsetLatin1, SendAnswers: p.Answers, Advise: p.Advise,
			Station: p.AS2.ID != "" && p.AS2.URL != "",
			Window:  window, Rate: p.Rate, Batches: batches, Tap: p.Tap, Invoices: p.Invoices, SCAC: p.SCAC, Tenders: p.Tenders, Runs: p.Runs, ReportsWithin: p.Reports, Notices: p.Notices, ShipNotice: p.ShipNotice, Stock: routes.StockNotices(p.Stock), HandsOn: routes.HandsOn(p.HandsOn),
			Writer: x12.WriterOptions{LineEnd: "\n", Replace: ' '},
			Policy: ack.Policy{AcceptErrors: p.AcceptErrors, WholeGroup: p.Reject == "group", WholeInterchange: p.Reject == "interchange"},
			Profile: x12wms.Profile{
				Tenant: a.cfg.Tenant, Partner: name, Owner: p.Owner, Facility: a.cfg.Facility,
				Facilities: p.Facilities, UOM: p.UOM, Policy: p.Policy, Type: p.Type, Zone: zone, Reasons: p.Reasons,
				SCACs: p.SCACs, ShipsTo: p.ShipTo, Currency: p.Currency, Levels: p.NoticeLevels,
			},
		}
	}
	keys, err := a.cfg.pgpKeys()
	if err != nil {
		return fmt.Errorf("pgp: %w", err)
	}
	suffix := map[string]string{}
	for name, p := range a.cfg.EDI.Partners {
		if keys.Seals(name) {
			suffix[name] = p.PGP.Suffix
		}
	}
	out, err := edifolder.NewOutbox(a.partnersRoot(), names)
	if err != nil {
		return err
	}
	if a.inbox, err = edifolder.NewInbox(edifolder.Config{
		Root: a.partnersRoot(), Partners: names, Poll: a.cfg.EDI.Poll, Patience: a.cfg.EDI.Patience, MaxBytes: a.cfg.Limits.MaxDocument, Store: a.payloads, Open: keys.Open, Log: a.log,
	}, through(a.cfg.probe.inbox, door.Caller(a.hub))); err != nil {
		return err
	}
	own, err := a.atPartners(keys, through(a.cfg.probe.inbox, door.Caller(a.hub)))
	if err != nil {
		return err
	}
	if a.files, err = a.sftpServer(); err != nil {
		return err
	}
	edi := routes.EDI{
		Partners: partners, Out: through(a.cfg.probe.outbox, routes.Outbox(sealing{outboxes{out, own}, keys, suffix})), AckWithin: a.cfg.EDI.AckWithin,
		Payloads: a.payloads, MaxDocument: a.cfg.Limits.MaxDocument, ReceiptWithin: a.cfg.AS2.Receipt,
	}
	if err := a.openStation(); err != nil {
		return err
	}
	if a.station != nil {
		edi.Stations = a.station
	}
	return routes.AddEDI(a.hub, flows, edi)
}

// Run serves until ctx ends, on listeners of which that of AS2 may be nil, then drains: doors close first, handlers finish, what they
// decided becomes durable.
func (a *app) Run(ctx context.Context, l, control, partners net.Listener) error {
	var uploads net.Listener
	if a.files != nil {
		var err error
		if uploads, err = new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.SFTP.Listen); err != nil {
			return fmt.Errorf("sftp.listen: %w", err)
		}
		a.filesAddr = uploads.Addr().String()
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	a.end.Store(&end)
	g, ctx := errgroup.WithContext(ctx)
	shut, drained := context.WithCancel(context.WithoutCancel(ctx))
	var logged sync.WaitGroup // doors whose requests are written down
	logged.Add(1)
	g.Go(func() error {
		defer logged.Done()
		return serveHTTP(ctx, shut, l, a.noted("http", &a.front), a.cfg.Limits.Drain)
	})
	g.Go(func() error { return a.serveControl(ctx, shut, control) })
	if partners != nil {
		logged.Add(1)
		g.Go(func() error {
			defer logged.Done()
			return a.serveStation(ctx, shut, partners)
		})
	}
	g.Go(func() error { return a.runAccessLog(ctx, &logged) })
	defer context.AfterFunc(ctx, func() { close(a.stopping) })()
	g.Go(func() error { a.reloads(ctx); return nil })
	g.Go(func() error { return a.projector.Run(ctx) })
	for _, run := range a.bridges() {
		g.Go(func() error { return run(ctx) })
	}
	g.Go(func() error {
		defer drained()
		return a.hub.Run(ctx)
	})
	g.Go(func() error { return a.upkeep.Run(ctx) })
	if a.station != nil {
		g.Go(func() error { return a.alarms(ctx) })
	}
	doors := []func(context.Context) error{a.inbox.Run, a.lookThrough, a.operations}
	doors = append(doors, a.pickups...)
	if uploads != nil {
		doors = append(doors, func(ctx context.Context) error { return a.files.Serve(ctx, uploads) })
	}
	for _, run := range doors {
		g.Go(func() error {
			select {
			case <-a.hub.Running():
				return run(ctx)
			case <-ctx.Done():
				return nil
			}
		})
	}
	return g.Wait()
}

// operations carries out the replays of the desk.
func (a *app) operations(ctx context.Context) error {
	return a.hub.Desk().Run(ctx, func(err error) { a.log.Error("replays", "err", err) })
}

// Close ends what openApp opened.
func (a *app) Close(ctx context.Context) error {
	var err error
	if a.bus != nil {
		err = a.bus.Close(ctx)
	}
	for _, f := range a.close {
		err = errors.Join(err, f())
	}
	return err
}

// encoded is a record's event as the registry reads it.
func encoded(r journal.Record) event.Encoded {
	return event.Encoded{Type: r.Type, Schema: int(r.Schema), Data: r.Data, Subject: r.Subject, Personal: r.Personal}
}
