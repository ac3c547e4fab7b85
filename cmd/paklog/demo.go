package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func newDemo() *cobra.Command {
	var keep bool
	var dir, in, on, through string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Let documents flow through the hub and its simulated partners, and show what happened",
		Long: `Starts the hub on the embedded store, or with --store postgres on a PostgreSQL of its own, a trading
partner who speaks AS2 and SFTP in a process of its own, and a simulated UPS, simulated shops at Shopify and Magento and a
simulated SAP in this one, lets documents flow in through the real doors, follows one 940 hop by hop from AS2 to its 945, which the
partner takes by SFTP, and holds what the hub says against what the partners saw. One answer of UPS is lost on
purpose: see that one label was bought.`,
		Example: `  paklog demo
  paklog demo --keep               stays up; leaves three things to mend in the console
  paklog demo --store postgres     on PAKLOG_POSTGRES_URL, or on a server that it starts
  paklog demo --queue rabbitmq     through PAKLOG_RABBITMQ_URL, or a broker that it starts
  paklog demo --bus kafka          copied to a Kafka that it starts (needs a JDK and mvn)`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir != "" {
				if err := os.MkdirAll(dir, 0o750); err != nil {
					return err
				}
			} else {
				tmp, err := os.MkdirTemp("", "paklog-demo-")
				if err != nil {
					return err
				}
				dir = tmp
				if !keep {
					defer os.RemoveAll(tmp)
				}
			}
			d := &demo{out: cmd.OutOrStdout(), dir: dir, keep: keep, rests: 50 * time.Second}
			run := d.run
			switch in {
			case inSQLite:
			case inPostgres:
				run = d.onPostgres
			default:
				return usagef(cmd, "--store %s: take %s or %s", in, inSQLite, inPostgres)
			}
			switch on {
			case busJournal:
			case busKafka:
				run = d.withKafka(run)
			default:
				return usagef(cmd, "--bus %s: take %s or %s", on, busJournal, busKafka)
			}
			switch through {
			case busJournal:
			case queueRabbit:
				run = d.withRabbitMQ(run)
			default:
				return usagef(cmd, "--queue %s: take %s or %s", through, busJournal, queueRabbit)
			}
			return run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "stay up afterwards, until Ctrl-C")
	cmd.Flags().StringVar(&in, "store", inSQLite, "where the journal is: sqlite or postgres")
	_ = cmd.RegisterFlagCompletionFunc("store", words(inSQLite, inPostgres)) // the flag is there
	cmd.Flags().StringVar(&on, "bus", busJournal, "where the ten topics are copied to: journal (nowhere) or kafka")
	_ = cmd.RegisterFlagCompletionFunc("bus", words(busJournal, busKafka)) // the flag is there
	cmd.Flags().StringVar(&through, "queue", busJournal, "where the ERP's work waits: journal or rabbitmq")
	_ = cmd.RegisterFlagCompletionFunc("queue", words(busJournal, queueRabbit)) // the flag is there
	cmd.Flags().StringVar(&dir, "data", "", "folder to work in; a temporary one that is removed when nothing is named")
	return cmd
}

// demo is one run.
type demo struct {
	out   io.Writer
	dir   string
	keep  bool
	db    PostgresConfig // no URL is the embedded store
	bus   KafkaConfig    // no brokers is none
	queue string         // URL of the RabbitMQ that work goes through; "" is none
	sim   *upssim.Sim
	shop  *shopifysim.Sim
	other *magentosim.Sim
	sap   *sapsim.Sim
	app   *app
	addr  string
	begun time.Time
	rests time.Duration // within this it must have come to rest

	env       []string // of the partner's process, beside ours
	acme      *counterpart
	cert, key string // ours, of AS2, PEM
	confirmed int    // messages that the partner has our receipt for
	doubled   int    // documents that he sent by two doors
	holds     partnerTold
}

// skus are the goods of the demonstration with their opening stock; the last one is scarce.
var skus = []struct {
	sku   string
	qty   int64
	grams int64
}{{"MUG-BLUE", 90_000, 350}, {"MUG-RED", 90_000, 350}, {"KETTLE", 40_000, 1200}, {"TEAPOT", 40_000, 900}, {"TRAY", 50_000, 700}, {"SAMOVAR", 4, 4000}}

