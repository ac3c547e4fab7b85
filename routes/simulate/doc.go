// Package simulate runs a whole warehouse by the hub's own routes, in virtual time and from
// one seed: days of orders, receipts, workers who walk and err, and faults between any two
// steps. What the log says is held against invariants at every event.
//
// It is deterministic: one goroutine does one step after the other, each drawn from the seed,
// on a stepped bus (package bus) over a journal in memory. The same [Config] makes the same log,
// byte for byte, whatever the machine does meanwhile. Nothing outside is reached: the
// carrier is a ledger in memory.
package simulate
