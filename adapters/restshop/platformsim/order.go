package platformsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

func (s *Sim) about(*http.Request, []byte) simhttp.Answer {
	return simhttp.OK(map[string]any{"contract": "paklog-platform", "version": 1, "locations": []any{map[string]any{"id": Location, "name": "Reno"}}})
}

func (s *Sim) show(o *order) any {
	var lines []any
	for _, l := range o.lines {
		lines = append(lines, map[string]any{"id": l.id, "sku": l.sku, "qty": l.qty, "shipped": l.shipped, "title": "The " + l.sku})
	}
	out := map[string]any{
		"id": o.id, "number": o.number, "state": o.state, "updated": o.updated.UTC().Format(time.RFC3339Nano), "ordered": o.created.UTC().Format(time.RFC3339),
		"location": Location, "delivery": "standard", "notes": []any{"ring twice", "thank you"}, "lines": lines,
		"ship_to": map[string]any{
			"name": o.name, "lines": []any{"12 Elm St", "Flat 3"}, "city": "Atlanta", "region": "GA", "postal_code": "30303", "country": o.country,
			"phone": "+1 404 555 0134", "email": "ada@example.com",
		},
	}
	if o.hold != "" {
		out["hold"] = o.hold
	}
	return out
}

func (s *Sim) getOrder(r *http.Request, _ []byte) simhttp.Answer {
	if o := s.find(r.PathValue("id")); o != nil {
		return simhttp.OK(s.show(o))
	}
	return refuse(http.StatusNotFound, "order_unknown", "there is no such order")
}

// mark is where a feed stands: behind the order of this serial number that changed at this moment.
type mark struct {
	at     int64
	serial int
}

func (m mark) before(o *order) bool {
	if at := o.updated.UnixNano(); at != m.at {
		return m.at < at
	}
	return m.serial < o.serial
}

func (s *Sim) getOrders(r *http.Request, _ []byte) simhttp.Answer {
	q := r.URL.Query()
	since, err := time.Parse(time.RFC3339, q.Get("since"))
	if err != nil {
		return refuse(http.StatusBadRequest, "since_invalid", "since is no moment")
	}
	from := mark{since.UnixNano(), 0}
	if after := q.Get("after"); after != "" {
		raw, err := base64.RawURLEncoding.DecodeString(after)
		if _, err2 := fmt.Sscanf(string(raw), "%d/%d", &from.at, &from.serial); err != nil || err2 != nil {
			return refuse(http.StatusBadRequest, "after_invalid", "after is no cursor of ours")
		}
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		return refuse(http.StatusBadRequest, "limit_invalid", "limit is from 1 to 100")
	}
	limit = min(limit, 20) // a platform may give less than it is asked for
	var found []*order
	for _, o := range s.orders {
		if from.before(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *order) int {
		if d := a.updated.Compare(b.updated); d != 0 {
			return d
		}
		return a.serial - b.serial
	})
	out := map[string]any{"orders": []any{}, "total": len(found)}
	list := []any{}
	for _, o := range found[:min(limit, len(found))] {
		list = append(list, s.show(o))
	}
	out["orders"] = list
	if len(found) > limit {
		last := found[limit-1]
		out["next"] = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", last.updated.UnixNano(), last.serial))
	}
	return simhttp.OK(out)
}

type shipBody struct {
	Key   *string `json:"key"`
	Lines []struct {
		Ref *string `json:"ref"`
		Qty *int64  `json:"qty"`
	} `json:"lines"`
	Parcels []struct {
		Carrier  string  `json:"carrier"`
		Tracking *string `json:"tracking"`
	} `json:"parcels"`
	Notify bool `json:"notify"`
}

func (s *Sim) ship(r *http.Request, body []byte) simhttp.Answer {
	var in shipBody
	if err := simhttp.Strict(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "body_invalid", err.Error())
	}
	o := s.find(r.PathValue("id"))
	switch {
	case o == nil:
		return refuse(http.StatusNotFound, "order_unknown", "there is no such order")
	case in.Key == nil || *in.Key == "" || r.Header.Get("Idempotency-Key") != *in.Key:
		return refuse(http.StatusBadRequest, "key_missing", "key is needed, and the same as Idempotency-Key")
	case len(in.Lines) == 0:
		return refuse(http.StatusBadRequest, "lines_missing", "nothing left")
	}
	for _, x := range s.shipped {
		if x.Order == o.id && x.Key == *in.Key {
			return simhttp.OK(map[string]any{"id": x.ID})
		}
	}
	if o.state == "cancelled" {
		return refuse(http.StatusConflict, "order_cancelled", "the order was cancelled")
	}
	sh := Shipped{Order: o.id, Key: *in.Key, Items: map[string]int64{}, Notify: in.Notify}
	for _, x := range in.Lines {
		if x.Ref == nil || x.Qty == nil {
			return refuse(http.StatusBadRequest, "line_invalid", "a line has ref and qty")
		}
		i := slices.IndexFunc(o.lines, func(l *line) bool { return l.id == *x.Ref })
		if i < 0 || *x.Qty < 1 || o.lines[i].shipped+sh.Items[o.lines[i].sku]+*x.Qty > o.lines[i].qty {
			return refuse(http.StatusUnprocessableEntity, "too_much", fmt.Sprintf("%d of line %s are more than is left", *x.Qty, *x.Ref))
		}
		sh.Items[o.lines[i].sku] += *x.Qty
	}
	for _, p := range in.Parcels {
		if p.Tracking == nil || strings.TrimSpace(*p.Tracking) == "" {
			return refuse(http.StatusBadRequest, "parcel_invalid", "a parcel has a tracking number")
		}
		sh.Numbers, sh.Carrier = append(sh.Numbers, *p.Tracking), p.Carrier
	}
	open := int64(0)
	for _, l := range o.lines {
		l.shipped += sh.Items[l.sku]
		s.stock[l.sku].onHand -= sh.Items[l.sku]
		s.stock[l.sku].version++
		open += l.qty - l.shipped
	}
	if open == 0 {
		o.state = "closed"
	}
	o.updated = s.opts.Now()
	sh.ID = fmt.Sprintf("s-%d", len(s.shipped)+1)
	s.shipped = append(s.shipped, sh)
	s.tell("order.changed", o.id)
	return simhttp.Answer{Status: http.StatusCreated, Body: map[string]any{"id": sh.ID}}
}

