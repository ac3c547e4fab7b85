// Package mapping translates a partner's documents by maps that are data: YAML trees whose leaves are
// CEL expressions, compiled once. What a map makes is an order or an expected receipt in the form of
// the REST door, or JSON of any form.
//
//	map: acme-940
//	reads: ["940"]                 # transaction sets, or EDIFACT messages
//	makes: order                   # order, receipt, changes or json
//	zone: America/New_York         # of the document's days; UTC
//	loops:                         # how the set is cut: what a loop begins with, and what else stands in it
//	  party: {first: N1, holds: [N2, N3, N4, PER]}
//	  line: {first: LX, holds: [W01, G69, N9]}
//	tables:
//	  unit: {rows: {EA: each, CA: case}}
//	  carrier: {file: carriers.csv, key: [code], value: scac, default: ""}
//	units:
//	  CA: {of: EA, factor: 12}
//	let:
//	  to: set.party.by("ST")
//	when: set.W05[1] == "N"        # else the document is translated as if there were no map
//	out:
//	  number: set.W05[2]
//	  ship_to: {name: "to.N1[2]", city: "to.N4[1]", country: {$value: "to.N4[4]", $default: "'US'"}}
//	  lines:
//	    $each: set.line
//	    $as: line
//	    $when: line.W01[1] != "0"
//	    item: line.W01.pair("VN", 4)
//	    qty: num(line.W01[1]).whole()
//	    uom: table.unit(line.W01[2])
//
// A leaf that is a string is an expression; numbers and booleans stand for themselves. Keys that begin
// with $ direct: $each makes one item for each of a list, which $as names ("it" where it does not; "index"
// counts from 0), $when leaves out, $let names values, $value with $default and $required is a leaf that
// may be absent. What is absent is left out: null, "", and objects of which all is left out.
//
// Of a set or loop, a tag is the first such segment in it and a loop's name the list of those. A segment
// or element that is not there is empty, no error. s[2] is an element (its first component),
// s.at(2, 1) a component, s.repeats(2) the repetitions of an element, s.pair("UP", 6) what follows a qualifier among
// pairs from element 6 on; set.every("N9") is every segment of a tag, LIST.by("RU") the first segment or
// loop whose first element is that, loop.above() the loops above one of a hierarchy, nearest first.
//
// A map of changes is for what PakLog sends: out is a list of changes to the document that it wrote, made
// before that leaves. at, after, before and remove name a segment or loop that is there.
//
//	makes: changes
//	out:
//	  - {after: set.W06, add: N9, set: {1: "'ZZ'", 2: "set.W06[2]"}}   # a segment more
//	  - {at: set.W03, set: {3: "'KG'", "5.2": "''"}}                    # elements and components; "" takes out
//	  - {$each: set.line, $when: 'it.W12[2] == "0"', remove: it}        # a loop less
//
// Each expression sees the document as it was before all changes. Header, trailer and what is counted in
// them are written afterwards.
//
// There are no floating-point numbers: num("12.50") is exact, with + - * / and comparisons,
// .convert("LB", "KG"), and .whole() .up() .down() .near() or .text(2, "up") to leave it.
// day, day_end, moment and date read CCYYMMDD, YYMMDD and longer forms in the map's zone, and give ""
// for "". pick([a, b]) is the first that is not empty, fail("why") refuses the document.
//
// Maps and documents are not trusted: sizes, depth and the cost of expressions are bounded, and what is
// wrong is an error with its place in the map and in the document.
package mapping
