package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
)

// bench is one named measurement. Names are part of the output's contract.
type bench struct {
	name, about, unit string
	floor, peer       string // other benches that its value is divided by, "" for none
	once              bool   // one round, after the others: it runs the whole hub
	named             bool   // only where it is asked for by name: it takes gigabytes of the disk
	open              func(ctx context.Context, c *config) (probe, error)
}

// probe is a bench made ready. Its rounds alternate with those of others.
type probe interface {
	round(ctx context.Context) (sample, error)
	Close() error
}

// sample is what one round saw: a value, and counts by the names that -json prints.
type sample struct {
	value  float64
	counts map[string]float64
	notes  []string // for the page, of what no count says
}

// errCannot says that a measurement cannot be made here, and why; it prints no number.
var errCannot = errors.New("cannot run")

func cannot(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errCannot, fmt.Sprintf(format, a...))
}

// benches in the order of the page.
var benches = []*bench{
	{name: "floor/fsync", about: "4 KiB overwrites, each with its own fdatasync", unit: "syncs/s", open: openFsync},
	{name: "floor/sqlite-insert", about: "raw inserts of 1 kB rows in transactions of 1,000, WAL and synchronous=FULL", unit: "rows/s", open: openInsert},
	{name: "hop/sqlite", about: "durable exactly-once consume, handle, publish of 1 kB, 5,000 keys", unit: "msg/s", floor: "floor/sqlite-insert", peer: "hop/one-commit-each", open: openHop(hopPlan{keys: 5000})},
	{name: "hop/sqlite-onekey", about: "the same with one single key", unit: "msg/s", floor: "floor/sqlite-insert", peer: "hop/one-commit-each", open: openHop(hopPlan{keys: 1})},
	{name: "hop/sqlite-event", about: "the same, and one event appended to a random one of 100,000 streams", unit: "msg/s", floor: "floor/sqlite-insert", peer: "hop/one-commit-each", open: openHop(hopPlan{keys: 5000, streams: 100_000})},
	{name: "hop/sqlite-backlog", about: "hop/sqlite while 1,000,000 messages wait; the peer has none but its own", unit: "msg/s", floor: "floor/sqlite-insert", peer: "hop/sqlite", open: openHop(hopPlan{keys: 5000, waiting: 1_000_000})},
	{name: "hop/gochannel", about: "the hop on Watermill's gochannel: in memory, nothing durable, no order", unit: "msg/s", peer: "hop/sqlite", open: openGoChannel},
	{name: "hop/one-commit-each", about: "the hop on SQLite with one transaction a message", unit: "msg/s", floor: "floor/fsync", peer: "hop/sqlite", open: openNaive},
	{name: "floor/postgres-copy", about: "raw COPY of 1 kB rows into PostgreSQL, transactions of 1,000", unit: "rows/s", floor: "floor/fsync", named: true, open: openCopy},
	{name: "hop/postgres", about: "hop/sqlite with the journal in PostgreSQL, on the same cores", unit: "msg/s", floor: "floor/postgres-copy", peer: "hop/watermill-sql", named: true, open: openHop(hopPlan{keys: 5000, postgres: true})},
	{name: "hop/postgres-backlog", about: "hop/postgres while 1,000,000 messages wait; the peer has 200,000", unit: "msg/s", floor: "hop/postgres", peer: "hop/watermill-sql-backlog", named: true, open: openHop(hopPlan{keys: 5000, waiting: 1_000_000, postgres: true})},
	{name: "hop/watermill-sql", about: "the hop on watermill-sql with batches of 100: the result is published in the transaction that moves the offset", unit: "msg/s", peer: "hop/postgres", named: true, open: openWatermillSQL(0)},
	{name: "hop/watermill-sql-backlog", about: "the same while 200,000 messages wait", unit: "msg/s", peer: "hop/postgres-backlog", named: true, open: openWatermillSQL(200_000)},
	{name: "append/postgres", about: "512 writers append events of 250 bytes to 10,000 streams at expected versions, durable before each goes on", unit: "events/s", floor: "floor/postgres-copy", peer: "append/stream-row", named: true, open: openAppend},
	{name: "append/stream-row", about: "the same with 64 connections, each by one call that compares and sets its stream's row", unit: "events/s", peer: "append/postgres", named: true, open: openStreamRow},
	{name: "relay/kafka", about: "the relay to Kafka: 1 kB events of a journal in memory, in transactions that hold their position, counted by a reader of committed records", unit: "MB/s", peer: "relay/producer", named: true, open: openRelay},
	{name: "relay/producer", about: "Kafka's own ProducerPerformance: as many records of the same kind, acks=all, snappy, no transactions", unit: "MB/s", peer: "relay/kafka", named: true, open: openProducer},
	{name: "flow/kafka", about: "orders of others in Kafka, routed by channel, ten lines each taken apart, translated, to Kafka: `paklog serve` on PostgreSQL, exactly once, one unit an order, counted by a reader of committed records", unit: "orders/s", peer: "flow/franz-go", named: true, open: openFlow(1)},
	{name: "flow/franz-go", about: "the same by a bare loop on franz-go, at least once, nothing durable but in Kafka", unit: "orders/s", peer: "flow/kafka", named: true, open: openFlow(0)},
	{name: "grown/two-hubs", about: "flow/kafka by two hubs that share the journal and the consumer group", unit: "orders/s", floor: "flow/kafka", named: true, open: openFlow(2)},
	{name: "grown/latency", about: "messages of 1 kB at 1,000/s, open loop: durable in PostgreSQL, through a route, durable again, relayed, seen by a reader of committed records; the 99th percentile from when each was due", unit: "ms", named: true, open: openGrownLatency},
	{name: "reserve/hot", about: "64 writers reserve from one item until it is exhausted, durable before each goes on", unit: "reservations/s", floor: "floor/fsync", open: openReserve},
	{name: "core/sprp", about: "shortest picker tours in one block, one position an article: all published optima; baseline S-shape", unit: "tours/s", once: true, open: openSPRP(sprpOne)},
	{name: "core/sprp-2block", about: "the same in two blocks", unit: "tours/s", once: true, open: openSPRP(sprpTwo)},
	{name: "core/sprp-ss", about: "scattered storage, position and tour at once: one block, and two with unit demand; baseline nearest positions by S-shape", unit: "tours/s", once: true, open: openSPRP(sprpScattered)},
	{name: "core/sprp-ss-2block-varying", about: "the same in two blocks with varying demand, of which some published values are too low", unit: "tours/s", once: true, open: openSPRP(sprpVarying)},
	{name: "core/carton-br", about: "containers of BR1-BR7 loaded in -seconds each, all boxes fully supported; gap to the best known, baseline first fit", unit: "% full", once: true, open: openContainers},
	{name: "core/batch-20", about: "order batching with exact routes, 20 orders, by Henn and Waescher's description: gap of one second's answer to a proven bound; baseline first-come batches", unit: "s", once: true, open: openBatching(20)},
	{name: "core/batch-40", about: "the same with 40 orders", unit: "s", once: true, open: openBatching(40)},
	{name: "core/batch-100", about: "the same with 100 orders", unit: "s", once: true, open: openBatching(100)},
	{name: "core/simulate", about: "a simulated day of 100,000 order lines through the hub's routes, every event checked, the log on SQLite", unit: "events/s", once: true, open: openSimulated},
	{name: "edi/index", about: "X12, 17 MB of varied 940 and 850, one core: the delimiter index; MB/s of processor time here and below", unit: "MB/s", open: openEDI("index")},
	{name: "edi/envelope", about: "the same as a stream: segments, elements, envelopes, counts, control numbers", unit: "MB/s", floor: "edi/index", peer: "edi/edireader", open: openEDI("envelope")},
	{name: "edi/validate", about: "the same with every rule of the profiles on; errors planted in each hundredth set are all found, nothing else is", unit: "MB/s", floor: "edi/envelope", peer: "edi/edireader", open: openEDI("validate")},
	{name: "edi/json", about: "the same to canonical JSON", unit: "MB/s", floor: "edi/envelope", open: openEDI("json")},
	{name: "edi/write", about: "the same documents written from values", unit: "MB/s", open: openEDI("write")},
	{name: "edi/ack", about: "edi/validate, and the 997 of each group", unit: "MB/s", floor: "edi/validate", peer: "edi/edireader-997", open: openEDI("ack")},
	{name: "edi/edireader", about: "BerryWorks EDIReader (Java) on the same file: SAX events, envelopes, counts; its reading thread alone, warmed up", unit: "MB/s", peer: "edi/envelope", open: openPeer("edireader", x12Text, false)},
	{name: "edi/edireader-997", about: "the same, and its 997, which accepts whatever the envelope lets pass", unit: "MB/s", peer: "edi/ack", open: openPeer("edireader", x12Text, true)},
	{name: "edi/staedi", about: "StAEDI (Java) on the same file: pull events, without a transaction's schema", unit: "MB/s", peer: "edi/envelope", open: openPeer("staedi", x12Text, false)},
	{name: "edi/pyx12", about: "pyx12 (Python) on the same file: segments, envelopes, counts; it has no map of 850 and 940", unit: "MB/s", peer: "edi/envelope", once: true, open: openPeer("pyx12", x12Text, false)},
	{name: "edi/edifact-envelope", about: "EDIFACT, 17 MB of varied ORDERS and DESADV as a stream: segments, elements, envelopes, counts", unit: "MB/s", peer: "edi/edifact-edireader", open: openEDIFACT("envelope")},
	{name: "edi/edifact-validate", about: "the same with every rule of the profiles on; errors planted in each hundredth message are all found, nothing else is", unit: "MB/s", floor: "edi/edifact-envelope", peer: "edi/edifact-edireader", open: openEDIFACT("validate")},
	{name: "edi/edifact-ack", about: "edi/edifact-validate, and the CONTRL of each interchange; the peer makes none", unit: "MB/s", floor: "edi/edifact-validate", peer: "edi/edifact-edireader", open: openEDIFACT("ack")},
	{name: "edi/edifact-edireader", about: "EDIReader on that file", unit: "MB/s", peer: "edi/edifact-envelope", open: openPeer("edireader", edifactText, false)},
	{name: "edi/edifact-staedi", about: "StAEDI on that file", unit: "MB/s", peer: "edi/edifact-envelope", open: openPeer("staedi", edifactText, false)},
	{name: "edi/edifact-npm", about: "npm's edifact (JavaScript) on that file: segments and components, no envelope", unit: "MB/s", peer: "edi/edifact-envelope", open: openPeer("edifact", edifactText, false)},
	{name: "edi/edifact-pydifact", about: "pydifact (Python) on that file: messages and segments", unit: "MB/s", peer: "edi/edifact-envelope", once: true, open: openPeer("pydifact", edifactText, false)},
	{name: "floor/rsa", about: "an RSA-2048 decryption and a signature: what each encrypted message with a signed receipt costs; operations a second of processor time here and below", unit: "ops/s", open: openRSA},
	{name: "floor/bulk", about: "ten megabytes read, decrypted, digested twice, written and synced, and floor/rsa", unit: "ops/s", open: openBulk},
	{name: "as2/receive-1k", about: "AS2 messages of 1 KB to `paklog serve`, signed and encrypted, durable before their signed receipt", unit: "msg/s", floor: "floor/rsa", peer: "as2/openas2-1k", once: true, open: openReceive(as2Plan{bytes: 1 << 10, messages: 1000, most: 32})},
	{name: "as2/send-1k", about: "documents of 1 KB from a partner's folder to another's station by AS2, signed and encrypted, each proven by a signed receipt", unit: "msg/s", floor: "floor/rsa", once: true, open: openSend(500)},
	{name: "as2/openas2-1k", about: "the same to OpenAS2 (Java), warmed up by 2,000; it syncs nothing", unit: "msg/s", floor: "floor/rsa", peer: "as2/receive-1k", once: true, named: true, open: openStation("openas2", stationPlan)},
	{name: "as2/camel-1k", about: "the same to Camel AS2", unit: "msg/s", floor: "floor/rsa", peer: "as2/receive-1k", once: true, named: true, open: openStation("camel", stationPlan)},
	{name: "as2/phax-1k", about: "the same to phax as2-server", unit: "msg/s", floor: "floor/rsa", peer: "as2/receive-1k", once: true, named: true, open: openStation("phax", stationPlan)},
	{name: "as2/receive-100k", about: "the same of 100 KB", unit: "msg/s", floor: "floor/rsa", once: true, open: openReceive(as2Plan{bytes: 100 << 10, messages: 400, most: 8})},
	{name: "as2/receive-10m", about: "the same of 10 MB", unit: "msg/s", floor: "floor/bulk", once: true, open: openReceive(as2Plan{bytes: 10 << 20, messages: 30, most: 2})},
	{name: "as2/receive-100m", about: "the same of 100 MB", unit: "msg/s", floor: "floor/bulk", once: true, named: true, open: openReceive(as2Plan{bytes: 100 << 20, messages: 1, most: 2})},
	{name: "as2/receive-8x1g", about: "eight of 1 GB at once, each second one by AES-GCM: memory", unit: "msg/s", floor: "floor/bulk", once: true, named: true, open: openReceive(as2Plan{bytes: 1 << 30, most: 8, gcm: true})},
	{name: "sftp/small", about: "1 KB files by OpenSSH's sftp over 8 connections to `paklog serve`, each durable before it is answered", unit: "files/s", floor: "floor/fsync", peer: "sftp/small-openssh", once: true, open: openSFTP(sftpPlan{bytes: 1 << 10, files: 300, conns: 8})},
	{name: "sftp/small-openssh", about: "the same to OpenSSH's sftp-server (put -f)", unit: "files/s", floor: "floor/fsync", peer: "sftp/small", once: true, open: openSFTP(sftpPlan{openssh: true, bytes: 1 << 10, files: 300, conns: 8})},
	{name: "sftp/large", about: "1 GB by OpenSSH's sftp to `paklog serve` and back, durable", unit: "MB/s", peer: "sftp/large-openssh", once: true, named: true, open: openSFTP(sftpPlan{bytes: 1 << 30, files: 1, conns: 1, back: true})},
	{name: "sftp/large-openssh", about: "the same to OpenSSH's sftp-server", unit: "MB/s", peer: "sftp/large", once: true, named: true, open: openSFTP(sftpPlan{openssh: true, bytes: 1 << 30, files: 1, conns: 1, back: true})},
	{name: "intake/http", about: "orders over HTTP, durable before 201: latency at 200/s with the whole flow running and at 1,000/s alone, and the rate", unit: "orders/s", floor: "floor/fsync", once: true, open: openIntake},
	{name: "tasks/next", about: "workers ask for work over HTTP, 200/s, among 100,000 open tasks in 20 lanes: the 99th percentile, each claimed durably", unit: "ms", once: true, open: openNext},
	{name: "partners/webhook", about: "signed events of a shop over HTTP, each an order that is durable before its 2xx: latency in a burst of 5,000/s, and the rate; the journal has one order for each answer", unit: "events/s", floor: "floor/fsync", once: true, named: true, open: openHooks},
	{name: "partners/rateshop", about: "what a parcel costs, asked of three carriers at once that take 60, 90 and 120 ms, 20 wishes/s: the median, each carrier called once a wish", unit: "ms", once: true, named: true, open: openRateShop},
	{name: "partners/stocksync", about: "100,000 stock records set at a simulated Shopify, 250 a call, each read before; the simulator works in the same process", unit: "records/s", once: true, named: true, open: openStockSync},
	{name: "desk/search", about: "the desk finds the first 50 of 1,000,000 letters by each pair of filters, those that find nothing too, with the count, while 200/s more fail: the 99th percentile", unit: "ms", once: true, named: true, open: openDeskSearch},
	{name: "desk/group", about: "the page of a group of 16,000 of them: its figures, what its failures share and what changed before", unit: "ms", once: true, named: true, open: openDeskGroup},
	{name: "desk/replay", about: "100,000 letters, one more message waiting behind each, replayed by one operation with its dry run: each call once and in order of its key", unit: "letters/s", once: true, named: true, open: openDeskReplay},
	{name: "start/replay", about: "start of `paklog serve` until it is ready, on a journal of 1,000,000 events", unit: "s", once: true, open: openStart},
	{name: "hub/idle", about: "memory of `paklog serve` at rest, and under 200 orders/s", unit: "MB", once: true, open: openIdle},
}

