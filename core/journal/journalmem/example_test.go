package journalmem_test

import (
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

func Example() {
	ctx := context.Background()
	s := journalmem.New()
	reserve := func(qty int64) *journal.Unit {
		return &journal.Unit{
			ID: journal.NewID(time.Unix(1, 0), [10]byte{byte(qty)}),
			Postings: []journal.Posting{
				{Book: "acme/widget@east", Account: "free", Amount: -qty, Floor: 0},
				{Book: "acme/widget@east", Account: "reserved", Amount: qty, Floor: 0},
			},
			Records: []journal.Record{{Type: "stock.Reserved", Topic: "inventory-events", Key: "acme/widget@east"}},
		}
	}
	receipt := &journal.Unit{Postings: []journal.Posting{
		{Book: "acme/widget@east", Account: "dock", Amount: -10, Floor: journal.NoFloor},
		{Book: "acme/widget@east", Account: "free", Amount: 10, Floor: 0},
	}}
	refusals, err := s.Write(ctx, &journal.Batch{Units: []*journal.Unit{receipt, reserve(7), reserve(4), reserve(3)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, r := range refusals {
		if r != nil {
			fmt.Printf("%d: %v\n", i, r)
		} else {
			fmt.Printf("%d: written\n", i)
		}
	}
	// Output:
	// 0: written
	// 1: written
	// 2: unit refused: account acme/widget@east free would fall below 0 from 3
	// 3: written
}
