package simtest

import (
	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/core/shop/shoptest"
)

// ShopFaults says which fault of simulators is which trouble of shops' conformance suite.
var ShopFaults = map[shoptest.Trouble]simhttp.Fault{
	shoptest.LostBefore: simhttp.DropBefore, shoptest.ServerError: simhttp.ServerError, shoptest.Outage: simhttp.Outage, shoptest.OutagePage: simhttp.OutageHTML,
	shoptest.TooMany: simhttp.TooMany, shoptest.TokenRevoked: simhttp.Revoke, shoptest.DoneLost: simhttp.AnswerLost, shoptest.DoneSlow: simhttp.Slow,
	shoptest.DoneError: simhttp.LateError, shoptest.DoneGateway: simhttp.GatewayError, shoptest.DoneCut: simhttp.Truncated, shoptest.DonePage: simhttp.HTML,
	shoptest.DoneHuge: simhttp.Huge, shoptest.DoneTwice: simhttp.Doubled, shoptest.DoneNull: simhttp.NullResults, shoptest.DoneReshaped: simhttp.ObjectsForText,
	shoptest.DriftLone: simhttp.LoneObjects, shoptest.DriftExtra: simhttp.ExtraMembers,
}
