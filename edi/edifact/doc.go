// Package edifact reads and writes UN/EDIFACT interchanges: it finds the
// service characters from UNA or from the data, indexes them, and hands out the
// envelope piece by piece with findings for whatever is wrong. It knows nothing
// of warehouses.
//
// The founding law is the byte-exact round trip: the Raw bytes of all parts a
// [Reader] returns, in order, are the bytes it read. Nothing is dropped, so
// everything that is not EDIFACT comes out as a part too, and says so.
//
// A Reader recovers. A byte order mark, blanks, wrong or missing UNA, missing
// trailers, messages without an interchange and wrong counts become a [Finding];
// a broken message never harms its neighbours. Only a [LimitError] or the
// stream's own error ends it.
//
// Written from ISO 9735 versions 1 to 4 (parts 1, 8 and 10) as UN/CEFACT
// publishes them.
package edifact
