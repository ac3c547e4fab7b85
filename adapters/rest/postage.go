package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// Carriers are what is asked of carriers on request.
type Carriers interface {
	// Rates are the prices of a parcel; carrier "" asks all.
	Rates(ctx context.Context, p ship.Parcel, carrier string) (ship.Quotes, error)
	// CheckAddress says whether a carrier can deliver to a; carrier "" asks the first that checks addresses.
	CheckAddress(ctx context.Context, a party.Address, carrier string) (ship.AddressCheck, error)
	// Track tells where a parcel is.
	Track(ctx context.Context, carrier, number string) (ship.Tracking, error)
	// Postage is how a label stands, with its bytes; while it is open it waits until ctx ends.
	Postage(ctx context.Context, s scope.Scope, id string) (ship.Postage, []byte, error)
}

// ParcelBody is a parcel to be priced.
type ParcelBody struct {
	From    *custom.Address `json:"from,omitempty" doc:"the warehouse's address where it is left out"`
	To      custom.Address  `json:"to"`
	Weight  int64           `json:"weight_mg" minimum:"1" doc:"gross"`
	Dims    *custom.Dims    `json:"dims,omitempty" doc:"without them it is priced by weight alone"`
	Carrier string          `json:"carrier,omitempty" doc:"a connection, or what orders call it; all are asked where it is left out"`
	Service string          `json:"service,omitempty" doc:"in the carrier's own code"`
}

func (b ParcelBody) parcel() ship.Parcel {
	p := ship.Parcel{Service: b.Service, To: b.To.Party(), Weight: measure.Mass(b.Weight)}
	if b.From != nil {
		p.From = b.From.Party()
	}
	if b.Dims != nil {
		p.Dims = b.Dims.Measure()
	}
	return p
}

// AddressBody is an address to be checked.
type AddressBody struct {
	Address custom.Address `json:"address"`
	Carrier string         `json:"carrier,omitempty" doc:"a connection, or what orders call it; the first that checks addresses where it is left out"`
}

// LabelBody is a parcel whose label is to be bought.
type LabelBody struct {
	ParcelBody
	Owner  string `json:"owner,omitempty" doc:"who it is for; the configured owner where it is left out"`
	Order  string `json:"order,omitempty" maxLength:"35" doc:"a number that is printed on it for people"`
	Format string `json:"format,omitempty" enum:"ZPL,PDF,PNG,GIF" doc:"ZPL where it is left out; not every carrier has every format"`
}

// PostageState is a label that was bought on request, as the door answers.
type PostageState struct {
	ship.Postage
	Image []byte `json:"image,omitempty" doc:"the label as the printer gets it"`
}

// PostagePath names a label that was bought on request.
type PostagePath struct {
	Owner string `path:"owner" maxLength:"128"`
	ID    string `path:"id" maxLength:"128"`
}

func (p PostagePath) in(s scope.Scope) scope.Scope {
	s.Owner = p.Owner
	return s
}

func (p PostagePath) url() string {
	return "/v1/postage/" + url.PathEscape(p.Owner) + "/" + url.PathEscape(p.ID)
}

// Patient is a request that says how long it waits.
type Patient struct {
	Prefer string `header:"Prefer" doc:"wait=SECONDS (RFC 7240): how long the answer may take, 10 where it is left out, 60 at most; after it 202 and where to look"`
}

// How long an answer waits for a carrier.
const (
	usualWait   = 10 * time.Second
	longestWait = time.Minute
)

// wait is how long the caller waits. What is none is ignored, as RFC 7240 wants it.
func (p Patient) wait() time.Duration {
	for part := range strings.SplitSeq(p.Prefer, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if n, err := strconv.Atoi(strings.TrimSpace(value)); strings.EqualFold(strings.TrimSpace(name), "wait") && err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, longestWait)
		}
	}
	return usualWait
}

// carriersOf answers 503 where no carriers are there to be asked.
func (s *server) carriersOf() (Carriers, error) {
	if s.deps.Carriers == nil {
		return nil, intake.New(http.StatusServiceUnavailable, intake.CodeUnavailable, "no carriers are asked here")
	}
	return s.deps.Carriers, nil
}

type buyLabel struct {
	Keyed
	Patient
}

type labelCommand struct {
	PostagePath
	Keyed
	Patient
}

