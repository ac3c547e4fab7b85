package sapsim

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// Terms are what else is said of a delivery.
type Terms struct {
	Point     string // shipping point; "" is 1710
	Condition string // shipping condition
	Block     string // delivery block
	Sales     string // the sales order that it is of
	IssueBy   time.Time
	To        Address

	// Of inbound deliveries. Sales is the purchase order there, and Over how many percent more than announced
	// may come.
	Plant, Supplier, Reference string
	Due                        time.Time
	Over                       int64
}

// Address is where a delivery goes.
type Address struct {
	Customer, Name, Street, House, City, Region, PostalCode, Country string
}

// somewhere is where deliveries go of which nobody said it.
var somewhere = Address{"17100001", "Domestic US Customer 1", "Elm St", "12", "Atlanta", "GA", "30303", "US"}

// dateTime is a literal of Edm.DateTime (OData 2.0, Overview, section 6.1), or as JSON writes one.
var dateTime = regexp.MustCompile(`^datetime'(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)'$`)

// filter is what a $filter asks of an entity: comparisons of a property with a literal, joined by and and
// or, in brackets (OData 2.0, URI Conventions, section 4.5).
type filter func(entity map[string]any) bool

var tokens = regexp.MustCompile(`\s*(\(|\)|datetime'[^']*'|'(?:[^']|'')*'|[A-Za-z_]+|\d+)`)

type parser struct {
	left  []string
	known map[string]any // an entity that has all properties
}

func (p *parser) next() string {
	if len(p.left) == 0 {
		return ""
	}
	t := p.left[0]
	p.left = p.left[1:]
	return t
}

func (p *parser) peek() string {
	if len(p.left) == 0 {
		return ""
	}
	return p.left[0]
}

func parseFilter(text string, known map[string]any) (filter, error) {
	p := &parser{known: known}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := tokens.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			return nil, fmt.Errorf("syntax error at %q", rest)
		}
		p.left = append(p.left, rest[m[2]:m[3]])
		rest = rest[m[1]:]
	}
	f, err := p.or()
	if err == nil && len(p.left) > 0 {
		err = fmt.Errorf("syntax error at %q", p.left[0])
	}
	return f, err
}

func (p *parser) or() (filter, error) {
	f, err := p.and()
	for err == nil && p.peek() == "or" {
		p.next()
		a := f
		var b filter
		b, err = p.and()
		f = func(e map[string]any) bool { return a(e) || b(e) }
	}
	return f, err
}

func (p *parser) and() (filter, error) {
	f, err := p.one()
	for err == nil && p.peek() == "and" {
		p.next()
		a := f
		var b filter
		b, err = p.one()
		f = func(e map[string]any) bool { return a(e) && b(e) }
	}
	return f, err
}

func (p *parser) one() (filter, error) {
	if p.peek() == "(" {
		p.next()
		f, err := p.or()
		if err == nil && p.next() != ")" {
			err = errors.New("a bracket is not closed")
		}
		return f, err
	}
	name, op, literal := p.next(), p.next(), p.next()
	if _, known := p.known[name]; !known {
		return nil, fmt.Errorf("property %s not found in the type", name)
	}
	want, err := value(literal)
	if err != nil {
		return nil, err
	}
	if _, day := want.(time.Time); day != strings.HasSuffix(name, "Date") {
		return nil, fmt.Errorf("%s is no literal of the type of %s", literal, name)
	}
	holds, ok := map[string]func(n int) bool{
		"eq": func(n int) bool { return n == 0 }, "ne": func(n int) bool { return n != 0 }, "lt": func(n int) bool { return n < 0 },
		"le": func(n int) bool { return n <= 0 }, "gt": func(n int) bool { return n > 0 }, "ge": func(n int) bool { return n >= 0 },
	}[op]
	if !ok {
		return nil, fmt.Errorf("%q is no operator", op)
	}
	return func(e map[string]any) bool {
		switch want := want.(type) {
		case time.Time:
			at, ok := e[name].(string)
			if !ok { // null compares with nothing
				return op == "ne"
			}
			ms, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(at, "/Date("), ")/"), 10, 64)
			return holds(time.UnixMilli(ms).Compare(want))
		default:
			return holds(strings.Compare(fmt.Sprint(e[name]), fmt.Sprint(want)))
		}
	}, nil
}

func value(literal string) (any, error) {
	if m := dateTime.FindStringSubmatch(literal); m != nil {
		for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
			if at, err := time.Parse(form, m[1]); err == nil {
				return at, nil
			}
		}
	}
	if strings.HasPrefix(literal, "'") {
		return strings.ReplaceAll(strings.Trim(literal, "'"), "''", "'"), nil
	}
	return nil, fmt.Errorf("%q is no literal", literal)
}

func badOption(words string) simhttp.Answer {
	return refuse(http.StatusBadRequest, "/IWFND/CM_BEC/024", words)
}

