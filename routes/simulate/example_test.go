package simulate_test

import (
	"context"
	"fmt"

	"github.com/paklog/hub/routes/simulate"
)

func ExampleRun() {
	res, err := simulate.Run(context.Background(), simulate.Config{Seed: 1, Orders: 20, Workers: 3, Faults: simulate.AllFaults()})
	if err != nil {
		fmt.Println(err) // a *simulate.Failure names seed and step
		return
	}
	fmt.Println(res.Orders >= 20, res.Events > res.Orders)
	// Output: true true
}
