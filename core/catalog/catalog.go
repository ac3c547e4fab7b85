// Package catalog lists every event type of the core with its topic and schema
// versions. What is not in it cannot be written.
package catalog

import (
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
	"github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/core/wave"
)

// Schemas are the schemas of all core events. A program adds those of its own
// packages and makes one [event.Registry] of them.
func Schemas() []event.Schema {
	return []event.Schema{
		event.Of[wave.Planned](event.WaveEvents, event.Widened),
		event.Of[wave.Released](event.WaveEvents),
		event.Of[wave.Batched](event.WaveEvents),
		event.Of[wave.OrderAdded](event.WaveEvents),
		event.Of[wave.OptimizeAsked](event.WaveEvents),
		event.Of[wave.OrderFinished](event.WaveEvents),
		event.Of[wave.Completed](event.WaveEvents),
		event.Of[wave.Cancelled](event.WaveEvents),

		event.Of[labor.Planned](event.WaveEvents),
		event.Of[labor.Changed](event.WaveEvents),
		event.Of[labor.AtRisk](event.WaveEvents),

		event.Of[order.Accepted](event.OrderEvents, event.Widened, event.Widened, event.Widened),
		event.Of[order.Rejected](event.OrderEvents),
		event.Of[order.LineHeld](event.OrderEvents),
		event.Of[order.LineReleased](event.OrderEvents),
		event.Of[order.Held](event.OrderEvents),
		event.Of[order.Released](event.OrderEvents),
		event.Of[order.HoldLifted](event.OrderEvents),
		event.Of[order.Changed](event.OrderEvents, event.Widened, event.Widened, event.Widened),
		event.Of[order.SplitInto](event.OrderEvents),
		event.Of[order.SplitFrom](event.OrderEvents),
		event.Of[order.MergedFrom](event.OrderEvents, event.Widened, event.Widened),
		event.Of[order.MergedInto](event.OrderEvents),
		event.Of[order.CutOffMissed](event.OrderEvents),
		event.Of[order.Cancelled](event.OrderEvents),
		event.Of[order.Reserved](event.OrderEvents),
		event.Of[order.Unreserved](event.OrderEvents),
		event.Of[order.Backordered](event.OrderEvents),
		event.Of[order.BackorderReleased](event.OrderEvents),
		event.Of[order.Allocated](event.OrderEvents),
		event.Of[order.Deallocated](event.OrderEvents),
		event.Of[order.Waved](event.OrderEvents),
		event.Of[order.Unwaved](event.OrderEvents),
		event.Of[order.Picked](event.OrderEvents),
		event.Of[order.Shorted](event.OrderEvents),
		event.Of[order.Packed](event.OrderEvents),
		event.Of[order.Unpacked](event.OrderEvents),
		event.Of[order.Shipped](event.OrderEvents, event.Widened),

		event.Of[item.Registered](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[item.Changed](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[owner.Registered](event.InventoryEvents),
		event.Of[owner.Changed](event.InventoryEvents),
		event.Of[crossref.Changed](event.ExternalEvents),
		event.Of[crossref.Removed](event.ExternalEvents),
		event.Of[facility.Registered](event.InventoryEvents, event.Widened),
		event.Of[facility.Changed](event.InventoryEvents, event.Widened),
		event.Of[location.Registered](event.InventoryEvents, event.Widened, event.Widened, event.Widened),
		event.Of[location.Changed](event.InventoryEvents, event.Widened, event.Widened, event.Widened),
		event.Of[location.Blocked](event.InventoryEvents),
		event.Of[location.Unblocked](event.InventoryEvents),
		event.Of[inventory.StockReceived](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockReserved](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockReleased](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockAllocated](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockDeallocated](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockPicked](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockShorted](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockPutBack](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[inventory.StockSorted](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockPacked](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[inventory.StockUnpacked](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockStaged](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockShipped](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockAdjusted](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockTransferred](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[inventory.StockStatusChanged](event.InventoryEvents, event.Widened),
		event.Of[inventory.StockLotHeld](event.InventoryEvents),
		event.Of[inventory.StockLotReleased](event.InventoryEvents),
		event.Of[inventory.StockReassigned](event.InventoryEvents),
		event.Of[inventory.StockCounted](event.InventoryEvents),
		event.Of[reservation.Placed](event.InventoryEvents),
		event.Of[reservation.Extended](event.InventoryEvents),
		event.Of[reservation.Reduced](event.InventoryEvents),
		event.Of[inventory.ReplenishmentAsked](event.InventoryEvents),
		event.Of[count.Opened](event.InventoryEvents, event.Widened),
		event.Of[count.Tallied](event.InventoryEvents),
		event.Of[count.RecountAsked](event.InventoryEvents),
		event.Of[count.Settled](event.InventoryEvents),
		event.Of[count.Cancelled](event.InventoryEvents),
		event.Of[inventory.CountRequested](event.InventoryEvents, event.Widened, event.Widened),
		event.Of[inventory.PutAwayDirected](event.InventoryEvents),
		event.Of[inventory.PutAwayDeferred](event.InventoryEvents),
		event.Of[inventory.StockPutAway](event.InventoryEvents, event.Widened),
		event.Of[receiving.Announced](event.InventoryEvents, event.Widened),
		event.Of[receiving.Changed](event.InventoryEvents, event.Widened),
		event.Of[receiving.Arrived](event.InventoryEvents),
		event.Of[receiving.Received](event.InventoryEvents),
		event.Of[receiving.Judged](event.InventoryEvents, event.Widened),
		event.Of[receiving.Moved](event.InventoryEvents),
		event.Of[receiving.Closed](event.InventoryEvents),
		event.Of[receiving.Cancelled](event.InventoryEvents),
		event.Of[returns.Authorized](event.InventoryEvents),
		event.Of[returns.Received](event.InventoryEvents),
		event.Of[returns.Disposed](event.InventoryEvents),
		event.Of[returns.CreditDue](event.InventoryEvents),
		event.Of[returns.Closed](event.InventoryEvents),
		event.Of[returns.Cancelled](event.InventoryEvents),

		event.Of[task.Created](event.TaskEvents, event.Widened, event.Widened, event.Widened),
		event.Of[task.Preempted](event.TaskEvents),
		event.Of[task.Released](event.TaskEvents),
		event.Of[task.Redirected](event.TaskEvents),
		event.Of[crew.Registered](event.TaskEvents),
		event.Of[crew.Changed](event.TaskEvents),
		event.Of[crew.Retired](event.TaskEvents),
		event.Of[task.Prioritized](event.TaskEvents),
		event.Of[task.Claimed](event.TaskEvents),
		event.Of[task.Renewed](event.TaskEvents),
		event.Of[task.Expired](event.TaskEvents),
		event.Of[task.Completed](event.TaskEvents),
		event.Of[task.Cancelled](event.TaskEvents),

		event.Of[pick.Opened](event.PickEvents, event.Widened, event.Widened),
		event.Of[pick.Dropped](event.PickEvents),
		event.Of[pick.Placed](event.PickEvents),
		event.Of[pick.Consolidated](event.PickEvents),
		event.Of[pick.Confirmed](event.PickEvents),
		event.Of[pick.Shorted](event.PickEvents),
		event.Of[pick.Completed](event.PickEvents),
		event.Of[pick.Cancelled](event.PickEvents, event.Widened),

		event.Of[pack.Opened](event.PackEvents),
		event.Of[pack.Added](event.PackEvents),
		event.Of[pack.Proposed](event.PackEvents, event.Widened, event.Widened),
		event.Of[pack.CartonOpened](event.PackEvents),
		event.Of[pack.Scanned](event.PackEvents),
		event.Of[pack.Taken](event.PackEvents),
		event.Of[pack.Moved](event.PackEvents),
		event.Of[pack.WeightRefused](event.PackEvents),
		event.Of[pack.CartonClosed](event.PackEvents, event.Widened),
		event.Of[pack.CartonReopened](event.PackEvents),
		event.Of[pack.Completed](event.PackEvents),
		event.Of[pack.Cancelled](event.PackEvents),
		event.Of[pallet.Built](event.PackEvents),
		event.Of[pallet.Stacked](event.PackEvents),
		event.Of[pallet.Unstacked](event.PackEvents),
		event.Of[pallet.Closed](event.PackEvents),
		event.Of[pallet.Broken](event.PackEvents),
		event.Of[label.Requested](event.PackEvents),
		event.Of[label.Bought](event.PackEvents),
		event.Of[label.Voided](event.PackEvents),
		event.Of[label.Refused](event.PackEvents),
		event.Of[ship.Planned](event.PackEvents),
		event.Of[ship.CartonManifested](event.PackEvents),
		event.Of[ship.CartonDropped](event.PackEvents),
		event.Of[ship.Confirmed](event.PackEvents),
		event.Of[ship.PostageAsked](event.PackEvents),
		event.Of[ship.PostageBought](event.PackEvents),
		event.Of[ship.PostageRefused](event.PackEvents),
		event.Of[ship.PostageVoidAsked](event.PackEvents),
		event.Of[ship.PostageVoided](event.PackEvents),
		event.Of[ship.PostageKept](event.PackEvents),

		event.Of[tracking.Registered](event.TrackingEvents),
		event.Of[tracking.Moved](event.TrackingEvents),
		event.Of[tracking.Sighted](event.TrackingEvents),
		event.Of[tracking.Loaded](event.TrackingEvents),
		event.Of[tracking.Adopted](event.TrackingEvents),
		event.Of[tracking.Left](event.TrackingEvents),
		event.Of[tracking.Ended](event.TrackingEvents),
		event.Of[scan.Taken](event.TrackingEvents, event.Widened),
		event.Of[scan.Kept](event.TrackingEvents, event.Widened),
		event.Of[scan.GapSkipped](event.TrackingEvents),

		event.Of[device.Invited](event.AuditEvents),
		event.Of[device.CodeRefused](event.AuditEvents),
		event.Of[device.Enrolled](event.AuditEvents),
		event.Of[device.Revoked](event.AuditEvents),

		event.Of[trust.Offered](event.AuditEvents),
		event.Of[trust.Judged](event.AuditEvents),
		event.Of[trust.Asked](event.AuditEvents),
		event.Of[trust.Answered](event.AuditEvents),
		event.Of[load.Planned](event.PackEvents),
		event.Of[load.Assigned](event.PackEvents),
		event.Of[load.Unassigned](event.PackEvents),
		event.Of[load.Scanned](event.PackEvents),
		event.Of[load.Sealed](event.PackEvents),
		event.Of[load.Unsealed](event.PackEvents),
		event.Of[load.Departed](event.PackEvents),
		event.Of[load.Cancelled](event.PackEvents),
		event.Of[manifest.Opened](event.PackEvents, event.Widened),
		event.Of[manifest.Added](event.PackEvents),
		event.Of[manifest.Removed](event.PackEvents),
		event.Of[manifest.Closed](event.PackEvents, event.Widened),

		event.Of[document.Queued](event.ExternalEvents),
		event.Of[document.Written](event.ExternalEvents),
		event.Of[document.Sent](event.ExternalEvents),
		event.Of[document.Acknowledged](event.ExternalEvents),
		event.Of[document.Advised](event.ExternalEvents),
		event.Of[document.Replaced](event.ExternalEvents),
		event.Of[tender.Offered](event.ExternalEvents, event.Widened, event.Widened),
		event.Of[tender.Withdrawn](event.ExternalEvents),
		event.Of[tender.Accepted](event.ExternalEvents),
		event.Of[tender.Declined](event.ExternalEvents),
		event.Of[tender.Tracked](event.ExternalEvents),
		event.Of[tender.Invoiced](event.ExternalEvents),
	}
}
