package routes

import "github.com/paklog/hub/core/event"

// takes are the record types of events: what a route names as its [Route.Types].
func takes(events ...event.Event) []string {
	types := make([]string, len(events))
	for i, e := range events {
		types[i] = e.EventType()
	}
	return types
}
