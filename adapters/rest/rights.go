package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/dlq"
)

// Role is what somebody may do. Each may do what those before it may.
type Role string

// The roles. A key without one is an admin's, as all keys were before there were roles.
const (
	Viewer   Role = "viewer"   // looks; what is personal is not shown
	Support  Role = "support"  // mends what failed
	Operator Role = "operator" // works the warehouse, pauses routes, sends orders
	Admin    Role = "admin"    // lets handhelds in and trusts certificates
)

var roles = []Role{Viewer, Support, Operator, Admin}

// covers reports whether who has role r may do what needs another.
func (r Role) covers(need Role) bool { return slices.Index(roles, r) >= slices.Index(roles, need) }

// Rights are what the holder of a key may do.
type Rights struct {
	Role Role // "" is Admin
	// Scopes are the parts of the API that it is for, by the tags of its description: orders,
	// letters, stock. None is all.
	Scopes []string
	// Partners and Routes narrow it to letters of these trading partners and of these routes, and to
	// pausing the routes. It then opens nothing else.
	Partners, Routes []string
	// Expires is when it opens nothing any more; zero is never.
	Expires time.Time
}

// Validate refuses a role that there is not.
func (r Rights) Validate() error {
	if r.Role != "" && !slices.Contains(roles, r.Role) {
		return fmt.Errorf("%q is no role: viewer, support, operator and admin are", string(r.Role))
	}
	return nil
}

// plain reports whether a key is as keys were before there were rights.
func (r Rights) plain() bool {
	return r.Role == "" && len(r.Scopes)+len(r.Partners)+len(r.Routes) == 0 && r.Expires.IsZero()
}

func (r Rights) narrowed() bool { return len(r.Partners)+len(r.Routes) > 0 }

// of reports whether a letter is one that the rights are about.
func (r Rights) of(partner, route string) bool {
	return (len(r.Partners) == 0 || slices.Contains(r.Partners, partner)) && (len(r.Routes) == 0 || slices.Contains(r.Routes, route))
}

// roleExtension is where the description says who may call an operation.
const roleExtension = "x-paklog-role"

// needs is the least role that an operation asks for. What is not named here and changes
// something is an operator's.
func needs(o *huma.Operation) Role {
	tag := ""
	if len(o.Tags) > 0 {
		tag = o.Tags[0]
	}
	switch tag {
	case "session": // of whoever it is
		return Viewer
	case "devices", "certificates":
		if o.Method != http.MethodGet {
			return Admin
		}
	case "papers", "carriers": // labels and papers bear names and addresses
		return Operator
	case "letters", "replays":
		if o.Method != http.MethodGet || strings.HasSuffix(o.Path, "/edit") {
			return Support
		}
	}
	if o.Method == http.MethodGet {
		return Viewer
	}
	return Operator
}

// Operations that a key which is narrowed to partners or routes may call, by what of their path or
// query is held against it.
var (
	narrowedLetter = []string{"get-letter", "replay-letter", "drop-letter", "get-letter-edit", "check-letter-edit", "propose-letter-edit", "approve-letter-edit", "withdraw-letter-edit"}
	narrowedSearch = []string{"search-letters", "export-letters"}
	narrowedRoute  = []string{"pause-route", "resume-route"}
)

// authorize holds what is called against the rights of who calls, before anything of it is read.
func (s *server) authorize(hctx huma.Context, next func(huma.Context)) {
	o := hctx.Operation()
	c := callOf(hctx.Context())
	if c.bound { // an enrolled device, or one that enrols: held elsewhere
		next(hctx)
		return
	}
	if p := s.may(hctx, o, c); p != nil {
		_, w := humachi.Unwrap(hctx)
		p.Write(w)
		return
	}
	next(hctx)
}

func (s *server) may(hctx huma.Context, o *huma.Operation, c *call) *intake.Problem {
	r := c.rights
	if slices.Contains(o.Tags, "session") {
		return nil
	}
	if need := needs(o); !r.role().covers(need) {
		return forbidden("role", fmt.Sprintf("this needs the role %s, and %s is %s", need, c.client, r.role()))
	}
	if len(r.Scopes) > 0 && !slices.ContainsFunc(o.Tags, func(tag string) bool { return slices.Contains(r.Scopes, tag) }) {
		return forbidden("scope", fmt.Sprintf("the key of %s is for %s", c.client, strings.Join(r.Scopes, ", ")))
	}
	if !r.narrowed() {
		return nil
	}
	only := forbidden("narrowed", fmt.Sprintf("the key of %s is for letters of%s%s alone", c.client, listed(" partners", r.Partners), listed(" routes", r.Routes)))
	switch {
	case slices.Contains(narrowedLetter, o.OperationID):
		if s.deps.Desk == nil {
			return errNoDesk
		}
		id, _ := dlq.ParseName(hctx.Param("id"))
		l, err := s.deps.Desk.Letter(hctx.Context(), id)
		if err != nil && !errors.Is(err, dlq.ErrNone) {
			return intake.From(err)
		}
		if err != nil || !r.of(l.Partner, l.Route) {
			return notFound("letter") // nor does it tell which there are
		}
		return nil
	case slices.Contains(narrowedSearch, o.OperationID):
		return narrowSearch(hctx, r, only)
	case slices.Contains(narrowedRoute, o.OperationID):
		if slices.Contains(r.Routes, hctx.Param("route")) && len(r.Partners) == 0 {
			return nil
		}
	}
	return only
}

func listed(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return what + " " + strings.Join(names, ", ")
}

// narrowSearch lets a search pass that asks for no more than the key is for.
func narrowSearch(hctx huma.Context, r Rights, only *intake.Problem) *intake.Problem {
	for name, allowed := range map[string][]string{"partner": r.Partners, "route": r.Routes} {
		if len(allowed) > 0 && !slices.Contains(allowed, hctx.Query(name)) {
			p := *only
			p.Errors = []intake.Item{{Place: "query." + name, Message: "name one of " + strings.Join(allowed, ", ")}}
			return &p
		}
	}
	return nil
}

func (r Rights) role() Role {
	if r.Role == "" {
		return Admin
	}
	return r.Role
}

// oneLook is how long what somebody looks at again is the same look.
const oneLook = time.Minute

// looks are those of the last moment.
type looks struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// again reports whether somebody looks on at what he saw a moment ago.
func (l *looks) again(who, what string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.last[who+"\x00"+what]
	return ok && now.Sub(at) < oneLook && !now.Before(at)
}

func (l *looks) note(who, what string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || len(l.last) >= 1000 {
		l.last = map[string]time.Time{} // then a look is written down twice
	}
	l.last[who+"\x00"+what] = now
}

// sees reports whether who calls sees what is personal. Where people have rights, it is in the
// audit that he did: what cannot be written there is not shown.
func (s *server) sees(ctx context.Context, what string) (bool, error) {
	c := callOf(ctx)
	if !c.rights.role().covers(Support) {
		return false, nil
	}
	if !s.people || s.deps.Desk == nil {
		return true, nil
	}
	now := s.deps.Now()
	if s.looks.again(c.client, what, now) {
		return true, nil
	}
	if err := s.deps.Desk.Seen(ctx, c.client, what); err != nil {
		return false, s.problem(ctx, err)
	}
	s.looks.note(c.client, what, now)
	return true, nil
}

// measured is what tells metrics, to who is not narrowed to something else.
func measured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := callOf(r.Context()); c.bound || c.rights.narrowed() || len(c.rights.Scopes) > 0 && !slices.Contains(c.rights.Scopes, "metrics") {
			forbidden("scope", "this key is not for metrics").Write(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}