// whole reads an option that is a number; nothing is otherwise.
func whole(q url.Values, name string, otherwise int) (int, bool) {
	if !q.Has(name) {
		return otherwise, true
	}
	n, err := strconv.Atoi(q.Get(name))
	return n, err == nil && n >= 0
}

func (s *Sim) headers(r *http.Request) simhttp.Answer {
	in := strings.HasPrefix(r.URL.Path, rootOf(true))
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"$top", "$skip", "$skiptoken", "$filter", "$inlinecount", "$select", "$format"}, name) {
			return badOption("Invalid system query option specified")
		}
	}
	model := s.head(&delivery{in: in})
	holds := filter(func(map[string]any) bool { return true })
	if q.Has("$filter") {
		f, err := parseFilter(q.Get("$filter"), model)
		if err != nil {
			return badOption("Invalid query option '$filter': " + err.Error())
		}
		holds = f
	}
	var only []string
	if q.Has("$select") {
		only = strings.Split(q.Get("$select"), ",")
		for _, name := range only {
			if _, known := model[name]; !known {
				return badOption("Property " + name + " not found")
			}
		}
	}
	var all []any
	for _, number := range slices.Sorted(maps.Keys(s.deliveries)) {
		e := s.head(s.deliveries[number])
		if s.deliveries[number].in != in || !holds(e) {
			continue
		}
		if only != nil {
			maps.DeleteFunc(e, func(name string, _ any) bool { return name != "__metadata" && !slices.Contains(only, name) })
		}
		all = append(all, e)
	}
	count := len(all)
	skip, ok1 := whole(q, "$skip", 0)
	top, ok2 := whole(q, "$top", count)
	from, ok3 := whole(q, "$skiptoken", 0)
	if !ok1 || !ok2 || !ok3 {
		return badOption("Invalid system query option specified")
	}
	all = all[min(skip, len(all)):]
	all = all[:min(top, len(all))]
	window := len(all)
	from = min(from, window)
	to := window
	if s.opts.PageSize > 0 {
		to = min(to, from+s.opts.PageSize)
	}
	page := map[string]any{"results": append([]any{}, all[from:to]...)}
	if to < window {
		q.Set("$skiptoken", strconv.Itoa(to))
		page["__next"] = "https://sim.example" + rootOf(in) + "/A_" + side(in) + "DeliveryHeader?" + q.Encode()
	}
	if q.Get("$inlinecount") == "allpages" {
		page["__count"] = strconv.Itoa(count)
	}
	return simhttp.OK(map[string]any{"d": page})
}

// partners are a delivery's, with their addresses where they are asked for.
func (s *Sim) partners(r *http.Request) simhttp.Answer {
	d, a := s.named(r)
	if d == nil {
		return a
	}
	q := r.URL.Query()
	for name := range q {
		if name != "$expand" || q.Get(name) != "to_Address2" && q.Get(name) != "to_Address" {
			return badOption("Invalid system query option specified")
		}
	}
	list := []any{}
	shown := map[bool][2]string{true: {"AG", "WE"}, false: {"SP", "SH"}}[s.opts.Padded]
	for i, function := range shown {
		uri := fmt.Sprintf("%s/A_OutbDeliveryPartner(PartnerFunction='%s',SDDocument='%s')", root, function, d.number)
		p := map[string]any{
			"__metadata":      map[string]any{"id": uri, "uri": uri, "type": "API_OUTBOUND_DELIVERY_SRV.A_OutbDeliveryPartnerType"},
			"PartnerFunction": function, "SDDocument": s.show(d.number, 10), "SDDocumentItem": "", "Customer": s.show(d.To.Customer, 10), "Supplier": "",
			"to_Address2": map[string]any{"__deferred": map[string]any{"uri": uri + "/to_Address2"}},
		}
		if q.Get("$expand") == "to_Address2" {
			name := d.To.Name
			if i == 0 {
				name = "Sold to " + name
			}
			p["to_Address2"] = map[string]any{
				"__metadata": map[string]any{
					"id": uri + "/to_Address2", "uri": uri + "/to_Address2", "type": "API_OUTBOUND_DELIVERY_SRV.A_OutbDeliveryAddress2Type", "etag": d.etag(),
				},
				"DeliveryDocument": s.show(d.number, 10), "PartnerFunction": function, "BusinessPartnerName1": name, "BusinessPartnerName2": "", "StreetName": d.To.Street,
				"HouseNumber": d.To.House, "CityName": d.To.City, "Region": d.To.Region, "PostalCode": d.To.PostalCode, "Country": d.To.Country, "PhoneNumber": "", "EmailAddress": "",
			}
		}
		list = append(list, p)
	}
	return simhttp.OK(map[string]any{"d": map[string]any{"results": list}})
}
