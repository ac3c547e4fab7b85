// Package routes says what flows where. The [Hub] hosts every door, service and
// connector as a named handler of one Watermill router; each flow is a file.
//
// A handler decides and returns data: it gets a [Message] and what state it asks for,
// and returns an [Out], which the hub makes durable whole together with the mark that the
// message was handled. It never writes, sleeps or retries. When it fails, it returns an
// error whose fault kind says what may be done next, and hub.go alone decides.
package routes