// demoClient asks the demonstration's own hub; one that hangs ends the demonstration.
var demoClient = &http.Client{Timeout: time.Minute}

func (d *demo) say(format string, a ...any) { fmt.Fprintf(d.out, format+"\n", a...) }

func (d *demo) run(ctx context.Context) (end error) {
	d.begun = time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	if d.acme, err = startPartner(ctx, d.atPartner(), d.env); err != nil {
		return err
	}
	defer func() { end = errors.Join(end, d.acme.end()) }()
	if d.cert, d.key, err = stationPair(demoHubID, time.Now()); err != nil {
		return err
	}
	if d.sim, err = upssim.New(upssim.Options{}); err != nil {
		return err
	}
	defer d.sim.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	simDone := make(chan error, 1)
	simCtx, simStop := context.WithCancel(context.WithoutCancel(ctx))
	defer simStop()
	go func() { simDone <- serveHTTP(simCtx, simCtx, l, d.sim, time.Second) }()
	atShop, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.shop = shopifysim.New(shopifysim.Options{Hooks: shopifysim.HookOptions{Doubled: 500}})
	shopDone := make(chan error, 1)
	go func() { shopDone <- serveHTTP(simCtx, simCtx, atShop, d.shop, time.Second) }()
	atOther, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.other = magentosim.New(magentosim.Options{})
	otherDone := make(chan error, 1)
	go func() { otherDone <- serveHTTP(simCtx, simCtx, atOther, d.other, time.Second) }()
	atSAP, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.sap = sapsim.New(sapsim.Options{})
	sapDone := make(chan error, 1)
	go func() { sapDone <- serveHTTP(simCtx, simCtx, atSAP, d.sap, time.Second) }()

	logFile, err := os.Create(filepath.Join(d.dir, "hub.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	cfg := d.config("http://"+l.Addr().String(), "http://"+atShop.Addr().String(), "http://"+atOther.Addr().String(), "http://"+atSAP.Addr().String())
	ready, done := make(chan struct{}), make(chan error, 1)
	hubCtx, hubStop := context.WithCancel(context.WithoutCancel(ctx))
	defer hubStop()
	go func() {
		done <- serve(hubCtx, cfg, slog.New(slog.NewTextHandler(logFile, nil)), func(a *app, addr string) {
			d.app, d.addr = a, addr
			close(ready)
		})
	}()
	select {
	case <-ready:
	case err := <-done:
		return err
	}
	d.say("hub on http://%s, journal in %s, AS2 on http://%s, SFTP on %s, partner %s in process %d, simulated UPS on http://%s, simulated Shopify on http://%s, simulated Magento on http://%s, simulated SAP on http://%s",
		d.addr, d.dir, d.app.stationAddr, d.app.filesAddr, demoPartnerID, d.acme.cmd.Process.Pid, l.Addr(), atShop.Addr(), atOther.Addr(), atSAP.Addr())
	d.shop.HookTo("http://" + d.addr + "/webhooks/shopify/shopify")
	var hooks sync.WaitGroup
	hooks.Go(func() { d.shop.Run(simCtx) })
	err = d.story(ctx)
	if err == nil && d.keep {
		err = d.stays(ctx, []place{
			{"API and its page", "http://" + d.addr + "/docs"},
			{"UPS's ground truth", "http://" + l.Addr().String() + "/_truth"},
			{"Shopify's", "http://" + atShop.Addr().String() + "/_truth"},
			{"partner's folder", d.partner()},
			{"what the partner has", d.atPartner()},
			{"command line", "PAKLOG_DATA=" + d.dir + " paklog dlq groups"},
			{"hub's log", logFile.Name()},
		})
	}
	hubStop()
	err = errors.Join(err, <-done)
	simStop()
	hooks.Wait()
	return errors.Join(err, <-simDone, <-shopDone, <-otherDone, <-sapDone)
}

func (d *demo) config(ups, shop, other, erp string) *Config {
	c := defaults()
	c.Data, c.Owner = d.dir, "ACME"
	c.HTTP.Listen = "127.0.0.1:0"
	if d.db.URL.Reveal() != "" {
		c.Store, c.Postgres = inPostgres, d.db
	}
	if len(d.bus.Brokers) > 0 {
		c.Bus, c.Kafka = busKafka, d.bus
	}
	if d.queue != "" {
		c.Queue, c.RabbitMQ.URL = queueRabbit, configs.NewSecret(d.queue)
		c.RabbitMQ.Prefix = fmt.Sprintf("paklog-demo-%d.", time.Now().Unix())
	}
	c.Warehouse.WaveOrders, c.Warehouse.WaveWait = 10, 500*time.Millisecond
	c.Warehouse.AutoWorkers = 4
	c.EDI.Poll = 100 * time.Millisecond
	p := PartnerConfig{}
	p.SetDefaults()
	p.ID, p.Owner = demoPartnerID, "ACME"
	p.AS2.ID, p.AS2.Certificates = demoPartnerID, theirCertificate(d.acme.Certificate) // without a URL: ours wait in his outbox
	p.Login.Keys = []string{d.acme.Key}
	c.AS2.Listen, c.AS2.ID, c.AS2.Certificates = "127.0.0.1:0", demoHubID, ownCertificate(d.cert, d.key)
	c.SFTP.Listen = "127.0.0.1:0"
	c.EDI.Partners = map[string]PartnerConfig{demoPartnerID: p}
	c.Webhooks = map[string]HookConfig{"shop": {Secret: configs.NewSecret(demoSecret), Owner: "ACME"}}
	s := ShopConfig{}
	s.SetDefaults()
	s.Domain, s.URL, s.ClientID, s.ClientSecret, s.Owner = shopifysim.Shop, shop, shopifysim.ClientID, configs.NewSecret(shopifysim.ClientSecret), "ACME"
	s.Timeout, s.ResolveAfter = 2*time.Second, time.Second
	m := ShopConfig{}
	m.SetDefaults()
	m.Kind, m.URL, m.Source, m.Owner = kindMagento, other+"/rest/default", magentosim.Source, "ACME"
	m.ClientID, m.ClientSecret = magentosim.ConsumerKey, configs.NewSecret(magentosim.ConsumerSecret)
	m.AccessToken, m.TokenSecret = configs.NewSecret(magentosim.AccessToken), configs.NewSecret(magentosim.TokenSecret)
	m.Timeout, m.ResolveAfter = 2*time.Second, time.Second
	c.Shops = map[string]ShopConfig{"shopify": s, "magento": m}
	e := ERPConfig{}
	e.SetDefaults()
	e.URL, e.User, e.Password, e.Client = erp+"/sap/opu/odata/sap", sapsim.User, configs.NewSecret(sapsim.Password), sapsim.Client
	e.Numbers, e.Timeout, e.ResolveAfter = `^8\d{7}$`, 2*time.Second, time.Second
	e.Reads, e.Owner = true, "ACME"
	c.ERPs = map[string]ERPConfig{"sap": e}
	c.Carriers.UPS = CarrierConfig{
		Aliases: []string{"UPSN"},
		URL:     ups, ClientID: upssim.ClientID, ClientSecret: configs.NewSecret(upssim.ClientSecret), Account: upssim.Account,
		Service: "03", Timeout: 2 * time.Second, ResolveAfter: time.Second,
	}
	return c
}

// partner is the folder that the hub has for the partner, atPartner what the partner himself has.
func (d *demo) partner() string { return filepath.Join(d.dir, "partners", demoPartnerID) }

func (d *demo) atPartner() string { return filepath.Join(d.dir, "at-"+demoPartnerID) }

// story lets things happen, in order.
func (d *demo) story(ctx context.Context) error {
	for _, act := range []func(context.Context) error{d.meets, d.master, d.documents, d.orders, d.webhooks, d.bought, d.delivered, d.imports, d.settle, d.taken, d.journey, d.cartons, d.floor, d.verdict} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// master fills the warehouse through the REST door.
func (d *demo) master(ctx context.Context) error {
	d.say("\n1. master data and opening stock, through REST")
	for i, s := range skus {
		place := fmt.Sprintf("A-%02d", i+1)
		steps := []struct {
			path string
			body any
		}{
			{"/v1/items", map[string]any{"owner": "ACME", "sku": s.sku, "description": strings.ToLower(s.sku), "units": []any{
				map[string]any{"uom": "each", "factor": 1, "weight_mg": s.grams * 1000, "dims": map[string]any{"length_um": 120_000, "width_um": 110_000, "height_um": 90_000}},
				map[string]any{"uom": "case", "factor": 6, "weight_mg": s.grams * 6200, "dims": map[string]any{"length_um": 380_000, "width_um": 240_000, "height_um": 200_000}},
			}}},
			{"/v1/locations", map[string]any{"location": place, "zone": "A", "purpose": "pick"}},
			{"/v1/stock/receive", map[string]any{"owner": "ACME", "item": s.sku, "location": place, "qty": s.qty, "reference": "opening"}},
		}
		for _, x := range steps {
			if _, err := d.post(ctx, x.path, "demo-"+x.path+s.sku, x.body); err != nil {
				return err
			}
		}
	}
	d.say("   %d items, %d locations; SAMOVAR is scarce: 4 pieces", len(skus), len(skus))
	return nil
}

var demoAddress = map[string]any{
	"name": "Jane Doe", "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US",
}

// post sends JSON and wants a 2xx.
func (d *demo) post(ctx context.Context, path, key string, body any) (int, error) {
	return d.exchange(ctx, path, key, body, nil)
}

// postInto is post with the answer read into out.
func (d *demo) postInto(ctx context.Context, path, key string, body, out any) error {
	_, err := d.exchange(ctx, path, key, body, out)
	return err
}

func (d *demo) exchange(ctx context.Context, path, key string, body, out any) (int, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.addr+path, bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := demoClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	if res.StatusCode/100 != 2 {
		return res.StatusCode, fmt.Errorf("POST %s: %s: %s", path, res.Status, answer)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	return res.StatusCode, json.Unmarshal(answer, out)
}

// The ways of a file to the hub.
const (
	byAS2    = "AS2"
	bySFTP   = "SFTP"
	byFolder = "folder"
)

// documents lets EDI files come by three doors, one of them by two.
func (d *demo) documents(ctx context.Context) error {
	d.say("\n2. %s sends EDI files by AS2, signed and encrypted, leaves some on the hub's SFTP server, and some are dropped into %s", demoPartnerID, filepath.Join(d.partner(), "inbox"))
	items := []string{"MUG-BLUE", "MUG-RED", "KETTLE", "TEAPOT", "TRAY"}
	d.sim.Inject(upssim.OpShip, upssim.AnswerLost)
	files := []struct {
		name string
		by   []string
		conf x12gen.Config
		edit func(string) string
		note string
	}{
		{"940-one.edi", []string{byAS2, bySFTP}, x12gen.Config{Seed: 1, Set: "940", Sets: 1, MostLine: 3, Control: 1, OrderPrefix: "SO-"}, nil, "a 940 with one order: the one we follow"},
		{"940-many.edi", []string{bySFTP}, x12gen.Config{Seed: 2, Set: "940", Sets: 12, MostLine: 4, Control: 2, OrderPrefix: "SO-"}, nil, "a 940 with 12 orders"},
		{"850.edi", []string{byFolder}, x12gen.Config{Seed: 3, Set: "850", Sets: 3, MostLine: 3, Control: 3, OrderPrefix: "PO-"}, nil, "an 850 with 3 orders"},
		{"940-bad.edi", []string{byFolder}, x12gen.Config{Seed: 4, Set: "940", Sets: 2, MostLine: 2, Control: 4, OrderPrefix: "SO-"}, spoil, "a 940 of which one set is broken"},
	}
	for _, f := range files {
		f.conf.Items, f.conf.SCACs, f.conf.Now = items, []string{"UPSN"}, time.Now().UTC()
		f.conf.Options = x12.WriterOptions{LineEnd: "\n"}
		var buf bytes.Buffer
		if _, err := x12gen.Write(&buf, f.conf); err != nil {
			return err
		}
		text := buf.String()
		if f.edit != nil {
			text = f.edit(text)
		}
		for _, by := range f.by {
			if err := d.goes(ctx, f.name, text, by); err != nil {
				return fmt.Errorf("%s by %s: %w", f.name, by, err)
			}
		}
		if len(f.by) > 1 {
			d.doubled++
		}
		d.say("   %-14s by %-13s %s", f.name, strings.Join(f.by, " and "), f.note)
	}
	return nil
}

// goes brings a file of the partner's to the hub.
func (d *demo) goes(ctx context.Context, name, text, by string) error {
	if by == byFolder { // as anybody does: written under another name, then renamed
		path := filepath.Join(d.partner(), "inbox", name)
		if err := os.WriteFile(path+".tmp", []byte(text), 0o640); err != nil {
			return err
		}
		return os.Rename(path+".tmp", path)
	}
	path := filepath.Join(d.atPartner(), name)
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		return err
	}
	if by == bySFTP {
		_, err := d.acme.do(ctx, partnerTask{Put: path})
		return err
	}
	told, err := d.acme.do(ctx, partnerTask{Send: path})
	if err != nil {
		return err
	}
	d.confirmed++
	d.say("   its receipt is signed and says %s: MIC %s", told.Outcome, strings.Join(told.MICs, " or "))
	return nil
}

// spoil breaks the quantity of the last set's first line.
func spoil(text string) string {
	at := strings.LastIndex(text, "LX*1~")
	if at < 0 {
		return text
	}
	w := strings.Index(text[at:], "W01*")
	if w < 0 {
		return text
	}
	from := at + w + len("W01*")
	to := from + strings.IndexByte(text[from:], '*')
	return text[:from] + "MANY" + text[to:]
}

// httpOrders are placed through REST, each twice under one key.
const httpOrders = 24

func (d *demo) orders(ctx context.Context) error {
	d.say("\n3. %d orders over HTTP, each sent twice under one Idempotency-Key", httpOrders)
	for i := range httpOrders {
		sku := skus[i%len(skus)].sku
		body := map[string]any{
			"owner": "ACME", "number": fmt.Sprintf("WEB-%03d", i+1),
			"ship_to": demoAddress,
			"lines":   []any{map[string]any{"item": sku, "qty": 1 + i%3}},
		}
		for range 2 {
			if _, err := d.post(ctx, "/v1/orders", fmt.Sprintf("web-%03d", i+1), body); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle waits until nothing moves any more: the journal has not grown for a while and
// nothing waits.
func (d *demo) settle(ctx context.Context) error {
	d.say("\n6. allocation, waves, picking, packing, labels (UPS loses one answer on purpose) ...")
	var last journal.Pos
	quiet := 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for quiet < 15 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if time.Since(d.begun) > d.rests {
			return fmt.Errorf("the demonstration did not come to rest within %s: see hub.log", d.rests)
		}
		parked := 0
		for _, l := range d.app.bus.Lags() {
			if l.Name != "x12.refused" {
				parked += l.Open + int(l.Behind)
			}
		}
		resolving, err := d.resolving(ctx)
		if err != nil {
			return err
		}
		if now := d.app.bus.Last(); now != last || parked > 0 || resolving {
			last, quiet = now, 0
			continue
		}
		quiet++
	}
	return nil
}

// resolving reports whether an effect still waits for certainty.
func (d *demo) resolving(ctx context.Context) (bool, error) {
	after := ""
	for {
		rows, err := d.app.store.Scan(ctx, journal.TableEffect, "", after, 500)
		if err != nil {
			return false, err
		}
		for _, r := range rows {
			after = r.Key
			f, err := journal.DecodeEffect(r.Value)
			if err != nil {
				return false, err
			}
			if f.State == journal.EffectStarted || f.State == journal.EffectUnknown {
				return true, nil
			}
		}
		if len(rows) < 500 {
			return false, nil
		}
	}
}
