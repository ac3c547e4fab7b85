package routes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/labor"
	truckload "github.com/paklog/hub/core/load"
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
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/dlq"
)

// projection makes documents of one kind from the fold of its streams. What a fold keeps
// apart as personal stays out of the views.
type projection struct {
	version int
	zero    any
	apply   func(state any, e event.Event) (any, error)
	encode  func(state any) (json.RawMessage, error)
	decode  func(json.RawMessage) (any, error)
	status  func(state any) string
	terms   func(state any) []string
}

func project[S any](f event.Fold[S], status func(S) string, terms func(S) []string) projection {
	var zero S
	return projection{
		version: f.Version,
		zero:    zero,
		apply:   func(s any, e event.Event) (any, error) { return f.Apply(s.(S), e) },
		encode:  func(s any) (json.RawMessage, error) { return json.Marshal(s) },
		decode: func(b json.RawMessage) (any, error) {
			var s S
			err := json.Unmarshal(b, &s)
			return s, err
		},
		status: func(s any) string { return status(s.(S)) },
		terms:  func(s any) []string { return terms(s.(S)) },
	}
}

// projections are by the kind of stream, which is that of the document.
var projections = map[string]projection{
	view.Order: project(order.Fold,
		func(o order.Order) string { return string(o.Status()) },
		func(o order.Order) []string {
			terms := []string{o.InWave, o.Source.DocID}
			for _, r := range o.Refs {
				terms = append(terms, r.Value)
			}
			return terms
		}),
	view.Item: project(item.Fold,
		func(item.Item) string { return "" },
		func(i item.Item) []string {
			var terms []string
			for _, c := range i.Spec.Codes {
				terms = append(terms, c.Value)
			}
			return terms
		}),
	view.Location: project(location.Fold,
		func(l location.Location) string { return l.Status },
		func(location.Location) []string { return nil }),
	view.Stock: project(inventory.Fold,
		func(inventory.Stock) string { return "" },
		placesOf),
	view.Owner: project(owner.Fold,
		owner.Owner.Status,
		func(owner.Owner) []string { return nil }),
	view.Crossref: project(crossref.Fold,
		func(e crossref.Entry) string { return e.Status },
		func(e crossref.Entry) []string { return []string{e.Theirs, e.Ours} }),
	view.Facility: project(facility.Fold,
		func(facility.Facility) string { return "" },
		func(facility.Facility) []string { return nil }),
	view.Reservation: project(reservation.Fold,
		reservation.Reservation.Status,
		func(r reservation.Reservation) []string { return []string{r.Item, r.Reference} }),
	view.Count: project(count.Fold,
		func(c count.Count) string { return c.Status },
		func(c count.Count) []string { return []string{c.Item, c.Location, c.Task} }),
	view.Return: project(returns.Fold,
		func(r returns.Return) string { return r.Status },
		func(r returns.Return) []string { return []string{r.Order} }),
	view.Receipt: project(receiving.Fold,
		func(r receiving.Receipt) string { return r.Status },
		func(r receiving.Receipt) []string {
			terms := []string{r.Reference, r.Supplier}
			for _, l := range r.Lines {
				terms = append(terms, l.LPN)
			}
			return terms
		}),
	view.LPN: project(tracking.Fold,
		tracking.LPN.Status,
		func(l tracking.LPN) []string { return []string{l.Ref, l.Last.Location, l.Last.Parent} }),
	// Hashes of codes and tokens are for the door alone.
	view.Device: project(event.Fold[device.Device]{Kind: device.Fold.Kind, Version: device.Fold.Version, Apply: applyOpenly},
		func(d device.Device) string { return d.Status },
		func(device.Device) []string { return nil }),
	view.Wave: project(wave.Fold,
		func(w wave.Wave) string { return string(w.Status) },
		func(wave.Wave) []string { return nil }),
	view.Workload: project(labor.Fold,
		func(w labor.Workload) string {
			if len(w.Risks) > 0 {
				return "at_risk"
			}
			return ""
		},
		func(labor.Workload) []string { return nil }),
	view.Task: project(task.Fold,
		func(t task.Task) string { return string(t.Status) },
		func(t task.Task) []string { return []string{t.Order, t.Wave} }),
	view.Worker: project(crew.Fold,
		func(w crew.Worker) string { return w.Status },
		func(w crew.Worker) []string { return slices.Concat(w.Spec.Skills, w.Spec.Equipment) }),
	view.Pick: project(pick.Fold,
		func(l pick.List) string {
			if l.Status == pick.StatusCompleted && sorted(l.Method) && slices.ContainsFunc(l.Steps, func(st pick.Step) bool { return st.Picked > st.Put }) {
				return view.Sorting
			}
			return string(l.Status)
		},
		func(l pick.List) []string { return []string{l.Order, l.Wave} }),
	view.Pack: project(pack.Fold,
		func(p pack.Packing) string { return string(p.Status) },
		func(p pack.Packing) []string {
			terms := []string{p.Order, p.Wave}
			for _, c := range p.Cartons {
				terms = append(terms, c.Carton)
			}
			for _, c := range p.Loose() {
				terms = append(terms, c.Tote)
			}
			for _, b := range p.Begun {
				terms = append(terms, b.Carton)
			}
			return terms
		}),
	view.Label: project(label.Fold,
		func(l label.Label) string { return string(l.Status) },
		func(l label.Label) []string { return []string{l.Order, l.Tracking, l.Head.Carton} }),
	view.Postage: project(ship.PostageFold,
		func(p ship.Postage) string { return string(p.Status) },
		func(p ship.Postage) []string { return []string{p.OrderNumber, p.Tracking} }),
	view.Pallet: project(pallet.Fold,
		func(p pallet.Pallet) string { return string(p.Status) },
		func(p pallet.Pallet) []string {
			var terms []string
			for _, c := range p.Cartons {
				terms = append(terms, c.SSCC)
			}
			return terms
		}),
	view.Load: project(truckload.Fold,
		func(l truckload.Load) string { return string(l.Status) },
		func(l truckload.Load) []string {
			terms := []string{l.Carrier, l.Trailer, l.SealNo}
			for _, u := range l.Units {
				terms = append(terms, u.SSCC)
			}
			return terms
		}),
	view.Manifest: project(manifest.Fold,
		func(m manifest.Manifest) string { return m.Status },
		func(m manifest.Manifest) []string { return []string{m.Carrier, m.Day} }),
	view.Document: project(document.Fold, document.Document.Status,
		func(d document.Document) []string { return append([]string{d.Interchange, d.Group}, d.About...) }),
	view.Tender: project(tender.Fold,
		func(t tender.Tender) string { return t.Status },
		func(t tender.Tender) []string {
			terms := []string{t.Partner, t.Reference}
			for _, i := range t.Invoices {
				terms = append(terms, i.Number)
			}
			return terms
		}),
	view.Shipment: project(ship.ConfirmFold, shipmentStatus,
		func(s ship.Shipment) []string {
			terms := append([]string{s.Order, s.Wave}, s.Waiting...)
			for _, m := range slices.Concat(s.Ready, s.Gone) {
				terms = append(terms, m.Carton, m.Tracking)
			}
			return terms
		}),
}