func find(name string) *bench {
	for _, b := range benches {
		if b.name == name {
			return b
		}
	}
	return nil
}

// withNeeded adds the floors and peers that the asked ones are divided by, in page order.
func withNeeded(asked []*bench) []*bench {
	need := map[string]bool{}
	for _, b := range asked {
		for _, n := range []string{b.name, b.floor, b.peer} {
			need[n] = true
		}
	}
	var out []*bench
	for _, b := range benches {
		if need[b.name] {
			out = append(out, b)
		}
	}
	return out
}

// control is the floor sampled once more in each round: what two equal measurements
// differ by is noise.
const control = "floor/sqlite-insert"

// measure takes rounds of all that is needed in turn and returns what was asked for.
func measure(ctx context.Context, c *config, asked []*bench) ([]result, error) {
	needed := withNeeded(asked)
	stop, err := withPostgres(ctx, needed)
	if err != nil {
		return nil, err
	}
	defer stop()
	stopKafka, err := withKafka(ctx, needed)
	if err != nil {
		return nil, err
	}
	defer stopKafka()
	probes := map[string]probe{}
	failed := map[string]error{}
	samples := map[string][]sample{}
	var again []sample
	defer func() {
		for _, p := range probes {
			_ = p.Close() // the folder is removed, and each error that matters was met before
		}
	}()
	// take makes a bench ready where it is not, and takes a round. What fails is noted, and
	// the others go on unless the run was ended.
	take := func(b *bench) error {
		if _, bad := failed[b.name]; bad {
			return nil
		}
		s, err := c.take(ctx, b, probes)
		if err != nil {
			failed[b.name] = err
		} else {
			samples[b.name] = append(samples[b.name], s)
		}
		return ctx.Err()
	}
	for r := range c.rounds {
		fmt.Fprintf(c.progress, "round %d of %d\n", r+1, c.rounds)
		for _, b := range needed {
			if b.once {
				continue
			}
			if err := take(b); err != nil {
				return nil, err
			}
			if b.name == control && failed[control] == nil {
				s, err := probes[control].round(ctx)
				if err != nil {
					return nil, err
				}
				again = append(again, s)
			}
		}
	}
	// Workers end before the hub is measured: they take memory, and the disk's cache.
	for name, p := range probes {
		if err := p.Close(); err != nil && failed[name] == nil {
			failed[name] = err
		}
		delete(probes, name)
	}
	for _, b := range needed {
		if !b.once {
			continue
		}
		if err := take(b); err != nil {
			return nil, err
		}
		if p := probes[b.name]; p != nil {
			delete(probes, b.name)
			if err := p.Close(); err != nil && failed[b.name] == nil {
				failed[b.name] = err
			}
		}
	}
	var out []result
	for _, b := range asked {
		r := conclude(b, samples, failed)
		if b.name == control && len(again) > 0 && r.err == nil {
			r.counts["aa_ratio"] = median(ratios(values(again), values(samples[control])))
		}
		out = append(out, r)
	}
	return out, nil
}

