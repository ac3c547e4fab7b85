// Package bus runs subscriptions over a [journal.Driver]: it hands records to
// handlers in lanes by key, collects the units they decide, and commits them in groups.
//
// # Threads
//
// One committer goroutine a process drains the units that wait and writes them in
// one transaction; batches form while the last one syncs. Each subscription has one
// dispatcher that reads records (from memory when it keeps up, from the journal when it
// does not) and puts them into lanes: one message of a key at a time, keys in parallel.
//
// # Running ahead
//
// A lane goes on as soon as a unit is handed over, not when it is durable. What a unit
// would change is held in one working set for the whole process, and the next unit is
// judged against that, so lanes that share a stream or an account see each other at
// once. Only what leaves the process waits for the disk: see [Delivery.CommitWait] and [Door].
//
// Should the disk refuse a unit that the working set let pass, the working set is emptied,
// the units that still wait are judged again, and the refused unit's message goes out
// again together with the rest of its lane, under the same ids. Until they are back, nothing of that
// lane starts or is handed over, and a decision on anything that was read before is void.
//
// Lock order: subscription.mu before Bus.mu; never the other way round.
package bus
