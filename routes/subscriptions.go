package routes

import (
	"slices"
	"strings"
)

// Consumer is a kind of subscriber that the design names, and the topics it lives by.
type Consumer struct {
	Name   string   `json:"name"`
	Topics []string `json:"topics"`
	// Routes serve it; none means that it is planned.
	Routes []string `json:"routes,omitempty"`
}

// Planned reports whether nobody serves it yet.
func (c Consumer) Planned() bool { return len(c.Routes) == 0 }

// Consumers are those that the design names, as the hub's routes serve them. A route
// serves a consumer when it is named for it and lives by all of its topics.
func (h *Hub) Consumers() []Consumer {
	all := []Consumer{
		{Name: "task", Topics: []string{onWaves}},
		{Name: "pick", Topics: []string{onTasks}},
		{Name: "pack", Topics: []string{onPicks}},
		{Name: "erp", Topics: []string{onOrders}},
		{Name: "wms", Topics: []string{onInventory}},
		{Name: "notifications", Topics: []string{onPacks}},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range all {
		c := &all[i]
		for _, x := range h.routes {
			if serves(x.Route, *c) {
				c.Routes = append(c.Routes, x.Name)
			}
		}
		slices.Sort(c.Routes)
	}
	return all
}

func serves(r Route, c Consumer) bool {
	if r.Name != c.Name && !strings.HasPrefix(r.Name, "out."+c.Name) {
		return false
	}
	for _, t := range c.Topics {
		if !slices.Contains(r.Topics, t) {
			return false
		}
	}
	return true
}