// take is one round of a bench.
func (c *config) take(ctx context.Context, b *bench, probes map[string]probe) (sample, error) {
	p := probes[b.name]
	if p == nil {
		fmt.Fprintf(c.progress, "preparing %s\n", b.name)
		var err error
		if b.once {
			p, err = b.open(ctx, c)
		} else {
			p, err = c.startWorker(ctx, b)
		}
		if err != nil {
			return sample{}, err
		}
		probes[b.name] = p
	}
	return p.round(ctx)
}

// conclude makes a bench's line of the samples of all.
func conclude(b *bench, samples map[string][]sample, failed map[string]error) result {
	r := result{bench: b.name, unit: b.unit, about: b.about, counts: map[string]float64{}, err: failed[b.name]}
	mine := samples[b.name]
	if r.err != nil || len(mine) == 0 {
		if r.err == nil {
			r.err = cannot("no round was taken")
		}
		return r
	}
	r.value = median(values(mine))
	for name := range mine[0].counts {
		var vs []float64
		for _, s := range mine {
			if v, ok := s.counts[name]; ok {
				vs = append(vs, v)
			}
		}
		r.counts[name] = median(vs)
		if slices.Contains(worst, name) {
			r.counts[name] = slices.Max(vs)
		}
	}
	r.notes = mine[len(mine)-1].notes
	over := func(name string) (value, ratio float64) {
		other := samples[name]
		if name == "" || failed[name] != nil || len(other) == 0 {
			return 0, 0
		}
		return median(values(other)), median(ratios(values(mine), values(other)))
	}
	r.floorName, r.peerName = b.floor, b.peer
	r.floor, r.ratio = over(b.floor)
	r.peer, r.peerRatio = over(b.peer)
	return r
}

// worst are counts of which the worst round is told, not the median.
var worst = []string{"oversold", "lost", "doubled", "peak_rss_mb"}

func values(ss []sample) []float64 {
	out := make([]float64, len(ss))
	for i, s := range ss {
		out[i] = s.value
	}
	return out
}

// ratios divides round by round, for rounds taken in turn share the machine's mood; where
// one has fewer, its last counts for the rest.
func ratios(a, b []float64) []float64 {
	var out []float64
	for i := range max(len(a), len(b)) {
		if d := b[min(i, len(b)-1)]; d > 0 {
			out = append(out, a[min(i, len(a)-1)]/d)
		}
	}
	return out
}

// median of vs; where two are in the middle, their mean.
func median(vs []float64) float64 {
	if len(vs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(vs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// scratch is a new folder of this run.
func (c *config) scratch(name string) (string, error) {
	return os.MkdirTemp(c.work, strings.ReplaceAll(name, "/", "-")+"-")
}

func profile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("writing the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
