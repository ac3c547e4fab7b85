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
	// Planned says what it is there for while no route names it.
	Planned string
}

// Catalog is every pattern of the hub, in the order of the book: routing, shape, endpoints,
// failure, management.
func Catalog() []Pattern {
	return []Pattern{
		{NameRouter, "to the topic of the first choice that wants the message", "eip.Choose", "documents by type and partner"},
		{NameFilter, "what is not kept ends here", "eip.Filter", "events that a partner has no part in"},
		{NameRecipientList, "one message to every topic it names, all or none", "eip.RecipientList", "stock levels to the channels an owner sells through"},
		{NameDynamicRouter, "a router whose table changes at run time", "eip.DynamicRouter", "partners moved between facilities without a restart"},
		{NameRoutingSlip, "the message carries the steps ahead of it", "eip.Itinerary, eip.Station", "value-added services an order asks for"},
		{NamePublishSubscribe, "every subscription of a topic gets every message, and fails alone", "Route.Topics", "events to all who consume them"},
		{NameCompeting, "lanes of one subscription share its work, one message of a key at a time", "Route.Parallel", "every route, by its lanes"},

		{NameTranslator, "a partner's document becomes ours, or back", "eip.Translate", "documents in and out"},
		{NameEnricher, "what the message lacks is looked up", "eip.Enrich", "items and units of measure of an order"},
		{NameNormalizer, "several formats become one", "eip.Normalize", "orders of several shop platforms"},
		{NameClaimCheck, "a long payload is kept apart, the message carries its ticket", "eip.CheckIn, eip.Payload", "documents over 64 KiB, with AS2"},
		{NameSplitter, "one message becomes many, streamed", "eip.Splitter", "interchanges into transaction sets"},
		{NameAggregator, "many messages of a key become one", "eip.Aggregator", "cartons of an order into its ship confirm"},
		{NameResequencer, "messages go on in the order of their numbers", "eip.Resequencer", "webhooks of shops that overtake each other"},
		{NameScatterGather, "several are asked at once, the answers are gathered until a deadline", "eip.ScatterGather", "rates, with the second carrier"},
		{NameProcess, "a process is taken through its steps, or back", "eip.Process", "fulfilment that spans partners"},

		{NameChannelAdapter, "bytes of a partner come in or go out", "adapters/", "every door and connector"},
		{NameIdempotent, "what comes again is known, and answered as the first time", "eip.Receive", "every door"},
		{NameRequestReply, "a question to another route, with a deadline", "eip.Requester", "questions to slow partners: accepted, the answer follows"},
		{NameCorrelation, "what an answer is known by", "eip.CorrelationID", "answers of partners"},
		{NameReturnAddress, "where an answer goes", "eip.Answer", "answers between routes"},
		{NameThrottle, "no faster than a bucket's rate", "eip.Throttle", "partners that name a rate and no Retry-After"},
		{NameDelay, "not before its time", "eip.Delay", "documents held until a partner's window opens"},
		{NameExpiration, "nobody wants it after its time", "eip.Expire", "acknowledgements awaited"},

		{NameRetry, "a transient failure is tried again by timer", "routes/hub.go", "every route"},
		{NameDeadLetter, "what cannot be delivered waits for a person", "routes/hub.go, dlq", "every route"},
		{NameInvalid, "what cannot be understood waits apart and holds nobody up", "routes/hub.go, dlq", "every route"},
		{NameBreaker, "a partner that is down is left alone, or a fallback decides", "routes.Guard, eip.Fallback", "every outbound connection"},

		{NameWireTap, "a copy for those who watch", "eip.WireTap", "copies for audit of what leaves"},
		{NameHistory, "the message names the routes it passed", "eip.History", "journeys of a document; circles are found by it"},
		{NameControlBus, "routes are paused, resumed and asked by message", "eip.ControlBus", "operators and alarms"},
	}
}

// Use is a pattern with the routes that use it.
type Use struct {
	Pattern
	Routes []string // sorted; none: see Planned
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