func (s *server) postage() {
	const tag = "carriers"
	register(s, op[ParcelBody, ship.Quotes](s, http.MethodPost, "/v1/rates", "rate-parcel", tag, "Ask carriers side by side what a parcel costs; who does not answer in time is named"), s.rateParcel)
	register(s, op[AddressBody, ship.AddressCheck](s, http.MethodPost, "/v1/addresses/check", "check-address", tag, "Ask a carrier whether it can deliver to an address, and how it spells it"), s.checkAddress)
	register(s, op[LabelBody, PostageState](s, http.MethodPost, "/v1/labels", "buy-label", tag, "Buy the label of a parcel, once per Idempotency-Key, which is needed", http.StatusCreated, http.StatusOK, http.StatusAccepted), s.buyLabel)
	register(s, op[struct{}, PostageState](s, http.MethodGet, "/v1/postage/{owner}/{id}", "get-postage", tag, "A label that was bought on request, with its bytes"),
		func(ctx context.Context, in *PostagePath) (*reply, error) {
			p, image, err := s.lookAt(ctx, *in, 0)
			if err != nil {
				return nil, err
			}
			return s.fresh(p, image, http.StatusOK)
		})
	register(s, printable(s, "/v1/postage/{owner}/{id}/image", "print-postage", tag), s.labelImage)
	register(s, op[ByBody, PostageState](s, http.MethodPost, "/v1/postage/{owner}/{id}/void", "void-postage", tag, "Give a label back to the carrier, or let it not be bought", http.StatusOK, http.StatusAccepted), s.voidLabel)
	register(s, op[struct{}, ship.Tracking](s, http.MethodGet, "/v1/postage/{owner}/{id}/tracking", "track-postage", tag, "Where the parcel of a label is, as its carrier says now"),
		func(ctx context.Context, in *PostagePath) (*reply, error) {
			p, _, err := s.lookAt(ctx, *in, 0)
			if err == nil && p.Tracking == "" {
				err = intake.New(http.StatusConflict, "not_bought", fmt.Sprintf("the label is %s: there is nothing to be tracked", p.Status))
			}
			if err != nil {
				return nil, err
			}
			return s.track(ctx, p.Connection, p.Tracking)
		})
	register(s, op[struct{}, ship.Tracking](s, http.MethodGet, "/v1/tracking/{carrier}/{number}", "track-parcel", tag, "Where a parcel is, as the carrier says now"),
		func(ctx context.Context, in *struct {
			Carrier string `path:"carrier" maxLength:"128" doc:"a connection, or what orders call it"`
			Number  string `path:"number" maxLength:"128" doc:"tracking number"`
		}) (*reply, error) {
			return s.track(ctx, in.Carrier, in.Number)
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/postage", "list-postage", tag, "Labels that were bought on request"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Postage, in) })
}

func (s *server) rateParcel(ctx context.Context, _ *struct{}) (*reply, error) {
	b, err := decode[ParcelBody](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	c, err := s.carriersOf()
	if err != nil {
		return nil, err
	}
	q, err := c.Rates(ctx, b.parcel(), b.Carrier)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.fresh(q, nil, http.StatusOK)
}

func (s *server) checkAddress(ctx context.Context, _ *struct{}) (*reply, error) {
	b, err := decode[AddressBody](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	c, err := s.carriersOf()
	if err != nil {
		return nil, err
	}
	check, err := c.CheckAddress(ctx, b.Address.Party(), b.Carrier)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.fresh(check, nil, http.StatusOK)
}

func (s *server) track(ctx context.Context, carrier, number string) (*reply, error) {
	c, err := s.carriersOf()
	if err != nil {
		return nil, err
	}
	t, err := c.Track(ctx, carrier, number)
	if fault.KindOf(err) == fault.Rejected && err != nil {
		return nil, intake.New(http.StatusNotFound, intake.CodeNotFound, fault.Reason(err))
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.fresh(t, nil, http.StatusOK)
}

func (s *server) buyLabel(ctx context.Context, in *buyLabel) (*reply, error) {
	b, err := decode[LabelBody](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if in.Key == "" {
		p := intake.New(http.StatusBadRequest, "idempotency_key_missing", "a label costs money: give an Idempotency-Key, by which it is bought once however often it is asked for")
		return nil, p
	}
	parcel := b.parcel()
	sc := s.cfg.Scope
	if b.Owner != "" {
		sc.Owner = b.Owner
	}
	made, err := s.do(ctx, door.Postage, door.Ask{Scope: sc, Cmd: ship.AskPostage{
		Connection: b.Carrier, Service: b.Service, Format: ship.Format(b.Format), OrderNumber: b.Order,
		Weight: parcel.Weight, Dims: parcel.Dims, Parties: ship.PostageParties{From: parcel.From, To: parcel.To},
	}}, in.Keyed, "")
	if err != nil {
		return nil, err
	}
	var asked ship.Postage
	if err := json.Unmarshal(made.Body, &asked); err != nil {
		return nil, s.problem(ctx, fault.E("rest.buyLabel", fault.Internal, err))
	}
	return s.settled(ctx, PostagePath{asked.Owner, asked.ID}, in.wait(), made.Replayed, http.StatusCreated)
}

func (s *server) voidLabel(ctx context.Context, in *labelCommand) (*reply, error) {
	b, err := decode[ByBody](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	sc := in.in(s.cfg.Scope)
	asked, err := s.do(ctx, door.Postage, door.Ask{Scope: sc, ID: in.ID, Cmd: ship.VoidPostage{Reason: b.Reason}}, in.Keyed, "", view.Postage, ship.PostageStream(sc, in.ID))
	if err != nil {
		return nil, err
	}
	return s.settled(ctx, in.PostagePath, in.wait(), asked.Replayed, http.StatusOK)
}

// settled answers once the carrier has, or after the wait with 202 and where to look.
func (s *server) settled(ctx context.Context, at PostagePath, wait time.Duration, replayed string, done int) (*reply, error) {
	p, image, err := s.lookAt(ctx, at, wait)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Open():
		done = http.StatusAccepted
	case p.Status == ship.PostageIsRefused:
		return nil, intake.New(http.StatusUnprocessableEntity, "label_refused", p.Reason)
	case replayed != "" || p.Status != ship.PostageIsBought:
		done = http.StatusOK
	}
	out, err := s.fresh(p, image, done)
	if err == nil {
		out.Replayed, out.Location = replayed, at.url()
	}
	return out, err
}

func (s *server) lookAt(ctx context.Context, at PostagePath, wait time.Duration) (ship.Postage, []byte, error) {
	c, err := s.carriersOf()
	if err != nil {
		return ship.Postage{}, nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	p, image, err := c.Postage(waiting, at.in(s.cfg.Scope), at.ID)
	if fault.KindOf(err) == fault.Rejected && err != nil {
		return p, nil, notFound("label")
	}
	if err != nil {
		return p, nil, s.problem(ctx, err)
	}
	return p, image, nil
}

// fresh is an answer that may bear names and addresses: nobody between us and the caller keeps it.
func (s *server) fresh(v any, image []byte, status int) (*reply, error) {
	if p, ok := v.(ship.Postage); ok {
		v = PostageState{p, image}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return &reply{Status: status, Type: "application/json", Cache: "no-store", Position: s.position(), Body: b}, nil
}

// media are the types of labels' bytes.
var media = map[ship.Format]string{ship.ZPL: "application/zpl", ship.PDF: "application/pdf", ship.PNG: "image/png", ship.GIF: "image/gif"}

func printable(s *server, path, id, tag string) huma.Operation {
	o := op[struct{}, struct{}](s, http.MethodGet, path, id, tag, "The bytes of a label that was bought on request, as the printer gets them")
	o.Responses["200"].Content = map[string]*huma.MediaType{}
	for _, m := range media {
		o.Responses["200"].Content[m] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return o
}

func (s *server) labelImage(ctx context.Context, in *PostagePath) (*printed, error) {
	p, image, err := s.lookAt(ctx, *in, 0)
	switch {
	case err != nil:
		return nil, err
	case p.Status != ship.PostageIsBought:
		return nil, intake.New(http.StatusConflict, "not_bought", fmt.Sprintf("the label is %s: there is nothing to print", p.Status))
	case len(image) == 0:
		return nil, intake.New(http.StatusGone, "erased", "the label's bytes are no longer kept")
	}
	return &printed{media[p.Format], fmt.Sprintf("inline; filename=%q", "label-"+p.Tracking+"."+strings.ToLower(string(p.Format))), "no-store", image}, nil
}