// applyOpenly folds a device without what it proves itself by.
func applyOpenly(d device.Device, e event.Event) (device.Device, error) {
	d, err := device.Fold.Apply(d, e)
	d.Code, d.Token = "", ""
	return d, err
}

// mostPlaces bounds by how many locations, lots and LPNs an item's stock is found.
const mostPlaces = 1000

// placesOf are where an item lies, in which lots and on which LPNs.
func placesOf(s inventory.Stock) []string {
	var terms []string
	for i := range s.Shelves[:min(len(s.Shelves), mostPlaces)] {
		p := s.Shelves[i].Place
		terms = append(terms, p.Location, p.Lot, p.LPN)
	}
	return terms
}

func shipmentStatus(s ship.Shipment) string {
	switch {
	case s.Confirmations > 0 && len(s.Waiting) == 0:
		return "confirmed"
	case s.Confirmations > 0:
		return "partially_confirmed"
	}
	return "waiting"
}

// shapeOfViews goes up whenever documents change without a fold's version.
const shapeOfViews = 5

// ViewVersion names what the views look like. A store of another version is built anew.
func ViewVersion() string {
	var kinds []string
	for kind, p := range projections {
		kinds = append(kinds, fmt.Sprintf("%s:%d", kind, p.version))
	}
	slices.Sort(kinds)
	return fmt.Sprintf("%d %s", shapeOfViews, strings.Join(kinds, " "))
}

// streamOf takes the name of a stream that has a projection apart.
func streamOf(name string) (scope.Stream, bool) {
	kind, _, _ := strings.Cut(name, "/")
	if _, ok := projections[kind]; !ok {
		return scope.Stream{}, false
	}
	s, err := scope.ParseStream(name)
	return s, err == nil
}

// letterDoc is a letter, in the journal's own short form: the desk has it whole. Beside it stands
// what the desk's index has of it.
func letterDoc(op journal.LetterOp, at time.Time, pos journal.Pos) (view.Doc, view.DeskLetter, error) {
	l, err := dlq.Decode(op.Letter.Data)
	if err != nil {
		return view.Doc{}, view.DeskLetter{}, err
	}
	terms := []string{op.ID, l.Fingerprint, l.MessageID.String(), l.Correlation}
	x := view.DeskLetter{
		ID: op.ID, State: op.To.String(), Channel: string(l.Channel), Kind: l.Kind, Route: l.Route, Type: l.Type, Partner: l.Partner,
		Fingerprint: l.Fingerprint, Cause: l.Cause, Place: l.Place, Key: l.Key, Correlation: l.Correlation,
		Keys: []string{l.MessageID.String()}, Opened: l.Opened.UTC(), Failed: l.Failed().UTC(), Opening: l.Opening, Position: op.Letter.Pos,
	}
	for _, k := range l.Keys {
		terms = append(terms, k.Value)
		x.Keys = append(x.Keys, k.Kind+"="+k.Value)
	}
	return view.Doc{
		Kind: view.Letter, Key: op.ID, ID: op.ID, Status: op.To.String(), Correlation: l.Correlation,
		Updated: at.UTC(), Position: pos, State: l.Encode(), Terms: terms,
	}, x, nil
}
