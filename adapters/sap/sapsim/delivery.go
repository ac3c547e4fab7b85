package sapsim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

type delivery struct {
	Terms
	in             bool // an inbound delivery
	number         string
	items          []*item
	made, changed  time.Time
	version        int
	issued, partly bool
	issues         int
	reversals      int
	billed         bool
	day            time.Time
	locked         bool
}

type item struct {
	Wanted
	no     string
	qty    int64 // in base units
	picked bool
}

func (d *delivery) item(no string) *item {
	for _, i := range d.items {
		if i.no == strings.TrimLeft(no, "0") {
			return i
		}
	}
	return nil
}

// etag is of the head: it changes with whatever changes of the delivery.
func (d *delivery) etag() string {
	return fmt.Sprintf(`W/"datetimeoffset'%s'"`, d.changed.Add(time.Duration(d.version)*time.Microsecond).UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func (s *Sim) change(d *delivery) {
	d.version++
	d.changed = s.opts.Now()
}

// post takes the goods out of the stock.
func (s *Sim) post(d *delivery) {
	d.issued, d.day = true, s.opts.Now().UTC().Truncate(24*time.Hour)
	d.issues++
	s.change(d)
}

func (s *Sim) service(*http.Request) simhttp.Answer {
	return simhttp.OK(map[string]any{"d": map[string]any{"EntitySets": []any{"A_OutbDeliveryHeader", "A_OutbDeliveryItem"}}})
}

// key is the key of an entity in a path.
var key = regexp.MustCompile(`^A_(Outb|Inb)DeliveryHeader\('([^']*)'\)$`)

// side names the service of inbound deliveries in paths and types, or that of outbound ones.
func side(in bool) string {
	if in {
		return "Inb"
	}
	return "Outb"
}

func namespace(in bool) string {
	if in {
		return "API_INBOUND_DELIVERY_SRV"
	}
	return "API_OUTBOUND_DELIVERY_SRV"
}

func rootOf(in bool) string { return "/sap/opu/odata/sap/" + namespace(in) + ";v=0002" }

// named finds the delivery of a path.
func (s *Sim) named(r *http.Request) (*delivery, simhttp.Answer) {
	in := strings.HasPrefix(r.URL.Path, rootOf(true))
	m := key.FindStringSubmatch(r.PathValue("entity"))
	if m == nil || m[1] != side(in) {
		return nil, refuse(http.StatusBadRequest, "/IWFND/CM_MGW/000", "Malformed URI literal syntax")
	}
	d := s.deliveries[strings.TrimLeft(m[2], "0")]
	if d == nil || d.in != in || len(m[2]) > 10 {
		return nil, refuse(http.StatusNotFound, "/IWBEP/CM_MGW_RT/020", "Resource not found for segment 'A_"+side(in)+"DeliveryHeaderType'")
	}
	return d, simhttp.Answer{}
}

func (s *Sim) header(r *http.Request) simhttp.Answer {
	d, a := s.named(r)
	if d == nil {
		return a
	}
	return simhttp.OK(map[string]any{"d": s.head(d)})
}

func (s *Sim) show(number string, width int) string {
	if s.opts.Padded {
		return fmt.Sprintf("%0*s", width, number)
	}
	return number
}

func (s *Sim) head(d *delivery) map[string]any {
	movement, picking := "A", "C"
	switch {
	case d.issued:
		movement = "C"
	case d.partly:
		movement = "B"
	}
	for _, i := range d.items {
		if !i.picked && !i.Text {
			picking = "A"
		}
	}
	var day, changed any
	if d.issued {
		day = asDay(d.day)
	}
	if d.version > 1 {
		changed = asDay(d.changed)
	}
	uri := fmt.Sprintf("%s/A_%sDeliveryHeader('%s')", rootOf(d.in), side(d.in), d.number)
	about := map[string]any{"id": uri, "uri": uri, "type": namespace(d.in) + ".A_" + side(d.in) + "DeliveryHeaderType", "etag": d.etag()}
	if d.in {
		return map[string]any{
			"__metadata": about, "DeliveryDocument": s.show(d.number, 10), "DeliveryDocumentType": "EL", "ReceivingPlant": d.Plant, "OverallGoodsMovementStatus": movement,
			"OverallPickingStatus": picking, "ActualGoodsMovementDate": day, "LastChangeDate": changed, "CreationDate": asDay(d.made), "DeliveryBlockReason": d.Block,
			"DeliveryDate": asDay(d.Due), "Supplier": s.show(d.Supplier, 10), "DeliveryDocumentBySupplier": d.Reference, "ShippingPoint": "",
			"to_DeliveryDocumentItem": map[string]any{"__deferred": map[string]any{"uri": uri + "/to_DeliveryDocumentItem"}},
		}
	}
	return map[string]any{
		"__metadata":       about,
		"DeliveryDocument": s.show(d.number, 10), "DeliveryDocumentType": "LF", "ShippingPoint": cmp.Or(d.Point, "1710"), "OverallGoodsMovementStatus": movement,
		"OverallPickingStatus": picking, "ActualGoodsMovementDate": day, "LastChangeDate": changed, "CreationDate": asDay(d.made),
		"ActualGoodsMovementTime":    "PT00H00M00S",
		"ShippingCondition":          d.Condition,
		"DeliveryBlockReason":        d.Block,
		"ShipToParty":                s.show(d.To.Customer, 10),
		"PlannedGoodsIssueDate":      asDay(d.IssueBy),
		"to_DeliveryDocumentItem":    map[string]any{"__deferred": map[string]any{"uri": uri + "/to_DeliveryDocumentItem"}},
		"to_DeliveryDocumentPartner": map[string]any{"__deferred": map[string]any{"uri": uri + "/to_DeliveryDocumentPartner"}},
		"DeliveryDocumentBySupplier": "", "CompleteDeliveryIsDefined": false,
	}
}

// asDay is a day as OData V2 writes it in JSON; none is null.
func asDay(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return fmt.Sprintf("/Date(%d)/", at.UTC().Truncate(24*time.Hour).UnixMilli())
}

func (s *Sim) items(r *http.Request) simhttp.Answer {
	d, a := s.named(r)
	if d == nil {
		return a
	}
	from := 0
	for name, v := range r.URL.Query() {
		n, err := strconv.Atoi(v[0])
		if name != "$skiptoken" || err != nil || n < 0 || n > len(d.items) {
			return refuse(http.StatusBadRequest, "/IWFND/CM_BEC/024", "Invalid system query option specified")
		}
		from = n
	}
	to := len(d.items)
	if s.opts.PageSize > 0 {
		to = min(to, from+s.opts.PageSize)
	}
	list := []any{}
	for _, i := range d.items[from:to] {
		list = append(list, s.line(d, i))
	}
	page := map[string]any{"results": list}
	if to < len(d.items) {
		page["__next"] = fmt.Sprintf("https://sim.example%s/A_%sDeliveryHeader('%s')/to_DeliveryDocumentItem?$skiptoken=%d", rootOf(d.in), side(d.in), d.number, to)
	}
	return simhttp.OK(map[string]any{"d": page})
}

func decimal(n int64) string { return fmt.Sprintf("%d.000", n) }

func (s *Sim) line(d *delivery, i *item) map[string]any {
	status := func(is bool) string {
		switch {
		case i.Text:
			return ""
		case is:
			return "C"
		}
		return "A"
	}
	irrelevant := ""
	if i.Text {
		irrelevant = "X"
	}
	uri := fmt.Sprintf("%s/A_%sDeliveryItem(DeliveryDocument='%s',DeliveryDocumentItem='%s')", rootOf(d.in), side(d.in), d.number, i.no)
	line := map[string]any{
		"__metadata":       map[string]any{"id": uri, "uri": uri, "type": namespace(d.in) + ".A_" + side(d.in) + "DeliveryItemType"},
		"DeliveryDocument": s.show(d.number, 10), "DeliveryDocumentItem": s.show(i.no, 6), "Material": i.Material, "Plant": cmp.Or(i.Plant, d.Plant, "1710"), "StorageLocation": "171A",
		"BaseUnit": "PC", "DeliveryQuantityUnit": i.Unit, "ActualDeliveredQtyInBaseUnit": decimal(i.qty), "ActualDeliveryQuantity": fmt.Sprintf("%.3f", float64(i.qty)/float64(i.Per)),
		"OriginalDeliveryQuantity": decimal(i.Qty), "DeliveryToBaseQuantityNmrtr": fmt.Sprint(i.Per), "DeliveryToBaseQuantityDnmntr": "1",
		"PickingStatus": status(i.picked), "GoodsMovementStatus": status(d.issued), "IsNotGoodsMovementsRelevant": irrelevant, "Batch": i.Batch,
		"ReferenceSDDocument": s.show(d.Sales, 10),
	}
	if d.in {
		line["OverdelivTolrtdLmtRatioInPct"], line["UnlimitedOverdeliveryIsAllowed"], line["ShelfLifeExpirationDate"] = fmt.Sprintf("%d.0", d.Over), false, asDay(i.Expiry)
	}
	return line
}

// The forms of parameters (OData 2.0, Overview, section 6.1), as the service's description has them.
var (
	quoted = regexp.MustCompile(`^'[^']*(''[^']*)*'$`)
	aDay   = regexp.MustCompile(`^datetime'[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00'$`)
	amount = regexp.MustCompile(`^[-]?[0-9]+(\.[0-9]{1,3})?[mM]$`)
)

var lengths = map[string]int{"DeliveryDocument": 10, "DeliveryDocumentItem": 6, "BaseUnit": 3}

// changing is a function import that changes a delivery: with just its parameters, and the ETag that the
// delivery has.
func (s *Sim) changing(do func(d *delivery, q url.Values) (code, words string), names ...string) func(*http.Request) simhttp.Answer {
	return func(r *http.Request) simhttp.Answer {
		q := r.URL.Query()
		for name := range q {
			if !slices.Contains(names, name) {
				return refuse(http.StatusBadRequest, "/IWFND/CM_MGW_RT/021", "Invalid function import parameter "+name)
			}
		}
		for _, name := range names {
			form := quoted
			switch name {
			case "ActualDeliveredQtyInBaseUnit":
				form = amount
			case "ActualGoodsMovementDate":
				form = aDay
			}
			v := q.Get(name)
			if !form.MatchString(v) || lengths[name] > 0 && len(v)-2 > lengths[name] {
				return refuse(http.StatusBadRequest, "/IWFND/CM_MGW_RT/021", "Malformed URI literal syntax in function import parameter "+name)
			}
			q.Set(name, strings.Trim(v, "'"))
		}
		d := s.deliveries[strings.TrimLeft(q.Get("DeliveryDocument"), "0")]
		switch given := r.Header.Get("If-Match"); {
		case d == nil || d.in != strings.HasPrefix(r.URL.Path, rootOf(true)):
			return refuse(http.StatusNotFound, "VL/559", fmt.Sprintf("Delivery %s does not exist", q.Get("DeliveryDocument")))
		case given == "":
			return refuse(http.StatusPreconditionRequired, "/IWFND/CM_MGW/428", "Precondition required: header If-Match is missing")
		case given != d.etag() && given != "*":
			return refuse(http.StatusPreconditionFailed, "/IWFND/CM_MGW/412", "Precondition failed")
		case d.locked:
			return refuse(http.StatusBadRequest, "VL/046", fmt.Sprintf("Delivery %s is currently being processed by user SMITH", d.number))
		}
		if code, words := do(d, q); code != "" {
			return refuse(http.StatusBadRequest, code, words)
		}
		list := []any{}
		for _, i := range d.items {
			if strings.Contains(r.URL.Path, "/ReverseGoods") { // its messages have another form
				list = append(list, map[string]any{
					"DeliveryDocument": s.show(d.number, 10), "DeliveryDocumentItem": s.show(i.no, 6), "SystemMessageType": "S", "SystemMessageIdentification": "VL", "SystemMessageNumber": "311",
				})
				continue
			}
			list = append(list, map[string]any{
				"DeliveryDocument": s.show(d.number, 10), "DeliveryDocumentItem": s.show(i.no, 6), "Material": i.Material, "Batch": "", "DeliveryQuantityUnit": i.Unit,
				"ActualDeliveryQuantity": decimal(i.qty), "SystemMessageType": "S", "SystemMessageIdentification": "VL", "SystemMessageNumber": "311",
			})
		}
		return simhttp.OK(map[string]any{"d": map[string]any{"results": list}})
	}
}

const moved = "Goods movement for delivery %s has been posted already"

func (s *Sim) pickAll(d *delivery, _ url.Values) (code, words string) {
	if d.issued || d.partly {
		return "VL/024", fmt.Sprintf(moved, d.number)
	}
	for _, i := range d.items {
		i.picked = true
	}
	s.change(d)
	return "", ""
}

func (s *Sim) pickOne(d *delivery, q url.Values) (code, words string) {
	i := d.item(q.Get("DeliveryDocumentItem"))
	whole, part, _ := strings.Cut(strings.TrimRight(q.Get("ActualDeliveredQtyInBaseUnit"), "mM"), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case d.issued || d.partly:
		return "VL/024", fmt.Sprintf(moved, d.number)
	case i == nil || i.Text:
		return "VL/560", fmt.Sprintf("Item %s of delivery %s does not exist", q.Get("DeliveryDocumentItem"), d.number)
	case q.Get("BaseUnit") != "PC":
		return "B1/006", fmt.Sprintf("Unit %s is not the base unit", q.Get("BaseUnit"))
	case err != nil || n < 0 || strings.Trim(part, "0") != "" || n > i.Qty*i.Per*(100+d.Over)/100:
		return "VL/302", fmt.Sprintf("Item %s: more cannot be delivered than %d", i.no, i.Qty*i.Per*(100+d.Over)/100)
	}
	i.qty, i.picked = n, true
	s.change(d)
	return "", ""
}

func (s *Sim) issue(d *delivery, _ url.Values) (code, words string) {
	left := int64(0)
	for _, i := range d.items {
		if i.Text {
			continue
		}
		if !i.picked {
			return "VL/609", "Delivery has not yet been put away / picked (completely)"
		}
		left += i.qty
	}
	switch {
	case d.issued || d.partly:
		return "VL/024", fmt.Sprintf(moved, d.number)
	case left == 0:
		return "VL/078", "No goods movement possible: the delivery quantity is zero"
	case s.closed:
		return "M7/053", "Posting only possible in periods 2026/12 and 2026/11 in company code 1710"
	}
	s.post(d)
	return "", ""
}

// reverse takes the goods movement back; what was picked or put away stays so.
func (s *Sim) reverse(d *delivery, _ url.Values) (code, words string) {
	switch {
	case !d.issued:
		return "VL/606", fmt.Sprintf("No goods movement of delivery %s can be cancelled", d.number)
	case d.billed:
		return "VL/612", fmt.Sprintf("Cancel the billing document of delivery %s first", d.number)
	case s.closed:
		return "M7/053", "Posting only possible in periods 2026/12 and 2026/11 in company code 1710"
	}
	d.issued, d.day = false, time.Time{}
	d.reversals++
	s.change(d)
	return "", ""
}
