package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
)

// papers is a hub that knows one carton and one order.
type papers struct{ door.Caller }

func (p papers) Call(ctx context.Context, name string, v any) (any, error) {
	a, ok := v.(door.Ask)
	if name != door.Prints || !ok {
		return p.Caller.Call(ctx, name, v)
	}
	to := party.Address{Name: "Jane Doe", Lines: []string{"1 Main St"}, City: "Reno", PostalCode: "89501", Country: "US"}
	var paper any = ship.OrderPaper{Order: "SO-1", To: to}
	if _, carton := a.Cmd.(ship.PrintCarton); carton {
		paper = ship.CartonPaper{SSCC: a.ID, Order: "SO-1", To: to}
	}
	if a.ID != "106141412345678908" && a.ID != "SO-1" {
		return nil, fault.At("routes.Print", fault.Rejected, "carton", errors.New("there is none"))
	}
	body, err := json.Marshal(paper)
	return door.Reply{Body: body}, err
}

func TestPapers(t *testing.T) {
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Door = papers{d.Door} })
	for _, c := range []struct{ path, media, begins string }{
		{"/v1/cartons/106141412345678908/label.zpl", "application/zpl", "^XA"},
		{"/v1/cartons/106141412345678908/label.pdf", "application/pdf", "%PDF-"},
		{"/v1/orders/ACME/SO-1/packing-slip.pdf", "application/pdf", "%PDF-"},
		{"/v1/orders/ACME/SO-1/packing-slip.html", "text/html; charset=utf-8", "<!doctype html>"},
		{"/v1/orders/ACME/SO-1/packing-slip.txt", "text/plain; charset=utf-8", "PACKING SLIP"},
	} {
		res, got := h.must(200, "GET", c.path, "")
		if res.Header.Get("Content-Type") != c.media || !strings.HasPrefix(got, c.begins) || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v: %.40q", c.path, res.Header, got)
		}
	}
	for path, status := range map[string]int{
		"/v1/cartons/106141412345678900/label.zpl":        404,
		"/v1/cartons/1061414123456789080000/label.zpl":    422,
		"/v1/cartons/106141412345678908/label.png":        404,
		"/v1/cartons/106141412345678908/label.zpl?size=2": 422,
		"/v1/orders/ACME/SO-2/packing-slip.pdf":           404,
	} {
		h.refused(status, "GET", path, "")
	}
}
