package dlq_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/dlq"
)

func Example() {
	ctx := context.Background()
	desk, hub := newDesk()
	why := fault.At("item.Find", fault.Rejected, "lines[0].item", errors.New(`item "X" is not known`))
	id, err := hub.failed("order.place", message(1), why)
	if err != nil {
		fmt.Println(err)
		return
	}
	letters, err := desk.List(ctx, dlq.Filter{Route: "order.place"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range letters {
		fmt.Printf("%s, %s, at %s: %s\n", l.State, l.Kind, l.Place, l.Cause)
		fmt.Println("next:", l.Next)
	}
	fmt.Println("replayed:", desk.Replay(ctx, id, 1, "ann"))
	fmt.Println("again:", errors.Is(desk.Replay(ctx, id, 1, "ben"), dlq.ErrState))
	// Output:
	// open, rejected, at lines[0].item: item "X" is not known
	// next: mend what was refused (master data, address, agreement with the partner); then replay
	// replayed: <nil>
	// again: true
}
