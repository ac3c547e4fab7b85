package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/label"
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
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/core/wave"
)

// Statuses are those that documents of a kind may have, in the order of their lives; none
// where they have no status.
func Statuses(kind string) []string {
	switch kind {
	case view.Order:
		return texts(
			order.StatusAccepted, order.StatusHeld, order.StatusRejected, order.StatusBackordered, order.StatusPartiallyReserved,
			order.StatusReserved, order.StatusPartiallyAllocated, order.StatusAllocated, order.StatusWaved, order.StatusPicking,
			order.StatusPicked, order.StatusPacking, order.StatusPacked, order.StatusPartiallyShipped, order.StatusShipped,
			order.StatusShort, order.StatusCancelled, order.StatusMerged)
	case view.Owner:
		return []string{owner.StatusActive, owner.StatusBlocked}
	case view.Crossref:
		return []string{crossref.StatusActive, crossref.StatusRemoved}
	case view.Location:
		return []string{location.StatusActive, location.StatusBlocked}
	case view.Wave:
		return texts(wave.StatusPlanned, wave.StatusReleased, wave.StatusCompleted, wave.StatusCancelled)
	case view.Workload:
		return []string{"at_risk"}
	case view.Task:
		return texts(task.StatusOpen, task.StatusClaimed, task.StatusCompleted, task.StatusCancelled)
	case view.Worker:
		return []string{crew.StatusActive, crew.StatusRetired}
	case view.Pick:
		return append(texts(pick.StatusOpen, pick.StatusCompleted, pick.StatusCancelled), view.Sorting)
	case view.Pack:
		return texts(pack.StatusOpen, pack.StatusCompleted, pack.StatusCancelled)
	case view.Label:
		return texts(label.StatusRequested, label.StatusBought, label.StatusVoided, label.StatusRefused)
	case view.Postage:
		return texts(ship.PostageRequested, ship.PostageIsBought, ship.PostageIsRefused, ship.PostageIsVoiding, ship.PostageIsVoided)
	case view.Reservation:
		return []string{"held", reservation.Expired, reservation.Released, reservation.Consumed}
	case view.Count:
		return []string{count.StatusOpen, count.StatusSettled, count.StatusCancelled}
	case view.Receipt:
		return []string{receiving.StatusAnnounced, receiving.StatusArrived, receiving.StatusReceiving, receiving.StatusClosed, receiving.StatusCancelled}
	case view.Return:
		return []string{returns.StatusAuthorized, returns.StatusReceiving, returns.StatusClosed, returns.StatusCancelled}
	case view.LPN:
		return []string{"active", "ended"}
	case view.Device:
		return []string{device.StatusInvited, device.StatusEnrolled, device.StatusRevoked}
	case view.Pallet:
		return texts(pallet.StatusOpen, pallet.StatusClosed, pallet.StatusBroken)
	case view.Load:
		return texts(load.StatusPlanned, load.StatusSealed, load.StatusDeparted, load.StatusCancelled)
	case view.Manifest:
		return []string{manifest.StatusOpen, manifest.StatusClosed}
	case view.Tender:
		return []string{tender.StatusOffered, tender.StatusAccepted, tender.StatusDeclined, tender.StatusWithdrawn}
	case view.Document:
		return []string{document.StatusQueued, document.StatusWritten, document.StatusSent, document.StatusAcknowledged, document.StatusAccepted, document.StatusRejected, document.StatusReplaced}
	case view.Shipment:
		return []string{"waiting", "partially_confirmed", "confirmed"}
	}
	return nil
}

func texts[S ~string](statuses ...S) []string {
	out := make([]string, len(statuses))
	for i, s := range statuses {
		out[i] = string(s)
	}
	return out
}

// noStatus is the problem of a list by a status that nothing of its kind ever has: an empty
// answer would read as if there were none that stand so.
func noStatus(kind, status string) *intake.Problem {
	known := Statuses(kind)
	if status == "" || slices.Contains(known, status) {
		return nil
	}
	says := fmt.Sprintf("%q is none of %s", status, strings.Join(known, ", "))
	if len(known) == 0 {
		says = fmt.Sprintf("a document of kind %s has no status", kind)
	}
	p := intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, "status: "+says)
	p.Errors = []intake.Item{{Place: "query.status", Message: says}}
	return p
}
