package ups_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/fault"
)

// A label is bought, its answer is lost, and the carrier is asked what happened.
func Example() {
	now := func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	sim, err := upssim.New(upssim.Options{Now: now})
	if err != nil {
		panic(err)
	}
	srv := httptest.NewServer(sim)
	defer srv.Close()
	client, err := ups.New(ups.Config{
		Connection: "ups-main", BaseURL: srv.URL, Account: upssim.Account, Now: now,
		ClientID: upssim.ClientID, ClientSecret: func() (string, error) { return upssim.ClientSecret, nil },
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx, parcel := context.Background(), goodParcel("carton-7-1")
	sim.Inject(upssim.OpShip, upssim.AnswerLost)
	_, err = client.Buy(ctx, parcel)
	fmt.Println("buy:", fault.KindOf(err))

	labels, err := client.Resolve(ctx, parcel)
	fmt.Println("resolve:", len(labels), "label", labels[0].TrackingNumber, err)
	fmt.Println("in truth:", sim.Truth().Bought(parcel.Reference))
	// Output:
	// buy: unknown
	// resolve: 1 label 1ZA1B2C30300000012 <nil>
	// in truth: 1
}
