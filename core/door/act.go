package door

import (
	"fmt"
	"time"

	"github.com/paklog/hub/core/scope"
)

// ActType is the type of the message that tells who did what, on audit-events.
const ActType = "command.Done"

// Act tells who did what through a door: the command and the thing it was about, who asked,
// and, of work on the floor, whose hands did it and with which device. A command that changed
// nothing leaves none.
type Act struct {
	scope.Scope           // of the thing
	Door        string    `json:"door"`
	Command     string    `json:"command"` // "pick.Short"
	ID          string    `json:"id"`      // of the thing: order number, SKU, task, wave, ...
	Actor       string    `json:"actor,omitempty"`
	Worker      string    `json:"worker,omitempty"`
	Device      string    `json:"device,omitempty"`
	At          time.Time `json:"at"`
}

// Worked is a command that a worker does with his own hands.
type Worked interface{ DoneBy() string }

// ActOf is what is told of a command that was done.
func ActOf(door string, a *Ask, at time.Time) Act {
	out := Act{Scope: a.Scope, Door: door, Command: fmt.Sprintf("%T", a.Cmd), ID: a.ID, Actor: a.Actor, Device: a.Device, At: at.UTC()}
	if w, ok := a.Cmd.(Worked); ok {
		out.Worker = w.DoneBy()
	}
	return out
}
