// Package ups turns parcels into UPS's documents and its answers back: Rating
// v2409, Shipping v2409 with void and label recovery, Tracking v1. It is pure.
//
// What it writes is strict: a length UPS does not take is an error with its
// place, never a cut address. What it reads is lenient: UPS sends an object
// where one element is and an array where many are, and members come and go.
package ups
