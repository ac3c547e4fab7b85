package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/scope"
)

// accepting answers at once, so that what is measured is the door and no decision.
type accepting struct{ body []byte }

func (a accepting) Call(context.Context, string, any) (any, error) {
	return door.Reply{Created: true, Body: a.body}, nil
}

func BenchmarkPlaceOrder(b *testing.B) {
	h, err := rest.New(rest.Config{Scope: scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}},
		rest.Deps{Door: accepting{[]byte(placed)}, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	body := `{"number":"SO-1001","priority":5,"lines":[{"item":"A-1","qty":3,"uom":"each"},{"item":"A-2","qty":5},{"item":"A-3","qty":1}],` +
		`"ship_to":{"name":"Ada Lovelace","lines":["12 St James's Square"],"city":"London","postal_code":"SW1Y 4JH","country":"GB"},"refs":[{"kind":"po","value":"4711"}]}`
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/orders", strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprint("key-", n))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			b.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
}
