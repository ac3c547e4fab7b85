package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/view"
)

// enrolPath is the one path that needs no key: the code is one.
const enrolPath = "/v1/devices/enrol"

// invitation is how long a code is good for.
const invitation = 15 * time.Minute

// InviteBody lets a handheld enrol.
type InviteBody struct {
	Device   string `json:"device" doc:"its name: what its scans are counted under"`
	Facility string `json:"facility,omitempty"`
}

// Invitation is what the handheld enrols with. The code is told once.
type Invitation struct {
	Device string    `json:"device"`
	Code   string    `json:"code"`
	Until  time.Time `json:"until"`
}

// EnrolBody is the code as it was typed or scanned.
type EnrolBody struct {
	Code string `json:"code"`
}

// Enrolled is what a handheld is known by from now on. The token is told once.
type Enrolled struct {
	Device string `json:"device"`
	Token  string `json:"token"`
}

// DevicePath names a device.
type DevicePath struct {
	Device string `path:"device" maxLength:"128"`
}

func (s *server) devices() {
	const tag = "devices"
	register(s, op[InviteBody, Invitation](s, http.MethodPost, "/v1/devices", "invite-device", tag, "Let a handheld enrol, with a code that is good once", http.StatusCreated),
		func(ctx context.Context, _ *struct{}) (*reply, error) {
			b, err := decode[InviteBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			secret := make([]byte, 10)
			_, _ = rand.Read(secret) // never fails
			code := b.Device + "." + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
			until := s.deps.Now().Add(invitation)
			if _, err := s.deviceDoor(ctx, b.Device, b.Facility, device.Invite{Code: sumOf(code), Until: until}); err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.told(ctx, http.StatusCreated, Invitation{b.Device, code, until.UTC()})
		})
	register(s, op[EnrolBody, Enrolled](s, http.MethodPost, enrolPath, "enrol-device", tag, "Exchange the code for the device's own token; over TLS, or on this machine", http.StatusCreated),
		func(ctx context.Context, _ *struct{}) (*reply, error) {
			b, err := decode[EnrolBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			code := strings.TrimSpace(b.Code)
			dot := strings.LastIndexByte(code, '.')
			if dot < 1 {
				return nil, s.problem(ctx, fault.At("rest.enrol", fault.Invalid, "code", errors.New("is no code: it is NAME.LETTERS, as paklog device enrol prints it")))
			}
			name := code[:dot]
			secret := make([]byte, 32)
			_, _ = rand.Read(secret) // never fails
			token := tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + base64.RawURLEncoding.EncodeToString(secret)
			got, err := s.deviceDoor(ctx, name, "", device.Enrol{Code: sumOf(name + strings.ToUpper(code[dot:])), Token: sumOf(token)})
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if !got.OK {
				return nil, forbidden("wrong_code", "the code is wrong, was used, or is older than 15 minutes: ask for another with paklog device enrol")
			}
			return s.told(ctx, http.StatusCreated, Enrolled{name, token})
		})
	register(s, op[struct{}, view.Doc](s, http.MethodPost, "/v1/devices/{device}/revoke", "revoke-device", tag, "Take a handheld's token away"),
		func(ctx context.Context, in *DevicePath) (*reply, error) {
			sc := s.cfg.Scope
			return s.do(ctx, door.Devices, door.Ask{Scope: sc, ID: in.Device, Cmd: device.Revoke{}}, Keyed{}, "", view.Device, device.StreamOf(sc, in.Device))
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/devices/{device}", "get-device", tag, "A handheld"),
		func(ctx context.Context, in *DevicePath) (*answer, error) {
			return s.get(ctx, view.Device, device.StreamOf(s.cfg.Scope, in.Device))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/devices", "list-devices", tag, "Handhelds"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Device, in) })
}

// enrolment is what the door answers to an enrolment or a check.
type enrolment struct {
	Device   string `json:"device"`
	Facility string `json:"facility"`
	OK       bool   `json:"ok"`
}

func (s *server) deviceDoor(ctx context.Context, name, facility string, cmd any) (enrolment, error) {
	actor := ""
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		actor = c.client
	}
	got, err := s.deps.Door.Call(ctx, door.Devices, door.Ask{Scope: inFacility(s.cfg.Scope, facility), ID: name, Cmd: cmd, Actor: actor})
	if err != nil {
		return enrolment{}, err
	}
	a, ok := got.(door.Reply)
	if !ok {
		return enrolment{}, fault.E("rest.devices", fault.Internal, fmt.Errorf("the door answered %T", got))
	}
	var e enrolment
	if err := json.Unmarshal(a.Body, &e); err != nil {
		return enrolment{}, fault.E("rest.devices", fault.Internal, fmt.Errorf("reading the door's answer: %w", err))
	}
	return e, nil
}

func (s *server) told(ctx context.Context, status int, v any) (*reply, error) {
	a, err := s.answer(ctx, v, 0)
	if err != nil {
		return nil, err
	}
	return &reply{Status: status, Type: a.Type, Position: s.position(), Body: a.Body}, nil
}

const tokenPrefix = "pld."

func sumOf(s string) device.Sum {
	sum := sha256.Sum256([]byte(s))
	return device.Sum(hex.EncodeToString(sum[:]))
}

// deviceOf lets an enrolled handheld in, for what is its work.
func (s *server) deviceOf(r *http.Request, token string) (enrolment, *intake.Problem) {
	b64, _, _ := strings.Cut(strings.TrimPrefix(token, tokenPrefix), ".")
	name, err := base64.RawURLEncoding.DecodeString(b64)
	unknown := intake.New(http.StatusUnauthorized, intake.CodeUnauthor, "this device is not enrolled: ask for a code with paklog device enrol")
	if err != nil || len(name) == 0 {
		return enrolment{}, unknown
	}
	e, err := s.deviceDoor(r.Context(), string(name), "", device.Check{Token: sumOf(token)})
	switch kind := fault.KindOf(err); {
	case err == nil && e.OK:
	case err != nil && kind != fault.Rejected && kind != fault.Invalid:
		return enrolment{}, intake.From(err)
	case err != nil:
		p := intake.New(http.StatusUnauthorized, intake.CodeUnauthor, fault.Reason(err))
		return enrolment{}, p
	default:
		return enrolment{}, unknown
	}
	if !forDevices(r) {
		return enrolment{}, forbidden("not_for_devices", "a handheld sends scans and asks for its work; for all else use an API key")
	}
	return e, nil
}

// overTLS refuses to tell a token to whoever listens. A proxy on this machine may have ended
// the TLS.
func overTLS(r *http.Request) *intake.Problem {
	if r.TLS != nil {
		return nil
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
			return nil
		}
	}
	return forbidden("tls_needed", "devices enrol over https alone: the token would be read by others, and a page over plain http does not work off line. Set http.tls in the configuration; paklog device certificate makes one")
}
