// Package usps turns parcels into the documents of the USPS APIs, version 3, and
// its answers back: payment authorization, shipping options, domestic labels with
// reprint and cancel, tracking. It is pure.
//
// What it writes is strict: a length USPS does not take is an error with its
// place. What it reads is lenient: a label comes as one JSON document or in
// several parts, and truth values and numbers come as texts.
package usps
