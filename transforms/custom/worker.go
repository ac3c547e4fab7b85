package custom

import (
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/scope"
)

// Worker is a worker as he is registered: a number or a badge, never a name.
type Worker struct {
	Facility  string   `json:"facility,omitempty"`
	Worker    string   `json:"worker"`
	Skills    []string `json:"skills,omitempty"`
	Equipment []string `json:"equipment,omitempty"`
	Zones     []string `json:"zones,omitempty"`
	Home      string   `json:"home,omitempty"`
	Kinds     []string `json:"kinds,omitempty"`
}

// Register is the command that the worker means.
func (w *Worker) Register(s scope.Scope) crew.Register {
	return crew.Register{
		Scope: within(s, "", w.Facility).Building(), Worker: w.Worker,
		Spec: crew.Spec{Skills: w.Skills, Equipment: w.Equipment, Zones: w.Zones, Home: w.Home, Kinds: w.Kinds},
	}
}

// WorkerOf is the document that registers a worker as he is.
func WorkerOf(w crew.Worker) Worker {
	return Worker{
		Facility: w.Scope.Facility, Worker: w.ID, Skills: w.Spec.Skills, Equipment: w.Spec.Equipment, Zones: w.Spec.Zones, Home: w.Spec.Home, Kinds: w.Spec.Kinds,
	}
}
