package custom

import (
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/scope"
)

// Owner is an owner as it is registered.
type Owner struct {
	Owner string `json:"owner"`
	OwnerSpec
}

// OwnerSpec is what may change about an owner.
type OwnerSpec struct {
	Title     string `json:"title,omitempty"`
	Blocked   bool   `json:"blocked,omitempty" doc:"nothing new is taken: no order, no announcement, no stock; what is open goes on"`
	Rotation  string `json:"rotation,omitempty" doc:"strategy of allocation of items that name none; the building's where it is left out"`
	ShelfLife *Life  `json:"shelf_life,omitempty" doc:"days that a lot must still have, of items that expire and name none"`
}

// Spec is the spec in core's words.
func (o *OwnerSpec) Spec() owner.Spec {
	s := owner.Spec{Title: o.Title, Blocked: o.Blocked, Rotation: o.Rotation}
	if o.ShelfLife != nil {
		s.ShelfLife = item.ShelfLife(*o.ShelfLife)
	}
	return s
}

// Register is the command that the owner means.
func (o *Owner) Register(s scope.Scope) owner.Register {
	s.Owner = o.Owner
	return owner.Register{Scope: s, Spec: o.Spec()}
}

// OwnerOf is the document that registers an owner as it is.
func OwnerOf(o owner.Owner) Owner {
	out := Owner{Owner: o.Scope.Owner, OwnerSpec: OwnerSpec{Title: o.Spec.Title, Blocked: o.Spec.Blocked, Rotation: o.Spec.Rotation}}
	if l := Life(o.Spec.ShelfLife); l != (Life{}) {
		out.ShelfLife = &l
	}
	return out
}
