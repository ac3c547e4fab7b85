// Package x12 reads and writes ANSI ASC X12 interchanges: it finds the
// delimiters from the data, indexes them, and hands out the envelope piece by
// piece with findings for whatever is wrong. It knows nothing of warehouses.
//
// The founding law is the byte-exact round trip: the Raw bytes of all parts a
// [Reader] returns, in order, are the bytes it read. Nothing is dropped, so
// everything that is not X12 comes out as a part too, and says so.
//
// A Reader recovers. A byte order mark, blanks, odd ISA lengths, missing
// trailers and wrong counts become a [Finding]; a broken transaction set never
// harms its neighbours. Only a [LimitError] or the stream's own error ends it.
//
// Written from X12.5 (interchange control), X12.6 (application control) and
// X12.22 usage as implementers publish it; no X12 table is included.
package x12
