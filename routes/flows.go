package routes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/labor"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/core/wave"
)

// FlowConfig is what an operator decides about the warehouse flows.
type FlowConfig struct {
	// Tenant and Facility stand in where a command names none.
	Tenant   string
	Facility string
	// Facilities are the other buildings that work. What names none of them and not Facility
	// is refused at every door: its goods would wait where nobody is.
	Facilities []string

	// Outside are those of the buildings that somebody else runs: of their orders nothing is promised,
	// placed or picked here.
	Outside []string

	Wave  WaveConfig
	Labor LaborConfig
	Auto  AutoConfig

	// Tasks is how work is given to people.
	Tasks TaskConfig
	// Lease is how long the automatic worker claims a task for: 10 min.
	Lease time.Duration
	// Strategy that places are chosen by where an item names none: one of
	// inventory.Strategies; "" is FEFO for what expires and FIFO for the rest.
	Strategy string
	// ShelfLife is how many days goods must still have for a customer, by the name of the
	// partner who orders or by the location code that is shipped to.
	ShelfLife map[string]int
	// Steal lets an order that is more urgent than others take what has a place for them
	// and is in nobody's hands yet; they wait for the next receipt.
	Steal     bool
	Count     CountConfig
	Receiving ReceivingConfig
	// Reasons are the codes that an adjustment may be given; empty takes any.
	Reasons []string
	// Shorts is what becomes of goods that nobody finds and no other place has:
	// order.Wait (the default: backorder) or order.Close (never shipped). Orders that ship
	// whole or not at all wait in any case.
	Shorts string
	// Past is what becomes of orders that are open at their cancel-after date: [PastHold] by
	// default.
	Past string

	// SSCC numbers cartons; its Serial is where a new counter begins.
	SSCC     pack.Numbering
	Boxes    []pack.Box
	Pack     PackConfig
	ShipFrom party.Address

	Carriers []CarrierConfig
	// OtherCarriers is the connection for orders that name a carrier which is none of
	// Carriers; "" refuses their labels with a letter.
	OtherCarriers string
	// RateDeadline is how long the slowest carrier is waited for when prices are
	// compared: 5 s.
	RateDeadline time.Duration
	// KeepLabel makes the bytes of a label of more than eip.MaxInline durable and answers with
	// their name; shorter ones are kept by the event itself. It is called before the purchase
	// is written, and may be called again with the same bytes.
	KeepLabel func(ctx context.Context, image []byte) (name string, err error)
	// ReadLabel gives back what KeepLabel kept.
	ReadLabel func(ctx context.Context, name string) (image []byte, err error)
	// Printers print papers by themselves; the first that is for everybody is for all whom none names.
	Printers []PrinterConfig
}

// WaveConfig says when a wave is planned.
type WaveConfig struct {
	Size    int           // orders that fill a wave: 20
	Timeout time.Duration // how long the first order of a wave waits for others: 1 min
	Urgent  time.Duration // an order whose cut-off is nearer than this waits for no others: 1 h
	Manual  bool          // a planned wave waits for a person to release it
	Batch   BatchConfig   // how its orders are put together for picking
	// Templates are other rules for waves; an order belongs to the first that it fits, and the
	// fields above are for all that fit none.
	Templates []WaveTemplate
}

// AutoConfig lets the hub do the floor's work by itself.
type AutoConfig struct {
	Pick bool // claims and picks every task
	Pack bool // closes the cartons that the cartonizer proposes
	// ShortOneIn makes the worker find one unit too few at one step in so many, always at
	// the same ones: the fault of demonstrations. 0 is never.
	ShortOneIn int
}

// CarrierConfig is one connection to a carrier.
type CarrierConfig struct {
	Name    string   // of the connection; part of the stored format
	Aliases []string // what orders may call it too: SCACs, other names
	Port    ship.Carrier
	Service string // bought when an order names none and there is nothing to compare
	// Timeout and ResolveAfter are those of [Effect].
	Timeout      time.Duration
	ResolveAfter time.Duration
	// Confirm says when cartons have left: AtLabel (the default), AtManifest or AtLoad.
	Confirm string
	// Closes is how long after midnight, where the building stands, a day's manifest is
	// closed; 0 is at the day's end.
	Closes time.Duration
}

// When cartons have left.
const (
	AtLabel    = "label"    // with their label
	AtManifest = "manifest" // when the manifest that they are on is closed
	AtLoad     = "load"     // when the load that they are in departs
)

