package eip

import "slices"

// Names of the patterns, as routes name them in their Patterns.
const (
	NameTranslator       = "message translator"
	NameRouter           = "content-based router"
	NameFilter           = "message filter"
	NameRecipientList    = "recipient list"
	NameDynamicRouter    = "dynamic router"
	NameSplitter         = "splitter"
	NameAggregator       = "aggregator"
	NameResequencer      = "resequencer"
	NameScatterGather    = "scatter-gather"
	NameRequestReply     = "request-reply"
	NameCorrelation      = "correlation identifier"
	NameReturnAddress    = "return address"
	NameClaimCheck       = "claim check"
	NameWireTap          = "wire tap"
	NameEnricher         = "content enricher"
	NameNormalizer       = "normalizer"
	NameIdempotent       = "idempotent receiver"
	NameRoutingSlip      = "routing slip"
	NameThrottle         = "throttle"
	NameDelay            = "delay"
	NameExpiration       = "expiration"
	NameProcess          = "process manager"
	NameBreaker          = "circuit breaker"
	NamePublishSubscribe = "publish-subscribe"
	NameHistory          = "message history"
	NameControlBus       = "control bus"
	NameRetry            = "retry"
	NameDeadLetter       = "dead letter channel"
	NameInvalid          = "invalid message channel"
	NameChannelAdapter   = "channel adapter"
	NameCompeting        = "competing consumers"
)

// Pattern is one line of the [Catalog].
type Pattern struct {
	Name  string
	About string
	Code  string // what makes it
	// Note is for who looks for the pattern in the routes: why there is none, or which do by
	// themselves what the block does. "every ..." stands for routes that need not be named.
	Note string
}

// Catalog is every pattern of the hub, in the order of the book: routing, shape, endpoints,
// failure, management.
func Catalog() []Pattern {
	return []Pattern{
		{NameRouter, "to the topic of the first choice that wants the message", "eip.Choose", ""},
		{NameFilter, "what is not kept ends here", "eip.Filter", ""},
		{NameRecipientList, "one message to every topic it names, all or none", "eip.RecipientList", "with `notices` of a partner"},
		{NameDynamicRouter, "a router whose table changes at run time", "eip.DynamicRouter", "none: which connection a carrier's name means stands in the configuration, and nothing else is routed by a table that people change"},
		{NameRoutingSlip, "the message carries the steps ahead of it", "eip.Itinerary, eip.Station", "none: no order asks for value-added services yet, whose steps differ from order to order"},
		{NamePublishSubscribe, "every subscription of a topic gets every message, and fails alone", "Route.Topics", ""},
		{NameCompeting, "lanes of one subscription share its work, one message of a key at a time", "Route.Parallel", ""},

		{NameTranslator, "a partner's document becomes ours, or back", "eip.Translate", ""},
		{NameEnricher, "what the message lacks is looked up", "eip.Enrich", ""},
		{NameNormalizer, "several formats become one", "eip.Normalize", ""},
		{NameClaimCheck, "a long payload is kept apart, the message carries its ticket", "eip.CheckIn, eip.Payload", ""},
		{NameSplitter, "one message becomes many, streamed", "eip.Splitter", "task makes the tasks of a wave's orders in one unit with their state"},
		{NameAggregator, "many messages of a key become one", "eip.Aggregator", "pack and ship.confirm ask the aggregates of core, which know what is still to come; x12.split gathers verdicts in its first reading"},
		{NameResequencer, "messages go on in the order of their numbers", "eip.Resequencer", "none: documents carry whole orders and no sequence numbers; scans carry them, and door.scans keeps early ones in their device's stream, for it answers each at once"},
		{NameScatterGather, "several are asked at once, the answers are gathered until a deadline", "eip.ScatterGather, eip.AskAll", "prices change nothing at a carrier, so they are asked within one run and cost no unit"},
		{NameProcess, "a process is taken through its steps, or back", "eip.Process", "none: an order goes on (order.allocate, order.backorder, wave.finish) and back (order.cancel, wave.cancel) by core's aggregates, in one unit with its stock and without waiting for answers; the block is for processes that span partners"},

		{NameChannelAdapter, "bytes of a partner come in or go out", "adapters/", ""},
		{NameIdempotent, "what comes again is known, and answered as the first time", "eip.Receive", "order.place goes by the business key, x12.split by the control numbers of each interchange within a document"},
		{NameRequestReply, "a question to another route, with a deadline", "eip.Requester, Hub.Call", "doors answer who calls; no route asks another"},
		{NameCorrelation, "what an answer is known by", "eip.CorrelationID", "none: x12.ack-watch knows a 997 by the group number that X12 gives back"},
		{NameReturnAddress, "where an answer goes", "eip.Answer", "none: an 855 goes to the partner that stands in the order's source"},
		{NameThrottle, "no faster than a bucket's rate", "eip.Throttle", "with `rate` of a partner"},
		{NameDelay, "not before its time", "eip.Delay", "with `window` of a partner"},
		{NameExpiration, "nobody wants it after its time", "eip.Expire", "none: leases (task.lease) and awaited 997s (x12.ack-watch) end by timers and not by their messages' age, and no document we take expires"},

		{NameRetry, "a transient failure is tried again by timer", "routes/hub.go", "every route"},
		{NameDeadLetter, "what cannot be delivered waits for a person", "routes/hub.go, dlq", ""},
		{NameInvalid, "what cannot be understood waits apart and holds nobody up", "routes/hub.go, dlq", ""},
		{NameBreaker, "a partner that is down is left alone, or a fallback decides", "routes.Guard, eip.Fallback", "an open breaker pauses its connection: no route has another to fall back to"},

		{NameWireTap, "a copy for those who watch", "eip.WireTap", "with `tap` of a partner"},
		{NameHistory, "the message names the routes it passed", "eip.History", ""},
		{NameControlBus, "routes are paused, resumed and asked by message", "eip.ControlBus", ""},
	}
}

// Use is a pattern with the routes that use it.
type Use struct {
	Pattern
	Routes []string // sorted; none: see Note
}

// Uses lays the catalog beside the patterns that each route names. Names that the
// catalog does not hold are returned as unknown.
func Uses(routes map[string][]string) (uses []Use, unknown []string) {
	at := map[string]int{}
	for i, p := range Catalog() {
		at[p.Name] = i
		uses = append(uses, Use{Pattern: p})
	}
	for route, names := range routes {
		for _, n := range names {
			i, ok := at[n]
			if !ok {
				unknown = append(unknown, n)
				continue
			}
			if !slices.Contains(uses[i].Routes, route) {
				uses[i].Routes = append(uses[i].Routes, route)
			}
		}
	}
	for i := range uses {
		slices.Sort(uses[i].Routes)
	}
	slices.Sort(unknown)
	return uses, slices.Compact(unknown)
}
