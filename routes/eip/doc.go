// Package eip holds the enterprise integration patterns (Hohpe, Woolf) as handlers of the
// hub's routes and pieces of them.
//
// A pattern decides and returns data, as every handler does. What it must remember stands in
// pattern state, timers and claims that are written in the same unit as what it sends, so it
// survives a kill and sends once. A timer is a hint and the state is the truth: a timer that
// comes late, early or twice finds in the state that there is nothing to do.
//
// The package knows the hub by the small interfaces [Message], [Out] and [Memory], which
// *routes.Message and *routes.Out satisfy: so flows in package routes use it.
//
// The field Step of a pattern names it within its route; it has no slash. Route and step names are part of the
// stored format: renaming one forgets what it remembers.
package eip