func (c *FlowConfig) defaults() error {
	var errs []error
	if c.Tenant == "" || c.Facility == "" {
		errs = append(errs, errors.New("flows need a tenant and a facility"))
	}
	if c.Wave.Size == 0 {
		c.Wave.Size = 20
	}
	if c.Wave.Size < 1 || c.Wave.Size > MaxWave {
		errs = append(errs, fmt.Errorf("wave size %d is not between 1 and %d", c.Wave.Size, MaxWave))
	}
	if c.Wave.Timeout == 0 {
		c.Wave.Timeout = time.Minute
	}
	if c.Wave.Urgent == 0 {
		c.Wave.Urgent = time.Hour
	}
	names := map[string]bool{}
	for i := range c.Wave.Templates {
		t := &c.Wave.Templates[i]
		errs = append(errs, t.Check())
		if names[t.Name] {
			errs = append(errs, fmt.Errorf("wave template %s is given twice", t.Name))
		}
		names[t.Name] = true
	}
	if err := errors.Join(c.Labor.Standards.Validate(), labor.CheckShifts(c.Labor.Shifts)); err != nil {
		errs = append(errs, fmt.Errorf("labor: %w", err))
	}
	if c.Labor.Every == 0 {
		c.Labor.Every = 5 * time.Minute
	}
	if err := c.Wave.Batch.defaults(); err != nil {
		errs = append(errs, fmt.Errorf("batches: %w", err))
	}
	if c.Lease == 0 {
		c.Lease = 10 * time.Minute
	}
	if c.RateDeadline == 0 {
		c.RateDeadline = 5 * time.Second
	}
	if c.Shorts == "" {
		c.Shorts = order.Wait
	}
	if c.Shorts != order.Wait && c.Shorts != order.Close {
		errs = append(errs, fmt.Errorf("shorts %q is neither %s nor %s", c.Shorts, order.Wait, order.Close))
	}
	switch c.Past {
	case "":
		c.Past = PastHold
	case PastHold, PastCancel, PastIgnore:
	default:
		errs = append(errs, fmt.Errorf("past cancel-after %q is none of %s, %s, %s", c.Past, PastHold, PastCancel, PastIgnore))
	}
	if err := c.Tasks.defaults(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.SSCC.SSCC(); err != nil {
		errs = append(errs, fmt.Errorf("numbering cartons: %w", err))
	}
	if err := c.Receiving.check(); err != nil {
		errs = append(errs, err)
	}
	if c.Pack.Verify == "" {
		c.Pack.Verify = VerifyTrust
	}
	if c.Pack.Verify != VerifyTrust && c.Pack.Verify != VerifyAll {
		errs = append(errs, fmt.Errorf("pack verification %q is neither %s nor %s", c.Pack.Verify, VerifyTrust, VerifyAll))
	}
	if err := inventory.CheckStrategy(c.Strategy); err != nil {
		errs = append(errs, fmt.Errorf("strategy: %w", err))
	}
	seen := map[string]bool{}
	for i, x := range c.Carriers {
		if err := scope.CheckPart(x.Name); err != nil {
			errs = append(errs, fmt.Errorf("carrier %d: name %w", i, err))
		}
		if x.Port == nil {
			errs = append(errs, fmt.Errorf("carrier %s has no port", x.Name))
		}
		switch x.Confirm {
		case "", AtLabel, AtManifest, AtLoad:
		default:
			errs = append(errs, fmt.Errorf("carrier %s: confirm %q is none of %s, %s, %s", x.Name, x.Confirm, AtLabel, AtManifest, AtLoad))
		}
		if x.Closes < 0 || x.Closes >= 24*time.Hour {
			errs = append(errs, fmt.Errorf("carrier %s: its manifest closes at %s, which is no time of the day", x.Name, x.Closes))
		}
		if seen[x.Name] {
			errs = append(errs, fmt.Errorf("carrier %s is named twice", x.Name))
		}
		seen[x.Name] = true
	}
	if c.OtherCarriers != "" && !seen[c.OtherCarriers] {
		errs = append(errs, fmt.Errorf("other carriers: no connection is named %q", c.OtherCarriers))
	}
	return errors.Join(errs...)
}

// Flows are the warehouse's routes on one hub.
type Flows struct {
	hub *Hub
	cfg FlowConfig

	orders       *Aggregate[order.Order]
	items        *Aggregate[item.Item]
	locations    *Aggregate[location.Location]
	owners       *Aggregate[owner.Owner]
	crossrefs    *Aggregate[crossref.Entry]
	facilities   *Aggregate[facility.Facility]
	counts       *Aggregate[count.Count]
	reservations *Aggregate[reservation.Reservation]
	receipts     *Aggregate[receiving.Receipt]
	returns      *Aggregate[returns.Return]
	stocks       *Aggregate[inventory.Stock]
	waves        *Aggregate[wave.Wave]
	workloads    *Aggregate[labor.Workload]
	tasks        *Aggregate[task.Task]
	workers      *Aggregate[crew.Worker]
	picks        *Aggregate[pick.List]
	packs        *Aggregate[pack.Packing]
	labels       *Aggregate[label.Label]
	shipments    *Aggregate[ship.Shipment]
	postages     *Aggregate[ship.Postage]
	lpns         *Aggregate[tracking.LPN]
	scanners     *Aggregate[scan.Device]
	devices      *Aggregate[device.Device]
	pallets      *Aggregate[pallet.Pallet]
	loads        *Aggregate[truckload.Load]
	manifests    *Aggregate[manifest.Manifest]
	documents    *Aggregate[document.Document]
	tenders      *Aggregate[tender.Tender]
	certificates *Aggregate[trust.Exchange]

	carriers  map[string]CarrierConfig
	templates []WaveTemplate

	seen    seenWorks
	shelves shelfIndex
}

// AddFlows adds the doors and services of the warehouse to a hub.
func AddFlows(h *Hub, cfg FlowConfig) (*Flows, error) {
	if err := cfg.defaults(); err != nil {
		return nil, fmt.Errorf("configuring the flows: %w", err)
	}
	reg := h.Registry()
	f := &Flows{
		hub: h, cfg: cfg,
		orders:       NewAggregate(order.Fold, reg),
		items:        NewAggregate(item.Fold, reg),
		locations:    NewAggregate(location.Fold, reg),
		owners:       NewAggregate(owner.Fold, reg),
		crossrefs:    NewAggregate(crossref.Fold, reg),
		facilities:   NewAggregate(facility.Fold, reg),
		counts:       NewAggregate(count.Fold, reg),
		reservations: NewAggregate(reservation.Fold, reg),
		receipts:     NewAggregate(receiving.Fold, reg),
		returns:      NewAggregate(returns.Fold, reg),
		stocks:       NewAggregate(inventory.Fold, reg),
		waves:        NewAggregate(wave.Fold, reg),
		workloads:    NewAggregate(labor.Fold, reg),
		tasks:        NewAggregate(task.Fold, reg),
		workers:      NewAggregate(crew.Fold, reg),
		picks:        NewAggregate(pick.Fold, reg),
		packs:        NewAggregate(pack.Fold, reg),
		labels:       NewAggregate(label.Fold, reg),
		shipments:    NewAggregate(ship.ConfirmFold, reg),
		postages:     NewAggregate(ship.PostageFold, reg),
		lpns:         NewAggregate(tracking.Fold, reg),
		scanners:     NewAggregate(scan.Fold, reg),
		devices:      NewAggregate(device.Fold, reg),
		pallets:      NewAggregate(pallet.Fold, reg),
		loads:        NewAggregate(truckload.Fold, reg),
		manifests:    NewAggregate(manifest.Fold, reg),
		documents:    NewAggregate(document.Fold, reg),
		tenders:      NewAggregate(tender.Fold, reg),
		certificates: NewAggregate(trust.Fold, reg),
		carriers:     map[string]CarrierConfig{},
	}
	f.templates = cfg.Wave.templates()
	for _, c := range cfg.Carriers {
		f.carriers[c.Name] = c
	}
	add := []func() error{
		f.addOrderDoor, f.addMasterDoor, f.addStockDoor, f.addReceiptDoor, f.addWaveDoor, f.addFloorDoor, f.addPrintDoor, f.addPrinters, f.addPostageDoor, f.addDockDoor,
		f.addPlacing, f.addHeldLines, f.addReserving, f.addReservations, f.addCounts, f.addReplenishing, f.addMover, f.addPutAways, f.addPutter, f.addExpiry, f.addBackorders, f.addCancelling, f.addCutOffs,
		f.addWavePlanning, f.addWaveReleasing, f.addWaveOptimizing, f.addWorkload, f.addWaveFinishing, f.addWaveCancelling,
		f.addTasks, f.addTaskFollowing, f.addPreempting, f.addSorter, f.addPackFollowing, f.addLeases, f.addPicks, f.addWorker, f.addPacks, f.addPacker,
		f.addTracking, f.addTrackingDoor, f.addScanDoor, f.addScanResuming, f.addDeviceDoor,
		f.addLabelChoice, f.addPostageChoice, f.addCarriers, f.addRefusedLabels, f.addShipConfirm, f.addManifests, f.addDepartures,
	}
	for _, a := range add {
		if err := a(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Topics that flows consume, as strings of the bus.
const (
	onWaves     = string(event.WaveEvents)
	onOrders    = string(event.OrderEvents)
	onInventory = string(event.InventoryEvents)
	onTasks     = string(event.TaskEvents)
	onPicks     = string(event.PickEvents)
	onPacks     = string(event.PackEvents)
	onTracking  = string(event.TrackingEvents)
	onAudit     = string(event.AuditEvents)
	onExternal  = string(event.ExternalEvents)
)