func (s *Sim) getShipments(r *http.Request, _ []byte) simhttp.Answer {
	if s.find(r.PathValue("id")) == nil {
		return refuse(http.StatusNotFound, "order_unknown", "there is no such order")
	}
	list := []any{}
	for _, x := range s.shipped {
		if x.Order == r.PathValue("id") {
			list = append(list, map[string]any{"id": x.ID, "key": x.Key, "tracking": x.Numbers})
		}
	}
	return simhttp.OK(map[string]any{"shipments": list})
}

func (s *Sim) takeAnswer(r *http.Request, body []byte) simhttp.Answer {
	var in struct {
		Key    string `json:"key"`
		Answer string `json:"answer"`
		Reason string `json:"reason"`
	}
	if err := simhttp.Strict(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "body_invalid", err.Error())
	}
	o := s.find(r.PathValue("id"))
	if o == nil {
		return refuse(http.StatusNotFound, "order_unknown", "there is no such order")
	}
	next := map[string]map[string]string{ // by answer: state before, state after
		"accept": {"asked": "open", "open": "open"}, "reject": {"asked": "cancelled", "cancelled": "cancelled"},
		"accept_cancel": {"withdrawn": "cancelled", "cancelled": "cancelled"}, "reject_cancel": {"withdrawn": "open", "open": "open", "closed": "closed"},
		"hold": {"open": "held", "held": "held"}, "release": {"held": "open", "open": "open"},
	}[in.Answer]
	if next == nil {
		return refuse(http.StatusUnprocessableEntity, "answer_unknown", in.Answer+" is no answer")
	}
	to, ok := next[o.state]
	if !ok {
		return refuse(http.StatusConflict, "state", fmt.Sprintf("order is %s", o.state))
	}
	if to != o.state {
		o.state, o.updated = to, s.opts.Now()
		s.answers = append(s.answers, Answer{o.id, in.Answer, in.Reason})
		s.tell("order.changed", o.id)
	}
	return simhttp.OK(map[string]any{"state": o.state})
}

func (s *Sim) getStock(r *http.Request, _ []byte) simhttp.Answer {
	q := r.URL.Query()
	list := []any{}
	for _, sku := range q["item"] {
		if l := s.stock[sku]; l != nil && q.Get("location") == Location {
			list = append(list, map[string]any{"sku": sku, "on_hand": l.onHand, "version": strconv.FormatInt(l.version, 10)})
		}
	}
	return simhttp.OK(map[string]any{"levels": list})
}

func (s *Sim) setStock(_ *http.Request, body []byte) simhttp.Answer {
	var in struct {
		Location string `json:"location"`
		Levels   []struct {
			SKU     string       `json:"sku"`
			OnHand  *json.Number `json:"on_hand"`
			Version string       `json:"version"`
		} `json:"levels"`
	}
	if err := simhttp.Strict(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "body_invalid", err.Error())
	}
	for _, x := range in.Levels {
		l := s.stock[x.SKU]
		if in.Location != Location || l == nil || x.OnHand == nil {
			return refuse(http.StatusUnprocessableEntity, "level_unknown", x.SKU+" is not stocked there")
		}
		if strconv.FormatInt(l.version, 10) != x.Version {
			return refuse(http.StatusConflict, "version", x.SKU+" was changed meanwhile")
		}
	}
	for _, x := range in.Levels {
		n, err := x.OnHand.Int64()
		if err != nil || n < 0 {
			return refuse(http.StatusUnprocessableEntity, "level_invalid", x.SKU)
		}
		s.stock[x.SKU].onHand, s.stock[x.SKU].version = n, s.stock[x.SKU].version+1
	}
	s.sets++
	return simhttp.OK(map[string]any{"set": len(in.Levels)})
}
