// Package edifactjson writes UN/EDIFACT as canonical JSON and JSON as EDIFACT.
//
// The form is a stream of objects, one an interchange:
//
//	{"unb":["UNB",["UNOC","3"],["4012345000009","14"],["4098765000004","14"],["261123","0915"],"REF7"],
//	 "delimiters":{"component":":","element":"+","decimal":".","release":"?","terminator":"'"},"una":true,"line_end":"\n",
//	 "messages":[
//	  {"unh":["UNH","1",["ORDERS","D","96A","UN"]],"segments":[["BGM","220","ORD-1","9"],["DTM",["137","20261123","102"]]]}]}
//
// A segment is an array of its tag and its elements, empty ones included. Values
// are text: released, in UTF-8, without line breaks that were wrapped into them and
// without trailing blanks. An element with components is an array of strings, one
// that repeats is {"repeat":[...]} of elements. A group is {"ung":[...],
// "messages":[...]} among the messages. "unb" is [] where the messages came without
// an interchange.
//
// Trailers are counted when the JSON is written as EDIFACT: "unt", "une" and "unz"
// stand there only where the document's own differ from that, and are [] where it has
// none. {"package":"..."} is base64 of UNO, its object and UNP; "security" and "stray"
// segments stand where they stood; {"noise":"..."} is base64 of what stands between
// interchanges and is not blank.
//
// Where asked ([Options.Exact]) nothing is lost: whatever would not be written again
// byte for byte is {"seg":[...],"sum":"...","raw":"..."} with the base64 of its bytes,
// blank noise is kept, and the interchange says "exact":true. The sum (CRC-32) is of the
// values of seg: where these are changed, they are written and not the bytes.
package edifactjson
