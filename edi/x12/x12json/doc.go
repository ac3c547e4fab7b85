// Package x12json writes X12 as canonical JSON and JSON as X12.
//
// The form is a stream of objects, one an interchange:
//
//	{"isa":["ISA","00","","00","","ZZ","ACME","ZZ","PAKLOG","261123","0915","U","00401","000000007","0","P",">"],
//	 "delimiters":{"element":"*","component":">","terminator":"~"},"line_end":"\n",
//	 "groups":[
//	  {"gs":["GS","OW","ACME","PAKLOG","20261123","0915","7","X","004010"],
//	   "sets":[
//	    {"st":["ST","940","0001"],"segments":[["W05","N","ORD-1"],["SVC",["HC","99211"],"100"]]}]}]}
//
// A segment is an array of its tag and its elements as they stand, empty ones
// included; padding is taken off the ISA. An element with components is an array
// of strings, one that repeats is {"repeat":[...]} of elements. Line breaks that
// were wrapped into data are left out. Bytes that are not UTF-8 are taken for
// ISO 8859-1.
//
// Trailers are counted when the JSON is written as X12: "se", "ge" and "iea"
// stand there only where the document's own differ from that, and are [] where it
// has none. "isa" is [] where groups or sets stand without an interchange. "ta1" and "stray" segments stand where they stood: in "groups" or
// "sets". {"noise":"..."} is base64 of what stands between interchanges and is
// not blank.
//
// Where asked ([Options.Exact]) nothing is lost: whatever would not be written
// again byte for byte is {"seg":[...],"sum":"...","raw":"..."} with the base64 of
// its bytes, blank noise is kept, and the interchange says "exact":true. The sum
// (CRC-32) is of the values of seg: where these are changed, they are written and
// not the bytes. A segment with seg and raw without a sum is refused.
//
// Of an ISA, blanks and, before version and control number, zeros are filled in.
// The data of a BIN or BDS may hold delimiters, where the length before it is
// right.
package x12json
